/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - the session stream: many requests in a message, many replies.
 *
 * gRPC allows one send and one receive at a time on a call: replies that become
 * ready while a batch is being written gather in `out` and leave in the next one.
 *
 * Reading stops for one cause only: replies that the client does not read. Then
 * its session is congested, and receives nothing more from its sockets either,
 * until what is gathered has left.
 *
 * The stream is counted by itself until its end is known, by each batch that is
 * out, and by each call; all under the shard's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "front/codec.h"
#include "front/front.h"
#include "identity/session.h"
#include "ops/op.h"

enum { PROTOCOL_VERSION = 1 };

struct stream {
	struct rpc rpc;
	struct shard *shard;
	struct list in_conn;
	unsigned refs;
	struct session *session;  /* from Hello on, until the end */
	bool ended;               /* nothing more is sent, but the status */
	bool sending, receiving, status_sent;
	grpc_status_code status;
	const char *why;
	struct outbuf out;
	grpc_byte_buffer *in_message, *out_message;
	struct tag opened, received, sent, closed;
	struct outgoing outgoing;
	int cancelled;
};

static void stream_unref(struct stream *s)
{
	if (--s->refs > 0)
		return;
	list_remove(&s->outgoing.link);
	outbuf_free(&s->out);
	rpc_done(&s->rpc);
	free(s);
}

/* ---- sending ------------------------------------------------------------------ */

static bool stream_gather(struct outgoing *o)
{
	struct stream *s = container_of(o, struct stream, outgoing);

	if (s->sending || s->status_sent || (!s->out.length && !s->ended))
		return false;
	s->sending = true;
	s->refs++;
	if (s->ended)
		s->status_sent = true;
	else
		s->out_message = outbuf_take(&s->out);
	return true;
}

static void stream_start(struct outgoing *o)
{
	struct stream *s = container_of(o, struct stream, outgoing);

	/* A message leaves without the lock: the end may be written meanwhile. */
	if (s->out_message)
		start_message(s->rpc.call, s->out_message, &s->sent);
	else
		start_status(s->rpc.call, s->status, s->why, &s->sent);
}

static void stream_congestion(struct stream *s)
{
	if (!s->session)
		return;
	s->session->unread_on_stream = s->out.length;
	session_note_unread(s->session);
}

static void stream_receive(struct stream *s);

static void stream_sent(struct tag *t, bool ok)
{
	struct stream *s = container_of(t, struct stream, sent);
	struct shard *sh = s->shard;

	shard_enter(sh);
	if (s->out_message)
		grpc_byte_buffer_destroy(s->out_message);
	s->out_message = NULL;
	s->sending = false;
	if (ok || s->ended)
		shard_flush(sh, &s->outgoing);
	stream_congestion(s);
	stream_receive(s);
	stream_unref(s);
	shard_leave(sh);
}

static void stream_end(struct stream *s, grpc_status_code status, const char *why);

static void stream_reply(struct stream *s, uint64_t id, unsigned field, const ProtobufCMessage *m)
{
	if (s->ended)
		return;
	if (reply_append(&s->out, id, field, m) < 0) {
		stream_end(s, GRPC_STATUS_RESOURCE_EXHAUSTED, "memory is out");
		return;
	}
	stream_congestion(s);
	shard_flush(s->shard, &s->outgoing);
}

static void stream_call_done(struct call *c)
{
	struct stream *s = c->owner;

	stream_reply(s, c->id, op_layout(c->op)->in_reply->id, c->reply);
	call_free(c);
	stream_unref(s);
}

/* ---- the end -------------------------------------------------------------------- */

static void stream_end(struct stream *s, grpc_status_code status, const char *why)
{
	struct session *session = s->session;

	if (s->ended)
		return;
	s->ended = true;
	s->status = status;
	s->why = why;
	s->session = NULL;
	list_remove(&s->in_conn);
	if (session)
		session_close(session);
	shard_flush(s->shard, &s->outgoing);
}

void stream_conn_down(struct conn *c)
{
	while (!list_empty(&c->streams))
		stream_end(container_of(c->streams.next, struct stream, in_conn),
			   GRPC_STATUS_UNAVAILABLE, "the connection has ended");
}

static void stream_closed(struct tag *t, bool ok)
{
	struct stream *s = container_of(t, struct stream, closed);
	struct shard *sh = s->shard;

	(void)ok;
	shard_enter(sh);
	stream_end(s, GRPC_STATUS_CANCELLED, "the stream was cancelled");
	stream_unref(s);
	shard_leave(sh);
}

/* ---- requests ------------------------------------------------------------------- */

static void stream_hello(struct stream *s, uint64_t id, const Sockbroker__V1__Hello *hello)
{
	Sockbroker__V1__Welcome welcome = SOCKBROKER__V1__WELCOME__INIT;
	int r = -EPROTO;

	if (s->session)
		r = -EEXIST;
	else if (hello->version == PROTOCOL_VERSION)
		r = session_open(s->shard, s->rpc.conn->peer, hello->client, &s->session);
	welcome.error = -r;
	welcome.version = PROTOCOL_VERSION;
	if (r == 0) {
		const struct limits *l = &s->session->limits;

		welcome.token = s->session->token;
		welcome.session = s->session->number;
		welcome.max_message_bytes = FRONT_MESSAGE_BYTES;
		welcome.max_receive_bytes = SHARD_SCRATCH_BYTES;
		welcome.max_sockets = l->sockets;
		welcome.max_calls = l->calls;
		welcome.max_bytes = l->bytes;
	}
	stream_reply(s, id, SOCKBROKER__V1__REPLY__OP_WELCOME, &welcome.base);
}

static void stream_cancel(struct stream *s, uint64_t id, const Sockbroker__V1__Cancel *cancel)
{
	Sockbroker__V1__CancelReply reply = SOCKBROKER__V1__CANCEL_REPLY__INIT;
	struct call *c = NULL;

	if (cancel->target <= UINT32_MAX)
		c = handles_find(&s->session->waiting, (uint32_t)cancel->target);
	if (c)
		reply.found = call_cancel(c);
	else
		reply.found = transfer_cancel(s->session, cancel->target);
	stream_reply(s, id, SOCKBROKER__V1__REPLY__OP_CANCELLED, &reply.base);
}

/* Its errors are the request's, not the stream's. */
static void stream_start_call(struct stream *s, struct call *c, Sockbroker__V1__Request *req)
{
	const struct op *op = op_find_case(req->op_case);

	if (!op || call_set_op(c, op, &req->send->base) < 0) {
		/* A newer client's operation: it is told so by a reply without one. */
		stream_reply(s, req->id, 0, NULL);
		call_free(c);
		return;
	}
	c->id = req->id;
	c->done = stream_call_done;
	c->owner = s;
	s->refs++;
	if (req->id == 0 || req->id > UINT32_MAX)
		call_refuse(c, -EINVAL);
	else
		call_start(c, req->linked);
}

static void stream_request(struct stream *s, const uint8_t *data, size_t length)
{
	/* Before Hello there is no session, and so no call to hold the request. */
	struct arena arena;
	struct call *c = s->session ? call_new(s->session) : NULL;
	Sockbroker__V1__Request *req;

	if (!c)
		arena_init(&arena);
	req = sockbroker__v1__request__unpack(c ? &c->arena.allocator : &arena.allocator, length, data);
	if (!req)
		stream_end(s, GRPC_STATUS_INVALID_ARGUMENT, "not a Request");
	else if (req->op_case == SOCKBROKER__V1__REQUEST__OP_HELLO)
		stream_hello(s, req->id, req->hello);
	else if (!c)
		stream_end(s, GRPC_STATUS_FAILED_PRECONDITION, "a session begins with Hello");
	else if (req->op_case == SOCKBROKER__V1__REQUEST__OP_CANCEL)
		stream_cancel(s, req->id, req->cancel);
	else {
		stream_start_call(s, c, req);
		return;
	}
	if (c)
		call_free(c);
	else
		arena_reset(&arena);
}

static void stream_batch(struct stream *s, const struct flat *flat)
{
	const uint8_t *at = flat->data, *end = at + flat->length, *data;
	size_t length;
	int r = 0, n = 0;

	while (!s->ended && (r = batch_next(&at, end, &data, &length)) > 0) {
		if (++n > FRONT_REQUESTS_MAX) {
			stream_end(s, GRPC_STATUS_RESOURCE_EXHAUSTED, "more than 1024 requests in a message");
			return;
		}
		stream_request(s, data, length);
	}
	if (r < 0)
		stream_end(s, GRPC_STATUS_INVALID_ARGUMENT, "not a RequestBatch");
}

/* Under the lock; what it starts only queues a completion. */
static void stream_receive(struct stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (s->receiving || s->ended || s->out.length > SESSION_UNREAD_STREAM)
		return;
	s->receiving = true;
	s->refs++;
	s->in_message = NULL;
	op.data.recv_message.recv_message = &s->in_message;
	start_batch(s->rpc.call, &op, 1, &s->received);
}

static void stream_received(struct tag *t, bool ok)
{
	struct stream *s = container_of(t, struct stream, received);
	struct shard *sh = s->shard;
	struct flat flat;
	bool some = ok && s->in_message;
	bool readable = some && flat_init(&flat, s->in_message);

	shard_enter(sh);
	s->receiving = false;
	if (readable)
		stream_batch(s, &flat);
	else
		stream_end(s, some ? GRPC_STATUS_INVALID_ARGUMENT : GRPC_STATUS_OK,
			   some ? "a message that cannot be decompressed" : "");
	stream_receive(s);
	stream_unref(s);
	shard_leave(sh);
	if (readable)
		flat_done(&flat);
}

static void stream_opened(struct tag *t, bool ok)
{
	struct stream *s = container_of(t, struct stream, opened);
	struct shard *sh = s->shard;

	(void)ok;
	shard_enter(sh);
	stream_unref(s);
	shard_leave(sh);
}

void stream_begin(struct rpc *r)
{
	grpc_op open = { .op = GRPC_OP_SEND_INITIAL_METADATA };
	grpc_op close = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };
	struct stream *s = calloc(1, sizeof(*s));
	struct shard *sh = r->conn->home->shard;

	if (!s) {
		rpc_fail(r, GRPC_STATUS_RESOURCE_EXHAUSTED, "memory is out");
		return;
	}
	s->rpc = *r;
	s->shard = sh;
	s->opened.fn = stream_opened;
	s->received.fn = stream_received;
	s->sent.fn = stream_sent;
	s->closed.fn = stream_closed;
	s->outgoing = (struct outgoing){ .gather = stream_gather, .start = stream_start };
	list_init(&s->outgoing.link);
	close.data.recv_close_on_server.cancelled = &s->cancelled;
	s->refs = 2; /* the opening, the end */

	shard_enter(sh);
	list_append(&r->conn->streams, &s->in_conn);
	start_batch(s->rpc.call, &open, 1, &s->opened);
	start_batch(s->rpc.call, &close, 1, &s->closed);
	stream_receive(s);
	shard_leave(sh);
}
