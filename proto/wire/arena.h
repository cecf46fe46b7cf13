/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is freed all at once: where one request and its reply
 * live.
 *
 * It begins with a few hundred bytes inside its owner, so that a small message
 * costs no malloc at all, and goes on in chunks from the heap. It is also a
 * ProtobufCAllocator, so a message can be unpacked into it; freeing a single
 * piece does nothing.
 *
 * Thread: one at a time, the owner's.
 */
#ifndef SB_WIRE_ARENA_H
#define SB_WIRE_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ARENA_INLINE_BYTES = 512 };

struct arena_chunk;

struct arena {
	ProtobufCAllocator allocator; /* allocator_data is the arena itself */
	struct arena_chunk *chunks;
	size_t used;        /* bytes of the current piece, inline or chunk */
	size_t heap_bytes;  /* in chunks, for the owner's accounts */
	uint8_t inline_bytes[ARENA_INLINE_BYTES] __attribute__((aligned(16)));
};

/* An arena must not be moved after this: the allocator points into it. */
void arena_init(struct arena *);

/* Frees all; the arena is as after arena_init(). */
void arena_reset(struct arena *);

/* Returns @n bytes, aligned for any type, uninitialised (also for n = 0), or
 * NULL when memory is out. */
void *arena_alloc(struct arena *, size_t n);
void *arena_zalloc(struct arena *, size_t n);

#ifdef __cplusplus
}
#endif
#endif
