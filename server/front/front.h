/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - the doors to the world: gRPC connections, and which of our parts a
 * call goes to. The files of this folder are the only ones that know gRPC.
 *
 * Each accepted connection gets a grpc_server of its own on its shard's
 * completion queue: which server a call came to is who called, and no peer can
 * forge that. (gRPC names an adopted connection "fd:N", and N is reused at once.)
 *
 * A connection is counted: by itself while it is up, by each request slot, by each
 * call's object, and by the two halves of its shutdown. The grpc_server is
 * destroyed with the last reference: its shutdown tag may come before our calls
 * are unreferenced.
 */
#ifndef SB_FRONT_FRONT_H
#define SB_FRONT_FRONT_H

#include <grpc/grpc.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "call/shard.h"
#include "identity/account.h"
#include "identity/peer.h"

enum {
	FRONT_MESSAGE_BYTES = 4 << 20,   /* a message of a client's, at most */
	FRONT_FRAME_BYTES = 256 << 10,   /* an HTTP/2 frame of a client's, at most */
	FRONT_REQUESTS_MAX = 1024,       /* in one message of a session */
	FRONT_CALLS_MAX = 4096,          /* RPCs at once on one connection */
	FRONT_HANDSHAKE_S = 10,          /* to make the first call */
};

/* What gRPC hands back when something is done. */
struct tag {
	void (*fn)(struct tag *, bool ok);
};

struct front;
struct session;

/* One per shard. */
struct front_shard {
	struct front *front;
	struct shard *shard;
	grpc_completion_queue *cq;
	pthread_t thread;
	bool running;
};

struct conn {
	atomic_uint refs;
	struct front_shard *home;
	grpc_server *server;
	struct peer *peer;
	struct account *account;
	atomic_uint rpcs;
	atomic_bool spoke;       /* made a call: the handshake is over */

	/* Under the shard's lock: */
	struct list in_shard;    /* front->conns[shard] */
	struct watch watch;      /* a dup of the connection: EPOLLRDHUP */
	struct timer handshake;
	bool down;
	struct outgoing shutdown; /* started after the lock is released */
	struct tag shut;
	struct list streams;     /* session streams: their sessions end with it */
};

/* An RPC that has come in, handed to whom it concerns. Takes all of it. */
struct rpc {
	struct conn *conn;       /* a reference */
	grpc_call *call;
	grpc_metadata_array metadata;
};

struct front *front_new(struct shard *shards, unsigned n_shards);
/* Returns 0 or -errno. */
int front_start(struct front *) __attribute__((warn_unused_result));
/* Takes @fd, a connected unix socket, also on failure. Any thread. */
int front_add(struct front *, int fd, struct peer *peer, struct account *account)
	__attribute__((warn_unused_result));
/* Ends every connection, waits until all are gone. Returns NULL. */
struct front *front_free(struct front *);

struct shard *front_shards(const struct front *, unsigned *ret_n);
unsigned front_connections(const struct front *);

struct conn *conn_ref(struct conn *);
void conn_unref(struct conn *);

/* Ends an RPC that needs no more than a status, or than one reply. Take @rpc
 * and @reply. */
void rpc_fail(struct rpc *, grpc_status_code, const char *message);
void rpc_answer(struct rpc *, grpc_byte_buffer *reply);
void rpc_done(struct rpc *);

/* Gives it to the part whose method it names. Takes @rpc. */
void rpc_dispatch(struct rpc *, const grpc_slice *method);

/* The value of the metadata `sockbroker-session`, or length 0. */
void rpc_token(const struct rpc *, const char **ret, size_t *ret_length);

/* The parts: each takes the RPC. */
void unary_begin(struct rpc *, const char *method, size_t length);
void stream_begin(struct rpc *);
void stream_conn_down(struct conn *);  /* under the lock */
void transfer_begin(struct rpc *);
/* Under the lock: Cancel on the session's stream. Returns whether there is such a transfer. */
bool transfer_cancel(struct session *, uint64_t id);
void admin_begin(struct rpc *, const char *method, size_t length);
void health_begin(struct rpc *, const char *method, size_t length);

/* start_batch of what cannot fail but by our own mistake. */
void start_batch(grpc_call *, const grpc_op *ops, size_t n, struct tag *);

/* On a stream: one message; or the status, which ends it. The text @why lives for ever. */
void start_message(grpc_call *, grpc_byte_buffer *message, struct tag *);
void start_status(grpc_call *, grpc_status_code, const char *why, struct tag *);

#endif
