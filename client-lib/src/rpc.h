/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.h - a connection to a broker, and operations called over it.
 *
 * All functions may be called from any thread. What fails returns -errno: a
 * broker that has gone is -EPIPE.
 */
#ifndef SB_RPC_H
#define SB_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/arena.h"

struct sb_broker;
struct descriptor_line;

/* Of the session, from Welcome. */
struct rpc_limits {
	size_t message_bytes;
	size_t receive_bytes;
};

/* Connects to the UNIX socket at @path and opens a session. Returns 0, what
 * connect(2) said, -ETIMEDOUT (no answer in 10 s), -EPROTO (no broker, or another
 * version), -EACCES, -EMFILE (the broker's word), -ENOMEM. */
int rpc_connect(const char *path, int transport, struct sb_broker **ret);

/* A broker lives as long as somebody refers to it; unref accepts NULL. */
struct sb_broker *rpc_ref(struct sb_broker *);
void rpc_unref(struct sb_broker *);

/* Ends the session. Calls that follow, and those under way, get -EPIPE. */
void rpc_end(struct sb_broker *);
bool rpc_has_ended(const struct sb_broker *);
/* The broker has gone, though perhaps no call has met with that yet. */
bool rpc_is_cut(const struct sb_broker *);

const struct rpc_limits *rpc_limits(const struct sb_broker *);
/* The socket's, as it was given to rpc_connect(). */
const char *rpc_path(const struct sb_broker *);
/* sb_set_direct()'s. */
bool rpc_is_direct(const struct sb_broker *);
void rpc_set_direct(struct sb_broker *, bool);
/* descriptors.c's. */
struct descriptor_line *rpc_line(struct sb_broker *);

/* Where a reply lives. Not to be moved. */
struct reply {
	struct arena arena;
	ProtobufCMessage *message; /* of the operation's reply type; NULL: none came */
};

void reply_init(struct reply *);
void reply_free(struct reply *);

/* Calls the operation that @request is the request of, and waits for its reply.
 * Returns 0, or -errno: the reply's own `error` (@out is set then too), or
 * trouble on the way. @out was initialised and is to be freed by the caller,
 * whatever is returned; NULL: only the error matters. */
int rpc_call(struct sb_broker *, const ProtobufCMessage *request, struct reply *out);

/* One of several operations that go out together. */
struct rpc_step {
	const ProtobufCMessage *request;
	bool linked; /* only if the one before succeeded: else its error is -ECANCELED */
	int error;   /* as rpc_call() returns */
	struct reply *out; /* as rpc_call()'s; NULL: only the error matters */
};
enum { RPC_STEPS_MAX = 8 };

/* Calls all of @steps by one message, and waits for their replies. (By unary
 * calls: one after the other.) */
void rpc_call_steps(struct sb_broker *, struct rpc_step *steps, size_t n);
/* A request whose reply nobody wants, and does not wait for. (By a unary call: waits.) Returns
 * 0 or -errno. */
int rpc_tell(struct sb_broker *, const ProtobufCMessage *request);
/* A number for a socket that is made so, which no other has had for long. */
uint32_t rpc_new_handle(struct sb_broker *);

/*
 * A call whose reply comes later, to done(), exactly once, on a thread of the
 * library or on one that waits for a reply of its own; no lock is held. @error
 * is as rpc_call()'s, @reply may be NULL and is gone when done() returns. The
 * struct may be freed or used again by done().
 */
struct rpc_async {
	void (*done)(struct rpc_async *, int error, const ProtobufCMessage *reply);
	uint64_t id; /* rpc_start() sets it */
};

/* Returns 0, and done() will be called; or -errno, and it will not be. The first
 * call starts the broker's helper thread, which sees to the replies when
 * nobody else waits. */
int rpc_start(struct sb_broker *, const ProtobufCMessage *request, struct rpc_async *);

/* Asks the broker to end the call soon: done() comes with what was done so
 * far or -ECANCELED. */
void rpc_cancel(struct sb_broker *, uint64_t id);

/*
 * A Transfer stream: the bulk data of one socket in one direction. One thread
 * at a time. Made by the first use.
 */
struct rpc_transfer;
struct msghdr;

/* Is there any use in trying? Not by unary calls, nor if the broker has said that it
 * has no Transfer. */
bool rpc_may_transfer(const struct sb_broker *);
int rpc_transfer_open(struct sb_broker *, uint32_t handle, struct rpc_transfer **ret);
void rpc_transfer_close(struct rpc_transfer *); /* accepts NULL */

/* As sendmsg(2) and recvmsg(2) of @total bytes with @flags; @wait_ns < 0 waits for
 * ever. Return bytes, or -errno; -ENOSYS: nothing was done, the broker has no
 * Transfer. Unless rpc_transfer_is_well() then, it is to be closed. */
ssize_t rpc_transfer_send(struct rpc_transfer *, const struct msghdr *, size_t total,
			  uint32_t flags, int64_t wait_ns);
ssize_t rpc_transfer_receive(struct rpc_transfer *, const struct msghdr *, size_t total,
			     uint32_t flags, int64_t wait_ns);
bool rpc_transfer_is_well(const struct rpc_transfer *);

/* For fork.c: in the child of a fork, with no other thread alive. */
void rpc_forget(struct sb_broker *);

#endif
