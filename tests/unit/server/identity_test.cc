// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine.h"

namespace {

using sb_test::Engine;

TEST(Account, IsOneForEachUser) {
  struct account *a = account_get(1), *again = account_get(1), *other = account_get(2);
  EXPECT_EQ(a, again);
  EXPECT_NE(a, other);
  for (auto *x : {a, again, other}) account_put(x);
  EXPECT_EQ(account_put(nullptr), nullptr);
}

TEST(Account, IsForgottenWithItsLastUse) {
  struct account *a = account_get(1);
  ASSERT_TRUE(account_take(&a->sockets, 5, 10));
  account_put(a);
  a = account_get(1);
  EXPECT_EQ(a->sockets, 0u);
  account_put(a);
}

TEST(Account, TakesUpToTheLimitAndNotBeyond) {
  struct account *a = account_get(1);
  EXPECT_TRUE(account_take(&a->bytes, 10, 10));
  EXPECT_FALSE(account_take(&a->bytes, 1, 10));
  EXPECT_EQ(a->bytes, 10u) << "what was refused is not counted";
  account_give(&a->bytes, 4);
  EXPECT_TRUE(account_take(&a->bytes, 4, 10));
  account_give(&a->bytes, 10);
  account_put(a);
}

TEST(Account, ThreadsTogetherTakeNoMoreThanTheLimit) {
  struct account *a = account_get(1);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; k++)
        if (account_take(&a->calls, 1, 100)) taken++;
    });
  for (auto &t : threads) t.join();
  EXPECT_LE(taken, 100);
  EXPECT_EQ(a->calls, static_cast<unsigned>(taken));
  account_put(a);
}

TEST(Session, ATokenFindsItsSession) {
  Engine e;
  struct session *s = e.session();
  EXPECT_EQ(strlen(s->token), static_cast<size_t>(SESSION_TOKEN_BYTES));
  EXPECT_EQ(session_token_shard(s->token, SESSION_TOKEN_BYTES, 1), 0);
  EXPECT_EQ(session_find(e.shard(), s->token, SESSION_TOKEN_BYTES, s->peer), s);
}

TEST(Session, ATokenOfAnotherUserFindsNothing) {
  Engine e;
  auto *stranger = static_cast<struct peer *>(calloc(1, sizeof(struct peer)));
  stranger->refs = 1;
  stranger->pidfd = -1;
  stranger->subject.uid = e.session()->peer->subject.uid + 1;
  EXPECT_EQ(session_find(e.shard(), e.session()->token, SESSION_TOKEN_BYTES, stranger), nullptr);
  peer_unref(stranger);
}

TEST(Session, ATokenThatDiffersAnywhereFindsNothing) {
  Engine e;
  struct session *s = e.session();
  for (size_t i = 0; i < SESSION_TOKEN_BYTES; i++) {
    std::string token = s->token;
    token[i] = token[i] == '7' ? '8' : '7';
    EXPECT_EQ(session_find(e.shard(), token.data(), token.size(), s->peer), nullptr) << i;
  }
}

TEST(Session, AMalformedTokenIsOfNoShard) {
  const std::string zeros(SESSION_TOKEN_BYTES, '0');
  EXPECT_EQ(session_token_shard(zeros.data(), zeros.size(), 4), 0);
  EXPECT_EQ(session_token_shard(zeros.data(), zeros.size() - 1, 4), -1);
  EXPECT_EQ(session_token_shard(nullptr, 0, 4), -1);
  for (const char *head : {"0004", "ffff", "zzzz", "    ", "-001", "0x00"}) {
    std::string token = head + zeros.substr(4);
    int shard = session_token_shard(token.data(), token.size(), 4);
    EXPECT_TRUE(shard >= -1 && shard < 4) << head;
  }
  std::string token = "0004" + zeros.substr(4);
  EXPECT_EQ(session_token_shard(token.data(), token.size(), 4), -1);
}

TEST(Session, AThousandTokensAreAllDifferentAndFound) {
  Engine e;
  std::set<std::string> tokens;
  std::vector<struct session *> sessions;
  e.session()->limits.sessions = 2000;
  for (int i = 0; i < 200; i++) {
    struct session *s = e.OpenSession("one of many");
    if (!s) break;  // the policy's own limit
    sessions.push_back(s);
    tokens.insert(s->token);
    ASSERT_EQ(session_find(e.shard(), s->token, SESSION_TOKEN_BYTES, s->peer), s);
  }
  EXPECT_GE(sessions.size(), 2u);
  EXPECT_EQ(tokens.size(), sessions.size());
  for (auto *s : sessions) {
    shard_enter(e.shard());
    session_close(s);
    shard_leave(e.shard());
  }
}

TEST(Session, AClosedSessionsTokenFindsNothing) {
  Engine e;
  struct session *s = e.OpenSession("short");
  ASSERT_NE(s, nullptr);
  std::string token = s->token;
  struct peer *peer = peer_ref(s->peer);
  shard_enter(e.shard());
  session_close(s);
  EXPECT_EQ(session_find(e.shard(), token.data(), token.size(), peer), nullptr);
  shard_leave(e.shard());
  peer_unref(peer);
}

TEST(Session, WhatIsNotPrintableInAClientsNameIsReplacedAndTheRestCut) {
  Engine e;
  struct session *s = e.OpenSession(("a\x01\n\x7f" + std::string(100, 'b')).c_str());
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(std::string(s->client), "a???" + std::string(SESSION_CLIENT_BYTES - 4, 'b'));
  shard_enter(e.shard());
  session_close(s);
  shard_leave(e.shard());
}

TEST(Session, OneWhomNoRuleIsForGetsNone) {
  Engine e("version: 1\nrules: []\n");
  EXPECT_FALSE(e.ok());
}

}  // namespace
