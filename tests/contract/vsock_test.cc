// SPDX-License-Identifier: Apache-2.0
//
// AF_VSOCK, where the kernel has the loopback transport.
#include <linux/vm_sockets.h>

#include "support.h"

using namespace contract;

namespace {

class Vsock : public contract::Contract {
 protected:
  static Addr At(unsigned port) {
    sockaddr_vm vm = {};
    vm.svm_family = AF_VSOCK;
    vm.svm_cid = VMADDR_CID_LOCAL;
    vm.svm_port = port;
    return Addr::Of(vm);
  }
  // Why it cannot be tested here; empty if it can.
  std::string Missing() const {
    const Sock s = KernelSocket(AF_VSOCK, SOCK_STREAM);
    if (!s)
      return "the kernel has no AF_VSOCK";
    return s.Bind(At(VMADDR_PORT_ANY)) == 0 ? "" : "the kernel has no vsock loopback transport";
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, Vsock, testing::ValuesIn(AllApis()), ApiName);

TEST_P(Vsock, AnUnboundSocketHasNoAddress) {
  if (!KernelSocket(AF_VSOCK, SOCK_STREAM))
    GTEST_SKIP() << "the kernel has no AF_VSOCK";
  const Sock s = Socket(AF_VSOCK, SOCK_STREAM);
  ASSERT_TRUE(s);
  EXPECT_EQ(VMADDR_CID_ANY, s.Name().as<sockaddr_vm>().svm_cid);
  EXPECT_EQ(-ENOTCONN, s.PeerResult());
}

TEST_P(Vsock, AStreamOverLoopbackTalks) {
  if (const std::string missing = Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  Sock listener = Listener(At(VMADDR_PORT_ANY));
  const unsigned port = listener.Name().as<sockaddr_vm>().svm_port;
  Sock client = Socket(AF_VSOCK, SOCK_STREAM);
  ASSERT_EQ(0, client.Connect(At(port)));
  const Sock server = listener.Accept();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(static_cast<unsigned>(VMADDR_CID_LOCAL), server.Peer().as<sockaddr_vm>().svm_cid);
}

TEST_P(Vsock, NobodyAtAPortIsAReset) {
  if (const std::string missing = Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  EXPECT_EQ(-ECONNRESET, Socket(AF_VSOCK, SOCK_STREAM).Connect(At(77777)));
}

}  // namespace
