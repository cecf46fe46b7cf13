// SPDX-License-Identifier: Apache-2.0
//
// calls.h - the socket calls as a table, so that one test runs as the kernel's
// and as the broker's.
#ifndef SB_TESTS_VM_CALLS_H
#define SB_TESTS_VM_CALLS_H

#include <poll.h>
#include <sys/socket.h>

#include <vector>

struct Calls {
  const char *name;
  int (*socket)(int, int, int);
  int (*close)(int);
  int (*bind)(int, const sockaddr *, socklen_t);
  int (*getsockname)(int, sockaddr *, socklen_t *);
  ssize_t (*send)(int, const void *, size_t, int);
  ssize_t (*sendto)(int, const void *, size_t, int, const sockaddr *, socklen_t);
  ssize_t (*recv)(int, void *, size_t, int);
  ssize_t (*recvfrom)(int, void *, size_t, int, sockaddr *, socklen_t *);
  ssize_t (*recvmsg)(int, msghdr *, int);
  int (*getsockopt)(int, int, int, void *, socklen_t *);
  int (*setsockopt)(int, int, int, const void *, socklen_t);
  int (*ioctl)(int, unsigned long, ...);
  int (*poll)(pollfd *, nfds_t, int);
  const char *(*error)();
};

// The kernel's, and the broker's.
std::vector<Calls> AllCalls();

#endif
