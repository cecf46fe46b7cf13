// SPDX-License-Identifier: Apache-2.0
//
// A program under `sockbroker run` that means ill, as the user nobody, in a network of
// the test's own. What it runs is a Child: a function of this very program, by name. The
// test is root, outside, and sees what came of it.
#ifndef SB_TESTS_INTEGRATION_HOSTILE_CHILD_H
#define SB_TESTS_INTEGRATION_HOSTILE_CHILD_H

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/broker.h"
#include "support/launcher.h"

// What the policy gives nobody on 127.0.0.1, and what is next to it and denied.
constexpr uint16_t kPort = 7001, kDeniedPort = 7002;  // connect, send
constexpr uint16_t kLow = 80, kDeniedLow = 81;        // bind, of TCP alone
constexpr int kMark = 1, kDeniedMark = 2;             // SO_MARK

sockaddr_in Loopback(uint16_t port);
// A bound socket's.
uint16_t PortOf(int fd);

// ---- in the child ----

// The test fails with that text.
void Complain(const std::string &text);
// Complains if it is not so; returns whether it is.
bool Expect(bool is_so, const std::string &otherwise);
// The result, or -errno.
long Result(long returned);
// What policy denies is denied, and what it gives is given: the filter is whole.
void ExpectTheFilter(bool all);
// Of a function in a process of its own: its exit status, or minus the signal.
int InAProcess(const std::function<int()> &run);
// One byte to the test and one from it: it looks meanwhile.
void LetTheTestLook();

class Child {
 public:
  using Arguments = std::vector<std::string>;
  Child(const char *name, void (*run)(const Arguments &));
};

// ---- in the test ----

class HostileChild : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Starts it; `mode`: "run", "run --all"; "": without a launcher.
  pid_t Start(const std::string &mode, const std::string &child, Child::Arguments = {});
  // Waits for one, which is to have that status; what it complained of, or "".
  std::string Complaints(pid_t, int status = 0);
  // What all have written.
  std::string Output();
  std::string Run(const std::string &mode, const std::string &child, Child::Arguments arguments = {}) {
    return Complaints(Start(mode, child, std::move(arguments)));
  }
  // Until a child calls LetTheTestLook(); then let it go on.
  bool AwaitLook();
  void GoOn();

  // A descriptor of the kernel's own.
  int Bound(int type, uint16_t port);
  size_t DescriptorsOf(pid_t) const;
  // Whether a process comes back to so many, within a minute.
  bool ComesBackTo(pid_t, size_t descriptors) const;

  const std::string &address() const { return address_; }
  sb_test::Broker &broker() { return *broker_; }

 private:
  std::unique_ptr<sb_test::Programs> programs_;
  std::unique_ptr<sb_test::Broker> broker_;
  std::string address_;
  std::vector<int> fds_;
  size_t broker_descriptors_ = 0;
  int output_ = -1, channel_ = -1, child_channel_ = -1;
};

#endif
