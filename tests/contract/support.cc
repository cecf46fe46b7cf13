// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>

namespace contract {

long Result(ssize_t returned) { return returned < 0 ? -errno : static_cast<long>(returned); }

long Must(long result, const char *what) {
  if (result < 0)
    throw std::runtime_error(std::string(what) + ": " + strerror(static_cast<int>(-result)));
  return result;
}

std::string Pattern(size_t bytes) {
  std::string s(bytes, '\0');
  uint32_t x = 1;
  for (char &c : s) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char>(x >> 24);
  }
  return s;
}

// ---- Addr ----

Addr Addr::Inet(const char *ip, unsigned port) {
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, ip, &sin.sin_addr) != 1)
    throw std::invalid_argument(ip);
  return Of(sin);
}

Addr Addr::Inet6(const char *ip, unsigned port) {
  sockaddr_in6 sin6 = {};
  sin6.sin6_family = AF_INET6;
  sin6.sin6_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET6, ip, &sin6.sin6_addr) != 1)
    throw std::invalid_argument(ip);
  return Of(sin6);
}

Addr Addr::Path(std::string_view path) {
  sockaddr_un sun = {};
  sun.sun_family = AF_UNIX;
  memcpy(sun.sun_path, path.data(), std::min(path.size(), sizeof(sun.sun_path)));
  Addr a = Of(sun);
  // With its NUL, where there is room for it.
  a.len = static_cast<socklen_t>(std::min(offsetof(sockaddr_un, sun_path) + path.size() + 1,
                                          sizeof(sun)));
  return a;
}

Addr Addr::Abstract(std::string_view name) {
  sockaddr_un sun = {};
  sun.sun_family = AF_UNIX;
  memcpy(sun.sun_path + 1, name.data(), std::min(name.size(), sizeof(sun.sun_path) - 1));
  Addr a = Of(sun);
  a.len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return a;
}

Addr Addr::Family(int family) {
  sockaddr sa = {};
  sa.sa_family = static_cast<sa_family_t>(family);
  Addr a = Of(sa);
  if (family == AF_UNIX)
    a.len = sizeof(sa_family_t);
  return a;
}

unsigned Addr::port() const {
  if (family() == AF_INET6)
    return ntohs(as<sockaddr_in6>().sin6_port);
  return family() == AF_INET ? ntohs(as<sockaddr_in>().sin_port) : 0;
}

std::string Addr::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  const auto sin = as<sockaddr_in>();
  const auto sin6 = as<sockaddr_in6>();
  if (family() == AF_INET)
    inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text));
  if (family() == AF_INET6)
    inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text));
  return text;
}

std::string Addr::name() const {
  const auto *bytes = reinterpret_cast<const char *>(&ss_);
  const size_t skip = sizeof(sa_family_t);
  return len <= skip ? "" : std::string(bytes + skip, len - skip);
}

Addr Addr::WithPort(unsigned port) const {
  Addr a = *this;
  const uint16_t net = htons(static_cast<uint16_t>(port));
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  memcpy(reinterpret_cast<char *>(&a.ss_) + offsetof(sockaddr_in, sin_port), &net, sizeof(net));
  return a;
}

bool operator==(const Addr &x, const Addr &y) {
  return x.len == y.len && memcmp(x.get(), y.get(), x.len) == 0;
}

std::ostream &operator<<(std::ostream &out, const Addr &a) {
  if (a.family() == AF_INET || a.family() == AF_INET6)
    return out << a.ip() << " port " << a.port();
  return out << "family " << a.family() << " name " << testing::PrintToString(a.name());
}

// ---- Message, Received ----

Message &Message::To(const Addr &to) {
  to_ = to;
  return *this;
}

Message &Message::AddControl(int level, int type, const void *value, size_t size) {
  const size_t at = control_.size();
  control_.resize(at + CMSG_SPACE(size));
  cmsghdr header = {};
  header.cmsg_len = CMSG_LEN(size);
  header.cmsg_level = level;
  header.cmsg_type = type;
  memcpy(&control_[at], &header, sizeof(header));
  if (size > 0)
    memcpy(&control_[at + CMSG_LEN(0)], value, size);
  return *this;
}

Message &Message::Rights(const std::vector<int> &fds) {
  return AddControl(SOL_SOCKET, SCM_RIGHTS, fds.data(), fds.size() * sizeof(int));
}

msghdr Message::Header() {
  iov_.clear();
  for (std::string &piece : pieces_)
    iov_.push_back({piece.data(), piece.size()});
  msghdr h = {};
  h.msg_iov = iov_.data();
  h.msg_iovlen = iov_.size();
  if (to_) {
    h.msg_name = to_->get();
    h.msg_namelen = to_->len;
  }
  if (!control_.empty()) {
    h.msg_control = control_.data();
    h.msg_controllen = control_.size();
  }
  return h;
}

Received::Received(std::vector<size_t> sizes, size_t control) : control_(control) {
  for (size_t size : sizes)
    pieces_.emplace_back(size, '\0');
}

msghdr Received::Header() {
  iov_.clear();
  for (std::string &piece : pieces_)
    iov_.push_back({piece.data(), piece.size()});
  msghdr h = {};
  h.msg_iov = iov_.data();
  h.msg_iovlen = iov_.size();
  h.msg_name = from.get();
  h.msg_namelen = sizeof(sockaddr_storage);
  h.msg_control = control_.empty() ? nullptr : control_.data();
  h.msg_controllen = control_.size();
  return h;
}

void Received::Take(const msghdr &h, long n) {
  result = n;
  if (n < 0)
    return;
  flags = h.msg_flags;
  from.len = h.msg_namelen;
  control_bytes = h.msg_controllen;
  size_t left = static_cast<size_t>(n);
  for (const std::string &piece : pieces_) {
    data += piece.substr(0, left);
    left -= std::min(left, piece.size());
  }
}

std::optional<std::string> Received::Control(int level, int type) const {
  msghdr h = {};
  h.msg_control = const_cast<char *>(control_.data());
  h.msg_controllen = control_bytes;
  for (cmsghdr *c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) {
    if (c->cmsg_level == level && c->cmsg_type == type)
      return std::string(reinterpret_cast<const char *>(CMSG_DATA(c)), c->cmsg_len - CMSG_LEN(0));
  }
  return std::nullopt;
}

// ---- Sock ----

Sock::Sock(const SocketApi &api, int returned)
    : api_(&api), fd_(static_cast<int>(Result(returned))) {}

Sock &Sock::operator=(Sock &&other) noexcept {
  if (this != &other) {
    Close();
    api_ = other.api_;
    fd_ = std::exchange(other.fd_, -EBADF);
  }
  return *this;
}

long Sock::Close() {
  if (fd_ < 0)
    return -EBADF;
  return Result(api_->close(std::exchange(fd_, -EBADF)));
}

Sock Sock::Accept(Addr *from) const {
  if (from == nullptr)
    return Sock(*api_, api_->accept(fd_, nullptr, nullptr));
  from->len = sizeof(sockaddr_storage);
  return Sock(*api_, api_->accept(fd_, from->get(), &from->len));
}

Sock Sock::Accept4(int flags, Addr *from) const {
  if (from == nullptr)
    return Sock(*api_, api_->accept4(fd_, nullptr, nullptr, flags));
  from->len = sizeof(sockaddr_storage);
  return Sock(*api_, api_->accept4(fd_, from->get(), &from->len, flags));
}

Addr Sock::Name() const {
  Addr a;
  a.len = sizeof(sockaddr_storage);
  Must(Result(api_->getsockname(fd_, a.get(), &a.len)), "getsockname");
  return a;
}

Addr Sock::Peer() const {
  Addr a;
  a.len = sizeof(sockaddr_storage);
  Must(Result(api_->getpeername(fd_, a.get(), &a.len)), "getpeername");
  return a;
}

long Sock::PeerResult() const {
  Addr a;
  a.len = sizeof(sockaddr_storage);
  return Result(api_->getpeername(fd_, a.get(), &a.len));
}

long Sock::Send(std::string_view data, int flags) const {
  return Result(api_->send(fd_, data.data(), data.size(), flags));
}

long Sock::SendTo(std::string_view data, const Addr &to, int flags) const {
  return Result(api_->sendto(fd_, data.data(), data.size(), flags, to.get(), to.len));
}

long Sock::SendMessage(Message message, int flags) const {
  const msghdr h = message.Header();
  return Result(api_->sendmsg(fd_, &h, flags));
}

long Sock::Recv(size_t size, int flags) const {
  std::vector<char> buffer(size + 1);
  return Result(api_->recv(fd_, buffer.data(), size, flags));
}

std::string Sock::Read(size_t size, int flags) const { return ReadFrom(nullptr, size, flags); }

std::string Sock::ReadFrom(Addr *from, size_t size, int flags) const {
  std::string buffer(size, '\0');
  if (from != nullptr)
    from->len = sizeof(sockaddr_storage);
  const long n = Result(api_->recvfrom(fd_, buffer.data(), size, flags,
                                       from == nullptr ? nullptr : from->get(),
                                       from == nullptr ? nullptr : &from->len));
  if (n < 0)
    return std::string("<") + strerrorname_np(static_cast<int>(-n)) + ">";
  buffer.resize(std::min(size, static_cast<size_t>(n)));
  return buffer;
}

Received Sock::ReadMessage(int flags, Received room) const {
  msghdr h = room.Header();
  const long n = Result(api_->recvmsg(fd_, &h, flags));
  room.Take(h, n);
  return room;
}

std::string Sock::ReadAll(size_t size) const {
  std::string all;
  while (all.size() < size) {
    std::string buffer(std::min<size_t>(size - all.size(), 65536), '\0');
    const long n = Must(Result(api_->recv(fd_, buffer.data(), buffer.size(), 0)), "recv");
    if (n == 0)
      break;
    all.append(buffer, 0, static_cast<size_t>(n));
  }
  return all;
}

long Sock::GetResult(int level, int name) const {
  int value = 0;
  socklen_t len = sizeof(value);
  return GetRaw(level, name, &value, &len);
}

long Sock::SetTimeout(int option, int ms) const {
  const timeval tv = {ms / 1000, (ms % 1000) * 1000};
  return Set(SOL_SOCKET, option, tv);
}

long Sock::SetNonBlocking(bool on) const {
  const int flags = static_cast<int>(Must(Result(api_->fcntl(fd_, F_GETFL, 0)), "F_GETFL"));
  return Result(api_->fcntl(fd_, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

int Sock::IoctlInt(unsigned long request) const {
  int value = -1;
  Must(Ioctl(request, &value), "ioctl");
  return value;
}

short Sock::Wait(short events, int timeout_ms) const {
  pollfd p = {fd_, events, 0};
  Must(Result(api_->poll(&p, 1, timeout_ms)), "poll");
  return p.revents;
}

}  // namespace contract
