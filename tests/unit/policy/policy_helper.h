/* SPDX-License-Identifier: Apache-2.0 */
/* policy_helper.h - a policy from text, and questions to it in words. */
#ifndef SB_TEST_POLICY_HELPER_H
#define SB_TEST_POLICY_HELPER_H

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "policy/policy.h"

struct PolicyDeleter {
  void operator()(struct policy *p) const { policy_unref(p); }
};
using PolicyPtr = std::unique_ptr<struct policy, PolicyDeleter>;

inline PolicyPtr Parse(const std::string &text, std::string *error = nullptr) {
  char message[512] = "";
  PolicyPtr p(policy_parse(text.data(), text.size(), "test.yaml", message, sizeof(message)));
  if (error) *error = message;
  else EXPECT_TRUE(p) << message << "\n" << text;
  return p;
}

/* One rule for everyone, of the lines given, in the flow style. */
inline PolicyPtr Rule(const std::string &keys) {
  return Parse("version: 1\nrules:\n  - { name: r, who: everyone, " + keys + " }\n");
}

/* A rule before, that denies, and one that allows. */
inline PolicyPtr Rules(const std::string &first, const std::string &second) {
  return Parse("version: 1\nrules:\n  - { name: first, who: everyone, " + first +
               " }\n  - { name: second, who: everyone, " + second + " }\n");
}

inline struct intent Words(const std::string &text) {
  static std::deque<std::string> words; /* an intent borrows from them */
  std::istringstream in(text);
  std::vector<char *> argv;
  struct intent ret = {};
  char error[256] = "";
  for (std::string w; in >> w;) argv.push_back(words.emplace_back(w).data());
  EXPECT_EQ(0, intent_parse(static_cast<int>(argv.size()), argv.data(), &ret, error, sizeof(error)))
      << text << ": " << error;
  return ret;
}

inline const struct subject kSomebody = {1234, 1234, nullptr, 0};

inline struct verdict Judge(const PolicyPtr &p, const struct intent &in) {
  return policy_judge(p.get(), &kSomebody, &in, nullptr, 0);
}
inline struct verdict Judge(const PolicyPtr &p, const std::string &words) {
  return Judge(p, Words(words));
}

#define EXPECT_ALLOWED(policy, words) EXPECT_EQ(0, Judge(policy, words).error) << (words)
#define EXPECT_DENIED(policy, words) EXPECT_EQ(-EACCES, Judge(policy, words).error) << (words)

#endif
