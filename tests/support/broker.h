// SPDX-License-Identifier: Apache-2.0
//
// A sockbrokerd of the test's own, on a UNIX path in a folder of its own.
//
//   sb_test::Broker broker;                     // serves the user who runs the test
//   ASSERT_TRUE(broker.Started()) << broker.Log();
//   sb_broker *b = sb_connect_broker(broker.address().c_str(), SB_TRANSPORT_STREAM);
//
// The daemon's stderr goes to a file that Log() reads. It ends with the test
// program, however that ends. Link the target sb_test_broker.
#ifndef SB_TESTS_SUPPORT_BROKER_H
#define SB_TESTS_SUPPORT_BROKER_H

#include <sys/types.h>

#include <string>
#include <vector>

namespace sb_test {

class Broker {
 public:
  // `policy_yaml`: the text of a policy file; empty: no file, the broker serves
  // its own user only (and when that is root, which a broker refuses without a
  // policy, OpenPolicy(uid) is taken). `uid`: whom the daemon is started as.
  explicit Broker(std::vector<std::string> extra_args = {}, std::string policy_yaml = "",
                  uid_t uid = static_cast<uid_t>(-1));
  ~Broker();
  Broker(const Broker &) = delete;
  Broker &operator=(const Broker &) = delete;

  // It listens. False: it ended, or said nothing within 30 s; see Log().
  bool Started() const { return started_; }
  std::string address() const { return "unix:" + folder_ + "/broker.sock"; }
  std::string folder() const { return folder_; }
  std::string policy_path() const { return folder_ + "/policy.yaml"; }
  pid_t pid() const { return pid_; }

  // Ends it with SIGTERM. True: it ended by itself with exit status 0, within
  // 30 s. Once it has been stopped, what that said.
  bool Stop();
  // kill -9, as a crash would.
  void Kill();
  // What it has written to stderr so far.
  std::string Log() const;

  // A policy by which `uid` may do everything that needs no naming, on any
  // address, loopback included, lending every capability.
  static std::string OpenPolicy(uid_t uid);

 private:
  void Start(const std::vector<std::string> &extra_args, bool with_policy, uid_t uid);
  bool WaitReady(int ready_fd);
  int Wait();

  std::string folder_;
  pid_t pid_ = -1;
  bool started_ = false;
  bool stopped_well_ = false;
};

}  // namespace sb_test

#endif
