// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <random>

#include "c_headers.h"

namespace {

class Handles : public testing::Test {
 protected:
  void TearDown() override { handles_free(&table_); }
  void Insert(uint32_t n) { ASSERT_EQ(handles_insert(&table_, n, Value(n)), 0); }
  static void *Value(uint32_t n) { return reinterpret_cast<void *>(static_cast<uintptr_t>(n) + 1); }
  void ExpectAll(const std::map<uint32_t, void *> &model) {
    ASSERT_EQ(table_.count, model.size());
    for (auto &[n, value] : model) ASSERT_EQ(handles_find(&table_, n), value) << n;
  }
  struct handles table_ = {};
};

TEST_F(Handles, AnEmptyTableFindsAndRemovesNothing) {
  EXPECT_EQ(handles_find(&table_, 1), nullptr);
  EXPECT_EQ(handles_remove(&table_, 1), nullptr);
}

TEST_F(Handles, TheNumberZeroIsNobodys) {
  Insert(1);
  EXPECT_EQ(handles_find(&table_, 0), nullptr);
  EXPECT_EQ(handles_remove(&table_, 0), nullptr);
}

TEST_F(Handles, ANumberIsTakenOnce) {
  Insert(7);
  EXPECT_EQ(handles_insert(&table_, 7, Value(8)), -EEXIST);
  EXPECT_EQ(handles_find(&table_, 7), Value(7));
  EXPECT_EQ(table_.count, 1u);
}

TEST_F(Handles, ExtremeNumbersAreNumbersLikeOthers) {
  std::map<uint32_t, void *> model;
  for (uint32_t n : {1u, 2u, 0x7fffffffu, 0x80000000u, 0x80000001u, 0xfffffffeu, 0xffffffffu}) {
    Insert(n);
    model[n] = Value(n);
  }
  ExpectAll(model);
}

// Whatever was inserted and removed, the table says what a map says. Small numbers,
// far ones and multiples of large powers of two: those that collide.
TEST_F(Handles, AgreesWithAMapAfterEveryStepOfARandomWalk) {
  std::mt19937 random(20240101);
  std::map<uint32_t, void *> model;
  for (uint64_t seed : {1ull, 0x9e3779b97f4a7c15ull, 1ull << 40}) {
    handles_free(&table_);
    model.clear();
    handles_seed(seed);
    for (int step = 0; step < 20000; step++) {
      auto n = static_cast<uint32_t>(1 + random() % 60);
      if (random() % 3 == 0) n <<= 24;
      if (random() % 3 == 0) n += 0x80000000u;
      if (!n) continue;
      if (random() % 2) {
        ASSERT_EQ(handles_insert(&table_, n, Value(n)), model.count(n) ? -EEXIST : 0);
        model[n] = Value(n);
      } else {
        ASSERT_EQ(handles_remove(&table_, n), model.count(n) ? Value(n) : nullptr);
        model.erase(n);
      }
      if (step % 16 == 0) ExpectAll(model);
    }
    ExpectAll(model);
  }
  handles_seed(0x9e3779b97f4a7c15ull);
}

// A run of entries that goes over the end of the array: a gap in it is closed
// across the end, whichever entry goes first.
TEST_F(Handles, AGapIsClosedAcrossTheEndOfTheTable) {
  handles_seed(1ull << 20);  // then the home of n is n modulo the capacity
  for (uint32_t first = 0; first < 6; first++) {
    handles_free(&table_);
    std::map<uint32_t, void *> model;
    for (uint32_t n : {7u, 15u, 23u, 31u, 39u, 47u}) {  // all at home in the last slot
      Insert(n);
      model[n] = Value(n);
    }
    ASSERT_EQ(table_.capacity, 8u);
    ASSERT_NE(table_.slots[0].number, 0u) << "the run does not go round";
    uint32_t gone = 7 + 8 * first;
    EXPECT_EQ(handles_remove(&table_, gone), Value(gone));
    model.erase(gone);
    ExpectAll(model);
    EXPECT_EQ(handles_find(&table_, gone), nullptr);
  }
  handles_seed(0x9e3779b97f4a7c15ull);
}

TEST_F(Handles, GrowingKeepsEveryEntry) {
  std::map<uint32_t, void *> model;
  for (uint32_t n = 1; n <= 5000; n++) {
    Insert(n * 977);
    model[n * 977] = Value(n * 977);
  }
  ExpectAll(model);
}

}  // namespace
