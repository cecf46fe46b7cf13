// SPDX-License-Identifier: Apache-2.0
//
// Direct mode: calls that wait, by the rules of sb_set_timeout(), sb_set_interrupt_check()
// and of signals, which are not the kernel's.
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "direct_fixture.h"

namespace sb_test {
namespace {

constexpr int64_t kMs = 1000000;

class Stopwatch {
 public:
  long ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class DirectWait : public DirectTest {
 protected:
  void SetUp() override {
    DirectTest::SetUp();
    std::tie(a_, b_) = Connection();
  }
  void TearDown() override {
    sb_set_interrupt_check(nullptr);
    for (int fd : {a_, b_}) EXPECT_EQ(0, sb_close(fd));
    DirectTest::TearDown();
  }
  // All that comes until the end of the stream.
  static size_t Drain(int fd) {
    std::vector<char> some(1 << 16);
    size_t bytes = 0;
    for (ssize_t n; (n = sb_recv(fd, some.data(), some.size(), 0)) > 0;) bytes += static_cast<size_t>(n);
    return bytes;
  }
  // Until there is no room for a byte, and stays none.
  static void Fill(int fd) {
    const std::string piece(1 << 16, 'f');
    for (int full = 0; full < 2; full++) {
      for (size_t size : {piece.size(), size_t{1}})
        while (sb_send(fd, piece.data(), size, MSG_DONTWAIT) > 0) full = -1;
      pollfd p = {fd, POLLOUT, 0};
      poll(&p, 1, 100);
    }
  }
  int a_ = -1, b_ = -1;
  char c_ = 0;
};

// ---- sb_set_timeout() ----

TEST_F(DirectWait, AReceiveEndsWithItsTime) {
  ASSERT_EQ(0, sb_set_timeout(a_, 60 * kMs));
  const Stopwatch clock;
  EXPECT_ERRNO(EAGAIN, sb_recv(a_, &c_, 1, 0));
  EXPECT_LE(60, clock.ms());
  EXPECT_EQ(0, fcntl(a_, F_GETFL) & O_NONBLOCK);
}

TEST_F(DirectWait, WhatComesInTimeIsReceived) {
  ASSERT_EQ(0, sb_set_timeout(a_, 20000 * kMs));
  auto later = std::async(std::launch::async, [this] { return Say(b_, "now"); });
  EXPECT_EQ("now", Read(a_));
  EXPECT_TRUE(later.get());
}

TEST_F(DirectWait, ATimeOfZeroDoesNotWait) {
  ASSERT_EQ(0, sb_set_timeout(a_, 0));
  EXPECT_ERRNO(EAGAIN, sb_recv(a_, &c_, 1, 0));
  ASSERT_EQ(0, sb_set_timeout(a_, -1));
  ASSERT_TRUE(Say(b_, "x"));
  EXPECT_EQ("x", Read(a_));
}

TEST_F(DirectWait, TheTimeIsOneDescriptors) {
  const int twin = sb_dup(a_);
  ASSERT_EQ(0, sb_set_timeout(twin, 0));
  EXPECT_ERRNO(EAGAIN, sb_recv(twin, &c_, 1, 0));
  auto later = std::async(std::launch::async, [this] { return Say(b_, "x"); });
  EXPECT_EQ("x", Read(a_));
  EXPECT_TRUE(later.get());
  EXPECT_EQ(0, sb_close(twin));
}

TEST_F(DirectWait, TheKernelsOwnTimeHoldsTooIfItIsShorter) {
  const timeval tv = {0, 60000};
  ASSERT_EQ(0, sb_setsockopt(a_, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
  ASSERT_EQ(0, sb_set_timeout(a_, 30000 * kMs));
  const Stopwatch clock;
  EXPECT_ERRNO(EAGAIN, sb_recv(a_, &c_, 1, 0));
  EXPECT_LE(59, clock.ms());
}

TEST_F(DirectWait, ASendReturnsWhatItMoved) {
  ASSERT_EQ(0, sb_set_timeout(a_, 200 * kMs));
  const std::vector<char> much(64 << 20, 's');
  const ssize_t n = sb_send(a_, much.data(), much.size(), 0);
  EXPECT_LT(0, n) << sb_error_message();
  EXPECT_GT(static_cast<ssize_t>(much.size()), n);
}

TEST_F(DirectWait, ASendThatHasTheTimeIsWhole) {
  ASSERT_EQ(0, sb_set_timeout(a_, 30000 * kMs));
  auto reader = std::async(std::launch::async, [this] { return Drain(b_); });
  // In pieces: what is left of one is sent first.
  std::vector<char> much(16 << 20, 's');
  iovec iov[3] = {{much.data(), 5000000}, {much.data(), 1}, {much.data(), 7000000}};
  msghdr msg = {};
  msg.msg_iov = iov;
  msg.msg_iovlen = 3;
  EXPECT_EQ(12000001, sb_sendmsg(a_, &msg, 0)) << sb_error_message();
  EXPECT_EQ(0, sb_shutdown(a_, SHUT_WR));
  EXPECT_EQ(12000001u, reader.get());
}

TEST_F(DirectWait, WaitallJoinsWhatComesInPieces) {
  ASSERT_EQ(0, sb_set_timeout(a_, 20000 * kMs));
  auto writer = std::async(std::launch::async, [this] {
    for (const char *piece : {"on", "e a", "nd two"}) Say(b_, piece);
  });
  char bytes[12] = {};
  EXPECT_EQ(11, sb_recv(a_, bytes, 11, MSG_WAITALL)) << sb_error_message();
  EXPECT_STREQ("one and two", bytes);
  writer.get();
}

TEST_F(DirectWait, OfWaitallComesWhatCameInTime) {
  ASSERT_EQ(0, sb_set_timeout(a_, 100 * kMs));
  ASSERT_TRUE(Say(b_, "half"));
  char bytes[8];
  EXPECT_EQ(4, sb_recv(a_, bytes, sizeof(bytes), MSG_WAITALL));
}

TEST_F(DirectWait, AcceptEndsWithItsTime) {
  sockaddr_in addr;
  const int listener = Listener(&addr);
  ASSERT_EQ(0, sb_set_timeout(listener, 60 * kMs));
  const Stopwatch clock;
  EXPECT_ERRNO(EAGAIN, sb_accept(listener, nullptr, nullptr));
  EXPECT_LE(60, clock.ms());
  // What does not listen has nothing to wait for.
  EXPECT_ERRNO(EINVAL, sb_accept(a_, nullptr, nullptr));
  EXPECT_EQ(0, sb_close(listener));
}

TEST_F(DirectWait, OneConnectionWakesOneOfManyWhoAccept) {
  sockaddr_in addr;
  const int listener = Listener(&addr), client = Socket();
  ASSERT_EQ(0, sb_set_timeout(listener, 1000 * kMs));
  std::vector<std::future<int>> all;
  for (int i = 0; i < 4; i++)
    all.push_back(std::async(std::launch::async, [=] { return sb_accept(listener, nullptr, nullptr); }));
  ASSERT_EQ(0, sb_connect(client, Sa(addr), sizeof(addr))) << sb_error_message();
  int accepted = 0;
  for (auto &each : all) {
    const int fd = each.get();
    accepted += fd >= 0 && sb_close(fd) == 0;
  }
  EXPECT_EQ(1, accepted) << "and the others gave up in time";
  for (int fd : {listener, client}) EXPECT_EQ(0, sb_close(fd));
}

// A listener whose queue is full answers nobody any more.
class FullListener {
 public:
  explicit FullListener(sockaddr_in *addr) {
    *addr = Loopback();
    socklen_t len = sizeof(*addr);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(0, bind(listener_, Sa(*addr), len));
    EXPECT_EQ(0, listen(listener_, 0));
    EXPECT_EQ(0, getsockname(listener_, Sa(*addr), &len));
    first_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(0, connect(first_, Sa(*addr), len));
  }
  ~FullListener() {
    close(first_);
    close(listener_);
  }
  void MakeRoom() { close(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  int listener_, first_;
};

TEST_F(DirectWait, ConnectEndsWithItsTime) {
  sockaddr_in addr;
  FullListener full(&addr);
  const int fd = Socket();
  ASSERT_EQ(0, sb_set_timeout(fd, 100 * kMs));
  const Stopwatch clock;
  EXPECT_ERRNO(EINPROGRESS, sb_connect(fd, Sa(addr), sizeof(addr)));
  EXPECT_LE(100, clock.ms());
  EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(DirectWait, AConnectWithTimeIsMadeOrRefused) {
  sockaddr_in addr;
  const int listener = Listener(&addr), fd = Socket(), other = Socket();
  ASSERT_EQ(0, sb_set_timeout(fd, 20000 * kMs));
  ASSERT_EQ(0, sb_set_timeout(other, 20000 * kMs));
  EXPECT_EQ(0, sb_connect(fd, Sa(addr), sizeof(addr))) << sb_error_message();
  EXPECT_ERRNO(EISCONN, sb_connect(fd, Sa(addr), sizeof(addr)));
  ASSERT_EQ(0, sb_close(listener));
  EXPECT_ERRNO(ECONNREFUSED, sb_connect(other, Sa(addr), sizeof(addr)));
  for (int each : {fd, other}) EXPECT_EQ(0, sb_close(each));
}

TEST_F(DirectWait, ManyDatagramsEndWithTheCallsTime) {
  const int c = Socket(SOCK_DGRAM), d = Socket(SOCK_DGRAM);
  sockaddr_in addr = Loopback();
  socklen_t len = sizeof(addr);
  ASSERT_EQ(0, sb_bind(c, Sa(addr), len)) << sb_error_message();
  ASSERT_EQ(0, sb_getsockname(c, Sa(addr), &len));
  ASSERT_EQ(0, sb_connect(d, Sa(addr), len)) << sb_error_message();
  char bytes[2];
  iovec iov[2] = {{bytes, 1}, {bytes + 1, 1}};
  mmsghdr msgs[2] = {};
  for (int i = 0; i < 2; i++) {
    msgs[i].msg_hdr.msg_iov = &iov[i];
    msgs[i].msg_hdr.msg_iovlen = 1;
  }
  ASSERT_TRUE(Say(d, "1"));
  timespec limit = {0, 60 * kMs};
  const Stopwatch clock;
  EXPECT_EQ(1, sb_recvmmsg(c, msgs, 2, 0, &limit)) << sb_error_message();
  EXPECT_LE(60, clock.ms());
  for (int fd : {c, d}) EXPECT_EQ(0, sb_close(fd));
}

// ---- sb_set_interrupt_check() ----

std::atomic<int> asked{0};
int End() { return ++asked; }

TEST_F(DirectWait, TheProgramsCheckEndsEveryWait) {
  sockaddr_in addr, to;
  const int listener = Listener(&addr), fd = Socket();
  FullListener full(&to);
  Fill(a_);
  asked = 0;
  sb_set_interrupt_check(End);
  EXPECT_ERRNO(EINTR, sb_recv(a_, &c_, 1, 0));
  EXPECT_ERRNO(EINTR, sb_send(a_, &c_, 1, 0));
  EXPECT_ERRNO(EINTR, sb_accept(listener, nullptr, nullptr));
  EXPECT_ERRNO(EINTR, sb_connect(fd, Sa(to), sizeof(to)));
  EXPECT_EQ(4, asked);
  for (int each : {listener, fd}) EXPECT_EQ(0, sb_close(each));
}

TEST_F(DirectWait, TheCheckMayCallOnTheSameSocket) {
  static int fd;
  static bool done;
  fd = a_;
  done = false;
  sb_set_interrupt_check([] {
    int told;
    socklen_t len = sizeof(told);
    done = sb_getsockopt(fd, SOL_SOCKET, SO_TYPE, &told, &len) == 0 && sb_send(fd, "x", 1, 0) == 1;
    return 1;
  });
  EXPECT_ERRNO(EINTR, sb_recv(a_, &c_, 1, 0));
  EXPECT_TRUE(done);
  sb_set_interrupt_check(nullptr);
  EXPECT_EQ("x", Read(b_));
}

TEST_F(DirectWait, ANonBlockingSocketDoesNotAsk) {
  asked = 0;
  sb_set_interrupt_check(End);
  ASSERT_EQ(0, sb_fcntl(a_, F_SETFL, O_NONBLOCK));
  EXPECT_ERRNO(EAGAIN, sb_recv(a_, &c_, 1, 0));
  EXPECT_EQ(0, asked);
}

// ---- signals ----

std::atomic<int> signals{0};

// Sends this thread a signal, without SA_RESTART, every few milliseconds.
class Signals {
 public:
  Signals() {
    signals = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { signals++; };
    sigaction(SIGUSR1, &action, nullptr);
    thread_ = std::thread([this, to = pthread_self()] {
      while (!over_) {
        pthread_kill(to, SIGUSR1);
        poll(nullptr, 0, 5);
      }
    });
  }
  ~Signals() {
    over_ = true;
    thread_.join();
  }
  // So many more have come.
  static void Await(int more) {
    for (const int until = signals + more; signals < until;) poll(nullptr, 0, 1);
  }

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

TEST_F(DirectWait, ASignalDoesNotEndAReceive) {
  auto later = std::async(std::launch::async, [this] {
    Signals::Await(5);
    Say(b_, "at last");
  });
  const Signals all;
  EXPECT_EQ("at last", Read(a_));
  later.get();
}

TEST_F(DirectWait, ASignalDoesNotEndAnAccept) {
  sockaddr_in addr;
  const int listener = Listener(&addr), client = Socket();
  auto later = std::async(std::launch::async, [&] {
    Signals::Await(5);
    EXPECT_EQ(0, sb_connect(client, Sa(addr), sizeof(addr))) << sb_error_message();
  });
  const Signals all;
  const int server = sb_accept(listener, nullptr, nullptr);
  EXPECT_LE(0, server) << sb_error_message();
  later.get();
  for (int fd : {listener, client, server}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(DirectWait, ASignalDoesNotEndAConnect) {
  sockaddr_in addr;
  FullListener full(&addr);
  const int fd = Socket();
  auto later = std::async(std::launch::async, [&] {
    Signals::Await(5);
    full.MakeRoom();
  });
  const Signals all;
  EXPECT_EQ(0, sb_connect(fd, Sa(addr), sizeof(addr))) << sb_error_message();
  later.get();
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(DirectWait, ASignalDoesNotCutASendShort) {
  auto reader = std::async(std::launch::async, [this] {
    Signals::Await(5);
    return Drain(b_);
  });
  const std::vector<char> much(32 << 20, 's');
  {
    const Signals all;
    EXPECT_EQ(static_cast<ssize_t>(much.size()), sb_send(a_, much.data(), much.size(), 0));
  }
  EXPECT_EQ(0, sb_shutdown(a_, SHUT_WR));
  EXPECT_EQ(much.size(), reader.get());
}

TEST_F(DirectWait, NoSignalIsRaisedForABrokenPipe) {
  signal(SIGPIPE, SIG_DFL);
  ASSERT_EQ(0, sb_shutdown(a_, SHUT_WR));
  EXPECT_ERRNO(EPIPE, sb_send(a_, "x", 1, 0));
}

// A peek for more than there is finds the socket ready, and waits all the same.
TEST_F(DirectWait, ASocketThatIsReadyInVainIsAskedLessOften) {
  int least = 10;
  ASSERT_EQ(0, sb_setsockopt(a_, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)));
  ASSERT_EQ(0, sb_set_timeout(a_, 300 * kMs));
  ASSERT_TRUE(Say(b_, "little"));
  char bytes[20];
  timespec before, after;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  EXPECT_EQ(6, sb_recv(a_, bytes, sizeof(bytes), MSG_WAITALL | MSG_PEEK));
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  EXPECT_GT(100 * kMs, (after.tv_sec - before.tv_sec) * 1000 * kMs + after.tv_nsec - before.tv_nsec);
}

}  // namespace
}  // namespace sb_test
