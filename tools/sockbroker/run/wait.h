/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h - calls that wait for their socket: in the main thread's epoll, none in a thread of
 * its own. They end when the socket is ready, by their time limit, by a signal, with the
 * program.
 */
#ifndef SB_RUN_WAIT_H
#define SB_RUN_WAIT_H

#include <pthread.h>

struct call;

struct waits {
	int epoll;           /* of the main loop */
	int timer;           /* when to look at all of them */
	pthread_mutex_t lock;
	struct call *first;  /* under the lock: the list */
	int n;
};

/* @epoll is borrowed. Returns 0 or -errno. */
int waits_init(struct waits *, int epoll);
/* At the end: what waited for programs that have been killed. */
void waits_end(struct waits *);

/*
 * Tries c->attempt, and parks the call if it says -EAGAIN: then the answer is ANSWER_LATER,
 * and the call is the main thread's, or gone.
 */
struct answer wait_for(struct call *c);

/* In the main thread: the socket of that call is ready; the timer has rung. */
void waits_ready(struct waits *, struct call *);
void waits_look(struct waits *);

#endif
