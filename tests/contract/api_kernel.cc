// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api.h"
#include "launched.h"
#include "root.h"

namespace contract {
namespace {

int Fcntl(int fd, int cmd, int argument) { return fcntl(fd, cmd, argument); }
int Ioctl(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }

}  // namespace

SocketApi SystemCalls(const char *name) {
  return {
      name,          ::socket,      ::socketpair, ::close,   ::dup,         Fcntl,
      ::bind,        ::listen,      ::accept,     ::accept4, ::connect,     ::shutdown,
      ::getsockname, ::getpeername, ::send,       ::sendto,  ::sendmsg,     ::recv,
      ::recvfrom,    ::recvmsg,     ::sendmmsg,   ::recvmmsg, ::getsockopt, ::setsockopt,
      Ioctl,         ::poll,
  };
}

const SocketApi &KernelApi() {
  static const SocketApi here = SystemCalls("kernel");
  return Launched().way == nullptr ? here : RootApi();
}

std::vector<const SocketApi *> AllApis() {
  if (Launched().way != nullptr)
    return {Launched().way};
  std::vector<const SocketApi *> all = BrokeredApis();
  all.insert(all.begin(), &KernelApi());
  for (const SocketApi *python : PythonApis())
    all.push_back(python);
  return all;
}

}  // namespace contract
