// SPDX-License-Identifier: Apache-2.0
//
// In place of api_broker.cc where the client library is not built: the kernel alone.
#include "api.h"
#include "launched.h"

namespace contract {

std::vector<const SocketApi *> BrokeredApis() { return {}; }
void SetUpBroker(const char *) {}
void TearDownBroker() {}
std::string BrokerAddress() { return ""; }
int BrokerPid() { return 0; }
std::string BrokerLogPath() { return ""; }
std::string BrokerLog() { return ""; }


const Launch &Launched() {
  static const Launch launch;
  return launch;
}
int RunLaunched(const std::string &, const std::vector<std::string> &) { return 2; }

}  // namespace contract
