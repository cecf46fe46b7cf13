// SPDX-License-Identifier: Apache-2.0
#include "support/raw_desk.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace sb_test {

RawPacket::~RawPacket() {
  for (int fd : fds_) close(fd);
}

RawPacket::RawPacket(RawPacket &&from)
    : came_(from.came_), body_(std::move(from.body_)), fds_(std::move(from.fds_)) {
  from.fds_.clear();
}

int RawPacket::TakeFd() {
  const int fd = this->fd();
  if (fd >= 0) fds_.clear();
  return fd;
}

RawDesk::RawDesk(const std::string &broker_address) {
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  const std::string path = broker_address.substr(strlen("unix:")) + ".fd";
  if (path.size() >= sizeof(to.sun_path)) abort();
  path.copy(to.sun_path, path.size());
  fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<sockaddr *>(&to), sizeof(to)) == 0) return;
  close(fd_);
  fd_ = -1;
}

RawDesk::~RawDesk() {
  if (fd_ >= 0) close(fd_);
}

bool RawDesk::Send(const std::string &packet, const std::vector<int> &fds, const std::string &control) {
  const size_t rights = fds.empty() ? 0 : CMSG_SPACE(fds.size() * sizeof(int));
  std::vector<size_t> room((rights + control.size()) / sizeof(size_t) + 1);
  auto *bytes = reinterpret_cast<char *>(room.data());
  iovec iov = {const_cast<char *>(packet.data()), packet.size()};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = rights + control.size() ? bytes : nullptr;
  m.msg_controllen = rights + control.size();
  if (rights) {
    cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  }
  control.copy(bytes + rights, control.size());
  return sendmsg(fd_, &m, MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
}

RawPacket RawDesk::Receive(int timeout_ms) {
  RawPacket r;
  pollfd p = {fd_, POLLIN, 0};
  alignas(cmsghdr) char control[4096];
  char packet[256];
  iovec iov = {packet, sizeof(packet)};
  msghdr m = {};
  m.msg_iov = &iov;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  if (poll(&p, 1, timeout_ms) != 1) return r;
  const ssize_t n = recvmsg(fd_, &m, MSG_CMSG_CLOEXEC);
  if (n <= 0) return r;
  r.came_ = true;
  r.body_.assign(packet, static_cast<size_t>(n));
  for (cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    r.fds_.resize((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(r.fds_.data(), CMSG_DATA(c), r.fds_.size() * sizeof(int));
  }
  return r;
}

RawPacket RawDesk::Take(const std::string &ticket) {
  RawPacket r = Do(Pb().B(1, ticket));
  if (r.error() == 0 && Receive().error() != 0) return RawPacket();
  return r;
}

RawPacket RawDesk::Do(const std::string &packet, const std::vector<int> &fds) {
  return Send(packet, fds) ? Receive() : RawPacket();
}

}  // namespace sb_test
