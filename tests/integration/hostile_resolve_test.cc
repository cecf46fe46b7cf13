// SPDX-License-Identifier: Apache-2.0
//
// Clients that mean ill and name servers that never answer: names that are none, more
// lookups than there may be, and clients that go while theirs are under way.
#include <errno.h>

#include "integration/hostile.h"
#include "support/name_service.h"

using namespace sb_test;

namespace {

enum { kPerUser = 8, kMostBytes = 1024 };

class HostileResolve : public Hostile {
 protected:
  void SetUp() override {
    if (!NameService::Get()) GTEST_SKIP() << "needs root, to make a host of its own";
    NameService::Get()->Add("well.test", "192.0.2.1");
    Hostile::SetUp();
  }
  void TearDown() override {
    if (NameService::Get()) NameService::Get()->Release();
    Hostile::TearDown();
  }

  static Pb Lookup(const std::string &name) { return Pb().B(1, name); }
  static std::string HungName(int i) { return "n" + std::to_string(i) + ".hung.test"; }

  // Has so many lookups of `session` hang.
  static std::vector<uint64_t> Hang(RawSession &session, int n,
                                    uint64_t timeout_ns = UINT64_MAX) {
    std::vector<uint64_t> ids;
    NameService::Get()->Hang("hung.test");
    for (int i = 0; i < n; i++) ids.push_back(session.Put(kGetAddrInfo, Lookup(HungName(i)).V(7, timeout_ns)));
    EXPECT_TRUE(session.Flush());
    EXPECT_TRUE(NameService::Get()->AwaitHanging(static_cast<size_t>(n)));
    return ids;
  }
  // Until the user's lookups have ended at the broker, by a bounded number of tries.
  static bool MayLookUpAgain(RawSession &session) {
    for (int i = 0; i < 20000; i++)
      if (session.Do(kGetAddrInfo, Lookup("well.test")).error() == 0) return true;
    return false;
  }
};

TEST_F(HostileResolve, NamesWithNulsAndNamesThatAreTooLongAreRefused) {
  RawClient client(address());
  RawSession session(client);
  std::string nul("a\0b", 3), most(kMostBytes, 'a'), more(kMostBytes + 1, 'a'), huge(3 << 20, 'a');
  for (const std::string &name : {nul, more, std::string(1, '\0')}) {
    EXPECT_EQ(EINVAL, session.Do(kGetAddrInfo, Pb().B(1, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetAddrInfo, Pb().B(2, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetHostByName, Pb().B(1, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetProtoByName, Pb().B(1, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetServByName, Pb().B(1, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetServByName, Pb().B(1, "http").B(2, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kGetServByPort, Pb().V(1, 80).B(2, name)).error());
    EXPECT_EQ(EINVAL, session.Do(kIfNameToIndex, Pb().B(1, name)).error());
  }
  EXPECT_EQ(0, session.Do(kGetAddrInfo, Pb().B(1, most)).error()) << "a name, but nobody's";
  EXPECT_EQ(ENODEV, session.Do(kIfNameToIndex, Pb().B(1, most)).error());
  EXPECT_EQ(EINVAL, session.Do(kSetHostName, Pb().B(1, std::string(65, 'a'))).error());
}

TEST_F(HostileResolve, NumbersOutOfRangeAreRefused) {
  RawClient client(address());
  RawSession session(client);
  Pb inet = InetAddress("192.0.2.1", 80);
  EXPECT_EQ(EINVAL, session.Do(kGetServByPort, Pb().V(1, 65536)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetNameInfo, Pb()).error());
  EXPECT_EQ(EINVAL, session.Do(kGetNameInfo, Pb().B(1, inet).V(3, 1026)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetNameInfo, Pb().B(1, inet).V(4, UINT32_MAX)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetHostByAddr, Pb().B(1, "abc").V(2, AF_INET)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetHostByAddr, Pb().V(2, AF_INET)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetHostByAddr, Pb().B(1, "abcd").V(2, AF_INET6)).error());
  EXPECT_EQ(EAFNOSUPPORT, session.Do(kGetHostByAddr, Pb().B(1, "abcd").V(2, AF_UNIX)).error());
  EXPECT_EQ(EAFNOSUPPORT, session.Do(kGetHostByName, Pb().B(1, "a").V(2, 77)).error());
  Pb names;
  for (int i = 0; i < 5000; i++) names.B(2, "AF_INET");
  EXPECT_EQ(EINVAL, session.Do(kConstants, names).error());
}

TEST_F(HostileResolve, OneMoreThanThereMayBeIsRefusedAtOnce) {
  RawClient client(address());
  RawSession session(client), again(client);
  Hang(session, kPerUser);
  EXPECT_EQ(EMFILE, session.Do(kGetAddrInfo, Lookup("well.test")).error());
  EXPECT_EQ(EMFILE, again.Do(kGetHostByName, Pb().B(1, "well.test")).error()) << "it is the user's";
  EXPECT_EQ(0, session.Do(kGetHostName, Pb()).error());
  uint32_t packet = session.Socket(AF_PACKET, SOCK_RAW, 0);
  EXPECT_EQ(0, session.Do(kClose, Pb().V(1, packet)).error()) << "which is other workers' work";
  NameService::Get()->Release();
  EXPECT_TRUE(MayLookUpAgain(again));
}

TEST_F(HostileResolve, ACancelledLookUpIsAnsweredAtOnceAndKeepsItsPlace) {
  RawClient client(address());
  RawSession session(client);
  std::vector<uint64_t> ids = Hang(session, kPerUser);
  for (uint64_t id : ids) {
    RawReply cancelled = session.Do(kCancel, Pb().V(1, id));
    EXPECT_EQ(1u, PbNumber(cancelled.body, 2));
    EXPECT_EQ(ECANCELED, session.Await(id).error());
  }
  EXPECT_EQ(EMFILE, session.Do(kGetAddrInfo, Lookup("well.test")).error());
  NameService::Get()->Release();
  EXPECT_TRUE(MayLookUpAgain(session));
}

TEST_F(HostileResolve, ALookUpWhoseTimeIsUpIsAnsweredAtOnceAndKeepsItsPlace) {
  RawClient client(address());
  RawSession session(client);
  for (uint64_t id : Hang(session, kPerUser, 1000000000)) EXPECT_EQ(EAGAIN, session.Await(id).error());
  EXPECT_EQ(EMFILE, session.Do(kGetAddrInfo, Lookup("well.test")).error());
  NameService::Get()->Release();
  EXPECT_TRUE(MayLookUpAgain(session));
}

TEST_F(HostileResolve, WhoDoesNotWaitIsNotLookedUpFor) {
  RawClient client(address());
  RawSession session(client);
  NameService::Get()->Hang("hung.test");
  for (int i = 0; i < 4 * kPerUser; i++)
    EXPECT_EQ(EAGAIN, session.Do(kGetAddrInfo, Lookup(HungName(i)).V(7, 0)).error());
  EXPECT_EQ(0, session.Do(kGetAddrInfo, Lookup("well.test")).error());
}

TEST_F(HostileResolve, AKilledClientsLookUpsEndByThemselvesAndOnlyItsUserWaits) {
  NameService::Get()->Hang("hung.test");
  OtherProcess attacker(kNobody, [](const std::string &argument, int out) {
    RawClient client(argument);
    RawSession session(client);
    for (int i = 0; i < kPerUser; i++) session.Put(kGetAddrInfo, Lookup(HungName(i)));
    session.Flush();
    Say(out, "asked");
    session.Next();
  }, address());
  ASSERT_EQ("asked\n", attacker.Line());
  ASSERT_TRUE(NameService::Get()->AwaitHanging(kPerUser));
  RawClient client(address());
  RawSession session(client);
  EXPECT_EQ(0, session.Do(kGetAddrInfo, Lookup("well.test")).error()) << "another user's";
  attacker.Kill();
  OtherProcess again(kNobody, [](const std::string &argument, int out) {
    RawClient other(argument);
    RawSession own(other);
    Say(out, std::to_string(own.Do(kGetAddrInfo, Lookup("well.test")).error()));
    std::string all_ended;
    Say(out, MayLookUpAgain(own) ? "again" : "never");
  }, address());
  EXPECT_EQ(std::to_string(EMFILE) + "\n", again.Line());
  NameService::Get()->Release();
  EXPECT_EQ("again\n", again.Line());
}

TEST_F(HostileResolve, AUnaryLookUpThatIsGivenUpKeepsItsPlaceToo) {
  RawClient client(address());
  RawSession session(client);
  NameService::Get()->Hang("hung.test");
  for (int i = 0; i < kPerUser; i++) {
    RawCall call(client, "Broker/GetAddrInfo", session.token());
    EXPECT_TRUE(call.Send(Lookup(HungName(i))));
    call.CloseSend();
    EXPECT_TRUE(NameService::Get()->AwaitHanging(static_cast<size_t>(i) + 1));
    call.Cancel();
    EXPECT_EQ(GRPC_STATUS_CANCELLED, call.Finish());
  }
  EXPECT_EQ(EMFILE, session.Do(kGetAddrInfo, Lookup("well.test")).error());
}

TEST_F(HostileResolve, ABrokerThatIsToEndDoesNotWaitForTheNameService) {
  {
    RawClient client(address());
    RawSession session(client);
    Hang(session, kPerUser);
  }
  watcher_.reset();
  EXPECT_TRUE(broker_.Stop()) << broker_.Log();
  EXPECT_EQ(std::string::npos, broker_.Log().find("Sanitizer")) << broker_.Log();
}

TEST_F(HostileResolve, LinkedLookUpsComeOneAfterTheOther) {
  RawClient client(address());
  RawSession session(client);
  NameService::Get()->Hang("hung.test");
  uint64_t first = session.Put(kGetAddrInfo, Lookup(HungName(0)));
  uint64_t second = session.Put(kGetHostName, Pb(), true);
  ASSERT_TRUE(session.Flush());
  ASSERT_TRUE(NameService::Get()->AwaitHanging(1));
  session.Do(kCancel, Pb().V(1, first));
  EXPECT_EQ(ECANCELED, session.Await(first).error());
  EXPECT_EQ(ECANCELED, session.Await(second).error());
}

}  // namespace
