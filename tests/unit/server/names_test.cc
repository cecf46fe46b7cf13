// SPDX-License-Identifier: Apache-2.0
//
// The operations on names that are answered at once.
#include <gtest/gtest.h>
#include <net/if.h>

#include "engine.h"

namespace sb_test {
namespace {

typedef Sockbroker__V1__ConstantsReply Constants;

class Names : public testing::Test {
 protected:
  template <typename Request>
  Answer *Do(const char *method, const std::function<void(Request *)> &fill) {
    Answer *a = e_.Begin<Request>(method, fill);
    EXPECT_TRUE(e_.IsDone(a)) << method;
    return a;
  }
  Answer *Ask(const char *prefix, std::vector<std::string> names = {}) {
    std::vector<char *> list;
    for (auto &name : names) list.push_back(name.data());
    return Do<Sockbroker__V1__ConstantsRequest>("Constants", [&](auto *q) {
      q->prefix = const_cast<char *>(prefix);
      q->n_names = list.size();
      q->names = list.data();
    });
  }
  Engine e_;
};

TEST_F(Names, AllConstantsAreListedByTheirNames) {
  Answer *a = Ask("");
  ASSERT_EQ(0, a->error);
  const Constants *all = a->reply<Constants>();
  ASSERT_GT(all->n_constants, 1500u);
  for (size_t i = 1; i < all->n_constants; i++)
    EXPECT_LT(strcmp(all->constants[i - 1]->name, all->constants[i]->name), 0);
}

TEST_F(Names, ConstantsAreAskedForByPrefixAndByName) {
  const Constants *some = Ask("SHUT_")->reply<Constants>();
  ASSERT_EQ(3u, some->n_constants);
  EXPECT_STREQ("SHUT_RD", some->constants[0]->name);
  EXPECT_EQ(0, some->constants[0]->value);
  some = Ask("", {"SO_REUSEADDR", "AF_INET", "NO_SUCH", "AF_INET"})->reply<Constants>();
  ASSERT_EQ(2u, some->n_constants) << "each once, and what is not known is left out";
  EXPECT_STREQ("AF_INET", some->constants[0]->name);
  EXPECT_EQ(2, some->constants[1]->value);
  some = Ask("SHUT_", {"AF_INET", "SHUT_WR"})->reply<Constants>();
  EXPECT_EQ(4u, some->n_constants) << "both";
  EXPECT_EQ(0u, Ask("nothing")->reply<Constants>()->n_constants);
}

TEST_F(Names, MoreNamesThanAreTakenAreRefused) {
  EXPECT_EQ(0, Ask("", std::vector<std::string>(4096, "AF_INET"))->error);
  EXPECT_EQ(-EINVAL, Ask("", std::vector<std::string>(4097, "AF_INET"))->error);
}

TEST_F(Names, InterfacesHaveNumbersAndNames) {
  std::string lo = "lo", no = "nosuch0";
  auto number = [&](std::string &name) {
    return Do<Sockbroker__V1__IfNameToIndexRequest>("IfNameToIndex", [&](auto *q) {
      q->name.data = reinterpret_cast<uint8_t *>(name.data());
      q->name.len = name.size();
    });
  };
  Answer *a = number(lo);
  EXPECT_EQ(if_nametoindex("lo"), a->reply<Sockbroker__V1__IfNameToIndexReply>()->index);
  EXPECT_EQ(-ENODEV, number(no)->error);
  no.clear();
  EXPECT_EQ(-ENODEV, number(no)->error);
}

}  // namespace
}  // namespace sb_test
