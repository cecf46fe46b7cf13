/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - one request, from "decoded" to "answered".
 *
 *     start ──► intent ──► policy ──► attempt ──► finish ──► done
 *                 │           │        │    ▲        ▲
 *                 └───────────┴────────│────│────────┤  any error
 *                                not yet    │ready   │
 *                                      ▼    │        │
 *                                      parked ───────┘  cancel, timeout
 *
 * Whether a call waits is told by the lists it is in, and by nothing else:
 *
 *   parked     its waiters are in a socket's lists, or its errand runs (and perhaps
 *              its timer is set)
 *   held       it is in sock->held (behind a worker's call) or chained (linked to a
 *              call before it that has not finished)
 *   offloaded  sock->busy is it: a worker runs it
 *   else       it is being run right now, by the thread that has the lock
 *
 * Everything belongs to the shard's lock, but for work(), see ops/op.h.
 */
#ifndef SB_CALL_CALL_H
#define SB_CALL_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "wire/list.h"
#include "core/timers.h"
#include "core/workers.h"
#include "policy/policy.h"
#include "wire/arena.h"

struct op;
struct call;
struct errand;
struct session;
struct sock;

/* One entry in one socket's list. */
struct waiter {
	struct list link;
	struct call *call;
	struct sock *sock;   /* a reference */
	uint32_t events;     /* EPOLL* */
};

/* A socket that a call passes on, by SCM_RIGHTS. In the call's arena. */
struct passing {
	struct passing *next;
	struct sock *sock;       /* a reference */
};

struct call {
	const struct op *op;
	struct session *session; /* a reference */
	struct sock *sock;       /* a reference; NULL: the operation has no handle */
	uint64_t id;             /* the client's; 0 for unary */
	ProtobufCMessage *request, *reply;
	struct intent intent;    /* our copy of what is asked, which is judged */
	void *state;             /* the operation's, in the arena */
	int error;               /* once finished: 0 or -errno */

	bool may_wait;
	uint8_t spurious;        /* times in a row that a ready socket said "not yet" */
	bool offloaded;          /* a worker has it */
	bool aside;              /* it may block for as long as its user likes: that user's crew does it */
	int not_yet;             /* what the first attempt said: the answer when time is up */
	struct verdict verdict;  /* what policy said: the capabilities to raise, … */
	bool only_asks;          /* a denial is an answer, and not in the log */
	/* A call with many destinations (SendMany): each is judged; the first that
	 * is denied cuts it short. */
	struct sock_addr *targets;
	size_t n_targets;
	/* What it asks for beside: control messages that are options. */
	struct intent *also;
	size_t n_also;
	uint64_t deadline_ns;    /* UINT64_MAX: none */
	uint64_t retry_ns;       /* pause before the next unasked attempt; 0: none */
	struct timer timer;      /* the earlier of deadline and retry */

	struct waiter wait;      /* the one that almost all calls need */
	struct waiter *waiters;  /* that one, or an array in the arena (Poll) */
	size_t n_waiters;        /* 0: waits for no socket */
	struct errand *errand;   /* what it waits for instead: see call/errand.h; or NULL */

	struct list in_session;  /* in session->calls */
	struct list held;        /* in sock->held, or shard->runnable */
	struct call *chained;    /* starts when this one has succeeded … */
	struct call *after;      /* … and this one's: the one before it */
	struct job job;
	/* Set by an attempt that says CALL_OFFLOAD: what the socket's state is to know of it,
	 * under the lock, after work(); or without it, and an error: it could not be begun. */
	void (*worked)(struct call *, int result);

	/* The bulk path lends its own memory: data to send without a copy, and
	 * where to receive. */
	struct iovec *payload;
	size_t n_payload;
	struct iovec sink;

	/* Whose descriptors its control messages carry: kept until it is freed, lest
	 * the number become another's while it waits. */
	struct passing *passing;

	uint64_t charged;        /* bytes on the account */
	/* The answer is ready: takes the call, and returns it with call_free(). */
	void (*done)(struct call *);
	void *owner;             /* of done() */
	struct arena arena;
};

/* Returns a call whose arena awaits its request, or NULL: memory is out. */
struct call *call_new(struct session *);
/* Says what it is, and makes room for the reply. Returns 0 or -ENOMEM. */
int call_set_op(struct call *, const struct op *, ProtobufCMessage *request)
	__attribute__((warn_unused_result));
void call_free(struct call *);

/* Takes the call; c->done() gives it back, exactly once, perhaps before this
 * returns. @linked: only after, and if, the session's call before it succeeded. */
void call_start(struct call *, bool linked);

/* Answers a call that was not started. Takes it, as call_start() does. */
void call_refuse(struct call *, int error);

/* The client gives up. Returns whether the call was waiting, and so has been
 * finished. */
bool call_cancel(struct call *);

/* The session ends: whatever the state, nobody wants the answer. */
void call_abandon(struct call *);

/* For the engine's own parts. */
void call_finish(struct call *, int error);
/* The socket is ready (or somebody thinks so): try again. Returns false when it
 * must wait still. */
bool call_retry(struct call *);
/* A call that was held may go on; used by shard_leave(). */
void call_resume(struct call *);

#endif
