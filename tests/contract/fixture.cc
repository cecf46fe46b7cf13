// SPDX-License-Identifier: Apache-2.0
//
// The fixture, and what is there for all tests.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "launched.h"
#include "root.h"
#include "support.h"

namespace contract {
namespace {

constexpr unsigned kTestSeconds = 40;

// A test that hangs: end, with its name. Only what is safe in a signal handler.
char current_test[256];

void OnAlarm(int) {
  static const char text[] = "\nthe test hangs: ";
  ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
  ignored = write(STDERR_FILENO, current_test, strlen(current_test));
  ignored = write(STDERR_FILENO, "\n", 1);
  static_cast<void>(ignored);
  abort();
}

// Those of a process, which may be root's.
size_t OpenDescriptors(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  DIR *dir = fdopendir(pid == getpid() ? open(folder.c_str(), O_RDONLY | O_CLOEXEC)
                                       : RootOpen(folder, O_RDONLY | O_DIRECTORY));
  if (dir == nullptr)
    throw std::runtime_error(folder);
  size_t n = 0;
  while (readdir(dir) != nullptr)
    n++;
  closedir(dir);
  return n;
}

// The broker closes some sockets a little after it has answered.
bool ReturnsTo(int pid, size_t descriptors) {
  for (int i = 0; i < 1000; i++) {
    if (OpenDescriptors(pid) <= descriptors)
      return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

class World : public testing::Environment {
 public:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, OnAlarm);
    if (Launched().way != nullptr) {
      folder = Launched().folder;
      return;
    }
    folder = MakeWorld();
    SetUpBroker(folder.c_str());
  }

  void TearDown() override {
    if (Launched().way != nullptr)
      return;
    TearDownBroker();
    EndWorld(folder);
  }

  std::string folder;
};

World *world = static_cast<World *>(testing::AddGlobalTestEnvironment(new World));

}  // namespace

const std::string &Folder() { return world->folder; }

std::string FreshName() {
  static std::atomic<unsigned> count{0};
  return "s" + std::to_string(count++);
}

std::string FreshPath() { return Folder() + "/" + FreshName(); }

// ---- Contract ----

std::pair<std::string_view, std::string_view> ContractName(const testing::TestInfo &info) {
  const std::string_view suite = info.test_suite_name(), test = info.name();
  return {suite.substr(suite.find('/') + 1), test.substr(0, test.find('/'))};
}

void Contract::SetUp() {
  const auto *info = testing::UnitTest::GetInstance()->current_test_info();
  snprintf(current_test, sizeof(current_test), "%s.%s", info->test_suite_name(), info->name());
  const auto [suite, test] = ContractName(*info);
  const char *left_out = api().left_out == nullptr ? nullptr : api().left_out(suite, test);
  if (left_out != nullptr)
    GTEST_SKIP() << left_out;
  alarm(kTestSeconds);
  // What the way opens once for all its sockets is no leak.
  Socket(AF_INET, SOCK_DGRAM);
  if (Launched().way != nullptr)
    Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  descriptors_ = OpenDescriptors(getpid());
  if (Brokered())
    broker_descriptors_ = OpenDescriptors(BrokerPid());
  if (Launched().way != nullptr)
    launcher_descriptors_ = OpenDescriptors(getppid());
  broker_log_ = BrokerLog().size();
}

void Contract::TearDown() {
  alarm(0);
  if (descriptors_ == 0)
    return;  // SetUp failed
  EXPECT_EQ(descriptors_, OpenDescriptors(getpid())) << "descriptors leaked";
  if (Brokered()) {
    EXPECT_TRUE(ReturnsTo(BrokerPid(), broker_descriptors_)) << "the broker's descriptors leaked";
  }
  if (Launched().way != nullptr) {
    EXPECT_TRUE(ReturnsTo(getppid(), launcher_descriptors_)) << "the launcher's descriptors leaked";
  }
  if (HasFailure())
    std::cerr << BrokerLog().substr(broker_log_);
}

void FamilyContract::SetUp() {
  const long r = KernelSocket(family_, type_, protocol_).fd();
  const bool lacks = r == -EAFNOSUPPORT || r == -EPROTONOSUPPORT || r == -ESOCKTNOSUPPORT;
  if (lacks && !InMachine())
    GTEST_SKIP() << "the kernel has no " << name_;
  ASSERT_LE(0, r) << name_ << ": " << strerror(static_cast<int>(-r));
  Contract::SetUp();
}

Sock Contract::Socket(int domain, int type, int protocol) const {
  return Sock(api(), api().socket(domain, type, protocol));
}

Sock Contract::KernelSocket(int domain, int type, int protocol) const {
  return Sock(KernelApi(), KernelApi().socket(domain, type | SOCK_CLOEXEC, protocol));
}

Sock Contract::Bound(Sock s, const Addr &at) const {
  Must(s.fd(), "socket");
  Must(s.Bind(at), "bind");
  return s;
}

Sock Contract::Listener(const Addr &at, int backlog) const {
  Sock s = Bound(Socket(at.family(), SOCK_STREAM), at);
  Must(s.Listen(backlog), "listen");
  return s;
}

Sock Contract::ClosedPort(int type) const { return Bound(KernelSocket(AF_INET, type)); }

Pair Contract::StreamPair(Sock listener, Sock client) const {
  Must(client.Connect(listener.Name()), "connect");
  Sock server = listener.Accept();
  Must(server.fd(), "accept");
  return {std::move(client), std::move(server)};
}

Pair Contract::UdpPair() const {
  Sock a = BoundUdp(), b = BoundUdp();
  Must(a.Connect(b.Name()), "connect");
  Must(b.Connect(a.Name()), "connect");
  return {std::move(a), std::move(b)};
}

Pair Contract::UnixPair(int type) const {
  int sv[2];
  Must(Result(api().socketpair(AF_UNIX, type, 0, sv)), "socketpair");
  return {Sock(api(), sv[0]), Sock(api(), sv[1])};
}

Pair Contract::FullListener() const {
  Sock listener = Listener(Addr::Loopback4(), 0);
  Sock first = TcpSocket();
  Must(first.Connect(listener.Name()), "connect");
  if (listener.Wait(POLLIN) != POLLIN)
    throw std::runtime_error("the connection did not come");
  return {std::move(listener), std::move(first)};
}

size_t Contract::Fill(const Sock &s) {
  const std::string piece(65536, 'f');
  size_t sum = 0;
  // Full may be for the moment only, while the peer's kernel takes some in; and where a large
  // piece finds no room a small one still may. When as many have as make a larger one, there is
  // room for that again: megabytes in small pieces would take minutes.
  for (int in_vain = 0; in_vain < 2; in_vain++) {
    if (in_vain)
      s.Wait(POLLOUT, 250);
    for (size_t size = piece.size(); size > 0;) {
      const bool largest = size == piece.size();
      int taken = 0;
      for (long n = 0; (largest || taken < 16) &&
                       (n = s.Send(piece.substr(0, size), MSG_DONTWAIT)) > 0; taken++) {
        sum += static_cast<size_t>(n);
        in_vain = -1;
      }
      size = !largest && taken == 16 ? size * 16 : size / 16;
    }
  }
  return sum;
}

}  // namespace contract
