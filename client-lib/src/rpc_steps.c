/* SPDX-License-Identifier: Apache-2.0 */
/* rpc_steps.c - on the session stream: several requests in one message, and requests whose
 * replies go unheard. */
#include "rpc_flight.h"

#include <errno.h>
#include <stdlib.h>

#include "sockbroker/v1/broker.pb-c.h"

/* The last is waited for first: it is the one that takes its time, and so the one to be
 * cancelled. */
void stream_call_steps(struct sb_broker *b, struct rpc_step *steps, size_t n,
		       struct patience *patience)
{
	struct flight flights[RPC_STEPS_MAX];

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < n; i++) {
		flights[i] = (struct flight){ .async = NULL };
		steps[i].error = flight_begin(b, &flights[i], rpc_method_of(steps[i].request),
					      steps[i].request, steps[i].linked);
	}
	stream_flush(b);
	pthread_mutex_unlock(&b->lock);
	for (size_t i = n; i-- > 0;) {
		struct reply reply;

		if (steps[i].error)
			continue;
		reply_init(&reply);
		pthread_mutex_lock(&b->lock);
		steps[i].error = flight_await(b, &flights[i], patience,
					      steps[i].out ? steps[i].out : &reply);
		reply_free(&reply);
	}
}

static void tell_done(struct rpc_async *async, int error, const ProtobufCMessage *reply)
{
	(void)error;
	(void)reply;
	free(async);
}

int stream_tell(struct sb_broker *b, const ProtobufCMessage *request)
{
	struct rpc_async *async = calloc(1, sizeof(*async));
	int r = -ENOMEM;

	if (async) {
		async->done = tell_done;
		r = flight_start(b, request, async);
	}
	if (r < 0)
		free(async);
	return r;
}

int stream_cancel(struct sb_broker *b, uint64_t id)
{
	Sockbroker__V1__Cancel cancel = SOCKBROKER__V1__CANCEL__INIT;

	cancel.target = id;
	return stream_tell(b, &cancel.base);
}
