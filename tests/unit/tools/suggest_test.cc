/* SPDX-License-Identifier: Apache-2.0 */
/* What `sockbroker run --suggest-policy` writes: it is taken, allows what was noted and lends what
 * that takes; and allows no neighbour of it. */
#include "suggest.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "policy/policy_helper.h"

namespace {

constexpr uid_t kWho = 1234;  // kSomebody

class Suggest : public testing::Test {
 protected:
  ~Suggest() override { suggest_free(s_); }

  void Note(const std::string &words, bool privileged = false, const char *interface = nullptr) {
    struct intent in = Words(words);
    suggest_note(s_, &in, privileged, interface);
    noted_.push_back(words);
  }
  std::string Text(uid_t uid = kWho, const char *program = "/usr/bin/prog") {
    char *text = nullptr;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    EXPECT_EQ(0, suggest_write(s_, file, uid, program));
    fclose(file);
    std::string ret(text, size);
    free(text);
    return ret;
  }
  /* The policy, which allows all that was noted. */
  PolicyPtr Policy() {
    text_ = Text();
    PolicyPtr p = Parse(text_);
    if (!p) return p;
    for (const auto &words : noted_) EXPECT_ALLOWED(p, words) << "\n" << text_;
    return p;
  }
  void ExpectNot(const PolicyPtr &p, std::initializer_list<const char *> neighbours) {
    for (const char *words : neighbours) EXPECT_GT(0, Judge(p, words).error) << words << "\n" << text_;
  }
  bool Has(const std::string &what) { return text_.find(what) != std::string::npos; }

  struct suggestion *s_ = suggest_new();
  std::vector<std::string> noted_;
  std::string text_;
};

TEST_F(Suggest, NothingAsIsAPolicyThatAllowsNothing) {
  PolicyPtr p = Policy();
  EXPECT_EQ(0u, policy_rule_count(p.get()));
}

TEST_F(Suggest, ASocketWithItsDescriptorAndWhatOpensIt) {
  Note("socket inet raw icmp");
  PolicyPtr p = Policy();
  EXPECT_ALLOWED(p, "direct inet raw icmp");
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), Judge(p, "socket inet raw icmp").lends);
  ExpectNot(p, {"socket inet6 raw icmpv6", "socket inet raw tcp", "socket inet dgram icmp",
                "direct inet stream tcp", "send inet raw icmp 192.0.2.1:0"});
  EXPECT_TRUE(Has("to: any\n")) << text_;
  EXPECT_TRUE(Has("cannot be taken back")) << text_;
}

TEST_F(Suggest, OrdinarySocketsLendNothing) {
  Note("socket inet stream 0");
  Note("socket inet6 dgram 0");
  PolicyPtr p = Policy();
  EXPECT_EQ(0u, policy_lends(p.get()));
  EXPECT_EQ(2u, policy_rule_count(p.get()));
  ExpectNot(p, {"socket inet dgram 0", "socket inet6 stream 0", "socket inet stream mptcp"});
}

TEST_F(Suggest, ALowPortIsExactAndLendsItsCapability) {
  Note("bind inet stream tcp 0.0.0.0:80", true);
  Note("bind inet6 stream tcp [::]:80", true);
  PolicyPtr p = Policy();
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_BIND_SERVICE),
            Judge(p, "bind inet stream tcp 0.0.0.0:80").lends);
  ExpectNot(p, {"bind inet stream tcp 0.0.0.0:81", "bind inet stream tcp 0.0.0.0:8080",
                "bind inet stream tcp 192.0.2.1:80", "bind inet dgram udp 0.0.0.0:80",
                "listen inet stream tcp 0.0.0.0:80", "socket inet stream tcp",
                "direct inet stream tcp", "connect inet stream tcp 192.0.2.1:80"});
}

TEST_F(Suggest, BindAndListenAtOnePlaceAreOneRule) {
  Note("bind inet stream tcp 127.0.0.1:8080");
  Note("listen inet stream tcp 127.0.0.1:8080");
  PolicyPtr p = Policy();
  EXPECT_EQ(1u, policy_rule_count(p.get()));
  EXPECT_EQ(0u, policy_lends(p.get()));
  ExpectNot(p, {"bind inet stream tcp 127.0.0.1:8081", "bind inet stream tcp 127.0.0.2:8080"});
}

TEST_F(Suggest, APortOfTheKernelsChoiceIsNoNumber) {
  Note("bind inet stream tcp 127.0.0.1:0");
  Note("listen inet stream tcp 127.0.0.1:40001");
  PolicyPtr p = Policy();
  EXPECT_ALLOWED(p, "listen inet stream tcp 127.0.0.1:40002") << text_;
  ExpectNot(p, {"bind inet stream tcp 127.0.0.1:40001", "listen inet stream tcp 127.0.0.1:80"});
  EXPECT_FALSE(Has("40001")) << text_;
}

TEST_F(Suggest, UnboundSocketsListenByTheWildcard) {
  Note("listen inet stream tcp unbound");
  Note("listen inet6 stream tcp unbound");
  ExpectNot(Policy(), {"listen inet stream tcp 127.0.0.1:80", "bind inet stream tcp 127.0.0.1:0"});
}

TEST_F(Suggest, AddressesAndPortsAreNotMixed) {
  Note("connect inet stream tcp 192.0.2.1:80");
  Note("connect inet stream tcp 192.0.2.2:443");
  Note("send inet dgram udp 192.0.2.1:53");
  PolicyPtr p = Policy();
  ExpectNot(p, {"connect inet stream tcp 192.0.2.1:443", "connect inet stream tcp 192.0.2.2:80",
                "connect inet stream tcp 192.0.2.3:80", "send inet dgram udp 192.0.2.1:54",
                "connect inet dgram udp 192.0.2.1:53"});
}

TEST_F(Suggest, WhatWasAskedAlikeIsOneRule) {
  for (const char *host : {"192.0.2.1", "192.0.2.2", "127.0.0.1"})
    for (const char *action : {"connect", "send"})
      for (const char *port : {"53", "5353", "54"})
        Note(std::string(action) + " inet dgram udp " + host + ":" + port);
  PolicyPtr p = Policy();
  EXPECT_EQ(1u, policy_rule_count(p.get())) << text_;
  EXPECT_TRUE(Has("to_ports: [53-54, 5353]")) << text_;
}

TEST_F(Suggest, WhateverTheSpellingOfAnAddress) {
  for (const char *words :
       {"connect inet stream tcp 0.0.0.0:80", "connect inet6 stream tcp [::]:80",
        "connect inet6 stream tcp [::ffff:192.0.2.1]:80", "connect inet6 stream tcp [fe80::1%1]:80",
        "connect inet6 stream tcp [64:ff9b:1::192.0.2.1]:80", "connect inet stream tcp 169.254.169.254:80",
        "send inet dgram udp 224.0.0.1:80", "send inet6 dgram udp [ff02::1]:80",
        "bind inet6 stream tcp [::1]:80", "bind inet dgram udp 224.0.0.1:80"})
    Note(words);
  ExpectNot(Policy(), {"connect inet6 stream tcp [2001:db8::1]:80"});
}

TEST_F(Suggest, ToLeaveNeedsNoRule) {
  Note("connect inet dgram udp unspec");
  EXPECT_EQ(0u, policy_rule_count(Policy().get()));
}

TEST_F(Suggest, PacketSocketsNameTheirInterface) {
  Note("socket packet raw none");
  Note("socket packet raw all");
  Note("bind packet raw all lo");
  const struct intent elsewhere = Words("send packet raw arp lo");
  suggest_note(s_, &elsewhere, false, "eth7");
  PolicyPtr p = Policy();
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), Judge(p, "socket packet raw all").lends);
  ExpectNot(p, {"bind packet raw all any", "send packet raw all lo", "socket packet dgram all"});
  EXPECT_TRUE(Has("interface: [eth7]")) << text_;
}

TEST_F(Suggest, EveryInterfaceIsAny) {
  Note("bind can raw raw any");
  Note("bind packet dgram all any");
  Policy();
}

TEST_F(Suggest, ANetlinkChangeAloneAsksForASocketThatMay) {
  Note("send netlink raw route 0", true);
  PolicyPtr p = Policy();
  EXPECT_ALLOWED(p, "direct netlink raw route");
  for (const char *words : {"socket netlink raw route", "send netlink raw route 0"})
    EXPECT_EQ(static_cast<uint32_t>(LEND_NET_ADMIN), Judge(p, words).lends) << words;
  ExpectNot(p, {"send netlink raw route 7", "send netlink raw route 0:1", "bind netlink raw route 0:1"});
}

TEST_F(Suggest, NetlinkGroupsAreNamed) {
  Note("socket netlink raw route");
  Note("bind netlink raw route 0");
  Note("bind netlink raw route 0:0x11");
  Note("bind netlink raw route 0:0xffffffff");
  Note("send netlink raw route 4711");
  Note("send netlink raw generic 0:1");
  Note("option netlink raw route NETLINK_ADD_MEMBERSHIP 33");
  PolicyPtr p = Policy();
  EXPECT_EQ(0u, Judge(p, "socket netlink raw route").lends);
  ExpectNot(p, {"option netlink raw route NETLINK_ADD_MEMBERSHIP 34", "bind netlink raw generic 0:1"});
}

TEST_F(Suggest, OptionsNameWhatTheyReach) {
  Note("option inet stream tcp SO_MARK 7", true);
  Note("option inet stream tcp SO_MARK 9", true);
  Note("option inet stream tcp SO_BINDTODEVICE lo", true);
  Note("option inet stream tcp IP_TRANSPARENT 1", true);
  Note("option inet6 dgram udp IPV6_ADD_MEMBERSHIP 0");
  Note("option packet raw all PACKET_ADD_MEMBERSHIP lo");
  PolicyPtr p = Policy();
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_ADMIN), Judge(p, "option inet stream tcp SO_MARK 7").lends);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), Judge(p, "option inet stream tcp SO_BINDTODEVICE lo").lends);
  EXPECT_EQ(0u, Judge(p, "option packet raw all PACKET_ADD_MEMBERSHIP lo").lends);
  ExpectNot(p, {"option inet stream tcp SO_MARK 8", "option inet dgram udp SO_MARK 7",
                "option inet stream tcp IP_FREEBIND 1", "option packet raw all PACKET_ADD_MEMBERSHIP 0"});
}

TEST_F(Suggest, OptionsOfOnesOwnNeedNoRuleAndStandInNone) {
  Note("option inet stream tcp SO_KEEPALIVE 1");
  Note("ioctl inet stream tcp FIONREAD");
  EXPECT_EQ(0u, policy_rule_count(Policy().get()));
}

TEST_F(Suggest, IoctlsNameTheInterfaceThatTheyChange) {
  Note("ioctl inet dgram udp SIOCGIFINDEX");
  Note("ioctl inet dgram udp SIOCSIFFLAGS lo", true);
  Note("ioctl inet dgram udp SIOCSIFMTU lo", true);
  PolicyPtr p = Policy();
  EXPECT_EQ(0u, Judge(p, "ioctl inet dgram udp SIOCGIFINDEX").lends);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_ADMIN), Judge(p, "ioctl inet dgram udp SIOCSIFMTU lo").lends);
  ExpectNot(p, {"ioctl inet dgram udp SIOCSIFADDR lo", "ioctl inet dgram udp SIOCSIFFLAGS 0"});
}

TEST_F(Suggest, OtherFamiliesToo) {
  for (const char *words : {"socket vsock stream", "connect vsock stream 2:1000", "bind vsock stream 4294967295:80",
                            "socket alg seqpacket", "bind alg seqpacket alg:skcipher:cbc(aes)",
                            "socket can raw raw", "bind can raw raw lo", "socket rds seqpacket",
                            "bind rds seqpacket 192.0.2.1:0", "send rds seqpacket 192.0.2.1:1",
                            "socket smc stream smc", "connect smc stream smc 192.0.2.1:80",
                            "socket xdp raw 0", "socket 45 dgram 7", "socket bluetooth raw hci",
                            "socket tipc rdm", "socket unix stream", "socket qipcrtr dgram"})
    Note(words);
  ExpectNot(Policy(), {"connect vsock stream 2:1001", "connect vsock stream 1:1000",
                       "bind alg seqpacket alg:hash:sha256", "send rds seqpacket 192.0.2.1:2"});
}

TEST_F(Suggest, WhatHasNoWordsHereIsToldOf) {
  struct intent in = Words("bind tipc rdm tipc:name:1000:5");
  suggest_note(s_, &in, false, nullptr);
  EXPECT_EQ(0u, policy_rule_count(Policy().get()));
  EXPECT_TRUE(Has("(bind)")) << text_;
}

TEST_F(Suggest, ManyPortsBecomeRangesAndThatIsTold) {
  for (unsigned port = 1; port < 60000; port += 7) Note("connect inet stream tcp 192.0.2.1:" + std::to_string(port));
  ExpectNot(Policy(), {"connect inet stream tcp 192.0.2.2:1", "connect inet stream tcp 192.0.2.1:60001"});
  EXPECT_LT(text_.size(), 2000u);
  EXPECT_TRUE(Has("cover more than was asked for")) << text_;
}

TEST_F(Suggest, PortsThatFollowOneAnotherAreExactlyTheirRange) {
  for (unsigned i = 0; i < 1000; i++) {
    unsigned port = 1000 + i * 37 % 1000;  /* each once, in no order */
    Note("bind inet dgram udp 127.0.0.1:" + std::to_string(port));
  }
  ExpectNot(Policy(), {"bind inet dgram udp 127.0.0.1:999", "bind inet dgram udp 127.0.0.1:2000"});
  EXPECT_TRUE(Has("from_ports: [1000-1999]")) << text_;
}

TEST_F(Suggest, SoManyAddressesAreAnyButForThoseThatMustBeNamed) {
  struct intent in = Words("connect inet stream tcp 198.51.100.1:443");
  for (uint32_t i = 0; i < 100000; i++) {
    const uint32_t address = htonl(0x0b000000 + i);
    memcpy(reinterpret_cast<char *>(&in.addr.ss) + 4, &address, 4);
    suggest_note(s_, &in, false, nullptr);
  }
  PolicyPtr p = Policy();
  EXPECT_EQ(0, Judge(p, in).error);
  EXPECT_LT(text_.size(), 4000u);
  ExpectNot(p, {"connect inet stream tcp 127.0.0.1:443", "connect inet stream tcp 198.51.100.1:80"});
  EXPECT_TRUE(Has("cover more than was asked for")) << text_;
}

TEST_F(Suggest, AnythingAtAllGivesAFileThatIsTaken) {
  struct intent in = {};
  unsigned state = 1;
  auto next = [&] { return state = state * 1103515245 + 12345, state >> 8; };
  for (int i = 0; i < 50000; i++) {
    in.action = static_cast<enum action>(next() % (ACTION_COUNT + 1));
    in.family = static_cast<int>(next() % 48) - 1;
    in.type = static_cast<int>(next() % 12) - 1;
    in.protocol = static_cast<int>(next() % 300) - 1;
    in.addr.len = next() % 40;
    for (size_t b = 0; b < 40; b++) reinterpret_cast<uint8_t *>(&in.addr.ss)[b] = static_cast<uint8_t>(next());
    in.addr.ss.ss_family = static_cast<sa_family_t>(in.family);
    in.level = static_cast<int>(next() % 300);
    in.name = static_cast<int>(next() % 80);
    in.ifindex = static_cast<int>(next() % 3);
    in.value = next() % 70000 - 5;
    in.ioctl = 0x8900 + next() % 0x60;
    suggest_note(s_, &in, next() % 2, next() % 8 ? nullptr : "x: [\"\n");
  }
  Policy();
  EXPECT_LT(text_.size(), 1u << 20);
}

TEST_F(Suggest, NamesTheUserAndTheProgram) {
  Note("socket inet raw icmp");
  text_ = Text(65534, "../a b\"\n#c");
  EXPECT_TRUE(Parse(text_));
  EXPECT_TRUE(Has("who: { user: nobody }") || !getpwuid(65534)) << text_;
  EXPECT_TRUE(Has("name: abc 1\n")) << text_;
  text_ = Text(4000000000u, "");
  EXPECT_TRUE(Parse(text_));
  EXPECT_TRUE(Has("{ uid: 4000000000 }")) << text_;
}

TEST_F(Suggest, IsNotedFromManyThreads) {
  std::vector<std::thread> threads;
  const struct intent in = Words("bind inet stream tcp 0.0.0.0:80");
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; i++) suggest_note(s_, &in, true, nullptr);
    });
  for (auto &t : threads) t.join();
  noted_.push_back("bind inet stream tcp 0.0.0.0:80");
  EXPECT_EQ(1u, policy_rule_count(Policy().get()));
}

}  // namespace
