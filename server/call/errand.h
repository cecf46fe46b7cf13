/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errand.h - what a call has done elsewhere while it waits: a lookup by the
 * name service, which takes a thread, perhaps for long, and can't be interrupted.
 *
 *   call     attempt ─► parked ──────────────► attempt ─► finish
 *               │         │                       ▲
 *               │      gives up: leaves it        │ done
 *   errand   made ─► begun ─► a resolver runs it ─┴─► or, left: frees itself
 *
 * It has the request and the reply in memory of its own, so the call may end at
 * any time. Its place on the user's account is its own too: it is kept until the name
 * service returns, however often the client gives up and asks again.
 *
 * run() is the only part without the shard's lock.
 */
#ifndef SB_CALL_ERRAND_H
#define SB_CALL_ERRAND_H

#include <stdbool.h>

#include "core/workers.h"
#include "wire/arena.h"

struct account;
struct call;
struct shard;

struct errand {
	struct job job;
	/* Fills the reply. Returns 0 or -errno. */
	int (*run)(struct errand *);
	const ProtobufCMessage *request;
	ProtobufCMessage *reply;
	struct arena arena;      /* where both live */
	int error;               /* what run() returned */

	struct shard *shard;
	struct account *account; /* a reference */
	uint32_t limit;          /* of those under way for one user, over all sessions: fewer than
				  * there are resolvers, so that nobody can have all of them */
	struct call *call;       /* NULL: it has given up */
	bool running;            /* begun, and not done */
};

/* The attempt of an operation that is an errand: makes one, or takes its reply
 * once it is done. Returns -EAGAIN (not yet), run()'s result, or -ENOMEM. */
int errand_attempt(struct call *, int (*run)(struct errand *));

/* The same for what, this time, does not block and need not pass the name service: done here and
 * now. */
int errand_at_once(struct call *, int (*run)(struct errand *));

/* For call.c. Returns 0 or -EMFILE: the user has enough of them. */
int errand_begin(struct errand *);
/* The call ends: unless it has the reply, the errand is left to itself. */
void errand_leave(struct call *);
void errand_free(struct errand *); /* accepts NULL */

#endif
