/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - a trapped call, from its notification to its answer.
 *
 * A call belongs to one thread at a time: to the receiver that took it, and, once it has
 * been parked, to the main one.
 */
#ifndef SB_RUN_CALL_H
#define SB_RUN_CALL_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/intent.h"

struct run;

enum answer_kind {
	ANSWER_VALUE,      /* value: a result, or -errno */
	ANSWER_NATIVE,     /* the kernel does the call; only if nothing was judged */
	ANSWER_DESCRIPTOR, /* value: a descriptor of ours, for the program; it is closed here */
	ANSWER_LATER,      /* the call has been parked, and may be gone by now */
};

struct answer {
	enum answer_kind kind;
	long value;
	int flags;         /* of the descriptor: O_CLOEXEC */
};

static inline struct answer answer_value(long value)
{
	return (struct answer){ .kind = ANSWER_VALUE, .value = value };
}

static inline struct answer answer_native(void)
{
	return (struct answer){ .kind = ANSWER_NATIVE };
}

static inline struct answer answer_descriptor(int fd, int flags)
{
	return (struct answer){ .kind = ANSWER_DESCRIPTOR, .value = fd, .flags = flags };
}

static inline struct answer answer_later(void)
{
	return (struct answer){ .kind = ANSWER_LATER };
}

/* What a socket is. */
struct socket_kind {
	int family, type;
	int protocol;        /* as socket(2) takes it */
};

struct call {
	struct run *run;
	uint64_t id;
	pid_t tid;
	int nr;
	uint64_t arg[6];

	int fd;              /* a copy of the program's descriptor, or -1; ours to close */
	struct socket_kind kind;

	/* A call that may wait: what it does again until it does not say -EAGAIN. */
	long (*attempt)(struct call *);
	bool blocking;       /* the description was, when the call came */
	int64_t timeout_ns;  /* SO_SNDTIMEO; 0: none */
	int late;            /* what is answered when that is up: -errno */
	bool by_clock;       /* its socket does not tell when: it is asked at each look */
	struct sock_addr addr;
	struct outgoing *outgoing; /* what is to be sent, or NULL; ours to free */

	/* wait.c's. */
	struct call *next, **link;
	int64_t deadline_ns;
	int signals_seen;
};

/* A call for a notification; NULL: memory is out. */
struct call *call_new(struct run *, const struct seccomp_notif *);
/* Closes and frees what it has. Accepts NULL. */
void call_free(struct call *);

/* An int among its arguments, of which the kernel looks at the lower half alone. */
static inline int call_int(const struct call *c, int i)
{
	return (int)(uint32_t)c->arg[i];
}

/* The thread still waits for this answer; so what was read and copied before was its own. */
bool call_is_valid(const struct call *);

/*
 * Copies the descriptor of argument @i to c->fd and learns what it is. Returns 0, -EBADF,
 * -ENOTSOCK, -EPERM (the program may not be looked into), or -errno.
 */
int call_take_socket(struct call *, int i);

/* SO_SNDTIMEO of c->fd, or 0. */
int64_t call_send_timeout_ns(const struct call *);

/*
 * Answers, with the memory and the descriptor of the answer; nothing if the program has gone.
 * The copy of its descriptor is closed before: what the program closes next is to be closed.
 */
void call_answer(struct call *, struct answer);

/* What it asks, for policy and people. */
struct intent call_intent(const struct call *, enum action);

#endif
