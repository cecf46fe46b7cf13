// SPDX-License-Identifier: Apache-2.0
//
// In place of api_broker.cc where the client library is not built: the kernel alone.
#include "api.h"

namespace contract {

std::vector<const SocketApi *> BrokeredApis() { return {}; }
void SetUpBroker(const char *) {}
void TearDownBroker() {}
std::string BrokerAddress() { return ""; }
int BrokerPid() { return 0; }
std::string BrokerLog() { return ""; }

}  // namespace contract
