// SPDX-License-Identifier: Apache-2.0
//
// The ways that are a process of their own: all of this program, started once more as
// nobody under `sockbroker run`, with the system calls as they are. They pass the
// launcher's filter; what the tests do as root stays with the process that started it
// (root.h).
#ifndef SB_CONTRACT_LAUNCHED_H
#define SB_CONTRACT_LAUNCHED_H

#include <string>
#include <vector>

#include "api.h"

namespace contract {

// What a process knows that was started so.
struct Launch {
  const SocketApi *way = nullptr;  // null: it was not
  int root = -1;                   // the socket to root
  int broker = 0;                  // the daemon's process
  std::string log;                 // the daemon's
  std::string folder;              // where tests make socket files
};
const Launch &Launched();

// Makes the world, starts the broker, and the program in the way of that name with
// the arguments. Its exit status; 2 if there is no such way.
int RunLaunched(const std::string &way, const std::vector<std::string> &arguments);

}  // namespace contract

#endif  // SB_CONTRACT_LAUNCHED_H
