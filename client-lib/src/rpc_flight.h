/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_flight.h - requests on the session stream that are not answered yet.
 *
 * Shared by rpc_stream.c, rpc_wait.c, rpc_steps.c and rpc_helper.c alone.
 */
#ifndef SB_RPC_FLIGHT_H
#define SB_RPC_FLIGHT_H

#include "rpc_private.h"

enum flight_state {
	FLIGHT_WAITING,
	FLIGHT_LEAD,     /* its thread leads, or is to take over as the leader */
	FLIGHT_ANSWERED, /* the flight is its thread's alone again */
};

struct flight {
	uint64_t id;
	const struct rpc_method *method;
	struct rpc_async *async;  /* NULL: a thread waits, and the flight is on its stack */
	struct flight *next;      /* in its bucket, or among the finished */
	struct list waiter;       /* in broker.waiters, if a thread waits */
	struct list out;          /* in broker.outgoing until sent */
	grpc_slice request;       /* until sent */
	_Atomic uint32_t state;   /* flight_state; a futex */
	/* Set with FLIGHT_ANSWERED: the reply's bytes, or an error. */
	int error;
	grpc_slice reply;
};

/* All with the broker's lock held, but for turn() and those that say so. */

/* Makes the request's bytes, and puts it in line to be sent. */
int flight_begin(struct sb_broker *, struct flight *, const struct rpc_method *,
		 const ProtobufCMessage *request, bool linked);
/* The lock not held. rpc_start(), but that nobody may be there to hear the reply: it is
 * seen to when somebody waits again. */
int flight_start(struct sb_broker *, const ProtobufCMessage *request, struct rpc_async *);
/* The lock is held, and is not when it returns: waits for the reply, and returns its
 * error, or -EINTR. */
int flight_await(struct sb_broker *, struct flight *, struct patience *, struct reply *out);
/* Sends what is in line unless a message is on its way; drops the lock meanwhile. */
void stream_flush(struct sb_broker *);
/* The lock not held; the caller leads. Waits for one event of the session, until
 * @deadline (false: nothing came), and sees to it. */
bool stream_turn(struct sb_broker *, gpr_timespec deadline);
/* The lock not held. The caller, who led, leads no longer. */
void stream_pass_on(struct sb_broker *);
/* The lock not held. The thread that sleeps on a flight's state looks at it again; @word may be
 * gone already. */
void flight_wake(_Atomic uint32_t *word);
/* The lock not held. Gives the finished ones to their done(), and frees them. */
void flights_done(struct flight *finished);

#endif
