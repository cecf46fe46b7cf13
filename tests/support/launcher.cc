// SPDX-License-Identifier: Apache-2.0
#include "support/launcher.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace sb_test {
namespace {

namespace fs = std::filesystem;

std::runtime_error Failed(const char *what) {
  return std::system_error(errno, std::generic_category(), what);
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void Run(const Command &command, const passwd &nobody, char *const *argv) {
  const bool ready =
      (command.output < 0 || (dup2(command.output, STDOUT_FILENO) >= 0 &&
                              dup2(command.output, STDERR_FILENO) >= 0)) &&
      (!command.nowhere || unshare(CLONE_NEWNET) == 0) && setgroups(0, nullptr) == 0 &&
      setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid) == 0 &&
      setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid) == 0 && chdir("/tmp") == 0;
  // After that: who changes, forgets it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (ready)
    execv(argv[0], argv);
  perror(argv[0]);
  _exit(127);
}

}  // namespace

Programs::Programs() {
  char made[] = "/tmp/sb-programs.XXXXXX";
  if (mkdtemp(made) == nullptr || chmod(made, 0755))
    throw Failed("mkdtemp");
  folder_ = made;
  fs::copy_file("/proc/self/exe", self());
  fs::copy_file(SB_CLI_PATH, folder_ + "/sockbroker");
  fs::copy_file(SB_LIBRARY_PATH, folder_ + "/" SB_LIBRARY_NAME);
}

Programs::~Programs() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

pid_t StartAsNobody(const Programs &programs, const Command &command) {
  const passwd *nobody = getpwnam("nobody");
  if (nobody == nullptr)
    throw Failed("nobody");
  std::vector<std::string> words;
  if (!command.launcher.empty())
    words.push_back(programs.folder() + "/sockbroker");
  words.insert(words.end(), command.launcher.begin(), command.launcher.end());
  words.push_back(programs.self());
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  setenv("SOCKBROKER_ADDRESS", command.address.c_str(), 1);
  setenv("LD_LIBRARY_PATH", programs.folder().c_str(), 1);
  const pid_t child = fork();
  if (child == 0)
    Run(command, *nobody, argv.data());
  unsetenv("LD_LIBRARY_PATH");
  unsetenv("SOCKBROKER_ADDRESS");
  if (child < 0)
    throw Failed("fork");
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) < 0)
    throw Failed("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sb_test
