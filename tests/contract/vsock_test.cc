// SPDX-License-Identifier: Apache-2.0
//
// AF_VSOCK, where the kernel has the loopback transport.
#include <linux/vm_sockets.h>

#include "support.h"

using namespace contract;

namespace {

class Vsock : public FamilyContract {
 protected:
  Vsock() : FamilyContract("AF_VSOCK", AF_VSOCK, SOCK_STREAM) {}

  static Addr At(unsigned port) {
    sockaddr_vm vm = {};
    vm.svm_family = AF_VSOCK;
    vm.svm_cid = VMADDR_CID_LOCAL;
    vm.svm_port = port;
    return Addr::Of(vm);
  }
};
CONTRACT_FIXTURE(Vsock);

// Where the kernel has the loopback transport.
class VsockLoopback : public Vsock {
 protected:
  void SetUp() override {
    if (!InMachine() && KernelSocket(AF_VSOCK, SOCK_STREAM).Bind(At(VMADDR_PORT_ANY)) != 0)
      GTEST_SKIP() << "the kernel has no vsock loopback transport";
    Vsock::SetUp();
  }
};
CONTRACT_FIXTURE(VsockLoopback);

TEST_P(Vsock, AnUnboundSocketHasNoAddress) {
  const Sock s = Socket(AF_VSOCK, SOCK_STREAM);
  ASSERT_TRUE(s);
  EXPECT_EQ(VMADDR_CID_ANY, s.Name().as<sockaddr_vm>().svm_cid);
  EXPECT_EQ(-ENOTCONN, s.PeerResult());
}

TEST_P(VsockLoopback, AStreamOverLoopbackTalks) {
  Sock listener = Listener(At(VMADDR_PORT_ANY));
  const unsigned port = listener.Name().as<sockaddr_vm>().svm_port;
  Sock client = Socket(AF_VSOCK, SOCK_STREAM);
  ASSERT_EQ(0, client.Connect(At(port)));
  const Sock server = listener.Accept();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(static_cast<unsigned>(VMADDR_CID_LOCAL), server.Peer().as<sockaddr_vm>().svm_cid);
}

TEST_P(VsockLoopback, NobodyAtAPortIsAReset) {
  EXPECT_EQ(-ECONNRESET, Socket(AF_VSOCK, SOCK_STREAM).Connect(At(77777)));
}

TEST_P(VsockLoopback, AConnectThatMayNotWaitIsInProgress) {
  const Sock listener = Listener(At(VMADDR_PORT_ANY)), client = Socket();
  client.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, client.Connect(At(listener.Name().as<sockaddr_vm>().svm_port)));
  EXPECT_TRUE(client.Wait(POLLOUT) & POLLOUT);
  EXPECT_EQ(0, client.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(VsockLoopback, TheEndOfAStreamIsReadAsSuch) {
  const Pair pair = StreamPair(Listener(At(VMADDR_PORT_ANY)), Socket());
  EXPECT_EQ(0, pair.first.Shutdown(SHUT_WR));
  EXPECT_EQ("", pair.second.Read());
  EXPECT_EQ(4, pair.second.Send("back"));
  EXPECT_EQ("back", pair.first.Read());
}

}  // namespace
