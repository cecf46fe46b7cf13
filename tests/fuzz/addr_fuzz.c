/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses: a packed Address to decode, or a raw sockaddr to
 * encode. What has been decoded once must come out the same ever after.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/addr.h"
#include "wire/arena.h"

static void check_print(const struct sockaddr *sa, socklen_t len, size_t room)
{
	char text[ADDR_TEXT_BYTES];

	addr_print(sa, len, text, room);
	if (room)
		check(strlen(text) < room);
}

static void check_stable(const struct sock_addr *first, struct arena *arena)
{
	Sockbroker__V1__Address *m = NULL;
	struct sock_addr second;

	check(addr_encode((const struct sockaddr *)&first->ss, first->len, &arena->allocator, &m) == 0);
	check(addr_decode(m, &second) == 0);
	check(first->len == second.len);
	check(memcmp(&first->ss, &second.ss, first->len) == 0);
	check_print((const struct sockaddr *)&first->ss, first->len, ADDR_TEXT_BYTES);
}

static void fuzz_packed(const uint8_t *data, size_t size, struct arena *arena)
{
	Sockbroker__V1__Address *m = sockbroker__v1__address__unpack(&arena->allocator, size, data);
	struct sock_addr first;

	if (m && addr_decode(m, &first) == 0)
		check_stable(&first, arena);
}

/* In a block of its own size, so that a byte read behind it is seen. */
static void fuzz_raw(const uint8_t *data, size_t size, struct arena *arena)
{
	Sockbroker__V1__Address *m = NULL;
	struct sock_addr first;
	uint8_t *raw = malloc(size ? size : 1);

	if (size)
		memcpy(raw, data, size);
	check_print((const struct sockaddr *)raw, (socklen_t)size, size ? raw[0] % ADDR_TEXT_BYTES : 0);
	if (addr_encode((const struct sockaddr *)raw, (socklen_t)size, &arena->allocator, &m) == 0 &&
	    addr_decode(m, &first) == 0)
		check_stable(&first, arena);
	free(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	if (size == 0)
		return 0;
	arena_init(&arena);
	if (data[0] & 1)
		fuzz_packed(data + 1, size - 1, &arena);
	else
		fuzz_raw(data + 1, size - 1, &arena);
	arena_reset(&arena);
	return 0;
}
