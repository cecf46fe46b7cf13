/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handles.h - a session's numbers for its sockets: a hash table from a nonzero
 * 32-bit number to a pointer.
 *
 * The client may choose numbers, so they may be far apart, and chosen to
 * collide: linear probing with a multiplicative hash that is seeded at start.
 */
#ifndef SB_CORE_HANDLES_H
#define SB_CORE_HANDLES_H

#include <stddef.h>
#include <stdint.h>

struct handle_slot {
	uint32_t number; /* 0 = empty */
	void *value;
};

struct handles {
	struct handle_slot *slots;
	size_t capacity; /* 0 or a power of two; at most 3/4 is used */
	size_t count;
};

/* Call once, before any thread: makes collisions unpredictable. */
void handles_seed(uint64_t seed);

void handles_free(struct handles *);

/* Returns the value, or NULL. */
void *handles_find(const struct handles *, uint32_t number);

/* Returns 0, -EEXIST, -ENOMEM. @number and @value are not 0. */
int handles_insert(struct handles *, uint32_t number, void *value)
	__attribute__((warn_unused_result));

/* Returns the value that was there, or NULL. */
void *handles_remove(struct handles *, uint32_t number);

#endif
