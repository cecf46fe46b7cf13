// SPDX-License-Identifier: Apache-2.0
#include "support/raw_client.h"

#include <arpa/inet.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <sys/socket.h>

namespace sb_test {
namespace {

gpr_timespec After(int ms) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

std::string Text(grpc_slice s) {
  return std::string(reinterpret_cast<const char *>(GRPC_SLICE_START_PTR(s)), GRPC_SLICE_LENGTH(s));
}

grpc_slice Slice(const std::string &s) { return grpc_slice_from_copied_buffer(s.data(), s.size()); }

void PutVarint(std::string *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

uint64_t GetVarint(const std::string &in, size_t *at) {
  uint64_t value = 0;
  for (unsigned shift = 0; *at < in.size() && shift < 64; shift += 7) {
    auto byte = static_cast<unsigned char>(in[(*at)++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

// Calls visit(field, number, bytes) for each field; fixed-width ones don't occur.
template <class Visit>
void PbWalk(const std::string &m, Visit visit) {
  for (size_t at = 0; at < m.size();) {
    uint64_t tag = GetVarint(m, &at), value = GetVarint(m, &at);
    if ((tag & 7) == 2) {
      visit(static_cast<unsigned>(tag >> 3), uint64_t{0}, m.substr(at, value));
      at += value;
    } else {
      visit(static_cast<unsigned>(tag >> 3), value, std::string());
    }
  }
}

}  // namespace

const std::vector<OpName> kOps = {
    {kSend, "Send"}, {kRecv, "Recv"}, {kSendMany, "SendMany"}, {kRecvMany, "RecvMany"},
    {kPoll, "Poll"}, {kGetOption, "GetOption"}, {kSetOption, "SetOption"}, {kSocket, "Socket"},
    {kSocketPair, "SocketPair"}, {kClose, "Close"}, {kDup, "Dup"}, {kBind, "Bind"},
    {kListen, "Listen"}, {kAccept, "Accept"}, {kConnect, "Connect"}, {kShutdown, "Shutdown"},
    {kGetSockName, "GetSockName"}, {kGetPeerName, "GetPeerName"}, {kIoctl, "Ioctl"},
    {kGetAddrInfo, "GetAddrInfo"}, {kGetNameInfo, "GetNameInfo"}, {kGetHostByName, "GetHostByName"},
    {kGetHostByAddr, "GetHostByAddr"}, {kGetHostName, "GetHostName"}, {kSetHostName, "SetHostName"},
    {kGetProtoByName, "GetProtoByName"}, {kGetServByName, "GetServByName"},
    {kGetServByPort, "GetServByPort"}, {kIfNameIndex, "IfNameIndex"},
    {kIfNameToIndex, "IfNameToIndex"}, {kIfIndexToName, "IfIndexToName"}, {kConstants, "Constants"},
    {kShare, "Share"}, {kFromShare, "FromShare"}, {kGetDescriptor, "GetDescriptor"}, {kJudge, "Judge"}};

Pb &Pb::V(unsigned field, uint64_t number) {
  PutVarint(this, uint64_t{field} << 3);
  PutVarint(this, number);
  return *this;
}

Pb &Pb::B(unsigned field, const std::string &bytes) {
  PutVarint(this, uint64_t{field} << 3 | 2);
  PutVarint(this, bytes.size());
  append(bytes);
  return *this;
}

uint64_t PbNumber(const std::string &message, unsigned field) {
  uint64_t found = 0;
  PbWalk(message, [&](unsigned f, uint64_t n, const std::string &) { found = f == field ? n : found; });
  return found;
}

std::string PbBytes(const std::string &message, unsigned field) {
  std::string found;
  PbWalk(message, [&](unsigned f, uint64_t, const std::string &b) { found = f == field ? b : found; });
  return found;
}

Pb InetAddress(const std::string &ip, unsigned port) {
  unsigned char bytes[16];
  bool six = ip.find(':') != std::string::npos;
  if (inet_pton(six ? AF_INET6 : AF_INET, ip.c_str(), bytes) != 1) abort();
  std::string raw(reinterpret_cast<char *>(bytes), six ? 16 : 4);
  return Pb().B(six ? 2 : 1, Pb().B(1, raw).V(2, port));
}

Pb UnixAddress(const std::string &path) { return Pb().B(3, Pb().B(1, path)); }

unsigned PortOf(const std::string &address) {
  std::string inner = PbBytes(address, 1) + PbBytes(address, 2);
  return static_cast<unsigned>(PbNumber(inner, 2));
}

std::string Token(const std::string &welcome) { return PbBytes(welcome, 3); }

// ---- client ----

static grpc_arg Integer(const char *key, int value) {
  grpc_arg arg = {};
  arg.type = GRPC_ARG_INTEGER;
  arg.key = const_cast<char *>(key);
  arg.value.integer = value;
  return arg;
}

RawClient::RawClient(const std::string &address, bool compressed) {
  grpc_init();
  grpc_arg args[] = {
      Integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
      Integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
      Integer(GRPC_ARG_ENABLE_RETRIES, 0),
      Integer(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP),
  };
  grpc_channel_args all = {compressed ? size_t{4} : size_t{3}, args};
  grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
  channel_ = grpc_channel_create(address.c_str(), credentials, &all);
  grpc_channel_credentials_release(credentials);
  queue_ = grpc_completion_queue_create_for_next(nullptr);
}

RawClient::~RawClient() {
  grpc_channel_destroy(channel_);
  grpc_completion_queue_shutdown(queue_);
  while (grpc_completion_queue_next(queue_, After(kPatienceMs), nullptr).type == GRPC_OP_COMPLETE) {
  }
  grpc_completion_queue_destroy(queue_);
  grpc_shutdown();
}

bool RawClient::Wait(const Tag &tag, int timeout_ms) {
  gpr_timespec deadline = After(timeout_ms);
  while (tag.pending) {
    grpc_event e = grpc_completion_queue_next(queue_, deadline, nullptr);
    if (e.type != GRPC_OP_COMPLETE) return false;
    auto *done = static_cast<Tag *>(e.tag);
    done->pending = false;
    done->ok = e.success != 0;
  }
  return true;
}

RawClient::Result RawClient::Unary(const std::string &method, const std::string &bytes,
                                   const std::string &token) {
  RawCall call(*this, method, token);
  Result r = {-1, "", ""};
  call.StartSend(bytes);
  call.CloseSend();
  call.Receive(&r.reply);
  r.status = call.Finish();
  r.details = call.details();
  return r;
}

// ---- call ----

RawCall::RawCall(RawClient &client, const std::string &method, const std::string &token,
                 const std::string &key)
    : client_(client), status_details_(grpc_empty_slice()) {
  grpc_slice path = Slice(method[0] == '/' ? method : "/sockbroker.v1." + method);
  call_ = grpc_channel_create_call(client.channel_, nullptr, GRPC_PROPAGATE_DEFAULTS, client.queue_,
                                   path, nullptr, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
  grpc_slice_unref(path);
  grpc_metadata_array_init(&initial_);
  grpc_metadata_array_init(&trailing_);

  grpc_metadata md = {};
  grpc_slice name = Slice(key), value = Slice(token);
  md.key = name;
  md.value = value;
  grpc_op op = {};
  op.op = GRPC_OP_SEND_INITIAL_METADATA;
  op.data.send_initial_metadata.count = token.empty() ? 0 : 1;
  op.data.send_initial_metadata.metadata = &md;
  Batch(&op, 1, &opened_);
  grpc_slice_unref(name);
  grpc_slice_unref(value);

  op = {};
  op.op = GRPC_OP_RECV_INITIAL_METADATA;
  op.data.recv_initial_metadata.recv_initial_metadata = &initial_;
  Batch(&op, 1, &begun_);
  op = {};
  op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
  op.data.recv_status_on_client.trailing_metadata = &trailing_;
  op.data.recv_status_on_client.status = &status_;
  op.data.recv_status_on_client.status_details = &status_details_;
  Batch(&op, 1, &finished_);
}

RawCall::~RawCall() {
  Cancel();
  for (Tag *t : {&opened_, &begun_, &sent_, &closed_, &received_, &finished_})
    if (!client_.Wait(*t, kPatienceMs)) abort();
  if (message_) grpc_byte_buffer_destroy(message_);
  grpc_metadata_array_destroy(&initial_);
  grpc_metadata_array_destroy(&trailing_);
  grpc_slice_unref(status_details_);
  grpc_call_unref(call_);
}

void RawCall::Batch(const grpc_op *ops, size_t n, Tag *tag) {
  tag->pending = true;
  if (grpc_call_start_batch(call_, ops, n, tag, nullptr) != GRPC_CALL_OK) abort();
}

void RawCall::StartSend(const std::string &bytes) {
  grpc_slice slice = Slice(bytes);
  grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
  grpc_op op = {};
  op.op = GRPC_OP_SEND_MESSAGE;
  op.data.send_message.send_message = buffer;
  if (!Sent()) abort();
  Batch(&op, 1, &sent_);
  grpc_byte_buffer_destroy(buffer);
  grpc_slice_unref(slice);
}

bool RawCall::Sent(int timeout_ms) {
  return client_.Wait(sent_, timeout_ms);
}

void RawCall::CloseSend() {
  grpc_op op = {};
  op.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
  Batch(&op, 1, &closed_);
}

void RawCall::StartReceive() {
  if (received_.pending) return;
  grpc_op op = {};
  op.op = GRPC_OP_RECV_MESSAGE;
  op.data.recv_message.recv_message = &message_;
  Batch(&op, 1, &received_);
}

bool RawCall::Receive(std::string *ret, int timeout_ms) {
  if (!message_) StartReceive();
  if (!client_.Wait(received_, timeout_ms) || !message_) return false;
  grpc_byte_buffer_reader reader;
  grpc_byte_buffer_reader_init(&reader, message_);
  grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
  grpc_byte_buffer_reader_destroy(&reader);
  *ret = Text(all);
  grpc_slice_unref(all);
  grpc_byte_buffer_destroy(message_);
  message_ = nullptr;
  return true;
}

void RawCall::Cancel() { grpc_call_cancel(call_, nullptr); }

int RawCall::Finish(int timeout_ms) {
  if (!client_.Wait(finished_, timeout_ms)) return -1;
  details_ = Text(status_details_);
  return status_;
}

// ---- session ----

RawSession::RawSession(RawClient &client, bool hello) : stream_(client, "Broker/Session") {
  if (!hello) return;
  RawReply r = Do(kHello, Pb().V(1, 1).B(2, "raw client"));
  token_ = Token(r.body);
  welcome_error_ = r.error();
}

uint64_t RawSession::Put(unsigned op, const std::string &body, bool linked) {
  Pb request = Pb().V(1, ++last_id_);
  if (linked) request.V(2, 1);
  batch_.B(1, request.B(op, body));
  return last_id_;
}

bool RawSession::Flush() {
  std::string batch;
  batch.swap(batch_);
  return batch.empty() || stream_.Send(batch);
}

RawReply RawSession::Next(int timeout_ms) {
  std::string batch;
  if (ready_.empty() && stream_.Receive(&batch, timeout_ms))
    PbWalk(batch, [this](unsigned, uint64_t, const std::string &reply) {
      RawReply r;
      PbWalk(reply, [&r](unsigned field, uint64_t number, const std::string &body) {
        if (field == 1) r.id = number;
        else r.op = field, r.body = body;
      });
      ready_.push_back(r);
    });
  if (ready_.empty()) return RawReply();
  RawReply r = ready_.front();
  ready_.erase(ready_.begin());
  return r;
}

RawReply RawSession::Await(uint64_t id, int timeout_ms) {
  while (!early_.count(id)) {
    RawReply r = Next(timeout_ms);
    if (!r.op) return r;
    early_[r.id] = r;
  }
  RawReply r = early_[id];
  early_.erase(id);
  return r;
}

RawReply RawSession::Do(unsigned op, const std::string &body) {
  uint64_t id = Put(op, body);
  return Flush() ? Await(id) : RawReply();
}

uint32_t RawSession::Socket(int family, int type, int protocol) {
  return Do(kSocket, Pb().V(2, static_cast<uint64_t>(family)).V(3, static_cast<uint64_t>(type))
                         .V(4, static_cast<uint64_t>(protocol))).handle();
}

}  // namespace sb_test
