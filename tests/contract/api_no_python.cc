// SPDX-License-Identifier: Apache-2.0
//
// In place of api_python.cc where Python cannot be embedded.
#include "api.h"

namespace contract {

std::vector<const SocketApi *> PythonApis() { return {}; }

}  // namespace contract
