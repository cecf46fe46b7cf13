// SPDX-License-Identifier: Apache-2.0
//
// Where the tests live: a network namespace of their own (so that nobody else's
// traffic, ports or abstract names are met), a folder for socket files, interfaces.
#ifndef SB_CONTRACT_WORLD_H
#define SB_CONTRACT_WORLD_H

#include <string>

namespace contract {

// Of the whole program, before its first thread. Returns the folder.
std::string MakeWorld();
void EndWorld(const std::string &folder);

// In a virtual machine that is thrown away (tests/vm/run), whose kernel has it all.
bool InMachine();

// Of an interface there, by its name; 0 if there is none.
int InterfaceIndex(const std::string &name);

// A pair of connected interfaces, up; made at the first call.
struct Veth {
  std::string a, b;
  int ifindex_a, ifindex_b;
};
const Veth &GetVeth();

// Two CAN interfaces, virtual ones that carry CAN FD, up; made at the first call.
struct Vcans {
  int first, second;  // their indices; by name: sbcan0, sbcan1
};
const Vcans &GetVcans();

}  // namespace contract

#endif  // SB_CONTRACT_WORLD_H
