// SPDX-License-Identifier: Apache-2.0
//
// The ways through the broker. Its daemon is started by the first test that needs
// it, so that the kernel's tests run without one.
#include <pwd.h>
#include <sockbroker.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "api.h"
#include "launched.h"
#include "policy.h"
#include "support/broker.h"

namespace contract {
namespace {

std::string folder;
std::unique_ptr<sb_test::Broker> daemon_process;

sb_test::Broker &Daemon() {
  if (daemon_process == nullptr) {
    daemon_process = std::make_unique<sb_test::Broker>(
        std::vector<std::string>{"--user", "daemon"}, ContractPolicy(folder));
  }
  if (!daemon_process->Started())
    throw std::runtime_error("the broker did not start:\n" + daemon_process->Log());
  return *daemon_process;
}

// This thread is nobody: who connects is what the broker knows of us. Not by
// seteuid(3), which is for all threads.
class Nobody {
 public:
  Nobody() { Become(getpwnam("nobody")->pw_uid); }
  ~Nobody() { Become(0); }

 private:
  static void Become(uid_t uid) {
    if (syscall(SYS_setresuid, -1, uid, -1) < 0)
      throw std::runtime_error("setresuid");
  }
};

// A connection of a kind, made once.
template <int kTransport>
struct Way {
  static inline sb_broker *broker = nullptr;

  static sb_broker *Connected() {
    if (broker == nullptr) {
      const std::string address = Daemon().address();
      const Nobody nobody;
      broker = sb_connect_broker(address.c_str(), kTransport);
      if (broker == nullptr)
        throw std::runtime_error(std::string("sb_connect_broker: ") + sb_error_message());
    }
    return broker;
  }
  static void Disconnect() {
    sb_disconnect_broker(broker);
    broker = nullptr;
  }
  static int Socket(int domain, int type, int protocol) {
    return sb_socket_at(Connected(), domain, type, protocol);
  }
  static int Pair(int domain, int type, int protocol, int *sv) {
    return sb_socketpair_at(Connected(), domain, type, protocol, sv);
  }
};

using Stream = Way<SB_TRANSPORT_STREAM>;
using Unary = Way<SB_TRANSPORT_UNARY>;

int Fcntl(int fd, int cmd, int argument) { return sb_fcntl(fd, cmd, argument); }
int Ioctl(int fd, unsigned long request, void *argument) {
  return sb_ioctl(fd, request, argument);
}

template <class W>
constexpr SocketApi Brokered(const char *name) {
  return {
      name,           W::Socket,      W::Pair,   sb_close,   sb_dup,        Fcntl,
      sb_bind,        sb_listen,      sb_accept, sb_accept4, sb_connect,    sb_shutdown,
      sb_getsockname, sb_getpeername, sb_send,   sb_sendto,  sb_sendmsg,    sb_recv,
      sb_recvfrom,    sb_recvmsg,     sb_sendmmsg, sb_recvmmsg, sb_getsockopt, sb_setsockopt,
      Ioctl,          sb_poll,        true,
  };
}

constexpr SocketApi kStream = Brokered<Stream>("stream");
constexpr SocketApi kUnary = Brokered<Unary>("unary");

}  // namespace

std::vector<const SocketApi *> BrokeredApis() { return {&kStream, &kUnary}; }

void SetUpBroker(const char *socket_folder) { folder = socket_folder; }

void TearDownBroker() {
  Stream::Disconnect();
  Unary::Disconnect();
  if (daemon_process != nullptr && daemon_process->Started() && !daemon_process->Stop())
    throw std::runtime_error("the broker did not end well:\n" + daemon_process->Log());
  daemon_process.reset();
}

std::string BrokerAddress() { return Daemon().address(); }
int BrokerPid() {
  return daemon_process == nullptr ? Launched().broker : daemon_process->pid();
}
std::string BrokerLogPath() {
  return daemon_process == nullptr ? Launched().log : daemon_process->folder() + "/log";
}
std::string BrokerLog() {
  std::stringstream text;
  text << std::ifstream(BrokerLogPath()).rdbuf();
  return text.str();
}

}  // namespace contract
