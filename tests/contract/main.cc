// SPDX-License-Identifier: Apache-2.0
//
// contract_test [--way=NAME] [GOOGLETEST'S]... - without --way in all the ways that
// this process has; with it in one that is a process of its own (launched.h).
#include <gtest/gtest.h>

#include "launched.h"

int main(int argc, char **argv) {
  static constexpr std::string_view option = "--way=";
  if (argc > 1 && std::string_view(argv[1]).substr(0, option.size()) == option)
    return contract::RunLaunched(argv[1] + option.size(), {argv + 2, argv + argc});
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
