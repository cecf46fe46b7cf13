// SPDX-License-Identifier: Apache-2.0
// sb_share() and sb_fromshare(): a socket passes to another session, on whatever shard, of
// another process.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sockbroker.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "support/broker.h"
#include "support/raw_client.h"

using namespace sb_test;

namespace {

constexpr uid_t kNobody = 65534, kSomebody = 2;

std::string EveryonesPolicy() {
  std::string text = Broker::OpenPolicy(0);
  const std::string who = "{ uid: 0 }";
  for (size_t at; (at = text.find(who)) != std::string::npos;) text.replace(at, who.size(), "everyone");
  return text;
}

class Share : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
    // Connections go to the shards in turn: two are neighbours on different ones.
    for (sb_broker *&b : brokers_) {
      b = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
      ASSERT_NE(nullptr, b) << sb_error_message();
    }
  }
  void TearDown() override {
    for (sb_broker *b : brokers_) sb_disconnect_broker(b);
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
    EXPECT_EQ(std::string::npos, daemon_.Log().find("Sanitizer")) << daemon_.Log();
  }
  int Socket(int type = SOCK_STREAM) {
    int fd = sb_socket_at(brokers_[0], AF_INET, type, 0);
    EXPECT_LE(0, fd) << sb_error_message();
    return fd;
  }
  static sockaddr_in Listen(int fd) {
    sockaddr_in addr = {};
    socklen_t len = sizeof(addr);
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, sb_bind(fd, reinterpret_cast<sockaddr *>(&addr), len)) << sb_error_message();
    EXPECT_EQ(0, sb_listen(fd, 16));
    EXPECT_EQ(0, sb_getsockname(fd, reinterpret_cast<sockaddr *>(&addr), &len));
    return addr;
  }
  // Both ends, by the first broker.
  std::pair<int, int> Connection() {
    int listener = Socket(), a = Socket();
    const sockaddr_in addr = Listen(listener);
    EXPECT_EQ(0, sb_connect(a, reinterpret_cast<const sockaddr *>(&addr), sizeof(addr)));
    int b = sb_accept(listener, nullptr, nullptr);
    sb_close(listener);
    return {a, b};
  }
  std::string Token(int fd, pid_t pid = 0) {
    char token[SB_SHARE_BYTES] = {};
    EXPECT_EQ(0, sb_share(fd, pid, token)) << sb_error_message();
    return token;
  }
  int Take(const std::string &token, int which = 1, int flags = 0) {
    return sb_fromshare_at(brokers_[which], token.c_str(), flags);
  }
  static std::string Read(int fd) {
    char bytes[100];
    const ssize_t n = sb_recv(fd, bytes, sizeof(bytes), 0);
    return n < 0 ? "errno " + std::to_string(errno) : std::string(bytes, static_cast<size_t>(n));
  }

  Broker daemon_{{"--shards", "2"}, EveryonesPolicy()};
  sb_broker *brokers_[2] = {};
};

TEST_F(Share, TheTwoAreOneSocket) {
  auto [a, b] = Connection();
  int c = Take(Token(a));
  ASSERT_LE(0, c) << sb_error_message();
  EXPECT_EQ(FD_CLOEXEC, fcntl(c, F_GETFD));
  ASSERT_EQ(2, sb_send(a, "1a", 2, 0));
  EXPECT_EQ("1a", Read(b));
  ASSERT_EQ(2, sb_send(c, "2c", 2, 0)) << sb_error_message();
  EXPECT_EQ("2c", Read(b));
  ASSERT_EQ(4, sb_send(b, "back", 4, 0));
  EXPECT_EQ("back", Read(c));
  for (int fd : {a, b, c}) sb_close(fd);
}

TEST_F(Share, OnTheSameShardToo) {
  int a = Socket(SOCK_DGRAM), b = Take(Token(a), 0, SOCK_NONBLOCK);
  ASSERT_LE(0, b) << sb_error_message();
  EXPECT_EQ(O_RDWR | O_NONBLOCK, sb_fcntl(b, F_GETFL));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Share, ALastsWhenTheSharersHasBeenClosed) {
  auto [a, b] = Connection();
  const std::string token = Token(a);
  sb_close(a);
  int c = Take(token);
  ASSERT_EQ(1, sb_send(c, "x", 1, 0)) << sb_error_message();
  EXPECT_EQ("x", Read(b));
  sb_close(c);
  EXPECT_EQ("", Read(b)) << "the last of them closes the connection";
  sb_close(b);
}

TEST_F(Share, IsGoodOnce) {
  int a = Socket();
  const std::string token = Token(a);
  int b = Take(token);
  EXPECT_LE(0, b);
  EXPECT_EQ(-1, Take(token));
  EXPECT_EQ(ENOENT, errno);
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Share, AListenerIsAcceptedFromByBoth) {
  int listener = Socket();
  const sockaddr_in addr = Listen(listener);
  int other = Take(Token(listener));
  ASSERT_LE(0, other) << sb_error_message();
  for (int from : {listener, other, other, listener}) {
    int a = Socket();
    EXPECT_EQ(0, sb_connect(a, reinterpret_cast<const sockaddr *>(&addr), sizeof(addr)));
    int b = sb_accept(from, nullptr, nullptr);
    ASSERT_LE(0, b) << sb_error_message();
    ASSERT_EQ(1, sb_send(a, "x", 1, 0));
    EXPECT_EQ("x", Read(b));
    for (int fd : {a, b}) sb_close(fd);
  }
  for (int fd : {listener, other}) sb_close(fd);
}

TEST_F(Share, BothMayWaitAndOneGetsIt) {
  int a = Socket(SOCK_DGRAM), b = Take(Token(a));
  sockaddr_in addr = {};
  socklen_t len = sizeof(addr);
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(0, sb_bind(a, reinterpret_cast<sockaddr *>(&addr), len)) << sb_error_message();
  ASSERT_EQ(0, sb_getsockname(b, reinterpret_cast<sockaddr *>(&addr), &len));
  pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
  EXPECT_EQ(0, sb_poll(both, 2, 20));
  ASSERT_EQ(1, sb_sendto(b, "x", 1, 0, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)));
  EXPECT_LE(1, sb_poll(both, 2, kPatienceMs));
  EXPECT_EQ("x", Read(b));
  EXPECT_EQ(0, sb_poll(both, 2, 0));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Share, ClosingOneWithLingerLeavesTheOtherConnected) {
  auto [a, b] = Connection();
  const linger wait = {1, 5};
  ASSERT_EQ(0, sb_setsockopt(a, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)));
  int c = Take(Token(a));
  EXPECT_EQ(0, sb_close(a));
  linger still = {};
  socklen_t len = sizeof(still);
  EXPECT_EQ(0, sb_getsockopt(c, SOL_SOCKET, SO_LINGER, &still, &len));
  EXPECT_EQ(1, still.l_onoff);
  ASSERT_EQ(1, sb_send(c, "x", 1, 0)) << sb_error_message();
  EXPECT_EQ("x", Read(b));
  for (int fd : {c, b}) sb_close(fd);
}

TEST_F(Share, WhatIsNoSocketOrNoTokenIsRefused) {
  char token[SB_SHARE_BYTES];
  EXPECT_EQ(-1, sb_share(999, 0, token));
  EXPECT_EQ(EBADF, errno);
  int a = Socket();
  EXPECT_EQ(-1, sb_share(a, -1, token));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(-1, sb_share(a, 0, nullptr));
  EXPECT_EQ(EFAULT, errno);
  EXPECT_EQ(-1, Take("00000000000000000000000000000000"));
  EXPECT_EQ(ENOENT, errno);
  EXPECT_EQ(-1, Take("not a token"));
  EXPECT_EQ(ENOENT, errno);
  EXPECT_EQ(-1, Take(Token(a), 1, O_APPEND));
  EXPECT_EQ(EINVAL, errno);
  sb_close(a);
}

TEST_F(Share, TokensThatAreNotUsedAreBounded) {
  int a = Socket();
  std::vector<std::string> tokens;
  for (int i = 0; i < 64; i++) tokens.push_back(Token(a));
  char token[SB_SHARE_BYTES];
  EXPECT_EQ(-1, sb_share(a, 0, token));
  EXPECT_EQ(EMFILE, errno);
  int b = Take(tokens[7]);
  EXPECT_EQ(0, sb_share(a, 0, token)) << sb_error_message();
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Share, ATokenIsNotLostWhenThereIsNoRoomForItsSocket) {
  RawClient client(daemon_.address());
  RawSession session(client);
  const uint32_t s = session.Socket(AF_INET, SOCK_STREAM);
  const RawReply shared = session.Do(kShare, Pb().V(1, s));
  ASSERT_EQ(0, shared.error());
  const std::string token = PbBytes(shared.body, 2);
  ASSERT_EQ(0, session.Do(kDup, Pb().V(1, s).V(2, 5)).error());
  EXPECT_EQ(EEXIST, session.Do(kFromShare, Pb().B(1, token).V(2, 5)).error());
  EXPECT_EQ(EINVAL, session.Do(kFromShare, Pb().B(1, token).V(2, 0x80000000u)).error());
  const RawReply taken = session.Do(kFromShare, Pb().B(1, token).V(2, 6));
  EXPECT_EQ(0, taken.error());
  EXPECT_EQ(static_cast<uint64_t>(AF_INET), PbNumber(taken.body, 3));
  EXPECT_EQ(static_cast<uint64_t>(SOCK_STREAM), PbNumber(taken.body, 4));
}

TEST_F(Share, GuessingIsToldOfInTheLogAndNotTooOften) {
  RawClient client(daemon_.address());
  RawSession session(client);
  for (int i = 0; i < 500; i++) {
    std::string guess = std::to_string(i);
    guess.insert(0, 32 - guess.size(), '0');
    EXPECT_EQ(ENOENT, session.Do(kFromShare, Pb().B(1, guess)).error());
  }
  for (const std::string &odd : {std::string(), std::string(1 << 20, 'a'), std::string("\xff\xfe", 2)})
    EXPECT_EQ(ENOENT, session.Do(kFromShare, Pb().B(1, odd)).error());
  const std::string log = daemon_.Log(), line = "no socket for that token";
  size_t lines = 0;
  for (size_t at = 0; (at = log.find(line, at)) != std::string::npos; at++) lines++;
  EXPECT_LE(1u, lines);
  EXPECT_GE(200u, lines);
}

// ---- another process -----------------------------------------------------------

// Takes the token of "ADDRESS TOKEN", says what it can read there, and answers.
void TakeAndAnswer(const std::string &argument, int out) {
  const size_t space = argument.find(' ');
  sb_broker *b = sb_connect_broker(argument.substr(0, space).c_str(), SB_TRANSPORT_STREAM);
  int fd = b ? sb_fromshare_at(b, argument.substr(space + 1).c_str(), 0) : -1;
  char bytes[100];
  if (fd < 0) {
    Say(out, "errno " + std::to_string(errno));
    return;
  }
  const ssize_t n = sb_recv(fd, bytes, sizeof(bytes), 0);
  Say(out, std::string(bytes, n < 0 ? 0 : static_cast<size_t>(n)));
  (void)sb_send(fd, "answer", 6, 0);
  sb_close(fd);
}

// Makes a connected pair as nobody, says one end's token and goes on when the test has
// answered; or ends at once.
void ShareAndEnd(const std::string &address, int out) {
  sb_broker *b = sb_connect_broker(address.c_str(), SB_TRANSPORT_STREAM);
  int fd = sb_socket_at(b, AF_INET, SOCK_DGRAM, 0);
  char token[SB_SHARE_BYTES] = {};
  Say(out, sb_share(fd, 0, token) ? sb_error_message() : token);
}

TEST_F(Share, ReachesAnotherProcess) {
  auto [a, b] = Connection();
  ASSERT_EQ(5, sb_send(a, "hello", 5, 0));
  OtherProcess other(0, TakeAndAnswer, daemon_.address() + " " + Token(b));
  EXPECT_EQ("hello\n", other.Line());
  EXPECT_EQ("answer", Read(a));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Share, IsOfNoUseToAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  auto [a, b] = Connection();
  const std::string token = Token(b);
  OtherProcess other(kNobody, TakeAndAnswer, daemon_.address() + " " + token);
  EXPECT_EQ("errno " + std::to_string(ENOENT) + "\n", other.Line());
  int c = Take(token);
  EXPECT_LE(0, c) << "it is still the user's";
  for (int fd : {a, b, c}) sb_close(fd);
}

TEST_F(Share, IsOfNoUseToAnotherProcessThanTheOneNamed) {
  auto [a, b] = Connection();
  const std::string token = Token(b, getpid());
  OtherProcess other(0, TakeAndAnswer, daemon_.address() + " " + token);
  EXPECT_EQ("errno " + std::to_string(EACCES) + "\n", other.Line());
  int c = Take(token);
  EXPECT_LE(0, c) << sb_error_message();
  for (int fd : {a, b, c}) sb_close(fd);
}

TEST_F(Share, OutlivesTheProcessThatMadeIt) {
  std::string token;
  {
    OtherProcess sharer(0, ShareAndEnd, daemon_.address());
    token = sharer.Line();
    EXPECT_EQ("", sharer.Line()) << "it ended";
  }
  int fd = Take(token.substr(0, 32));
  EXPECT_LE(0, fd) << sb_error_message();
  sb_close(fd);
}

}  // namespace
