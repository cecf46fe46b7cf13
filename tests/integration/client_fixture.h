// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the C library share: a broker, and sockets of it that end
// with the test.
#ifndef SB_TESTS_INTEGRATION_CLIENT_FIXTURE_H
#define SB_TESTS_INTEGRATION_CLIENT_FIXTURE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sockbroker.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "support/broker.h"

namespace sb_test {

constexpr int kPatienceMs = 20000;

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
    broker_ = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
    ASSERT_NE(nullptr, broker_) << sb_error_message() << "\n" << daemon_.Log();
  }

  void TearDown() override {
    sb_disconnect_broker(broker_);
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
  }

  int Socket(int domain, int type, int protocol = 0) {
    int fd = sb_socket_at(broker_, domain, type, protocol);
    EXPECT_LE(0, fd) << sb_error_message();
    return fd;
  }

  std::pair<int, int> Pair(int type = SOCK_STREAM) {
    int sv[2] = {-1, -1};
    EXPECT_EQ(0, sb_socketpair_at(broker_, AF_UNIX, type, 0, sv)) << sb_error_message();
    return {sv[0], sv[1]};
  }

  // A TCP listener on loopback, and its address.
  int Listener(sockaddr_in *addr) {
    int fd = Socket(AF_INET, SOCK_STREAM);
    *addr = {};
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(*addr);
    EXPECT_EQ(0, sb_bind(fd, reinterpret_cast<sockaddr *>(addr), len)) << sb_error_message();
    EXPECT_EQ(0, sb_listen(fd, 16)) << sb_error_message();
    EXPECT_EQ(0, sb_getsockname(fd, reinterpret_cast<sockaddr *>(addr), &len));
    return fd;
  }

  // Both ends of a TCP connection over loopback.
  std::pair<int, int> Connection() {
    sockaddr_in addr;
    int listener = Listener(&addr), client = Socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(0, sb_connect(client, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)))
        << sb_error_message();
    int server = sb_accept(listener, nullptr, nullptr);
    EXPECT_LE(0, server) << sb_error_message();
    EXPECT_EQ(0, sb_close(listener));
    return {client, server};
  }

  Broker daemon_;
  sb_broker *broker_ = nullptr;
};

// The same as with poll(2), for one descriptor.
inline short PollOne(int (*poll_function)(pollfd *, nfds_t, int), int fd, short events, int timeout_ms) {
  pollfd p = {fd, events, 0};
  return poll_function(&p, 1, timeout_ms) < 0 ? static_cast<short>(-1) : p.revents;
}

}  // namespace sb_test

#endif
