// SPDX-License-Identifier: Apache-2.0
//
// A child looks for a way around the filter, or into the launcher.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "hostile_child.h"

namespace {

bool IsAll(const Child::Arguments &arguments) { return !arguments.empty(); }

const Child rings("rings", [](const Child::Arguments &) {
  char params[256] = {};
  Expect(Result(syscall(SYS_io_uring_setup, 8, params)) == -EPERM, "io_uring_setup");
  Expect(Result(syscall(SYS_io_uring_enter, 0, 0, 0, 0, nullptr, 0)) == -EPERM, "io_uring_enter");
  Expect(Result(syscall(SYS_io_uring_register, 0, 0, nullptr, 0)) == -EPERM, "io_uring_register");
});

// socket(2) in other words. Some kernels have no calls of 32 bits: a fault, then.
const Child architectures("architectures", [](const Child::Arguments &) {
  constexpr long kX32 = 0x40000000, kSocket32 = 359, kSocketcall32 = 102;
  Expect(Result(syscall(kX32 | SYS_socket, AF_INET, SOCK_DGRAM, 0)) == -ENOSYS, "x32's socket");
  Expect(Result(syscall(kX32 | SYS_getpid)) == -ENOSYS, "x32's getpid");
  const auto call32 = [](long number, long first, long second) {
    return InAProcess([=] {
      long result = number;
      asm volatile("int $0x80" : "+a"(result) : "b"(first), "c"(second), "d"(0l) : "memory", "r8",
                   "r9", "r10", "r11");
      return static_cast<int>(-static_cast<int>(result));
    });
  };
  const auto is_refused = [](int status) { return status == ENOSYS || status == -SIGSEGV; };
  Expect(is_refused(call32(kSocket32, AF_INET, SOCK_DGRAM)), "socket of 32 bits");
  Expect(is_refused(call32(kSocketcall32, 1, 0)), "socketcall of 32 bits");
  Expect(is_refused(call32(20, 0, 0)), "getpid of 32 bits");
});

// A filter of its own that does so with socket(2).
long Install(unsigned flags, unsigned action) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {4, code};
  return Result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

const Child filters("filters", [](const Child::Arguments &arguments) {
  Expect(Install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_ALLOW) == -EBUSY,
         "there is a second listener");
  Expect(Install(0, SECCOMP_RET_ALLOW) == 0, "a filter that allows all");
  ExpectTheFilter(IsAll(arguments));
  // A tracer is asked behind us, if at all.
  Expect(Install(0, SECCOMP_RET_TRACE) == 0, "a filter that asks a tracer");
  Expect(Result(socket(AF_PACKET, SOCK_RAW, 0)) == -EACCES, "there is another answer");
  Expect(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0, "there is no raw socket");
});

// The tracer makes another call of each that the traced one begins.
const Child tracers("tracers", [](const Child::Arguments &) {
  const sockaddr_in low = Loopback(kDeniedLow);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const pid_t traced = fork();
  if (traced == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    _exit(static_cast<int>(-Result(syscall(SYS_getpid))));
  }
  int status = 0;
  waitpid(traced, &status, 0);
  ptrace(PTRACE_SETOPTIONS, traced, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  ptrace(PTRACE_SYSCALL, traced, nullptr, nullptr);
  bool entering = true, changed = false;
  while (waitpid(traced, &status, 0) == traced && !WIFEXITED(status)) {
    user_regs_struct regs = {};
    ptrace(PTRACE_GETREGS, traced, nullptr, &regs);
    if (entering && regs.orig_rax == SYS_getpid) {
      regs.orig_rax = SYS_bind;
      regs.rdi = static_cast<unsigned long long>(fd);
      regs.rsi = reinterpret_cast<unsigned long long>(&low);
      regs.rdx = sizeof(low);
      changed = Expect(ptrace(PTRACE_SETREGS, traced, nullptr, &regs) == 0, "PTRACE_SETREGS");
    }
    entering = !entering;
    if (ptrace(PTRACE_SYSCALL, traced, nullptr, nullptr) < 0)
      break;
  }
  Expect(changed && WIFEXITED(status), "it was not traced");
  Expect(WEXITSTATUS(status) == EACCES, "bind of a traced process: " + std::to_string(WEXITSTATUS(status)));
  Expect(PortOf(fd) == 0, "bound to the denied port");
});

// It has the same user; the launcher has the listener and the session at the broker.
const Child intruders("intruders", [](const Child::Arguments &arguments) {
  const pid_t launcher = getppid();
  const std::string proc = "/proc/" + std::to_string(launcher);
  char byte = 0;
  const iovec here = {&byte, 1}, there = {&byte, 1};
  Expect(Result(ptrace(PTRACE_ATTACH, launcher, nullptr, nullptr)) == -EPERM, "ptrace");
  Expect(Result(process_vm_readv(launcher, &here, 1, &there, 1, 0)) == -EPERM, "process_vm_readv");
  Expect(Result(open((proc + "/mem").c_str(), O_RDWR)) == -EACCES, "mem");
  Expect(Result(open((proc + "/fd").c_str(), O_RDONLY)) == -EACCES, "fd");
  Expect(Result(open((proc + "/environ").c_str(), O_RDONLY)) == -EACCES, "environ");
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, launcher, 0));
  if (Expect(pidfd >= 0, "pidfd_open")) {
    for (int fd = 0; fd < 64; fd++)
      Expect(Result(syscall(SYS_pidfd_getfd, pidfd, fd, 0)) == -EPERM, "pidfd_getfd");
  }
  ExpectTheFilter(IsAll(arguments));
});

const Child heirs("heirs", [](const Child::Arguments &) {
  // Of the launcher's nothing is left open in it but what it was given.
  const int channel = atoi(getenv("SB_CHILD_CHANNEL"));
  for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
    Expect(fd == channel || fcntl(fd, F_GETFD) < 0, "descriptor " + std::to_string(fd) + " is open");
});

// Root of a user namespace of its own has all capabilities there, and none here.
const Child roots("roots", [](const Child::Arguments &arguments) {
  const bool all = IsAll(arguments);
  Expect(InAProcess([all] {
           if (Result(unshare(CLONE_NEWUSER)) < 0)
             return 2;
           const int fd = socket(AF_INET, SOCK_DGRAM, 0), denied = kDeniedMark;
           Expect(Result(setsockopt(fd, SOL_SOCKET, SO_MARK, &denied, sizeof(denied))) == -EPERM,
                  "SO_MARK of a user namespace");
           ExpectTheFilter(all);
           return 0;
         }) == 0,
         "a user namespace");
  const int before = socket(AF_INET, SOCK_STREAM, 0);
  const int status = InAProcess([all, before] {
    if (Result(unshare(CLONE_NEWUSER | CLONE_NEWNET)) < 0)
      return 2;
    // The socket is of the network outside, and so is what policy says of it.
    const sockaddr_in low = Loopback(kDeniedLow);
    Expect(Result(bind(before, reinterpret_cast<const sockaddr *>(&low), sizeof(low))) == -EACCES,
           "bind of a socket of the network outside");
    if (!all) // and one of its own network is its own
      Expect(socket(AF_PACKET, SOCK_RAW, 0) >= 0, "a packet socket of its own network");
    return 0;
  });
  Expect(status == 0, "a network namespace");
  Expect(PortOf(before) == 0, "bound to the denied port");
});

// A broker's descriptor socket is open to the user. What is asked there, and what it gives.
const Child forgers("forgers", [](const Child::Arguments &) {
  sockaddr_un at = {};
  at.sun_family = AF_UNIX;
  const std::string path = std::string(getenv("SOCKBROKER_ADDRESS")).substr(strlen("unix:")) + ".fd";
  path.copy(at.sun_path, sizeof(at.sun_path) - 1);
  for (int i = 0; i < 300; i++) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (!Expect(connect(fd, reinterpret_cast<const sockaddr *>(&at), sizeof(at)) == 0, strerror(errno)))
      return;
    std::string ticket(32, static_cast<char>('a' + i % 26));
    const std::string take = "\x0a" + std::string(1, static_cast<char>(ticket.size())) + ticket;
    char reply[256], control[CMSG_SPACE(16 * sizeof(int))];
    iovec iov = {reply, sizeof(reply)};
    msghdr message = {};
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    Expect(send(fd, take.data(), take.size(), 0) == static_cast<ssize_t>(take.size()), "send");
    const ssize_t n = recvmsg(fd, &message, 0);
    Expect(n > 0 && message.msg_controllen == 0, "a made-up ticket has an answer with a descriptor");
    close(fd);
  }
});

TEST_F(HostileChild, IoUringIsRefused) {
  EXPECT_EQ("", Run("run", "rings"));
  EXPECT_EQ("", Run("run --all", "rings"));
}

TEST_F(HostileChild, OtherArchitecturesHaveNoCalls) {
  EXPECT_EQ("", Run("run", "architectures"));
  EXPECT_EQ("", Run("run --all", "architectures"));
}

TEST_F(HostileChild, FiltersOfItsOwnOpenNothing) {
  EXPECT_EQ("", Run("run", "filters"));
  EXPECT_EQ("", Run("run --all", "filters", {"all"}));
}

TEST_F(HostileChild, ATracerGetsNothingThatTheTracedMayNot) {
  EXPECT_EQ("", Run("run", "tracers"));
  EXPECT_EQ("", Run("run --all", "tracers"));
}

TEST_F(HostileChild, TheLauncherIsClosedToIt) {
  EXPECT_EQ("", Run("run", "intruders"));
  EXPECT_EQ("", Run("run --all", "intruders", {"all"}));
}

TEST_F(HostileChild, InheritsNothingOfTheLaunchers) {
  EXPECT_EQ("", Run("run", "heirs"));
  EXPECT_EQ("", Run("run --all", "heirs"));
}

TEST_F(HostileChild, NamespacesOfItsOwnGiveNothingHere) {
  EXPECT_EQ("", Run("run", "roots"));
  EXPECT_EQ("", Run("run --all", "roots", {"all"}));
}

TEST_F(HostileChild, MadeUpTicketsAreWorthNothing) {
  EXPECT_EQ("", Run("run", "forgers"));
}

}  // namespace
