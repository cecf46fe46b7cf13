/* SPDX-License-Identifier: Apache-2.0 */
#include "front/codec.h"

#include <errno.h>
#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_BATCH = 1 << 3 | 2, TAG_ID = 1 << 3 | 0, LENGTH_DELIMITED = 2, OUTBUF_FIRST = 512 };

/* A short message comes in one slice, and is read where it lies. */
bool flat_init(struct flat *f, grpc_byte_buffer *buffer)
{
	grpc_byte_buffer_reader reader;
	bool ok = grpc_byte_buffer_reader_init(&reader, buffer);

	if (ok && buffer->type == GRPC_BB_RAW && buffer->data.raw.slice_buffer.count == 1)
		f->slice = grpc_slice_ref(buffer->data.raw.slice_buffer.slices[0]);
	else if (ok)
		f->slice = grpc_byte_buffer_reader_readall(&reader);
	if (ok)
		grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(buffer);
	if (!ok)
		return false;
	f->data = GRPC_SLICE_START_PTR(f->slice);
	f->length = GRPC_SLICE_LENGTH(f->slice);
	return true;
}

void flat_done(struct flat *f)
{
	grpc_slice_unref(f->slice);
}

size_t varint_size(uint64_t value)
{
	size_t n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

uint8_t *varint_put(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
		value |= (uint64_t)(*at & 0x7f) << shift;
		if (!(*at++ & 0x80)) {
			*ret = value;
			return at;
		}
	}
	return NULL;
}

int batch_next(const uint8_t **at, const uint8_t *end, const uint8_t **ret, size_t *ret_length)
{
	const uint8_t *p = *at;
	uint64_t tag, length;

	if (p == end)
		return 0;
	p = varint_get(p, end, &tag);
	if (!p || tag != TAG_BATCH)
		return -EPROTO;
	p = varint_get(p, end, &length);
	if (!p || length > (uint64_t)(end - p))
		return -EPROTO;
	*ret = p;
	*ret_length = (size_t)length;
	*at = p + length;
	return 1;
}

uint8_t *outbuf_reserve(struct outbuf *o, size_t n)
{
	size_t capacity = o->capacity ? o->capacity : OUTBUF_FIRST;
	uint8_t *data;

	if (n > SIZE_MAX / 4 - o->length)
		return NULL;
	while (capacity < o->length + n)
		capacity *= 2;
	if (capacity != o->capacity) {
		data = realloc(o->data, capacity);
		if (!data)
			return NULL;
		o->data = data;
		o->capacity = capacity;
	}
	return o->data + o->length;
}

void outbuf_free(struct outbuf *o)
{
	free(o->data);
	*o = (struct outbuf){ 0 };
}

grpc_byte_buffer *outbuf_take(struct outbuf *o)
{
	grpc_slice slice = grpc_slice_new(o->data, o->length, free);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	*o = (struct outbuf){ 0 };
	return buffer;
}

int reply_append(struct outbuf *o, uint64_t id, unsigned field, const ProtobufCMessage *message)
{
	size_t length = message ? protobuf_c_message_get_packed_size(message) : 0;
	uint64_t tag = (uint64_t)field << 3 | LENGTH_DELIMITED;
	size_t inner = message ? varint_size(tag) + varint_size(length) + length : 0;
	size_t reply = 1 + varint_size(id) + inner;
	size_t all = 1 + varint_size(reply) + reply;
	uint8_t *p = outbuf_reserve(o, all);

	if (!p)
		return -ENOMEM;
	*p++ = TAG_BATCH;
	p = varint_put(p, reply);
	*p++ = TAG_ID;
	p = varint_put(p, id);
	if (message) {
		p = varint_put(p, tag);
		p = varint_put(p, length);
		protobuf_c_message_pack(message, p);
	}
	o->length += all;
	return 0;
}

grpc_byte_buffer *message_pack(const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}
