// SPDX-License-Identifier: Apache-2.0
// Real descriptors as any client has them: GetDescriptor and Judge, the descriptor socket, FromShare.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "support/broker.h"
#include "support/raw_client.h"
#include "support/raw_desk.h"

using namespace sb_test;

namespace {

// Everybody may have the descriptors of TCP, marked ones of UDP by IPv4, and none else.
const char kPolicy[] = R"(version: 1
rules:
  - { name: tcp, who: everyone, may: [socket, bind, listen, connect, direct], family: [inet, inet6],
      type: stream, protocol: tcp, to: any, to_ports: any, from: [127.0.0.1], from_ports: [ephemeral, 0] }
  - { name: tcp here, who: everyone, may: [connect], family: inet, type: stream, protocol: tcp,
      to: [127.0.0.1], to_ports: [1-65535] }
  - { name: udp, who: everyone, may: [socket, bind, send, connect], family: [inet, inet6],
      type: dgram, protocol: udp, to: [127.0.0.1], to_ports: [1-65535], from: [127.0.0.1], from_ports: [ephemeral, 0] }
)";
const char kMarked[] = R"(
  - { name: marked, who: everyone, may: [direct], lends: [CAP_NET_ADMIN], family: inet, type: dgram,
      protocol: udp, to: [127.0.0.1], to_ports: [1-65535], sets: { mark: 77 } }
)";

int IntOption(int fd, int name) {
  int value = -1;
  socklen_t len = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -errno : value;
}

sockaddr_in NameOf(int fd) {
  sockaddr_in name = {};
  socklen_t len = sizeof(name);
  EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&name), &len));
  return name;
}

Pb Kind(int family, int type, int protocol = 0) {
  return Pb().V(1, static_cast<uint64_t>(family)).V(2, static_cast<uint64_t>(type))
      .V(3, static_cast<uint64_t>(protocol));
}

class Descriptor : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon_.Started()) << daemon_.Log(); }
  void TearDown() override {
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
    EXPECT_EQ(std::string::npos, daemon_.Log().find("Sanitizer")) << daemon_.Log();
  }
  // A ticket, or "errno N".
  std::string Ticket(uint32_t handle, bool release = false) {
    const RawReply r = session_.Do(kGetDescriptor, Pb().V(1, handle).V(2, release));
    return r.error() ? "errno " + std::to_string(r.error()) : PbBytes(r.body, 2);
  }
  int Direct(uint32_t handle, bool release = false) {
    const std::string ticket = Ticket(handle, release);
    RawPacket r = desk_.Take(ticket);
    EXPECT_EQ(0, r.error()) << ticket;
    return r.TakeFd();
  }
  RawReply FromShare(const std::string &token) { return session_.Do(kFromShare, Pb().B(1, token)); }
  // The handle of a given descriptor; 0: refused.
  uint32_t Given(int fd) {
    const RawPacket r = desk_.Give(fd);
    EXPECT_EQ(0, r.error());
    return FromShare(r.ticket()).handle();
  }
  int Judge(const Pb &question) { return session_.Do(kJudge, question).error(); }
  uint32_t Listener() {
    const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(0, session_.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0))).error());
    EXPECT_EQ(0, session_.Do(kListen, Pb().V(1, s).V(2, 5)).error());
    return s;
  }

  Broker daemon_{{}, std::string(kPolicy) + (geteuid() == 0 ? kMarked : "")};
  RawClient client_{daemon_.address()};
  RawSession session_{client_};
  RawDesk desk_{daemon_.address()};
};

// ---- to take -------------------------------------------------------------------

TEST_F(Descriptor, IsTheSameSocket) {
  const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
  ASSERT_EQ(0, session_.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0))).error());
  const int fd = Direct(s);
  ASSERT_LE(0, fd);
  const RawReply name = session_.Do(kGetSockName, Pb().V(1, s));
  EXPECT_EQ(PortOf(PbBytes(name.body, 2)), ntohs(NameOf(fd).sin_port));
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  close(fd);
}

TEST_F(Descriptor, IsRefusedWhereNoRuleSaysDirect) {
  EXPECT_EQ("errno " + std::to_string(EACCES), Ticket(session_.Socket(AF_INET6, SOCK_DGRAM)));
}

TEST_F(Descriptor, StaysWhenItsHandleIsReleased) {
  const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
  const int fd = Direct(s, true);
  ASSERT_LE(0, fd);
  EXPECT_EQ(EBADF, session_.Do(kGetSockName, Pb().V(1, s)).error());
  EXPECT_EQ(SOCK_STREAM, IntOption(fd, SO_TYPE));
  close(fd);
}

TEST_F(Descriptor, ReleasedIsClosedByTheLastWhoHasIt) {
  const uint32_t s = Listener();
  const int fd = Direct(s, true);
  const sockaddr_in name = NameOf(fd);
  close(fd);
  const int again = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(-1, connect(again, reinterpret_cast<const sockaddr *>(&name), sizeof(name)));
  EXPECT_EQ(ECONNREFUSED, errno);
  close(again);
}

TEST_F(Descriptor, LingerIsLeftAsItWasSet) {
  const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
  const linger wait = {1, 7};
  const int fd = Direct(s);
  ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)));
  EXPECT_EQ(0, session_.Do(kClose, Pb().V(1, s)).error());
  linger still = {};
  socklen_t len = sizeof(still);
  ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_LINGER, &still, &len));
  EXPECT_EQ(1, still.l_onoff);
  EXPECT_EQ(7, still.l_linger);
  close(fd);
}

TEST_F(Descriptor, AcceptAndConnectAreItsHoldersFromThenOn) {
  const uint32_t listener = Listener(), s = session_.Socket(AF_INET, SOCK_STREAM);
  const int fd = Direct(listener), other = Direct(s);
  EXPECT_EQ(EOPNOTSUPP, session_.Do(kAccept, Pb().V(1, listener)).error());
  EXPECT_EQ(EOPNOTSUPP, session_.Do(kConnect, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 1))).error());
  EXPECT_EQ(0, session_.Do(kGetSockName, Pb().V(1, listener)).error()) << "all else goes on";
  close(fd);
  close(other);
}

TEST_F(Descriptor, WhoSharesItMayNotAcceptEither) {
  const uint32_t listener = Listener();
  RawSession second(client_);
  const RawReply shared = session_.Do(kShare, Pb().V(1, listener));
  const uint32_t theirs = second.Do(kFromShare, Pb().B(1, PbBytes(shared.body, 2))).handle();
  ASSERT_NE(0u, theirs);
  const int fd = Direct(listener);
  EXPECT_EQ(EOPNOTSUPP, second.Do(kAccept, Pb().V(1, theirs)).error());
  close(fd);
}

TEST_F(Descriptor, ATicketIsGoodOnceAndATokenOfShareIsNone) {
  const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
  const std::string ticket = Ticket(s);
  EXPECT_EQ(ENOENT, FromShare(ticket).error()) << "it is the desk's";
  EXPECT_EQ(0, desk_.Take(ticket).error());
  EXPECT_EQ(ENOENT, desk_.Take(ticket).error());
  const std::string token = PbBytes(session_.Do(kShare, Pb().V(1, s)).body, 2);
  EXPECT_EQ(ENOENT, desk_.Take(token).error()) << "or Share would do what `direct` is for";
  EXPECT_EQ(0, FromShare(token).error());
}

TEST_F(Descriptor, WithRcvallItIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs a broker with CAP_NET_RAW";
  Broker raw({}, R"(version: 1
rules:
  - { name: raw, who: { uid: 0 }, may: [socket, bind, direct, ioctl], lends: [CAP_NET_RAW],
      family: inet, type: raw, protocol: [raw], to: any, from: [127.0.0.1], ioctls: [SIO_RCVALL], interface: [lo] }
)");
  ASSERT_TRUE(raw.Started()) << raw.Log();
  RawClient client(raw.address());
  RawSession session(client);
  const uint32_t s = session.Socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  ASSERT_EQ(0, session.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0))).error());
  const uint64_t rcvall = 0x98000001, on = 1, off = 0;
  ASSERT_EQ(0, session.Do(kIoctl, Pb().V(1, s).V(2, rcvall).B(3, Pb().V(1, on))).error());
  EXPECT_EQ(EOPNOTSUPP, session.Do(kGetDescriptor, Pb().V(1, s)).error());
  ASSERT_EQ(0, session.Do(kIoctl, Pb().V(1, s).V(2, rcvall).B(3, Pb().V(1, off))).error());
  EXPECT_EQ(0, session.Do(kGetDescriptor, Pb().V(1, s)).error());
}

TEST_F(Descriptor, IsMarkedWhereTheRuleSaysSo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs a broker with CAP_NET_ADMIN";
  const int fd = Direct(session_.Socket(AF_INET, SOCK_DGRAM));
  ASSERT_LE(0, fd);
  EXPECT_EQ(77, IntOption(fd, SO_MARK));
  close(fd);
}

// ---- to give -------------------------------------------------------------------

TEST_F(Descriptor, AGivenOneIsBoundByTheBroker) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const uint32_t s = Given(fd);
  ASSERT_NE(0u, s);
  EXPECT_EQ(0, session_.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0))).error());
  EXPECT_NE(0, NameOf(fd).sin_port);
  EXPECT_EQ(EACCES, session_.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.2", 0))).error());
  EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK) << "it stays as it is";
  close(fd);
}

TEST_F(Descriptor, FromShareSaysWhatWasGiven) {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const RawPacket given = desk_.Give(fd);
  const RawReply r = FromShare(given.ticket());
  EXPECT_EQ(static_cast<uint64_t>(AF_INET6), PbNumber(r.body, 3));
  EXPECT_EQ(static_cast<uint64_t>(SOCK_DGRAM), PbNumber(r.body, 4));
  EXPECT_EQ(static_cast<uint64_t>(IPPROTO_UDP), PbNumber(r.body, 5));
  EXPECT_EQ(ENOENT, desk_.Take(given.ticket()).error()) << "it is for a session";
  close(fd);
}

TEST_F(Descriptor, AGivenDatagramSocketMayConnectAndAStreamMayNot) {
  const int dgram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), stream = socket(AF_INET, SOCK_STREAM, 0);
  const uint32_t d = Given(dgram), s = Given(stream);
  EXPECT_EQ(0, session_.Do(kConnect, Pb().V(1, d).B(2, InetAddress("127.0.0.1", 9))).error());
  EXPECT_EQ(EOPNOTSUPP, session_.Do(kConnect, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 9))).error());
  close(dgram);
  close(stream);
}

TEST_F(Descriptor, ClosingAGivenOneLeavesItsOwnersLinger) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const linger wait = {1, 7};
  ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)));
  EXPECT_EQ(0, session_.Do(kClose, Pb().V(1, Given(fd))).error());
  linger still = {};
  socklen_t len = sizeof(still);
  ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_LINGER, &still, &len));
  EXPECT_EQ(1, still.l_onoff);
  close(fd);
}

// ---- files ---------------------------------------------------------------------

const char kFiles[] = R"(version: 1
rules:
  - { name: files, who: everyone, may: [files] }
  - { name: unix, who: everyone, may: [socket, direct], family: unix, type: [stream, dgram] }
  - { name: limits, who: everyone, limits: { sockets: 300 } }
)";

class Files : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon_.Started()) << daemon_.Log(); }
  void TearDown() override {
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
    EXPECT_EQ(std::string::npos, daemon_.Log().find("Sanitizer")) << daemon_.Log();
  }
  uint32_t Given(int fd) {
    const RawPacket r = desk_.Give(fd);
    EXPECT_EQ(0, r.error());
    return session_.Do(kFromShare, Pb().B(1, r.ticket())).handle();
  }
  // What the first byte of it is, taken out again.
  std::string Taken(uint32_t handle) {
    RawPacket r = desk_.Take(PbBytes(session_.Do(kGetDescriptor, Pb().V(1, handle)).body, 2));
    char c = 0;
    return pread(r.fd(), &c, 1, 0) == 1 ? std::string(1, c) : "errno " + std::to_string(errno);
  }
  int File() {
    const int fd = memfd_create("file", MFD_CLOEXEC);
    EXPECT_EQ(1, write(fd, "f", 1));
    return fd;
  }
  std::pair<uint32_t, uint32_t> Pair(int type = SOCK_STREAM) {
    const RawReply r = session_.Do(kSocketPair, Pb().V(3, AF_UNIX).V(4, static_cast<uint64_t>(type)));
    return {r.handle(), static_cast<uint32_t>(PbNumber(r.body, 3))};
  }
  RawReply Pass(uint32_t from, uint32_t to, uint32_t what) {
    const Pb rights = Pb().V(1, SOL_SOCKET).V(2, SCM_RIGHTS).B(4, Pb().V(1, what));
    EXPECT_EQ(0, session_.Do(kSend, Pb().V(1, from).B(2, "x").B(6, rights)).error()) << daemon_.Log();
    return session_.Do(kRecv, Pb().V(1, to).V(2, 10).V(5, 100));
  }

  Broker daemon_{{}, kFiles};
  RawClient client_{daemon_.address()};
  RawSession session_{client_};
  RawDesk desk_{daemon_.address()};
};

TEST_F(Files, AreGivenAndTaken) {
  const int fd = File();
  const uint32_t handle = Given(fd);
  ASSERT_NE(0u, handle);
  EXPECT_EQ("f", Taken(handle));
  EXPECT_EQ("f", Taken(handle)) << "it stays";
  EXPECT_EQ(0, session_.Do(kClose, Pb().V(1, handle)).error());
  EXPECT_EQ(EBADF, session_.Do(kGetDescriptor, Pb().V(1, handle)).error());
  close(fd);
}

TEST_F(Files, AreOfFourKinds) {
  int ends[2];
  ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
  for (int fd : {File(), open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ends[0], ends[1],
                 open("/dev/null", O_RDWR | O_CLOEXEC)}) {
    EXPECT_NE(0u, Given(fd));
    close(fd);
  }
}

TEST_F(Files, CanOnlyBePassedOn) {
  const int fd = File();
  const uint32_t handle = Given(fd);
  for (unsigned op : {kSend, kRecv, kGetOption, kSetOption, kBind, kListen, kAccept, kConnect, kShutdown,
                      kGetSockName, kGetPeerName, kIoctl, kSendMany, kRecvMany})
    EXPECT_EQ(ENOTSOCK, session_.Do(op, Pb().V(1, handle)).error()) << op;
  const RawReply dup = session_.Do(kDup, Pb().V(1, handle));
  EXPECT_EQ("f", Taken(dup.handle()));
  const RawReply shared = session_.Do(kShare, Pb().V(1, handle));
  const RawReply again = session_.Do(kFromShare, Pb().B(1, PbBytes(shared.body, 2)));
  EXPECT_EQ(0u, PbNumber(again.body, 3)) << "no family: no socket";
  EXPECT_EQ("f", Taken(again.handle()));
  close(fd);
}

TEST_F(Files, PassBySCM_RIGHTSAndAreToldApartFromSockets) {
  const int fd = File();
  auto [a, b] = Pair();
  const RawReply got = Pass(a, b, Given(fd));
  const std::string rights = PbBytes(PbBytes(got.body, 6), 4);
  EXPECT_EQ(std::string(1, 1), PbBytes(rights, 2)) << "one, and it is a file";
  const std::string packed = PbBytes(rights, 1);
  uint64_t handle = 0;
  for (size_t i = 0; i < packed.size(); i++)
    handle |= static_cast<uint64_t>(packed[i] & 0x7f) << (7 * i);
  EXPECT_EQ("f", Taken(static_cast<uint32_t>(handle)));
  const RawReply socket = Pass(a, b, a);
  EXPECT_EQ("", PbBytes(PbBytes(PbBytes(socket.body, 6), 4), 2)) << "none is";
  close(fd);
}

TEST_F(Files, AreListedAsWhatTheyAre) {
  const int fd = File();
  ASSERT_NE(0u, Given(fd));
  const RawClient::Result r = client_.Unary("Admin/ListSockets", "");
  EXPECT_NE(std::string::npos, r.reply.find("file")) << r.status;
  close(fd);
}

TEST_F(Descriptor, FilesAreRefusedWhereNoRuleSaysFiles) {
  const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  EXPECT_EQ(EACCES, desk_.Give(fd).error());
  close(fd);
}

// ---- to ask --------------------------------------------------------------------

TEST_F(Descriptor, JudgeSaysWhatPolicyWouldSay) {
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).V(4, 1)));
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).V(5, 1)));
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_RAW, 1).V(4, 1)));
  EXPECT_EQ(EACCES, Judge(Kind(AF_UNIX, SOCK_STREAM).V(5, 1)));
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).B(8, InetAddress("127.0.0.1", 80))));
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_STREAM).B(8, InetAddress("127.0.0.2", 80))));
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).B(8, Pb()))) << "to dissolve is always allowed";
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_DGRAM).B(9, InetAddress("127.0.0.1", 53))));
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_DGRAM).B(9, InetAddress("10.0.0.1", 53))));
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).B(6, InetAddress("127.0.0.1", 0))));
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_STREAM).B(6, InetAddress("127.0.0.1", 80))));
  EXPECT_EQ(0, Judge(Kind(AF_INET, SOCK_STREAM).B(7, InetAddress("127.0.0.1", 40000))));
}

// Who asks for a socket has still to make it; whoever has one connects it by himself.
TEST_F(Descriptor, JudgeLogsWhatIsDoneWithoutTheBrokerAlone) {
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_RAW, 1).V(5, 1)));
  EXPECT_EQ(EACCES, Judge(Kind(AF_INET, SOCK_STREAM, IPPROTO_TCP).B(8, InetAddress("127.0.0.2", 80))));
  ASSERT_TRUE(daemon_.Stop());
  EXPECT_EQ(std::string::npos, daemon_.Log().find("denied: direct")) << daemon_.Log();
  EXPECT_NE(std::string::npos, daemon_.Log().find("denied: connect inet stream tcp 127.0.0.2:80"))
      << daemon_.Log();
}

TEST_F(Descriptor, JudgeOfNothingIsInvalid) {
  EXPECT_EQ(EINVAL, Judge(Kind(AF_INET, SOCK_STREAM)));
  EXPECT_EQ(EINVAL, Judge(Kind(AF_INET, SOCK_STREAM | SOCK_NONBLOCK).V(4, 1)));
  EXPECT_EQ(EINVAL, Judge(Kind(AF_INET, SOCK_STREAM).B(6, Pb().B(1, Pb().B(1, "x")))));
}

// ---- the socket itself -----------------------------------------------------------

TEST_F(Descriptor, ItsSocketHasTheModeOfTheBrokers) {
  struct stat own = {}, beside = {};
  const std::string path = daemon_.folder() + "/broker.sock";
  ASSERT_EQ(0, stat(path.c_str(), &own));
  ASSERT_EQ(0, stat((path + ".fd").c_str(), &beside));
  EXPECT_EQ(own.st_mode, beside.st_mode);
}

TEST_F(Descriptor, ItsSocketIsRemovedAtTheEnd) {
  const std::string path = daemon_.folder() + "/broker.sock.fd";
  struct stat st;
  ASSERT_EQ(0, stat(path.c_str(), &st));
  ASSERT_EQ(0, chmod(daemon_.folder().c_str(), 0777));  // whoever it has become
  ASSERT_TRUE(daemon_.Stop());
  EXPECT_EQ(-1, stat(path.c_str(), &st));
}

}  // namespace
