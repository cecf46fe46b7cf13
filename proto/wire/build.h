/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.h - the small pieces of building a message in an allocator's memory.
 *
 * Private to proto/wire. A NULL allocator is malloc, as in protobuf-c. Whoever
 * builds hangs each piece on its message at once, so that after a failure
 * protobuf_c_message_free_unpacked() of the outermost frees all of it.
 */
#ifndef SB_WIRE_BUILD_H
#define SB_WIRE_BUILD_H

#include <errno.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

static inline void *build_alloc(ProtobufCAllocator *a, size_t n)
{
	return a ? a->alloc(a->allocator_data, n) : malloc(n ? n : 1);
}

static inline void build_free(ProtobufCAllocator *a, void *piece)
{
	if (a)
		a->free(a->allocator_data, piece);
	else
		free(piece);
}

/* An empty message of that type, or NULL. */
static inline void *build_message(ProtobufCAllocator *a, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = build_alloc(a, type->sizeof_message);

	if (m)
		protobuf_c_message_init(type, m);
	return m;
}

/* Returns 0 or -ENOMEM. No bytes are a NULL pointer. */
static inline int build_bytes(ProtobufCAllocator *a, const void *data, size_t n,
			      ProtobufCBinaryData *ret)
{
	uint8_t *copy = NULL;

	if (n) {
		copy = build_alloc(a, n);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, data, n);
	}
	ret->data = copy;
	ret->len = n;
	return 0;
}

/* A text of at most @n bytes, up to its NUL. Returns 0 or -ENOMEM. */
static inline int build_text(ProtobufCAllocator *a, const char *text, size_t n, char **ret)
{
	char *copy;

	n = strnlen(text, n);
	copy = build_alloc(a, n + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*ret = copy;
	return 0;
}

/* Exactly @size bytes, or none, which are zeros. Returns 0 or -EINVAL. */
static inline int take_bytes(const ProtobufCBinaryData *in, void *out, size_t size)
{
	if (in->len == 0) {
		memset(out, 0, size);
		return 0;
	}
	if (in->len != size)
		return -EINVAL;
	memcpy(out, in->data, size);
	return 0;
}

#endif
