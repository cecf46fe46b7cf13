/* SPDX-License-Identifier: Apache-2.0 */
/* cmsg_test.h - what the tests of control messages share. */
#ifndef SB_CMSG_TEST_H
#define SB_CMSG_TEST_H

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "wire/cmsg.h"
#include "wire_test.h"

using Message = Sockbroker__V1__ControlMessage;

/* A handle is its descriptor and a hundred; descriptors in `refused` are none. */
struct Table {
	std::vector<int> taken;
	std::vector<int> refused;

	static int to_handle(void *context, int fd, uint32_t *ret)
	{
		auto *t = static_cast<Table *>(context);

		for (int bad : t->refused)
			if (bad == fd)
				return -ENOTSOCK;
		t->taken.push_back(fd);
		*ret = static_cast<uint32_t>(fd) + 100;
		return 0;
	}

	static int to_fd(void *, uint32_t handle)
	{
		return handle < 100 ? -EBADF : static_cast<int>(handle) - 100;
	}

	void close_taken()
	{
		for (int fd : taken)
			close(fd);
	}
};

class CmsgTest : public WireTest {
protected:
	/* Appends a message in kernel form. */
	template <typename T> void add(int level, int type, const T &payload)
	{
		add_bytes(level, type, &payload, sizeof(payload));
	}

	void add_bytes(int level, int type, const void *payload, size_t len)
	{
		cmsghdr header{};
		size_t at = control.size();

		header.cmsg_len = CMSG_LEN(len);
		header.cmsg_level = level;
		header.cmsg_type = type;
		control.resize(at + CMSG_SPACE(len));
		memcpy(&control[at], &header, sizeof(header));
		if (len)
			memcpy(&control[at] + CMSG_LEN(0), payload, len);
	}

	int encode() { return encode(rights()); }

	int encode(const cmsg_rights &r)
	{
		msghdr in{};

		in.msg_control = control.empty() ? nullptr : control.data();
		in.msg_controllen = control.size();
		in.msg_flags = flags;
		return cmsg_encode(&in, &r, allocator(), &n, &messages, &truncated);
	}

	/* Decodes what encode() made, into @room bytes. */
	int decode(size_t room)
	{
		cmsg_rights r = rights();

		out.assign(room, 0xee);
		decoded = {};
		decoded.msg_control = out.data();
		decoded.msg_controllen = room;
		return cmsg_decode(messages, n, &r, &decoded);
	}

	void expect_round_trip()
	{
		ASSERT_EQ(encode(), 0);
		EXPECT_FALSE(truncated);
		ASSERT_EQ(cmsg_space(messages, n), control.size());
		ASSERT_EQ(decode(control.size()), 0);
		EXPECT_EQ(decoded.msg_flags, 0);
		ASSERT_EQ(decoded.msg_controllen, control.size());
		EXPECT_EQ(out, control);
	}

	cmsg_rights rights() { return { &table, owned, Table::to_handle, nullptr, nullptr, Table::to_fd }; }

	static int new_fd() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

	/* A message made by hand, in place of what encode() makes. */
	Message *make(int level, int type)
	{
		one = SOCKBROKER__V1__CONTROL_MESSAGE__INIT;
		one.level = level;
		one.type = type;
		ones[0] = &one;
		messages = ones;
		n = 1;
		return &one;
	}

	int decode_integer(int level, int type, int64_t value, uint32_t width)
	{
		Message *m = make(level, type);

		integer = SOCKBROKER__V1__CONTROL_MESSAGE__INTEGER__INIT;
		integer.value = value;
		integer.width = width;
		m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_INTEGER;
		m->integer = &integer;
		return decode(256);
	}

	std::vector<uint8_t> control, out;
	msghdr decoded{};
	int flags = 0;
	bool owned = false, truncated = false;
	Table table;
	size_t n = 0;
	Message **messages = nullptr, *ones[1], one;
	Sockbroker__V1__ControlMessage__Integer integer;
};

#endif
