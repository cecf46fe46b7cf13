// SPDX-License-Identifier: Apache-2.0
//
// What is left of root's privileges. Each test drops them in a child, in a network
// namespace of its own, and reports what it saw there.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "c_headers.h"

extern "C" {
#include "sandbox/privileges.h"
}

namespace {

struct Capabilities {
  uint64_t effective = ~0ull, permitted = ~0ull;
};

Capabilities Mine() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {};
  Capabilities mine;
  if (syscall(SYS_capget, &header, data)) return mine;
  mine.effective = data[0].effective | static_cast<uint64_t>(data[1].effective) << 32;
  mine.permitted = data[0].permitted | static_cast<uint64_t>(data[1].permitted) << 32;
  return mine;
}

constexpr uint64_t Bit(unsigned capability) { return 1ull << capability; }
constexpr uint64_t kLendable =
    Bit(CAP_NET_RAW) | Bit(CAP_NET_ADMIN) | Bit(CAP_NET_BIND_SERVICE);

// The answer to setting loopback up by a netlink socket: 0 or -errno.
int SetLoopbackUp(int fd) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } ask = {};
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[256];
  } answer = {};
  ask.header.nlmsg_len = sizeof(ask);
  ask.header.nlmsg_type = RTM_NEWLINK;
  ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  ask.link.ifi_index = 1;
  ask.link.ifi_flags = ask.link.ifi_change = IFF_UP;
  if (send(fd, &ask, sizeof(ask), 0) < 0) return -errno;
  if (recv(fd, &answer, sizeof(answer), 0) < 0) return -errno;
  return answer.error.error;
}

// Runs `test` in a child whose privileges were dropped to nobody's, under a policy that
// lends `lends`. It returns what is wrong, or "". "skip" if there is nothing to drop.
std::string Dropped(std::string (*test)(), uint32_t lends = 0) {
  if (geteuid() != 0) return "skip: needs root";
  int out[2];
  if (pipe(out)) return "pipe";
  pid_t child = fork();
  if (child == 0) {
    char error[300] = "";
    std::string said;
    if (unshare(CLONE_NEWNET | CLONE_NEWUTS))
      said = "skip: cannot make namespaces";
    else if (privileges_drop("nobody", lends, error, sizeof(error)) < 0)
      said = error;
    else
      said = test();
    (void)!write(out[1], said.data(), said.size());
    _exit(0);
  }
  close(out[1]);
  std::string said(1000, '\0');
  ssize_t n = read(out[0], said.data(), said.size());
  said.resize(n > 0 ? static_cast<size_t>(n) : 0);
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? said : "the child crashed";
}

#define EXPECT_WELL(...) EXPECT_WELL_LENDING(0, __VA_ARGS__)
#define EXPECT_WELL_LENDING(lends, ...)                                  \
  do {                                                                   \
    std::string said = Dropped([]() -> std::string __VA_ARGS__, lends);  \
    if (said.rfind("skip", 0) == 0) GTEST_SKIP() << said;                \
    EXPECT_EQ(said, "");                                                 \
  } while (0)

TEST(Sandbox, NothingIsInEffectAndOnlyWhatCanBeLentIsPermitted) {
  EXPECT_WELL({
    Capabilities c = Mine();
    if (c.effective) return "a capability is in effect";
    if (c.permitted & ~kLendable) return "more is permitted than can be lent";
    return "";
  });
}

TEST(Sandbox, ThereIsNoWayBackToRoot) {
  EXPECT_WELL({
    if (getuid() == 0 || geteuid() == 0) return "it is root still";
    if (getgroups(0, nullptr) != 0) return "it has root's groups";
    if (setuid(0) == 0 || setresuid(0, 0, 0) == 0) return "it became root again";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return "programs may give it privileges";
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return "others may look into it";
    return "";
  });
}

TEST(Sandbox, ALentCapabilityIsInEffectForThatThreadAndThatTimeOnly) {
  EXPECT_WELL({
    Capabilities during, other, after;
    privileges_raise(LEND_NET_RAW);
    during = Mine();
    std::thread([&] {
      privileges_lower();
      other = Mine();
    }).join();
    bool kept = Mine().effective == Bit(CAP_NET_RAW);
    privileges_lower();
    after = Mine();
    if (during.effective != Bit(CAP_NET_RAW)) return "not just the one that was lent";
    if (other.effective) return "another thread has it, too";
    if (!kept) return "another thread took it away";
    if (after.effective) return "it was kept";
    return "";
  });
}

TEST(Sandbox, ANetlinkSocketThatMayListCannotChange) {
  EXPECT_WELL({
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (SetLoopbackUp(fd) != -EPERM) return "it changed an interface";
    close(fd);
    privileges_raise(LEND_NET_ADMIN);
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int r = SetLoopbackUp(fd);
    privileges_lower();
    close(fd);
    return r ? "it could not even with the capability: the test shows nothing" : "";
  });
}

TEST(Sandbox, TheMightiestCapabilityIsGivenUpUnlessARuleLendsIt) {
  EXPECT_WELL({
    if (Mine().permitted & Bit(CAP_SYS_ADMIN)) return "it is permitted";
    if (privileges_lendable() & LEND_SYS_ADMIN) return "it is told that it can be lent";
    privileges_raise(LEND_SYS_ADMIN);
    int r = sethostname("sandboxed", 9);
    privileges_lower();
    return r == 0 ? "it is in effect" : "";
  });
}

TEST(Sandbox, ARuleThatLendsItHasItForTheOneCall) {
  EXPECT_WELL_LENDING(LEND_SYS_ADMIN, {
    if (Mine().effective) return "a capability is in effect";
    if (!(privileges_lendable() & LEND_SYS_ADMIN)) return "it is told that it cannot be lent";
    if (sethostname("sandboxed", 9) == 0) return "the name changes without it";
    privileges_raise(LEND_SYS_ADMIN);
    int r = sethostname("sandboxed", 9);
    privileges_lower();
    if (r) return "the name does not change with it";
    return sethostname("sandboxed", 9) == 0 ? "it was kept in effect" : "";
  });
}

TEST(Sandbox, ARawSocketIsOpenedOnlyWhileTheCapabilityIsLent) {
  EXPECT_WELL({
    if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0) return "opened without it";
    privileges_raise(LEND_NET_RAW);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    privileges_lower();
    if (fd < 0) return "not opened with it";
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 ? "opened after it" : "";
  });
}

TEST(Sandbox, AUserThatIsRootOrNobodyAtAllIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  char error[300] = "";
  EXPECT_LT(privileges_drop("root", 0, error, sizeof(error)), 0);
  EXPECT_NE(std::string(error).find("root"), std::string::npos);
  EXPECT_LT(privileges_drop("no such user", 0, error, sizeof(error)), 0);
  EXPECT_NE(std::string(error).find("no such user"), std::string::npos);
  EXPECT_EQ(geteuid(), 0u);
}

}  // namespace
