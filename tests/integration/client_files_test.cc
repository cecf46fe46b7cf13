// SPDX-License-Identifier: Apache-2.0
// Files, pipes, devices and the kernel's sockets in SCM_RIGHTS, by the C library: each as the
// kernel itself does it, on a socket pair of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sockbroker.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/broker.h"
#include "support/raw_client.h"

using namespace sb_test;

namespace {

size_t OpenDescriptors() {
  size_t n = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) n += !entry.path().empty();
  return n;
}

struct Got {
  ssize_t result;
  int flags;
  size_t control_bytes;
  std::vector<int> fds;
  std::string bytes;
};

// The calls, of the kernel or of the library.
struct Way {
  ssize_t (*send)(int, const msghdr *, int);
  ssize_t (*receive)(int, msghdr *, int);
};
const Way kKernel = {sendmsg, recvmsg}, kBroker = {sb_sendmsg, sb_recvmsg};

ssize_t Send(const Way &way, int through, const std::vector<int> &fds, const std::string &text = "x") {
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  iovec iov = {const_cast<char *>(text.data()), text.size()};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control.data();
  m.msg_controllen = control.size();
  cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  return way.send(through, &m, 0);
}

void Collect(const msghdr &m, Got *got) {
  got->flags = m.msg_flags & ~MSG_CMSG_CLOEXEC;
  got->control_bytes = m.msg_controllen;
  for (cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(const_cast<msghdr *>(&m), c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    got->fds.resize(got->fds.size() + n);
    memcpy(got->fds.data() + got->fds.size() - n, CMSG_DATA(c), n * sizeof(int));
  }
}

Got Receive(const Way &way, int from, int flags = 0, size_t room = CMSG_SPACE(300 * sizeof(int))) {
  char bytes[100];
  std::vector<char> control(room + 1);
  iovec iov = {bytes, sizeof(bytes)};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control.data();
  m.msg_controllen = room;
  Got got = {way.receive(from, &m, flags), 0, 0, {}, ""};
  if (got.result >= 0) got.bytes.assign(bytes, static_cast<size_t>(got.result));
  if (got.result >= 0) Collect(m, &got);
  return got;
}

void CloseAll(const std::vector<int> &fds) {
  for (int fd : fds)
    if (sb_close(fd) && errno == ENOTSOCK) close(fd);
}

bool IsSame(int a, int b) {
  struct stat x, y;
  return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
    broker_ = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
    ASSERT_NE(nullptr, broker_) << sb_error_message();
    std::tie(a_, b_) = Pair();
    null_ = open("/dev/null", O_RDWR | O_CLOEXEC);
    folder_ = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FILE *file = tmpfile();
    file_ = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
    fclose(file);
    ASSERT_EQ(0, pipe2(pipe_, O_CLOEXEC));
  }
  void TearDown() override {
    for (int fd : {a_, b_}) sb_close(fd);
    for (int fd : {null_, folder_, file_, pipe_[0], pipe_[1]})
      if (fd >= 0) close(fd);
    sb_disconnect_broker(broker_);
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
    EXPECT_EQ(std::string::npos, daemon_.Log().find("Sanitizer")) << daemon_.Log();
  }
  std::pair<int, int> Pair(int type = SOCK_STREAM) {
    int sv[2] = {-1, -1};
    EXPECT_EQ(0, sb_socketpair_at(broker_, AF_UNIX, type, 0, sv)) << sb_error_message();
    return {sv[0], sv[1]};
  }
  Got Through(const std::vector<int> &fds, int flags = 0) {
    EXPECT_EQ(1, Send(kBroker, a_, fds)) << sb_error_message();
    return Receive(kBroker, b_, flags);
  }
  Broker daemon_;
  sb_broker *broker_ = nullptr;
  int a_ = -1, b_ = -1, null_ = -1, folder_ = -1, file_ = -1, pipe_[2] = {-1, -1};
};

TEST_F(Files, FilesFoldersDevicesAndPipesTravel) {
  const std::vector<int> sent = {file_, folder_, null_, pipe_[1]};
  const Got got = Through(sent);
  ASSERT_EQ(sent.size(), got.fds.size()) << sb_error_message();
  EXPECT_EQ(0, got.flags);
  for (size_t i = 0; i < sent.size(); i++) {
    EXPECT_NE(sent[i], got.fds[i]);
    EXPECT_TRUE(IsSame(sent[i], got.fds[i])) << i;
  }
  CloseAll(got.fds);
}

TEST_F(Files, TheDescriptionIsTheSendersWithItsPlace) {
  const Got got = Through({file_});
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_EQ(5, write(got.fds[0], "hello", 5));
  EXPECT_EQ(5, lseek(file_, 0, SEEK_CUR));
  CloseAll(got.fds);
}

TEST_F(Files, TheBrokerKeepsNoneOfThem) {
  const Got got = Through({pipe_[1]});
  ASSERT_EQ(1u, got.fds.size());
  close(pipe_[1]);
  pipe_[1] = -1;
  ASSERT_EQ(1, write(got.fds[0], "x", 1));
  CloseAll(got.fds);
  char bytes[10];
  EXPECT_EQ(1, read(pipe_[0], bytes, sizeof(bytes)));
  EXPECT_EQ(0, read(pipe_[0], bytes, sizeof(bytes))) << "somebody else has it";
}

TEST_F(Files, CloseOnExecIsAsAskedFor) {
  const Got plain = Through({null_}), cloexec = Through({null_}, MSG_CMSG_CLOEXEC);
  ASSERT_EQ(1u, plain.fds.size());
  ASSERT_EQ(1u, cloexec.fds.size());
  EXPECT_EQ(0, fcntl(plain.fds[0], F_GETFD));
  EXPECT_EQ(FD_CLOEXEC, fcntl(cloexec.fds[0], F_GETFD));
  CloseAll(plain.fds);
  CloseAll(cloexec.fds);
}

TEST_F(Files, WhateverRoomThereIsItIsUsedAsTheKernelUsesIt) {
  int sv[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
  for (size_t room = 0; room <= CMSG_SPACE(4 * sizeof(int)); room++) {
    ASSERT_EQ(1, Send(kKernel, sv[0], {null_, file_, folder_}));
    ASSERT_EQ(1, Send(kBroker, a_, {null_, file_, folder_})) << sb_error_message();
    const Got expected = Receive(kKernel, sv[1], 0, room), got = Receive(kBroker, b_, 0, room);
    EXPECT_EQ(expected.fds.size(), got.fds.size()) << room;
    EXPECT_EQ(expected.flags, got.flags) << room;
    EXPECT_EQ(expected.control_bytes, got.control_bytes) << room;
    CloseAll(expected.fds);
    CloseAll(got.fds);
  }
  for (int fd : sv) close(fd);
}

TEST_F(Files, ALookAheadGivesThemToo) {
  ASSERT_EQ(1, Send(kBroker, a_, {null_}));
  const Got first = Receive(kBroker, b_, MSG_PEEK), then = Receive(kBroker, b_);
  EXPECT_EQ(1u, first.fds.size());
  ASSERT_EQ(1u, then.fds.size());
  EXPECT_TRUE(IsSame(null_, then.fds[0]));
  CloseAll(first.fds);
  CloseAll(then.fds);
}

TEST_F(Files, AsManyTravelAtOnceAsByTheKernel) {
  EXPECT_EQ(-1, Send(kBroker, a_, std::vector<int>(254, null_)));
  EXPECT_EQ(EINVAL, errno);
  const Got got = Through(std::vector<int>(253, null_));
  EXPECT_EQ(253u, got.fds.size());
  CloseAll(got.fds);
}

TEST_F(Files, TheyTravelWithSocketsAndInOrder) {
  auto [c, d] = Pair();
  const Got got = Through({null_, c, file_});
  ASSERT_EQ(3u, got.fds.size());
  EXPECT_TRUE(IsSame(null_, got.fds[0]));
  EXPECT_TRUE(IsSame(file_, got.fds[2]));
  EXPECT_EQ(1, sb_send(got.fds[1], "x", 1, 0)) << sb_error_message();
  char byte = 0;
  EXPECT_EQ(1, sb_recv(d, &byte, 1, 0));
  CloseAll(got.fds);
  for (int fd : {c, d}) sb_close(fd);
}

TEST_F(Files, ASocketOfTheKernelsArrivesAsOneOfTheBrokers) {
  int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in addr = {}, same = {};
  socklen_t len = sizeof(addr);
  addr.sin_family = AF_INET;
  ASSERT_EQ(0, bind(own, reinterpret_cast<sockaddr *>(&addr), len));
  ASSERT_EQ(0, getsockname(own, reinterpret_cast<sockaddr *>(&addr), &len));
  const Got got = Through({own});
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_EQ(0, sb_getsockname(got.fds[0], reinterpret_cast<sockaddr *>(&same), &len)) << sb_error_message();
  EXPECT_EQ(addr.sin_port, same.sin_port);
  CloseAll(got.fds);
  close(own);
}

TEST_F(Files, ManyMessagesCarryThemToo) {
  mmsghdr out[2] = {}, in[2] = {};
  char control[2][CMSG_SPACE(sizeof(int))] = {}, room[2][CMSG_SPACE(sizeof(int))] = {}, bytes[2] = {};
  iovec to[2], from[2];
  auto [c, d] = Pair(SOCK_DGRAM);
  const int sent[2] = {null_, file_};
  for (size_t i = 0; i < 2; i++) {
    to[i] = {const_cast<char *>("x"), 1};
    out[i].msg_hdr = {nullptr, 0, &to[i], 1, control[i], sizeof(control[i]), 0};
    cmsghdr *m = CMSG_FIRSTHDR(&out[i].msg_hdr);
    m->cmsg_level = SOL_SOCKET;
    m->cmsg_type = SCM_RIGHTS;
    m->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(m), &sent[i], sizeof(int));
    from[i] = {&bytes[i], 1};
    in[i].msg_hdr = {nullptr, 0, &from[i], 1, room[i], sizeof(room[i]), 0};
  }
  ASSERT_EQ(2, sb_sendmmsg(c, out, 2, 0)) << sb_error_message();
  ASSERT_EQ(2, sb_recvmmsg(d, in, 2, MSG_CMSG_CLOEXEC, nullptr)) << sb_error_message();
  for (size_t i = 0; i < 2; i++) {
    Got got = {};
    Collect(in[i].msg_hdr, &got);
    ASSERT_EQ(1u, got.fds.size()) << i;
    EXPECT_TRUE(IsSame(sent[i], got.fds[0])) << i;
    EXPECT_EQ(FD_CLOEXEC, fcntl(got.fds[0], F_GETFD));
    CloseAll(got.fds);
  }
  for (int fd : {c, d}) sb_close(fd);
}

TEST_F(Files, WhatIsNeitherAFileNorASocketIsRefusedAndNothingIsSent) {
  int poll = epoll_create1(EPOLL_CLOEXEC), local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (auto [fd, error] : {std::pair<int, int>{poll, ENOTSOCK}, {local, EOPNOTSUPP}, {999, EBADF}}) {
    EXPECT_EQ(-1, Send(kBroker, a_, {null_, fd}));
    EXPECT_EQ(error, errno) << sb_error_message();
  }
  char byte;
  EXPECT_EQ(-1, sb_recv(b_, &byte, 1, MSG_DONTWAIT));
  EXPECT_EQ(EAGAIN, errno);
  for (int fd : {poll, local}) close(fd);
}

TEST_F(Files, NothingStaysOpenHereOrThere) {
  CloseAll(Through({null_}).fds);
  RawClient watcher(daemon_.address());
  const Holdings before = HoldingsOf(watcher, daemon_.pid());
  const size_t here = OpenDescriptors();
  for (int i = 0; i < 20; i++) {
    CloseAll(Through({null_, file_, pipe_[0]}).fds);
    EXPECT_EQ(-1, Send(kBroker, a_, {null_, 999}));
    ASSERT_EQ(1, Send(kBroker, a_, {null_, file_}));
    char byte;
    EXPECT_EQ(1, sb_recv(b_, &byte, 1, 0)) << "they are thrown away";
  }
  EXPECT_EQ(here, OpenDescriptors());
  EXPECT_EQ("", AwaitHoldings(watcher, daemon_.pid(), before));
}

// ---- a peer that knows nothing of the broker -------------------------------------------

// Both ends of a connection of a brokered socket to one of the kernel's.
void Connect(sb_broker *broker, const std::string &folder, int *ours, int *theirs) {
  sockaddr_un sun = {};
  sun.sun_family = AF_UNIX;
  (folder + "/peer").copy(sun.sun_path, sizeof(sun.sun_path) - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(&sun), sizeof(sun)));
  EXPECT_EQ(0, listen(listener, 1));
  EXPECT_EQ(0, chmod(sun.sun_path, 0777));
  *ours = sb_socket_at(broker, AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(0, sb_connect(*ours, reinterpret_cast<sockaddr *>(&sun), sizeof(sun))) << sb_error_message();
  *theirs = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  close(listener);
}

class Outside : public Files {
 protected:
  void SetUp() override {
    Files::SetUp();
    Connect(broker_, daemon_.folder(), &ours_, &theirs_);
  }
  void TearDown() override {
    sb_close(ours_);
    close(theirs_);
    Files::TearDown();
  }
  int ours_ = -1, theirs_ = -1;
};

TEST_F(Outside, GetsFilesAndGivesThem) {
  ASSERT_EQ(1, Send(kBroker, ours_, {null_})) << sb_error_message();
  const Got there = Receive(kKernel, theirs_);
  ASSERT_EQ(1u, there.fds.size());
  EXPECT_TRUE(IsSame(null_, there.fds[0]));
  ASSERT_EQ(1, Send(kKernel, theirs_, {file_}));
  const Got here = Receive(kBroker, ours_);
  ASSERT_EQ(1u, here.fds.size()) << sb_error_message();
  EXPECT_TRUE(IsSame(file_, here.fds[0]));
  CloseAll(there.fds);
  CloseAll(here.fds);
}

TEST_F(Outside, WhatTheBrokerDoesNotTakeIsClosedAndSaid) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  ASSERT_EQ(1, Send(kKernel, theirs_, {null_, poll, file_}));
  const Got here = Receive(kBroker, ours_);
  EXPECT_EQ(MSG_CTRUNC, here.flags);
  ASSERT_EQ(2u, here.fds.size());
  EXPECT_TRUE(IsSame(file_, here.fds[1]));
  CloseAll(here.fds);
  close(poll);
}

// ---- without the right -------------------------------------------------------------------

std::string PolicyWithoutFiles() {
  std::string text = Broker::OpenPolicy(geteuid());
  const std::string rule = "may: [files]";
  return text.replace(text.find(rule), rule.size(), "may: [inspect]");
}

TEST(NoFiles, NoneIsTakenAndNoneKept) {
  Broker daemon({}, PolicyWithoutFiles());
  ASSERT_TRUE(daemon.Started()) << daemon.Log();
  sb_broker *broker = sb_connect_broker(daemon.address().c_str(), SB_TRANSPORT_STREAM);
  ASSERT_NE(nullptr, broker) << sb_error_message();
  int ours, theirs, null = open("/dev/null", O_RDWR | O_CLOEXEC);
  Connect(broker, daemon.folder(), &ours, &theirs);

  EXPECT_EQ(-1, Send(kBroker, ours, {null}));
  EXPECT_EQ(EACCES, errno) << sb_error_message();
  ASSERT_EQ(1, Send(kKernel, theirs, {null}));
  const Got got = Receive(kBroker, ours);
  EXPECT_EQ("x", got.bytes);
  EXPECT_EQ(MSG_CTRUNC, got.flags);
  EXPECT_EQ(0u, got.fds.size());

  sb_close(ours);
  for (int fd : {theirs, null}) close(fd);
  sb_disconnect_broker(broker);
}

}  // namespace
