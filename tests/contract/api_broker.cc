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
// seteuid(3), which is for all threads. Leaves errno as it is.
class Nobody {
 public:
  Nobody() {
    static const uid_t uid = getpwnam("nobody")->pw_uid;
    Become(uid);
  }
  ~Nobody() { Become(0); }

 private:
  static void Become(uid_t uid) {
    if (syscall(SYS_setresuid, -1, uid, -1) < 0)
      throw std::runtime_error("setresuid");
  }
};

// A connection of a kind, made once.
template <int kTransport, bool kDirect = false>
struct Way {
  static inline sb_broker *broker = nullptr;

  static sb_broker *Connected() {
    if (broker == nullptr) {
      const std::string address = Daemon().address();
      const Nobody nobody;
      broker = sb_connect_broker(address.c_str(), kTransport);
      if (broker == nullptr)
        throw std::runtime_error(std::string("sb_connect_broker: ") + sb_error_message());
      if (kDirect && sb_set_direct(broker, 1) < 0)
        throw std::runtime_error(std::string("sb_set_direct: ") + sb_error_message());
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
using Direct = Way<SB_TRANSPORT_STREAM, true>;

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

// What the kernel does for a real descriptor it does for nobody; and it is nobody who gives
// one to the broker.
template <auto kCall>
struct AsNobody;
template <class R, class... A, R (*kCall)(A...)>
struct AsNobody<kCall> {
  static R Call(A... arguments) {
    const Nobody nobody;
    return kCall(arguments...);
  }
};

int DirectSocket(int domain, int type, int protocol) {
  sb_broker *const broker = Direct::Connected();  // starts the daemon, as root
  const Nobody nobody;
  return sb_socket_at(broker, domain, type, protocol);
}
int DirectPair(int domain, int type, int protocol, int *sv) {
  sb_broker *const broker = Direct::Connected();
  const Nobody nobody;
  return sb_socketpair_at(broker, domain, type, protocol, sv);
}

constexpr SocketApi kDirect = {
    "direct",
    DirectSocket,
    DirectPair,
    AsNobody<sb_close>::Call,
    AsNobody<sb_dup>::Call,
    AsNobody<Fcntl>::Call,
    AsNobody<sb_bind>::Call,
    AsNobody<sb_listen>::Call,
    AsNobody<sb_accept>::Call,
    AsNobody<sb_accept4>::Call,
    AsNobody<sb_connect>::Call,
    AsNobody<sb_shutdown>::Call,
    AsNobody<sb_getsockname>::Call,
    AsNobody<sb_getpeername>::Call,
    AsNobody<sb_send>::Call,
    AsNobody<sb_sendto>::Call,
    AsNobody<sb_sendmsg>::Call,
    AsNobody<sb_recv>::Call,
    AsNobody<sb_recvfrom>::Call,
    AsNobody<sb_recvmsg>::Call,
    AsNobody<sb_sendmmsg>::Call,
    AsNobody<sb_recvmmsg>::Call,
    AsNobody<sb_getsockopt>::Call,
    AsNobody<sb_setsockopt>::Call,
    AsNobody<Ioctl>::Call,
    AsNobody<sb_poll>::Call,
    true,
};

}  // namespace

std::vector<const SocketApi *> BrokeredApis() { return {&kStream, &kUnary, &kDirect}; }

void SetUpBroker(const char *socket_folder) { folder = socket_folder; }

void TearDownBroker() {
  Stream::Disconnect();
  Unary::Disconnect();
  Direct::Disconnect();
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
