/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_helper.c - calls whose replies nobody waits for, and the thread that sees
 * to them: it leads (rpc_stream.c) while there are such calls and no other
 * thread does. A program that uses neither sb_watch() nor an sb_poll() of both kinds
 * of descriptors never has it.
 */
#include "rpc_flight.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static bool helper_may_lead(const struct sb_broker *b)
{
	return b->n_async > 0 && !b->leading;
}

static void *helper_main(void *arg)
{
	const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	struct sb_broker *b = arg;
	bool more = true;

	pthread_mutex_lock(&b->lock);
	while (!b->stop_helper) {
		if (!helper_may_lead(b)) {
			pthread_cond_wait(&b->helper_wanted, &b->lock);
			continue;
		}
		b->leading = true;
		do {
			pthread_mutex_unlock(&b->lock);
			more = stream_turn(b, never);
			pthread_mutex_lock(&b->lock);
		} while (more && b->n_async > 0 && !b->stop_helper);
		pthread_mutex_unlock(&b->lock);
		stream_pass_on(b);
		pthread_mutex_lock(&b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* Lock held. Signals are the program's: none is taken on our thread. */
static int helper_start(struct sb_broker *b)
{
	sigset_t all, before;
	int r;

	if (b->has_helper)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&b->helper, NULL, helper_main, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	b->has_helper = true;
	return 0;
}

void helper_wake(struct sb_broker *b)
{
	if (b->has_helper && helper_may_lead(b))
		pthread_cond_signal(&b->helper_wanted);
}

/* The session has ended, so the helper comes out of the queue. */
void helper_stop(struct sb_broker *b)
{
	if (!b->has_helper)
		return;
	pthread_mutex_lock(&b->lock);
	b->stop_helper = true;
	pthread_cond_signal(&b->helper_wanted);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->helper, NULL);
	b->has_helper = false;
}

/* Lock held. */
static int start_locked(struct sb_broker *b, struct flight *f, const ProtobufCMessage *request)
{
	const struct rpc_method *method = rpc_method_of(request);
	const int r = method && method->field ? flight_begin(b, f, method, request, false) : -ENOSYS;

	if (r < 0)
		return r;
	f->async->id = f->id;
	b->n_async++;
	stream_flush(b);
	helper_wake(b);
	return 0;
}

int flight_start(struct sb_broker *b, const ProtobufCMessage *request, struct rpc_async *async)
{
	struct flight *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->async = async;
	pthread_mutex_lock(&b->lock);
	r = start_locked(b, f, request);
	pthread_mutex_unlock(&b->lock);
	if (r < 0)
		free(f);
	return r;
}

static int helper_need(struct sb_broker *b)
{
	int r;

	pthread_mutex_lock(&b->lock);
	r = helper_start(b);
	pthread_mutex_unlock(&b->lock);
	return r;
}

int rpc_start(struct sb_broker *b, const ProtobufCMessage *request, struct rpc_async *async)
{
	const int r = helper_need(b);

	return r < 0 ? r : flight_start(b, request, async);
}

void rpc_cancel(struct sb_broker *b, uint64_t id)
{
	if (helper_need(b) == 0)
		(void)stream_cancel(b, id);
}
