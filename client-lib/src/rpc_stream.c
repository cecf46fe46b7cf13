/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_stream.c - the session stream; its threads wait in rpc_wait.c.
 *
 * The library has no thread here: those who wait for replies read the stream
 * themselves. One of them leads: it runs the completion queue, hands each reply
 * to the one who waits for it, and when it meets its own it makes another
 * waiter the leader. So a single thread never hands anything over, which would
 * cost as much as the whole round trip to the broker.
 *
 *   caller: pack ─► in line ─► send, unless a message is on its way
 *                                 └─► wait ┬ nobody leads: lead, until answered
 *                                          └ sleep ─► answered │ made the leader
 *
 * gRPC allows one message on its way in each direction. Requests that come
 * while one is being sent stand in line and leave in the next message, all
 * together: many threads make large messages by themselves, and one thread
 * never waits to fill one.
 *
 * A reply's bytes are handed over, not the reply: its own thread unpacks it.
 * An answer to a request that has not been sent, or to none, is that of a
 * broker gone mad; it is dropped. No call is ever given up before its reply
 * has come, so a handle in a dropped reply is nobody's loss.
 */
#include "rpc_flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sockbroker/v1/broker.pb-c.h"

/* What gRPC tells of; the tags of its events. */
static char tag_opened, tag_sent, tag_received, tag_ended;

/* ------------------------------------------------------------------------ */
/* Flights                                                                  */
/* ------------------------------------------------------------------------ */

static struct flight **bucket(struct sb_broker *b, uint64_t id)
{
	return &b->flights[id % FLIGHT_BUCKETS];
}

/* Ids are 32 bits, and come round: some wait for long. A transfer's is not looked for: it
 * ends before so many others have come. */
uint64_t stream_new_id(struct sb_broker *b)
{
	const struct flight *f;

	do {
		b->last_id = b->last_id % UINT32_MAX + 1;
		for (f = *bucket(b, b->last_id); f && f->id != b->last_id; f = f->next)
			;
	} while (f);
	return b->last_id;
}

static struct flight *flight_take(struct sb_broker *b, uint64_t id)
{
	for (struct flight **p = bucket(b, id); *p; p = &(*p)->next) {
		struct flight *f = *p;

		if (f->id != id)
			continue;
		if (!list_empty(&f->out))
			return NULL; /* answered before it was asked */
		*p = f->next;
		return f;
	}
	return NULL;
}

/* What there is to be done once the lock is free: a thread that is woken earlier
 * may run at once, in our place, and find the lock taken. */
struct afterwards {
	struct flight *finished;
	size_t n_asleep;
	_Atomic uint32_t *asleep[BATCH_REQUESTS];
};

static void wake_all(struct afterwards *after)
{
	for (size_t i = 0; i < after->n_asleep; i++)
		flight_wake(after->asleep[i]);
	after->n_asleep = 0;
}

/* Its own thread has it from here on, or @after. Who leads is not asleep. */
static void flight_answer(struct sb_broker *b, struct flight *f, struct afterwards *after)
{
	list_remove(&f->waiter);
	if (f->async) {
		b->n_async--;
		f->next = after->finished;
		after->finished = f;
		return;
	}
	if (atomic_exchange(&f->state, FLIGHT_ANSWERED) != FLIGHT_WAITING)
		return;
	if (after->n_asleep == BATCH_REQUESTS)
		wake_all(after);
	after->asleep[after->n_asleep++] = &f->state;
}

int flight_begin(struct sb_broker *b, struct flight *f, const struct rpc_method *method,
		 const ProtobufCMessage *request, bool linked)
{
	struct envelope e;

	list_init(&f->waiter);
	list_init(&f->out);
	f->id = stream_new_id(b);
	f->method = method;
	f->reply = grpc_empty_slice();
	envelope_measure(&e, f->id, method, request, linked);
	if (atomic_load(&b->ended))
		return atomic_load(&b->ended);
	if (b->limits.message_bytes && e.bytes > b->limits.message_bytes)
		return -EMSGSIZE;

	f->request = grpc_slice_malloc(e.bytes);
	envelope_pack(&e, GRPC_SLICE_START_PTR(f->request));
	f->next = *bucket(b, f->id);
	*bucket(b, f->id) = f;
	list_append(&b->outgoing, &f->out);
	return 0;
}

void flights_done(struct flight *finished)
{
	while (finished) {
		struct flight *f = finished;
		struct reply reply;

		finished = f->next;
		reply_init(&reply);
		if (f->error == 0)
			f->error = rpc_reply_unpack(f->method, GRPC_SLICE_START_PTR(f->reply),
						    GRPC_SLICE_LENGTH(f->reply), &reply);
		grpc_slice_unref(f->reply);
		f->async->done(f->async, f->error, reply.message);
		reply_free(&reply);
		free(f);
	}
}

/* ------------------------------------------------------------------------ */
/* Sending                                                                  */
/* ------------------------------------------------------------------------ */

static grpc_byte_buffer *gather(struct sb_broker *b)
{
	grpc_slice slices[BATCH_REQUESTS];
	grpc_byte_buffer *buffer;
	size_t n = 0, bytes = 0;

	while (!list_empty(&b->outgoing) && n < BATCH_REQUESTS) {
		struct flight *f = container_of(b->outgoing.next, struct flight, out);

		bytes += GRPC_SLICE_LENGTH(f->request);
		if (n && bytes > b->limits.message_bytes)
			break;
		list_remove(&f->out);
		slices[n++] = f->request;
	}
	buffer = grpc_raw_byte_buffer_create(slices, n);
	for (size_t i = 0; i < n; i++)
		grpc_slice_unref(slices[i]);
	return buffer;
}

static bool start_one(struct sb_broker *b, const grpc_op *op, void *tag)
{
	TSAN_RELEASE(tag);
	return grpc_call_start_batch(b->session, op, 1, tag, NULL) == GRPC_CALL_OK;
}

void stream_flush(struct sb_broker *b)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
	bool ok;

	if (b->sending || list_empty(&b->outgoing) || atomic_load(&b->ended))
		return;
	b->message_out = gather(b);
	b->sending = true;
	op.data.send_message.send_message = b->message_out;
	/* The write is done in here: let others stand in line meanwhile. */
	pthread_mutex_unlock(&b->lock);
	ok = start_one(b, &op, &tag_sent);
	/* Never seen. Its end will come as an event: the caller may hold locks
	 * that a done() wants. */
	if (!ok)
		grpc_call_cancel(b->session, NULL);
	pthread_mutex_lock(&b->lock);
	if (!ok)
		b->sending = false;
}

static void on_sent(struct sb_broker *b, bool ok)
{
	pthread_mutex_lock(&b->lock);
	grpc_byte_buffer_destroy(b->message_out);
	b->message_out = NULL;
	b->sending = false;
	if (ok)
		stream_flush(b);
	pthread_mutex_unlock(&b->lock);
	if (!ok)
		stream_end(b, -EPIPE);
}

/* ------------------------------------------------------------------------ */
/* Receiving                                                                */
/* ------------------------------------------------------------------------ */

static bool receive_next(struct sb_broker *b)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &b->message_in;
	b->receiving = start_one(b, &op, &tag_received);
	return b->receiving;
}

/* @whole is where the view looks: a small slice has its bytes within itself. */
static void deliver(struct sb_broker *b, const struct reply_view *view, const grpc_slice *whole,
		    struct afterwards *after)
{
	struct flight *f = flight_take(b, view->id);
	const size_t begin = (size_t)(view->body - GRPC_SLICE_START_PTR(*whole));

	if (!f)
		return;
	f->error = 0;
	if (view->field != f->method->field)
		f->error = -EPROTO;
	else if (view->body_bytes)
		f->reply = grpc_slice_sub(*whole, begin, begin + view->body_bytes);
	flight_answer(b, f, after);
}

static void on_received(struct sb_broker *b)
{
	grpc_byte_buffer *message = b->message_in;
	struct afterwards after = { .finished = NULL };
	struct reply_view view;
	bool malformed = false;
	const uint8_t *data;
	grpc_slice slice;

	b->message_in = NULL;
	b->receiving = false;
	if (!message)
		return; /* the end; its status follows */
	(void)receive_next(b);
	slice = rpc_slice_of(message);
	grpc_byte_buffer_destroy(message);

	data = GRPC_SLICE_START_PTR(slice);
	pthread_mutex_lock(&b->lock);
	while (reply_next(&data, GRPC_SLICE_END_PTR(slice), &view, &malformed))
		if (view.body)
			deliver(b, &view, &slice, &after);
	b->crowded = b->waiters.next != b->waiters.prev;
	pthread_mutex_unlock(&b->lock);
	wake_all(&after);
	grpc_slice_unref(slice);
	if (malformed)
		stream_end(b, -EPIPE);
	flights_done(after.finished);
}

/* ------------------------------------------------------------------------ */
/* Leading                                                                  */
/* ------------------------------------------------------------------------ */

bool stream_turn(struct sb_broker *b, gpr_timespec deadline)
{
	const grpc_event e = rpc_await(b, b->queue, NULL, b->crowded, deadline);

	if (e.type != GRPC_OP_COMPLETE)
		return false;
	TSAN_ACQUIRE(e.tag);
	if (e.tag == &tag_sent)
		on_sent(b, e.success);
	else if (e.tag == &tag_received)
		on_received(b);
	else if (e.tag == &tag_ended)
		b->open = false;
	if (e.tag == &tag_ended)
		stream_end(b, -EPIPE);
	return true;
}

/* ------------------------------------------------------------------------ */
/* Beginning and end                                                        */
/* ------------------------------------------------------------------------ */

int stream_open(struct sb_broker *b)
{
	const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	grpc_op first[2] = { { 0 } }, status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	b->queue = grpc_completion_queue_create_for_next(NULL);
	b->session = grpc_channel_create_call(b->channel, NULL, GRPC_PROPAGATE_DEFAULTS, b->queue,
		grpc_slice_from_static_string("/sockbroker.v1.Broker/Session"), NULL, never, NULL);
	first[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	first[1].op = GRPC_OP_RECV_INITIAL_METADATA;
	first[1].data.recv_initial_metadata.recv_initial_metadata = &b->first_metadata;
	status.data.recv_status_on_client.trailing_metadata = &b->last_metadata;
	status.data.recv_status_on_client.status = &b->status;
	status.data.recv_status_on_client.status_details = &b->status_text;

	b->open = start_one(b, &status, &tag_ended);
	if (!b->open ||
	    grpc_call_start_batch(b->session, first, 2, &tag_opened, NULL) != GRPC_CALL_OK)
		return -EPIPE;
	return receive_next(b) ? 0 : -EPIPE;
}

/* Everybody is answered @error, now and from now on. */
void stream_end(struct sb_broker *b, int error)
{
	struct afterwards after = { .finished = NULL };
	int not_yet = 0;

	pthread_mutex_lock(&b->lock);
	(void)atomic_compare_exchange_strong(&b->ended, &not_yet, error);
	while (!list_empty(&b->outgoing)) {
		struct flight *f = container_of(b->outgoing.next, struct flight, out);

		list_remove(&f->out);
		grpc_slice_unref(f->request);
	}
	for (size_t i = 0; i < FLIGHT_BUCKETS; i++) {
		while (b->flights[i]) {
			struct flight *f = b->flights[i];

			b->flights[i] = f->next;
			f->error = error;
			flight_answer(b, f, &after);
		}
	}
	pthread_mutex_unlock(&b->lock);
	wake_all(&after);
	/* Who leads is in the queue, and must come out of it. */
	if (not_yet == 0 && b->session)
		grpc_call_cancel(b->session, NULL);
	flights_done(after.finished);
}

/* Nobody else uses the broker any more. */
void stream_close(struct sb_broker *b)
{
	if (!b->session)
		return;
	while (b->open || b->sending || b->receiving)
		(void)stream_turn(b, gpr_inf_future(GPR_CLOCK_MONOTONIC));
	grpc_call_unref(b->session);

	grpc_completion_queue_shutdown(b->queue);
	while (grpc_completion_queue_next(b->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
	       GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(b->queue);
	grpc_byte_buffer_destroy(b->message_out);
	grpc_byte_buffer_destroy(b->message_in);
}
