/* SPDX-License-Identifier: Apache-2.0 */
/* Who a rule is for, limits, and the policy without a file. */
#include <netinet/in.h>

#include "policy_helper.h"

namespace {

const char kMay[] = ", may: socket, family: inet, type: stream, protocol: tcp }\n";

PolicyPtr For(const std::string &who) {
  return Parse("version: 1\nrules:\n  - { name: r, who: " + who + kMay);
}

int Ask(const PolicyPtr &p, uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
  struct subject s = {uid, gid, groups.data(), groups.size()};
  struct intent in = Words("socket inet stream tcp");
  EXPECT_EQ(policy_judge(p.get(), &s, &in, nullptr, 0).error == 0, policy_knows(p.get(), &s));
  return policy_judge(p.get(), &s, &in, nullptr, 0).error;
}

TEST(Who, AUidOrARangeOfThem) {
  PolicyPtr p = For("{ uid: [7, 1000-1999] }");
  EXPECT_EQ(0, Ask(p, 7, 0));
  EXPECT_EQ(0, Ask(p, 1999, 0));
  EXPECT_EQ(-EACCES, Ask(p, 2000, 0));
}

TEST(Who, AUserByName) {
  EXPECT_EQ(0, Ask(For("{ user: root }"), 0, 0));
  EXPECT_EQ(-EACCES, Ask(For("{ user: root }"), 1, 0));
}

TEST(Who, AGroupIsThePrimaryOneOrASupplementaryOne) {
  PolicyPtr p = For("{ gid: 50 }");
  EXPECT_EQ(0, Ask(p, 1, 50));
  EXPECT_EQ(0, Ask(p, 1, 2, {3, 50}));
  EXPECT_EQ(-EACCES, Ask(p, 1, 2, {3}));
  EXPECT_EQ(-EACCES, Ask(p, 50, 2)) << "a uid is no gid";
  EXPECT_EQ(0, Ask(For("{ group: root }"), 1, 0));
}

TEST(Who, KeysOfOneMappingMustAllHold) {
  PolicyPtr p = For("{ uid: 7, gid: 50 }");
  EXPECT_EQ(0, Ask(p, 7, 50));
  EXPECT_EQ(-EACCES, Ask(p, 7, 51));
  EXPECT_EQ(-EACCES, Ask(p, 8, 50));
}

TEST(Who, MappingsOfAListAreAlternatives) {
  PolicyPtr p = For("[{ uid: 7 }, { gid: 50 }]");
  EXPECT_EQ(0, Ask(p, 7, 1));
  EXPECT_EQ(0, Ask(p, 8, 50));
  EXPECT_EQ(-EACCES, Ask(p, 8, 51));
}

TEST(Who, TheUserThatIsNoneIsNotEveryone) {
  EXPECT_EQ(0, Ask(For("everyone"), 65534, 65534));
  EXPECT_EQ(-EACCES, Ask(For("everyone"), static_cast<uid_t>(-1), 0));
}

TEST(Knows, ADenialIsNoAcquaintance) {
  struct subject s = {7, 7, nullptr, 0};
  PolicyPtr p = Parse("version: 1\nrules:\n"
                      "  - { name: a, who: { uid: 7 }, verdict: deny" + std::string(kMay));
  EXPECT_FALSE(policy_knows(p.get(), &s));
  p = Parse("version: 1\nrules:\n  - { name: a, who: { uid: 7 }, verdict: deny, may: any }\n"
            "  - { name: b, who: everyone" + std::string(kMay));
  EXPECT_FALSE(policy_knows(p.get(), &s));
  EXPECT_TRUE(policy_knows(p.get(), &kSomebody));
}

TEST(Limits, FieldByFieldTheFirstRuleThatSpeaksOfIt) {
  PolicyPtr p = Parse("version: 1\nlimits: { sockets: 5, bytes: 2MiB }\nrules:\n"
                      "  - { name: a, who: { uid: 7 }, limits: { sockets: 9 } }\n"
                      "  - { name: b, who: everyone, limits: { sockets: 1, calls: 3, lookups: 32 } }\n");
  struct subject s = {7, 7, nullptr, 0};
  struct limits l = policy_limits(p.get(), &s);
  EXPECT_EQ(9u, l.sockets);
  EXPECT_EQ(3u, l.calls);
  EXPECT_EQ(2u << 20, l.bytes);
  EXPECT_EQ(32u, l.lookups);
  EXPECT_EQ(64u, l.sessions);
  EXPECT_EQ(1u, policy_limits(p.get(), &kSomebody).sockets);
  EXPECT_FALSE(policy_knows(p.get(), &s)) << "limits allow nothing";
}

TEST(SameUser, MayDoAllThatTheUserMayAndBorrowsNothing) {
  PolicyPtr p(policy_same_user(1234));
  for (const char *words : {"socket packet raw all", "connect inet stream tcp 127.0.0.1:80",
                            "bind inet6 stream tcp [::]:0", "connect unix stream /run/x/../y",
                            "option inet stream tcp SO_MARK 1", "inspect"}) {
    EXPECT_ALLOWED(p, words);
    EXPECT_EQ(0u, Judge(p, words).lends);
    EXPECT_FALSE(Judge(p, words).narrow_interface);
  }
  EXPECT_EQ(0u, policy_lends(p.get()));
  EXPECT_EQ(0u, policy_rule_count(p.get()));
  struct subject other = {1235, 1234, nullptr, 0};
  struct intent in = Words("socket inet stream tcp");
  EXPECT_EQ(-EACCES, policy_judge(p.get(), &other, &in, nullptr, 0).error);
  EXPECT_FALSE(policy_knows(p.get(), &other));
  EXPECT_TRUE(policy_knows(p.get(), &kSomebody));
}

TEST(Policy, IsCounted) {
  struct policy *p = policy_same_user(1);
  EXPECT_EQ(p, policy_ref(p));
  EXPECT_EQ(nullptr, policy_unref(p));
  EXPECT_EQ(0u, policy_rule_count(p));
  EXPECT_EQ(nullptr, policy_unref(p));
  EXPECT_EQ(nullptr, policy_unref(nullptr));
}

}  // namespace
