// SPDX-License-Identifier: Apache-2.0
#include "hostile_child.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>

namespace {

constexpr int kPatienceMs = 60000;
constexpr char kComplaint[] = "complaint: ";
constexpr char kOption[] = "--child=", kChannel[] = "SB_CHILD_CHANNEL";

constexpr char kPolicy[] = R"(version: 1
rules:
  - { name: real, who: { user: nobody }, may: [socket, direct], family: inet, type: [stream, dgram],
      protocol: [tcp, udp], to: any, to_ports: any }
  - { name: real ping, who: { user: nobody }, may: [socket, direct], lends: CAP_NET_RAW,
      family: inet, type: raw, protocol: icmp, to: any }
  - { name: port, who: { user: nobody }, may: [connect, send], family: inet,
      type: [stream, dgram], protocol: [tcp, udp], to: 127.0.0.1, to_ports: 7001 }
  - { name: web, who: { user: nobody }, may: bind, lends: CAP_NET_BIND_SERVICE, family: inet,
      type: stream, protocol: tcp, from: 127.0.0.1, from_ports: [80, ephemeral] }
  - { name: mark, who: { user: nobody }, may: option, lends: CAP_NET_ADMIN, family: inet,
      type: [stream, dgram], protocol: [tcp, udp], options: SO_MARK, marks: 1 }
)";

std::map<std::string, void (*)(const Child::Arguments &)> &Children() {
  static std::map<std::string, void (*)(const Child::Arguments &)> children;
  return children;
}

std::atomic<int> complaints{0};

void LoopbackUp() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq lo = {};
  strcpy(lo.ifr_name, "lo");
  lo.ifr_flags = IFF_UP;
  ASSERT_EQ(0, ioctl(fd, SIOCSIFFLAGS, &lo)) << strerror(errno);
  close(fd);
}

}  // namespace

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

uint16_t PortOf(int fd) {
  sockaddr_in at = {};
  socklen_t len = sizeof(at);
  return getsockname(fd, reinterpret_cast<sockaddr *>(&at), &len) == 0 ? ntohs(at.sin_port) : 0;
}

// ---- in the child ----

void Complain(const std::string &text) {
  // Not more than can be read.
  if (complaints++ < 20)
    dprintf(STDOUT_FILENO, "%s%s\n", kComplaint, text.c_str());
}

bool Expect(bool is_so, const std::string &otherwise) {
  if (!is_so)
    Complain(otherwise);
  return is_so;
}

long Result(long returned) { return returned < 0 ? -errno : returned; }

void LetTheTestLook() {
  const int channel = atoi(getenv(kChannel));
  char byte = 0;
  Expect(write(channel, &byte, 1) == 1 && read(channel, &byte, 1) == 1, "the test has gone");
}

Child::Child(const char *name, void (*run)(const Arguments &)) { Children()[name] = run; }

void ExpectTheFilter(bool all) {
  const int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in low = Loopback(kDeniedLow), to = Loopback(kDeniedPort);
  Expect(Result(bind(stream, reinterpret_cast<const sockaddr *>(&low), sizeof(low))) == -EACCES,
         "bind is not denied");
  Expect(Result(socket(AF_PACKET, SOCK_RAW, 0)) < 0, "there is a packet socket");
  if (all)
    Expect(Result(connect(datagram, reinterpret_cast<const sockaddr *>(&to), sizeof(to))) == -EACCES,
           "connect is not denied");
  const int ping = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  Expect(ping >= 0, "there is no raw socket");
  close(stream), close(datagram), close(ping);
}

int InAProcess(const std::function<int()> &run) {
  const pid_t pid = fork();
  if (pid == 0)
    _exit(run());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Also of the test programs that link this.
int main(int argc, char **argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.rfind(kOption, 0) == 0) {
    Children().at(first.substr(strlen(kOption)))({argv + 2, argv + argc});
    return complaints != 0;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

// ---- in the test ----

void HostileChild::SetUp() {
  ASSERT_EQ(0, unshare(CLONE_NEWNET)) << "which needs root";
  // What this process was given is not for the child.
  ASSERT_EQ(0, close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC));
  LoopbackUp();
  broker_ = std::make_unique<sb_test::Broker>(std::vector<std::string>{"--user", "daemon"}, kPolicy);
  ASSERT_TRUE(broker_->Started()) << broker_->Log();
  address_ = broker_->address();
  programs_ = std::make_unique<sb_test::Programs>();
  output_ = memfd_create("output", MFD_CLOEXEC);
  int ends[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  channel_ = ends[0], child_channel_ = ends[1];
  setenv(kChannel, std::to_string(child_channel_).c_str(), 1);
  broker_descriptors_ = DescriptorsOf(broker_->pid());
}

void HostileChild::TearDown() {
  for (int fd : fds_)
    close(fd);
  close(output_), close(channel_), close(child_channel_);
  if (!broker_)
    return;
  EXPECT_TRUE(ComesBackTo(broker_->pid(), broker_descriptors_)) << "the broker holds descriptors";
  EXPECT_TRUE(broker_->Stop());
  EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer"));
  if (HasFailure())
    std::cerr << broker_->Log();
}

pid_t HostileChild::Start(const std::string &mode, const std::string &child,
                          Child::Arguments arguments) {
  sb_test::Command command;
  if (mode == "run")
    command.launcher = {"run", "--"};
  if (mode == "run --all")
    command.launcher = {"run", "--all", "--"};
  command.arguments = {kOption + child};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.address = address_;
  command.output = output_;
  fcntl(child_channel_, F_SETFD, 0);
  const pid_t pid = sb_test::StartAsNobody(*programs_, command);
  fcntl(child_channel_, F_SETFD, FD_CLOEXEC);
  return pid;
}

std::string HostileChild::Output() {
  std::string text(1 << 20, '\0');
  const ssize_t n = pread(output_, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return text;
}

std::string HostileChild::Complaints(pid_t pid, int wanted) {
  const int status = sb_test::WaitFor(pid);
  const std::string text = Output();
  const bool well = status == wanted && text.find(kComplaint) == std::string::npos &&
                    text.find("Sanitizer") == std::string::npos;
  return well ? "" : "status " + std::to_string(status) + "\n" + text;
}

bool HostileChild::AwaitLook() {
  pollfd p = {channel_, POLLIN, 0};
  char byte;
  return poll(&p, 1, kPatienceMs) == 1 && read(channel_, &byte, 1) == 1;
}

void HostileChild::GoOn() { ASSERT_EQ(1, write(channel_, "", 1)); }

int HostileChild::Bound(int type, uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in at = Loopback(port);
  EXPECT_EQ(0, bind(fd, reinterpret_cast<const sockaddr *>(&at), sizeof(at))) << strerror(errno);
  fds_.push_back(fd);
  return fd;
}

size_t HostileChild::DescriptorsOf(pid_t pid) const {
  DIR *dir = opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  size_t n = 0;
  while (dir != nullptr && readdir(dir) != nullptr)
    n++;
  if (dir != nullptr)
    closedir(dir);
  return n;
}

bool HostileChild::ComesBackTo(pid_t pid, size_t descriptors) const {
  for (int i = 0; i < kPatienceMs / 10; i++) {
    if (DescriptorsOf(pid) <= descriptors)
      return true;
    poll(nullptr, 0, 10);
  }
  return false;
}
