// SPDX-License-Identifier: Apache-2.0
//
// What tests do as root although the calls under test are nobody's. In a process
// under a launcher (launched.h) it is done by the one that started it, which is
// root and has no filter; in others right here.
#ifndef SB_CONTRACT_ROOT_H
#define SB_CONTRACT_ROOT_H

#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "api.h"

namespace contract {

// An argument of a system call: a number, a descriptor of this process, or bytes
// that the call reads.
struct RootArgument {
  enum Kind { kNumber, kDescriptor, kBytes };

  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  RootArgument(T n) : number(static_cast<long>(n)) {}
  RootArgument(const void *bytes, size_t length)
      : kind(kBytes), number(reinterpret_cast<long>(bytes)), size(length) {}
  static RootArgument Descriptor(int fd);

  Kind kind = kNumber;
  long number = 0;
  size_t size = 0;
};

// A system call as root; as syscall(2). A descriptor that it makes is this process's.
long RootCall(long number, const std::vector<RootArgument> &arguments);
// A shell command as root; as system(3).
int RootCommand(const std::string &command);
// As open(2), as root; the descriptor closes on exec.
int RootOpen(const std::string &path, int flags);

// The kernel's calls, where those that a launcher may have a part in are root's.
const SocketApi &RootApi();

// The other side: does what comes through the socket, until its end.
void ServeRoot(int socket);

}  // namespace contract

#endif  // SB_CONTRACT_ROOT_H
