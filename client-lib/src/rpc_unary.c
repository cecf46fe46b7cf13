/* SPDX-License-Identifier: Apache-2.0 */
/* rpc_unary.c - an operation as an RPC of its own, on a queue of its own while
 * it lasts. (A queue shared by several plucking threads is slow, and stops at
 * six of them.) */
#include "rpc_private.h"

#include <errno.h>
#include <string.h>

grpc_completion_queue *unary_queue_take(struct sb_broker *b)
{
	grpc_completion_queue *queue = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->n_queues)
		queue = b->queues[--b->n_queues];
	pthread_mutex_unlock(&b->lock);
	return queue ? queue : grpc_completion_queue_create_for_pluck(NULL);
}

void unary_queue_give(struct sb_broker *b, grpc_completion_queue *queue)
{
	pthread_mutex_lock(&b->lock);
	if (b->n_queues < QUEUES_KEPT) {
		b->queues[b->n_queues++] = queue;
		queue = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	rpc_queue_free(queue);
}

void rpc_queue_free(grpc_completion_queue *queue)
{
	if (!queue)
		return;
	grpc_completion_queue_shutdown(queue);
	(void)grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_completion_queue_destroy(queue);
}

void unary_close(struct sb_broker *b)
{
	while (b->n_queues)
		rpc_queue_free(b->queues[--b->n_queues]);
}

struct unary {
	grpc_call *call;
	grpc_metadata session;
	grpc_metadata_array first, last;
	grpc_byte_buffer *out, *in;
	grpc_status_code status;
	grpc_slice text;
};

static grpc_byte_buffer *pack(const ProtobufCMessage *request)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(request));
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(request, GRPC_SLICE_START_PTR(slice));
	buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}

/* Returns 0 when gRPC has taken it and @queue will tell. */
static int unary_start(struct unary *u, struct sb_broker *b)
{
	grpc_op ops[6] = { { 0 } };

	u->session = (grpc_metadata){ .key = grpc_slice_from_static_string("sockbroker-session"),
				      .value = grpc_slice_from_static_string(b->token) };
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.count = b->token[0] ? 1 : 0;
	ops[0].data.send_initial_metadata.metadata = &u->session;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = u->out;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &u->first;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &u->in;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &u->last;
	ops[5].data.recv_status_on_client.status = &u->status;
	ops[5].data.recv_status_on_client.status_details = &u->text;
	TSAN_RELEASE(u);
	return grpc_call_start_batch(u->call, ops, 6, u, NULL) == GRPC_CALL_OK ? 0 : -EIO;
}

static int unary_finish(struct sb_broker *b, struct unary *u, const struct rpc_method *method,
			struct reply *out)
{
	grpc_slice slice;
	int r;

	if (u->status != GRPC_STATUS_OK || !u->in) {
		r = rpc_status_error(u->status);
		/* The session stream's own end is not seen: nobody polls it. */
		if (r == -EPIPE)
			stream_end(b, r);
		return r;
	}
	slice = rpc_slice_of(u->in);
	r = rpc_reply_unpack(method, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice), out);
	grpc_slice_unref(slice);
	return r;
}

static void unary_free(struct unary *u)
{
	grpc_byte_buffer_destroy(u->out);
	grpc_byte_buffer_destroy(u->in);
	grpc_slice_unref(u->text);
	grpc_metadata_array_destroy(&u->first);
	grpc_metadata_array_destroy(&u->last);
	grpc_call_unref(u->call);
}

/* Returns whether the program gave it up. Then the broker gives back what it took; but
 * what it had sent by then is not known: an RPC that is cancelled has no reply. */
static bool unary_await(struct sb_broker *b, grpc_completion_queue *queue, struct unary *u,
			bool crowded, struct patience *patience)
{
	bool given_up = false;

	while (rpc_await(b, queue, u, crowded, rpc_time(patience_next(patience))).type ==
	       GRPC_QUEUE_TIMEOUT) {
		if (!patience_ask(patience))
			continue;
		given_up = true;
		patience_ask_no_more(patience);
		grpc_call_cancel(u->call, NULL);
	}
	TSAN_ACQUIRE(u);
	return given_up && u->status == GRPC_STATUS_CANCELLED;
}

int unary_call(struct sb_broker *b, const struct rpc_method *method,
	       const ProtobufCMessage *request, struct patience *patience, struct reply *out)
{
	const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	grpc_completion_queue *queue;
	struct unary u = { .text = grpc_empty_slice() };
	bool crowded;
	int r;

	if (rpc_has_ended(b))
		return -EPIPE;
	if (!method->path[0])
		return -ENOSYS;
	queue = unary_queue_take(b);
	grpc_metadata_array_init(&u.first);
	grpc_metadata_array_init(&u.last);
	u.out = pack(request);
	u.call = grpc_channel_create_call(b->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
					  grpc_slice_from_static_string(method->path), NULL,
					  never, NULL);
	crowded = atomic_fetch_add_explicit(&b->n_unary, 1, memory_order_relaxed) > 0;
	r = unary_start(&u, b);
	if (r == 0 && unary_await(b, queue, &u, crowded, patience))
		r = -EINTR;
	else if (r == 0)
		r = unary_finish(b, &u, method, out);
	atomic_fetch_sub_explicit(&b->n_unary, 1, memory_order_relaxed);
	unary_free(&u);
	unary_queue_give(b, queue);
	return r;
}
