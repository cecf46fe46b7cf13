// SPDX-License-Identifier: Apache-2.0
#include "launched.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <sstream>

#include "root.h"
#include "support.h"
#include "support/launcher.h"

namespace contract {
namespace {

namespace fs = std::filesystem;

struct Way {
  const char *name;
  std::vector<std::string> launcher;
  // In a network namespace without anything, not even a loopback interface.
  bool nowhere = false;
};

const Way kWays[] = {
    // Without a launcher: what fails so is what it is for. By hand.
    {"nobody", {}},
    {"run", {"run", "--"}},
    {"run_all", {"run", "--all", "--"}, true},
};

// What no launcher does, and why.
const char *LeftOut(std::string_view suite, std::string_view test) {
  if (suite == "UdpControl" && test == "TheMarkOfOneMessageCanBeSetByThoseWhoMay")
    return "data is the program's own, and so are the rights that it is sent with";
  return nullptr;
}

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
  api.left_out = LeftOut;
  launch.way = &api;
  Must(fcntl(launch.root, F_SETFD, FD_CLOEXEC), "F_SETFD");
  return launch;
}

// What this process tells that one.
std::string Told(const Way &way, int root, const std::string &folder) {
  std::ostringstream text;
  text << way.name << " " << root << " " << BrokerPid() << " " << BrokerLogPath() << " " << folder;
  return text.str();
}

int Run(const Way &way, const std::string &folder, sb_test::Command command) {
  // Nobody may not write where the results are wanted.
  const std::string results = folder + "/results.xml";
  std::string wanted;
  for (std::string &argument : command.arguments) {
    if (argument.rfind(kOutput, 0) == 0)
      wanted = argument.substr(strlen(kOutput)), argument = kOutput + results;
  }
  command.address = BrokerAddress();  // which starts it: before what it must not inherit
  int ends[2];
  Must(Result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)), "socketpair");
  fcntl(ends[1], F_SETFD, 0);
  setenv(kVariable, Told(way, ends[1], folder).c_str(), 1);
  const sb_test::Programs programs;
  const pid_t child = sb_test::StartAsNobody(programs, command);
  close(ends[1]);
  ServeRoot(ends[0]);
  close(ends[0]);
  const int status = sb_test::WaitFor(child);
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
  sb_test::Command command;
  command.launcher = way->launcher;
  command.arguments = arguments;
  command.nowhere = way->nowhere && !InMachine();
  const int status = Run(*way, folder, command);
  TearDownBroker();
  EndWorld(folder);
  return status;
}

}  // namespace contract
