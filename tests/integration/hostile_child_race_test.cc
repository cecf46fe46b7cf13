// SPDX-License-Identifier: Apache-2.0
//
// A child changes what a call names while the launcher looks at it: its memory, and its
// descriptors. What is done is what was judged; each race is won often on both sides,
// or it would show nothing.
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "hostile_child.h"

namespace {

constexpr int kRounds = 600;
// Of both outcomes there must be so many.
constexpr int kAtLeast = 20;

// As long as it lives a thread calls `change` with 0 and 1 in turn.
class Changing {
 public:
  explicit Changing(std::function<void(int)> change) : thread_([this, change] {
    for (unsigned i = 0; !stop_; i++)
      change(static_cast<int>(i & 1));
  }) {}
  ~Changing() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// What became of the rounds.
struct Tally {
  int allowed = 0, denied = 0;

  void Count(long result, long denial) {
    if (result >= 0)
      allowed++;
    else if (Expect(result == denial, strerror(static_cast<int>(-result))))
      denied++;
  }
  void Check() const {
    Expect(allowed >= kAtLeast && denied >= kAtLeast,
           "no race: " + std::to_string(allowed) + " allowed, " + std::to_string(denied) + " denied");
  }
};

// An address whose port changes between two.
struct ChangingAddress {
  ChangingAddress(uint16_t one, uint16_t other)
      : at(Loopback(one)), changing([this, one, other](int i) {
          __atomic_store_n(&at.sin_port, htons(i ? one : other), __ATOMIC_RELAXED);
        }) {}
  const sockaddr *get() const { return reinterpret_cast<const sockaddr *>(&at); }

  sockaddr_in at;
  Changing changing;
};

const Child connects("connects", [](const Child::Arguments &) {
  const ChangingAddress to(kPort, kDeniedPort);
  Tally tally;
  for (int i = 0; i < kRounds; i++) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    tally.Count(Result(connect(fd, to.get(), sizeof(to.at))), -EACCES);
    sockaddr_in peer = {};
    socklen_t len = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &len) == 0)
      Expect(ntohs(peer.sin_port) == kPort, "connected to the denied port");
    close(fd);
  }
  tally.Check();
});

const Child binds("binds", [](const Child::Arguments &) {
  const ChangingAddress at(kLow, kDeniedLow);
  Tally tally;
  for (int i = 0; i < kRounds; i++) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const long r = Result(bind(fd, at.get(), sizeof(at.at)));
    // The launcher may have the socket of before for a moment yet, which it made.
    if (r != -EADDRINUSE)
      tally.Count(r, -EACCES);
    Expect(PortOf(fd) == 0 || PortOf(fd) == kLow, "bound to the denied port");
    close(fd);
  }
  tally.Check();
});

const Child marks("marks", [](const Child::Arguments &) {
  int mark = kMark;
  const Changing changing([&mark](int i) {
    __atomic_store_n(&mark, i ? kMark : kDeniedMark, __ATOMIC_RELAXED);
  });
  Tally tally;
  for (int i = 0; i < kRounds; i++) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    tally.Count(Result(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))), -EPERM);
    int is = 0;
    socklen_t len = sizeof(is);
    Expect(getsockopt(fd, SOL_SOCKET, SO_MARK, &is, &len) == 0 && (is == 0 || is == kMark),
           "the denied mark is set");
    close(fd);
  }
  tally.Check();
});

// By each call that can; the port changes, and where the message's head says that it is.
const Child sends("sends", [](const Child::Arguments &) {
  ChangingAddress to(kPort, kDeniedPort);
  sockaddr_in names[2] = {Loopback(kPort), Loopback(kDeniedPort)};
  char byte = 'x';
  iovec iov = {&byte, 1};
  mmsghdr message = {};
  message.msg_hdr.msg_namelen = sizeof(names[0]);
  message.msg_hdr.msg_iov = &iov;
  message.msg_hdr.msg_iovlen = 1;
  const Changing changing([&](int i) {
    __atomic_store_n(&message.msg_hdr.msg_name, static_cast<void *>(&names[i]), __ATOMIC_RELAXED);
  });
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  Tally by_sendto, by_sendmsg, by_sendmmsg;
  for (int i = 0; i < kRounds / 2; i++) {
    by_sendto.Count(Result(sendto(fd, &byte, 1, 0, to.get(), sizeof(to.at))), -EACCES);
    by_sendmsg.Count(Result(sendmsg(fd, &message.msg_hdr, 0)), -EACCES);
    by_sendmmsg.Count(Result(sendmmsg(fd, &message, 1, 0)), -EACCES);
  }
  by_sendto.Check();
  by_sendmsg.Check();
  by_sendmmsg.Check();
  close(fd);
});

// A number is now a socket that may be bound there, and now one that may not.
const Child swaps("swaps", [](const Child::Arguments &) {
  const sockaddr_in at = Loopback(kLow);
  Tally tally;
  for (int i = 0; i < kRounds / 3; i++) {
    const int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);
    const int fd = dup(stream);
    std::atomic<bool> started{false}, stop{false};
    std::thread changing([&] {
      for (started = true; !stop;) {
        dup2(datagram, fd);
        dup2(stream, fd);
      }
    });
    while (!started) {
    }
    const long r = Result(bind(fd, reinterpret_cast<const sockaddr *>(&at), sizeof(at)));
    if (r != -EADDRINUSE)  // as above
      tally.Count(r, -EACCES);
    stop = true;
    changing.join();
    Expect(PortOf(datagram) == 0, "a datagram socket is bound");
    close(stream), close(datagram), close(fd);
  }
  tally.Check();
});

TEST_F(HostileChild, AnAddressThatChangesIsConnectedToAsItWasJudged) {
  EXPECT_EQ("", Run("run --all", "connects"));
}

TEST_F(HostileChild, AnAddressThatChangesIsBoundAsItWasJudged) {
  EXPECT_EQ("", Run("run", "binds"));
  EXPECT_EQ("", Run("run --all", "binds"));
}

TEST_F(HostileChild, AMarkThatChangesIsSetAsItWasJudged) {
  EXPECT_EQ("", Run("run", "marks"));
  EXPECT_EQ("", Run("run --all", "marks"));
}

TEST_F(HostileChild, ADestinationThatChangesIsSentToAsItWasJudged) {
  const int denied = Bound(SOCK_DGRAM, kDeniedPort);
  char byte;
  EXPECT_EQ("", Run("run --all", "sends"));
  EXPECT_EQ(-1, recv(denied, &byte, 1, 0)) << "a datagram came where none may go";
  // It would have been heard.
  const int fd = Bound(SOCK_DGRAM, 0);
  const sockaddr_in to = Loopback(kDeniedPort);
  EXPECT_EQ(1, sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr *>(&to), sizeof(to)));
  EXPECT_EQ(1, recv(denied, &byte, 1, 0));
}

TEST_F(HostileChild, ADescriptorThatChangesIsTheOneThatWasJudged) {
  EXPECT_EQ("", Run("run", "swaps"));
  EXPECT_EQ("", Run("run --all", "swaps"));
}

}  // namespace
