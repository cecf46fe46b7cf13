// SPDX-License-Identifier: Apache-2.0
//
// poll, of one socket, of many, and of sockets with other descriptors.
#include <fcntl.h>
#include <unistd.h>

#include "support.h"

using namespace contract;

namespace {

class Poll : public contract::Contract {
 protected:
  int Ask(std::vector<pollfd> *fds, int timeout_ms) const {
    return static_cast<int>(Result(api().poll(fds->data(), fds->size(), timeout_ms)));
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, Poll, testing::ValuesIn(AllApis()), ApiName);

class Pipe {
 public:
  Pipe() { Must(Result(pipe2(ends_, O_CLOEXEC)), "pipe2"); }
  ~Pipe() { close(ends_[0]), close(ends_[1]); }
  int reader() const { return ends_[0]; }
  void Write() const { Must(Result(write(ends_[1], "x", 1)), "write"); }

 private:
  int ends_[2];
};

TEST_P(Poll, AnIdleConnectionIsWritableOnly) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(POLLOUT, a.Now(POLLIN | POLLOUT | POLLPRI | POLLRDHUP));
}

TEST_P(Poll, DataIsReadable) {
  const auto [a, b] = TcpPair();
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(POLLIN | POLLOUT, b.Now(POLLIN | POLLOUT)) << "it stays so";
  b.Read();
  EXPECT_EQ(POLLOUT, b.Now(POLLIN | POLLOUT)) << "until it is read";
}

TEST_P(Poll, OnlyWhatIsAskedForIsTold) {
  const auto [a, b] = TcpPair();
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(POLLOUT, b.Now(POLLOUT));
  EXPECT_EQ(0, b.Now(0));
  EXPECT_EQ(POLLRDNORM, b.Now(POLLRDNORM));
  EXPECT_EQ(POLLWRNORM, b.Now(POLLWRNORM));
}

TEST_P(Poll, APeersHalfCloseIsReadableAndRdhup) {
  const auto [a, b] = TcpPair();
  a.Shutdown(SHUT_WR);
  EXPECT_EQ(POLLRDHUP, b.Wait(POLLRDHUP));
  EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP, b.Now(POLLIN | POLLOUT | POLLRDHUP));
}

TEST_P(Poll, BothHalvesClosedAreHangup) {
  const auto [a, b] = TcpPair();
  a.Shutdown(SHUT_WR);
  b.Shutdown(SHUT_WR);
  EXPECT_EQ(POLLRDHUP | POLLHUP, b.Wait(POLLRDHUP));
  EXPECT_EQ(POLLHUP, b.Now(0)) << "told without asking";
}

TEST_P(Poll, AResetIsErrorAndHangup) {
  auto [a, b] = TcpPair();
  const linger now = {1, 0};
  a.Set(SOL_SOCKET, SO_LINGER, now);
  a.Close();
  EXPECT_EQ(POLLIN | POLLERR | POLLHUP, b.Wait(POLLIN));
}

TEST_P(Poll, AnUnconnectedStreamIsHangup) {
  EXPECT_EQ(POLLOUT | POLLHUP, TcpSocket().Now(POLLIN | POLLOUT));
}

TEST_P(Poll, AFreshDatagramSocketIsWritable) {
  EXPECT_EQ(POLLOUT, UdpSocket().Now(POLLIN | POLLOUT));
}

TEST_P(Poll, APairsPeerGoneIsHangup) {
  auto [a, b] = UnixPair(SOCK_STREAM);
  a.Close();
  EXPECT_EQ(POLLIN | POLLRDHUP | POLLHUP, b.Wait(POLLIN | POLLRDHUP));
}

TEST_P(Poll, AListenerIsReadableWhenAConnectionCame) {
  const Sock listener = Listener();
  EXPECT_EQ(0, listener.Now(POLLIN | POLLOUT));
  const Sock client = TcpSocket();
  client.Connect(listener.Name());
  EXPECT_EQ(POLLIN, listener.Wait(POLLIN));
  EXPECT_TRUE(listener.Accept());
  EXPECT_EQ(0, listener.Now(POLLIN));
}

TEST_P(Poll, UrgentDataIsPri) {
  const auto [a, b] = TcpPair();
  a.Send("!", MSG_OOB);
  EXPECT_EQ(POLLPRI, b.Wait(POLLPRI));
  EXPECT_EQ(POLLPRI, b.Now(POLLPRI | POLLIN)) << "and no ordinary data";
}

TEST_P(Poll, AFullSocketIsNotWritable) {
  const auto [a, b] = TcpPair();
  Fill(a);
  EXPECT_EQ(0, a.Now(POLLOUT));
  EXPECT_EQ(0, a.Wait(POLLOUT, 30));
}

TEST_P(Poll, AClosedDescriptorIsNval) {
  Sock s = UdpSocket();
  const int fd = s.fd();
  s.Close();
  std::vector<pollfd> fds = {{fd, POLLIN, 0}};
  EXPECT_EQ(1, Ask(&fds, 10000));
  EXPECT_EQ(POLLNVAL, fds[0].revents);
}

TEST_P(Poll, ANegativeDescriptorIsIgnored) {
  const Sock s = UdpSocket();
  std::vector<pollfd> fds = {{-1, POLLIN, 77}, {s.fd(), POLLOUT, 0}, {-5, POLLOUT, 77}};
  EXPECT_EQ(1, Ask(&fds, 10000));
  EXPECT_EQ(0, fds[0].revents);
  EXPECT_EQ(POLLOUT, fds[1].revents);
  EXPECT_EQ(0, fds[2].revents);
}

TEST_P(Poll, WhatIsNotReadyIsZero) {
  const Sock a = BoundUdp(), b = BoundUdp();
  std::vector<pollfd> fds = {{a.fd(), POLLIN, 0x7f}, {b.fd(), POLLIN, 0x7f}};
  EXPECT_EQ(0, Ask(&fds, 0));
  EXPECT_EQ(0, fds[0].revents);
  EXPECT_EQ(0, fds[1].revents);
}

TEST_P(Poll, ATimeoutOfZeroDoesNotWait) {
  const Sock s = BoundUdp();
  const Stopwatch watch;
  EXPECT_EQ(0, s.Wait(POLLIN, 0));
  EXPECT_GT(2000, watch.ms());
}

TEST_P(Poll, ATimeoutIsWaitedFor) {
  const Sock s = BoundUdp();
  const Stopwatch watch;
  EXPECT_EQ(0, s.Wait(POLLIN, 150));
  EXPECT_LE(149, watch.ms());
  EXPECT_GT(5000, watch.ms());
}

TEST_P(Poll, NoDescriptorsAreATimer) {
  const Stopwatch watch;
  EXPECT_EQ(0, api().poll(nullptr, 0, 60));
  EXPECT_LE(59, watch.ms());
}

TEST_P(Poll, AWaitingPollIsWokenByData) {
  const Sock s = BoundUdp();
  auto waiter = InBackground([&] { return s.Wait(POLLIN, -1); });
  UdpSocket().SendTo("x", s.Name());
  EXPECT_EQ(POLLIN, waiter.get());
}

TEST_P(Poll, AWaitingPollIsWokenByTheEnd) {
  auto [a, b] = TcpPair();
  auto waiter = InBackground([&s = b] { return s.Wait(POLLIN, -1); });
  a.Close();
  EXPECT_EQ(POLLIN, waiter.get());
}

TEST_P(Poll, ManySocketsAreAskedAtOnce) {
  std::vector<Sock> all;
  std::vector<pollfd> fds;
  for (int i = 0; i < 100; i++) {
    all.push_back(BoundUdp());
    fds.push_back({all.back().fd(), POLLIN, 0});
  }
  EXPECT_EQ(0, Ask(&fds, 0));
  const Sock sender = UdpSocket();
  for (size_t i : {3u, 50u, 99u})
    sender.SendTo("x", all[i].Name());
  EXPECT_EQ(POLLIN, all[99].Wait(POLLIN));
  EXPECT_EQ(3, Ask(&fds, 10000));
  for (size_t i = 0; i < fds.size(); i++)
    EXPECT_EQ(i == 3 || i == 50 || i == 99 ? POLLIN : 0, fds[i].revents) << i;
}

TEST_P(Poll, OneSocketMayBeAskedTwice) {
  const auto [a, b] = UdpPair();
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  std::vector<pollfd> fds = {{b.fd(), POLLIN, 0}, {b.fd(), POLLOUT, 0}};
  EXPECT_EQ(2, Ask(&fds, 10000));
  EXPECT_EQ(POLLIN, fds[0].revents);
  EXPECT_EQ(POLLOUT, fds[1].revents);
}

TEST_P(Poll, DuplicatesAreReadyTogether) {
  const auto [a, b] = UdpPair();
  const Sock d = b.Dup();
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(POLLIN, d.Wait(POLLIN));
}

TEST_P(Poll, APipeAndASocketAreWaitedForTogether) {
  const Pipe pipe;
  const auto [a, b] = UdpPair();
  std::vector<pollfd> fds = {{pipe.reader(), POLLIN, 0}, {b.fd(), POLLIN, 0}};
  EXPECT_EQ(0, Ask(&fds, 10));
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(1, Ask(&fds, 10000));
  EXPECT_EQ(0, fds[0].revents);
  EXPECT_EQ(POLLIN, fds[1].revents);
  pipe.Write();
  EXPECT_EQ(2, Ask(&fds, 10000));
  EXPECT_EQ(POLLIN, fds[0].revents);
}

TEST_P(Poll, APipeWakesAPollThatWaitsForASocketToo) {
  const Pipe pipe;
  const Sock s = BoundUdp();
  auto waiter = InBackground([&] {
    std::vector<pollfd> fds = {{s.fd(), POLLIN, 0}, {pipe.reader(), POLLIN, 0}};
    return std::make_pair(Ask(&fds, -1), fds[1].revents);
  });
  pipe.Write();
  EXPECT_EQ(std::make_pair(1, static_cast<short>(POLLIN)), waiter.get());
  EXPECT_EQ(0, s.Now(POLLIN));
}

TEST_P(Poll, ASocketWakesAPollThatWaitsForAPipeToo) {
  const Pipe pipe;
  const Sock s = BoundUdp();
  auto waiter = InBackground([&] {
    std::vector<pollfd> fds = {{s.fd(), POLLIN, 0}, {pipe.reader(), POLLIN, 0}};
    return std::make_pair(Ask(&fds, -1), fds[0].revents);
  });
  UdpSocket().SendTo("x", s.Name());
  EXPECT_EQ(std::make_pair(1, static_cast<short>(POLLIN)), waiter.get());
}

TEST_P(Poll, AKernelSocketIsPolledBesideOthers) {
  const Sock kernel = Bound(KernelSocket(AF_INET, SOCK_DGRAM)), s = BoundUdp();
  s.SendTo("x", kernel.Name());
  std::vector<pollfd> fds = {{s.fd(), POLLIN, 0}, {kernel.fd(), POLLIN, 0}};
  EXPECT_EQ(1, Ask(&fds, 10000));
  EXPECT_EQ(POLLIN, fds[1].revents);
}

TEST_P(Poll, TwoThreadsPollOneSocket) {
  const Sock s = BoundUdp();
  auto one = InBackground([&] { return s.Wait(POLLIN, -1); });
  auto two = InBackground([&] { return s.Wait(POLLIN, -1); });
  UdpSocket().SendTo("x", s.Name());
  EXPECT_EQ(POLLIN, one.get());
  EXPECT_EQ(POLLIN, two.get());
}

}  // namespace
