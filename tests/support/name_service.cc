// SPDX-License-Identifier: Apache-2.0
#include "support/name_service.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace sb_test {
namespace {

NameService *the_service;

// Over a file of /etc, for us and ours only.
bool Cover(const char *path, const std::string &text) {
  char file[] = "/tmp/sockbroker-names.XXXXXX";
  int fd = mkstemp(file);
  if (fd < 0) return false;
  bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
            fchmod(fd, 0644) == 0 && mount(file, path, nullptr, MS_BIND, nullptr) == 0;
  close(fd);
  unlink(file);
  return ok;
}

bool RaiseLoopback() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq lo = {};
  strcpy(lo.ifr_name, "lo");
  lo.ifr_flags = IFF_UP;
  bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
  close(fd);
  return ok;
}

// A daemon of the host's that answers instead of these files.
void HideCaches() {
  for (const char *folder : {"/run/nscd", "/run/systemd/resolve"})
    if (access(folder, F_OK) == 0) mount("none", folder, "tmpfs", 0, nullptr);
}

bool MakeHost() {
  if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS)) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return false;
  HideCaches();
  return RaiseLoopback() && sethostname("files.test", 10) == 0 &&
         Cover("/etc/nsswitch.conf", "hosts: files dns\nservices: files\nprotocols: files\n") &&
         Cover("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n") &&
         Cover("/etc/hosts",
               "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
               "192.0.2.10 files.test alias.test files\n2001:db8::10 files.test alias.test\n");
}

std::string Lower(std::string name) {
  for (char &c : name) c = static_cast<char>(tolower(c));
  return name;
}

// "a.b" as the DNS has it.
std::string Labels(const std::string &name) {
  std::string out;
  for (size_t at = 0; at <= name.size();) {
    size_t dot = std::min(name.find('.', at), name.size());
    out += static_cast<char>(dot - at);
    out += name.substr(at, dot - at);
    at = dot + 1;
  }
  return out + '\0';
}

std::string Number(unsigned value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes));
  return out;
}

std::string ReverseName(const std::string &address) {
  unsigned char b[16];
  char text[80] = "";
  if (inet_pton(AF_INET, address.c_str(), b) == 1) {
    snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
    return text;
  }
  std::string out;
  inet_pton(AF_INET6, address.c_str(), b);
  for (int i = 15; i >= 0; i--) {
    snprintf(text, sizeof(text), "%x.%x.", b[i] & 15, b[i] >> 4);
    out += text;
  }
  return out + "ip6.arpa";
}

// The question's name and type; false: it is none.
bool Question(const std::string &packet, std::string *name, unsigned *type, size_t *end) {
  size_t at = 12;
  while (at < packet.size() && packet[at]) {
    size_t n = static_cast<unsigned char>(packet[at]);
    if (n > 63 || at + n + 1 > packet.size()) return false;
    *name += (name->empty() ? "" : ".") + packet.substr(at + 1, n);
    at += n + 1;
  }
  if (at + 5 > packet.size()) return false;
  *type = static_cast<unsigned char>(packet[at + 1]) << 8 | static_cast<unsigned char>(packet[at + 2]);
  *end = at + 5;
  return true;
}

}  // namespace

NameService *NameService::Enter() {
  if (MakeHost()) the_service = new NameService;
  return the_service;
}

NameService *NameService::Get() { return the_service; }

NameService::NameService() {
  sockaddr_in here = {};
  here.sin_family = AF_INET;
  here.sin_port = htons(53);
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(fd_, reinterpret_cast<sockaddr *>(&here), sizeof(here)) || pipe2(stop_, O_CLOEXEC))
    perror("name service");
  thread_ = std::thread(&NameService::Run, this);
}

NameService::~NameService() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(fd_);
}

void NameService::Add(const std::string &name, const std::string &address) {
  unsigned char bytes[16];
  bool v4 = inet_pton(AF_INET, address.c_str(), bytes) == 1;
  if (!v4) inet_pton(AF_INET6, address.c_str(), bytes);
  std::lock_guard<std::mutex> hold(lock_);
  records_[name][v4 ? ns_t_a : ns_t_aaaa].emplace_back(reinterpret_cast<char *>(bytes), v4 ? 4 : 16);
  records_[ReverseName(address)][ns_t_ptr].push_back(Labels(name));
}

void NameService::AddAlias(const std::string &name, const std::string &canonical) {
  std::lock_guard<std::mutex> hold(lock_);
  records_[name][ns_t_cname] = {canonical};
}

void NameService::AddEmpty(const std::string &name) {
  std::lock_guard<std::mutex> hold(lock_);
  records_[name];
}

void NameService::AddBroken(const std::string &name) {
  std::lock_guard<std::mutex> hold(lock_);
  broken_.insert(name);
}

void NameService::Hang(const std::string &domain) {
  std::lock_guard<std::mutex> hold(lock_);
  hanging_.insert("." + domain);
}

void NameService::Release() {
  std::vector<Query> held;
  {
    std::lock_guard<std::mutex> hold(lock_);
    hanging_.clear();
    asked_.clear();
    held.swap(held_);
  }
  for (const Query &query : held) Handle(query);
}

bool NameService::AwaitHanging(size_t names) {
  std::unique_lock<std::mutex> hold(lock_);
  return changed_.wait_for(hold, std::chrono::seconds(20), [&] { return asked_.size() >= names; });
}

void NameService::Run() {
  char packet[2048];
  for (;;) {
    pollfd p[] = {{stop_[0], POLLIN, 0}, {fd_, POLLIN, 0}};
    if (poll(p, 2, -1) < 0 || p[0].revents) return;
    Query query = {};
    socklen_t len = sizeof(query.from);
    ssize_t n = recvfrom(fd_, packet, sizeof(packet), 0, reinterpret_cast<sockaddr *>(&query.from), &len);
    if (n < 12) continue;
    query.packet.assign(packet, static_cast<size_t>(n));
    Handle(query);
  }
}

void NameService::Handle(const Query &query) {
  std::string name;
  unsigned type = 0;
  size_t end = 0;
  if (!Question(query.packet, &name, &type, &end)) return;
  name = Lower(name);

  std::unique_lock<std::mutex> hold(lock_);
  for (const std::string &domain : hanging_)
    if (name.size() > domain.size() && name.substr(name.size() - domain.size()) == domain) {
      asked_.insert(name);
      held_.push_back(query);
      changed_.notify_all();
      return;
    }
  std::string answer = Answer(query.packet.substr(0, end), name, type);
  hold.unlock();
  sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr *>(&query.from),
         sizeof(query.from));
}

// `packet`: the header and the question.
std::string NameService::Answer(const std::string &packet, const std::string &name, unsigned type) {
  enum { kNoError = 0x8180, kServerFailure = 0x8182, kNoSuchName = 0x8183, kSeconds = 1 };
  std::string records, owner = name;
  unsigned n = 0, code = records_.count(name) ? kNoError : kNoSuchName;
  auto add = [&](unsigned of, const std::string &data) {
    records += Labels(owner) + Number(of, 2) + Number(ns_c_in, 2) + Number(kSeconds, 4) +
               Number(static_cast<unsigned>(data.size()), 2) + data;
    n++;
  };
  if (broken_.count(name)) code = kServerFailure;
  if (code == kNoError && records_[name].count(ns_t_cname)) {
    std::string canonical = records_[name][ns_t_cname][0];
    add(ns_t_cname, Labels(canonical));
    owner = canonical;
  }
  if (code == kNoError && records_.count(owner))
    for (const std::string &data : records_[owner][type]) add(type, data);
  return packet.substr(0, 2) + Number(code, 2) + Number(1, 2) + Number(n, 2) + Number(0, 4) +
         packet.substr(12) + records;
}

}  // namespace sb_test

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!testing::GTEST_FLAG(list_tests)) sb_test::NameService::Enter();
  int result = RUN_ALL_TESTS();
  delete sb_test::NameService::Get();
  return result;
}
