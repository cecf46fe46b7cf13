// SPDX-License-Identifier: Apache-2.0
//
// A broker under attack: what every test of a hostile client has around it. A
// well-behaved session makes round trips all the while and must not notice, and
// when the attacker has gone the broker holds what it held before.
#ifndef SB_TESTS_INTEGRATION_HOSTILE_H
#define SB_TESTS_INTEGRATION_HOSTILE_H

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "support/broker.h"
#include "support/raw_client.h"

constexpr uid_t kNobody = 65534, kSomebody = 2;

class Hostile : public testing::Test {
 protected:
  // Everybody may do what OpenPolicy() allows, and a few things more.
  static std::string Policy() {
    std::string text = sb_test::Broker::OpenPolicy(0);
    const std::string who = "{ uid: 0 }";
    for (size_t at; (at = text.find(who)) != std::string::npos;) text.replace(at, who.size(), "everyone");
    return text;
  }

  // Else a sanitizer holds what the broker has freed, and growth says nothing.
  static void SetUpTestSuite() {
    const char *options = getenv("ASAN_OPTIONS");
    setenv("ASAN_OPTIONS", (std::string(options ? options : "") + ":quarantine_size_mb=1").c_str(), 1);
  }

  void SetUp() override {
    ASSERT_TRUE(broker_.Started()) << broker_.Log();
    watcher_.reset(new sb_test::Watcher(broker_.address()));
    ASSERT_EQ("", watcher_->Complaint(sb_test::kPatienceMs));
    before_ = sb_test::HoldingsOf(admin_, broker_.pid());
  }

  // The attacker has gone by now: it was the test's.
  void TearDown() override {
    if (!watcher_) return;
    EXPECT_EQ("", watcher_->Complaint(bound_ms_));
    EXPECT_EQ("", sb_test::AwaitHoldings(admin_, broker_.pid(), before_));
    watcher_.reset();
    EXPECT_TRUE(broker_.Stop());
    EXPECT_EQ(std::string::npos, broker_.Log().find("Sanitizer")) << broker_.Log();
  }

  // What it has grown by since the beginning, in MiB.
  double GrownMiB() {
    auto now = static_cast<double>(sb_test::HoldingsOf(admin_, broker_.pid()).resident_bytes);
    return (now - static_cast<double>(before_.resident_bytes)) / (1 << 20);
  }

  std::string address() const { return broker_.address(); }

  sb_test::Broker broker_{{}, Policy()};
  sb_test::RawClient admin_{broker_.address()};
  std::unique_ptr<sb_test::Watcher> watcher_;
  sb_test::Holdings before_;
  double bound_ms_ = 10000;  // of a round trip of the watcher's
};

// A listening TCP socket of `session` on loopback; its port.
inline uint32_t TcpListener(sb_test::RawSession &session, unsigned *ret_port) {
  using namespace sb_test;
  uint32_t s = session.Socket(AF_INET, SOCK_STREAM);
  RawReply bound = session.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0)));
  *ret_port = PortOf(PbBytes(bound.body, 2));
  return session.Do(kListen, Pb().V(1, s).V(2, 128)).error() == 0 ? s : 0;
}

// A connected pair of unix sockets, `first` and `second`.
inline bool MakePair(sb_test::RawSession &session, int type, uint32_t *first, uint32_t *second) {
  using namespace sb_test;
  RawReply r = session.Do(kSocketPair, Pb().V(3, AF_UNIX).V(4, static_cast<uint64_t>(type)));
  *first = r.handle();
  *second = static_cast<uint32_t>(PbNumber(r.body, 3));
  return r.error() == 0;
}

inline bool TakesHandle(unsigned op) {
  using namespace sb_test;
  return op != kSocket && op != kSocketPair && op != kPoll && op != kFromShare && op != kJudge &&
         (op < kGetAddrInfo || op > kConstants);
}

// Every operation on `handle`, with arguments that are well enough for the handle to be looked at.
inline sb_test::Pb OnHandle(unsigned op, uint32_t handle) {
  using namespace sb_test;
  if (op == kFromShare) return Pb().B(1, "x");  // a token
  if (!TakesHandle(op)) return Pb();
  Pb a = Pb().V(1, handle);
  switch (op) {
    case kBind: case kConnect: a.B(2, InetAddress("127.0.0.1", 0)); break;
    case kSend: a.B(2, "x").V(4, 0); break;
    case kRecv: a.V(2, 10).V(4, 0); break;
    case kSendMany: a.B(2, "x").V(3, 1).V(5, 0); break;
    case kRecvMany: a.V(2, 10).V(4, 0); break;
    case kAccept: a.V(3, 0); break;
    case kGetOption: a.V(2, SOL_SOCKET).V(3, SO_TYPE).V(4, 4); break;
    case kSetOption: a.V(2, SOL_SOCKET).V(3, SO_KEEPALIVE).B(4, Pb().V(1, 1)); break;
    case kIoctl: a.V(2, 0x541B).B(3, Pb().V(1, 0)); break;
    default: break;
  }
  return a;
}

#endif
