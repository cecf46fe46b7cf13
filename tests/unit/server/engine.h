// SPDX-License-Identifier: Apache-2.0
//
// The call engine by itself: one shard and one session, without gRPC and without
// a thread of the shard's: the test is the waiting thread.
//
//   Engine e;
//   Pair p = e.AdoptPair(SOCK_STREAM);
//   Answer *recv = e.Begin<Sockbroker__V1__RecvRequest>("Recv", [&](auto *q) {...});
//   p.Write("x");
//   ASSERT_TRUE(e.RunUntil(recv));
//   EXPECT_EQ(recv->data(), "x");
#ifndef SB_TESTS_UNIT_SERVER_ENGINE_H
#define SB_TESTS_UNIT_SERVER_ENGINE_H

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "c_headers.h"

namespace sb_test {

constexpr int kEngineResolvers = 4;

// One call, and what became of it.
struct Answer {
  class Engine *engine = nullptr;
  struct call *call = nullptr;  // until it is done; with keep, until Engine::Free()
  bool done = false;
  bool keep = false;
  int error = 0;                // -errno
  int order = -1;               // how many calls were done before it
  std::vector<uint8_t> packed;  // the reply
  std::shared_ptr<ProtobufCMessage> message;

  // The reply; only once it is done.
  template <typename T>
  const T *reply() const {
    return reinterpret_cast<const T *>(message.get());
  }
  // Of a Recv.
  std::string data() const;
};

// A brokered socket, and the test's end of it.
struct Pair {
  uint32_t handle = 0;
  int fd = -1;
  void Write(const std::string &bytes) const;
  std::string Read(size_t most) const;  // what is there; empty: nothing
};

class Engine {
 public:
  // `policy_yaml`: empty: the same user may do all.
  explicit Engine(const std::string &policy_yaml = "", unsigned workers = 1);
  ~Engine();
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;
  // Memory was there for the session (the fault tests see to it that it is not).
  bool ok() const { return session_ != nullptr; }

  struct shard *shard() { return &shard_; }
  struct session *session() { return session_; }
  struct session *OpenSession(const char *client);
  void CloseSession();

  // A handle for a descriptor of the test's, which is taken. 0: it failed.
  uint32_t Adopt(int fd, int family, int type);
  Pair AdoptPair(int type);
  struct sock *Sock(uint32_t handle) {
    return static_cast<struct sock *>(handles_find(&session_->handles, handle));
  }

  // Starts a call. `id` 0: as a unary one. Returns nullptr when memory is out.
  template <typename Request>
  Answer *Begin(const char *method, const std::function<void(Request *)> &fill,
                uint64_t id = 0, bool linked = false, bool keep = false) {
    const struct op *op = op_find(method, strlen(method));
    shard_enter(&shard_);
    Answer *a = New(op);
    if (a) {
      a->keep = keep;
      a->call->id = id;
      fill(reinterpret_cast<Request *>(a->call->request));
      call_start(a->call, linked);
    }
    shard_leave(&shard_);
    return a;
  }
  bool Cancel(Answer *a);
  void Undo(Answer *a);  // of a kept one: nobody heard it
  void Free(Answer *a);

  bool IsDone(const Answer *a);
  // Turns until it is done; false: not within `seconds`.
  bool RunUntil(const Answer *a, int seconds = 20);
  // Waits for something and hands it out. False: nothing came within the time.
  bool Turn(int timeout_ms);
  // Turns while there is something at once, at most `most` times; returns how often.
  int Settle(int most = 100);

  // Short forms.
  Answer *Recv(uint32_t handle, uint32_t length, int64_t timeout_ns = -1, uint64_t id = 0,
               uint32_t flags = 0, bool keep = false);
  Answer *Send(uint32_t handle, const std::string &data, int64_t timeout_ns = -1,
               uint64_t id = 0, uint32_t flags = 0);
  Answer *Close(uint32_t handle, uint64_t id = 0);
  Answer *GetSockName(uint32_t handle, uint64_t id = 0, bool linked = false);

 private:
  Answer *New(const struct op *op);
  static void OnDone(struct call *c);

  struct policy *policy_ = nullptr;
  struct workers *workers_ = nullptr, *resolvers_ = nullptr;
  struct shard shard_ = {};
  bool shard_made_ = false;
  struct peer *peer_ = nullptr;
  struct session *session_ = nullptr;
  int finished_ = 0;
  int notify_ = -1;  // an eventfd: a call is done
  std::vector<std::unique_ptr<Answer>> answers_;
};

}  // namespace sb_test

#endif
