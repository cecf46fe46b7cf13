// SPDX-License-Identifier: Apache-2.0
//
// The table of sockets that were shared: who gets one, how often, how long.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "c_headers.h"
#include "ops/offers.h"

namespace {

constexpr uint64_t kMinute = 60ull * 1000000000;
constexpr uid_t kUser = 1000, kOther = 1001;

class Offers : public testing::Test {
 protected:
  void TearDown() override {
    offers_expire(UINT64_MAX);
    EXPECT_TRUE(crews_end(10000));
    for (int fd : fds_) EXPECT_EQ(-1, fcntl(fd, F_GETFD)) << "left open";
    EXPECT_EQ(UINT64_MAX, offers_next());
  }
  // An offer's token, or "errno N".
  std::string Add(uint64_t now, uid_t uid = kUser, pid_t pid = 0) {
    struct offer o = {};
    char token[OFFER_TOKEN_BYTES];
    o.fd = dup(STDERR_FILENO);
    o.family = AF_INET;
    o.capture_fd = -1;
    o.account = account_get(uid);
    EXPECT_TRUE(account_take(&o.account->sockets, 1, 1000));
    o.holders = holders_new();
    fds_.push_back(o.fd);
    int r = offers_add(&o, pid, now, token);
    if (r == 0) return token;
    offer_end(&o);
    return "errno " + std::to_string(-r);
  }
  static int Take(const std::string &token, uint64_t now, uid_t uid = kUser, pid_t pid = 1) {
    struct offer o;
    int r = offers_take(token.c_str(), false, uid, pid, now, &o);
    if (r == 0) offer_end(&o);
    return r;
  }
  static unsigned long long Counted(uid_t uid) {
    struct account *a = account_get(uid);
    unsigned long long n = a->sockets;
    account_put(a);
    return n;
  }
  std::vector<int> fds_;
};

TEST_F(Offers, IsGoodOnce) {
  const std::string token = Add(0);
  EXPECT_EQ(1u, Counted(kUser));
  EXPECT_EQ(0, Take(token, 1));
  EXPECT_EQ(-ENOENT, Take(token, 1));
  EXPECT_EQ(0u, Counted(kUser));
}

TEST_F(Offers, TokensAre128BitsAndAllDifferent) {
  const std::string a = Add(0), b = Add(0);
  EXPECT_EQ(32u, a.size());
  EXPECT_EQ(std::string::npos, a.find_first_not_of("0123456789abcdef"));
  EXPECT_NE(a, b);
}

TEST_F(Offers, IsForItsUserAloneAndStaysTheirs) {
  const std::string token = Add(0);
  EXPECT_EQ(-ENOENT, Take(token, 1, kOther));
  EXPECT_EQ(0, Take(token, 1));
}

TEST_F(Offers, IsForTheProcessThatWasNamed) {
  const std::string token = Add(0, kUser, 42);
  EXPECT_EQ(-EACCES, Take(token, 1, kUser, 43));
  EXPECT_EQ(-ENOENT, Take(token, 1, kOther, 42));
  EXPECT_EQ(0, Take(token, 1, kUser, 42));
}

TEST_F(Offers, IsGoodForAMinute) {
  const std::string in_time = Add(5), too_late = Add(5);
  EXPECT_EQ(5 + kMinute, offers_next());
  EXPECT_EQ(0, Take(in_time, 4 + kMinute));
  EXPECT_EQ(-ENOENT, Take(too_late, 5 + kMinute));
  offers_expire(4 + kMinute);
  EXPECT_EQ(0, fcntl(fds_[1], F_GETFD) & ~FD_CLOEXEC);
  offers_expire(5 + kMinute);
  EXPECT_EQ(-1, fcntl(fds_[1], F_GETFD));
  EXPECT_EQ(0u, Counted(kUser));
}

TEST_F(Offers, TheNextToEndIsTheOldest) {
  Add(10);
  Add(20);
  EXPECT_EQ(10 + kMinute, offers_next());
  offers_expire(10 + kMinute);
  EXPECT_EQ(20 + kMinute, offers_next());
}

TEST_F(Offers, OneUserHasSoManyAndLeavesRoomForOthers) {
  for (int i = 0; i < OFFERS_OF_ONE; i++) ASSERT_EQ(32u, Add(0).size());
  EXPECT_EQ("errno " + std::to_string(EMFILE), Add(0));
  EXPECT_EQ(32u, Add(0, kOther).size());
}

TEST_F(Offers, AllUsersTogetherHaveSoMany) {
  for (unsigned i = 0; i < OFFERS_MAX; i++) ASSERT_EQ(32u, Add(0, 2000 + i / OFFERS_OF_ONE).size());
  EXPECT_EQ("errno " + std::to_string(EMFILE), Add(0));
}

TEST_F(Offers, WhatIsNoTokenIsEnoent) {
  const std::string token = Add(0);
  for (const std::string &bad :
       {std::string(), std::string("0"), token.substr(1), token + "0", std::string(31, '0') + "g",
        std::string(32, '0'), std::string(100000, 'f'), "0x" + token.substr(2)})
    EXPECT_EQ(-ENOENT, Take(bad, 1)) << bad;
  EXPECT_EQ(0, Take(token, 1));
}

TEST_F(Offers, TheLastHolderKnows) {
  struct holders *h = holders_new();
  EXPECT_FALSE(holders_unref(holders_ref(h)));
  EXPECT_TRUE(holders_unref(h));
  EXPECT_TRUE(holders_unref(nullptr));
}

}  // namespace
