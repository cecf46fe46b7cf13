// SPDX-License-Identifier: Apache-2.0
//
// An engine with one brokered stream socket, whose other end is the test's.
#ifndef SB_TESTS_UNIT_SERVER_CALL_FIXTURE_H
#define SB_TESTS_UNIT_SERVER_CALL_FIXTURE_H

#include <gtest/gtest.h>

#include "engine.h"

namespace sb_test {

constexpr int64_t kMs = 1000000;

class CallEngine : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(e_.ok());
    stream_ = e_.AdoptPair(SOCK_STREAM);
    ASSERT_NE(stream_.handle, 0u);
  }
  void TearDown() override {
    if (stream_.fd >= 0) close(stream_.fd);
    if (e_.session()) e_.Settle();
  }
  void CloseOther(Pair *p) {
    close(p->fd);
    p->fd = -1;
  }
  uint64_t HeldBytes() { return e_.session()->account->bytes; }
  uint64_t HeldCalls() { return e_.session()->account->calls; }

  Engine e_;
  Pair stream_;
};

}  // namespace sb_test

#endif
