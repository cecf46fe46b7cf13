/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, CHUNK_BYTES = 4096 - 64 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t capacity;
	uint8_t bytes[] __attribute__((aligned(ALIGNMENT)));
};

static void *allocator_alloc(void *arena, size_t n)
{
	return arena_alloc(arena, n);
}

static void allocator_free(void *arena, void *piece)
{
	(void)arena;
	(void)piece;
}

void arena_init(struct arena *a)
{
	a->allocator = (ProtobufCAllocator){
		.alloc = allocator_alloc, .free = allocator_free, .allocator_data = a };
	a->chunks = NULL;
	a->used = 0;
	a->heap_bytes = 0;
}

void arena_reset(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	a->used = 0;
	a->heap_bytes = 0;
}

static void *chunk_alloc(struct arena *a, size_t n)
{
	size_t capacity = n > CHUNK_BYTES ? n : CHUNK_BYTES;
	struct arena_chunk *c = malloc(sizeof(*c) + capacity);

	if (!c)
		return NULL;
	c->next = a->chunks;
	c->capacity = capacity;
	a->chunks = c;
	a->used = n;
	a->heap_bytes += sizeof(*c) + capacity;
	return c->bytes;
}

void *arena_alloc(struct arena *a, size_t n)
{
	uint8_t *piece = a->chunks ? a->chunks->bytes : a->inline_bytes;
	size_t capacity = a->chunks ? a->chunks->capacity : ARENA_INLINE_BYTES;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (n > capacity - a->used)
		return chunk_alloc(a, n);

	piece += a->used;
	a->used += n;
	return piece;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *piece = arena_alloc(a, n);

	return piece ? memset(piece, 0, n) : NULL;
}
