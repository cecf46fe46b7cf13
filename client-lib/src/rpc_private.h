/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_private.h - what the rpc_*.c files, and they alone, share: the connection
 * and gRPC. Nothing else in the library includes <grpc/...>.
 */
#ifndef SB_RPC_PRIVATE_H
#define SB_RPC_PRIVATE_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "descriptors.h"
#include "envelope.h"
#include "interrupt.h"
#include "wire/list.h"
#include "rpc.h"

/* gRPC hands our objects from thread to thread; a gRPC that was not built with
 * the thread sanitizer does so behind its back. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *);
void __tsan_release(void *);
#define TSAN_ACQUIRE(tag) __tsan_acquire(tag)
#define TSAN_RELEASE(tag) __tsan_release(tag)
#else
#define TSAN_ACQUIRE(tag) ((void)(tag))
#define TSAN_RELEASE(tag) ((void)(tag))
#endif

/* Requests in one message: measured best, see docs/architecture.md. */
enum { BATCH_REQUESTS = 64 };
enum { FLIGHT_BUCKETS = 256 };
enum { QUEUES_KEPT = 32 };
enum { CONNECT_TIMEOUT_MS = 10000 };

struct flight;

struct sb_broker {
	atomic_int refs;
	struct list link;     /* fork.c's */
	int transport;
	/* The connection. gRPC owns fd and closes it when it likes, so its number
	 * means something only while it is the same socket as fd_copy. */
	int fd, fd_copy;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct descriptor_line line; /* beside the connection, and not gRPC's */

	char token[128];
	atomic_bool direct;   /* its sockets are to be real */
	struct rpc_limits limits;
	unsigned spin_us;         /* see rpc_spin.c */
	atomic_uint spin_left_out, spin_in_vain;

	grpc_channel *channel;
	grpc_completion_queue *queue; /* of the session stream */
	grpc_call *session;
	grpc_metadata_array first_metadata, last_metadata;
	grpc_status_code status;
	grpc_slice status_text;

	pthread_mutex_t lock; /* guards all that follows */
	atomic_int ended;     /* 0, or the -errno of every call; also read without the lock */
	bool leading;         /* a thread is in turn() */
	bool sending, receiving, open; /* gRPC owes us an event */
	uint64_t last_id;
	uint32_t last_handle; /* that we have chosen */
	struct flight *flights[FLIGHT_BUCKETS]; /* begun, not answered; by id */
	struct list waiters;  /* those of them that a thread waits for */
	struct list outgoing; /* those of them that are not sent yet */
	grpc_byte_buffer *message_out;
	grpc_byte_buffer *message_in;  /* the leader's */
	bool crowded;         /* others wait beside the leader; the leader's */

	/* The helper thread: the leader when nobody else is and n_async > 0. */
	unsigned n_async;
	bool has_helper, stop_helper;
	pthread_t helper;
	pthread_cond_t helper_wanted;

	/* Unary calls: idle queues. */
	grpc_completion_queue *queues[QUEUES_KEPT];
	unsigned n_queues;
	atomic_uint n_unary;     /* calls under way */
	atomic_bool no_transfer; /* the broker has no Transfer */
};

/* rpc.c */
grpc_slice rpc_slice_of(grpc_byte_buffer *); /* all of it in one piece; to be unref'd */
int rpc_reply_unpack(const struct rpc_method *, const uint8_t *, size_t, struct reply *out);
int rpc_status_error(grpc_status_code);

/* now_ns()'s time in gRPC's form; negative: never. */
gpr_timespec rpc_time(int64_t ns);

/* rpc_spin.c */
unsigned spin_us_of_environment(void);
/* The next event of a queue, or the one of @tag if it is for plucking. @crowded: do not
 * keep a processor busy, other threads have use for it. */
grpc_event rpc_await(struct sb_broker *, grpc_completion_queue *, void *tag, bool crowded,
		     gpr_timespec deadline);

/* rpc_stream.c */
int stream_open(struct sb_broker *);
void stream_close(struct sb_broker *);
/* When the time to give up comes, all is ended with -ETIMEDOUT. */
int stream_call(struct sb_broker *, const struct rpc_method *, const ProtobufCMessage *request,
		struct patience *, struct reply *out);
void stream_call_steps(struct sb_broker *, struct rpc_step *, size_t n, struct patience *);
/* Sends a request whose reply goes unheard. Returns 0 or -errno. */
int stream_tell(struct sb_broker *, const ProtobufCMessage *request);
/* Asks the broker to end request, or transfer, @id; whatever it says to that goes unheard.
 * Returns 0 or -errno. */
int stream_cancel(struct sb_broker *, uint64_t id);
/* An id for a request or a transfer that no other of the session's has now. Lock held. */
uint64_t stream_new_id(struct sb_broker *);
void stream_end(struct sb_broker *, int error);

/* rpc_unary.c */
int unary_call(struct sb_broker *, const struct rpc_method *, const ProtobufCMessage *request,
	       struct patience *, struct reply *out);
void unary_close(struct sb_broker *);
grpc_completion_queue *unary_queue_take(struct sb_broker *);
void unary_queue_give(struct sb_broker *, grpc_completion_queue *);
void rpc_queue_free(grpc_completion_queue *);

/* rpc_helper.c */
void helper_stop(struct sb_broker *);
void helper_wake(struct sb_broker *); /* lock held */

#endif
