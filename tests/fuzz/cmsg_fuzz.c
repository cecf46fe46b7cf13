/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control buffer of a program's, with descriptors that are not ours, is
 * encoded, decoded into as much room as it needs and into less, and encoded
 * again: what went through once goes through unchanged.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/arena.h"
#include "wire/cmsg.h"

static int to_handle(void *context, int fd, uint32_t *ret_handle)
{
	(void)context;
	if (fd < 0)
		return -EBADF;
	*ret_handle = (uint32_t)fd + 1;
	return 0;
}

static int to_fd(void *context, uint32_t handle)
{
	(void)context;
	return handle == 0 || handle > (uint32_t)INT32_MAX + 1 ? -EBADF : (int)(handle - 1);
}

static const struct cmsg_rights rights = { .to_handle = to_handle, .to_fd = to_fd };

static void decode_cut(Sockbroker__V1__ControlMessage **messages, size_t n, size_t room)
{
	uint8_t *buffer = malloc(room ? room : 1);
	struct msghdr out = { .msg_control = buffer, .msg_controllen = room };

	if (cmsg_decode(messages, n, &rights, &out) == 0)
		check(out.msg_controllen <= room);
	free(buffer);
}

static void decode_whole(Sockbroker__V1__ControlMessage **messages, size_t n, struct arena *arena)
{
	size_t space = cmsg_space(messages, n), again_n = 0;
	uint8_t *buffer = malloc(space ? space : 1);
	struct msghdr out = { .msg_control = buffer, .msg_controllen = space };
	Sockbroker__V1__ControlMessage **again = NULL;

	check(cmsg_decode(messages, n, &rights, &out) == 0);
	check(!(out.msg_flags & MSG_CTRUNC) && out.msg_controllen <= space);
	check(cmsg_encode(&out, &rights, &arena->allocator, &again_n, &again, NULL) == 0);
	for (size_t i = 0; i < again_n && again_n == n; i++) {
		size_t packed = sockbroker__v1__control_message__get_packed_size(messages[i]);
		uint8_t *a = malloc(packed + 1), *b = malloc(packed + 1);

		check(sockbroker__v1__control_message__get_packed_size(again[i]) == packed);
		sockbroker__v1__control_message__pack(messages[i], a);
		sockbroker__v1__control_message__pack(again[i], b);
		check(memcmp(a, b, packed) == 0);
		free(a);
		free(b);
	}
	free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Sockbroker__V1__ControlMessage **messages = NULL;
	struct arena arena;
	struct msghdr in = { .msg_controllen = 0 };
	bool truncated;
	size_t n = 0;

	if (size < 2)
		return 0;
	arena_init(&arena);
	in.msg_flags = data[0] & 1 ? MSG_CTRUNC : 0;
	in.msg_controllen = size - 2;
	in.msg_control = malloc(size);
	memcpy(in.msg_control, data + 2, size - 2);
	if (cmsg_encode(&in, &rights, &arena.allocator, &n, &messages, &truncated) == 0) {
		decode_cut(messages, n, data[1]);
		decode_whole(messages, n, &arena);
	}
	free(in.msg_control);
	arena_reset(&arena);
	return 0;
}
