/* SPDX-License-Identifier: Apache-2.0 */
#include "call/shard.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "call/call.h"
#include "core/clock.h"

enum { AUDIT_LINES_PER_SECOND = 20 };

static void alarm_ready(struct watch *w, uint32_t events)
{
	struct shard *sh = container_of(w, struct shard, alarm);
	uint64_t expirations;

	(void)events;
	(void)!read(w->fd, &expirations, sizeof(expirations));
	sh->alarm_ns = UINT64_MAX;
	timers_run(&sh->timers, clock_now_ns());
	shard_set_alarm(sh);
}

void shard_set_alarm(struct shard *sh)
{
	uint64_t next = timers_next(&sh->timers);
	struct itimerspec when = { 0 };

	if (next >= sh->alarm_ns)
		return; /* it rings early enough as it is */
	sh->alarm_ns = next;
	when.it_value.tv_sec = (time_t)(next / NS_PER_S);
	when.it_value.tv_nsec = (long)(next % NS_PER_S);
	(void)timerfd_settime(sh->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void *shard_run(void *shard)
{
	struct shard *sh = shard;
	struct poller_batch batch;
	bool ending = false;

	while (!ending) {
		poller_wait(&sh->poller, &batch);
		shard_enter(sh);
		poller_dispatch(&sh->poller, &batch);
		ending = sh->ending;
		shard_leave(sh);
	}
	return NULL;
}

int shard_init(struct shard *sh, unsigned number, unsigned n_shards, struct workers *workers,
	       struct workers *resolvers, struct policy *policy)
{
	int r;

	*sh = (struct shard){ .number = number, .n_shards = n_shards, .workers = workers,
			      .resolvers = resolvers, .alarm_ns = UINT64_MAX,
			      .audit = { .per_second = AUDIT_LINES_PER_SECOND } };
	r = poller_init(&sh->poller);
	if (r < 0)
		return r;

	pthread_mutex_init(&sh->lock, NULL);
	list_init(&sh->sessions);
	list_init(&sh->outgoing);
	list_init(&sh->runnable);
	sh->policy = policy_ref(policy);
	sh->scratch = malloc(SHARD_SCRATCH_BYTES);
	sh->alarm = (struct watch){
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.ready = alarm_ready };
	r = sh->alarm.fd < 0 ? -errno : !sh->scratch ? -ENOMEM
		: watch_arm(&sh->poller, &sh->alarm, EPOLLIN);
	if (r < 0)
		shard_done(sh);
	return r;
}

int shard_start(struct shard *sh)
{
	int r = pthread_create(&sh->thread, NULL, shard_run, sh);

	sh->running = r == 0;
	return -r;
}

void shard_stop(struct shard *sh)
{
	if (!sh->running)
		return;
	shard_enter(sh);
	sh->ending = true;
	shard_leave(sh);
	poller_wake(&sh->poller);
	pthread_join(sh->thread, NULL);
	sh->running = false;
}

void shard_done(struct shard *sh)
{
	poller_done(&sh->poller);
	if (sh->alarm.fd >= 0)
		close(sh->alarm.fd);
	timers_free(&sh->timers);
	handles_free(&sh->tokens);
	free(sh->scratch);
	free(sh->sweep);
	policy_unref(sh->policy);
	pthread_mutex_destroy(&sh->lock);
}

void shard_enter(struct shard *sh)
{
	pthread_mutex_lock(&sh->lock);
}

/* Takes the next one that has something to set off, or NULL. */
static struct outgoing *next_outgoing(struct shard *sh)
{
	while (!list_empty(&sh->outgoing)) {
		struct outgoing *o = container_of(sh->outgoing.next, struct outgoing, link);

		list_remove(&o->link);
		if (o->gather(o))
			return o;
	}
	return NULL;
}

static void run_runnable(struct shard *sh)
{
	while (!list_empty(&sh->runnable)) {
		struct call *c = container_of(sh->runnable.next, struct call, held);

		list_remove(&c->held);
		call_resume(c);
	}
}

/* gRPC calls nothing of ours from start(), it only queues completions; but the
 * lock is not held while its write(2) runs. */
void shard_leave(struct shard *sh)
{
	struct outgoing *o;

	run_runnable(sh);
	while ((o = next_outgoing(sh))) {
		pthread_mutex_unlock(&sh->lock);
		o->start(o);
		pthread_mutex_lock(&sh->lock);
		run_runnable(sh);
	}
	shard_set_alarm(sh);
	pthread_mutex_unlock(&sh->lock);
}

void shard_flush(struct shard *sh, struct outgoing *o)
{
	if (list_empty(&o->link))
		list_append(&sh->outgoing, &o->link);
}

void shard_set_policy(struct shard *sh, struct policy *policy)
{
	shard_enter(sh);
	policy_unref(sh->policy);
	sh->policy = policy_ref(policy);
	shard_leave(sh);
}
