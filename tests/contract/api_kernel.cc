// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api.h"

namespace contract {
namespace {

int Fcntl(int fd, int cmd, int argument) { return fcntl(fd, cmd, argument); }
int Ioctl(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }

constexpr SocketApi kKernel = {
    "kernel",      ::socket,     ::socketpair, ::close,   ::dup,        Fcntl,
    ::bind,        ::listen,     ::accept,     ::accept4, ::connect,    ::shutdown,
    ::getsockname, ::getpeername, ::send,      ::sendto,  ::sendmsg,    ::recv,
    ::recvfrom,    ::recvmsg,    ::sendmmsg,   ::recvmmsg, ::getsockopt, ::setsockopt,
    Ioctl,         ::poll,
};

}  // namespace

const SocketApi &KernelApi() { return kKernel; }

std::vector<const SocketApi *> AllApis() {
  std::vector<const SocketApi *> all = BrokeredApis();
  all.insert(all.begin(), &kKernel);
  for (const SocketApi *python : PythonApis())
    all.push_back(python);
  return all;
}

}  // namespace contract
