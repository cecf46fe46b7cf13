// SPDX-License-Identifier: Apache-2.0
//
// The two ways to a socket, and the program: it starts a broker as root, then
// becomes nobody for good and runs the tests.
#include "calls.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sockbroker.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/broker.h"

namespace {

const char *KernelError() { return strerror(errno); }

const Calls kKernel = {"Kernel",    socket,     close,      bind,  getsockname, send,     sendto,
                       recv,        recvfrom,   recvmsg,    getsockopt, setsockopt, ioctl, poll,
                       KernelError};
const Calls kBroker = {"Broker",       sb_socket, sb_close,    sb_bind,    sb_getsockname,
                       sb_send,        sb_sendto, sb_recv,     sb_recvfrom, sb_recvmsg,
                       sb_getsockopt,  sb_setsockopt, sb_ioctl, sb_poll,   sb_error_message};

// A socket on vcan0 needs no capability: the rule lends none.
const char kPolicy[] = R"(version: 1
rules:
  - name: can
    who: { user: nobody }
    may: [socket, bind, send, ioctl]
    family: can
    type: raw
    protocol: raw
    interface: any
    ioctls: [SIOCGIFINDEX]
)";

[[noreturn]] void Die(const char *what) {
  fprintf(stderr, "can_test: %s: %s\n", what, strerror(errno));
  _exit(1);
}

void BecomeNobody() {
  const passwd *nobody = getpwnam("nobody");
  if (!nobody || setgroups(0, nullptr) < 0 ||
      setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) < 0 ||
      setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) < 0)
    Die("cannot become nobody");
}

// As a shell's $?.
int WaitFor(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) < 0) Die("cannot wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::vector<Calls> AllCalls() { return {kKernel, kBroker}; }

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  sb_test::Broker broker({"--user", "daemon"}, kPolicy);
  if (!broker.Started()) {
    fprintf(stderr, "can_test: sockbrokerd did not start:\n%s", broker.Log().c_str());
    return 1;
  }

  fflush(nullptr);
  const pid_t tests = fork();
  if (tests < 0) Die("cannot fork");
  if (tests == 0) {
    BecomeNobody();
    setenv("SOCKBROKER_ADDRESS", broker.address().c_str(), 1);
    _exit(RUN_ALL_TESTS());
  }
  int status = WaitFor(tests);

  if (!broker.Stop()) {
    fprintf(stderr, "can_test: sockbrokerd did not end well\n");
    status = 1;
  }
  if (status != 0) fprintf(stderr, "the broker said:\n%s", broker.Log().c_str());
  return status;
}
