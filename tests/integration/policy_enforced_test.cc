// SPDX-License-Identifier: Apache-2.0
//
// The policy as the running daemon enforces it: started as root, it serves as the
// user daemon what each rule grants to nobody. Each refusal here is of something
// that would succeed without the guard.
#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

const char kPolicy[] = R"(version: 1
rules:
  - { name: ping, who: { uid: 65534 }, may: [socket, send], lends: CAP_NET_RAW, family: inet, type: raw,
      protocol: icmp, to: [127.0.0.0/8] }
  - { name: low port, who: { uid: 65534 }, may: [bind], lends: CAP_NET_BIND_SERVICE, family: inet,
      type: stream, protocol: tcp, from: [127.0.0.1], from_ports: <lent> }
  - { name: port of others, who: { uid: 65534 }, may: [bind], family: inet, type: stream, protocol: tcp,
      from: [127.0.0.1], from_ports: [<unlent>, ephemeral] }
  - { name: listen, who: { uid: 65534 }, may: [listen], family: inet, type: stream, protocol: tcp,
      from: [127.0.0.1], from_ports: [ephemeral, 1024-65535] }
  - { name: anywhere, who: { uid: 65534 }, may: [socket, connect, send], family: [inet, inet6],
      type: [stream, dgram], protocol: any, to: any, to_ports: any }
  - { name: one port, who: { uid: 65534 }, may: [send], family: inet, type: dgram, protocol: udp,
      to: [127.0.0.1], to_ports: 9999 }
  - { name: lite, who: { uid: 65534 }, may: [send], family: inet, type: dgram, protocol: udplite,
      to: [127.0.0.1], to_ports: 9997 }
  - { name: guests, who: { uid: 65534 }, may: [socket, bind, connect], family: vsock, type: stream,
      to_cids: any, to_ports: any, from_cids: [local], from_ports: 2000 }
  - { name: a family alone, who: { uid: 65534 }, may: [socket], family: kcm, type: dgram, protocol: 0 }
  - { name: routes, who: { uid: 65534 }, may: [socket, bind, send], family: netlink, type: [raw, dgram],
      protocol: route, netlink_groups: [1] }
  - { name: sniff, who: { uid: 65534 }, may: [socket, bind], lends: CAP_NET_RAW, family: packet,
      type: [raw, dgram], protocol: all, interface: [nosuch0] }
  - { name: real, who: { uid: 65534 }, may: [direct], family: inet, type: stream, protocol: tcp,
      to: any, to_ports: any }
  - { name: real if marked, who: { uid: 65534 }, may: [direct], lends: CAP_NET_ADMIN, family: inet, type: dgram,
      protocol: udp, to: 192.0.2.1, to_ports: 53, sets: { mark: 7 } }
  - { name: files, who: { uid: 65534 }, may: [socket, bind, listen, connect, send], family: unix,
      type: [stream, dgram], unix: { paths: ["@/open/*", "@/link/*"], mode: 0620 } }
)";

class PolicyEnforced : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to start the broker as root";
    strcpy(folder_, "/tmp/sockbroker-policy.XXXXXX");
    ASSERT_NE(nullptr, mkdtemp(folder_));
    chmod(folder_, 0755);
    for (const char *name : {"/open", "/closed"}) {
      mkdir(In(name).c_str(), 0777);
      chmod(In(name).c_str(), 0777);
    }
    ASSERT_EQ(0, symlink(In("/closed").c_str(), In("/link").c_str()));
    std::string text = kPolicy;
    for (size_t at; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, folder_);
    lent_ = FreeLowPort(600);
    unlent_ = FreeLowPort(lent_ + 1);
    text.replace(text.find("<lent>"), 6, std::to_string(lent_));
    text.replace(text.find("<unlent>"), 8, std::to_string(unlent_));
    broker_.reset(new Broker({"--user", "daemon"}, text));
    ASSERT_TRUE(broker_->Started()) << broker_->Log();
  }
  void TearDown() override {
    if (!broker_) return;
    EXPECT_TRUE(broker_->Stop());
    EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer")) << broker_->Log();
    std::string command = std::string("rm -r ") + folder_;
    EXPECT_EQ(0, system(command.c_str()));
  }
  // The first from `first` on that only root may bind, and nobody has.
  static unsigned FreeLowPort(unsigned first) {
    for (unsigned port = first; port < 1023; port++) {
      sockaddr_in sin = {};
      sin.sin_family = AF_INET;
      sin.sin_port = htons(static_cast<uint16_t>(port));
      sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      int r = bind(fd, reinterpret_cast<sockaddr *>(&sin), sizeof(sin));
      close(fd);
      if (r == 0) return port;
    }
    return 0;
  }
  std::string In(const std::string &name) const { return folder_ + name; }

  // What nobody is told when it runs `client`, which says one line.
  std::string AsNobody(OtherProcess::Client client, const std::string &more = "") {
    OtherProcess nobody(kNobody, client, broker_->address() + " " + more);
    std::string line = nobody.Line();
    return line.substr(0, line.find('\n'));
  }
  // A kernel socket of the test's, bound.
  int Bound(int type, const sockaddr *sa, socklen_t len) {
    int fd = socket(sa->sa_family, type | SOCK_CLOEXEC, 0);
    if (bind(fd, sa, len)) ADD_FAILURE() << strerror(errno);
    if (type == SOCK_STREAM) listen(fd, 8);
    return fd;
  }
  int BoundUnix(const std::string &path, int type) {
    sockaddr_un sun = {};
    sun.sun_family = AF_UNIX;
    path.copy(sun.sun_path, sizeof(sun.sun_path) - 1);
    int fd = Bound(type, reinterpret_cast<sockaddr *>(&sun), sizeof(sun));
    chmod(path.c_str(), 0666);
    return fd;
  }
  int BoundInet(int type, const char *ip, unsigned *ret_port) {
    sockaddr_in sin = {};
    socklen_t len = sizeof(sin);
    sin.sin_family = AF_INET;
    inet_pton(AF_INET, ip, &sin.sin_addr);
    int fd = Bound(type, reinterpret_cast<sockaddr *>(&sin), len);
    getsockname(fd, reinterpret_cast<sockaddr *>(&sin), &len);
    *ret_port = ntohs(sin.sin_port);
    return fd;
  }

  char folder_[64] = "";
  unsigned lent_ = 0, unlent_ = 0;
  std::unique_ptr<Broker> broker_;
};

// One client, one session, and what came of each attempt.
struct Attempts {
  explicit Attempts(const std::string &argument)
      : more(argument.substr(argument.find(' ') + 1)), client(argument.substr(0, argument.find(' '))),
        session(client) {}
  void Try(unsigned op, const Pb &body) {
    int e = session.Do(op, body).error();
    const char *name = e ? strerrorname_np(e) : "ok";
    said += (said.empty() ? "" : " ") + std::string(name ? name : "nothing");
  }
  std::string more, said;
  RawClient client;
  RawSession session;
};

Pb NewSocket(int family, int type, int protocol = 0) {
  return Pb().V(2, static_cast<uint64_t>(family)).V(3, static_cast<uint64_t>(type)).V(4, static_cast<uint64_t>(protocol));
}

TEST_F(PolicyEnforced, RawSocketsAreForThoseARuleLendsTheCapability) {
  EXPECT_EQ("ok EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kSocket, NewSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    a.Try(kSocket, NewSocket(AF_INET, SOCK_RAW, IPPROTO_TCP));
    a.Try(kSocket, NewSocket(AF_INET, SOCK_RAW, IPPROTO_RAW));
    a.Try(kSocket, NewSocket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    Say(out, a.said);
  }));
  EXPECT_NE(std::string::npos, broker_->Log().find("user 65534")) << broker_->Log();
}

TEST_F(PolicyEnforced, UsersWithoutARuleGetNoSession) {
  OtherProcess other(kSomebody, [](const std::string &argument, int out) {
    RawClient client(argument);
    Say(out, std::to_string(RawSession(client).welcome_error()));
  }, broker_->address());
  EXPECT_EQ(std::to_string(EACCES) + "\n", other.Line());
}

TEST_F(PolicyEnforced, PortsBelow1024NeedARuleThatLends) {
  EXPECT_EQ("ok EACCES EACCES ok", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    auto bind = [&](unsigned port) {
      a.Try(kBind, Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).B(2, InetAddress("127.0.0.1", port)));
    };
    auto lent = static_cast<unsigned>(std::stoul(a.more)),
         unlent = static_cast<unsigned>(std::stoul(a.more.substr(a.more.find(' '))));
    bind(lent);
    bind(unlent);  // the rule allows, and lends nothing: the kernel's EACCES
    bind(599);
    bind(0);
    Say(out, a.said);
  }, std::to_string(lent_) + " " + std::to_string(unlent_)));
}

// RTM_NEWLINK of a dummy interface, as a client with CAP_NET_ADMIN would write it.
std::string Netlink(uint16_t type, uint16_t flags, const void *body, size_t n) {
  nlmsghdr h = {};
  h.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(n));
  h.nlmsg_type = type;
  h.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  std::string m(reinterpret_cast<char *>(&h), sizeof(h));
  return m + std::string(static_cast<const char *>(body), n);
}

TEST_F(PolicyEnforced, WhoMayListRoutesCannotChangeThem) {
  EXPECT_EQ("ok ok RTM_NEWROUTE EPERM EPERM EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    uint32_t s = a.session.Socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    rtmsg route = {};
    ifinfomsg link = {};
    route.rtm_family = AF_INET;
    link.ifi_index = 1;
    link.ifi_change = IFF_UP;  // down with lo
    auto error = [&] {
      std::string data = PbBytes(a.session.Do(kRecv, Pb().V(1, s).V(2, 65536)).body, 2);
      nlmsghdr h;
      nlmsgerr e = {};
      memcpy(&h, data.data(), sizeof(h));
      if (h.nlmsg_type == RTM_NEWROUTE) { a.said += " RTM_NEWROUTE"; return; }
      memcpy(&e, data.data() + sizeof(h), sizeof(e));
      a.said += " " + std::string(e.error ? strerrorname_np(-e.error) : "done");
    };
    a.Try(kBind, Pb().V(1, s).B(2, Pb().B(5, "")));
    a.Try(kSend, Pb().V(1, s).B(2, Netlink(RTM_GETROUTE, NLM_F_DUMP & ~NLM_F_ACK, &route, sizeof(route))));
    error();
    while (PbNumber(a.session.Do(kRecv, Pb().V(1, s).V(2, 65536).V(4, 0)).body, 1) == 0) {
    }
    a.session.Do(kSend, Pb().V(1, s).B(2, Netlink(RTM_NEWLINK, 0, &link, sizeof(link))));
    error();
    a.session.Do(kSend, Pb().V(1, s).B(2, Netlink(RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof(route))));
    error();
    a.Try(kSend, Pb().V(1, s).B(2, "x").B(5, Pb().B(5, Pb().V(1, 4321))));  // to another process
    Say(out, a.said);
  }));
}

TEST_F(PolicyEnforced, AnyLeavesOutLoopbackInAllItsSpellingsAndTheHostsOwn) {
  unsigned port;
  int fd = BoundInet(SOCK_STREAM, "0.0.0.0", &port);
  EXPECT_EQ("EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    auto to = static_cast<unsigned>(std::stoul(a.more));
    for (const char *ip : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254"})
      a.Try(kConnect, Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).B(2, InetAddress(ip, to)).V(3, 0));
    for (const char *ip : {"::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "64:ff9b::7f00:1"})
      a.Try(kConnect, Pb().V(1, a.session.Socket(AF_INET6, SOCK_STREAM)).B(2, InetAddress(ip, to)).V(3, 0));
    Say(out, a.said);
  }, std::to_string(port)));
  close(fd);
}

TEST_F(PolicyEnforced, AStreamsSendWithAnAddressIsJudgedAsConnect) {
  unsigned port;
  int fd = BoundInet(SOCK_STREAM, "127.0.0.1", &port);
  EXPECT_EQ("EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    Pb to = InetAddress("127.0.0.1", static_cast<unsigned>(std::stoul(a.more)));
    for (uint64_t flags : {0, static_cast<int>(MSG_FASTOPEN)})
      a.Try(kSend, Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).B(2, "x").V(3, flags).V(4, 0).B(5, to));
    a.Try(kSendMany, Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).B(2, "x").V(3, 1).V(4, MSG_FASTOPEN).V(5, 0).B(6, to));
    Say(out, a.said);
  }, std::to_string(port)));
  close(fd);
}

TEST_F(PolicyEnforced, ManyDatagramsAreCutAtTheFirstDestinationThatIsDenied) {
  EXPECT_EQ("2 EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    uint32_t s = a.session.Socket(AF_INET, SOCK_DGRAM);
    Pb good = InetAddress("127.0.0.1", 9999), bad = InetAddress("127.0.0.1", 9998);
    Pb request = Pb().V(1, s).B(2, "abcd").V(5, 0);
    for (int i = 0; i < 4; i++) request.V(3, 1).B(6, i == 2 ? bad : good);
    RawReply r = a.session.Do(kSendMany, request);
    a.said = std::to_string(PbNumber(r.body, 2));
    a.Try(kSend, Pb().V(1, s).B(2, "x").B(5, bad));
    Say(out, a.said);
  }));
}

// Whoever listens there gets a real descriptor: nobody itself, for one.
TEST_F(PolicyEnforced, ASocketGoesAwayInAMessageOnlyByARuleThatSaysDirect) {
  int listener = BoundUnix(In("/open/taker"), SOCK_STREAM);
  EXPECT_EQ("ok ok EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    const uint32_t way = a.session.Socket(AF_UNIX, SOCK_STREAM), marked = a.session.Socket(AF_INET, SOCK_DGRAM),
                   raw = a.session.Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), mine = a.session.Socket(AF_INET, SOCK_STREAM);
    a.Try(kConnect, Pb().V(1, way).B(2, UnixAddress(a.more)).V(3, 0));
    for (const std::string &handles : {Pb().V(1, mine), Pb().V(1, raw), Pb().V(1, marked), Pb().V(1, mine).V(1, raw)})
      a.Try(kSend, Pb().V(1, way).B(2, "x").B(6, Pb().V(1, SOL_SOCKET).V(2, SCM_RIGHTS).B(4, handles)));
    Say(out, a.said);
  }, In("/open/taker")));
  close(listener);
}

// They reach the same services and the same hosts.
TEST_F(PolicyEnforced, TheRarerInternetProtocolsAreJudgedAsTheCommonOnes) {
  const int lite = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE),
            multi = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
  close(lite);
  close(multi);
  if (lite < 0 || multi < 0) GTEST_SKIP() << "the kernel lacks UDP-Lite or MPTCP";
  unsigned port;
  int fd = BoundInet(SOCK_STREAM, "127.0.0.1", &port);
  EXPECT_EQ("ok EACCES EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    auto send = [&](int protocol, unsigned to) {
      uint32_t s = a.session.Socket(AF_INET, SOCK_DGRAM, protocol);
      a.Try(kSend, Pb().V(1, s).B(2, "x").B(5, InetAddress("127.0.0.1", to)));
    };
    send(IPPROTO_UDPLITE, 9997);
    send(IPPROTO_UDPLITE, 9999);  // which UDP may
    send(IPPROTO_UDP, 9997);
    auto to = static_cast<unsigned>(std::stoul(a.more));
    uint32_t s = a.session.Socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    a.Try(kConnect, Pb().V(1, s).B(2, InetAddress("127.0.0.1", to)).V(3, 0));
    a.Try(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0)));  // which TCP may
    Say(out, a.said);
  }, std::to_string(port)));
  close(fd);
}

TEST_F(PolicyEnforced, TheHostOfAGuestIsNotUnderAny) {
  const int kernels = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  close(kernels);
  if (kernels < 0) GTEST_SKIP() << "the kernel lacks AF_VSOCK";
  EXPECT_EQ("EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    for (uint64_t cid : {1, 2})
      a.Try(kConnect, Pb().V(1, a.session.Socket(AF_VSOCK, SOCK_STREAM)).B(2, Pb().B(7, Pb().V(1, cid).V(2, 2000))).V(3, 0));
    a.Try(kBind, Pb().V(1, a.session.Socket(AF_VSOCK, SOCK_STREAM)).B(2, Pb().B(7, Pb().V(1, 0xffffffff).V(2, 2000))));
    Say(out, a.said);
  }));
}

// Nothing of a family reaches the kernel before a rule says so: to ask has it load a module.
TEST_F(PolicyEnforced, FamiliesAreForThoseWhoHaveARuleOfTheirs) {
  std::string said = AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    for (int family : {AF_TIPC, AF_RDS, AF_BLUETOOTH, AF_ALG, AF_QIPCRTR, AF_SMC, AF_KEY, AF_XDP, AF_CAN})
      a.Try(kSocket, NewSocket(family, SOCK_RAW));
    a.Try(kSocket, NewSocket(AF_KCM, SOCK_DGRAM));
    Say(out, a.said);
  });
  const std::string denied = "EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES ";
  EXPECT_EQ(denied, said.substr(0, denied.size()));
  EXPECT_NE("EACCES", said.substr(denied.size())) << "it is the kernel's to answer";
}

TEST_F(PolicyEnforced, UnixPathsAreThoseARuleNamesAndNoLinkLeadsElsewhere) {
  int open = BoundUnix(In("/open/good"), SOCK_STREAM), closed = BoundUnix(In("/closed/secret"), SOCK_STREAM);
  ASSERT_EQ(0, symlink(In("/closed/secret").c_str(), In("/open/swapped").c_str()));
  EXPECT_EQ("ok EACCES EACCES EACCES EACCES EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    auto connect = [&](const std::string &path) {
      a.Try(kConnect, Pb().V(1, a.session.Socket(AF_UNIX, SOCK_STREAM)).B(2, UnixAddress(path)).V(3, 0));
    };
    connect(a.more + "/open/good");
    connect(a.more + "/closed/secret");
    connect(a.more + "/open/swapped");          // a link to it
    connect(a.more + "/link/secret");           // a folder that is one
    connect(a.more + "/open/../closed/secret");
    connect(a.more + "/open/./good");
    connect(a.more + "//open/good");
    connect("open/good");
    Say(out, a.said);
  }, folder_));
  close(open);
  close(closed);
}

TEST_F(PolicyEnforced, ADatagramByALinkToAPathThatIsNotNamedIsRefused) {
  int closed = BoundUnix(In("/closed/secret"), SOCK_DGRAM);
  ASSERT_EQ(0, symlink(In("/closed/secret").c_str(), In("/open/swapped").c_str()));
  EXPECT_EQ("EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    uint32_t s = a.session.Socket(AF_UNIX, SOCK_DGRAM);
    for (const char *name : {"/open/swapped", "/closed/secret"})
      a.Try(kSend, Pb().V(1, s).B(2, "x").V(4, 0).B(5, UnixAddress(a.more + name)));
    Say(out, a.said);
  }, folder_));
  close(closed);
}

TEST_F(PolicyEnforced, AFileThatBindMakesHasTheModeOfTheRule) {
  EXPECT_EQ("ok ENOTDIR EACCES 620", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    for (const char *name : {"/open/mine", "/link/mine", "/closed/mine"})
      a.Try(kBind, Pb().V(1, a.session.Socket(AF_UNIX, SOCK_STREAM)).B(2, UnixAddress(a.more + name)));
    struct stat st = {};
    char mode[16];
    stat((a.more + "/open/mine").c_str(), &st);
    snprintf(mode, sizeof(mode), " %o", st.st_mode & 0777);
    Say(out, a.said + mode);
  }, folder_));
}

TEST_F(PolicyEnforced, AUnixPathCannotForgeALineOfTheLog) {
  AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kConnect, Pb().V(1, a.session.Socket(AF_UNIX, SOCK_STREAM)).B(2, UnixAddress("/x\nsockbrokerd: forged")));
    Say(out, a.said);
  });
  EXPECT_EQ(std::string::npos, broker_->Log().find("\nsockbrokerd: forged"));
}

TEST_F(PolicyEnforced, CredentialsMarksAndSourceRoutesInControlMessagesNeedARule) {
  EXPECT_EQ("EPERM EPERM EPERM EPERM", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    uint32_t u = a.session.Socket(AF_UNIX, SOCK_DGRAM), s = a.session.Socket(AF_INET, SOCK_DGRAM),
             s6 = a.session.Socket(AF_INET6, SOCK_DGRAM);
    Pb to = InetAddress("127.0.0.1", 9999);
    a.Try(kSend, Pb().V(1, u).B(2, "x").B(6, Pb().V(1, SOL_SOCKET).V(2, SCM_CREDENTIALS).B(5, Pb().V(1, 1))));
    Pb mark = Pb().V(1, SOL_SOCKET).V(2, SO_MARK).B(3, Pb().V(1, 7).V(2, 4));
    a.Try(kSend, Pb().V(1, s).B(2, "x").B(5, to).B(6, mark));
    a.Try(kSendMany, Pb().V(1, s).B(2, "x").V(3, 1).B(6, to).B(7, Pb().B(1, mark)));
    a.Try(kSend, Pb().V(1, s6).B(2, "x").B(6, Pb().V(1, IPPROTO_IPV6).V(2, IPV6_RTHDR).B(12, std::string(24, '\0'))));
    Say(out, a.said);
  }));
}

TEST_F(PolicyEnforced, OptionsThatReachFurtherNeedARule) {
  EXPECT_EQ("EPERM EPERM EPERM EPERM ENOPROTOOPT ENOPROTOOPT ok", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    uint32_t s = a.session.Socket(AF_INET, SOCK_STREAM);
    Pb one = Pb().V(1, 1);
    auto set = [&](int level, int name, const Pb &value) {
      a.Try(kSetOption, Pb().V(1, s).V(2, static_cast<uint64_t>(level)).V(3, static_cast<uint64_t>(name)).B(4, value));
    };
    set(SOL_SOCKET, SO_MARK, one);
    set(SOL_SOCKET, SO_REUSEPORT, one);
    set(SOL_SOCKET, SO_BINDTODEVICE, Pb().B(2, "lo"));
    set(IPPROTO_IP, IP_TRANSPARENT, one);
    set(SOL_SOCKET, SO_ATTACH_BPF, one);  // a descriptor's number: the broker's
    set(SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, one);
    set(SOL_SOCKET, SO_REUSEADDR, one);
    Say(out, a.said);
  }));
}

TEST_F(PolicyEnforced, ListenOnAnUnboundSocketIsListenOnTheWildcard) {
  EXPECT_EQ("EACCES ok ok", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kListen, Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).V(2, 1));
    uint32_t s = a.session.Socket(AF_INET, SOCK_STREAM);
    a.Try(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0)));
    a.Try(kListen, Pb().V(1, s).V(2, 1));
    Say(out, a.said);
  }));
}

TEST_F(PolicyEnforced, APacketSocketOfANarrowRuleIsDeaf) {
  unsigned port;
  int fd = BoundInet(SOCK_DGRAM, "127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_port = htons(static_cast<uint16_t>(port));
  sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  OtherProcess nobody(kNobody, [](const std::string &argument, int out) {
    RawClient client(argument);
    RawSession session(client);
    uint32_t s = session.Socket(AF_PACKET, SOCK_RAW, 3);
    Say(out, s ? "made" : "refused");
    // The test's datagrams come meanwhile; bound to lo it would hear them.
    int deaf = session.Do(kRecv, Pb().V(1, s).V(2, 100).V(4, 300000000)).error();
    int bound = session.Do(kBind, Pb().V(1, s).B(2, Pb().B(4, Pb().V(1, 3).V(2, 1)))).error();
    int all = session.Do(kBind, Pb().V(1, s).B(2, Pb().B(4, Pb().V(1, 3)))).error();
    Say(out, std::to_string(deaf) + " " + std::to_string(bound) + " " + std::to_string(all));
  }, broker_->address());
  EXPECT_EQ("made\n", nobody.Line());
  for (int i = 0; i < 50; i++) sendto(from, "x", 1, 0, reinterpret_cast<sockaddr *>(&sin), sizeof(sin));
  std::string refused = std::to_string(EACCES);
  EXPECT_EQ(std::to_string(EAGAIN) + " " + refused + " " + refused + "\n", nobody.Line());
  close(fd);
  close(from);
}

TEST_F(PolicyEnforced, ADenialIsOneLineWithWhoWhatAndWhichRule) {
  AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kSocket, NewSocket(AF_INET, SOCK_RAW, IPPROTO_TCP));
    Say(out, a.said);
  });
  std::string log = broker_->Log(), line = log.substr(std::min(log.size(), log.find("denied: ")));
  line = line.substr(0, line.find('\n'));
  for (const char *part : {"socket", "inet", "raw", "tcp", "user 65534", "process ", "session ", "no rule"})
    EXPECT_NE(std::string::npos, line.find(part)) << part << " is not in: " << log;
}

}  // namespace
