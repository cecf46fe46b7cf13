// SPDX-License-Identifier: Apache-2.0
#ifndef SB_CONTRACT_POLICY_H
#define SB_CONTRACT_POLICY_H

#include <string>

namespace contract {

// A policy by which root may do everything that the contract does, and which
// denies nothing that the kernel would refuse by itself. `folder` is where
// sockets may have paths.
std::string ContractPolicy(const std::string &folder);

}  // namespace contract

#endif  // SB_CONTRACT_POLICY_H
