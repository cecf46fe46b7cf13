// SPDX-License-Identifier: Apache-2.0
//
// The service descriptor is the list of operations: these hold the table to it.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "c_headers.h"

namespace {

const ProtobufCServiceDescriptor &Service() { return sockbroker__v1__broker__descriptor; }

bool IsStream(const std::string &name) { return name == "Session" || name == "Transfer"; }

class OpTable : public testing::Test {
 protected:
  void SetUp() override { op_table_init(); }
};

TEST_F(OpTable, HasOneRowForEveryUnaryRpcInTheOrderOfTheService) {
  std::vector<std::string> service, table;
  for (unsigned i = 0; i < Service().n_methods; i++)
    if (!IsStream(Service().methods[i].name)) service.push_back(Service().methods[i].name);
  for (unsigned i = 0; i < op_count; i++) table.push_back(op_table[i].method);
  EXPECT_EQ(table, service);
}

TEST_F(OpTable, EveryRowSaysWhatItAsksAndHowItIsTried) {
  for (unsigned i = 0; i < op_count; i++) {
    EXPECT_NE(op_table[i].intent, nullptr) << op_table[i].method;
    EXPECT_NE(op_table[i].attempt, nullptr) << op_table[i].method;
  }
}

TEST_F(OpTable, EveryReplyBeginsWithError) {
  for (unsigned i = 0; i < Service().n_methods; i++) {
    const ProtobufCMessageDescriptor *reply = Service().methods[i].output;
    if (std::string(Service().methods[i].name) == "Session") continue;
    ASSERT_GT(reply->n_fields, 0u) << reply->name;
    EXPECT_STREQ(reply->fields[0].name, "error") << reply->name;
    EXPECT_EQ(reply->fields[0].id, 1u) << reply->name;
    EXPECT_EQ(reply->fields[0].type, PROTOBUF_C_TYPE_ENUM) << reply->name;
  }
}

TEST_F(OpTable, TheStreamCarriesEveryRequestAndReplyUnderTheSameNumber) {
  for (unsigned i = 0; i < op_count; i++) {
    const struct op_layout *l = op_layout(&op_table[i]);
    ASSERT_NE(l->in_request, nullptr) << op_table[i].method;
    ASSERT_NE(l->in_reply, nullptr) << op_table[i].method;
    EXPECT_EQ(l->in_request->id, l->in_reply->id) << op_table[i].method;
    EXPECT_STREQ(l->in_request->name, l->in_reply->name);
  }
}

TEST_F(OpTable, TheStreamCarriesNothingThatIsNoOperation) {
  std::set<std::string> known = {"hello", "cancel"};
  for (unsigned i = 0; i < op_count; i++) known.insert(op_layout(&op_table[i])->in_request->name);
  const ProtobufCMessageDescriptor *request = &sockbroker__v1__request__descriptor;
  for (unsigned i = 0; i < request->n_fields; i++)
    if (request->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
      EXPECT_EQ(known.count(request->fields[i].name), 1u) << request->fields[i].name;
    }
}

TEST_F(OpTable, WhatMayWaitHasATimeout) {
  for (unsigned i = 0; i < op_count; i++) {
    bool waits = op_table[i].waits_for || std::string(op_table[i].method) == "Poll";
    EXPECT_EQ(op_layout(&op_table[i])->timeout != nullptr, waits) << op_table[i].method;
  }
}

TEST_F(OpTable, EveryHandleIsAFieldThatTheEngineCanRead) {
  for (unsigned i = 0; i < op_count; i++) {
    const struct op_layout *l = op_layout(&op_table[i]);
    EXPECT_TRUE(!l->handle || l->handle->type == PROTOBUF_C_TYPE_UINT32) << op_table[i].method;
    EXPECT_TRUE(!l->timeout || l->timeout->type == PROTOBUF_C_TYPE_UINT64) << op_table[i].method;
  }
}

TEST_F(OpTable, WhatTakesFromTheKernelCanGiveItBack) {
  for (unsigned i = 0; i < op_count; i++)
    EXPECT_TRUE(op_table[i].waits_for != EPOLLIN || op_table[i].undo) << op_table[i].method;
}

TEST_F(OpTable, ARowIsFoundByItsWholeNameAndByItsCaseOnly) {
  for (unsigned i = 0; i < op_count; i++) {
    const char *m = op_table[i].method;
    EXPECT_EQ(op_find(m, strlen(m)), &op_table[i]);
    EXPECT_NE(op_find(m, strlen(m) - 1), &op_table[i]);
    EXPECT_EQ(op_find_case(op_layout(&op_table[i])->in_request->id), &op_table[i]);
  }
  EXPECT_EQ(op_find("Session", 7), nullptr);
  EXPECT_EQ(op_find("", 0), nullptr);
  for (unsigned n : {0u, 1u, 2u, 10u, 15u, 100u, 101u, 127u, 128u, UINT32_MAX})
    EXPECT_EQ(op_find_case(n), nullptr) << n;
}

}  // namespace
