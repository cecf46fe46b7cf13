// SPDX-License-Identifier: Apache-2.0
//
// raw_client.h's second half: clients in processes of their own, and those who
// watch what an attack does to others.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>

#include "support/raw_client.h"

namespace sb_test {
namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point t) {
  return std::chrono::duration<double, std::milli>(Clock::now() - t).count();
}

// gRPC doesn't survive fork(2). So a process is forked before main(), when there
// is no gRPC yet, and forks again for each client: a function has the same
// address in all of them.
struct Order {
  OtherProcess::Client client;
  uid_t uid;
  size_t length;
  char argument[4096];
};

int g_orders = -1;

[[noreturn]] void RunClient(const Order &order, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGCHLD, SIG_DFL);
  if (order.uid != geteuid() &&
      (setresgid(order.uid, order.uid, order.uid) || setresuid(order.uid, order.uid, order.uid)))
    _exit(126);
  order.client(std::string(order.argument, order.length), out);
  _exit(0);
}

int ReceiveOrder(int from, Order *order) {
  char control[CMSG_SPACE(sizeof(int))];
  iovec iov = {order, sizeof(*order)};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != sizeof(*order) || !CMSG_FIRSTHDR(&m)) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
  return fd;
}

[[noreturn]] void ServeOrders(int from) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGCHLD, SIG_IGN);
  Order order;
  for (int out; (out = ReceiveOrder(from, &order)) >= 0; close(out)) {
    pid_t pid = fork();
    if (pid == 0) {
      close(from);
      RunClient(order, out);
    }
    if (write(from, &pid, sizeof(pid)) != sizeof(pid)) break;
  }
  _exit(0);
}

__attribute__((constructor)) void Prepare() {
  int sv[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) abort();
  if (fork() == 0) {
    close(sv[0]);
    ServeOrders(sv[1]);
  }
  close(sv[1]);
  g_orders = sv[0];
}

}  // namespace

OtherProcess::OtherProcess(uid_t uid, Client client, const std::string &argument) {
  static Order order;
  char control[CMSG_SPACE(sizeof(int))] = {};
  int ends[2];
  order.client = client;
  order.uid = uid;
  order.length = argument.copy(order.argument, sizeof(order.argument));
  if (pipe2(ends, O_CLOEXEC)) abort();
  iovec iov = {&order, sizeof(order)};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
  if (sendmsg(g_orders, &m, 0) < 0 || read(g_orders, &pid_, sizeof(pid_)) != sizeof(pid_)) abort();
  close(ends[1]);
  from_ = ends[0];
}

OtherProcess::~OtherProcess() {
  Kill();
  close(from_);
}

void OtherProcess::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

// Its end of the pipe closes as it ends.
void OtherProcess::Kill() {
  Signal(SIGKILL);
  pid_ = -1;
  while (!Line().empty()) {
  }
}

std::string OtherProcess::Line(int timeout_ms) {
  std::string line;
  char c;
  pollfd p = {from_, POLLIN, 0};
  while (poll(&p, 1, timeout_ms) == 1 && read(from_, &c, 1) == 1) {
    line += c;
    if (c == '\n') break;
  }
  return line;
}

void Say(int out, const std::string &line) {
  std::string text = line + "\n";
  if (write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(1);
}

// ---- those who watch ----

Watcher::Watcher(const std::string &address) : address_(address), thread_([this] { Run(); }) {}

Watcher::~Watcher() {
  stop_ = true;
  thread_.join();
}

void Watcher::Run() {
  RawClient client(address_);
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  while (!stop_) {
    Clock::time_point begin = Clock::now();
    RawReply r = session.Do(kGetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_TYPE).V(4, 4));
    double ms = MsSince(begin);
    if (ms > worst_ms_) worst_ms_ = ms;
    trips_++;
    if (r.error() != 0 && ++errors_ > 3) return;
  }
}

std::string Watcher::Complaint(double bound_ms) {
  int seen = trips_;
  Clock::time_point begin = Clock::now();
  while (trips_ < seen + 2 && !errors_ && MsSince(begin) < kPatienceMs) std::this_thread::yield();
  if (errors_) return "the watcher's round trip failed";
  if (trips_ < seen + 2) return "the watcher makes no round trips any more";
  if (worst_ms_ > bound_ms)
    return "a round trip of the watcher's took " + std::to_string(worst_ms_) + " ms";
  return "";
}

std::string Holdings::Text() const {
  return std::to_string(descriptors) + " descriptors, " + std::to_string(sockets) + " sockets, " +
         std::to_string(sessions) + " sessions, " + std::to_string(connections) + " connections";
}

Holdings HoldingsOf(RawClient &client, pid_t pid) {
  Holdings h;
  RawClient::Result r = client.Unary("Admin/GetStatus", "");
  for (auto &entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    h.descriptors += !entry.path().empty();
  h.connections = PbNumber(r.reply, 6);
  h.sessions = PbNumber(r.reply, 7);
  h.sockets = PbNumber(r.reply, 8);
  h.resident_bytes = PbNumber(r.reply, 14);
  return h;
}

std::string AwaitHoldings(RawClient &client, pid_t pid, const Holdings &before) {
  Clock::time_point begin = Clock::now();
  Holdings now;
  do {
    now = HoldingsOf(client, pid);
    if (now.descriptors <= before.descriptors && now.sockets <= before.sockets &&
        now.sessions <= before.sessions && now.connections <= before.connections)
      return "";
  } while (MsSince(begin) < 20000);
  return "before: " + before.Text() + "; now: " + now.Text();
}

}  // namespace sb_test
