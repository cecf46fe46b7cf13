// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out: in each scenario the first allocation fails, then the second, and so
// on until all succeed; once alone, and once with all that follow. Every call is
// answered all the same, and nothing is held or left open at the end. (That nothing
// leaks is seen by the sanitizer's run.)
#include <dirent.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <vector>

#include "engine.h"

namespace {

std::atomic<long> countdown{0};  // 0: not armed, else the allocation that fails
std::atomic<bool> failed, and_all_after;

// Is this the one that fails?
bool MustFail() {
  if (!countdown) return false;
  if (countdown > 1) {
    countdown--;
    return false;
  }
  failed = true;
  if (!and_all_after) countdown = 0;
  return true;
}

}  // namespace

// What the daemon's objects call, by the linker's --wrap; libraries are not concerned.
extern "C" {
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n) { return MustFail() ? nullptr : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return MustFail() ? nullptr : __real_calloc(n, size); }
void *__wrap_realloc(void *old, size_t n) { return MustFail() ? nullptr : __real_realloc(old, n); }
}

namespace {

using sb_test::Answer;
using sb_test::Engine;
using sb_test::Pair;

int OpenDescriptors() {
  DIR *d = opendir("/proc/self/fd");
  int n = 0;
  while (readdir(d)) n++;
  closedir(d);
  return n;
}

// A call that could be made is answered.
void ExpectAnswered(Engine &e, Answer *a) {
  EXPECT_TRUE(!a || e.RunUntil(a)) << "a call without an answer";
}

struct Scenario {
  const char *name;
  void (*run)();
};

void PrintTo(const Scenario &s, std::ostream *out) { *out << s.name; }

void ReceiveWhatComes() {
  Engine e;
  if (!e.ok()) return;
  Pair p = e.AdoptPair(SOCK_STREAM);
  Answer *a = e.Recv(p.handle, 4, -1, 1), *b = e.Recv(p.handle, 4, 3600ll * 1000000000, 2);
  p.Write("abcdefgh");
  ExpectAnswered(e, a);
  ExpectAnswered(e, b);
  close(p.fd);
}

void SendMuchAndReceiveAll() {
  Engine e;
  if (!e.ok()) return;
  Pair p = e.AdoptPair(SOCK_STREAM);
  Answer *all = e.Recv(p.handle, 3000, 1000000, 0, MSG_WAITALL);
  p.Write("ab");
  e.Settle();
  Answer *much = e.Send(p.handle, std::string(1 << 20, 'm'), 1000000);
  ExpectAnswered(e, all);
  ExpectAnswered(e, much);
  close(p.fd);
}

void PollManyAndCancel() {
  Engine e;
  if (!e.ok()) return;
  std::vector<Pair> pairs;
  std::vector<uint32_t> handles, events;
  for (int i = 0; i < 40; i++) {
    pairs.push_back(e.AdoptPair(SOCK_DGRAM));
    handles.push_back(pairs.back().handle);
    events.push_back(POLLIN);
  }
  Answer *a = e.Begin<Sockbroker__V1__PollRequest>("Poll", [&](auto *q) {
    q->n_handles = q->n_events = handles.size();
    q->handles = handles.data();
    q->events = events.data();
  });
  EXPECT_TRUE(!a || e.IsDone(a) || e.Cancel(a));
  ExpectAnswered(e, a);
  for (Pair &p : pairs) close(p.fd);
}

void RunAChain() {
  Engine e;
  if (!e.ok()) return;
  Pair p = e.AdoptPair(SOCK_STREAM);
  std::vector<Answer *> chain = {e.Recv(p.handle, 1, -1, 1)};
  for (uint64_t id = 2; id < 20; id++) chain.push_back(e.GetSockName(p.handle, id, true));
  p.Write("x");
  for (auto *a : chain) ExpectAnswered(e, a);
  close(p.fd);
}

void MakeSockets() {
  Engine e;
  if (!e.ok()) return;
  for (int i = 0; i < 8; i++) {
    Answer *pair = e.Begin<Sockbroker__V1__SocketPairRequest>(
        "SocketPair", [](auto *q) { q->family = AF_UNIX, q->type = SOCK_STREAM; });
    ExpectAnswered(e, pair);
    if (!pair || pair->error) continue;
    uint32_t handle = pair->reply<Sockbroker__V1__SocketPairReply>()->handle;
    ExpectAnswered(e, e.Begin<Sockbroker__V1__DupRequest>("Dup",
                                                          [&](auto *q) { q->handle = handle; }));
    ExpectAnswered(e, e.Close(handle));
  }
}

void AcceptAndGiveBack() {
  Engine e;
  if (!e.ok()) return;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un {
    sa_family_t family;
    char path[14];
  } name = {AF_UNIX, ""};
  socklen_t len = sizeof(name);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&name), sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&name), &len), 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr *>(&name), len), 0);
  uint32_t handle = e.Adopt(listener, AF_UNIX, SOCK_STREAM);
  auto fill = [&](Sockbroker__V1__AcceptRequest *q) {
    q->handle = handle;
    q->timeout_case = SOCKBROKER__V1__ACCEPT_REQUEST__TIMEOUT_TIMEOUT_NS;
  };
  Answer *a = e.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill, 0, false, true);
  ExpectAnswered(e, a);
  if (a && a->error == 0) e.Undo(a);
  if (a) e.Free(a);
  ExpectAnswered(e, e.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill));
  close(client);
}

void GiveBackBytes() {
  Engine e;
  if (!e.ok()) return;
  Pair p = e.AdoptPair(SOCK_DGRAM);
  p.Write("abc");
  Answer *lost = e.Recv(p.handle, 10, 0, 0, 0, true);
  if (lost && lost->error == 0) e.Undo(lost);
  if (lost) e.Free(lost);
  ExpectAnswered(e, e.Recv(p.handle, 2, 0));
  close(p.fd);
}

void LookUpNames() {
  Engine e;
  if (!e.ok()) return;
  std::string node = "192.0.2.1";
  ExpectAnswered(e, e.Begin<Sockbroker__V1__GetServByPortRequest>("GetServByPort",
                                                                  [](auto *q) { q->port = 80; }));
  ExpectAnswered(e, e.Begin<Sockbroker__V1__GetAddrInfoRequest>("GetAddrInfo", [&](auto *q) {
    q->host_case = SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__HOST_NODE;
    q->node.data = reinterpret_cast<uint8_t *>(node.data());
    q->node.len = node.size();
  }));
  ExpectAnswered(e, e.Begin<Sockbroker__V1__IfNameIndexRequest>("IfNameIndex", [](auto *) {}));
  ExpectAnswered(e, e.Begin<Sockbroker__V1__ConstantsRequest>("Constants", [](auto *) {}));
}

void WorkElsewhere() {
  Engine e;
  if (!e.ok()) return;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct nlmsghdr noop = {};
  noop.nlmsg_len = sizeof(noop);
  noop.nlmsg_type = NLMSG_NOOP;
  uint32_t handle = e.Adopt(fd, AF_NETLINK, SOCK_RAW);
  Answer *send = e.Send(handle, std::string(reinterpret_cast<char *>(&noop), sizeof(noop)));
  Answer *name = e.GetSockName(handle);
  ExpectAnswered(e, send);
  ExpectAnswered(e, name);
  ExpectAnswered(e, e.Close(handle));
}

void EndInTheMiddle() {
  Engine e;
  if (!e.ok()) return;
  Pair p = e.AdoptPair(SOCK_STREAM);
  std::vector<Answer *> all;
  for (uint64_t id = 1; id < 40; id++) all.push_back(e.Recv(p.handle, 1, 3600ll * 1000000000, id));
  for (uint64_t id = 40; id < 50; id++) all.push_back(e.GetSockName(p.handle, id, true));
  e.CloseSession();
  for (auto *a : all) EXPECT_TRUE(!a || a->done);
  close(p.fd);
}

void OpenManySessions() {
  Engine e;
  if (!e.ok()) return;
  std::vector<struct session *> sessions;
  for (int i = 0; i < 20; i++)
    if (struct session *s = e.OpenSession("another")) sessions.push_back(s);
  for (auto *s : sessions) {
    shard_enter(e.shard());
    session_close(s);
    shard_leave(e.shard());
  }
}

const Scenario kScenarios[] = {
    {"ReceiveWhatComes", ReceiveWhatComes}, {"SendMuchAndReceiveAll", SendMuchAndReceiveAll},
    {"PollManyAndCancel", PollManyAndCancel}, {"RunAChain", RunAChain},
    {"MakeSockets", MakeSockets}, {"AcceptAndGiveBack", AcceptAndGiveBack},
    {"GiveBackBytes", GiveBackBytes}, {"LookUpNames", LookUpNames}, {"WorkElsewhere", WorkElsewhere},
    {"EndInTheMiddle", EndInTheMiddle}, {"OpenManySessions", OpenManySessions},
};

class OutOfMemory : public testing::TestWithParam<std::tuple<Scenario, bool>> {};

TEST_P(OutOfMemory, AtEveryAllocationLeavesNothingBehind) {
  const auto &[scenario, all_after] = GetParam();
  struct account *account = account_get(1234);  // the engine's user
  long n = 0;
  scenario.run();  // what is made once is made now
  int descriptors = OpenDescriptors();
  do {
    failed = false;
    and_all_after = all_after;
    countdown = ++n;
    scenario.run();
    countdown = 0;
    ASSERT_EQ(OpenDescriptors(), descriptors) << "allocation " << n;
    ASSERT_EQ(account->calls, 0u) << "allocation " << n;
    ASSERT_EQ(account->bytes, 0u) << "allocation " << n;
    ASSERT_EQ(account->sockets, 0u) << "allocation " << n;
    ASSERT_EQ(account->sessions, 0u) << "allocation " << n;
  } while (failed && n < 5000 && !HasFailure());
  EXPECT_FALSE(failed) << "it never came to an end";
  EXPECT_GT(n, 3) << "nothing was made to fail";
  account_put(account);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, OutOfMemory,
                         testing::Combine(testing::ValuesIn(kScenarios), testing::Bool()),
                         [](const auto &param) {
                           return std::string(std::get<0>(param.param).name) +
                                  (std::get<1>(param.param) ? "AndAllAfter" : "Once");
                         });

}  // namespace
