// SPDX-License-Identifier: Apache-2.0
//
// `sockbroker run`: what a program sees under it is what it sees of the kernel, but for what the
// broker does for it. The program is run_program.c, run as nobody.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/broker.h"

using namespace sb_test;

namespace {

constexpr uid_t kNobody = 65534;
constexpr int kPatienceMs = 30000;

const char kPolicy[] = R"(version: 1
rules:
  - { name: raw, who: { uid: 65534 }, may: [socket, direct], lends: CAP_NET_RAW, family: [inet, inet6],
      type: raw, protocol: any, to: any }
  - { name: sockets, who: { uid: 65534 }, may: [socket, direct], family: [inet, inet6],
      type: [stream, dgram], protocol: [tcp, udp], to: any, to_ports: any }
  - { name: names, who: { uid: 65534 }, may: [bind, listen], lends: CAP_NET_BIND_SERVICE,
      family: [inet, inet6], type: [stream, dgram], protocol: [tcp, udp],
      from: [any, wildcard, 127.0.0.0/8], from_ports: [0-65535] }
  - { name: reach, who: { uid: 65534 }, may: [connect, send], family: [inet, inet6],
      type: [stream, dgram], protocol: [tcp, udp], to: 127.0.0.0/8, to_ports: any }
  - { name: mark, who: { uid: 65534 }, may: option, lends: CAP_NET_ADMIN, family: inet, type: any,
      protocol: any, options: [SO_MARK], marks: 5 }
)";
const char kNothing[] = R"(version: 1
rules:
  - { name: other, who: { uid: 65534 }, may: connect, family: inet, type: stream, protocol: tcp,
      to: 127.0.0.1, to_ports: 9 }
)";

struct Ran {
  int status;
  std::string out, err;
};

std::string ReadFile(const std::string &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

bool Has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

enum class Way { kKernel, kRun, kAll };

class Run : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "it takes root to be nobody";
    Serve(kPolicy);
  }
  void TearDown() override {
    if (!daemon_) return;
    daemon_->Stop();
    EXPECT_EQ(std::string::npos, daemon_->Log().find("Sanitizer")) << daemon_->Log();
  }

  // A broker, and beside it what nobody is to run, since the build folder may be closed to them.
  void Serve(const std::string &policy) {
    daemon_ = std::make_unique<Broker>(std::vector<std::string>{}, policy);
    ASSERT_TRUE(daemon_->Started()) << daemon_->Log();
    for (const char *file : {SOCKBROKER_CLI, RUN_PROGRAM, SOCKBROKER_LIBRARY})
      std::filesystem::copy(file, Path(std::filesystem::path(file).filename()));
    for (const char *name : {"out", "err"}) {
      std::ofstream(Path(name)) << "";
      chmod(Path(name).c_str(), 0666);
    }
  }
  std::string Path(const std::string &name) const { return daemon_->folder() + "/" + name; }

  // Starts `args` as nobody, in a process group of its own.
  pid_t Start(std::vector<std::string> args) {
    std::vector<char *> argv;
    for (auto &a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const rlimit files = {64, 256};
    setenv("SOCKBROKER_ADDRESS", daemon_->address().c_str(), 1);
    setenv("LD_LIBRARY_PATH", daemon_->folder().c_str(), 1);
    if (setrlimit(RLIMIT_NOFILE, &files) == 0 && setpgid(0, 0) == 0 &&
        dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 0) == 0 &&
        dup2(open(Path("out").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC), 1) == 1 &&
        dup2(open(Path("err").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC), 2) == 2 &&
        setresgid(kNobody, kNobody, kNobody) == 0 && setresuid(kNobody, kNobody, kNobody) == 0)
      execv(argv[0], argv.data());
    _exit(99);
  }
  Ran Wait(pid_t pid) {
    int status = -1;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), ReadFile(Path("out")),
            ReadFile(Path("err"))};
  }
  std::vector<std::string> Command(Way way, std::vector<std::string> program,
                                   std::vector<std::string> options = {}) {
    std::vector<std::string> args;
    if (way != Way::kKernel) args = {Path("sockbroker"), "run"};
    if (way == Way::kAll) args.push_back("--all");
    args.insert(args.end(), options.begin(), options.end());
    if (way != Way::kKernel) args.push_back("--");
    args.insert(args.end(), program.begin(), program.end());
    return args;
  }
  Ran Act(Way way, const std::string &act, std::vector<std::string> options = {}) {
    return Wait(Start(Command(way, {Path("run_program"), act}, options)));
  }
  // What the act prints is the same each way, and nothing is said beside it.
  void ExpectTheSame(const std::string &act) {
    const Ran kernel = Act(Way::kKernel, act);
    EXPECT_EQ(0, kernel.status) << kernel.err;
    for (Way way : {Way::kRun, Way::kAll}) {
      const Ran ran = Act(way, act);
      EXPECT_EQ(0, ran.status) << ran.err;
      EXPECT_EQ(kernel.out, ran.out) << (way == Way::kAll ? "run --all" : "run");
      EXPECT_EQ("", ran.err);
    }
  }
  bool Until(const std::string &file, const std::string &part) {
    for (int ms = 0; ms < kPatienceMs; ms += 10) {
      if (Has(ReadFile(Path(file)), part)) return true;
      poll(nullptr, 0, 10);
    }
    return false;
  }

  std::unique_ptr<Broker> daemon_;
};

TEST_F(Run, ArgumentsThatMakeNoSenseHaveTheKernelsErrors) { ExpectTheSame("arguments"); }
TEST_F(Run, ConnectionsGoThroughTheSameStates) { ExpectTheSame("states"); }
TEST_F(Run, AddressedSendsArriveAndRaiseSigpipe) { ExpectTheSame("sends"); }
TEST_F(Run, FastOpenConnectsAndSends) { ExpectTheSame("fastopen"); }
TEST_F(Run, IPv6SocketsServeBothOrOne) { ExpectTheSame("dual-stack"); }
TEST_F(Run, ASignalInterruptsConnect) { ExpectTheSame("interrupted"); }
TEST_F(Run, ASignalOfARestartingHandlerDoesNot) { ExpectTheSame("restarted"); }
TEST_F(Run, SO_SNDTIMEOLimitsConnect) { ExpectTheSame("time-limit"); }
TEST_F(Run, ASlowConnectHoldsUpNobody) { ExpectTheSame("slow"); }
TEST_F(Run, AProgramIsKilledWhileItWaits) { ExpectTheSame("killed"); }
TEST_F(Run, AHundredChildrenOpenSockets) { ExpectTheSame("children"); }
TEST_F(Run, ThreadsOpenSockets) { ExpectTheSame("threads"); }
TEST_F(Run, DescriptorsAreTheLowestAndEnd) { ExpectTheSame("descriptors"); }
TEST_F(Run, WhatIsClosedIsClosedAtOnce) { ExpectTheSame("closed"); }
TEST_F(Run, NothingIsInherited) { ExpectTheSame("inherited"); }

TEST_F(Run, WhatTheKernelRefusesTheBrokerDoes) {
  for (const char *act : {"low-port", "raw", "mark"}) {
    const Ran kernel = Act(Way::kKernel, act);
    EXPECT_TRUE(Has(kernel.out, "EACCES") || Has(kernel.out, "EPERM")) << kernel.out;
    for (Way way : {Way::kRun, Way::kAll}) {
      const Ran ran = Act(way, act);
      EXPECT_FALSE(Has(ran.out, "E")) << ran.out;
      EXPECT_EQ("", ran.err);
    }
  }
}

TEST_F(Run, ARefusalIsEACCESAndOneSentence) {
  Serve(kNothing);
  const Ran ran = Act(Way::kRun, "raw");
  EXPECT_EQ("raw: EACCES\n", ran.out);
  EXPECT_TRUE(Has(ran.err, "run_program (process ")) << ran.err;
  EXPECT_TRUE(Has(ran.err, "is refused `socket inet raw icmp`")) << ran.err;
  EXPECT_TRUE(Has(ran.err, "--suggest-policy")) << ran.err;
  EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << ran.err;
}

TEST_F(Run, WithoutAllWhatAnyoneMayDoIsNotAskedFor) {
  Serve(kNothing);
  EXPECT_EQ("tcp: ok\n", Act(Way::kRun, "tcp").out);
  EXPECT_EQ("tcp: EACCES\n", Act(Way::kAll, "tcp").out);
}

TEST_F(Run, TraceHasALineForEachCall) {
  const Ran ran = Act(Way::kAll, "low-port", {"--trace"});
  for (const char *line : {" run_program: socket inet stream tcp: allowed\n",
                           " run_program: bind inet stream tcp 127.0.0.1:81: allowed\n",
                           " run_program: listen inet stream tcp 127.0.0.1:81: allowed\n",
                           " run_program: connect inet stream tcp 127.0.0.1:81: allowed\n"})
    EXPECT_TRUE(Has(ran.err, line)) << ran.err;
}

TEST_F(Run, TheExitStatusIsTheProgramsOwn) {
  EXPECT_EQ(0, Act(Way::kRun, "0").status);
  EXPECT_EQ(7, Act(Way::kRun, "7").status);
  EXPECT_EQ(128 + SIGKILL, Wait(Start(Command(Way::kRun, {"/bin/sh", "-c", "kill -9 $$"}))).status);
}

TEST_F(Run, WhatCannotBeExecutedIsSaidAsByAShell) {
  const Ran none = Wait(Start(Command(Way::kRun, {"nonesuch"})));
  EXPECT_EQ(127, none.status);
  EXPECT_EQ("sockbroker: nonesuch: there is no such command\n", none.err);
  const Ran file = Wait(Start(Command(Way::kRun, {"/etc/passwd"})));
  EXPECT_EQ(126, file.status);
  EXPECT_EQ("sockbroker: cannot execute /etc/passwd: Permission denied\n", file.err);
}

TEST_F(Run, WithoutABrokerItSaysSo) {
  daemon_->Kill();
  const Ran ran = Act(Way::kRun, "0");
  EXPECT_EQ(125, ran.status);
  EXPECT_TRUE(Has(ran.err, "Start sockbrokerd")) << ran.err;
}

TEST_F(Run, InsideAnotherItSaysSo) {
  const Ran ran = Wait(
      Start(Command(Way::kRun, Command(Way::kRun, {Path("run_program"), "0"}))));
  EXPECT_EQ(125, ran.status);
  EXPECT_TRUE(Has(ran.err, "another `sockbroker run`")) << ran.err;
}

TEST_F(Run, IoUringIsRefused) {
  EXPECT_EQ("io_uring_setup: EPERM\n", Act(Way::kRun, "io-uring").out);
}

TEST_F(Run, AnOrphanGoesOnAndTheLauncherStaysForIt) {
  const Ran ran = Act(Way::kRun, "orphan");
  EXPECT_EQ(3, ran.status);
  EXPECT_EQ("bind: ok\nlisten: ok\nconnect: ok\n", ran.out) << ran.err;
}

TEST_F(Run, WithoutItsLauncherAProgramHasENOSYS) {
  Act(Way::kRun, "launcher-killed");
  EXPECT_TRUE(Until("out", "\n"));
  EXPECT_EQ("raw: ENOSYS\n", ReadFile(Path("out")));
}

TEST_F(Run, SIGTERMIsForwarded) {
  for (const char *act : {"terminated", "orphan-terminated"}) {
    std::ofstream(Path("out")) << "";  // what the one before it said
    const pid_t pid = Start(Command(Way::kRun, {Path("run_program"), act}));
    EXPECT_TRUE(Until("out", "ready"));
    kill(pid, SIGTERM);
    EXPECT_EQ("ready: ok\n1 signals\n", Wait(pid).out);
  }
}

TEST_F(Run, WhoCannotBeLookedIntoIsRefusedWhatMustBeJudged) {
  EXPECT_EQ("bind: ok\n", Act(Way::kRun, "not-dumpable").out);
  EXPECT_EQ("bind: EACCES\n", Act(Way::kAll, "not-dumpable").out);
}

}  // namespace
