// SPDX-License-Identifier: Apache-2.0
//
// Paths of unix sockets are opened with the broker's authority: no link leads
// anywhere else, and what is made is what was named.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "c_headers.h"

extern "C" {
#include "ops/unix_path.h"
}

namespace {

namespace fs = std::filesystem;

class UnixPathGuard : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sockbroker-path.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ + "/real");
    fs::create_directory_symlink(folder_ + "/real", folder_ + "/link");
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sock_addr a = Address("/real/s");
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr *>(&a.ss), a.len), 0);
    ASSERT_EQ(listen(listener_, 5), 0);
  }
  void TearDown() override {
    close(listener_);
    fs::remove_all(folder_);
  }
  struct sock_addr Address(const std::string &below) const {
    struct sock_addr a = {};
    auto *sun = reinterpret_cast<sockaddr_un *>(&a.ss);
    std::string path = folder_ + below;
    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path.c_str(), path.size() + 1);
    a.len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return a;
  }
  int Pin(const std::string &below) const {
    struct sock_addr a = Address(below), pinned = {};
    int fd = unix_path_pin(&a, &pinned);
    if (fd >= 0) close(fd);
    return fd < 0 ? fd : 0;
  }
  int Bind(const std::string &below, unsigned mode) const {
    struct sock_addr a = Address(below);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = unix_path_bind(fd, &a, mode);
    close(fd);
    return r;
  }
  std::string folder_;
  int listener_ = -1;
};

TEST_F(UnixPathGuard, APinnedPathConnectsToTheSocketThatWasThere) {
  struct sock_addr a = Address("/real/s"), pinned = {};
  int pin = unix_path_pin(&a, &pinned), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(pin, 0);
  fs::rename(folder_ + "/real/s", folder_ + "/real/elsewhere");
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&pinned.ss), pinned.len), 0)
      << "the file is held, not its name";
  close(fd);
  close(pin);
}

TEST_F(UnixPathGuard, ALinkAtTheEndIsNotFollowed) {
  fs::create_symlink(folder_ + "/real/s", folder_ + "/real/also");
  EXPECT_NE(Pin("/real/also"), 0);
}

TEST_F(UnixPathGuard, ALinkOnTheWayIsNotFollowed) {
  EXPECT_EQ(Pin("/real/s"), 0);
  EXPECT_EQ(Pin("/link/s"), -EACCES);
}

TEST_F(UnixPathGuard, AFileThatIsNoSocketIsRefused) {
  std::ofstream(folder_ + "/real/file") << "text";
  EXPECT_EQ(Pin("/real/file"), -ECONNREFUSED);
  EXPECT_EQ(Pin("/real/nothing"), -ENOENT);
}

TEST_F(UnixPathGuard, BindThroughALinkMakesNoFile) {
  EXPECT_LT(Bind("/link/new", 0600), 0);
  EXPECT_FALSE(fs::exists(folder_ + "/real/new"));
}

TEST_F(UnixPathGuard, BindMakesTheFileWithTheRulesMode) {
  for (unsigned mode : {0600u, 0660u, 0666u, 0777u}) {
    std::string name = "/real/" + std::to_string(mode);
    struct stat st = {};
    ASSERT_EQ(Bind(name, mode), 0);
    ASSERT_EQ(lstat((folder_ + name).c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 0777, mode);
  }
}

TEST_F(UnixPathGuard, BindOverAFileIsRefusedAndLeavesIt) {
  std::ofstream(folder_ + "/real/file") << "text";
  EXPECT_EQ(Bind("/real/file", 0600), -EADDRINUSE);
  EXPECT_TRUE(fs::is_regular_file(folder_ + "/real/file"));
}

}  // namespace
