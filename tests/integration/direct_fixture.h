// SPDX-License-Identifier: Apache-2.0
//
// What the tests of direct mode share: a network of the test's own, a broker in it, and a
// connection to that by nobody, who then is the one that calls.
#ifndef SB_TESTS_INTEGRATION_DIRECT_FIXTURE_H
#define SB_TESTS_INTEGRATION_DIRECT_FIXTURE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sockbroker.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "support/broker.h"

namespace sb_test {

constexpr uid_t kNobody = 65534;

// Real descriptors of AF_INET, none of AF_INET6. Port 81 is not to be bound,
// 127.0.0.9 not to be connected to.
constexpr char kDirectPolicy[] = R"(version: 1
rules:
  - { name: internet, who: { uid: 65534 }, may: [socket, bind, listen, connect, send, option, ioctl],
      lends: [CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW], family: [inet, inet6],
      type: [stream, dgram, raw], protocol: any, to: [127.0.0.0/29, "::1"], to_ports: any,
      from: [127.0.0.0/29, "::1", wildcard], from_ports: [0-80, 1024-65535], marks: any,
      options: [SO_MARK, SO_REUSEPORT], ioctls: [SIO_RCVALL, SIO_KEEPALIVE_VALS], interface: any }
  - { name: real, who: { uid: 65534 }, may: direct, family: inet, type: [stream, dgram], protocol: any,
      to: any, to_ports: any }
  - { name: pairs, who: { uid: 65534 }, may: socket, family: unix, type: [stream, dgram] }
)";

// This thread alone, and the threads and processes that it makes, are nobody from now on.
inline void BecomeNobody() { ASSERT_EQ(0, syscall(SYS_setresuid, -1, kNobody, -1)); }
inline void BecomeRoot() { ASSERT_EQ(0, syscall(SYS_setresuid, -1, 0, -1)); }

inline sockaddr_in Loopback(unsigned port = 0, const char *ip = "127.0.0.1") {
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip, &sin.sin_addr);
  return sin;
}

template <class T>
sockaddr *Sa(T &t) {
  return reinterpret_cast<sockaddr *>(&t);
}

// A stand-in is an AF_UNIX socket, whatever it stands for.
inline int Family(int fd) {
  int family = -1;
  socklen_t len = sizeof(family);
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
  return family;
}

#define EXPECT_ERRNO(error, call)                        \
  do {                                                   \
    EXPECT_EQ(-1, call);                                 \
    EXPECT_EQ(error, errno) << sb_error_message();       \
  } while (0)

class DirectTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(0, unshare(CLONE_NEWNET)) << "needs root: " << strerror(errno);
    LoopbackUp();
    daemon_ = std::make_unique<Broker>(std::vector<std::string>{"--user", "daemon"}, kDirectPolicy);
    ASSERT_TRUE(daemon_->Started()) << daemon_->Log();
    BecomeNobody();
    broker_ = Connect();
    ASSERT_NE(nullptr, broker_) << sb_error_message();
    ASSERT_EQ(0, sb_set_direct(broker_, 1));
  }
  void TearDown() override {
    sb_disconnect_broker(broker_);
    BecomeRoot();
    if (daemon_) {
      EXPECT_EQ(std::string::npos, daemon_->Log().find("Sanitizer")) << daemon_->Log();
    }
  }
  sb_broker *Connect() { return sb_connect_broker(daemon_->address().c_str(), SB_TRANSPORT_STREAM); }

  int Socket(int type = SOCK_STREAM, int domain = AF_INET) {
    const int fd = sb_socket_at(broker_, domain, type, 0);
    EXPECT_LE(0, fd) << sb_error_message();
    return fd;
  }
  // A real socket that listens, and where.
  int Listener(sockaddr_in *addr, int backlog = 16) {
    const int fd = Socket();
    socklen_t len = sizeof(*addr);
    *addr = Loopback();
    EXPECT_EQ(0, sb_bind(fd, Sa(*addr), len)) << sb_error_message();
    EXPECT_EQ(0, sb_listen(fd, backlog)) << sb_error_message();
    EXPECT_EQ(0, sb_getsockname(fd, Sa(*addr), &len)) << sb_error_message();
    return fd;
  }
  std::pair<int, int> Connection() {
    sockaddr_in addr;
    const int listener = Listener(&addr), client = Socket();
    EXPECT_EQ(0, sb_connect(client, Sa(addr), sizeof(addr))) << sb_error_message();
    const int server = sb_accept(listener, nullptr, nullptr);
    EXPECT_LE(0, server) << sb_error_message();
    EXPECT_EQ(0, sb_close(listener));
    return {client, server};
  }
  // Of AF_UNIX, and so at the broker.
  std::pair<int, int> Pair() {
    int sv[2] = {-1, -1};
    EXPECT_EQ(0, sb_socketpair_at(broker_, AF_UNIX, SOCK_STREAM, 0, sv)) << sb_error_message();
    return {sv[0], sv[1]};
  }
  // The program's own, for sb_ functions.
  std::pair<int, int> OwnPair() {
    int sv[2] = {-1, -1};
    EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
    for (int fd : sv) EXPECT_EQ(fd, sb_attach_at(broker_, fd)) << sb_error_message();
    return {sv[0], sv[1]};
  }
  // "text", or "errno N".
  static std::string Read(int fd, int flags = 0) {
    char bytes[100];
    const ssize_t n = sb_recv(fd, bytes, sizeof(bytes), flags);
    return n < 0 ? "errno " + std::to_string(errno) : std::string(bytes, static_cast<size_t>(n));
  }
  static bool Say(int fd, const std::string &text) {
    return sb_send(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }

  std::unique_ptr<Broker> daemon_;
  sb_broker *broker_ = nullptr;

 private:
  static void LoopbackUp() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq ifr = {};
    strcpy(ifr.ifr_name, "lo");
    ifr.ifr_flags = IFF_UP;
    ASSERT_EQ(0, ioctl(fd, SIOCSIFFLAGS, &ifr));
    close(fd);
  }
};

}  // namespace sb_test

#endif
