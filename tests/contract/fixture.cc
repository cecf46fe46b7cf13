// SPDX-License-Identifier: Apache-2.0
//
// The fixture, and the world that the test program lives in: a network namespace
// of its own (so that nobody else's traffic, ports or abstract names are met) and
// a folder for socket files.
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

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

// Those of a process; 0 is this one.
size_t OpenDescriptors(int pid) {
  const std::string folder =
      "/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/fd";
  size_t n = 0;
  DIR *dir = opendir(folder.c_str());
  if (dir == nullptr)
    throw std::runtime_error(folder);
  while (readdir(dir) != nullptr)
    n++;
  closedir(dir);
  return n;
}

// The broker closes some sockets a little after it has answered.
bool BrokerReturnsTo(size_t descriptors) {
  for (int i = 0; i < 1000; i++) {
    if (OpenDescriptors(BrokerPid()) <= descriptors)
      return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

void SetUpLoopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq ifr = {};
  strcpy(ifr.ifr_name, "lo");
  long result = Result(ioctl(fd, SIOCGIFFLAGS, &ifr));
  ifr.ifr_flags = static_cast<short>(ifr.ifr_flags | IFF_UP | IFF_MULTICAST);
  if (result == 0)
    result = Result(ioctl(fd, SIOCSIFFLAGS, &ifr));
  close(fd);
  Must(result, "lo up");
}

// Those of a test program before this one, where the network is not private.
void DropInterfaces() {
  static_cast<void>(!system("for i in /sys/class/net/sb*; do"
                            " test ! -e $i || ip link del ${i##*/} 2>/dev/null; done"));
}

class World : public testing::Environment {
 public:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, OnAlarm);
    // A machine of our own needs no second namespace, and Bluetooth is in the first only.
    if (InMachine())
      DropInterfaces();
    else
      Must(Result(unshare(CLONE_NEWNET)), "unshare(CLONE_NEWNET), which needs root");
    SetUpLoopback();
    // Whoever wants may have a ping socket, as on most systems.
    std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 2147483647\n";

    char made[] = "/tmp/sb-contract.XXXXXX";
    if (mkdtemp(made) == nullptr)
      throw std::runtime_error("mkdtemp");
    folder = made;
    Must(Result(chmod(made, 01777)), "chmod");
    SetUpBroker(made);
  }

  void TearDown() override {
    TearDownBroker();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
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

const Veth &GetVeth() {
  static const Veth veth = [] {
    Veth v = {"sbva", "sbvb", 0, 0};
    // No address of IPv6's own making: its packets would be met by the tests.
    const std::string make = "ip link add sbva type veth peer name sbvb"
                             " && ip link set sbva addrgenmode none up"
                             " && ip link set sbvb addrgenmode none up";
    if (system(make.c_str()) != 0)
      throw std::runtime_error("cannot make a veth pair");
    v.ifindex_a = static_cast<int>(if_nametoindex("sbva"));
    v.ifindex_b = static_cast<int>(if_nametoindex("sbvb"));
    return v;
  }();
  return veth;
}

const Vcans &GetVcans() {
  static const Vcans vcans = [] {
    const std::string make = "ip link add sbcan0 mtu 72 type vcan && ip link set sbcan0 up"
                             " && ip link add sbcan1 mtu 72 type vcan && ip link set sbcan1 up";
    if (system(make.c_str()) != 0)
      throw std::runtime_error("cannot make virtual CAN interfaces");
    return Vcans{static_cast<int>(if_nametoindex("sbcan0")),
                 static_cast<int>(if_nametoindex("sbcan1"))};
  }();
  return vcans;
}

bool InMachine() { return getenv("VMTEST") != nullptr; }

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
  descriptors_ = OpenDescriptors(0);
  if (Brokered())
    broker_descriptors_ = OpenDescriptors(BrokerPid());
  broker_log_ = BrokerLog().size();
}

void Contract::TearDown() {
  alarm(0);
  if (descriptors_ == 0)
    return;  // SetUp failed
  EXPECT_EQ(descriptors_, OpenDescriptors(0)) << "descriptors leaked";
  if (Brokered()) {
    EXPECT_TRUE(BrokerReturnsTo(broker_descriptors_)) << "the broker's descriptors leaked";
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
