/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_transfer.c - the Transfer stream of one socket, in one direction.
 *
 * Chunks are framed by hand: a few bytes of header, and the data as a slice of
 * its own, which is filled from the program's memory, or copied to it, and
 * nowhere between. A chunk is filled while the one before it is being sent, and
 * the next is received while one is being copied.
 *
 *   send      SEND more ─► SEND more ─► SEND       one Chunk ◄─ count or error
 *   receive   RECV count                Chunk more ◄─ Chunk more ◄─ Chunk
 *
 * A stream is only ever given up in order (all sent, the last Chunk come), or
 * with its call: so whatever breaks marks it as not well, and it is not used again.
 */
#include "rpc_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iov.h"
#include "sockbroker.h"
#include "sockbroker/v1/broker.pb-c.h"

typedef Sockbroker__V1__Chunk Chunk;

enum { PIECE_BYTES = 256 << 10, HEADER_BYTES_MAX = 96, DATA_FIELD = 15 };

struct rpc_transfer {
	struct sb_broker *broker; /* the socket's */
	uint32_t handle;
	bool named;               /* the broker knows the handle */
	bool broken;
	uint64_t id;
	struct patience patience; /* of the call under way */
	bool interrupted;
	grpc_completion_queue *queue;
	grpc_call *call;
	grpc_metadata session;
	grpc_metadata_array first, last;
	grpc_status_code status;
	grpc_slice status_text;
	grpc_byte_buffer *out, *in;
	bool sending, receiving, open; /* gRPC owes us an event */
	char opened_tag, sent_tag, received_tag, ended_tag;
};

bool rpc_may_transfer(const struct sb_broker *b)
{
	return b->transport == SB_TRANSPORT_STREAM &&
	       !atomic_load_explicit(&b->no_transfer, memory_order_relaxed);
}

bool rpc_transfer_is_well(const struct rpc_transfer *t)
{
	return !t->broken;
}

/* ------------------------------------------------------------------------ */
/* gRPC                                                                     */
/* ------------------------------------------------------------------------ */

static bool start(struct rpc_transfer *t, const grpc_op *op, size_t n, void *tag)
{
	TSAN_RELEASE(tag);
	return grpc_call_start_batch(t->call, op, n, tag, NULL) == GRPC_CALL_OK;
}

static bool wait_for(struct rpc_transfer *t, void *tag)
{
	const grpc_event e = grpc_completion_queue_pluck(t->queue, tag,
		gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

	TSAN_ACQUIRE(tag);
	return e.success;
}

/* The same; meanwhile the program may end the transfer. The broker is told by the session's
 * stream (on this one, the word could be stuck behind data that nobody takes), and again
 * and again: it may be there before the transfer is. */
static bool wait_or_cancel(struct rpc_transfer *t, void *tag)
{
	for (;;) {
		const grpc_event e = grpc_completion_queue_pluck(t->queue, tag,
			rpc_time(patience_next(&t->patience)), NULL);

		if (e.type != GRPC_QUEUE_TIMEOUT) {
			TSAN_ACQUIRE(tag);
			return e.success;
		}
		t->interrupted = t->interrupted || patience_ask(&t->patience);
		if (!t->interrupted)
			continue;
		rpc_cancel(t->broker, t->id);
		patience_put_off(&t->patience);
	}
}

static bool open_stream(struct rpc_transfer *t)
{
	grpc_op first[2] = { { 0 } }, status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	first[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	first[0].data.send_initial_metadata.count = 1;
	first[0].data.send_initial_metadata.metadata = &t->session;
	first[1].op = GRPC_OP_RECV_INITIAL_METADATA;
	first[1].data.recv_initial_metadata.recv_initial_metadata = &t->first;
	status.data.recv_status_on_client.trailing_metadata = &t->last;
	status.data.recv_status_on_client.status = &t->status;
	status.data.recv_status_on_client.status_details = &t->status_text;
	t->open = start(t, &status, 1, &t->ended_tag);
	return t->open && start(t, first, 2, &t->opened_tag);
}

int rpc_transfer_open(struct sb_broker *b, uint32_t handle, struct rpc_transfer **ret)
{
	struct rpc_transfer *t;

	if (rpc_has_ended(b))
		return -EPIPE;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->broker = b;
	t->handle = handle;
	t->status_text = grpc_empty_slice();
	t->session = (grpc_metadata){ .key = grpc_slice_from_static_string("sockbroker-session"),
				      .value = grpc_slice_from_static_string(b->token) };
	grpc_metadata_array_init(&t->first);
	grpc_metadata_array_init(&t->last);
	t->queue = grpc_completion_queue_create_for_pluck(NULL);
	t->call = grpc_channel_create_call(b->channel, NULL, GRPC_PROPAGATE_DEFAULTS, t->queue,
		grpc_slice_from_static_string("/sockbroker.v1.Broker/Transfer"), NULL,
		gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	t->broken = !open_stream(t);
	*ret = t;
	return 0;
}

void rpc_transfer_close(struct rpc_transfer *t)
{
	if (!t)
		return;
	grpc_call_cancel(t->call, NULL);
	(void)wait_for(t, &t->opened_tag);
	if (t->sending)
		(void)wait_for(t, &t->sent_tag);
	if (t->receiving)
		(void)wait_for(t, &t->received_tag);
	if (t->open)
		(void)wait_for(t, &t->ended_tag);
	grpc_call_unref(t->call);
	rpc_queue_free(t->queue);
	grpc_byte_buffer_destroy(t->out);
	grpc_byte_buffer_destroy(t->in);
	grpc_slice_unref(t->status_text);
	grpc_metadata_array_destroy(&t->first);
	grpc_metadata_array_destroy(&t->last);
	free(t);
}

/* The stream ended where it should not: why? */
static ssize_t give_up(struct rpc_transfer *t)
{
	int r = -EPIPE;

	t->broken = true;
	if (t->open) {
		grpc_call_cancel(t->call, NULL);
		(void)wait_for(t, &t->ended_tag);
		t->open = false;
	}
	r = rpc_status_error(t->status);
	if (r == -ENOSYS)
		atomic_store(&t->broker->no_transfer, true);
	if (r == -EPIPE)
		stream_end(t->broker, r);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Chunks                                                                   */
/* ------------------------------------------------------------------------ */

static void chunk_begin(struct rpc_transfer *t, Chunk *c, Sockbroker__V1__Chunk__Kind kind,
			uint32_t flags, int64_t wait_ns)
{
	sockbroker__v1__chunk__init(c);
	pthread_mutex_lock(&t->broker->lock);
	t->id = stream_new_id(t->broker);
	pthread_mutex_unlock(&t->broker->lock);
	patience_begin(&t->patience, -1);
	t->interrupted = false;
	c->kind = kind;
	c->id = t->id;
	c->flags = flags;
	if (!t->named)
		c->handle = t->handle;
	t->named = true;
	if (wait_ns >= 0) {
		c->timeout_case = SOCKBROKER__V1__CHUNK__TIMEOUT_TIMEOUT_NS;
		c->timeout_ns = (uint64_t)wait_ns;
	}
}

/* The header, which has no data yet, and @data, if it has any. Takes @data. */
static grpc_byte_buffer *chunk_frame(const Chunk *header, grpc_slice data)
{
	uint8_t bytes[HEADER_BYTES_MAX], *end = bytes;
	grpc_byte_buffer *buffer;
	grpc_slice slices[2];

	end += protobuf_c_message_pack(&header->base, bytes);
	if (GRPC_SLICE_LENGTH(data)) {
		end = wire_put_varint(end, DATA_FIELD << 3 | WIRE_BYTES);
		end = wire_put_varint(end, GRPC_SLICE_LENGTH(data));
	}
	slices[0] = grpc_slice_from_copied_buffer((const char *)bytes, (size_t)(end - bytes));
	slices[1] = data;
	buffer = grpc_raw_byte_buffer_create(slices, 2);
	grpc_slice_unref(slices[0]);
	grpc_slice_unref(slices[1]);
	return buffer;
}

/* Waits until the chunk before is sent, and starts this one, which it takes. */
static bool chunk_send(struct rpc_transfer *t, grpc_byte_buffer *chunk)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
	bool ok = true;

	if (t->sending)
		ok = wait_or_cancel(t, &t->sent_tag);
	t->sending = false;
	grpc_byte_buffer_destroy(t->out);
	t->out = chunk;
	op.data.send_message.send_message = chunk;
	if (ok)
		ok = t->sending = start(t, &op, 1, &t->sent_tag);
	return ok;
}

static bool receive_start(struct rpc_transfer *t)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &t->in;
	t->receiving = start(t, &op, 1, &t->received_tag);
	return t->receiving;
}

/* Returns what came, or NULL at the stream's end. */
static grpc_byte_buffer *receive_finish(struct rpc_transfer *t)
{
	grpc_byte_buffer *in;

	(void)wait_or_cancel(t, &t->received_tag);
	t->receiving = false;
	in = t->in;
	t->in = NULL;
	return in;
}

/* What stands before the data. */
struct header {
	Chunk chunk;      /* error, count, more */
	size_t bytes;
	size_t data_bytes;
};

static bool header_field(Chunk *c, uint64_t number, uint64_t value)
{
	if (number == 1)
		c->error = (Sockbroker__V1__Errno)(int)value;
	else if (number == 4)
		c->id = value;
	else if (number == 7)
		c->count = value;
	else if (number == 8)
		c->more = value != 0;
	return true;
}

static bool header_read(const uint8_t *bytes, size_t n, struct header *ret)
{
	const uint8_t *at = bytes, *end = bytes + n;
	uint64_t key, value;

	*ret = (struct header){ .chunk = SOCKBROKER__V1__CHUNK__INIT };
	while (at < end) {
		if (!wire_get_varint(&at, end, &key) || !wire_get_varint(&at, end, &value))
			return false;
		if (key == (DATA_FIELD << 3 | WIRE_BYTES)) {
			ret->data_bytes = (size_t)value;
			break;
		}
		if ((key & 7) != WIRE_VARINT || !header_field(&ret->chunk, key >> 3, value))
			return false;
	}
	ret->bytes = (size_t)(at - bytes);
	return true;
}

/* The first bytes, however they are cut into slices. */
static bool header_take(grpc_byte_buffer *in, struct header *ret)
{
	uint8_t bytes[HEADER_BYTES_MAX];
	grpc_byte_buffer_reader reader;
	grpc_slice *slice;
	size_t n = 0, part;

	if (!grpc_byte_buffer_reader_init(&reader, in))
		return false;
	while (n < sizeof(bytes) && grpc_byte_buffer_reader_peek(&reader, &slice)) {
		part = GRPC_SLICE_LENGTH(*slice);
		if (part > sizeof(bytes) - n)
			part = sizeof(bytes) - n;
		memcpy(bytes + n, GRPC_SLICE_START_PTR(*slice), part);
		n += part;
	}
	grpc_byte_buffer_reader_destroy(&reader);
	return header_read(bytes, n, ret) &&
	       ret->bytes + ret->data_bytes == grpc_byte_buffer_length(in);
}

/* Copies the data, which is @skip bytes in, to where @offset is. */
static void data_take(grpc_byte_buffer *in, size_t skip, const struct msghdr *msg, size_t offset)
{
	grpc_byte_buffer_reader reader;
	grpc_slice *slice;

	if (!grpc_byte_buffer_reader_init(&reader, in))
		return;
	while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
		const size_t n = GRPC_SLICE_LENGTH(*slice);
		const size_t over = skip < n ? skip : n;

		iov_scatter(msg, offset, GRPC_SLICE_START_PTR(*slice) + over, n - over);
		offset += n - over;
		skip -= over;
	}
	grpc_byte_buffer_reader_destroy(&reader);
}

/* ------------------------------------------------------------------------ */
/* Sending and receiving                                                    */
/* ------------------------------------------------------------------------ */

static bool send_all(struct rpc_transfer *t, const struct msghdr *msg, size_t done, size_t end,
		     Chunk *header)
{
	while (done < end) {
		const size_t n = end - done < PIECE_BYTES ? end - done : PIECE_BYTES;
		grpc_slice data = grpc_slice_malloc_large(n);
		const void *piece = iov_piece(msg, done, n, GRPC_SLICE_START_PTR(data));

		if (piece != GRPC_SLICE_START_PTR(data))
			memcpy(GRPC_SLICE_START_PTR(data), piece, n);
		done += n;
		header->more = done < end;
		if (!chunk_send(t, chunk_frame(header, data)))
			return false;
		header->handle = 0;
		if (t->interrupted)
			break;
	}
	if (!header->more)
		return true;
	/* The rest need not be carried. */
	header->more = false;
	return chunk_send(t, chunk_frame(header, grpc_empty_slice()));
}

static ssize_t result(const struct rpc_transfer *t, const Chunk *got, size_t done)
{
	if (!got->error || done)
		return (ssize_t)done;
	return got->error == SOCKBROKER__V1__ERRNO__ERRNO_ECANCELED && t->interrupted ?
	       -EINTR : -(ssize_t)got->error;
}

/* Sends what @msg has from @from to @end. */
static ssize_t send_part(struct rpc_transfer *t, const struct msghdr *msg, size_t from, size_t end,
			 uint32_t flags, int64_t wait_ns)
{
	grpc_byte_buffer *in;
	struct header got;
	Chunk header;
	bool ok;

	chunk_begin(t, &header, SOCKBROKER__V1__CHUNK__KIND__SEND, flags, wait_ns);
	if (t->broken || !receive_start(t) || !send_all(t, msg, from, end, &header))
		return give_up(t);
	in = receive_finish(t);
	if (!in)
		return give_up(t);
	ok = header_take(in, &got) && got.chunk.id == header.id && got.chunk.count <= end - from;
	grpc_byte_buffer_destroy(in);
	if (!ok) {
		t->broken = true;
		return -EPROTO;
	}
	return result(t, &got.chunk, (size_t)got.chunk.count);
}

ssize_t rpc_transfer_send(struct rpc_transfer *t, const struct msghdr *msg, size_t total,
			  uint32_t flags, int64_t wait_ns)
{
	size_t done = 0, part;
	ssize_t r;

	do {
		/* What will not be queued need not be carried. */
		part = total - done;
		if (wait_ns == 0 && part > PIECE_BYTES)
			part = PIECE_BYTES;
		r = send_part(t, msg, done, done + part, flags, wait_ns);
		if (r > 0)
			done += (size_t)r;
	} while (r == (ssize_t)part && done < total);
	return done ? (ssize_t)done : r;
}

/* Takes one Chunk into @msg; *@done grows. Returns 1: there is more, 0, or -errno. */
static int receive_one(struct rpc_transfer *t, const struct msghdr *msg, size_t total, size_t *done)
{
	grpc_byte_buffer *in = receive_finish(t);
	struct header got;
	bool ok;

	if (!in)
		return (int)give_up(t);
	ok = header_take(in, &got) && got.chunk.id == t->id && got.data_bytes <= total - *done;
	if (ok && got.chunk.more)
		ok = receive_start(t);
	if (ok && got.data_bytes)
		data_take(in, got.bytes, msg, *done);
	grpc_byte_buffer_destroy(in);
	if (!ok) {
		t->broken = true;
		return -EPROTO;
	}
	*done += got.data_bytes;
	return got.chunk.error ? (int)result(t, &got.chunk, 0) : got.chunk.more;
}

ssize_t rpc_transfer_receive(struct rpc_transfer *t, const struct msghdr *msg, size_t total,
			     uint32_t flags, int64_t wait_ns)
{
	size_t done = 0;
	Chunk header;
	int r;

	chunk_begin(t, &header, SOCKBROKER__V1__CHUNK__KIND__RECV, flags, wait_ns);
	header.count = total;
	if (t->broken || !receive_start(t) ||
	    !chunk_send(t, chunk_frame(&header, grpc_empty_slice())))
		return give_up(t);
	do {
		r = receive_one(t, msg, total, &done);
	} while (r > 0);
	return r < 0 && !done ? r : (ssize_t)done;
}
