// SPDX-License-Identifier: Apache-2.0
//
// UDP-Lite (RFC 3828): datagrams of which a part may be damaged.
#include <netinet/in.h>

#include "support.h"

using namespace contract;

namespace {

constexpr int kLevel = IPPROTO_UDPLITE, kSendCoverage = 10, kReceiveCoverage = 11;

class UdpLite : public FamilyContract {
 protected:
  UdpLite() : FamilyContract("UDP-Lite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE) {}

  Pair Lite() const {
    Sock a = Bound(Socket()), b = Bound(Socket());
    Must(a.Connect(b.Name()), "connect");
    return {std::move(a), std::move(b)};
  }
  // The header of the next datagram, as a raw socket sees it.
  struct Header {
    uint16_t from, to, coverage, checksum;
  };
  static Header NextHeader(const Sock &raw) {
    const std::string packet = raw.Read();
    return ValueOf<Header>(std::string_view(packet).substr((packet.at(0) & 15u) * 4u));
  }
};
CONTRACT_FIXTURE(UdpLite);

TEST_P(UdpLite, ADatagramArrivesWithItsSender) {
  const auto [a, b] = Lite();
  Addr from;
  EXPECT_EQ(5, a.Send("hello"));
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
  EXPECT_EQ(IPPROTO_UDPLITE, b.Get(SOL_SOCKET, SO_PROTOCOL));
}

TEST_P(UdpLite, Inet6CarriesItToo) {
  const Sock a = Socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE);
  const Sock b = Bound(Socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE), Addr::Loopback6());
  EXPECT_EQ(1, a.SendTo("x", b.Name()));
  EXPECT_EQ("x", b.Read());
}

TEST_P(UdpLite, ItIsNotHeardByUdp) {
  const auto [a, b] = Lite();
  const Sock udp = Bound(UdpSocket(), b.Name());
  a.Send("lite");
  EXPECT_EQ("lite", b.Read());
  EXPECT_EQ(0, udp.Now(POLLIN));
}

TEST_P(UdpLite, TheChecksumCoversAllUnlessToldOtherwise) {
  const auto [a, b] = Lite();
  const Sock raw = KernelSocket(AF_INET, SOCK_RAW, IPPROTO_UDPLITE);
  EXPECT_EQ(0, a.Get(kLevel, kSendCoverage));
  a.Send(Pattern(100));
  EXPECT_EQ(108, ntohs(NextHeader(raw).coverage)) << "with the header";
  EXPECT_EQ(0, a.Set(kLevel, kSendCoverage, 20));
  EXPECT_EQ(20, a.Get(kLevel, kSendCoverage));
  a.Send(Pattern(100));
  EXPECT_EQ(20, ntohs(NextHeader(raw).coverage));
  EXPECT_EQ(Pattern(100), b.Read());
  EXPECT_EQ(Pattern(100), b.Read());
}

TEST_P(UdpLite, LessCoverageThanAskedForIsDropped) {
  const auto [a, b] = Lite();
  EXPECT_EQ(0, b.Set(kLevel, kReceiveCoverage, 50));
  EXPECT_EQ(50, b.Get(kLevel, kReceiveCoverage));
  a.Set(kLevel, kSendCoverage, 20);
  a.Send("too little" + Pattern(100));
  a.Set(kLevel, kSendCoverage, 50);
  a.Send("enough" + Pattern(100));
  EXPECT_EQ("enough", b.Read().substr(0, 6));
}

TEST_P(UdpLite, ACoverageOfLessThanTheHeaderIsTheHeader) {
  const auto [a, b] = Lite();
  EXPECT_EQ(0, a.Set(kLevel, kSendCoverage, 3));
  EXPECT_EQ(8, a.Get(kLevel, kSendCoverage));
}

TEST_P(UdpLite, NobodyAtThePortIsRefused) {
  const auto [a, b] = Lite();
  Pair pair = Lite();
  pair.second.Close();
  pair.first.Send("x");
  EXPECT_EQ(-ECONNREFUSED, pair.first.Recv());
}

}  // namespace
