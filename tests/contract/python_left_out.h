// SPDX-License-Identifier: Apache-2.0
//
// The behaviours that a program in Python cannot ask for, each with the reason.
#ifndef SB_CONTRACT_PYTHON_LEFT_OUT_H
#define SB_CONTRACT_PYTHON_LEFT_OUT_H

#include <string_view>

namespace contract {

// The reason, or null. What Python's API cannot say, neither module can.
const char *StandardPythonLeavesOut(std::string_view suite, std::string_view test);
const char *OurPythonLeavesOut(std::string_view suite, std::string_view test);

}  // namespace contract

#endif
