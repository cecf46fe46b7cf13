// SPDX-License-Identifier: Apache-2.0
//
// What the tests of names share: the names that the test's host knows, and one broker on that
// host, which is the library's default one.
#ifndef SB_TESTS_INTEGRATION_RESOLVE_FIXTURE_H
#define SB_TESTS_INTEGRATION_RESOLVE_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netdb.h>
#include <sockbroker.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "support/broker.h"
#include "support/name_service.h"

namespace sb_test {

class ResolveTest : public testing::Test {
 protected:
  static std::string Policy() {
    return Broker::OpenPolicy(geteuid()) +
           "  - { name: host name, who: { uid: 0 }, may: sethostname, lends: CAP_SYS_ADMIN }\n";
  }

  static void SetUpTestSuite() {
    NameService *names = NameService::Get();
    if (!names) return;
    names->Add("two.test", "192.0.2.2");
    names->Add("two.test", "2001:db8::2");
    names->Add("only4.test", "192.0.2.4");
    names->Add("only4.test", "192.0.2.5");
    names->Add("only6.test", "2001:db8::6");
    names->Add("here.test", "127.0.0.1");
    names->Add("xn--bcher-kva.test", "192.0.2.7");
    names->AddAlias("alias.dns.test", "two.test");
    names->AddEmpty("nodata.test");
    names->AddBroken("broken.test");
    broker_.reset(new Broker({}, Policy()));
    setenv("SOCKBROKER_ADDRESS", broker_->address().c_str(), 1);
  }

  static void TearDownTestSuite() {
    if (!broker_) return;
    EXPECT_TRUE(broker_->Stop()) << broker_->Log();
    EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer")) << broker_->Log();
    broker_.reset();
  }

  void SetUp() override {
    if (!NameService::Get()) GTEST_SKIP() << "needs root, to make a host of its own";
    ASSERT_TRUE(broker_->Started()) << broker_->Log();
  }

  static std::unique_ptr<Broker> broker_;
};
inline std::unique_ptr<Broker> ResolveTest::broker_;

}  // namespace sb_test

#endif
