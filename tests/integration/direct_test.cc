// SPDX-License-Identifier: Apache-2.0
//
// Direct mode: what the contract suite, which runs over it too, cannot say.
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "direct_fixture.h"

namespace sb_test {
namespace {

using Direct = DirectTest;

// In a child; true: it said so.
bool InChild(const std::function<bool()> &what) {
  const pid_t pid = fork();
  if (pid == 0)
    _exit(what() ? 0 : 1);
  int status = -1;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

// ---- what is real ----

TEST_F(Direct, ASocketIsTheKernelsOwn) {
  const int fd = Socket();
  EXPECT_EQ(AF_INET, Family(fd));
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, NonBlockingFromBirthIsTheKernelsFlag) {
  const int fd = Socket(SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, AnAcceptedSocketIsRealToo) {
  const auto [a, b] = Connection();
  EXPECT_EQ(AF_INET, Family(b));
  for (int fd : {a, b}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, AConnectionByNameIsRealToo) {
  sockaddr_in addr;
  const int listener = Listener(&addr);
  const std::string port = std::to_string(ntohs(addr.sin_port));
  const int fd = sb_create_connection_at(broker_, "127.0.0.1", port.c_str(), -1, nullptr, 0);
  ASSERT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(AF_INET, Family(fd));
  for (int each : {fd, listener}) EXPECT_EQ(0, sb_close(each));
}

TEST_F(Direct, WherePolicyDeniesItAStandInDoesTheSame) {
  sockaddr_in6 addr = {};
  socklen_t len = sizeof(addr);
  addr.sin6_family = AF_INET6;
  addr.sin6_addr = in6addr_loopback;
  const int listener = Socket(SOCK_STREAM, AF_INET6), client = Socket(SOCK_STREAM, AF_INET6);
  EXPECT_EQ(AF_UNIX, Family(listener));
  ASSERT_EQ(0, sb_bind(listener, Sa(addr), len)) << sb_error_message();
  ASSERT_EQ(0, sb_listen(listener, 1));
  ASSERT_EQ(0, sb_getsockname(listener, Sa(addr), &len));
  ASSERT_EQ(0, sb_connect(client, Sa(addr), len)) << sb_error_message();
  const int server = sb_accept(listener, nullptr, nullptr);
  EXPECT_EQ(AF_UNIX, Family(server));
  EXPECT_TRUE(Say(client, "six"));
  EXPECT_EQ("six", Read(server));
  for (int fd : {listener, client, server}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, WithoutADescriptorSocketThereAreStandIns) {
  BecomeRoot();
  ASSERT_EQ(0, unlink((daemon_->folder() + "/broker.sock.fd").c_str()));
  BecomeNobody();
  const auto [a, b] = Connection();
  EXPECT_EQ(AF_UNIX, Family(a));
  EXPECT_TRUE(Say(a, "still"));
  EXPECT_EQ("still", Read(b));
  for (int fd : {a, b}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, TheEnvironmentAsksForIt) {
  setenv("SOCKBROKER_DIRECT", "1", 1);
  sb_broker *const other = Connect();
  unsetenv("SOCKBROKER_DIRECT");
  const int fd = sb_socket_at(other, AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(AF_INET, Family(fd));
  EXPECT_EQ(0, sb_close(fd));
  sb_disconnect_broker(other);
}

TEST_F(Direct, ItCanBeTurnedOffForSocketsToCome) {
  const int real = Socket();
  ASSERT_EQ(0, sb_set_direct(broker_, 0));
  const int standin = Socket();
  EXPECT_EQ(AF_INET, Family(real));
  EXPECT_EQ(AF_UNIX, Family(standin));
  EXPECT_ERRNO(EINVAL, sb_set_direct(broker_, 2));
  for (int fd : {real, standin}) EXPECT_EQ(0, sb_close(fd));
}

// ---- what the broker does ----

TEST_F(Direct, ALowPortIsBoundByTheBroker) {
  sockaddr_in addr = Loopback(80);
  const int listener = Socket(), client = Socket();
  EXPECT_EQ(-1, bind(listener, Sa(addr), sizeof(addr)));
  ASSERT_EQ(EACCES, errno) << "not what is tested";
  ASSERT_EQ(0, sb_bind(listener, Sa(addr), sizeof(addr))) << sb_error_message();
  ASSERT_EQ(0, sb_listen(listener, 1)) << sb_error_message();
  ASSERT_EQ(0, sb_connect(client, Sa(addr), sizeof(addr))) << sb_error_message();
  const int server = sb_accept(listener, nullptr, nullptr);
  EXPECT_TRUE(Say(server, "eighty"));
  EXPECT_EQ("eighty", Read(client));
  for (int fd : {listener, client, server}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ABindThatPolicyDeniesIsEACCES) {
  sockaddr_in addr = Loopback(81);
  const int fd = Socket();
  EXPECT_ERRNO(EACCES, sb_bind(fd, Sa(addr), sizeof(addr)));
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, AConnectThatPolicyDeniesIsEACCES) {
  sockaddr_in addr = Loopback(9, "127.0.0.9");
  const int fd = Socket(SOCK_DGRAM);
  EXPECT_ERRNO(EACCES, sb_connect(fd, Sa(addr), sizeof(addr)));
  EXPECT_EQ(0, connect(fd, Sa(addr), sizeof(addr))) << "the kernel would let it";
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, AnOptionThatTheKernelRefusesIsSetByTheBroker) {
  const int fd = Socket(SOCK_DGRAM), mark = 7;
  int told = 0;
  socklen_t len = sizeof(told);
  EXPECT_EQ(-1, setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
  ASSERT_EQ(EPERM, errno) << "not what is tested";
  EXPECT_EQ(0, sb_setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))) << sb_error_message();
  EXPECT_EQ(0, sb_getsockopt(fd, SOL_SOCKET, SO_MARK, &told, &len));
  EXPECT_EQ(7, told);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, AnOptionThatPolicyDeniesTooIsEACCES) {
  const int fd = Socket(SOCK_DGRAM), bytes = 1 << 20;
  EXPECT_ERRNO(EPERM, sb_setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)));
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, WinsocksRequestsAreTheBrokers) {
  const int fd = Socket();
  sb_tcp_keepalive every = {1, 60000, 5000};
  int on = RCVALL_ON, told = 0;
  socklen_t len = sizeof(told);
  EXPECT_EQ(0, sb_ioctl(fd, SIO_KEEPALIVE_VALS, &every)) << sb_error_message();
  EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &told, &len));
  EXPECT_EQ(5, told);
  EXPECT_ERRNO(EOPNOTSUPP, sb_ioctl(fd, SIO_RCVALL, &on));
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, NothingIsLeftAtTheBroker) {
  const int fd = Socket();
  sockaddr_in addr = Loopback();
  ASSERT_EQ(0, sb_bind(fd, Sa(addr), sizeof(addr))) << sb_error_message();
  ASSERT_EQ(0, sb_listen(fd, 1));
  socklen_t len = sizeof(addr);
  ASSERT_EQ(0, sb_getsockname(fd, Sa(addr), &len));
  ASSERT_EQ(0, close(fd));
  // Who else had it would still have the port.
  const int again = Socket();
  EXPECT_EQ(0, sb_bind(again, Sa(addr), sizeof(addr))) << sb_error_message();
  EXPECT_EQ(0, sb_close(again));
}

TEST_F(Direct, LingerStaysAsItWasSet) {
  const int fd = Socket();
  const linger set = {1, 3};
  linger told = {};
  socklen_t len = sizeof(told);
  sockaddr_in addr = Loopback();
  ASSERT_EQ(0, sb_setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set)));
  ASSERT_EQ(0, sb_bind(fd, Sa(addr), sizeof(addr))) << sb_error_message();
  ASSERT_EQ(0, sb_getsockopt(fd, SOL_SOCKET, SO_LINGER, &told, &len));
  EXPECT_EQ(1, told.l_onoff);
  EXPECT_EQ(3, told.l_linger);
  EXPECT_EQ(0, sb_close(fd));
}

// ---- without the broker ----

TEST_F(Direct, DataFlowsOnWhenTheBrokerIsKilled) {
  sockaddr_in addr;
  const int listener = Listener(&addr);
  const auto [a, b] = Connection();
  BecomeRoot();
  daemon_->Kill();
  BecomeNobody();
  EXPECT_TRUE(Say(a, "on and on"));
  EXPECT_EQ("on and on", Read(b));
  pollfd p = {b, POLLIN, 0};
  EXPECT_TRUE(Say(a, "!"));
  EXPECT_EQ(1, sb_poll(&p, 1, 10000));
  // Others still come in, too.
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(0, connect(other, Sa(addr), sizeof(addr)));
  const int accepted = sb_accept(listener, nullptr, nullptr);
  EXPECT_LE(0, accepted);
  EXPECT_ERRNO(EPIPE, sb_listen(listener, 2));
  EXPECT_NE(nullptr, strstr(sb_error_message(), "works on")) << sb_error_message();
  for (int fd : {a, b, listener, accepted}) EXPECT_EQ(0, sb_close(fd));
  close(other);
}

TEST_F(Direct, AChildGoesOnWithItsParentsSockets) {
  sockaddr_in addr;
  const int listener = Listener(&addr), late = Socket(), standin = Socket(SOCK_STREAM, AF_INET6);
  const auto [a, b] = Connection();
  const int client = Socket();
  ASSERT_EQ(0, sb_connect(client, Sa(addr), sizeof(addr))) << sb_error_message();
  ASSERT_TRUE(InChild([&, mine = a] {
    const int server = sb_accept(listener, nullptr, nullptr);
    const int twin = sb_dup(server);
    return server >= 0 && Say(server, "child") && Say(mine, "child too") && twin >= 0 &&
           sb_close(twin) == 0 && sb_close(server) == 0;
  }));
  EXPECT_EQ("child", Read(client));
  EXPECT_EQ("child too", Read(b));
  // But the broker is its parent's.
  ASSERT_TRUE(InChild([&] {
    sockaddr_in any = Loopback();
    pollfd p = {standin, POLLIN, 0};
    return sb_bind(late, Sa(any), sizeof(any)) < 0 && errno == EBADF &&
           sb_connect(late, Sa(addr), sizeof(addr)) < 0 && errno == EBADF && !Say(standin, "x") &&
           errno == EBADF && sb_poll(&p, 1, 0) == 1 && p.revents == POLLNVAL;
  }));
  EXPECT_EQ(0, sb_bind(late, Sa(addr = Loopback()), sizeof(addr))) << sb_error_message();
  for (int fd : {a, b, listener, client, late, standin}) EXPECT_EQ(0, sb_close(fd));
}

// ---- the number ----

TEST_F(Direct, Close2IsEnough) {
  const auto [a, b] = Connection();
  ASSERT_EQ(0, close(a));
  EXPECT_EQ("", Read(b)) << "the end of the stream";
  EXPECT_ERRNO(EBADF, sb_close(a));
  EXPECT_EQ(0, sb_close(b));
}

TEST_F(Direct, AFileThatTookTheNumberIsNotClosedForIt) {
  const int fd = Socket();
  ASSERT_EQ(0, close(fd));
  ASSERT_EQ(fd, open("/dev/null", O_RDWR | O_CLOEXEC));
  char byte;
  EXPECT_ERRNO(ENOTSOCK, sb_recv(fd, &byte, 1, 0));
  EXPECT_ERRNO(ENOTSOCK, sb_close(fd));
  EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
  close(fd);
}

TEST_F(Direct, ASocketThatTookTheNumberIsAnother) {
  const int fd = Socket(SOCK_DGRAM);
  ASSERT_EQ(0, sb_set_timeout(fd, 1000000));
  ASSERT_EQ(0, close(fd));
  const int next = Socket(SOCK_STREAM);
  ASSERT_EQ(fd, next);
  int type = 0;
  socklen_t len = sizeof(type);
  EXPECT_EQ(0, sb_getsockopt(next, SOL_SOCKET, SO_TYPE, &type, &len));
  EXPECT_EQ(SOCK_STREAM, type);
  EXPECT_EQ(0, sb_close(next));
}

TEST_F(Direct, DetachingOnlyForgetsIt) {
  const auto [a, b] = Connection();
  ASSERT_EQ(a, sb_detach(a));
  EXPECT_ERRNO(ENOTSOCK, sb_send(a, "x", 1, 0));
  EXPECT_EQ(1, write(a, "x", 1));
  EXPECT_EQ("x", Read(b));
  close(a);
  EXPECT_EQ(0, sb_close(b));
}

TEST_F(Direct, ADuplicateIsRealAndTheSame) {
  const auto [a, b] = Connection();
  const int c = sb_dup(a), d = sb_fcntl(a, F_DUPFD, 300), e = sb_fileno_direct(a);
  EXPECT_LE(300, d);
  EXPECT_EQ(0, sb_close(a));
  EXPECT_TRUE(Say(c, "c"));
  EXPECT_EQ("c", Read(b));
  EXPECT_TRUE(Say(d, "d"));
  EXPECT_EQ("d", Read(b));
  EXPECT_EQ(1, write(e, "e", 1));
  EXPECT_EQ("e", Read(b));
  for (int fd : {b, c, d}) EXPECT_EQ(0, sb_close(fd));
  close(e);
}

// ---- together with others ----

TEST_F(Direct, ItIsPolledBesideStandInsAndPipes) {
  const int standin = Socket(SOCK_DGRAM, AF_INET6);
  const auto [a, b] = Connection();
  int pipes[2];
  ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
  pollfd set[] = {{a, POLLIN, 0}, {standin, POLLOUT, 0}, {pipes[0], POLLIN, 0}};
  EXPECT_EQ(1, sb_poll(set, 3, 0));
  EXPECT_EQ(POLLOUT, set[1].revents);
  set[1].events = POLLIN;
  ASSERT_TRUE(Say(b, "x"));
  EXPECT_EQ(1, sb_poll(set, 3, 10000));
  EXPECT_EQ(POLLIN, set[0].revents);
  EXPECT_EQ(1, write(pipes[1], "x", 1));
  EXPECT_EQ(2, sb_poll(set, 3, 10000));
  for (int fd : {a, b, standin}) EXPECT_EQ(0, sb_close(fd));
  for (int fd : pipes) close(fd);
}

TEST_F(Direct, WatchingItCostsNothing) {
  const auto [a, b] = Connection();
  ASSERT_EQ(0, sb_watch(a, POLLIN));
  pollfd p = {a, POLLIN, 0};
  EXPECT_EQ(0, poll(&p, 1, 0));
  ASSERT_TRUE(Say(b, "x"));
  EXPECT_EQ(1, poll(&p, 1, 10000));
  EXPECT_ERRNO(EINVAL, sb_watch(a, POLLPRI));
  for (int fd : {a, b}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ItPassesToAnotherSession) {
  sb_broker *const other = Connect();
  const auto [a, b] = Connection();
  char token[SB_SHARE_BYTES], mine[SB_SHARE_BYTES];
  ASSERT_EQ(0, sb_share(a, 0, token)) << sb_error_message();
  ASSERT_EQ(0, sb_share(a, getpid(), mine)) << sb_error_message();
  EXPECT_EQ(0, sb_close(a));
  for (const char *each : {token, mine}) {
    const int c = sb_fromshare_at(other, each, 0);
    ASSERT_LE(0, c) << sb_error_message();
    EXPECT_TRUE(Say(c, "shared"));
    EXPECT_EQ("shared", Read(b));
    EXPECT_EQ(0, sb_close(c));
  }
  EXPECT_EQ(0, sb_close(b));
  sb_disconnect_broker(other);
}

TEST_F(Direct, TheBrokerMayHoldItToo) {
  const auto [a, b] = Connection();
  const int c = sb_fromfd_at(broker_, a, 0);
  ASSERT_LE(0, c) << sb_error_message();
  EXPECT_EQ(AF_UNIX, Family(c));
  EXPECT_TRUE(Say(c, "by the broker"));
  EXPECT_EQ("by the broker", Read(b));
  for (int fd : {a, b, c}) EXPECT_EQ(0, sb_close(fd));
}

// ---- SCM_RIGHTS ----

struct RightsMessage {
  explicit RightsMessage(int fd = -1) {
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof(control);
    cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
  }
  int fd() const {
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
    return fd;
  }
  char byte = 'r';
  iovec iov = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg = {};
};

TEST_F(Direct, ARealOneTravels) {
  const auto [a, b] = Connection();
  const auto [c, d] = Pair();
  RightsMessage sent(a), got;
  ASSERT_EQ(1, sb_sendmsg(c, &sent.msg, 0)) << sb_error_message();
  ASSERT_EQ(1, sb_recvmsg(d, &got.msg, 0)) << sb_error_message();
  EXPECT_EQ(0, got.msg.msg_flags);
  EXPECT_EQ(0, sb_close(a));
  EXPECT_TRUE(Say(got.fd(), "travelled"));
  EXPECT_EQ("travelled", Read(b));
  for (int fd : {b, c, d, got.fd()}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ByTheKernelItTravelsAndIsKnown) {
  const auto [a, b] = Connection();
  const auto [c, d] = OwnPair();
  RightsMessage sent(a), got;
  ASSERT_EQ(1, sb_sendmsg(c, &sent.msg, 0)) << sb_error_message();
  ASSERT_EQ(1, sb_recvmsg(d, &got.msg, 0)) << sb_error_message();
  EXPECT_EQ(0, got.msg.msg_flags);
  EXPECT_NE(a, got.fd());
  EXPECT_EQ(AF_INET, Family(got.fd()));
  EXPECT_TRUE(Say(got.fd(), "travelled"));
  EXPECT_EQ("travelled", Read(b));
  for (int fd : {a, b, c, d, got.fd()}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ByTheKernelAStandInsRealSocketTravels) {
  ASSERT_EQ(0, sb_set_direct(broker_, 0));
  const auto [a, b] = Connection();
  ASSERT_EQ(0, sb_set_direct(broker_, 1));
  const auto [c, d] = OwnPair();
  ASSERT_EQ(AF_UNIX, Family(a));
  RightsMessage sent(a), got;
  ASSERT_EQ(1, sb_sendmsg(c, &sent.msg, 0)) << sb_error_message();
  EXPECT_EQ(a, sent.fd()) << "the program's message is as it was";
  ASSERT_EQ(1, sb_recvmsg(d, &got.msg, 0)) << sb_error_message();
  EXPECT_EQ(AF_INET, Family(got.fd()));
  EXPECT_TRUE(Say(got.fd(), "from afar"));
  EXPECT_EQ("from afar", Read(b));
  for (int fd : {a, b, c, d, got.fd()}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ByTheKernelAStandInWithoutDirectDoesNotTravel) {
  const int standin = Socket(SOCK_STREAM, AF_INET6);
  const auto [c, d] = OwnPair();
  RightsMessage sent(standin);
  EXPECT_ERRNO(EACCES, sb_sendmsg(c, &sent.msg, 0));
  for (int fd : {standin, c, d}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Direct, ByTheKernelAFileTravelsAndStaysAFile) {
  const auto [c, d] = OwnPair();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  RightsMessage sent(null), got;
  ASSERT_EQ(1, sb_sendmsg(c, &sent.msg, 0)) << sb_error_message();
  ASSERT_EQ(1, sb_recvmsg(d, &got.msg, 0));
  EXPECT_EQ(FD_CLOEXEC, fcntl(got.fd(), F_GETFD));
  EXPECT_ERRNO(ENOTSOCK, sb_send(got.fd(), "x", 1, 0));
  EXPECT_EQ(1, write(got.fd(), "x", 1));
  close(got.fd());
  close(null);
  for (int fd : {c, d}) EXPECT_EQ(0, sb_close(fd));
}

}  // namespace
}  // namespace sb_test
