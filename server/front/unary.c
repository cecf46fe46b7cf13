/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unary.c - one RPC, one operation.
 *
 *   receive the message ─► find the session ─► call ─► send reply and status
 *          and at the same time: wait for the end of the RPC, which may come early
 *
 * The end (RECV_CLOSE_ON_SERVER) and the sending are two batches; the object goes
 * with the second of them. If the client had given up before the reply reached
 * it, the operation's undo() gives back what it took.
 */
#include <grpc/byte_buffer.h>
#include <stdlib.h>

#include "call/call.h"
#include "front/codec.h"
#include "front/front.h"
#include "identity/session.h"
#include "ops/op.h"

struct unary {
	struct rpc rpc;
	const struct op *op;
	struct shard *shard;        /* the session's; NULL until it is known */
	struct tag received, closed, sent;
	struct outgoing outgoing;
	grpc_byte_buffer *message, *reply;
	struct call *work;          /* under the lock: running, or answered */
	size_t unread;              /* bytes of the reply; under the lock */
	int cancelled;
	bool answered;              /* under the lock */
	bool reply_lost;
	unsigned pending;           /* of the two things that it still awaits; under the lock */
};

static void unary_free(struct unary *u)
{
	if (u->reply)
		grpc_byte_buffer_destroy(u->reply);
	rpc_done(&u->rpc);
	free(u);
}

/* Under the lock: the last batch is back. */
static void unary_end(struct unary *u)
{
	struct call *c = u->work;

	if (!c)
		return;
	c->session->unread_unary -= u->unread;
	session_note_unread(c->session);
	if ((u->reply_lost || u->cancelled) && c->error == 0 && c->op->undo && c->session->open)
		c->op->undo(c);
	call_free(c);
}

static void unary_returned(struct unary *u)
{
	struct shard *sh = u->shard;
	bool last;

	shard_enter(sh);
	last = --u->pending == 0;
	if (last)
		unary_end(u);
	shard_leave(sh);
	if (last)
		unary_free(u);
}

static void unary_sent(struct tag *t, bool ok)
{
	struct unary *u = container_of(t, struct unary, sent);

	u->reply_lost = !ok;
	unary_returned(u);
}

static bool unary_gather(struct outgoing *o)
{
	struct unary *u = container_of(o, struct unary, outgoing);

	u->reply = message_pack(u->work->reply);
	return true;
}

static void unary_start(struct outgoing *o)
{
	struct unary *u = container_of(o, struct unary, outgoing);
	grpc_slice no_details = grpc_empty_slice();
	grpc_op ops[3] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
		  .data.send_status_from_server = { .status = GRPC_STATUS_OK,
						    .status_details = &no_details } },
	};

	ops[1].data.send_message.send_message = u->reply;
	start_batch(u->rpc.call, ops, 3, &u->sent);
}

/* Under the lock: the call has its answer. */
static void unary_done(struct call *c)
{
	struct unary *u = c->owner;

	u->answered = true;
	u->work = c;
	u->unread = protobuf_c_message_get_packed_size(c->reply);
	c->session->unread_unary += u->unread;
	session_note_unread(c->session);
	shard_flush(u->shard, &u->outgoing);
}

/* The RPC has ended, well or not. */
static void unary_closed(struct tag *t, bool ok)
{
	struct unary *u = container_of(t, struct unary, closed);

	(void)ok;
	shard_enter(u->shard);
	if (!u->answered)
		(void)call_cancel(u->work);
	shard_leave(u->shard);
	unary_returned(u);
}

static void unary_fail(struct unary *u, grpc_status_code status, const char *message)
{
	struct rpc r = u->rpc;

	free(u);
	rpc_fail(&r, status, message);
}

/* Under the lock. Returns 0, or a status. */
static grpc_status_code unary_call(struct unary *u, const struct flat *flat, struct session *s)
{
	struct call *c = call_new(s);
	ProtobufCMessage *request;

	if (!c)
		return GRPC_STATUS_RESOURCE_EXHAUSTED;
	request = protobuf_c_message_unpack(op_layout(u->op)->request, &c->arena.allocator,
					    flat->length, flat->data);
	if (!request || call_set_op(c, u->op, request) < 0) {
		call_free(c);
		return request ? GRPC_STATUS_RESOURCE_EXHAUSTED : GRPC_STATUS_INVALID_ARGUMENT;
	}
	c->done = unary_done;
	c->owner = u;
	u->work = c;
	u->pending = 2; /* the wait for the end, and the answer */
	call_start(c, false);
	return GRPC_STATUS_OK;
}

static void unary_await_end(struct unary *u)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	op.data.recv_close_on_server.cancelled = &u->cancelled;
	start_batch(u->rpc.call, &op, 1, &u->closed);
}

/* Where its session is, if it is this user's. */
static struct shard *unary_shard(const struct unary *u, const char **ret_token, size_t *ret_length)
{
	unsigned n;
	struct shard *shards = front_shards(u->rpc.conn->home->front, &n);
	int i;

	rpc_token(&u->rpc, ret_token, ret_length);
	i = session_token_shard(*ret_token, *ret_length, n);
	return i < 0 ? NULL : &shards[i];
}

static void unary_run(struct unary *u, const struct flat *flat)
{
	static const char no_session[] =
		"no such session of this user: open the Session stream, send Hello, and name Welcome's token in the metadata sockbroker-session";
	grpc_status_code status = GRPC_STATUS_UNAUTHENTICATED;
	const char *token = NULL;
	size_t length;
	struct session *s = NULL;

	u->shard = unary_shard(u, &token, &length);
	if (!u->shard) {
		unary_fail(u, status, no_session);
		return;
	}
	shard_enter(u->shard);
	s = session_find(u->shard, token, length, u->rpc.conn->peer);
	if (s)
		status = unary_call(u, flat, s);
	if (status == GRPC_STATUS_OK)
		unary_await_end(u);
	shard_leave(u->shard);
	if (status != GRPC_STATUS_OK)
		unary_fail(u, status, s ? "the message is not of that method's request type, or memory is out" : no_session);
}

static void unary_received(struct tag *t, bool ok)
{
	struct unary *u = container_of(t, struct unary, received);
	struct flat flat;

	if (!ok || !u->message) {
		unary_fail(u, GRPC_STATUS_INVALID_ARGUMENT, "no message came");
		return;
	}
	if (!flat_init(&flat, u->message)) {
		unary_fail(u, GRPC_STATUS_INVALID_ARGUMENT, "the message cannot be decompressed");
		return;
	}
	unary_run(u, &flat);
	flat_done(&flat);
}

void unary_begin(struct rpc *r, const char *method, size_t length)
{
	const struct op *op = op_find(method, length);
	struct unary *u = op ? calloc(1, sizeof(*u)) : NULL;
	grpc_op receive = { .op = GRPC_OP_RECV_MESSAGE };

	if (!u) {
		rpc_fail(r, op ? GRPC_STATUS_RESOURCE_EXHAUSTED : GRPC_STATUS_UNIMPLEMENTED,
			 op ? "memory is out" : "no such operation in sockbroker.v1.Broker");
		return;
	}
	u->rpc = *r;
	u->op = op;
	u->received.fn = unary_received;
	u->closed.fn = unary_closed;
	u->sent.fn = unary_sent;
	u->outgoing = (struct outgoing){ .gather = unary_gather, .start = unary_start };
	list_init(&u->outgoing.link);
	receive.data.recv_message.recv_message = &u->message;
	start_batch(r->call, &receive, 1, &u->received);
}
