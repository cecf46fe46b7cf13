// SPDX-License-Identifier: Apache-2.0
//
// A request is one message on a SOCK_SEQPACKET: a head, the arguments' bytes one after
// another, and their descriptors by SCM_RIGHTS. The reply is the result, and the
// descriptor if the call made one. One at a time, whichever thread asks.
#include "root.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "launched.h"
#include "support.h"

namespace contract {
namespace {

constexpr long kShell = -1;  // instead of a call's number: the argument is a command

struct Head {
  long number;
  std::array<RootArgument, 6> arguments = {0, 0, 0, 0, 0, 0};
};

Head HeadOf(long number, const std::vector<RootArgument> &arguments) {
  Head head = {number};
  std::copy(arguments.begin(), arguments.end(), head.arguments.begin());
  return head;
}

long DoHere(const Head &head) {
  const auto &a = head.arguments;
  if (head.number == kShell)
    return system(reinterpret_cast<const char *>(a[0].number));
  return Result(syscall(head.number, a[0].number, a[1].number, a[2].number, a[3].number,
                        a[4].number, a[5].number));
}

// ---- who asks ----

// A message to a descriptor of the plain kernel's.
long SendTo(int fd, Message message) {
  const msghdr header = message.Header();
  return Must(Result(sendmsg(fd, &header, MSG_NOSIGNAL)), "root: sendmsg");
}

Received ReceiveFrom(int fd) {
  Received message({1 << 17});
  msghdr header = message.Header();
  const long n = Must(Result(recvmsg(fd, &header, MSG_CMSG_CLOEXEC)), "root: recvmsg");
  message.Take(header, n);
  return message;
}

long Ask(const Head &head) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  std::vector<std::string> pieces = {BytesOf(head)};
  std::vector<int> fds;
  for (const RootArgument &a : head.arguments) {
    if (a.kind == RootArgument::kBytes)
      pieces.emplace_back(reinterpret_cast<const char *>(a.number), a.size);
    if (a.kind == RootArgument::kDescriptor)
      fds.push_back(static_cast<int>(a.number));
  }
  Message request(std::move(pieces));
  if (!fds.empty())
    request.Rights(fds);
  SendTo(Launched().root, std::move(request));
  const Received answer = ReceiveFrom(Launched().root);
  Must(answer.result == 0 ? -EPIPE : 0, "root's answer");
  const auto made = answer.Control<int>(SOL_SOCKET, SCM_RIGHTS);
  return made ? *made : ValueOf<long>(answer.data);
}

// ---- who answers ----

bool MakesADescriptor(long number) { return number == SYS_socket || number == SYS_openat; }

void Answer(int socket, const Received &request) {
  Head head = ValueOf<Head>(request.data);
  std::string bytes = request.data.substr(sizeof(head));
  const std::string rights = request.Control(SOL_SOCKET, SCM_RIGHTS).value_or("");
  std::vector<int> fds;
  for (size_t i = 0; i < rights.size(); i += sizeof(int))
    fds.push_back(ValueOf<int>(std::string_view(rights).substr(i)));
  size_t at = 0, next = 0;
  for (RootArgument &a : head.arguments) {
    if (a.kind == RootArgument::kDescriptor)
      a.number = fds.at(next++);
    if (a.kind == RootArgument::kBytes) {
      a.number = reinterpret_cast<long>(&bytes[at]);
      at += a.size;
    }
  }
  const long result = DoHere(head);
  Message answer({BytesOf(result)});
  if (result >= 0 && MakesADescriptor(head.number)) {
    fds.push_back(static_cast<int>(result));
    answer.Rights({fds.back()});
  }
  SendTo(socket, std::move(answer));
  for (int fd : fds)
    close(fd);
}

// ---- the calls ----

RootArgument Fd(int fd) { return RootArgument::Descriptor(fd); }

int Returned(long result) {
  if (result >= 0)
    return static_cast<int>(result);
  errno = static_cast<int>(-result);
  return -1;
}

// AF_UNIX is the program's own in all ways: the files that it makes, too.
int Socket(int domain, int type, int protocol) {
  if (domain == AF_UNIX)
    return socket(domain, type, protocol);
  return Returned(RootCall(SYS_socket, {domain, type, protocol}));
}
bool IsUnix(int fd) {
  int domain = 0;
  socklen_t len = sizeof(domain);
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}
int Bind(int fd, const sockaddr *addr, socklen_t len) {
  if (IsUnix(fd))
    return bind(fd, addr, len);
  return Returned(RootCall(SYS_bind, {Fd(fd), {addr, len}, len}));
}
int Listen(int fd, int backlog) {
  return Returned(RootCall(SYS_listen, {Fd(fd), backlog}));
}
int Connect(int fd, const sockaddr *addr, socklen_t len) {
  if (IsUnix(fd))
    return connect(fd, addr, len);
  return Returned(RootCall(SYS_connect, {Fd(fd), {addr, len}, len}));
}
ssize_t Sendto(int fd, const void *buf, size_t len, int flags, const sockaddr *addr,
               socklen_t addrlen) {
  return Returned(RootCall(SYS_sendto, {Fd(fd), {buf, len}, len, flags, {addr, addrlen}, addrlen}));
}
int Setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  return Returned(RootCall(SYS_setsockopt, {Fd(fd), level, name, {value, len}, len}));
}

SocketApi MakeRootApi() {
  SocketApi api = SystemCalls("kernel");
  api.socket = Socket;
  api.bind = Bind;
  api.listen = Listen;
  api.connect = Connect;
  api.sendto = Sendto;
  api.setsockopt = Setsockopt;
  return api;
}

}  // namespace

RootArgument RootArgument::Descriptor(int fd) {
  RootArgument a(fd);
  a.kind = kDescriptor;
  return a;
}

long RootCall(long number, const std::vector<RootArgument> &arguments) {
  const Head head = HeadOf(number, arguments);
  return Launched().way == nullptr ? DoHere(head) : Ask(head);
}

int RootCommand(const std::string &command) {
  return static_cast<int>(RootCall(kShell, {{command.c_str(), command.size() + 1}}));
}

int RootOpen(const std::string &path, int flags) {
  return Returned(RootCall(SYS_openat,
                           {AT_FDCWD, {path.c_str(), path.size() + 1}, flags | O_CLOEXEC, 0}));
}

const SocketApi &RootApi() {
  static const SocketApi api = MakeRootApi();
  return api;
}

void ServeRoot(int socket) {
  for (;;) {
    const Received request = ReceiveFrom(socket);
    if (request.result == 0)
      return;
    Answer(socket, request);
  }
}

}  // namespace contract
