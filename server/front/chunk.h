/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk.h - a Chunk of the Transfer stream, read and written without copying
 * its data.
 */
#ifndef SB_FRONT_CHUNK_H
#define SB_FRONT_CHUNK_H

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "sockbroker/v1/broker.pb-c.h"

enum { CHUNK_PIECES_MAX = 512 };

struct chunk {
	Sockbroker__V1__Chunk *header;   /* without data */
	grpc_byte_buffer *buffer;        /* what the pieces lie in */
	struct iovec pieces[CHUNK_PIECES_MAX];
	size_t n_pieces, length;         /* of the data */
};

/* Takes @buffer. Returns a chunk, or NULL: malformed, or memory is out. */
struct chunk *chunk_read(grpc_byte_buffer *buffer);
struct chunk *chunk_free(struct chunk *); /* returns NULL; accepts NULL */

/* @header without data, then @data's bytes (takes it). */
grpc_byte_buffer *chunk_write(const Sockbroker__V1__Chunk *header, grpc_slice data);

#endif
