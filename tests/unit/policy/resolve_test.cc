/* SPDX-License-Identifier: Apache-2.0 */
/* Names: who may ask for them, and what an answer opens. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <map>

#include "policy/grants.h"
#include "policy/host.h"
#include "policy_helper.h"

namespace {

constexpr uint64_t kSecond = 1000000000;

struct sock_addr Address(const std::string &text) {
  struct intent in = Words("resolve " + text);
  EXPECT_EQ(nullptr, in.host) << text;
  return in.addr;
}

/* What one session was told. */
struct Told {
  ~Told() { grants_free(&grants); }
  Told &Of(const PolicyPtr &p, const char *host, std::vector<std::string> addresses,
           uint64_t now = kSecond) {
    std::vector<struct sock_addr> list;
    for (auto &a : addresses) list.push_back(Address(a));
    EXPECT_EQ(0, policy_grant(p.get(), &kSomebody, host, list.data(), list.size(), now, &grants));
    return *this;
  }
  int Judge(const PolicyPtr &p, const std::string &words, uint64_t now = kSecond) const {
    struct intent in = Words(words);
    return policy_judge(p.get(), &kSomebody, &in, &grants, now).error;
  }
  struct grants grants = {};
};

PolicyPtr Resolve(const std::string &keys) { return Rule("may: resolve, " + keys); }

PolicyPtr Connect(const std::string &keys) {
  return Rule("may: [connect, send], family: any, type: [stream, dgram], protocol: [tcp, udp], "
              "to_ports: 443, " + keys);
}
const char kExample[] = "names: ['*.example.org'], to: resolved";

/* ---- who may ask ------------------------------------------------------- */

TEST(Resolve, IsDeniedWithoutARule) {
  EXPECT_DENIED(Rule("may: inspect"), "resolve www.example.org");
  EXPECT_DENIED(Rule("may: inspect"), "resolve 192.0.2.1");
}

TEST(Resolve, AStarCoversWhatIsBelowAndNothingThatLooksLikeIt) {
  PolicyPtr p = Resolve("names: ['*.example.org']");
  EXPECT_ALLOWED(p, "resolve a.example.org");
  EXPECT_ALLOWED(p, "resolve a.b.example.org");
  EXPECT_DENIED(p, "resolve example.org");
  EXPECT_DENIED(p, "resolve evilexample.org");
  EXPECT_DENIED(p, "resolve example.org.evil.net");
  EXPECT_DENIED(p, "resolve .example.org");
  EXPECT_DENIED(p, "resolve a..example.org");
}

TEST(Resolve, AnExactNameIsThatNameAlone) {
  PolicyPtr p = Resolve("names: [www.example.org, localhost]");
  EXPECT_ALLOWED(p, "resolve www.example.org");
  EXPECT_ALLOWED(p, "resolve localhost");
  EXPECT_DENIED(p, "resolve a.www.example.org");
  EXPECT_DENIED(p, "resolve example.org");
}

TEST(Resolve, CapitalsAndTheLastDotMakeNoDifference) {
  PolicyPtr p = Resolve("names: [WWW.Example.org., '*.NET']");
  EXPECT_ALLOWED(p, "resolve www.EXAMPLE.org");
  EXPECT_ALLOWED(p, "resolve www.example.org.");
  EXPECT_ALLOWED(p, "resolve a.nEt.");
  EXPECT_DENIED(p, "resolve www.example.org..");
}

TEST(Resolve, SpellingsOfADeniedNameAreDenied) {
  PolicyPtr p = Rules("verdict: deny, may: resolve, names: ['*.intra.net', intra.net]",
                      "may: resolve, names: any");
  for (const char *name : {"a.intra.net", "A.INTRA.NET", "a.intra.net.", "intra.net."})
    EXPECT_DENIED(p, std::string("resolve ") + name);
  EXPECT_ALLOWED(p, "resolve www.example.org");
}

TEST(Resolve, WhatIsNoNameOfTheDnsIsUnderNoRule) {
  PolicyPtr p = Resolve("names: any");
  struct intent in = Words("resolve a");
  std::map<std::string, int> names = {
      {"b\xc3\xbc" "cher.example", -EACCES}, /* AI_IDN would make another name of it */
      {"\xef\xbd\x89ntra.net", -EACCES},     /* with a full-width i */
      {"a b", -EACCES}, {"", -EACCES}, {".", -EACCES}, {"a/b", -EACCES}, {"a%lo", -EACCES},
      {std::string(63, 'a') + ".net", 0}, {std::string(64, 'a') + ".net", -EACCES},
      {"xn--bcher-kva.example", 0}, {"_dmarc.example.org", 0}};
  std::string longest = "a";
  while (longest.size() < 253) longest += ".a";
  names[longest] = 0;
  names[longest + "."] = 0;
  names[longest + "b"] = -EACCES;
  for (auto &[name, error] : names) {
    in.host = name.c_str();
    EXPECT_EQ(error, Judge(p, in).error) << name;
  }
}

TEST(Resolve, ReverseLookUpsHaveAKeyOfTheirOwn) {
  EXPECT_DENIED(Resolve("names: any"), "resolve 192.0.2.1");
  PolicyPtr p = Resolve("addresses: [192.0.2.0/24, 'fe80::/10']");
  EXPECT_ALLOWED(p, "resolve 192.0.2.1");
  EXPECT_ALLOWED(p, "resolve ::ffff:192.0.2.1");
  EXPECT_ALLOWED(p, "resolve fe80::1");
  EXPECT_DENIED(p, "resolve 192.0.3.1");
  EXPECT_DENIED(p, "resolve www.example.org");
}

TEST(Resolve, AnyAddressIsAnyForItIsOnlyAskedAbout) {
  PolicyPtr p = Resolve("addresses: any");
  for (const char *address : {"192.0.2.1", "127.0.0.1", "::1", "169.254.169.254"})
    EXPECT_ALLOWED(p, std::string("resolve ") + address);
}

TEST(Resolve, AnAddressOfAnotherFamilyIsUnderNoRule) {
  struct intent in = Words("bind unix stream /run/a");
  in.action = ACTION_RESOLVE;
  EXPECT_EQ(-EACCES, Judge(Resolve("addresses: any"), in).error);
}

TEST(Resolve, ADenialOfAllHoldsForWhatIsNoName) {
  PolicyPtr p = Rules("verdict: deny, may: resolve, names: any, addresses: any",
                      "may: resolve, names: any, addresses: any");
  EXPECT_DENIED(p, "resolve a..b");
  EXPECT_DENIED(p, "resolve 127.0.0.1");
}

TEST(Resolve, ANameInTheLogIsOneLineAndShort) {
  struct intent in = Words("resolve a");
  std::string name = "a\nb\x80 " + std::string(5000, 'x');
  char text[INTENT_TEXT_BYTES];
  in.host = name.c_str();
  intent_print(&in, text, sizeof(text));
  EXPECT_EQ(0, strncmp(text, "resolve a?b??xxx", 16)) << text;
  EXPECT_STREQ("x...", text + strlen(text) - 4);
}

/* ---- what an answer opens ---------------------------------------------- */

TEST(Resolved, AnAddressIsOpenAfterItsNameWasAskedFor) {
  PolicyPtr p = Connect(kExample);
  Told told;
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
  told.Of(p, "www.example.org", {"192.0.2.1", "2001:db8::1"});
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
  EXPECT_EQ(0, told.Judge(p, "send inet dgram udp 192.0.2.1:443"));
  EXPECT_EQ(0, told.Judge(p, "connect inet6 stream tcp [2001:db8::1]:443"));
  EXPECT_EQ(0, told.Judge(p, "connect inet6 stream tcp [::ffff:192.0.2.1]:443"));
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.2:443"));
}

TEST(Resolved, IsAMatterOfOneSession) {
  PolicyPtr p = Connect(kExample);
  Told told, other;
  told.Of(p, "www.example.org", {"192.0.2.1"});
  other.Of(p, "www.example.org", {"192.0.2.2"});
  EXPECT_EQ(-EACCES, other.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:443");
}

TEST(Resolved, PortsAreBoundedStill) {
  PolicyPtr p = Connect(kExample);
  Told told;
  told.Of(p, "www.example.org", {"192.0.2.1"});
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:22"));
}

TEST(Resolved, AnotherNameOpensNothing) {
  PolicyPtr p = Connect(kExample);
  Told told;
  told.Of(p, "evilexample.org", {"192.0.2.1"}).Of(p, "example.org", {"192.0.2.1"});
  EXPECT_EQ(0u, told.grants.n) << "no rule speaks of them";
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
}

TEST(Resolved, ANameOfOneRuleIsNothingToAnother) {
  PolicyPtr p = Parse(R"(version: 1
rules:
  - { name: a, who: everyone, may: connect, family: inet, type: stream, protocol: tcp,
      names: a.example.org, to: resolved, to_ports: 80 }
  - { name: b, who: everyone, may: connect, family: inet, type: stream, protocol: tcp,
      names: b.example.org, to: resolved, to_ports: 22 }
)");
  Told told;
  told.Of(p, "a.example.org", {"192.0.2.1"});
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:80"));
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:22"));
  told.Of(p, "b.example.org", {"192.0.2.1"});
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:22")) << "an address has many names";
}

/* Whoever has the name could say any address (DNS rebinding). */
TEST(Resolved, NeverOpensAnAddressThatMustBeNamed) {
  PolicyPtr p = Connect("names: any, to: resolved");
  struct sock_addr own = Address("198.51.100.7");
  ASSERT_EQ(0, policy_set_host_addresses(p.get(), &own, 1));
  const std::vector<std::string> v4 = {"127.0.0.1", "0.0.0.0", "169.254.1.1", "169.254.169.254",
                                       "100.100.100.200", "224.0.0.1", "255.255.255.255",
                                       "198.51.100.7"},
      v6 = {"::1", "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
            "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
            "fd00:ec2::254", "::ffff:198.51.100.7", "64:ff9b::c633:6407"};
  Told told;
  told.Of(p, "rebind.evil.net", v4).Of(p, "rebind.evil.net", v6);
  for (auto &a : v4)
    EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp " + a + ":443")) << a;
  for (auto &a : v6)
    EXPECT_EQ(-EACCES, told.Judge(p, "connect inet6 stream tcp [" + a + "]:443")) << a;
  EXPECT_EQ(0, told.Of(p, "rebind.evil.net", {"198.51.100.8"})
                   .Judge(p, "connect inet stream tcp 198.51.100.8:443"));
}

TEST(Resolved, StandsBesideRangesThatNameWhatMustBeNamed) {
  PolicyPtr p = Connect("names: localhost, to: [resolved, 127.0.0.1]");
  EXPECT_EQ(0, Told().Judge(p, "connect inet stream tcp 127.0.0.1:443"));
}

TEST(Resolved, EndsAfterTheTimeOfTheRule) {
  PolicyPtr p = Connect(std::string(kExample) + ", grant_for: 10m");
  Told told;
  told.Of(p, "www.example.org", {"192.0.2.1"}, 5 * kSecond);
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:443", 605 * kSecond));
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:443", 605 * kSecond + 1));
  told.Of(p, "www.example.org", {"192.0.2.1"}, 700 * kSecond);
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:443", 900 * kSecond)) << "asked anew";
}

TEST(Resolved, WithoutATimeItLastsAsLongAsTheSession) {
  PolicyPtr p = Connect(kExample);
  Told told;
  told.Of(p, "www.example.org", {"192.0.2.1"}, 5 * kSecond);
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:443", UINT64_MAX));
}

TEST(Resolved, ARuleOfAnothersGivesNothing) {
  PolicyPtr p = Parse("version: 1\nrules:\n  - { name: r, who: { uid: 7 }, may: connect, family: inet, "
                      "type: stream, protocol: tcp, to_ports: any, names: any, to: resolved }\n");
  Told told;
  told.Of(p, "www.example.org", {"192.0.2.1"});
  EXPECT_EQ(0u, told.grants.n);
}

TEST(Resolved, ARuleBeforeThatDeniesWins) {
  PolicyPtr p = Rules("verdict: deny, may: connect, family: inet, type: any, protocol: any, "
                      "to: 192.0.2.0/24, to_ports: any",
                      "may: connect, family: inet, type: stream, protocol: tcp, to_ports: any, "
                      "names: any, to: resolved");
  Told told;
  told.Of(p, "www.example.org", {"192.0.2.1", "203.0.113.1"});
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 203.0.113.1:443"));
}

/* ---- the store --------------------------------------------------------- */

std::string Nth(unsigned i) {
  return "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
         std::to_string(i & 255);
}

TEST(Grants, TheOldestMakesRoom) {
  PolicyPtr p = Connect("names: any, to: resolved");
  Told told;
  for (unsigned i = 0; i < GRANTS_MAX; i++)
    told.Of(p, ("h" + std::to_string(i)).c_str(), {Nth(i * 7919 % 65536)}, kSecond + i);
  told.Of(p, "h0", {Nth(0)}, 2 * kSecond); /* young again */
  EXPECT_EQ(static_cast<size_t>(GRANTS_MAX), told.grants.n);
  told.Of(p, "new", {"192.0.2.1"}, 3 * kSecond);
  EXPECT_EQ(static_cast<size_t>(GRANTS_MAX), told.grants.n);
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp 192.0.2.1:443"));
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp " + Nth(0) + ":443"));
  EXPECT_EQ(-EACCES, told.Judge(p, "connect inet stream tcp " + Nth(7919) + ":443"));
  EXPECT_EQ(0, told.Judge(p, "connect inet stream tcp " + Nth(2 * 7919) + ":443"));
}

TEST(Grants, TheSameAnswerTakesNoMoreRoom) {
  Told told;
  PolicyPtr p = Connect("names: any, to: resolved");
  for (int i = 0; i < 100; i++) told.Of(p, i % 2 ? "A.example.org." : "a.example.org", {"192.0.2.1"});
  EXPECT_EQ(1u, told.grants.n);
}

TEST(Grants, WhatIsNoInternetAddressIsPassedOver) {
  struct grants g = {};
  struct intent in = Words("bind unix stream /run/a");
  EXPECT_EQ(0, grants_add(&g, "a", &in.addr, 1, 1));
  in.addr.len = 1;
  EXPECT_EQ(0, grants_add(&g, "a", &in.addr, 1, 1));
  EXPECT_EQ(0u, g.n);
  grants_free(&g);
}

/* ---- the name of the host ---------------------------------------------- */

TEST(SetHostName, NeedsARuleThatLends) {
  EXPECT_EQ(-EPERM, Judge(Rule("may: inspect"), "sethostname").error);
  struct verdict v = Judge(Rule("may: sethostname, lends: CAP_SYS_ADMIN"), "sethostname");
  EXPECT_EQ(0, v.error);
  EXPECT_EQ(LEND_SYS_ADMIN, v.lends);
}

TEST(SetHostName, IsAllThatTheCapabilityIsLentFor) {
  PolicyPtr p = Rule("may: [sethostname, socket, option], lends: CAP_SYS_ADMIN, family: inet, "
                     "type: stream, protocol: tcp, options: IP_FREEBIND");
  EXPECT_EQ(0u, Judge(p, "socket inet stream tcp").lends);
  EXPECT_EQ(0u, Judge(p, "option inet stream tcp IP_FREEBIND 1").lends);
  EXPECT_EQ(LEND_SYS_ADMIN, policy_lends(p.get()));
}

}  // namespace
