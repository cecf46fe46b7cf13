// SPDX-License-Identifier: Apache-2.0
//
// `sockbroker run` as the user nobody, with this very program under it. Link the
// target sb_test_launcher; the program that links it must be root.
#ifndef SB_TESTS_SUPPORT_LAUNCHER_H
#define SB_TESTS_SUPPORT_LAUNCHER_H

#include <sys/types.h>

#include <string>
#include <vector>

namespace sb_test {

// This program, `sockbroker` and the library, in a folder of their own: nobody may
// not be able to enter those of the build. Gone with the object.
class Programs {
 public:
  Programs();
  ~Programs();
  Programs(const Programs &) = delete;
  Programs &operator=(const Programs &) = delete;

  const std::string &folder() const { return folder_; }
  std::string self() const { return folder_ + "/self"; }

 private:
  std::string folder_;
};

// How nobody is to start.
struct Command {
  // After `sockbroker`: "run", "--all", "--", and the program. Empty: the program alone.
  std::vector<std::string> launcher;
  std::vector<std::string> arguments;  // of this program
  std::string address;                 // of the broker
  int output = -1;                     // its stdout and stderr; -1: those of this program
  bool nowhere = false;                // in an empty network namespace
};

// Its process: the launcher's if there is one; it ends with this thread's process.
// Throws if there can be none.
pid_t StartAsNobody(const Programs &, const Command &);

// Waits. The exit status, or 128 and the signal.
int WaitFor(pid_t);

}  // namespace sb_test

#endif
