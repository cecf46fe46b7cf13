// SPDX-License-Identifier: Apache-2.0
//
// AF_QIPCRTR, the router between the processors of a phone: here on one of them.
#include <linux/qrtr.h>

#include "support.h"

using namespace contract;

namespace {

class Qrtr : public FamilyContract {
 protected:
  Qrtr() : FamilyContract("AF_QIPCRTR", AF_QIPCRTR, SOCK_DGRAM) {}

  // An unbound socket knows the number of its node.
  Addr At(uint32_t port) const {
    sockaddr_qrtr a = KernelSocket(AF_QIPCRTR, SOCK_DGRAM).Name().as<sockaddr_qrtr>();
    a.sq_port = port;
    return Addr::Of(a);
  }
  Sock BoundQrtr() const { return Bound(Socket(), At(0)); }
};
CONTRACT_FIXTURE(Qrtr);

TEST_P(Qrtr, BindChoosesAPort) {
  const Sock s = BoundQrtr();
  EXPECT_EQ(AF_QIPCRTR, s.Name().family());
  EXPECT_EQ(sizeof(sockaddr_qrtr), s.Name().len);
  EXPECT_LE(0x4000u, s.Name().as<sockaddr_qrtr>().sq_port);
  EXPECT_EQ(-EADDRINUSE, Socket().Bind(s.Name()));
}

TEST_P(Qrtr, ADatagramArrivesWithItsSender) {
  const Sock a = BoundQrtr(), b = BoundQrtr();
  Addr from;
  EXPECT_EQ(5, a.SendTo("hello", b.Name()));
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
}

TEST_P(Qrtr, AConnectedSocketSendsToItsPeer) {
  const Sock a = BoundQrtr(), b = BoundQrtr();
  EXPECT_EQ(-ENOTCONN, a.Send("x"));
  EXPECT_EQ(0, a.Connect(b.Name()));
  EXPECT_EQ(b.Name(), a.Peer());
  EXPECT_EQ(1, a.Send("x"));
  EXPECT_EQ("x", b.Read());
}

TEST_P(Qrtr, APortOfNobodyIsENODEV) {
  EXPECT_EQ(-ENODEV, BoundQrtr().SendTo("x", At(0x3fff)));
}

}  // namespace
