// SPDX-License-Identifier: Apache-2.0
#include "support/broker.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "wire/sockopt.h"

namespace sb_test {
namespace {

constexpr int kPatienceMs = 30000;
constexpr uid_t kSameUser = static_cast<uid_t>(-1);

std::string MakeFolder() {
  const char *base = getenv("TMPDIR");
  std::string name = std::string(base ? base : "/tmp") + "/sockbroker-test.XXXXXX";
  if (!mkdtemp(name.data())) {
    perror("mkdtemp");
    abort();
  }
  chmod(name.c_str(), 0755);  // clients of other users come in
  return name;
}

// In the child, between fork and exec: system calls only. `program` is open
// already: the build folder may be one that `uid` cannot enter.
[[noreturn]] void RunDaemon(int program, const std::vector<char *> &argv, int log_fd, int ready_fd,
                            uid_t uid) {
  dup2(log_fd, STDERR_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  if (uid != kSameUser && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  fcntl(ready_fd, F_SETFD, 0);
  fexecve(program, argv.data(), environ);
  _exit(127);
}

// A policy must name options: all there are that sockets of a family take.
std::string NamedOptions(bool (*has_level)(int level)) {
  size_t n = 0;
  const sockopt *rows = sockopt_rows(&n);
  std::set<std::string> names;
  for (size_t i = 0; i < n; i++)
    if (rows[i].named && (rows[i].access & SOCKOPT_SET) && has_level(rows[i].level))
      names.insert(rows[i].text);
  std::string list;
  for (const auto &name : names) list += (list.empty() ? "" : ", ") + name;
  return "[" + list + "]";
}

bool IsInternet(int level) { return level < SOL_NETLINK && level != SOL_PACKET; }
bool IsAnySockets(int level) { return level == SOL_SOCKET; }
bool IsPacket(int level) { return level == SOL_PACKET; }
bool IsNetlink(int level) { return level == SOL_NETLINK; }

}  // namespace

Broker::Broker(std::vector<std::string> extra_args, std::string policy_yaml, uid_t uid)
    : folder_(MakeFolder()) {
  uid_t runs_as = uid == kSameUser ? geteuid() : uid;
  if (policy_yaml.empty() && runs_as == 0) policy_yaml = OpenPolicy(geteuid());
  if (!policy_yaml.empty()) std::ofstream(policy_path()) << policy_yaml;
  if (uid != kSameUser && chown(folder_.c_str(), uid, uid)) perror("chown");
  Start(extra_args, !policy_yaml.empty(), uid);
}

Broker::~Broker() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Broker::Start(const std::vector<std::string> &extra_args, bool with_policy, uid_t uid) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) return;
  int log_fd = open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

  std::vector<std::string> args = {SB_DAEMON_PATH, "--listen", address(), "--ready-fd",
                                   std::to_string(ready[1]), "--shards", "2"};
  if (with_policy) args.insert(args.end(), {"--policy", policy_path()});
  // A test makes no user for it.
  if (geteuid() == 0 && (uid == kSameUser || uid == 0)) args.insert(args.end(), {"--user", "nobody"});
  args.insert(args.end(), extra_args.begin(), extra_args.end());
  std::vector<char *> argv;
  for (auto &a : args) argv.push_back(a.data());
  argv.push_back(nullptr);

  int program = open(SB_DAEMON_PATH, O_PATH | O_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) RunDaemon(program, argv, log_fd, ready[1], uid);
  close(program);
  close(ready[1]);
  close(log_fd);
  started_ = pid_ > 0 && WaitReady(ready[0]);
  close(ready[0]);
}

// A newline: it listens. End of file: it ended.
bool Broker::WaitReady(int ready_fd) {
  pollfd p = {ready_fd, POLLIN, 0};
  char c = 0;
  return poll(&p, 1, kPatienceMs) == 1 && read(ready_fd, &c, 1) == 1 && c == '\n';
}

// Returns the wait status; a daemon that does not end in time is killed.
int Broker::Wait() {
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd >= 0) {
    pollfd p = {pidfd, POLLIN, 0};
    if (poll(&p, 1, kPatienceMs) == 0) kill(pid_, SIGKILL);
    close(pidfd);
  }
  int status = -1;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

bool Broker::Stop() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    int status = Wait();
    stopped_well_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return stopped_well_;
}

void Broker::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

std::string Broker::OpenPolicy(uid_t uid) {
  std::string text = R"(version: 1
rules:
  - { name: ip, who: <who>, may: [socket, bind, listen, connect, send],
      lends: [CAP_NET_RAW, CAP_NET_BIND_SERVICE], family: [inet, inet6], type: <types>, protocol: any,
      to: [any, own, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, "::1", "fe80::/10", "ff00::/8"],
      to_ports: any, from: [any, wildcard, 127.0.0.0/8, "::1"], from_ports: [ephemeral, 0, 1-65535] }
  - { name: unix, who: <who>, may: [socket, bind, listen, connect, send], family: unix, type: <types>,
      unix: { paths: ["/tmp/*/*", "/tmp/*"], abstract: any, autobind: true } }
  - { name: packet, who: <who>, may: [socket, bind, send], lends: CAP_NET_RAW, family: packet,
      type: <types>, protocol: any, interface: any }
  - { name: netlink, who: <who>, may: [socket, bind, send, connect], family: netlink, type: <types>,
      protocol: any, netlink_to: any }
  - { name: can, who: <who>, may: [socket, bind, send, connect], family: can, type: <types>,
      protocol: any, interface: any }
  - { name: ip options, who: <who>, may: [option, ioctl], lends: [CAP_NET_ADMIN, CAP_NET_RAW],
      family: [inet, inet6], type: <types>, protocol: any, interface: any, marks: any,
      options: <ip options>, ioctls: [SIOCGIFINDEX, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFHWADDR, SIOCGIFMTU] }
  - { name: packet options, who: <who>, may: [option, ioctl], lends: [CAP_NET_ADMIN, CAP_NET_RAW],
      family: packet, type: <types>, protocol: any, interface: any,
      options: <packet options>,
      ioctls: [SIOCGIFINDEX, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFMTU] }
  - { name: netlink options, who: <who>, may: [option], lends: [CAP_NET_ADMIN], family: netlink,
      type: <types>, protocol: any, netlink_groups: any, options: <netlink options> }
  - { name: vsock, who: <who>, may: [socket, bind, listen, connect, send], family: vsock,
      lends: CAP_NET_BIND_SERVICE, type: <types>, to_cids: [any, hypervisor, local, host],
      to_ports: any, from_cids: [any, local, host, wildcard], from_ports: [ephemeral, 0-0xfffffffe] }
  - { name: tipc, who: <who>, may: [socket, bind, listen, connect, send], family: tipc, type: <types>,
      tipc: { services: [any, 0-63], nodes: any, scope: cluster } }
  - { name: rds, who: <who>, may: [socket, bind, connect, send], family: rds, type: <types>,
      to: [any, own, 127.0.0.0/8, "::1"], to_ports: any, from: [any, 127.0.0.0/8, "::1"],
      from_ports: [ephemeral, 0-65535] }
  - { name: bluetooth, who: <who>, may: [socket, bind, listen, connect, send], family: bluetooth,
      lends: [CAP_NET_RAW, CAP_NET_BIND_SERVICE], type: <types>, protocol: any,
      bluetooth: { to: [any, "ff:ff:ff:00:00:00"], from: [any, wildcard, "ff:ff:ff:00:00:00"],
                   psms: 0-0xffff, cids: any, channels: any, devices: any } }
  - { name: alg, who: <who>, may: [socket, bind], family: alg, type: <types>, algorithms: any }
  - { name: qipcrtr, who: <who>, may: [socket, bind, connect, send], family: qipcrtr, type: <types>,
      qipcrtr: { nodes: [any, broadcast], ports: [any, control] } }
  - { name: real ip, who: <who>, may: [direct], family: [inet, inet6], type: <types>, protocol: [any, raw],
      to: any, to_ports: any }
  - { name: real unix, who: <who>, may: [direct], family: unix, type: <types> }
  - { name: real packet, who: <who>, may: [direct], family: packet, type: <types>, protocol: any, interface: any }
  - { name: real netlink, who: <who>, may: [direct], family: netlink, type: <types>, protocol: any }
  - { name: real can, who: <who>, may: [direct], family: can, type: <types>, protocol: any, interface: any }
  - { name: files, who: <who>, may: [files] }
  - { name: names, who: <who>, may: [resolve], names: any, addresses: any }
  - { name: inspect, who: <who>, may: [inspect] }
)";
  for (const char *family : {"unix", "can", "vsock", "tipc", "rds", "bluetooth", "alg", "qipcrtr"})
    text += std::string("  - { name: options of ") + family + ", who: <who>, may: [option], lends: "
            "[CAP_NET_ADMIN, CAP_NET_RAW], family: " + family + ", type: <types>, protocol: any, "
            "interface: any, marks: any, options: <socket options> }\n";
  auto replace = [&text](const std::string &what, const std::string &by) {
    for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), by);
  };
  replace("<who>", "{ uid: " + std::to_string(uid) + " }");
  replace("<types>", "[stream, dgram, raw, seqpacket, rdm]");
  replace("<socket options>", NamedOptions(IsAnySockets));
  replace("<ip options>", NamedOptions(IsInternet));
  replace("<packet options>", NamedOptions(IsPacket));
  replace("<netlink options>", NamedOptions(IsNetlink));
  return text;
}

std::string Broker::Log() const {
  std::ifstream in(folder_ + "/log");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace sb_test
