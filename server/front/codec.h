/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - gRPC's buffers <-> our messages.
 *
 * The envelopes of the session stream and of Transfer are framed by hand: a
 * request is unpacked into its own call's memory, a reply packed once, into
 * what is sent, and bulk data not copied at all.
 */
#ifndef SB_FRONT_CODEC_H
#define SB_FRONT_CODEC_H

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a received message in one piece. */
struct flat {
	grpc_slice slice;
	const uint8_t *data;
	size_t length;
};

/* Takes @buffer. Returns false when it cannot be read. */
bool flat_init(struct flat *, grpc_byte_buffer *buffer);
void flat_done(struct flat *);

/* The next element of a repeated message field 1, in a message that has
 * nothing else. Advances *@at. Returns 1, 0 at the end, or -EPROTO. */
int batch_next(const uint8_t **at, const uint8_t *end, const uint8_t **ret, size_t *ret_length);

/* Bytes that grow, and are then given to gRPC without a copy. */
struct outbuf {
	uint8_t *data;
	size_t length, capacity;
};

/* Room for @n more at the end, or NULL: memory is out. */
uint8_t *outbuf_reserve(struct outbuf *, size_t n);
void outbuf_free(struct outbuf *);
/* All of it as one message; the buffer is then empty. */
grpc_byte_buffer *outbuf_take(struct outbuf *);

/* Adds one Reply { id, [field] message } to a ReplyBatch; without a message,
 * Reply { id }. Returns 0 or -ENOMEM. */
int reply_append(struct outbuf *, uint64_t id, unsigned field, const ProtobufCMessage *message);

grpc_byte_buffer *message_pack(const ProtobufCMessage *);

/* Varints, for what is framed by hand. */
size_t varint_size(uint64_t);
uint8_t *varint_put(uint8_t *at, uint64_t value);
/* Returns the byte behind it, or NULL. */
const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint64_t *ret);

#endif
