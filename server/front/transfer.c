/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c - the bulk data of one socket, on a stream of its own.
 *
 * Each piece is an ordinary call, Send or Recv, that is lent memory: what comes
 * up is sent from gRPC's own slices, what goes down is received into the slice
 * that leaves. One piece at a time, so order needs no thought; while one is being
 * done the next message is read already, so that a Cancel is seen. Nothing more
 * is read until that one is needed: a socket that does not take data holds up its
 * own transfer and nobody else. Then a Cancel on this stream would not be read either,
 * so one on the session's does.
 *
 * Counted by itself until its end is known, by each batch that is out, and by its
 * call; all under the session's shard's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "call/call.h"
#include "core/clock.h"
#include "front/chunk.h"
#include "front/front.h"
#include "identity/session.h"
#include "ops/op.h"

enum { PIECE_BYTES = 256 << 10,
       KIND_NONE = SOCKBROKER__V1__CHUNK__KIND__NONE, KIND_SEND = SOCKBROKER__V1__CHUNK__KIND__SEND,
       KIND_RECV = SOCKBROKER__V1__CHUNK__KIND__RECV, KIND_CANCEL = SOCKBROKER__V1__CHUNK__KIND__CANCEL };

struct transfer {
	struct rpc rpc;
	struct shard *shard;
	struct session *session;   /* a reference */
	struct list in_session;    /* session->transfers, until the end */
	unsigned refs;
	uint32_t handle;           /* from the first Chunk on */

	int kind;                  /* of the transfer under way; KIND_NONE: none is */
	uint64_t id, deadline_ns;  /* UINT64_MAX: none */
	uint32_t flags;
	uint64_t wanted, done;
	int error;
	bool failed;               /* drop what is still to come of it */
	bool stopped;              /* cancelled: end with what there is */
	struct call *work;
	struct chunk *current;     /* being sent */
	struct chunk *next;        /* read ahead */
	grpc_slice sink;           /* being received into */

	bool ended, sending, receiving, status_sent;
	grpc_status_code status;
	const char *why;
	grpc_byte_buffer *in_message, *out_message, *out_next;
	/* On the account, for what is received into and not yet gone: with the
	 * call, with out_next, with out_message. */
	uint64_t charged, charged_next, charged_out;
	struct tag opened, received, sent, closed;
	struct outgoing outgoing;
	int cancelled;
};

static void transfer_step(struct transfer *t);

static void transfer_unref(struct transfer *t)
{
	if (--t->refs > 0)
		return;
	list_remove(&t->outgoing.link);
	chunk_free(t->current);
	chunk_free(t->next);
	if (t->out_next)
		grpc_byte_buffer_destroy(t->out_next);
	account_give(&t->session->account->bytes, t->charged + t->charged_next + t->charged_out);
	session_unref(t->session);
	rpc_done(&t->rpc);
	free(t);
}

/* ---- sending and ending -------------------------------------------------------- */

static bool transfer_gather(struct outgoing *o)
{
	struct transfer *t = container_of(o, struct transfer, outgoing);

	if (t->sending || t->status_sent || (!t->out_next && !t->ended))
		return false;
	t->sending = true;
	t->refs++;
	if (t->ended) {
		t->status_sent = true;
		return true;
	}
	t->out_message = t->out_next;
	t->out_next = NULL;
	t->charged_out = t->charged_next;
	t->charged_next = 0;
	return true;
}

static void transfer_start(struct outgoing *o)
{
	struct transfer *t = container_of(o, struct transfer, outgoing);

	/* A message leaves without the lock: the end may be written meanwhile. */
	if (t->out_message)
		start_message(t->rpc.call, t->out_message, &t->sent);
	else
		start_status(t->rpc.call, t->status, t->why, &t->sent);
}

static void transfer_end(struct transfer *t, grpc_status_code status, const char *why)
{
	if (t->ended)
		return;
	t->ended = true;
	list_remove(&t->in_session);
	t->status = status;
	t->why = why;
	if (t->work)
		(void)call_cancel(t->work);
	shard_flush(t->shard, &t->outgoing);
}

/* One Chunk down; there is never another waiting. */
static void transfer_reply(struct transfer *t, grpc_slice data, bool more)
{
	Sockbroker__V1__Chunk header = SOCKBROKER__V1__CHUNK__INIT;

	header.id = t->id;
	header.error = t->done ? 0 : -t->error;
	header.count = more ? 0 : t->done;
	header.more = more;
	if (!more)
		t->kind = KIND_NONE;
	t->out_next = chunk_write(&header, data);
	t->charged_next = t->charged;
	t->charged = 0;
	shard_flush(t->shard, &t->outgoing);
}

/* ---- pieces ---------------------------------------------------------------------- */

static void transfer_call_done(struct call *c);

/* A call of ours, its request still to be filled in. */
static struct call *transfer_call(struct transfer *t, const char *method, size_t n)
{
	const struct op *op = op_find(method, n);
	struct call *c = call_new(t->session);
	ProtobufCMessage *request;

	if (!c)
		return NULL;
	request = arena_alloc(&c->arena, op_layout(op)->request->sizeof_message);
	if (request)
		protobuf_c_message_init(op_layout(op)->request, request);
	if (!request || call_set_op(c, op, request) < 0) {
		call_free(c);
		return NULL;
	}
	c->done = transfer_call_done;
	c->owner = t;
	t->work = c;
	t->refs++;
	return c;
}

static uint64_t time_left(const struct transfer *t)
{
	uint64_t now = clock_now_ns();

	return t->deadline_ns > now ? t->deadline_ns - now : 0;
}

static bool send_piece(struct transfer *t)
{
	struct call *c = transfer_call(t, "Send", 4);
	Sockbroker__V1__SendRequest *req;

	if (!c)
		return false;
	req = (Sockbroker__V1__SendRequest *)(void *)c->request;
	req->handle = t->handle;
	req->flags = t->flags;
	c->payload = t->current->pieces;
	c->n_payload = t->current->n_pieces;
	if (t->deadline_ns != UINT64_MAX) {
		req->timeout_case = SOCKBROKER__V1__SEND_REQUEST__TIMEOUT_TIMEOUT_NS;
		req->timeout_ns = time_left(t);
	}
	call_start(c, false);
	return true;
}

/* Returns 0, or -errno: it was not begun. */
static int recv_piece(struct transfer *t)
{
	struct session *s = t->session;
	uint64_t left = t->wanted - t->done;
	size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	Sockbroker__V1__RecvRequest *req;
	struct call *c;

	if (t->stopped)
		return -ECANCELED;
	if (!account_take(&s->account->bytes, n, s->limits.bytes))
		return -ENOBUFS;
	t->charged = n;
	c = transfer_call(t, "Recv", 4);
	if (!c)
		return -ENOMEM;
	req = (Sockbroker__V1__RecvRequest *)(void *)c->request;
	req->handle = t->handle;
	req->flags = t->flags;
	req->length = (uint32_t)n;
	t->sink = grpc_slice_malloc_large(n);
	c->sink = (struct iovec){ .iov_base = GRPC_SLICE_START_PTR(t->sink), .iov_len = n };
	if (t->deadline_ns != UINT64_MAX || (t->done && !(t->flags & MSG_WAITALL))) {
		req->timeout_case = SOCKBROKER__V1__RECV_REQUEST__TIMEOUT_TIMEOUT_NS;
		req->timeout_ns = t->done && !(t->flags & MSG_WAITALL) ? 0 : time_left(t);
	}
	call_start(c, false);
	return 0;
}

/* The next piece, or the end with what there is. */
static void recv_on(struct transfer *t)
{
	int r = recv_piece(t);

	if (r == 0)
		return;
	t->error = r;
	transfer_reply(t, grpc_empty_slice(), false);
}

static void sent_piece(struct transfer *t, const struct call *c)
{
	const Sockbroker__V1__SendReply *rep = (const void *)c->reply;
	bool last = !t->current->header->more;

	account_give(&t->session->account->bytes, t->current->length);
	t->error = c->error;
	t->done += rep->sent;
	t->failed |= c->error || rep->sent < t->current->length;
	t->current = chunk_free(t->current);
	if (last)
		transfer_reply(t, grpc_empty_slice(), false);
}

/* The kernel's word, and not ours about this call. */
static bool is_the_sockets(int error)
{
	return error && error != -EAGAIN && error != -ECANCELED && error != -EBADF &&
	       error != -ENOBUFS && error != -ENOMEM && error != -EMFILE;
}

static void received_piece(struct transfer *t, const struct call *c)
{
	const Sockbroker__V1__RecvReply *rep = (const void *)c->reply;
	size_t asked = c->sink.iov_len, n = c->error ? 0 : rep->data.len;
	grpc_slice data = grpc_slice_sub(t->sink, 0, n);
	bool more = n && (n == asked || (t->flags & MSG_WAITALL)) && t->done + n < t->wanted;

	grpc_slice_unref(t->sink);
	if (t->done && is_the_sockets(c->error) && c->sock)
		c->sock->held_error = c->error;
	t->error = c->error;
	t->done += n;
	transfer_reply(t, data, more);
}

static void transfer_call_done(struct call *c)
{
	struct transfer *t = c->owner;
	bool send = t->kind == KIND_SEND;

	t->work = NULL;
	if (send)
		sent_piece(t, c);
	else
		received_piece(t, c);
	call_free(c);
	if (send && !t->ended)
		transfer_step(t);
	transfer_unref(t);
}

/* What is under way ends with what there is; of what is sent, the rest is dropped. */
static bool transfer_stop(struct transfer *t)
{
	bool found = t->kind != KIND_NONE;

	if (t->kind == KIND_RECV)
		t->stopped = true;
	if (t->kind == KIND_SEND && !t->work && !t->failed) {
		t->failed = true;
		t->error = -ECANCELED;
	}
	if (t->work)
		(void)call_cancel(t->work);
	return found;
}

bool transfer_cancel(struct session *s, uint64_t id)
{
	for (struct list *l = s->transfers.next; l != &s->transfers; l = l->next) {
		struct transfer *t = container_of(l, struct transfer, in_session);

		if (t->kind != KIND_NONE && t->id == id)
			return transfer_stop(t);
	}
	return false;
}

/* ---- chunks ------------------------------------------------------------------------ */

static void transfer_receive(struct transfer *t)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (t->receiving || t->ended || t->next)
		return;
	t->receiving = true;
	t->refs++;
	t->in_message = NULL;
	op.data.recv_message.recv_message = &t->in_message;
	start_batch(t->rpc.call, &op, 1, &t->received);
}

static void begin(struct transfer *t, const Sockbroker__V1__Chunk *h)
{
	bool timed = h->timeout_case == SOCKBROKER__V1__CHUNK__TIMEOUT_TIMEOUT_NS;
	uint64_t now = clock_now_ns();

	t->kind = (int)h->kind;
	t->id = h->id;
	t->flags = h->flags & ~(uint32_t)(MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE);
	t->wanted = h->count;
	t->done = 0;
	t->error = 0;
	t->failed = false;
	t->stopped = false;
	t->deadline_ns = h->flags & MSG_DONTWAIT ? now
		: timed && h->timeout_ns < UINT64_MAX - now ? now + h->timeout_ns : UINT64_MAX;
}

static void take_send(struct transfer *t, struct chunk *c)
{
	struct session *s = t->session;
	bool last = !c->header->more;

	t->current = c;
	if (!t->failed && !account_take(&s->account->bytes, c->length, s->limits.bytes)) {
		t->error = -ENOBUFS;
		t->failed = true;
	}
	if (!t->failed && send_piece(t))
		return;
	if (!t->failed)
		account_give(&s->account->bytes, c->length);
	t->error = t->error ? t->error : -ENOMEM;
	t->failed = true;
	t->current = chunk_free(c);
	if (last)
		transfer_reply(t, grpc_empty_slice(), false);
}

/* A Chunk that is due. Takes it. */
static void take_chunk(struct transfer *t, struct chunk *c)
{
	const Sockbroker__V1__Chunk *h = c->header;
	int kind = (int)h->kind;

	if (t->kind == KIND_NONE)
		begin(t, h);
	if (kind != t->kind || h->id != t->id || (kind != KIND_SEND && kind != KIND_RECV)) {
		chunk_free(c);
		transfer_end(t, GRPC_STATUS_INVALID_ARGUMENT,
			     "a Chunk that is neither the next of its transfer nor the first of another");
		return;
	}
	if (kind == KIND_SEND) {
		take_send(t, c);
		return;
	}
	chunk_free(c);
	recv_on(t);
}

/* Go on, if something can be gone on with. */
static void transfer_step(struct transfer *t)
{
	while (!t->ended && !t->work && !t->out_next && t->next &&
	       (t->kind != KIND_RECV)) {
		struct chunk *c = t->next;

		t->next = NULL;
		take_chunk(t, c);
	}
	transfer_receive(t);
}

static void transfer_chunk(struct transfer *t, struct chunk *c)
{
	int kind = (int)c->header->kind;

	if (!t->handle)
		t->handle = c->header->handle;
	if (kind == KIND_CANCEL) {
		if (t->id == c->header->id)
			(void)transfer_stop(t);
		chunk_free(c);
	} else if (kind == KIND_NONE && !c->header->more && !c->length) {
		chunk_free(c); /* only named the socket */
	} else {
		t->next = c;
	}
}

static void transfer_received(struct tag *tag, bool ok)
{
	struct transfer *t = container_of(tag, struct transfer, received);
	struct shard *sh = t->shard;
	bool some = ok && t->in_message;
	struct chunk *c = some ? chunk_read(t->in_message) : NULL;

	shard_enter(sh);
	t->receiving = false;
	if (c)
		transfer_chunk(t, c);
	else
		transfer_end(t, some ? GRPC_STATUS_INVALID_ARGUMENT : GRPC_STATUS_OK, some ? "not a Chunk" : "");
	transfer_step(t);
	transfer_unref(t);
	shard_leave(sh);
}

/* A receiving transfer goes on once its piece has left; unless what has left is
 * the end of the one before, and the first piece of this one is ready already. */
static void transfer_sent(struct tag *tag, bool ok)
{
	struct transfer *t = container_of(tag, struct transfer, sent);
	struct shard *sh = t->shard;

	shard_enter(sh);
	if (t->out_message)
		grpc_byte_buffer_destroy(t->out_message);
	t->out_message = NULL;
	account_give(&t->session->account->bytes, t->charged_out);
	t->charged_out = 0;
	t->sending = false;
	if (!ok)
		transfer_end(t, GRPC_STATUS_CANCELLED, "the client has gone");
	if (!t->ended && t->kind == KIND_RECV && !t->work && !t->out_next)
		recv_on(t);
	transfer_step(t);
	shard_flush(sh, &t->outgoing);
	transfer_unref(t);
	shard_leave(sh);
}

static void transfer_closed(struct tag *tag, bool ok)
{
	struct transfer *t = container_of(tag, struct transfer, closed);
	struct shard *sh = t->shard;

	(void)ok;
	shard_enter(sh);
	transfer_end(t, GRPC_STATUS_CANCELLED, "the stream was cancelled");
	transfer_unref(t);
	shard_leave(sh);
}

static void transfer_opened(struct tag *tag, bool ok)
{
	struct transfer *t = container_of(tag, struct transfer, opened);
	struct shard *sh = t->shard;

	(void)ok;
	shard_enter(sh);
	transfer_unref(t);
	shard_leave(sh);
}

/* Under the lock. */
static void transfer_open(struct transfer *t)
{
	grpc_op open = { .op = GRPC_OP_SEND_INITIAL_METADATA };
	grpc_op close = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	t->opened.fn = transfer_opened;
	t->received.fn = transfer_received;
	t->sent.fn = transfer_sent;
	t->closed.fn = transfer_closed;
	t->outgoing = (struct outgoing){ .gather = transfer_gather, .start = transfer_start };
	list_init(&t->outgoing.link);
	list_append(&t->session->transfers, &t->in_session);
	close.data.recv_close_on_server.cancelled = &t->cancelled;
	t->refs = 2; /* the opening, the end */
	start_batch(t->rpc.call, &open, 1, &t->opened);
	start_batch(t->rpc.call, &close, 1, &t->closed);
	transfer_receive(t);
}

void transfer_begin(struct rpc *r)
{
	unsigned n;
	struct shard *shards = front_shards(r->conn->home->front, &n);
	struct transfer *t = calloc(1, sizeof(*t));
	const char *token = NULL;
	size_t length;
	int i;

	rpc_token(r, &token, &length);
	i = session_token_shard(token, length, n);
	if (t && i >= 0) {
		t->shard = &shards[i];
		shard_enter(t->shard);
		t->session = session_find(t->shard, token, length, r->conn->peer);
		if (t->session) {
			session_ref(t->session);
			t->rpc = *r;
			transfer_open(t);
			shard_leave(t->shard);
			return;
		}
		shard_leave(t->shard);
	}
	free(t);
	rpc_fail(r, GRPC_STATUS_UNAUTHENTICATED,
		 "no such session of this user: name Welcome's token in the metadata sockbroker-session");
}
