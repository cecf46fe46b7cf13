/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.h - a share of the clients: their sessions, sockets and calls, under
 * one lock that is taken at two doors.
 *
 *   door 1   a request has come (the front's completion queue thread)
 *   door 2   a socket is ready, or a timer is due (the shard's own thread)
 *   (door 3  a worker has done what would have blocked)
 *
 * Inside, everything reads as if it were single-threaded. Replies are gathered
 * under the lock and set off after it is released: shard_leave().
 */
#ifndef SB_CALL_SHARD_H
#define SB_CALL_SHARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/handles.h"
#include "wire/list.h"
#include "core/log.h"
#include "core/poller.h"
#include "core/timers.h"
#include "core/workers.h"
#include "policy/policy.h"

/* Something that has replies to set off. gather() is called under the lock, and
 * returns whether start() is to be called after it. Whoever embeds it stays
 * alive until start() has returned. */
struct outgoing {
	struct list link;        /* in shard->outgoing */
	bool (*gather)(struct outgoing *);
	void (*start)(struct outgoing *);
};

/* One receive, at most: the broker's limit, told in Welcome. */
enum { SHARD_SCRATCH_BYTES = 1 << 20 };

struct sweep;

struct shard {
	pthread_mutex_t lock;
	unsigned number, n_shards;
	struct poller poller;
	struct timers timers;
	struct watch alarm;      /* a timerfd */
	uint64_t alarm_ns;       /* what it is set to */
	struct workers *workers; /* all shards' */
	struct workers *resolvers; /* ditto; for the name service, which may hang */
	struct policy *policy;   /* a reference */
	struct list sessions;
	struct handles tokens;   /* session->token_key -> session */
	struct list outgoing;
	struct list runnable;    /* calls that were held, and need not be any more */
	uint64_t operations, denials;
	struct sweep *sweep;     /* ops/ops_share.c's; NULL: none is due */
	unsigned n_sockets;
	struct log_limit audit;
	uint8_t *scratch;        /* SHARD_SCRATCH_BYTES, for one attempt at a time */
	pthread_t thread;
	bool running, ending;
};

/* Returns 0 or -errno. @policy: takes a reference. */
int shard_init(struct shard *, unsigned number, unsigned n_shards, struct workers *,
	       struct workers *resolvers, struct policy *policy) __attribute__((warn_unused_result));
int shard_start(struct shard *) __attribute__((warn_unused_result));
/* Ends the thread; all sessions must be closed. */
void shard_stop(struct shard *);
void shard_done(struct shard *);

void shard_enter(struct shard *);
void shard_leave(struct shard *);

/* Under the lock: have @o gathered when it is left. Idempotent. */
void shard_flush(struct shard *, struct outgoing *);

/* Have the shard's thread wake no later than the first timer. */
void shard_set_alarm(struct shard *);

void shard_set_policy(struct shard *, struct policy *);

#endif
