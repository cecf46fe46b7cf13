// SPDX-License-Identifier: Apache-2.0
//
// The daemon's own life: how it starts, what privileges it keeps, how it is told of
// a new policy, how it ends.
#include <errno.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

const char kNoRaw[] = "version: 1\nrules:\n  - { name: some, who: everyone, may: socket, family: inet, type: dgram, protocol: udp }\n";
const char kRaw[] = R"(version: 1
rules:
  - { name: raw, who: everyone, may: socket, lends: CAP_NET_RAW, family: inet, type: raw, protocol: icmp }
)";

int RawSocket(RawSession &session) {
  return session.Do(kSocket, Pb().V(2, AF_INET).V(3, SOCK_RAW).V(4, IPPROTO_ICMP)).error();
}

// Round trips until the log has it, or 20 s are over.
bool LogHas(Broker &broker, RawSession &session, const std::string &text) {
  for (time_t end = time(nullptr) + 20; time(nullptr) < end;) {
    session.Do(kClose, Pb().V(1, 1));
    if (broker.Log().find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(ServerLife, ItsThreadsHaveNoEffectiveCapabilityAndPermitOnlyThree) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to start the broker as root";
  Broker broker({"--user", "daemon"}, kRaw);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  RawSession session(client);
  EXPECT_EQ(0, RawSocket(session));  // one has been lent, and given back
  const passwd *daemon = getpwnam("daemon");
  ASSERT_NE(nullptr, daemon);
  std::string uid = std::to_string(daemon->pw_uid);
  int threads = 0;
  for (auto &task : std::filesystem::directory_iterator("/proc/" + std::to_string(broker.pid()) + "/task")) {
    std::ifstream in(task.path() / "status");
    std::stringstream text;
    text << in.rdbuf();
    threads++;
    for (const std::string &line :
         {std::string("CapEff:\t0000000000000000\n"), std::string("CapPrm:\t0000000000003400\n"),
          std::string("CapInh:\t0000000000000000\n"), std::string("CapBnd:\t0000000000000000\n"),
          std::string("CapAmb:\t0000000000000000\n"), std::string("NoNewPrivs:\t1\n"), std::string("Groups:\t \n"),
          "Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid + "\n"})
      EXPECT_NE(std::string::npos, text.str().find(line)) << line << text.str();
  }
  EXPECT_LT(3, threads);
}

std::string Permitted(const Broker &broker) {
  std::ifstream in("/proc/" + std::to_string(broker.pid()) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("CapPrm:\t", 0) == 0) return line.substr(8);
  return "";
}

const char kRename[] = "version: 1\nrules:\n  - { name: rename, who: everyone, may: sethostname, "
                       "lends: CAP_SYS_ADMIN }\n";

TEST(ServerLife, TheMightiestCapabilityIsKeptIfARuleLendsItAtTheStart) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to start the broker as root";
  Broker broker({"--user", "daemon"}, kRename);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  EXPECT_EQ("0000000000203400", Permitted(broker));
  EXPECT_EQ(std::string::npos, broker.Log().find("CAP_SYS_ADMIN")) << broker.Log();
}

TEST(ServerLife, ARuleThatComesLaterDoesNotBringItBackAndTheLogSaysSo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to start the broker as root";
  Broker broker({"--user", "daemon"}, kNoRaw);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  RawSession session(client);
  EXPECT_EQ(std::string::npos, broker.Log().find("CAP_SYS_ADMIN")) << broker.Log();
  std::ofstream(broker.policy_path()) << kRename;
  kill(broker.pid(), SIGHUP);
  ASSERT_TRUE(LogHas(broker, session, "CAP_SYS_ADMIN, which is not kept")) << broker.Log();
  EXPECT_EQ("0000000000003400", Permitted(broker));
}

TEST(ServerLife, HangupBringsTheNewPolicyToRunningSessions) {
  Broker broker({}, kNoRaw);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  RawSession session(client);
  EXPECT_EQ(EACCES, RawSocket(session));
  std::ofstream(broker.policy_path()) << kRaw;
  kill(broker.pid(), SIGHUP);
  ASSERT_TRUE(LogHas(broker, session, "again: 1 rules")) << broker.Log();
  EXPECT_EQ(geteuid() == 0 ? 0 : EPERM, RawSocket(session));
  EXPECT_EQ(EACCES, session.Do(kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM)).error());
}

TEST(ServerLife, HangupWithABrokenFileKeepsTheOldPolicyAndSaysWhere) {
  Broker broker({}, kNoRaw);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  RawSession session(client);
  std::ofstream(broker.policy_path()) << "version: 1\nrules:\n  - { name: x, wo: everyone }\n";
  kill(broker.pid(), SIGHUP);
  ASSERT_TRUE(LogHas(broker, session, "old one stays in force")) << broker.Log();
  EXPECT_NE(std::string::npos, broker.Log().find(broker.policy_path() + ":3:")) << broker.Log();
  EXPECT_EQ(EACCES, RawSocket(session));
  EXPECT_NE(0u, session.Socket(AF_INET, SOCK_DGRAM));
}

TEST(ServerLife, TerminationEndsInOrderWithClientsConnectedAndCallsParked) {
  Broker broker;
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  std::vector<std::unique_ptr<RawSession>> sessions;
  std::vector<std::unique_ptr<RawCall>> calls;
  for (int i = 0; i < 10; i++) {
    sessions.emplace_back(new RawSession(client));
    RawSession &s = *sessions.back();
    uint32_t u = s.Socket(AF_INET, SOCK_DGRAM), a, b;
    ASSERT_TRUE(MakePair(s, SOCK_STREAM, &a, &b));
    for (int k = 0; k < 20; k++) s.Put(kRecv, Pb().V(1, u).V(2, 10), k % 3 == 2);
    s.Put(kSend, Pb().V(1, a).B(2, std::string(1 << 20, 'x')));
    s.Put(kPoll, Pb().V(1, u).V(2, 1));
    ASSERT_TRUE(s.Flush());
    s.Do(kGetOption, OnHandle(kGetOption, u));
    calls.emplace_back(new RawCall(client, "Broker/Recv", s.token()));
    ASSERT_TRUE(calls.back()->Send(Pb().V(1, u).V(2, 10)));
    calls.emplace_back(new RawCall(client, "Broker/Transfer", s.token()));
    ASSERT_TRUE(calls.back()->Send(Pb().V(2, b).V(3, 2).V(4, 1).V(7, uint64_t{1} << 40).V(5, MSG_WAITALL)));
    calls.emplace_back(new RawCall(client, "Broker/Socket", s.token()));
  }
  EXPECT_TRUE(broker.Stop()) << broker.Log();
  EXPECT_EQ(std::string::npos, broker.Log().find("Sanitizer")) << broker.Log();
  for (auto &s : sessions) EXPECT_NE(GRPC_STATUS_OK, s->stream().Finish());
}

TEST(ServerLife, AsRootWithoutAPolicyItRefusesAndSaysWhatToDo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Broker broker({}, "version: 1\nrules: []\n");  // for its place
  ASSERT_TRUE(broker.Started()) << broker.Log();
  std::string out = broker.folder() + "/refusal";
  std::string daemon = std::filesystem::read_symlink("/proc/" + std::to_string(broker.pid()) + "/exe");
  int status = system((daemon + " --listen unix:" + broker.folder() + "/other 2> " + out).c_str());
  EXPECT_EQ(1, WEXITSTATUS(status));
  std::ifstream in(out);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_NE(std::string::npos, text.str().find("--policy FILE")) << text.str();
}

TEST(ServerLife, ItsHealthIsServedForTheNamesThatItServes) {
  Broker broker({}, kNoRaw);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  RawClient client(broker.address());
  constexpr int kServing = 1;
  for (const char *service : {"", "sockbroker.v1.Broker", "sockbroker.v1.Admin"}) {
    RawClient::Result r = client.Unary("/grpc.health.v1.Health/Check", Pb().B(1, service));
    EXPECT_EQ(GRPC_STATUS_OK, r.status) << r.details;
    EXPECT_EQ(static_cast<uint64_t>(kServing), PbNumber(r.reply, 1));
  }
  EXPECT_EQ(GRPC_STATUS_NOT_FOUND,
            client.Unary("/grpc.health.v1.Health/Check", Pb().B(1, "other")).status);
}

TEST(ServerLife, AsAnOrdinaryUserWithoutAPolicyItServesThatUserOnly) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Broker broker({"--socket-mode", "0666"}, "", kNobody);
  ASSERT_TRUE(broker.Started()) << broker.Log();
  OtherProcess::Client ask = [](const std::string &address, int out) {
    RawClient client(address);
    RawSession session(client);
    Say(out, std::to_string(session.welcome_error()) + " " + (session.Socket(AF_INET, SOCK_DGRAM) ? "socket" : "none"));
  };
  OtherProcess nobody(kNobody, ask, broker.address());
  EXPECT_EQ("0 socket\n", nobody.Line());
  OtherProcess other(kSomebody, [](const std::string &address, int out) {
    RawClient client(address);
    RawSession session(client);
    Say(out, std::to_string(session.welcome_error()));
  }, broker.address());
  EXPECT_EQ(std::to_string(EACCES) + "\n", other.Line());
  RawClient client(broker.address());
  EXPECT_EQ(EACCES, RawSession(client).welcome_error());  // root's
}

}  // namespace
