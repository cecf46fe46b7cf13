/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock.h - a brokered socket: a descriptor of ours, and who waits for it.
 *
 * It is counted: each handle holds it, and so does each call that works on it,
 * as the kernel's file is held by descriptors and by running system calls. With the last
 * reference it is closed. Everything here belongs to its shard's lock.
 */
#ifndef SB_OPS_SOCK_H
#define SB_OPS_SOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/list.h"
#include "core/poller.h"

struct capture;
struct holders;
struct msghdr;
struct mmsghdr;
struct session;
struct call;

struct sock {
	struct watch watch;      /* watch.fd: always O_NONBLOCK */
	struct capture *capture; /* SIO_RCVALL: it receives from there; else NULL */
	struct session *session; /* whose limits it counts against */
	unsigned refs;
	unsigned handles;        /* how many of refs are handles */
	bool file;               /* no socket but a file, a pipe, a device: it can only be passed on */
	int family, type, protocol;

	struct list receivers;   /* waiters, oldest first: for EPOLLIN */
	struct list senders;     /* for EPOLLOUT */
	struct list pollers;     /* for what they say */

	/* A call that a worker runs now, and those that came after it. */
	struct call *busy;
	struct list held;

	/* Given back by callers that had gone: struct returned, in order. Comes
	 * before what the kernel has. */
	struct list returned;
	uint64_t position;       /* how much the kernel has given: see returned.h */

	/* Others may hold the description and clear its O_NONBLOCK: accept, and a
	 * connect that may wait, would block our thread, so they are refused. Ask
	 * sock_is_foreign(): who shares the description may have given it away. */
	atomic_bool foreign;     /* a worker's connect asks too */
	struct holders *holders; /* it was shared: whom with; else NULL */
	/* An offer that nobody can have taken yet has the description too: close(2) of ours is not
	 * the last, and waits for nothing. */
	bool not_last;
	bool may_linger;         /* SO_LINGER was set, or inherited, or is unknown */
	/* A packet socket that must not receive before it is bound to the interface
	 * that policy names: the protocol that was asked for. */
	bool narrow;

	/* What the kernel said behind data that left without it: the next receive's
	 * answer. 0 or -errno. */
	int held_error;

	uint64_t receive_timeout_ns, send_timeout_ns; /* SO_RCVTIMEO, SO_SNDTIMEO; 0 = none */
	uint64_t received_bytes, sent_bytes;
	struct list in_stalled;  /* in session->stalled, while its client does not read */
};

/* Takes @fd, on success. Counts it against the session's limits.
 * Returns 0, -EMFILE, -ENOMEM. The reference is the caller's. */
int sock_new(struct session *, int fd, int family, int type, int protocol,
	     struct sock **ret) __attribute__((warn_unused_result));
struct sock *sock_ref(struct sock *);
struct sock *sock_unref(struct sock *); /* returns NULL; accepts NULL */

/* Gives @s a number in its session: @wanted, or one of the broker's choice if 0.
 * Returns 0, -EEXIST, -EINVAL (out of range), -ENOMEM. The handle holds a
 * reference of its own. */
int sock_publish(struct sock *s, uint32_t wanted, uint32_t *ret_handle)
	__attribute__((warn_unused_result));

/* Takes the number back, and its reference. */
void sock_unpublish(struct session *, uint32_t handle);
/* Another session, or an offer, has the same description. */
bool sock_is_shared(const struct sock *);
/* Others than the broker hold, or held, the description. */
bool sock_is_foreign(const struct sock *);
/* Before somebody else gets it: waits for who is inside of the next two. */
void sock_set_foreign(struct sock *);
/* Around accept(2) and connect(2), any thread: false, and nothing begun, if it is foreign. In
 * between it does not become so, and the call does not block. */
bool sock_begin_own(const struct sock *);
void sock_end_own(const struct sock *);

/* bind(2), connect(2), shutdown(2) and close(2) in such a family may take their time: a
 * worker must do it. */
bool family_is_slow(int family);
/* close(2) of this one may. To be asked when it is to be closed: to be sure, a UNIX socket is told to
 * receive no more. */
bool sock_closes_slowly(const struct sock *);
bool is_sctp(const struct sock *);
/* Nobody but its last call has it: its descriptors end here and now. May block. */
void sock_close_now(struct sock *);
/* Disarm SO_LINGER, so that close(2) does not wait; not if it asks for a reset. */
void fd_disarm_linger(int fd);

/* Receive from elsewhere (capture.h) from now on, or no longer: returns the capture, which
 * is the caller's. */
void sock_add_capture(struct sock *, struct capture *);
struct capture *sock_take_capture(struct sock *);
/* Of one that was taken, and is closed. */
void sock_drop_capture(const struct sock *, struct capture *);

/* recvmsg(2) and recvmmsg(2), from where it receives; -1 and errno. */
ssize_t sock_receive(const struct sock *, struct msghdr *, int flags);
int sock_receive_many(const struct sock *, struct mmsghdr *, unsigned n, int flags);

/* Do not watch it. */
void sock_unwatch(struct sock *);
/* Watch for what somebody waits for; for @events too. */
void sock_rearm(struct sock *);
void sock_want(struct sock *, uint32_t events);
/* Run the waiters again, as if these events had come. */
void sock_retry(struct sock *, uint32_t events);

#endif
