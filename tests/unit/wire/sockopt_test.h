/* SPDX-License-Identifier: Apache-2.0 */
/* sockopt_test.h - what the tests of options share. */
#ifndef SB_SOCKOPT_TEST_H
#define SB_SOCKOPT_TEST_H

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "wire/sockopt.h"
#include "wire_test.h"

using Value = Sockbroker__V1__OptionValue;

class SockoptTest : public WireTest {
protected:
	const struct sockopt *row(const char *text)
	{
		const struct sockopt *r = sockopt_find_text(text);

		EXPECT_NE(r, nullptr) << text;
		return r;
	}

	template <typename T> int encode(const char *text, const T &raw, size_t len = sizeof(T))
	{
		return sockopt_encode(row(text), &raw, static_cast<socklen_t>(len), allocator(), &value);
	}

	int decode(const char *text) { return decode(text, nullptr); }

	int decode(const char *text, const uint32_t *length) { return decode_row(row(text), length); }

	int decode_row(const struct sockopt *opt, const uint32_t *length)
	{
		buffer.assign(SOCKOPT_BYTES_MAX, 0xee);
		return sockopt_decode(opt, value, length, buffer.data(), buffer.size(), &used);
	}

	int decode(const char *text, uint32_t length) { return decode(text, &length); }

	template <typename T> void expect_round_trip(const char *text, const T &raw,
						     size_t len = sizeof(T))
	{
		ASSERT_EQ(encode(text, raw, len), 0) << text;
		ASSERT_EQ(decode(text, static_cast<uint32_t>(len)), 0) << text;
		ASSERT_EQ(used, len) << text;
		EXPECT_EQ(memcmp(buffer.data(), &raw, len), 0) << text;
	}

	template <typename T> T result()
	{
		T t;

		memcpy(&t, buffer.data(), sizeof(t));
		return t;
	}

	Value *integer(int64_t number)
	{
		own = SOCKBROKER__V1__OPTION_VALUE__INIT;
		own.kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER;
		own.integer = number;
		return value = &own;
	}

	Value *octets(const std::string &s)
	{
		own = SOCKBROKER__V1__OPTION_VALUE__INIT;
		own.kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_OCTETS;
		own.octets = bytes(s);
		return value = &own;
	}

	Value own, *value = nullptr;
	std::vector<uint8_t> buffer;
	socklen_t used = 0;
};

#endif
