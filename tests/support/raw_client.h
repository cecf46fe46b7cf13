// SPDX-License-Identifier: Apache-2.0
//
// A gRPC client that is not our library, and may be hostile: it sends any
// bytes to any method, with any metadata, and need not read what comes back.
// Messages are written and read by hand, so that they can be wrong.
//
//   RawClient client(broker.address());
//   RawSession session(client);
//   RawReply r = session.Do(kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM));
//
// A client, its sessions and its calls belong to one thread.
#ifndef SB_TESTS_SUPPORT_RAW_CLIENT_H
#define SB_TESTS_SUPPORT_RAW_CLIENT_H

#include <grpc/grpc.h>
#include <sys/types.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace sb_test {

constexpr int kPatienceMs = 30000;

// Operations, by their field in Request's and Reply's oneof.
enum Op : unsigned {
  kSend = 3, kRecv = 4, kSendMany = 5, kRecvMany = 6, kPoll = 7, kGetOption = 8, kSetOption = 9,
  kSocket = 16, kSocketPair = 17, kClose = 18, kDup = 19, kBind = 20, kListen = 21, kAccept = 22,
  kConnect = 23, kShutdown = 24, kGetSockName = 25, kGetPeerName = 26, kIoctl = 27,
  kGetAddrInfo = 28, kGetNameInfo = 29, kGetHostByName = 30, kGetHostByAddr = 31, kGetHostName = 32,
  kSetHostName = 33, kGetProtoByName = 34, kGetServByName = 35, kGetServByPort = 36,
  kIfNameIndex = 37, kIfNameToIndex = 38, kIfIndexToName = 39, kConstants = 40,
  kShare = 41, kFromShare = 42, kGetDescriptor = 43, kJudge = 44,
  kHello = 100, kCancel = 101,
};
struct OpName { unsigned op; const char *method; };
extern const std::vector<OpName> kOps;  // all but Hello and Cancel

// A protobuf message, written field by field.
class Pb : public std::string {
 public:
  Pb &V(unsigned field, uint64_t number);
  Pb &B(unsigned field, const std::string &bytes);
};
// The last number, or the last bytes, of a field; 0 or "" without it.
uint64_t PbNumber(const std::string &message, unsigned field);
std::string PbBytes(const std::string &message, unsigned field);

Pb InetAddress(const std::string &ip, unsigned port);  // an Address, of either family
Pb UnixAddress(const std::string &path);
unsigned PortOf(const std::string &address);
std::string Token(const std::string &welcome);

struct Tag { bool pending = false, ok = false; };

class RawClient {
 public:
  // `compressed`: messages are sent with gzip.
  explicit RawClient(const std::string &address, bool compressed = false);
  ~RawClient();
  RawClient(const RawClient &) = delete;
  RawClient &operator=(const RawClient &) = delete;

  struct Result { int status; std::string details, reply; };
  // `method`: "Broker/Bind", "Admin/GetStatus", or a whole path.
  Result Unary(const std::string &method, const std::string &bytes, const std::string &token = "");

 private:
  friend class RawCall;
  bool Wait(const Tag &tag, int timeout_ms);
  grpc_channel *channel_;
  grpc_completion_queue *queue_;
};

class RawCall {
 public:
  RawCall(RawClient &, const std::string &method, const std::string &token = "",
          const std::string &key = "sockbroker-session");
  ~RawCall();  // cancels it
  RawCall(const RawCall &) = delete;
  RawCall &operator=(const RawCall &) = delete;

  void StartSend(const std::string &bytes);
  bool Sent(int timeout_ms = kPatienceMs);
  bool Send(const std::string &bytes) { StartSend(bytes); return Sent(); }
  void CloseSend();
  void StartReceive();
  // False: the stream has ended, or the time was up. Goes on with a receive that
  // has been started.
  bool Receive(std::string *ret, int timeout_ms = kPatienceMs);
  void Cancel();
  // The gRPC status; -1: none came in time.
  int Finish(int timeout_ms = kPatienceMs);
  const std::string &details() const { return details_; }

 private:
  void Batch(const grpc_op *ops, size_t n, Tag *tag);
  RawClient &client_;
  grpc_call *call_;
  Tag opened_, begun_, sent_, closed_, received_, finished_;
  grpc_metadata_array initial_, trailing_;
  grpc_byte_buffer *message_ = nullptr;
  grpc_status_code status_ = GRPC_STATUS_UNKNOWN;
  grpc_slice status_details_;
  std::string details_;
};

struct RawReply {
  uint64_t id = 0;
  unsigned op = 0;  // 0: none came
  std::string body;
  int error() const { return op ? static_cast<int>(PbNumber(body, 1)) : -1; }
  uint32_t handle() const { return static_cast<uint32_t>(PbNumber(body, 2)); }
};

class RawSession {
 public:
  explicit RawSession(RawClient &, bool hello = true);
  const std::string &token() const { return token_; }
  int welcome_error() const { return welcome_error_; }
  RawCall &stream() { return stream_; }

  // Adds a request to the message that Flush() sends. Returns its id.
  uint64_t Put(unsigned op, const std::string &body, bool linked = false);
  bool Flush();
  RawReply Next(int timeout_ms = kPatienceMs);
  RawReply Await(uint64_t id, int timeout_ms = kPatienceMs);
  RawReply Do(unsigned op, const std::string &body);
  // The handle of a new socket, or 0.
  uint32_t Socket(int family, int type, int protocol = 0);

 private:
  RawCall stream_;
  std::string token_;
  int welcome_error_ = -1;
  Pb batch_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, RawReply> early_;
  std::vector<RawReply> ready_;
};

// A process of its own, which runs `client` as another user and ends. It was
// never near gRPC before.
class OtherProcess {
 public:
  typedef void (*Client)(const std::string &argument, int out);
  OtherProcess(uid_t uid, Client client, const std::string &argument);
  ~OtherProcess();  // kills it
  OtherProcess(const OtherProcess &) = delete;
  OtherProcess &operator=(const OtherProcess &) = delete;
  std::string Line(int timeout_ms = kPatienceMs);  // what it writes next; "": it ended
  void Kill();
  void Signal(int signal);

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};
void Say(int out, const std::string &line);

// A well-behaved session that makes round trips while it lives.
class Watcher {
 public:
  explicit Watcher(const std::string &address);
  ~Watcher();
  // "" if all went well so far and none took longer than `bound_ms`.
  std::string Complaint(double bound_ms = 2000);

 private:
  void Run();
  std::string address_;
  std::atomic<bool> stop_{false};
  std::atomic<int> trips_{0}, errors_{0};
  std::atomic<double> worst_ms_{0};
  std::thread thread_;
};

// What a broker holds: for comparing before and after.
struct Holdings {
  uint64_t descriptors = 0, sockets = 0, sessions = 0, connections = 0, resident_bytes = 0;
  std::string Text() const;
};
Holdings HoldingsOf(RawClient &client, pid_t pid);
// Asks until nothing exceeds `before` (memory aside), at most 20 s. "" or what remains.
std::string AwaitHoldings(RawClient &client, pid_t pid, const Holdings &before);

}  // namespace sb_test

#endif
