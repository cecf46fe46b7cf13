/* SPDX-License-Identifier: Apache-2.0 */
#include "front/chunk.h"

#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>
#include <string.h>

#include "front/codec.h"

enum { TAG_DATA = 15 << 3 | 2, HEADER_MAX = 128, VARINT = 0, BYTES = 2 };

/* The beginning of a message, in one piece. */
static size_t peek_header(grpc_byte_buffer *b, uint8_t header[HEADER_MAX])
{
	grpc_byte_buffer_reader reader;
	grpc_slice *slice;
	size_t n = 0;

	if (!grpc_byte_buffer_reader_init(&reader, b))
		return 0;
	while (n < HEADER_MAX && grpc_byte_buffer_reader_peek(&reader, &slice)) {
		size_t some = GRPC_SLICE_LENGTH(*slice);

		some = some < HEADER_MAX - n ? some : HEADER_MAX - n;
		memcpy(header + n, GRPC_SLICE_START_PTR(*slice), some);
		n += some;
	}
	grpc_byte_buffer_reader_destroy(&reader);
	return n;
}

/* Where the field `data` begins, its tag included, and its bytes; both @end if
 * there is none. Returns false when the bytes are no Chunk of ours: all other
 * fields are varints. */
static bool find_data(const uint8_t *at, const uint8_t *end, const uint8_t **ret_tag,
		      const uint8_t **ret_data, uint64_t *ret_length)
{
	uint64_t tag, value;

	*ret_length = 0;
	while (at < end) {
		const uint8_t *field = at;

		at = varint_get(at, end, &tag);
		at = at ? varint_get(at, end, &value) : NULL;
		if (!at || ((tag & 7) != VARINT && tag != TAG_DATA))
			return false;
		if (tag == TAG_DATA) {
			*ret_tag = field;
			*ret_data = at;
			*ret_length = value;
			return true;
		}
	}
	*ret_tag = *ret_data = end;
	return true;
}

/* The slices behind the first @skip bytes. Returns false: too many. */
static bool find_pieces(struct chunk *c, size_t skip)
{
	grpc_byte_buffer_reader reader;
	grpc_slice *slice;
	bool fits = true;

	if (!grpc_byte_buffer_reader_init(&reader, c->buffer))
		return false;
	while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
		size_t n = GRPC_SLICE_LENGTH(*slice), drop = skip < n ? skip : n;

		skip -= drop;
		if (n == drop)
			continue;
		fits = c->n_pieces < CHUNK_PIECES_MAX;
		if (!fits)
			break;
		c->pieces[c->n_pieces++] = (struct iovec){
			.iov_base = GRPC_SLICE_START_PTR(*slice) + drop, .iov_len = n - drop };
		c->length += n - drop;
	}
	grpc_byte_buffer_reader_destroy(&reader);
	return fits;
}

/* A peer that cuts its message into crumbs has it put together again. */
static bool coalesce(struct chunk *c)
{
	grpc_byte_buffer_reader reader;
	grpc_slice whole;

	if (!grpc_byte_buffer_reader_init(&reader, c->buffer))
		return false;
	whole = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(c->buffer);
	c->buffer = grpc_raw_byte_buffer_create(&whole, 1);
	grpc_slice_unref(whole);
	c->n_pieces = 0;
	c->length = 0;
	return true;
}

struct chunk *chunk_read(grpc_byte_buffer *buffer)
{
	struct chunk *c = malloc(sizeof(*c));
	uint8_t header[HEADER_MAX];
	const uint8_t *tag, *data;
	uint64_t length;
	size_t n;

	if (!c) {
		grpc_byte_buffer_destroy(buffer);
		return NULL;
	}
	c->header = NULL;
	c->buffer = buffer;
	c->n_pieces = c->length = 0;
	n = peek_header(buffer, header);
	if (!find_data(header, header + n, &tag, &data, &length) ||
	    (n == HEADER_MAX && tag == header + n))
		return chunk_free(c);
	c->header = sockbroker__v1__chunk__unpack(NULL, (size_t)(tag - header), header);
	if (!c->header)
		return chunk_free(c);
	if (!find_pieces(c, (size_t)(data - header)) &&
	    !(coalesce(c) && find_pieces(c, (size_t)(data - header))))
		return chunk_free(c);
	return c->length == length ? c : chunk_free(c);
}

struct chunk *chunk_free(struct chunk *c)
{
	if (!c)
		return NULL;
	if (c->header)
		sockbroker__v1__chunk__free_unpacked(c->header, NULL);
	grpc_byte_buffer_destroy(c->buffer);
	free(c);
	return NULL;
}

grpc_byte_buffer *chunk_write(const Sockbroker__V1__Chunk *header, grpc_slice data)
{
	size_t length = GRPC_SLICE_LENGTH(data);
	size_t n = sockbroker__v1__chunk__get_packed_size(header);
	grpc_slice slices[2] = { grpc_slice_malloc(n + (length ? 1 + varint_size(length) : 0)), data };
	uint8_t *at = GRPC_SLICE_START_PTR(slices[0]);
	grpc_byte_buffer *buffer;

	sockbroker__v1__chunk__pack(header, at);
	if (length) {
		at[n] = TAG_DATA;
		varint_put(at + n + 1, length);
	}
	buffer = grpc_raw_byte_buffer_create(slices, length ? 2 : 1);
	grpc_slice_unref(slices[0]);
	grpc_slice_unref(data);
	return buffer;
}
