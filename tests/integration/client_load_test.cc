// SPDX-License-Identifier: Apache-2.0
// Many threads, and much data.
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "client_fixture.h"

namespace sb_test {
namespace {

using Load = ClientTest;

// Runs it in `n` threads.
template <typename F>
void InThreads(int n, F body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; i++) threads.emplace_back(body, i);
  for (auto &t : threads) t.join();
}

TEST_F(Load, EachThreadGetsItsOwnReplies) {
  std::atomic<int> wrong{0};
  InThreads(8, [&](int i) {
    int fd = Socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM);
    for (int k = 0; k < 500; k++) {
      int type = 0;
      socklen_t len = sizeof(type);
      if (sb_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
          type != (i % 2 ? SOCK_DGRAM : SOCK_STREAM))
        wrong++;
    }
    sb_close(fd);
  });
  EXPECT_EQ(0, wrong);
}

TEST_F(Load, ABlockedThreadHoldsUpNoOther) {
  auto [a, b] = Pair();
  int fd = a;
  char got = 0;
  std::thread blocked([&] { EXPECT_EQ(1, sb_recv(fd, &got, 1, 0)); });
  InThreads(4, [&](int) {
    int s = Socket(AF_INET, SOCK_DGRAM), type;
    socklen_t len = sizeof(type);
    for (int k = 0; k < 200; k++) EXPECT_EQ(0, sb_getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len));
    sb_close(s);
  });
  EXPECT_EQ(1, sb_send(b, "z", 1, 0));
  blocked.join();
  EXPECT_EQ('z', got);
  sb_close(a);
  sb_close(b);
}

TEST_F(Load, PingPongBetweenThreads) {
  InThreads(4, [&](int) {
    auto [a, b] = Pair();
    int near = a, far = b;
    std::thread echo([far] {
      char c;
      while (sb_recv(far, &c, 1, 0) == 1) sb_send(far, &c, 1, 0);
    });
    for (int k = 0; k < 200; k++) {
      char c = static_cast<char>(k), back = 0;
      EXPECT_EQ(1, sb_send(near, &c, 1, 0));
      EXPECT_EQ(1, sb_recv(near, &back, 1, 0));
      EXPECT_EQ(c, back);
    }
    sb_close(near);
    echo.join();
    sb_close(far);
  });
}

TEST_F(Load, SocketsComeAndGoInManyThreads) {
  InThreads(8, [&](int) {
    for (int k = 0; k < 50; k++) {
      auto [a, b] = Pair();
      EXPECT_EQ(0, sb_watch(a, POLLIN));
      EXPECT_EQ(1, sb_send(b, "x", 1, 0));
      EXPECT_TRUE(PollOne(poll, a, POLLIN, kPatienceMs) & POLLIN);
      EXPECT_EQ(0, sb_close(a));
      EXPECT_EQ(0, sb_close(b));
    }
  });
}

std::string Pattern(size_t n) {
  std::string s(n, 0);
  for (size_t i = 0; i < n; i++) s[i] = static_cast<char>((i * 2654435761u) >> 24);
  return s;
}

// What comes in until the end.
std::string ReadAll(int fd, size_t piece, int flags) {
  std::string all, buffer(piece, 0);
  ssize_t n;
  while ((n = sb_recv(fd, buffer.data(), piece, flags)) > 0)
    all.append(buffer, 0, static_cast<size_t>(n));
  EXPECT_EQ(0, n) << sb_error_message();
  return all;
}

class Bulk : public ClientTest, public testing::WithParamInterface<std::pair<size_t, size_t>> {};

TEST_P(Bulk, ArrivesWholeAndInOrder) {
  auto [a, b] = Connection();
  const auto [send_size, receive_size] = GetParam();
  const std::string data = Pattern((8 << 20) + 12345);
  int from = a, to = b;
  std::thread sender([&, size = send_size] {
    for (size_t at = 0; at < data.size();) {
      // Small sends among the large ones.
      size_t n = std::min(at % 3 ? size : size_t{100}, data.size() - at);
      ASSERT_EQ(static_cast<ssize_t>(n), sb_send(from, data.data() + at, n, 0)) << sb_error_message();
      at += n;
    }
    EXPECT_EQ(0, sb_shutdown(from, SHUT_WR));
  });
  EXPECT_TRUE(data == ReadAll(to, receive_size, 0));
  sender.join();
  sb_close(a);
  sb_close(b);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Bulk,
                         testing::Values(std::pair<size_t, size_t>{1 << 20, 1 << 20},
                                         std::pair<size_t, size_t>{65536, 4096},
                                         std::pair<size_t, size_t>{1000, 65536},
                                         std::pair<size_t, size_t>{6 << 20, 6 << 20}));

TEST_F(Load, WaitallFillsALargeBuffer) {
  auto [a, b] = Connection();
  const std::string data = Pattern(3 << 20);
  int from = a;
  std::thread sender([&] {
    for (size_t at = 0; at < data.size(); at += 65536 / 2)
      EXPECT_LT(0, sb_send(from, data.data() + at, std::min<size_t>(65536 / 2, data.size() - at), 0));
  });
  std::string got(data.size(), 0);
  EXPECT_EQ(static_cast<ssize_t>(data.size()), sb_recv(b, got.data(), got.size(), MSG_WAITALL));
  EXPECT_TRUE(got == data);
  sender.join();
  sb_close(a);
  sb_close(b);
}

TEST_F(Load, ALargeNonblockingSendStopsWhereTheSocketIsFull) {
  auto [a, b] = Connection();
  const std::string data = Pattern(1 << 20);
  ASSERT_EQ(0, sb_fcntl(a, F_SETFL, O_NONBLOCK));
  size_t sent = 0;
  ssize_t n;
  for (int i = 0; i < 1000 && (n = sb_send(a, data.data(), data.size(), 0)) > 0; i++)
    sent += static_cast<size_t>(n);
  EXPECT_EQ(-1, n);
  EXPECT_EQ(EAGAIN, errno);
  ASSERT_EQ(0, sb_shutdown(a, SHUT_WR));
  EXPECT_EQ(sent, ReadAll(b, 1 << 20, 0).size());
  sb_close(a);
  sb_close(b);
}

TEST_F(Load, ALargeSendThatTimesOutTellsWhatItQueued) {
  auto [a, b] = Connection();
  const std::string data = Pattern(16 << 20);
  ASSERT_EQ(0, sb_set_timeout(a, 50 * 1000 * 1000));
  ssize_t sent = sb_send(a, data.data(), data.size(), 0);
  ASSERT_LT(0, sent) << sb_error_message();
  EXPECT_GT(static_cast<ssize_t>(data.size()), sent);
  ASSERT_EQ(0, sb_shutdown(a, SHUT_WR));
  std::string got = ReadAll(b, 1 << 20, 0);
  EXPECT_EQ(static_cast<size_t>(sent), got.size());
  EXPECT_TRUE(data.compare(0, got.size(), got) == 0);
  sb_close(a);
  sb_close(b);
}

TEST_F(Load, DatagramsByTheHundred) {
  int to = Socket(AF_INET, SOCK_DGRAM), from = Socket(AF_INET, SOCK_DGRAM);
  sockaddr_in addr = {};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t len = sizeof(addr);
  ASSERT_EQ(0, sb_bind(to, reinterpret_cast<sockaddr *>(&addr), len)) << sb_error_message();
  ASSERT_EQ(0, sb_getsockname(to, reinterpret_cast<sockaddr *>(&addr), &len));

  constexpr unsigned kMany = 100;
  std::vector<int> values(kMany), got(kMany, -1);
  std::iota(values.begin(), values.end(), 0);
  std::vector<iovec> out(kMany), in(kMany);
  std::vector<mmsghdr> send(kMany), receive(kMany);
  std::vector<sockaddr_in> names(kMany);
  for (unsigned i = 0; i < kMany; i++) {
    out[i] = {&values[i], sizeof(int)};
    in[i] = {&got[i], sizeof(int)};
    send[i].msg_hdr.msg_iov = &out[i];
    send[i].msg_hdr.msg_iovlen = 1;
    send[i].msg_hdr.msg_name = &addr;
    send[i].msg_hdr.msg_namelen = sizeof(addr);
    receive[i].msg_hdr.msg_iov = &in[i];
    receive[i].msg_hdr.msg_iovlen = 1;
    receive[i].msg_hdr.msg_name = &names[i];
    receive[i].msg_hdr.msg_namelen = sizeof(names[i]);
  }
  ASSERT_EQ(static_cast<int>(kMany), sb_sendmmsg(from, send.data(), kMany, 0)) << sb_error_message();
  ASSERT_EQ(static_cast<int>(kMany), sb_recvmmsg(to, receive.data(), kMany, 0, nullptr))
      << sb_error_message();
  EXPECT_EQ(values, got);
  EXPECT_EQ(sizeof(int), send[99].msg_len);
  EXPECT_EQ(sizeof(int), receive[99].msg_len);
  EXPECT_EQ(AF_INET, names[99].sin_family);
  EXPECT_EQ(sizeof(sockaddr_in), receive[99].msg_hdr.msg_namelen);

  timespec timeout = {0, 20 * 1000 * 1000};
  EXPECT_EQ(-1, sb_recvmmsg(to, receive.data(), kMany, 0, &timeout));
  EXPECT_EQ(EAGAIN, errno);
  sb_close(to);
  sb_close(from);
}

}  // namespace
}  // namespace sb_test
