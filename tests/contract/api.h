// SPDX-License-Identifier: Apache-2.0
//
// The socket calls as a table, so that one set of tests runs over every way to
// reach a socket. The kernel's row is what the others are held against: a test
// that fails there is wrong.
#ifndef SB_CONTRACT_API_H
#define SB_CONTRACT_API_H

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <string>
#include <string_view>
#include <vector>

namespace contract {

struct SocketApi {
  const char *name;  // the end of a test's name: "kernel", "stream", "unary", "direct", "run"

  int (*socket)(int domain, int type, int protocol);
  int (*socketpair)(int domain, int type, int protocol, int *sv);
  int (*close)(int fd);
  int (*dup)(int fd);
  int (*fcntl)(int fd, int cmd, int argument);

  int (*bind)(int fd, const sockaddr *addr, socklen_t len);
  int (*listen)(int fd, int backlog);
  int (*accept)(int fd, sockaddr *addr, socklen_t *len);
  int (*accept4)(int fd, sockaddr *addr, socklen_t *len, int flags);
  int (*connect)(int fd, const sockaddr *addr, socklen_t len);
  int (*shutdown)(int fd, int how);
  int (*getsockname)(int fd, sockaddr *addr, socklen_t *len);
  int (*getpeername)(int fd, sockaddr *addr, socklen_t *len);

  ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
  ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags, const sockaddr *addr,
                    socklen_t addrlen);
  ssize_t (*sendmsg)(int fd, const msghdr *msg, int flags);
  ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
  ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags, sockaddr *addr,
                      socklen_t *addrlen);
  ssize_t (*recvmsg)(int fd, msghdr *msg, int flags);
  int (*sendmmsg)(int fd, mmsghdr *messages, unsigned n, int flags);
  int (*recvmmsg)(int fd, mmsghdr *messages, unsigned n, int flags, timespec *timeout);

  int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *len);
  int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t len);
  int (*ioctl)(int fd, unsigned long request, void *argument);
  int (*poll)(pollfd *fds, nfds_t n, int timeout_ms);

  bool brokered = false;  // it needs the daemon
  // Why a behaviour cannot be asked for in this way; null: it can. Null itself: all can.
  const char *(*left_out)(std::string_view suite, std::string_view test) = nullptr;
};

const SocketApi &KernelApi();
// The system calls as a row of another name.
SocketApi SystemCalls(const char *name);

// Those of this process: that it was built with, the kernel's first, or the one that it
// was started in (launched.h).
std::vector<const SocketApi *> AllApis();

// What there is besides the kernel; empty without the library.
std::vector<const SocketApi *> BrokeredApis();

// Those through Python's socket module and through ours; empty without Python.
std::vector<const SocketApi *> PythonApis();

// Around all tests. The daemon that the brokered ones need is started by the first
// socket, in the network namespace of its thread; `folder` is where tests make
// socket files.
void SetUpBroker(const char *folder);
void TearDownBroker();

// Where the daemon listens; starts it.
std::string BrokerAddress();
// The daemon's process, 0 as long as there is none; what it has written, and where.
int BrokerPid();
std::string BrokerLogPath();
std::string BrokerLog();

}  // namespace contract

#endif  // SB_CONTRACT_API_H
