/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - which descriptor of this process is which socket of which broker.
 *
 * A stand-in is one end of a UNIX socketpair, so that no other file has its
 * number; the other end is kept, and driven by watch.c. In direct mode the
 * descriptor is the socket itself, and the broker has nothing of it (direct.h).
 *
 * Safe from any thread. A socket lives as long as a call uses it, so closing it
 * meanwhile is safe.
 */
#ifndef SB_TABLE_H
#define SB_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rpc.h"

struct watch;

/* One direction of bulk data; see transfer.c. */
struct lane {
	pthread_mutex_t lock; /* held while a transfer is under way */
	_Atomic(const void *) holder; /* whose thread; see transfer.c */
	struct rpc_transfer *transfer; /* NULL: none yet; guarded by lock */
	atomic_bool bulk;     /* large pieces are to be expected */
};

struct sb_sock {
	atomic_int refs;
	struct sb_broker *broker;
	uint32_t handle;         /* of a stand-in */
	int other_end;           /* of the stand-in's socketpair; else -1 */
	int real;                /* the socket itself, by the program's number; a stand-in: -1 */
	atomic_int type;         /* SOCK_*; 0: not known yet */
	atomic_int family;       /* AF_*; 0: not known yet */
	atomic_bool nonblocking; /* O_NONBLOCK */
	_Atomic int64_t timeout_ns; /* < 0: for ever */
	struct lane sending, receiving;
	_Atomic(struct watch *) watch; /* NULL: not watched */
};

/* A socketpair that is no socket's yet. */
struct standin {
	int fd, other_end;
};

/* Returns 0 or -errno (-EMFILE, -ENFILE). At @at_least or above. */
int standin_make(struct standin *, int at_least);
void standin_drop(struct standin *);

/* What a socket is born with. */
struct sock_birth {
	struct sb_broker *broker; /* a reference is taken */
	uint32_t handle;
	int type, family;         /* 0: not known */
	bool nonblocking;
	int64_t timeout_ns;
};

/* Takes the stand-in; returns its descriptor, or -ENOMEM, -EMFILE (then the stand-in
 * is dropped and the handle is the caller's still). */
int table_add(struct standin *, const struct sock_birth *);

/* The same for a real descriptor, which is closed on failure. */
int table_add_real(int fd, const struct sock_birth *);
/* The same, and on failure it stays the caller's. */
int table_attach(int fd, const struct sock_birth *);

/* Returns 0 and a reference, -EBADF (not open, or a stand-in, and this is a forked
 * child) or -ENOTSOCK (a file of another kind). */
int table_get(int fd, struct sb_sock **ret);
/* The same, and the table has it no longer; the descriptor is the caller's to close. */
int table_remove(int fd, struct sb_sock **ret);
/* @fd becomes a duplicate of @real, close-on-exec, if it is @s's still, and the table has that no
 * longer, whose reference is the caller's. Returns 0, or -EBADF, -errno: nothing has changed. */
int table_replace(int fd, const struct sb_sock *, int real);
/* Is it a stand-in? Without a reference; also in a forked child. */
bool table_has(int fd);
/* Is it the number's still? */
bool table_holds(const struct sb_sock *real);
/* No thread is in the table between them: for fork.c. */
void table_lock(void);
void table_unlock(void);

void sock_put(struct sb_sock *);

static inline bool sock_is_real(const struct sb_sock *s)
{
	return s->real >= 0;
}

/* O_NONBLOCK, and what fcntl(2) tells of the stand-in @fd. What fcntl(2) itself sets there
 * is not asked for: it would cost a system call for each of ours. */
void sock_set_nonblocking(struct sb_sock *, int fd, bool);

/* How long a call may wait: ns, 0 not at all, < 0 for ever. */
int64_t sock_wait_ns(const struct sb_sock *, int flags);

/* Ends what the library does with a socket that nobody can call any more: its watch, and
 * the broker's socket. Returns what Close said. A real one's descriptor is not ours to close. */
int sock_close(struct sb_sock *);
/* Closes a handle that has no stand-in. */
int handle_close(struct sb_broker *, uint32_t handle);

#endif
