// SPDX-License-Identifier: Apache-2.0
//
// How sockets begin, are shared, and end.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <set>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(Life);

TEST_P(Life, TheUsualKindsOfSocketAreThere) {
  const int kinds[][2] = {{AF_INET, SOCK_STREAM},  {AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_STREAM},
                          {AF_INET6, SOCK_DGRAM},  {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM},
                          {AF_UNIX, SOCK_SEQPACKET}};
  for (const auto &kind : kinds) {
    const Sock s = Socket(kind[0], kind[1]);
    ASSERT_LE(0, s.fd()) << kind[0] << " " << kind[1];
    EXPECT_EQ(kind[0], s.Get(SOL_SOCKET, SO_DOMAIN));
    EXPECT_EQ(kind[1], s.Get(SOL_SOCKET, SO_TYPE));
  }
}

TEST_P(Life, AnUnknownFamilyIsRefused) {
  EXPECT_EQ(-EAFNOSUPPORT, Socket(AF_MAX + 50, SOCK_STREAM).fd());
}

TEST_P(Life, ATypeThatTheFamilyLacksIsRefused) {
  EXPECT_EQ(-ESOCKTNOSUPPORT, Socket(AF_INET, SOCK_SEQPACKET).fd());
  EXPECT_EQ(-ESOCKTNOSUPPORT, Socket(AF_UNIX, SOCK_RDM).fd());
}

TEST_P(Life, AProtocolOfAnotherTypeIsRefused) {
  EXPECT_EQ(-EPROTONOSUPPORT, Socket(AF_INET, SOCK_STREAM, IPPROTO_UDP).fd());
  EXPECT_EQ(-EPROTONOSUPPORT, Socket(AF_INET6, SOCK_DGRAM, IPPROTO_TCP).fd());
}

TEST_P(Life, TheFamilysNumberIsAProtocolOfUnix) {
  EXPECT_LE(0, Socket(AF_UNIX, SOCK_STREAM, PF_UNIX).fd());
}

TEST_P(Life, ARawUnixSocketIsADatagramSocket) {
  const Sock s = Socket(AF_UNIX, SOCK_RAW);
  ASSERT_TRUE(s);
  EXPECT_EQ(SOCK_DGRAM, s.Get(SOL_SOCKET, SO_TYPE));
}

TEST_P(Life, APairIsOfUnixSocketsOnly) {
  int sv[2];
  EXPECT_EQ(-EOPNOTSUPP, Result(api().socketpair(AF_INET, SOCK_STREAM, 0, sv)));
  EXPECT_EQ(-EOPNOTSUPP, Result(api().socketpair(AF_INET, SOCK_DGRAM, 0, sv)));
}

TEST_P(Life, ClosingTwiceIsEBADF) {
  Sock s = TcpSocket();
  const int fd = s.fd();
  EXPECT_EQ(0, s.Close());
  EXPECT_EQ(-EBADF, Result(api().close(fd)));
}

TEST_P(Life, CallsOnAClosedDescriptorAreEBADF) {
  Sock s = TcpSocket();
  const int fd = s.fd();
  s.Close();
  const Addr to = Addr::Loopback4(9);
  char c = 0;
  int value = 0;
  socklen_t len = sizeof(value);
  EXPECT_EQ(-EBADF, Result(api().bind(fd, to.get(), to.len)));
  EXPECT_EQ(-EBADF, Result(api().listen(fd, 1)));
  EXPECT_EQ(-EBADF, Result(api().accept(fd, nullptr, nullptr)));
  EXPECT_EQ(-EBADF, Result(api().connect(fd, to.get(), to.len)));
  EXPECT_EQ(-EBADF, Result(api().shutdown(fd, SHUT_RD)));
  EXPECT_EQ(-EBADF, Result(api().send(fd, &c, 1, 0)));
  EXPECT_EQ(-EBADF, Result(api().recv(fd, &c, 1, 0)));
  EXPECT_EQ(-EBADF, Result(api().getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len)));
  EXPECT_EQ(-EBADF, Result(api().setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, len)));
  EXPECT_EQ(-EBADF, Result(api().ioctl(fd, FIONREAD, &value)));
  EXPECT_EQ(-EBADF, Result(api().dup(fd)));
  EXPECT_EQ(-EBADF, Result(api().fcntl(fd, F_GETFL, 0)));
}

TEST_P(Life, CallsOnAFileThatIsNoSocketAreENOTSOCK) {
  const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_LE(0, file);
  const Addr to = Addr::Loopback4(9);
  char c = 0;
  EXPECT_EQ(-ENOTSOCK, Result(api().bind(file, to.get(), to.len)));
  EXPECT_EQ(-ENOTSOCK, Result(api().send(file, &c, 1, 0)));
  EXPECT_EQ(-ENOTSOCK, Result(api().recv(file, &c, 1, 0)));
  EXPECT_EQ(-ENOTSOCK, Result(api().listen(file, 1)));
  close(file);
}

TEST_P(Life, ADescriptorIsNoOtherFilesNumber) {
  const Sock a = TcpSocket();
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const Sock b = TcpSocket();
  EXPECT_EQ(3u, (std::set<int>{a.fd(), file, b.fd()}.size()));
  close(file);
}

TEST_P(Life, ADuplicateIsTheSameSocket) {
  const Sock s = BoundUdp();
  const Sock d = s.Dup();
  ASSERT_TRUE(d);
  EXPECT_NE(s.fd(), d.fd());
  EXPECT_EQ(s.Name(), d.Name());
  EXPECT_EQ(0, d.Set(SOL_SOCKET, SO_BROADCAST, 1));
  EXPECT_EQ(1, s.Get(SOL_SOCKET, SO_BROADCAST));
}

TEST_P(Life, ClosingOneDuplicateLeavesTheOther) {
  auto [a, b] = TcpPair();
  Sock d = a.Dup();
  EXPECT_EQ(0, a.Close());
  EXPECT_EQ(5, d.Send("hello"));
  EXPECT_EQ("hello", b.Read());
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT)) << "the stream has not ended";
}

TEST_P(Life, ClosingTheLastDuplicateEndsTheConnection) {
  auto [a, b] = TcpPair();
  Sock d = a.Dup();
  a.Close();
  d.Close();
  EXPECT_EQ("", b.Read());
}

TEST_P(Life, DuplicatesReadFromOneStream) {
  auto [a, b] = TcpPair();
  const Sock d = b.Dup();
  a.Send("abcd");
  EXPECT_EQ("ab", b.Read(2));
  EXPECT_EQ("cd", d.Read(2));
}

TEST_P(Life, FcntlDuplicatesAtOrAboveANumber) {
  const Sock s = BoundUdp();
  const Sock d(api(), api().fcntl(s.fd(), F_DUPFD_CLOEXEC, 500));
  ASSERT_TRUE(d);
  EXPECT_LE(500, d.fd());
  EXPECT_EQ(s.Name(), d.Name());
  EXPECT_EQ(FD_CLOEXEC, api().fcntl(d.fd(), F_GETFD, 0));
}

TEST_P(Life, ManySocketsLiveAtOnce) {
  std::vector<Sock> all;
  std::set<unsigned> ports;
  for (int i = 0; i < 200; i++) {
    all.push_back(BoundUdp());
    ports.insert(all.back().Name().port());
  }
  EXPECT_EQ(200u, ports.size());
  EXPECT_EQ(2, all.front().SendTo("hi", all.back().Name()));
  EXPECT_EQ("hi", all.back().Read());
}

TEST_P(Life, AThousandSocketsComeAndGo) {
  for (int i = 0; i < 1000; i++)
    ASSERT_LE(0, TcpSocket().fd()) << i;
}

TEST_P(Life, ThreadsMakeAndCloseSocketsAtOnce) {
  std::vector<std::future<int>> workers;
  for (int w = 0; w < 4; w++) {
    workers.push_back(InBackground([this] {
      int made = 0;
      for (int i = 0; i < 50; i++)
        made += BoundUdp().Name().port() != 0;
      return made;
    }));
  }
  for (auto &worker : workers)
    EXPECT_EQ(50, worker.get());
}

TEST_P(Life, ASocketMayBeNonBlockingFromBirth) {
  const Sock s = Socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
  EXPECT_TRUE(api().fcntl(s.fd(), F_GETFL, 0) & O_NONBLOCK);
  EXPECT_EQ(-EAGAIN, s.Recv());
  EXPECT_EQ(SOCK_DGRAM, s.Get(SOL_SOCKET, SO_TYPE));
}

TEST_P(Life, APairMayBeNonBlockingFromBirth) {
  const auto [a, b] = UnixPair(SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_EQ(-EAGAIN, a.Recv());
  EXPECT_EQ(-EAGAIN, b.Recv());
}

TEST_P(Life, FcntlMakesASocketNonBlockingAndBack) {
  const Sock s = BoundUdp();
  EXPECT_FALSE(api().fcntl(s.fd(), F_GETFL, 0) & O_NONBLOCK);
  EXPECT_EQ(0, s.SetNonBlocking());
  EXPECT_TRUE(api().fcntl(s.fd(), F_GETFL, 0) & O_NONBLOCK);
  EXPECT_EQ(-EAGAIN, s.Recv());
  EXPECT_EQ(0, s.SetNonBlocking(false));
  auto reader = InBackground([&s = s] { return s.Read(); });
  EXPECT_EQ(2, UdpSocket().SendTo("hi", s.Name()));
  EXPECT_EQ("hi", reader.get());
}

TEST_P(Life, FionbioMakesASocketNonBlockingAndBack) {
  const Sock s = BoundUdp();
  int on = 1;
  EXPECT_EQ(0, s.Ioctl(FIONBIO, &on));
  EXPECT_TRUE(api().fcntl(s.fd(), F_GETFL, 0) & O_NONBLOCK);
  EXPECT_EQ(-EAGAIN, s.Recv());
  on = 0;
  EXPECT_EQ(0, s.Ioctl(FIONBIO, &on));
  EXPECT_FALSE(api().fcntl(s.fd(), F_GETFL, 0) & O_NONBLOCK);
}

TEST_P(Life, CloseOnExecIsKept) {
  const Sock s = Socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC);
  EXPECT_EQ(FD_CLOEXEC, api().fcntl(s.fd(), F_GETFD, 0));
}

TEST_P(Life, AnotherSocketMayTakeThePortOfAClosedOne) {
  Sock s = BoundUdp();
  const Addr at = s.Name();
  s.Close();
  EXPECT_EQ(0, UdpSocket().Bind(at));
}

}  // namespace
