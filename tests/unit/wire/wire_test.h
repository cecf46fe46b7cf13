/* SPDX-License-Identifier: Apache-2.0 */
/* wire_test.h - what the tests of proto/wire share: an arena that ends with the
 * test, and a count of open descriptors around it. */
#ifndef SB_WIRE_TEST_H
#define SB_WIRE_TEST_H

#include <dirent.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "wire/arena.h"

inline int open_descriptors()
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

class WireTest : public ::testing::Test {
protected:
	WireTest() { arena_init(&arena); }
	~WireTest() override
	{
		arena_reset(&arena);
		EXPECT_EQ(open_descriptors(), descriptors);
	}

	ProtobufCAllocator *allocator() { return &arena.allocator; }

	/* Bytes of a message, for as long as the test. */
	ProtobufCBinaryData bytes(const std::string &s)
	{
		auto *copy = static_cast<uint8_t *>(arena_alloc(&arena, s.size()));

		if (!s.empty())
			memcpy(copy, s.data(), s.size());
		return { s.size(), s.empty() ? nullptr : copy };
	}

	static std::string text(const ProtobufCBinaryData &b)
	{
		return std::string(reinterpret_cast<const char *>(b.data), b.len);
	}

	struct arena arena;
	int descriptors = open_descriptors();
};

#endif
