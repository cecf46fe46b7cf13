// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that were given out, and what holds their holder: marks, docs/examples/marked.yaml and
// marked.nft as they stand; devices; filters; on netlink the capability that he lacks. In a network namespace
// of the test's own; nobody, who holds the descriptors, is in another.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sockbroker.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/broker.h"
#include "support/raw_client.h"

using namespace sb_test;

namespace {

constexpr uid_t kNobody = 65534;
constexpr int kUpdates = 0x10, kNames = 0x11;  // the marks

const char kDevice[] = R"(version: 1
rules:
  - { name: by a device, who: { uid: 65534 }, may: [socket, direct], lends: CAP_NET_RAW, family: inet,
      type: stream, protocol: tcp, to: 198.51.100.0/24, to_ports: any, sets: { device: sbm0 } }
  - { name: by none, who: { uid: 65534 }, may: [socket, direct], lends: CAP_NET_RAW, family: inet6,
      type: stream, protocol: tcp, to: 192.0.2.1, to_ports: any, sets: { device: nosuch0 } }
)";

const char kRoutes[] = R"(version: 1
rules:
  - { name: routes, who: { uid: 65534 }, may: [socket, direct, send], lends: CAP_NET_ADMIN, family: netlink,
      type: raw, protocol: route }
)";

sockaddr_in Inet(const char *ip, unsigned port) {
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip, &sin.sin_addr);
  return sin;
}

template <class T>
const sockaddr *Sa(const T &t) {
  return reinterpret_cast<const sockaddr *>(&t);
}

std::string Result(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }

int Mark(int fd) {
  int mark = -1;
  socklen_t len = sizeof(mark);
  return getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len) ? -1 : mark;
}

// The words of `argument`: the broker's address is the first.
std::vector<std::string> Words(const std::string &argument) {
  std::istringstream in(argument);
  return {std::istream_iterator<std::string>(in), {}};
}

// A real descriptor from the broker; -1, and it has been said why.
int Descriptor(const std::string &address, int family, int type, int out) {
  sb_broker *b = sb_connect_broker(address.c_str(), SB_TRANSPORT_STREAM);
  int fd = sb_socket_at(b, family, type, 0);
  if (fd >= 0 && sb_detach(fd) == fd) return fd;
  Say(out, Result(-1));
  return -1;
}

std::string ConnectAndLetGo(int fd, const char *ip, unsigned port) {
  const sockaddr_in to = Inet(ip, port);
  const sockaddr none = {};  // AF_UNSPEC
  std::string result = Result(connect(fd, Sa(to), sizeof(to)));
  if (connect(fd, &none, sizeof(none))) result += "!";
  return result;
}

class Marked : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) return;
    Must(unshare(CLONE_NEWNET) == 0, "unshare");
    Must(system("ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip addr add 192.0.2.53/32 dev lo && "
                "ip link add sbm0 type veth peer name sbm1 && ip addr add 198.51.100.1/24 dev sbm0 && "
                "ip link set sbm0 up && ip link set sbm1 up") == 0, "ip");
    Must(system("nft -f " SB_EXAMPLES "/marked.nft") == 0, "nft");
  }
  static void Must(bool done, const char *what) {
    if (!done) throw std::runtime_error(what);
  }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, for a network namespace and a broker that lends";
    std::ostringstream text;
    text << std::ifstream(SB_EXAMPLES "/marked.yaml").rdbuf();
    Start(text.str());
  }
  void Start(const std::string &policy) {
    broker_.reset(new Broker({"--user", "daemon"}, policy));
    ASSERT_TRUE(broker_->Started()) << broker_->Log();
  }
  void TearDown() override {
    if (!broker_) return;
    EXPECT_TRUE(broker_->Stop());
    EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer")) << broker_->Log();
  }
  // What nobody says.
  std::string AsNobody(OtherProcess::Client client, const std::string &more = "") {
    std::string line = OtherProcess(kNobody, client, broker_->address() + " " + more).Line();
    return line.substr(0, line.find('\n'));
  }
  // A socket of the kernel's in our namespace, without a mark.
  static int Own(int type, const char *ip, unsigned port) {
    const sockaddr_in at = Inet(ip, port);
    const int on = 1;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    EXPECT_EQ(0, bind(fd, Sa(at), sizeof(at))) << strerror(errno);
    EXPECT_TRUE(type != SOCK_STREAM || listen(fd, 8) == 0);
    return fd;
  }
  static std::string Received(int fd) {
    char text[64];
    ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
    return n < 0 ? Result(n) : std::string(text, static_cast<size_t>(n));
  }

  std::unique_ptr<Broker> broker_;
};

// ADDRESS IP PORT …: what connecting there one after the other with one descriptor gives.
void Connects(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  int fd = Descriptor(words[0], AF_INET, SOCK_STREAM, out);
  std::string said;
  for (size_t i = 1; fd >= 0 && i + 1 < words.size(); i += 2)
    said += ConnectAndLetGo(fd, words[i].c_str(), static_cast<unsigned>(std::stoi(words[i + 1]))) + " ";
  if (fd >= 0) Say(out, said + std::to_string(Mark(fd)));
}

TEST_F(Marked, ADescriptorReachesWhatNftablesAllowsAndNothingElse) {
  int web = Own(SOCK_STREAM, "0.0.0.0", 443), other = Own(SOCK_STREAM, "0.0.0.0", 80);
  EXPECT_EQ("ok ECONNREFUSED ECONNREFUSED ECONNREFUSED ok " + std::to_string(kUpdates),
            AsNobody(Connects, "192.0.2.1 443 192.0.2.1 80 198.51.100.1 443 127.0.0.1 443 192.0.2.53 443"));
  int unmarked = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ("ok", ConnectAndLetGo(unmarked, "198.51.100.1", 443)) << "it is the mark that counts";
  for (int fd : {web, other, unmarked}) close(fd);
}

void Sends(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  const sockaddr_in allowed = Inet("192.0.2.53", 53), denied = Inet("192.0.2.1", 53);
  int fd = Descriptor(words[0], AF_INET, SOCK_DGRAM, out);
  if (fd < 0) return;
  std::string said = Result(sendto(fd, "allowed", 7, 0, Sa(allowed), sizeof(allowed)));
  said += " " + Result(sendto(fd, "denied", 6, 0, Sa(denied), sizeof(denied)));
  Say(out, said + " " + std::to_string(Mark(fd)));
}

TEST_F(Marked, SoDoDatagrams) {
  int names = Own(SOCK_DGRAM, "192.0.2.53", 53), other = Own(SOCK_DGRAM, "192.0.2.1", 53);
  EXPECT_EQ("ok EPERM " + std::to_string(kNames), AsNobody(Sends));
  EXPECT_EQ("allowed", Received(names));
  EXPECT_EQ("EAGAIN", Received(other));
  close(names);
  close(other);
}

std::string SendMarked(int fd, int mark) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(mark))] = {};
  sockaddr_in to = Inet("192.0.2.1", 53);
  iovec iov = {&mark, 1};
  msghdr m = {};
  m.msg_name = &to;
  m.msg_namelen = sizeof(to);
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SO_MARK;
  c->cmsg_len = CMSG_LEN(sizeof(mark));
  memcpy(CMSG_DATA(c), &mark, sizeof(mark));
  return Result(sendmsg(fd, &m, 0));
}

void ChangesTheMark(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  const int other = 7;
  int fd = Descriptor(words[0], AF_INET, SOCK_DGRAM, out);
  if (fd < 0) return;
  std::string said = Result(setsockopt(fd, SOL_SOCKET, SO_MARK, &other, sizeof(other)));
  said += " " + SendMarked(fd, other);
  // Where it is root, it is so of its own namespaces; some hosts refuse even that.
  (void)!unshare(CLONE_NEWUSER | CLONE_NEWNET);
  said += " " + Result(setsockopt(fd, SOL_SOCKET, SO_MARK, &other, sizeof(other)));
  Say(out, said + " " + SendMarked(fd, other) + " " + std::to_string(Mark(fd)));
}

TEST_F(Marked, ItsHolderCannotChangeTheMark) {
  EXPECT_EQ("EPERM EPERM EPERM EPERM " + std::to_string(kNames), AsNobody(ChangesTheMark));
}

// Says its port, then the mark of what it accepts.
void Listens(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  sockaddr_in at = Inet("192.0.2.1", 0);
  socklen_t len = sizeof(at);
  int fd = Descriptor(words[0], AF_INET, SOCK_STREAM, out);
  if (fd < 0 || bind(fd, Sa(at), len) || listen(fd, 8)) return;
  getsockname(fd, reinterpret_cast<sockaddr *>(&at), &len);
  Say(out, std::to_string(ntohs(at.sin_port)));
  Say(out, std::to_string(Mark(accept(fd, nullptr, nullptr))));
}

TEST_F(Marked, WhatItAcceptsHasTheMarkTooAndAnswersNobodyElse) {
  OtherProcess nobody(kNobody, Listens, broker_->address());
  const sockaddr_in to = Inet("192.0.2.1", static_cast<unsigned>(std::stoi("0" + nobody.Line())));
  int stranger = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  EXPECT_EQ("EINPROGRESS", Result(connect(stranger, Sa(to), sizeof(to))));
  int friendly = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in from = Inet("192.0.2.1", 443);
  EXPECT_EQ(0, bind(friendly, Sa(from), sizeof(from))) << strerror(errno);
  EXPECT_EQ(0, connect(friendly, Sa(to), sizeof(to))) << strerror(errno);
  EXPECT_EQ(std::to_string(kUpdates) + "\n", nobody.Line());
  EXPECT_EQ("EALREADY", Result(connect(stranger, Sa(to), sizeof(to)))) << "its answers are judged";
  close(stranger);
  close(friendly);
}

// ---- filters ---------------------------------------------------------------

// Lets the datagrams in whose data begin with an `a`, and locks that. Says its port and what it could do
// then; and what comes in.
void LocksAFilter(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  sock_filter begins_with_a[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), // behind UDP's header
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
  sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};
  const sock_fprog narrow = {4, begins_with_a}, wide = {1, all};
  const int on = 1, off = 0;
  sockaddr_in at = Inet("192.0.2.1", 0);
  socklen_t len = sizeof(at);
  char text[16];
  int fd = Descriptor(words[0], AF_INET, SOCK_DGRAM, out);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &narrow, sizeof(narrow)) ||
      setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) || bind(fd, Sa(at), len) ||
      getsockname(fd, reinterpret_cast<sockaddr *>(&at), &len))
    return;
  Say(out, std::to_string(ntohs(at.sin_port)));
  std::string said = Result(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &wide, sizeof(wide)));
  said += " " + Result(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof(off)));
  said += " " + Result(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off)));
  Say(out, said);
  ssize_t n = recv(fd, text, sizeof(text), 0);
  Say(out, n < 0 ? Result(n) : std::string(text, static_cast<size_t>(n)));
}

TEST_F(Marked, ALockedFilterHoldsForWhatComesIn) {
  OtherProcess nobody(kNobody, LocksAFilter, broker_->address());
  const sockaddr_in to = Inet("192.0.2.1", static_cast<unsigned>(std::stoi("0" + nobody.Line())));
  EXPECT_EQ("EPERM EPERM EPERM\n", nobody.Line());
  int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (const char *text : {"bad", "worse", "accepted"})
    EXPECT_EQ(static_cast<ssize_t>(strlen(text)), sendto(own, text, strlen(text), 0, Sa(to), sizeof(to)));
  EXPECT_EQ("accepted\n", nobody.Line());
  close(own);
}

// ---- devices ---------------------------------------------------------------

class MarkedDevice : public Marked {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, for a network namespace and a broker that lends";
    Start(kDevice);
  }
};

void ChangesTheDevice(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  char device[16] = "";
  socklen_t len = sizeof(device);
  int fd = Descriptor(words[0], AF_INET, SOCK_STREAM, out);
  if (fd < 0) return;
  std::string said = ConnectAndLetGo(fd, "198.51.100.1", 443);
  said += " " + Result(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  said += " " + Result(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
  getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len);
  Say(out, said + " " + device);
}

TEST_F(MarkedDevice, ItsHolderCannotChangeTheDeviceEvenByDisconnecting) {
  int web = Own(SOCK_STREAM, "198.51.100.1", 443);
  EXPECT_EQ("ok EPERM EPERM sbm0", AsNobody(ChangesTheDevice));
  close(web);
}

TEST_F(MarkedDevice, WithoutItThereIsNoDescriptor) {
  EXPECT_EQ("ENODEV", AsNobody([](const std::string &argument, int out) {
    if (Descriptor(Words(argument)[0], AF_INET6, SOCK_STREAM, out) >= 0) Say(out, "there is one");
  }));
}

// ---- netlink ---------------------------------------------------------------

class MarkedNot : public Marked {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, for a network namespace and a broker that lends";
    Start(kRoutes);
  }
};

// Adds 127.9.9.9 to the first interface, which is lo.
struct NewAddress {
  nlmsghdr header = {};
  ifaddrmsg address = {};
  rtattr attribute = {};
  in_addr value = Inet("127.9.9.9", 0).sin_addr;
  NewAddress() {
    header.nlmsg_len = sizeof(*this);
    header.nlmsg_type = RTM_NEWADDR;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    address.ifa_family = AF_INET;
    address.ifa_prefixlen = 32;
    address.ifa_index = 1;
    attribute.rta_len = RTA_LENGTH(sizeof(value));
    attribute.rta_type = IFA_LOCAL;
  }
};

std::string KernelSays(int fd) {
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[512];
  } reply = {};
  if (recv(fd, &reply, sizeof(reply), 0) < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(reply.error)))) return "nothing";
  return reply.error.error ? strerrorname_np(-reply.error.error) : "done";
}

void AddsAnAddress(const std::string &argument, int out) {
  const std::vector<std::string> words = Words(argument);
  const NewAddress change;
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  sb_broker *b = sb_connect_broker(words[0].c_str(), SB_TRANSPORT_STREAM);
  int fd = sb_socket_at(b, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0 || sb_detach(fd) != fd || send(fd, &change, sizeof(change), 0) < 0) {
    Say(out, Result(-1));
    return;
  }
  std::string said = KernelSays(fd);
  int standin = sb_fromfd_at(b, fd, 0);
  said += " " + Result(sb_sendto(standin, &change, sizeof(change), 0, Sa(kernel), sizeof(kernel)));
  Say(out, said + " " + KernelSays(fd));
}

TEST_F(MarkedNot, ANetlinkSocketChangesNothingButThroughTheBroker) {
  EXPECT_EQ("EPERM ok done", AsNobody(AddsAnAddress));
}

}  // namespace
