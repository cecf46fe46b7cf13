// SPDX-License-Identifier: Apache-2.0
//
// A child ends its launcher or itself in the middle of a call, asks for more than
// anybody can answer, and changes its descriptors all the while. Nothing is left open, and
// nobody else is held up.
#include <fcntl.h>
#include <sched.h>
#include <sockbroker.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "hostile_child.h"

namespace {

bool IsAll(const Child::Arguments &arguments) { return !arguments.empty(); }

size_t OpenHere() {
  size_t n = 0;
  for (int fd = 0; fd < 4096; fd++)
    n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

// Shared with the processes that are made from now on.
std::atomic<long> &SharedCounter() {
  void *page = mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return *new (page) std::atomic<long>(0);
}

// ---- the calls that the launcher has a part in ----

const sockaddr *At(const sockaddr_in &at) { return reinterpret_cast<const sockaddr *>(&at); }

void CallSocket() { close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
void CallDenied() { socket(AF_PACKET, SOCK_RAW, 0); }
void CallBind() {
  const sockaddr_in low = Loopback(kLow);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  bind(fd, At(low), sizeof(low));
  close(fd);
}
void CallSetsockopt() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_MARK, &kMark, sizeof(kMark));
  close(fd);
}
// To where nobody accepts: it waits.
void CallConnect() {
  const sockaddr_in to = Loopback(kPort);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  connect(fd, At(to), sizeof(to));
  close(fd);
}
void CallSendto() {
  const sockaddr_in to = Loopback(kPort);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sendto(fd, "x", 1, 0, At(to), sizeof(to));
  close(fd);
}
void CallListen() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  listen(fd, 1);
  close(fd);
}

constexpr void (*kCalls[])() = {CallSocket,  CallDenied, CallBind,  CallSetsockopt,
                                CallConnect, CallSendto, CallListen};

const Child deaths("deaths", [](const Child::Arguments &) {
  constexpr int kDeaths = 25;
  std::atomic<long> &begun = SharedCounter();
  CallSocket();  // what the launcher opens once
  LetTheTestLook();
  for (const auto call : kCalls) {
    for (int i = 0; i < kDeaths; i++) {
      const long before = begun;
      const pid_t pid = fork();
      while (pid == 0) {
        begun++;
        call();
      }
      while (begun == before)
        sched_yield();
      // Each at another point, from the call's beginning to its end.
      for (volatile int spin = 0; spin < i * 5000; spin = spin + 1) {
      }
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
  LetTheTestLook();
});

const Child killers("killers", [](const Child::Arguments &arguments) {
  const bool all = IsAll(arguments);
  const pid_t launcher = getppid();
  const sockaddr_in to = Loopback(kPort), low = Loopback(kLow);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  std::atomic<long> waited{0};
  std::thread waits([&] {
    const int connecting = socket(AF_INET, SOCK_STREAM, 0);
    waited = Result(connect(connecting, At(to), sizeof(to)));
    close(connecting);
  });
  if (!all) {  // the connection is the kernel's own
    Expect(shutdown(fd, SHUT_RDWR) < 0, "it is not connected");
  }
  kill(launcher, SIGKILL);
  while (getppid() == launcher)
    sched_yield();
  Expect(Result(bind(fd, At(low), sizeof(low))) == -ENOSYS, "bind without a launcher");
  Expect(Result(socket(AF_PACKET, SOCK_RAW, 0)) == -ENOSYS, "socket without a launcher");
  if (all) {
    Expect(Result(socket(AF_INET, SOCK_STREAM, 0)) == -ENOSYS, "socket of --all");
    Expect(Result(connect(fd, At(to), sizeof(to))) == -ENOSYS, "connect of --all");
    waits.join();
    Expect(waited == -ENOSYS, "connect that waited: " + std::to_string(waited));
  } else {
    waits.detach();
  }
  LetTheTestLook();
  _exit(0);
});

const Child floods("floods", [](const Child::Arguments &) {
  constexpr int kProcesses = 4, kThreads = 8;
  std::atomic<long> &calls = SharedCounter(), &stop = SharedCounter();
  std::vector<pid_t> pids;
  for (int p = 0; p < kProcesses; p++) {
    pids.push_back(fork());
    if (pids.back() == 0) {
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; t++) {
        threads.emplace_back([&calls, &stop] {
          for (; !stop; calls++)
            CallDenied();
        });
      }
      for (std::thread &thread : threads)
        thread.join();
      _exit(0);
    }
  }
  while (calls < kProcesses * kThreads)
    sched_yield();
  const long before = calls;
  LetTheTestLook();  // others do a hundred calls each
  const long meanwhile = calls - before;
  stop = 1;
  for (const pid_t pid : pids)
    waitpid(pid, nullptr, 0);
  Expect(meanwhile >= 100, "no flood: " + std::to_string(meanwhile));
  Expect(meanwhile <= 100 * 100, "the others were held up: " + std::to_string(meanwhile));
});

const Child peaceful("peaceful", [](const Child::Arguments &) {
  for (int i = 0; i < 100; i++) {
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    Expect(fd >= 0, strerror(errno));
    close(fd);
  }
});

const Child client("client", [](const Child::Arguments &) {
  for (int i = 0; i < 100; i++) {
    const int fd = sb_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    Expect(fd >= 0, sb_error_message());
    sb_close(fd);
  }
});

const Child interrupted("interrupted", [](const Child::Arguments &) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often = {{0, 500}, {0, 500}}, never = {};
  const size_t before = OpenHere();
  size_t made = 0;
  setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 500; i++) {
    const long r = Result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    made += r >= 0;
    Expect(r >= 0 || r == -EINTR, strerror(static_cast<int>(-r)));
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  Expect(made > 0, "none was made");
  Expect(OpenHere() == before + made, "descriptors that nobody was told of");
});

const Child closers("closers", [](const Child::Arguments &arguments) {
  const int channel = atoi(getenv("SB_CHILD_CHANNEL"));
  signal(SIGPIPE, SIG_IGN);  // a number that was a datagram socket's may be a stream's by now
  CallSocket();
  LetTheTestLook();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&stop, channel] {
    while (!stop) {
      syscall(SYS_close_range, channel + 1, ~0u, 0);
      dup2(channel, channel + 2);
      syscall(SYS_close_range, STDERR_FILENO + 1, channel - 1, 0);
    }
  });
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; i++) {
        CallSocket();
        CallBind();
        CallSetsockopt();
        CallSendto();
      }
    });
  }
  for (size_t t = 1; t < threads.size(); t++)
    threads[t].join();
  stop = true;
  threads[0].join();
  LetTheTestLook();
  ExpectTheFilter(IsAll(arguments));
});

// ---- in the test ----

class HostileChildLife : public HostileChild {
 protected:
  // Whose queue is full: who connects, waits.
  void ListenInVain() {
    const int listener = Bound(SOCK_STREAM, kPort), first = Bound(SOCK_STREAM, 0);
    const sockaddr_in at = Loopback(kPort);
    ASSERT_EQ(0, listen(listener, 0));
    connect(first, At(at), sizeof(at));
  }
  // Of a child that looks twice: between, the launcher's descriptors come and go.
  void ExpectNothingLeft(const std::string &mode, const std::string &child) {
    const pid_t launcher = Start(mode, child, mode == "run" ? Child::Arguments() : Child::Arguments{"all"});
    ASSERT_TRUE(AwaitLook()) << Complaints(launcher);
    const size_t before = DescriptorsOf(launcher), at_broker = DescriptorsOf(broker().pid());
    GoOn();
    ASSERT_TRUE(AwaitLook()) << Complaints(launcher);
    EXPECT_TRUE(ComesBackTo(launcher, before)) << "the launcher holds descriptors";
    EXPECT_TRUE(ComesBackTo(broker().pid(), at_broker)) << "the broker holds descriptors";
    GoOn();
    EXPECT_EQ("", Complaints(launcher));
  }
};

TEST_F(HostileChildLife, ADeathInTheMiddleOfACallLeavesNothing) {
  ListenInVain();
  ExpectNothingLeft("run", "deaths");
  ExpectNothingLeft("run --all", "deaths");
}

TEST_F(HostileChildLife, ThreadsThatCloseEverythingLeaveNothing) {
  ExpectNothingLeft("run", "closers");
  ExpectNothingLeft("run --all", "closers");
}

TEST_F(HostileChildLife, WithoutItsLauncherItHasNoSuchCalls) {
  ListenInVain();
  for (const std::string mode : {"run", "run --all"}) {
    const pid_t launcher =
        Start(mode, "killers", mode == "run" ? Child::Arguments() : Child::Arguments{"all"});
    EXPECT_TRUE(AwaitLook()) << Output();
    EXPECT_EQ("", Complaints(launcher, 128 + SIGKILL));
    GoOn();
  }
}

TEST_F(HostileChildLife, AFloodHoldsUpNobodyElse) {
  for (const std::string mode : {"run", "run --all"}) {
    const pid_t flood = Start(mode, "floods");
    ASSERT_TRUE(AwaitLook()) << Output();
    EXPECT_EQ("", Run("run", "peaceful"));
    EXPECT_EQ("", Run("", "client"));
    GoOn();
    EXPECT_EQ("", Complaints(flood));
  }
}

TEST_F(HostileChildLife, SignalsLoseNoDescriptor) {
  EXPECT_EQ("", Run("run", "interrupted"));
  EXPECT_EQ("", Run("run --all", "interrupted"));
}

}  // namespace
