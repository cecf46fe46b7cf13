/* SPDX-License-Identifier: Apache-2.0 */
/* rpc.c - an RPC that has come in: whose it is, and how it ends when nobody
 * takes it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "front/front.h"
#include "front/tsan.h"

void start_batch(grpc_call *call, const grpc_op *ops, size_t n, struct tag *tag)
{
	grpc_call_error e;

	TSAN_RELEASE(tag);
	e = grpc_call_start_batch(call, ops, n, tag, NULL);
	assert(e == GRPC_CALL_OK);
	(void)e;
}

void start_message(grpc_call *call, grpc_byte_buffer *message, struct tag *tag)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	op.data.send_message.send_message = message;
	start_batch(call, &op, 1, tag);
}

void start_status(grpc_call *call, grpc_status_code status, const char *why, struct tag *tag)
{
	grpc_slice details = grpc_slice_from_static_string(why);
	grpc_op op = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER };

	op.data.send_status_from_server.status = status;
	op.data.send_status_from_server.status_details = &details;
	start_batch(call, &op, 1, tag);
}

void rpc_done(struct rpc *r)
{
	atomic_fetch_sub(&r->conn->rpcs, 1);
	grpc_metadata_array_destroy(&r->metadata);
	grpc_call_unref(r->call);
	conn_unref(r->conn);
}

struct ending {
	struct tag tag;
	struct rpc rpc;
	grpc_byte_buffer *reply;  /* or NULL */
	int cancelled;
};

static void ended(struct tag *t, bool ok)
{
	struct ending *e = container_of(t, struct ending, tag);

	(void)ok;
	if (e->reply)
		grpc_byte_buffer_destroy(e->reply);
	rpc_done(&e->rpc);
	free(e);
}

/* All that is left to say, in one batch. */
static void start_ending(struct ending *e, grpc_status_code status, grpc_slice details)
{
	grpc_op ops[4] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
		  .data.send_status_from_server = { .status = status, .status_details = &details } },
		{ .op = GRPC_OP_RECV_CLOSE_ON_SERVER },
		{ .op = GRPC_OP_SEND_MESSAGE },
	};

	ops[2].data.recv_close_on_server.cancelled = &e->cancelled;
	ops[3].data.send_message.send_message = e->reply;
	start_batch(e->rpc.call, ops, e->reply ? 4 : 3, &e->tag);
}

static void rpc_end(struct rpc *r, grpc_byte_buffer *reply, grpc_status_code status,
		    const char *message)
{
	struct ending *e = malloc(sizeof(*e));
	grpc_slice details = grpc_slice_from_copied_string(message);

	if (e) {
		*e = (struct ending){ .tag = { .fn = ended }, .rpc = *r, .reply = reply };
		start_ending(e, status, details);
	} else {
		grpc_call_cancel(r->call, NULL);
		rpc_done(r);
		if (reply)
			grpc_byte_buffer_destroy(reply);
	}
	grpc_slice_unref(details);
}

void rpc_fail(struct rpc *r, grpc_status_code status, const char *message)
{
	rpc_end(r, NULL, status, message);
}

void rpc_answer(struct rpc *r, grpc_byte_buffer *reply)
{
	rpc_end(r, reply, GRPC_STATUS_OK, "");
}

void rpc_token(const struct rpc *r, const char **ret, size_t *ret_length)
{
	*ret_length = 0;
	for (size_t i = 0; i < r->metadata.count; i++) {
		const grpc_metadata *m = &r->metadata.metadata[i];

		if (grpc_slice_str_cmp(m->key, "sockbroker-session") != 0)
			continue;
		*ret = (const char *)GRPC_SLICE_START_PTR(m->value);
		*ret_length = GRPC_SLICE_LENGTH(m->value);
	}
}

/* What follows @prefix in the method, or NULL. */
static const char *method_of(const grpc_slice *path, const char *prefix, size_t *ret_length)
{
	size_t n = strlen(prefix);
	const char *text = (const char *)GRPC_SLICE_START_PTR(*path);

	if (GRPC_SLICE_LENGTH(*path) < n || memcmp(text, prefix, n) != 0)
		return NULL;
	*ret_length = GRPC_SLICE_LENGTH(*path) - n;
	return text + n;
}

static bool is(const char *method, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(method, name, length) == 0;
}

void rpc_dispatch(struct rpc *r, const grpc_slice *path)
{
	size_t n;
	const char *m = method_of(path, "/sockbroker.v1.Broker/", &n);

	if (m && is(m, n, "Session"))
		stream_begin(r);
	else if (m && is(m, n, "Transfer"))
		transfer_begin(r);
	else if (m)
		unary_begin(r, m, n);
	else if ((m = method_of(path, "/sockbroker.v1.Admin/", &n)))
		admin_begin(r, m, n);
	else if ((m = method_of(path, "/grpc.health.v1.Health/", &n)))
		health_begin(r, m, n);
	else
		rpc_fail(r, GRPC_STATUS_UNIMPLEMENTED,
			 "no such service; there are sockbroker.v1.Broker, sockbroker.v1.Admin and grpc.health.v1.Health");
}
