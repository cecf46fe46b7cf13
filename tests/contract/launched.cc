// SPDX-License-Identifier: Apache-2.0
#include "launched.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <sstream>

#include "root.h"
#include "support.h"

namespace contract {
namespace {

namespace fs = std::filesystem;

struct Way {
  const char *name;
  std::vector<const char *> launcher;
  // In a network namespace without anything, not even a loopback interface.
  bool nowhere = false;
};

const Way kWays[] = {
    // Without a launcher: what fails so is what it is for. By hand.
    {"nobody", {}},
    {"run", {"sockbroker", "run", "--"}},
    {"run_all", {"sockbroker", "run", "--all", "--"}, true},
};

constexpr char kVariable[] = "SB_CONTRACT_LAUNCHED";
constexpr char kOutput[] = "--gtest_output=xml:";

const Way *Find(const std::string &name) {
  const Way *way = std::find_if(std::begin(kWays), std::end(kWays),
                                [&name](const Way &w) { return name == w.name; });
  return way == std::end(kWays) ? nullptr : way;
}

Launch Read(const char *text) {
  Launch launch;
  std::string name;
  std::istringstream(text) >> name >> launch.root >> launch.broker >> launch.log >> launch.folder;
  static SocketApi api = SystemCalls(Find(name)->name);
  api.brokered = true;
  launch.way = &api;
  Must(fcntl(launch.root, F_SETFD, FD_CLOEXEC), "F_SETFD");
  return launch;
}

// ---- the process that stays root ----

// Nobody may not be able to enter the folders of the build.
void CopyPrograms(const fs::path &to) {
  fs::create_directory(to);
  fs::copy_file("/proc/self/exe", to / "contract_test");
  fs::copy_file(SB_CLI_PATH, to / "sockbroker");
  fs::copy_file(SB_LIBRARY_PATH, to / SB_LIBRARY_NAME);
}

void BecomeNobody() {
  const passwd *nobody = getpwnam("nobody");
  Must(Result(setgroups(0, nullptr)), "setgroups");
  Must(Result(setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid)), "setresgid");
  Must(Result(setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid)), "setresuid");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

[[noreturn]] void Exec(const Way &way, const fs::path &programs,
                       const std::vector<std::string> &arguments) {
  const std::string test = programs / "contract_test", first =
      way.launcher.empty() ? test : std::string(programs / way.launcher[0]);
  std::vector<char *> argv;
  for (const char *word : way.launcher)
    argv.push_back(const_cast<char *>(word));
  argv.push_back(const_cast<char *>(test.c_str()));
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  execv(first.c_str(), argv.data());
  perror(first.c_str());
  _exit(127);
}

pid_t Start(const Way &way, const Launch &launch, const fs::path &programs,
            const std::vector<std::string> &arguments) {
  std::ostringstream text;
  text << way.name << " " << launch.root << " " << launch.broker << " " << launch.log << " "
       << launch.folder;
  setenv(kVariable, text.str().c_str(), 1);
  setenv("SOCKBROKER_ADDRESS", BrokerAddress().c_str(), 1);
  setenv("LD_LIBRARY_PATH", programs.c_str(), 1);
  const pid_t child = fork();
  if (child != 0)
    return child;
  try {
    if (way.nowhere && !InMachine())
      Must(Result(unshare(CLONE_NEWNET)), "unshare");
    BecomeNobody();
    Must(Result(chdir(launch.folder.c_str())), "chdir");
    Exec(way, programs, arguments);
  } catch (const std::exception &e) {
    std::cerr << e.what() << "\n";
    _exit(127);
  }
}

int Wait(pid_t child) {
  int status = 0;
  Must(Result(waitpid(child, &status, 0)), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int Run(const Way &way, const std::string &folder, std::vector<std::string> arguments) {
  int ends[2];
  Must(Result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)), "socketpair");
  const std::string address = BrokerAddress();  // starts it
  Launch launch;
  launch.root = ends[1];
  launch.broker = BrokerPid();
  launch.log = BrokerLogPath();
  launch.folder = folder;

  const fs::path programs = folder + "/programs", results = folder + "/results.xml";
  CopyPrograms(programs);
  // Nobody may not write where the results are wanted.
  std::string wanted;
  for (std::string &argument : arguments) {
    if (argument.rfind(kOutput, 0) == 0)
      wanted = argument.substr(strlen(kOutput)), argument = kOutput + results.string();
  }
  fcntl(ends[1], F_SETFD, 0);
  const pid_t child = Start(way, launch, programs, arguments);
  close(ends[1]);
  ServeRoot(ends[0]);
  close(ends[0]);
  const int status = Wait(child);
  if (!wanted.empty() && fs::exists(results)) {
    fs::create_directories(fs::path(wanted).parent_path());
    fs::copy_file(results, wanted, fs::copy_options::overwrite_existing);
  }
  return status;
}

}  // namespace

const Launch &Launched() {
  static const Launch launch = getenv(kVariable) ? Read(getenv(kVariable)) : Launch();
  return launch;
}

int RunLaunched(const std::string &name, const std::vector<std::string> &arguments) {
  const Way *way = Find(name);
  if (way == nullptr) {
    std::cerr << "contract_test: there is no way of the name '" << name << "'\n";
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const std::string folder = MakeWorld();
  SetUpBroker(folder.c_str());
  const int status = Run(*way, folder, arguments);
  TearDownBroker();
  EndWorld(folder);
  return status;
}

}  // namespace contract
