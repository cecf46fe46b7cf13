// SPDX-License-Identifier: Apache-2.0
//
// AF_RDS: reliable datagrams over loopback and by TCP, and the notices of congestion.
#include <fcntl.h>
#include <linux/rds.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "root.h"
#include "support.h"

using namespace contract;

namespace {

constexpr int kLevel = 276;  // SOL_RDS

class Rds : public FamilyContract {
 protected:
  Rds() : FamilyContract("AF_RDS", AF_RDS, SOCK_SEQPACKET) {}

  Sock BoundRds(const char *ip = "127.0.0.1") const { return Bound(Socket(), Addr::Inet(ip)); }
};
CONTRACT_FIXTURE(Rds);

TEST_P(Rds, ADatagramArrivesWithItsSender) {
  const Sock a = BoundRds(), b = BoundRds();
  Addr from;
  EXPECT_EQ(5, a.SendTo("hello", b.Name()));
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
  EXPECT_EQ(2, b.SendTo("hi", from));
  EXPECT_EQ("hi", a.Read());
}

TEST_P(Rds, TheNameIsAnInternetAddress) {
  const Addr name = BoundRds("127.0.0.2").Name();
  EXPECT_EQ(AF_INET, name.family());
  EXPECT_EQ("127.0.0.2", name.ip());
  EXPECT_NE(0u, name.port());
}

TEST_P(Rds, ATakenPortIsEADDRINUSE) {
  const Sock a = BoundRds();
  EXPECT_EQ(-EADDRINUSE, Socket().Bind(a.Name()));
  EXPECT_EQ(-EINVAL, a.Bind(Addr::Loopback4())) << "it is bound once";
}

TEST_P(Rds, UnboundItIsENOTCONN) {
  const Sock b = BoundRds();
  EXPECT_EQ(-ENOTCONN, Socket().SendTo("x", b.Name()));
  EXPECT_EQ(-ENOTCONN, BoundRds().Send("x")) << "to nobody";
}

TEST_P(Rds, AConnectedSocketSendsToItsPeer) {
  const Sock a = BoundRds(), b = BoundRds();
  EXPECT_EQ(-ENOTCONN, a.PeerResult());
  EXPECT_EQ(0, a.Connect(b.Name()));
  EXPECT_EQ(5, a.Send("hello"));
  EXPECT_EQ("hello", b.Read());
  EXPECT_EQ(b.Name(), a.Peer());
}

TEST_P(Rds, DatagramsKeepTheirBoundsAndTheirOrder) {
  const Sock a = BoundRds(), b = BoundRds();
  const std::string large = Pattern(20000);
  a.SendTo("one", b.Name());
  a.SendTo(large, b.Name());
  a.SendTo("", b.Name());
  EXPECT_EQ("one", b.Read());
  EXPECT_EQ(large, b.Read());
  EXPECT_EQ("", b.Read());
}

TEST_P(Rds, AReceiveWaits) {
  const Sock a = BoundRds(), b = BoundRds();
  EXPECT_EQ(-EAGAIN, b.Recv(10, MSG_DONTWAIT));
  auto text = InBackground([&] { return b.Read(); });
  a.SendTo("hello", b.Name());
  EXPECT_EQ("hello", text.get());
}

TEST_P(Rds, PollShowsWhatCanBeDone) {
  const Sock a = BoundRds(), b = BoundRds();
  // Without, any news of congestion is POLLIN.
  EXPECT_EQ(0, b.Set(kLevel, RDS_CONG_MONITOR, 1));
  EXPECT_EQ(POLLOUT, b.Now(POLLIN | POLLOUT));
  a.SendTo("x", b.Name());
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
}

TEST_P(Rds, ADatagramLongerThanTheSendBufferIsEMSGSIZE) {
  const Sock a = BoundRds(), b = BoundRds();
  a.Set(SOL_SOCKET, SO_SNDBUF, 8192);
  EXPECT_EQ(-EMSGSIZE, a.SendTo(Pattern(100000), b.Name()));
}

TEST_P(Rds, WhatWasSentCanBeCancelled) {
  const Sock a = BoundRds(), b = BoundRds();
  const Addr to = b.Name();
  EXPECT_EQ(1, a.SendTo("x", to));
  EXPECT_EQ(0, a.Set(kLevel, RDS_CANCEL_SENT_TO, to.as<sockaddr_in>()));
  EXPECT_EQ("x", b.Read()) << "it had arrived";
  EXPECT_EQ(-EINVAL, a.Set(kLevel, RDS_CANCEL_SENT_TO, 1)) << "that is no address";
}

TEST_P(Rds, OptionsAreReadBack) {
  const Sock s = BoundRds();
  EXPECT_EQ(0, s.Get(kLevel, RDS_RECVERR));
  EXPECT_EQ(0, s.Set(kLevel, RDS_RECVERR, 1));
  EXPECT_EQ(1, s.Get(kLevel, RDS_RECVERR));
  EXPECT_EQ(0, s.Set(kLevel, RDS_CONG_MONITOR, 1));
  EXPECT_EQ(0, Socket().Set(kLevel, SO_RDS_TRANSPORT, RDS_TRANS_TCP));
}

// By rds_tcp, between this network and another at the other end of a cable.
class RdsTcp : public Rds {
 protected:
  static void SetUpTestSuite() {
    if (Sock(KernelApi(), KernelApi().socket(AF_RDS, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)))
      OtherNetwork();
  }

  // A socket of the kernel's over there; a thread's network is its own.
  Sock Elsewhere() const {
    const There there(OtherNetwork());
    Sock s = KernelSocket(AF_RDS, SOCK_SEQPACKET);
    Must(s.Bind(Addr::Inet("10.99.0.2")), "bind");
    return s;
  }
  Sock Here() const { return BoundRds("10.99.0.1"); }

 private:
  static int OpenNetwork() {
    return static_cast<int>(
        Must(RootOpen("/proc/thread-self/ns/net", O_RDONLY), "/proc/thread-self/ns/net"));
  }
  static void Enter(int network) {
    Must(RootCall(SYS_setns, {RootArgument::Descriptor(network), CLONE_NEWNET}), "setns");
  }
  // For as long as it lives, root is in that network.
  class There {
   public:
    explicit There(int network) : home_(OpenNetwork()) { Enter(network); }
    ~There() {
      Enter(home_);
      close(home_);
    }

   private:
    int home_;
  };

  // Made at the first call, and there until the end.
  static int OtherNetwork() {
    static const int fd = [] {
      const int home = OpenNetwork();
      Must(RootCall(SYS_unshare, {CLONE_NEWNET}), "unshare");
      const int made = OpenNetwork();
      Enter(home);
      close(home);
      const std::string there =
          "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(made);
      const std::string cable =
          "ip link add sbrds0 type veth peer name sbrds1 netns " + there +
          " && ip addr add 10.99.0.1/24 dev sbrds0 && ip link set sbrds0 up"
          " && nsenter --net=" + there + " sh -c '"
          "ip addr add 10.99.0.2/24 dev sbrds1 && ip link set sbrds1 up'";
      Must(RootCommand(cable) == 0 ? 0 : -EIO, "cable");
      return made;
    }();
    return fd;
  }
};
CONTRACT_FIXTURE(RdsTcp);

TEST_P(RdsTcp, DatagramsGoBothWays) {
  const Sock here = Here(), there = Elsewhere();
  const std::string large = Pattern(100000);
  Addr from;
  EXPECT_EQ(100000, here.SendTo(large, there.Name()));
  EXPECT_EQ(large, there.ReadFrom(&from, large.size()));
  EXPECT_EQ(here.Name(), from);
  EXPECT_EQ(2, there.SendTo("hi", from));
  EXPECT_EQ("hi", here.ReadFrom(&from));
  EXPECT_EQ(there.Name(), from);
}

TEST_P(RdsTcp, CongestionAndItsEndAreTold) {
  const Sock here = Here(), there = Elsewhere();
  const Addr to = there.Name();
  Must(there.Set(SOL_SOCKET, SO_RCVBUF, 16384), "SO_RCVBUF");
  EXPECT_EQ(0, here.Set(kLevel, RDS_CONG_MONITOR, 1));
  long r = 0;
  for (int i = 0; i < 1000 && r >= 0; i++) {
    r = here.SendTo(std::string(8192, 'c'), to, MSG_DONTWAIT);
    // The send buffer is full of what is under way: not yet congestion.
    if (r == -EAGAIN && here.Wait(POLLOUT))
      r = 0;
  }
  ASSERT_EQ(-ENOBUFS, r) << "it is congested";
  while (there.Recv(65536, MSG_DONTWAIT) >= 0) {
  }
  ASSERT_EQ(POLLIN, here.Wait(POLLIN));
  const Received m = here.ReadMessage();
  EXPECT_EQ(0, m.result);
  const auto ports = m.Control<uint64_t>(kLevel, RDS_CMSG_CONG_UPDATE);
  ASSERT_TRUE(ports);
  EXPECT_TRUE(*ports & RDS_CONG_MONITOR_MASK(to.port()));
  EXPECT_EQ(1, here.SendTo("x", to));
}

}  // namespace
