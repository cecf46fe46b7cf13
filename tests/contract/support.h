// SPDX-License-Identifier: Apache-2.0
//
// What the contract's tests are written with. A result is the call's, or
// -errno: EXPECT_EQ(-ECONNREFUSED, client.Connect(address)). What a test needs but
// does not test (a connected pair) throws if it cannot be had.
#ifndef SB_CONTRACT_SUPPORT_H
#define SB_CONTRACT_SUPPORT_H

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <future>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api.h"
#include "world.h"

namespace contract {

// The value of a call, or -errno.
long Result(ssize_t returned);
// The same where failure is not what is tested.
long Must(long result, const char *what);

// A socket address with its length.
class Addr {
 public:
  Addr() = default;  // room for any

  static Addr Inet(const char *ip, unsigned port = 0);
  static Addr Inet6(const char *ip, unsigned port = 0);
  static Addr Loopback4(unsigned port = 0) { return Inet("127.0.0.1", port); }
  static Addr Loopback6(unsigned port = 0) { return Inet6("::1", port); }
  static Addr Path(std::string_view path);
  static Addr Abstract(std::string_view name);
  static Addr Family(int family);  // and nothing else: AF_UNSPEC, autobind
  template <class T>
  static Addr Of(const T &raw) {
    Addr a;
    std::memcpy(&a.ss_, &raw, sizeof(raw));
    a.len = sizeof(raw);
    return a;
  }

  sockaddr *get() { return reinterpret_cast<sockaddr *>(&ss_); }
  const sockaddr *get() const { return reinterpret_cast<const sockaddr *>(&ss_); }
  template <class T>
  T as() const {
    T t;
    std::memcpy(&t, &ss_, sizeof(t));
    return t;
  }
  int family() const { return len < sizeof(sa_family_t) ? AF_UNSPEC : ss_.ss_family; }
  unsigned port() const;
  std::string ip() const;    // as text
  std::string name() const;  // of AF_UNIX: all bytes after the family
  Addr WithPort(unsigned port) const;

  socklen_t len = 0;

 private:
  sockaddr_storage ss_ = {};
};
bool operator==(const Addr &, const Addr &);
inline bool operator!=(const Addr &x, const Addr &y) { return !(x == y); }
std::ostream &operator<<(std::ostream &, const Addr &);

// A message to send: bytes in pieces, where to, and control messages.
class Message {
 public:
  explicit Message(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  explicit Message(const char *text) : pieces_{text} {}
  Message &To(const Addr &to);
  template <class T>
  Message &Control(int level, int type, const T &value) {
    return AddControl(level, type, &value, sizeof(value));
  }
  Message &AddControl(int level, int type, const void *value, size_t size);
  Message &Rights(const std::vector<int> &fds);
  // As sendmsg(2) takes it; points into this object.
  msghdr Header();

 private:
  std::vector<std::string> pieces_;
  std::vector<iovec> iov_;
  std::optional<Addr> to_;
  std::string control_;
};

// A message received, with room for `sizes` bytes in as many pieces.
class Received {
 public:
  explicit Received(std::vector<size_t> sizes = {65536}, size_t control = 512);
  msghdr Header();  // points into this object
  void Take(const msghdr &, long result);

  long result = 0;
  int flags = 0;
  std::string data;  // what was written, all pieces together
  Addr from;
  size_t control_bytes = 0;

  // The bytes of the control message, if it is there.
  std::optional<std::string> Control(int level, int type) const;
  template <class T>
  std::optional<T> Control(int level, int type) const {
    const auto bytes = Control(level, type);
    if (!bytes || bytes->size() < sizeof(T))
      return std::nullopt;
    T t;
    std::memcpy(&t, bytes->data(), sizeof(t));
    return t;
  }

 private:
  std::vector<std::string> pieces_;
  std::vector<iovec> iov_;
  std::vector<char> control_;
};

// A socket of one of the ways, closed at the end. fd() is -errno if it could
// not be had.
class Sock {
 public:
  Sock() = default;
  Sock(const SocketApi &api, int returned);
  Sock(Sock &&other) noexcept : api_(other.api_), fd_(std::exchange(other.fd_, -EBADF)) {}
  Sock &operator=(Sock &&other) noexcept;
  ~Sock() { Close(); }

  int fd() const { return fd_; }
  const SocketApi &api() const { return *api_; }
  explicit operator bool() const { return fd_ >= 0; }
  long Close();
  Sock Dup() const { return Sock(*api_, api_->dup(fd_)); }

  long Bind(const Addr &a) const { return Result(api_->bind(fd_, a.get(), a.len)); }
  long Listen(int backlog = 16) const { return Result(api_->listen(fd_, backlog)); }
  long Connect(const Addr &a) const { return Result(api_->connect(fd_, a.get(), a.len)); }
  Sock Accept(Addr *from = nullptr) const;
  Sock Accept4(int flags, Addr *from = nullptr) const;
  long Shutdown(int how) const { return Result(api_->shutdown(fd_, how)); }
  Addr Name() const;
  Addr Peer() const;
  long PeerResult() const;  // getpeername's, where it is to fail

  long Send(std::string_view data, int flags = 0) const;
  long SendTo(std::string_view data, const Addr &to, int flags = 0) const;
  long SendMessage(Message message, int flags = 0) const;
  // The result alone.
  long Recv(size_t size = 65536, int flags = 0) const;
  // The bytes, or "<ECONNRESET>"; "" is the end of a stream or an empty datagram.
  std::string Read(size_t size = 65536, int flags = 0) const;
  std::string ReadFrom(Addr *from, size_t size = 65536, int flags = 0) const;
  Received ReadMessage(int flags = 0, Received room = Received()) const;
  // Exactly so many bytes of a stream, or less if it ends.
  std::string ReadAll(size_t size) const;

  template <class T>
  long Set(int level, int name, const T &value) const {
    return Result(api_->setsockopt(fd_, level, name, &value, sizeof(value)));
  }
  template <class T = int>
  T Get(int level, int name) const {
    T value{};
    socklen_t len = sizeof(value);
    Must(GetRaw(level, name, &value, &len), "getsockopt");
    return value;
  }
  long GetRaw(int level, int name, void *value, socklen_t *len) const {
    return Result(api_->getsockopt(fd_, level, name, value, len));
  }
  long GetResult(int level, int name) const;  // of an int, where it is to fail
  long SetTimeout(int option, int ms) const;  // SO_RCVTIMEO, SO_SNDTIMEO
  long SetNonBlocking(bool on = true) const;
  long Ioctl(unsigned long request, void *argument) const {
    return Result(api_->ioctl(fd_, request, argument));
  }
  int IoctlInt(unsigned long request) const;
  // What there is of `events`, and POLLERR, POLLHUP; 0 if nothing came.
  short Wait(short events, int timeout_ms = 10000) const;
  short Now(short events) const { return Wait(events, 0); }

 private:
  const SocketApi *api_ = nullptr;
  int fd_ = -EBADF;
};

using Pair = std::pair<Sock, Sock>;

// Of Contract/SUITE.TEST/WAY: SUITE and TEST.
std::pair<std::string_view, std::string_view> ContractName(const testing::TestInfo &);

// Counts descriptors around each test, and ends one that hangs.
class Contract : public testing::TestWithParam<const SocketApi *> {
 protected:
  void SetUp() override;
  void TearDown() override;

  const SocketApi &api() const { return *GetParam(); }
  Sock Socket(int domain, int type, int protocol = 0) const;
  Sock KernelSocket(int domain, int type, int protocol = 0) const;
  Sock TcpSocket() const { return Socket(AF_INET, SOCK_STREAM); }
  Sock UdpSocket() const { return Socket(AF_INET, SOCK_DGRAM); }
  Sock Udp6Socket() const { return Socket(AF_INET6, SOCK_DGRAM); }

  // Bound to a loopback address and a free port.
  Sock Bound(Sock s, const Addr &at = Addr::Loopback4()) const;
  Sock BoundUdp() const { return Bound(UdpSocket()); }
  Sock BoundUdp6() const { return Bound(Udp6Socket(), Addr::Loopback6()); }
  Sock Listener(const Addr &at = Addr::Loopback4(), int backlog = 16) const;
  // A port at which nobody listens; it stays taken as long as the socket lives.
  Sock ClosedPort(int type = SOCK_STREAM) const;
  // first connected, second accepted; or connected to each other.
  Pair TcpPair() const { return StreamPair(Listener(), TcpSocket()); }
  Pair StreamPair(Sock listener, Sock client) const;
  Pair UdpPair() const;
  Pair UnixPair(int type) const;
  // first is a listener whose queue is full, second the one in it.
  Pair FullListener() const;

  // Sends until the socket takes no more; how many bytes it took.
  static size_t Fill(const Sock &);

 private:
  bool Brokered() const { return api().brokered; }

  size_t descriptors_ = 0, broker_descriptors_ = 0, launcher_descriptors_ = 0;
  size_t broker_log_ = 0;  // where this test's part begins
};

// The same for a family that not every kernel has: there its tests are skipped.
// tests/vm/run runs them where they may not be.
class FamilyContract : public Contract {
 protected:
  FamilyContract(const char *name, int family, int type, int protocol = 0)
      : name_(name), family_(family), type_(type), protocol_(protocol) {}
  void SetUp() override;

  using Contract::Socket;
  Sock Socket() const { return Socket(family_, type_, protocol_); }

 private:
  const char *name_;
  int family_, type_, protocol_;
};

// Of the test program: its folder for sockets.
const std::string &Folder();
std::string FreshPath();   // in Folder(), not there yet
std::string FreshName();   // for abstract names

std::string Pattern(size_t bytes);  // that differs at each offset
// A value as it lies in memory, and back; bytes that lack are zeros.
template <class T>
std::string BytesOf(const T &value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof(value));
}
template <class T>
T ValueOf(std::string_view bytes) {
  T value = {};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}
template <class F>
auto InBackground(F f) {
  return std::async(std::launch::async, std::move(f));
}

// How long it has been.
class Stopwatch {
 public:
  int ms() const {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::steady_clock::now() - start_).count());
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

inline std::string ApiName(const testing::TestParamInfo<const SocketApi *> &info) {
  return info.param->name;
}

}  // namespace contract

// A suite of the contract, over all ways: Contract/NAME.TEST/WAY. NAME is a fixture
// of the suite's own, or made here.
#define CONTRACT_FIXTURE(NAME)                                                    \
  INSTANTIATE_TEST_SUITE_P(Contract, NAME, testing::ValuesIn(contract::AllApis()), \
                           contract::ApiName)
#define CONTRACT_SUITE(NAME)                 \
  class NAME : public contract::Contract {}; \
  CONTRACT_FIXTURE(NAME)

#endif  // SB_CONTRACT_SUPPORT_H
