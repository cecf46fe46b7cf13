// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cassert>
#include <chrono>
#include <cstring>

namespace sb_test {
namespace {
constexpr uid_t kUser = 1234;
}

std::string Answer::data() const {
  auto *r = reply<Sockbroker__V1__RecvReply>();
  return std::string(reinterpret_cast<const char *>(r->data.data), r->data.len);
}

void Pair::Write(const std::string &bytes) const {
  if (!handle) return;  // could not be made
  ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  assert(n == static_cast<ssize_t>(bytes.size()));
  (void)n;
}

std::string Pair::Read(size_t most) const {
  std::string bytes(most, '\0');
  ssize_t n = recv(fd, bytes.data(), most, MSG_DONTWAIT);
  bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return bytes;
}

Engine::Engine(const std::string &policy_yaml, unsigned workers)
    : notify_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  char error[500] = "";
  op_table_init();
  policy_ = policy_yaml.empty() ? policy_same_user(kUser)
                                : policy_parse(policy_yaml.data(), policy_yaml.size(), "test.yaml",
                                               error, sizeof(error));
  if (!policy_ && error[0]) fprintf(stderr, "%s\n", error);
  workers_ = policy_ ? workers_new(workers) : nullptr;
  resolvers_ = workers_ ? workers_new(kEngineResolvers) : nullptr;
  shard_made_ = resolvers_ && shard_init(&shard_, 0, 1, workers_, resolvers_, policy_) == 0;
  peer_ = static_cast<struct peer *>(calloc(1, sizeof(*peer_)));
  if (!peer_) return;
  peer_->refs = 1;
  peer_->pid = 1;
  peer_->pidfd = -1;
  peer_->subject.uid = kUser;
  peer_->subject.gid = kUser;
  if (shard_made_) session_ = OpenSession("test");
}

Engine::~Engine() {
  CloseSession();
  for (auto &a : answers_)
    if (a->done && a->call) Free(a.get());
  workers_ = workers_free(workers_);  // what is under way ends
  if (!crews_end(10000)) abort();
  resolvers_ = workers_free(resolvers_);
  if (shard_made_) shard_done(&shard_);
  peer_unref(peer_);
  policy_unref(policy_);
  close(notify_);
}

struct session *Engine::OpenSession(const char *client) {
  struct session *s = nullptr;
  shard_enter(&shard_);
  int r = session_open(&shard_, peer_, client, &s);
  shard_leave(&shard_);
  return r == 0 ? s : nullptr;
}

void Engine::CloseSession() {
  if (!session_) return;
  shard_enter(&shard_);
  session_close(session_);
  session_ = nullptr;
  shard_leave(&shard_);
}

uint32_t Engine::Adopt(int fd, int family, int type) {
  struct sock *s = nullptr;
  uint32_t handle = 0;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  shard_enter(&shard_);
  if (sock_new(session_, fd, family, type, 0, &s) == 0) {
    if (sock_publish(s, 0, &handle) < 0) handle = 0;
    sock_unref(s);
  } else {
    close(fd);
  }
  shard_leave(&shard_);
  return handle;
}

Pair Engine::AdoptPair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds)) abort();
  return Pair{Adopt(fds[0], AF_UNIX, type), fds[1]};
}

Answer *Engine::New(const struct op *op) {
  struct call *c = call_new(session_);
  if (!c) return nullptr;
  const ProtobufCMessageDescriptor *d = op_layout(op)->request;
  auto *request = static_cast<ProtobufCMessage *>(arena_alloc(&c->arena, d->sizeof_message));
  if (request) protobuf_c_message_init(d, request);
  if (!request || call_set_op(c, op, request) < 0) {
    call_free(c);
    return nullptr;
  }
  answers_.push_back(std::make_unique<Answer>());
  Answer *a = answers_.back().get();
  a->engine = this;
  a->call = c;
  c->done = OnDone;
  c->owner = a;
  return a;
}

void Engine::OnDone(struct call *c) {
  auto *a = static_cast<Answer *>(c->owner);
  uint64_t one = 1;
  assert(!a->done);
  a->done = true;
  a->error = c->error;
  a->order = a->engine->finished_++;
  a->packed.resize(protobuf_c_message_get_packed_size(c->reply));
  protobuf_c_message_pack(c->reply, a->packed.data());
  a->message.reset(
      protobuf_c_message_unpack(c->reply->descriptor, nullptr, a->packed.size(), a->packed.data()),
      [](ProtobufCMessage *m) { protobuf_c_message_free_unpacked(m, nullptr); });
  if (write(a->engine->notify_, &one, sizeof(one)) < 0) abort();
  if (a->keep) return;
  call_free(c);
  a->call = nullptr;
}

bool Engine::Cancel(Answer *a) {
  shard_enter(&shard_);
  bool found = !a->done && call_cancel(a->call);
  shard_leave(&shard_);
  return found;
}

void Engine::Undo(Answer *a) {
  shard_enter(&shard_);
  a->call->op->undo(a->call);
  shard_leave(&shard_);
}

void Engine::Free(Answer *a) {
  shard_enter(&shard_);
  call_free(a->call);
  a->call = nullptr;
  shard_leave(&shard_);
}

bool Engine::IsDone(const Answer *a) {
  shard_enter(&shard_);
  bool done = a->done;
  shard_leave(&shard_);
  return done;
}

bool Engine::Turn(int timeout_ms) {
  pollfd fds[2] = {{shard_.poller.epoll_fd, POLLIN, 0}, {notify_, POLLIN, 0}};
  uint64_t count;
  if (poll(fds, 2, timeout_ms) <= 0) return false;
  if (fds[1].revents && read(notify_, &count, sizeof(count)) < 0) abort();
  if (!fds[0].revents) return true;
  struct poller_batch batch;
  poller_wait(&shard_.poller, &batch);
  shard_enter(&shard_);
  poller_dispatch(&shard_.poller, &batch);
  shard_leave(&shard_);
  return true;
}

bool Engine::RunUntil(const Answer *a, int seconds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!IsDone(a) && std::chrono::steady_clock::now() < end) Turn(100);
  return IsDone(a);
}

int Engine::Settle(int most) {
  int n = 0;
  while (n < most && Turn(0)) n++;
  return n;
}

Answer *Engine::Recv(uint32_t handle, uint32_t length, int64_t timeout_ns, uint64_t id,
                     uint32_t flags, bool keep) {
  return Begin<Sockbroker__V1__RecvRequest>(
      "Recv",
      [&](auto *q) {
        q->handle = handle;
        q->length = length;
        q->flags = flags;
        if (timeout_ns < 0) return;
        q->timeout_case = SOCKBROKER__V1__RECV_REQUEST__TIMEOUT_TIMEOUT_NS;
        q->timeout_ns = static_cast<uint64_t>(timeout_ns);
      },
      id, false, keep);
}

Answer *Engine::Send(uint32_t handle, const std::string &data, int64_t timeout_ns, uint64_t id,
                     uint32_t flags) {
  const struct op *op = op_find("Send", 4);
  shard_enter(&shard_);
  Answer *a = New(op);
  if (a) {
    auto *q = reinterpret_cast<Sockbroker__V1__SendRequest *>(a->call->request);
    auto *bytes = static_cast<uint8_t *>(arena_alloc(&a->call->arena, data.size()));
    q->handle = handle;
    q->flags = flags;
    if (bytes && !data.empty()) memcpy(bytes, data.data(), data.size());
    q->data = {bytes ? data.size() : 0, bytes};
    if (timeout_ns >= 0) {
      q->timeout_case = SOCKBROKER__V1__SEND_REQUEST__TIMEOUT_TIMEOUT_NS;
      q->timeout_ns = static_cast<uint64_t>(timeout_ns);
    }
    a->call->id = id;
    call_start(a->call, false);
  }
  shard_leave(&shard_);
  return a;
}

Answer *Engine::Close(uint32_t handle, uint64_t id) {
  return Begin<Sockbroker__V1__CloseRequest>("Close", [&](auto *q) { q->handle = handle; }, id);
}

Answer *Engine::GetSockName(uint32_t handle, uint64_t id, bool linked) {
  return Begin<Sockbroker__V1__GetSockNameRequest>(
      "GetSockName", [&](auto *q) { q->handle = handle; }, id, linked);
}

}  // namespace sb_test
