/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poller.h - wakes watchers when their descriptor is ready; knows nothing of
 * sockets, calls or clients.
 *
 * One thread waits, without a lock; what it was told it then hands out under
 * its owner's lock, so a watcher may have been closed in between. Therefore the
 * memory of a closed watcher is given back by poller_dispatch() only, after the
 * events that may still name it.
 */
#ifndef SB_CORE_POLLER_H
#define SB_CORE_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>

#include "wire/list.h"

/* Embedded in whatever owns the descriptor. */
struct watch {
	int fd;
	uint32_t armed;  /* EPOLL* we asked for; 0 = not watched */
	void (*ready)(struct watch *, uint32_t events);
	void (*release)(struct watch *); /* frees the owner */
	struct list grave; /* in poller.graves once closed */
};

struct poller {
	int epoll_fd;
	int wake_fd;          /* an eventfd: somebody wants the thread's attention */
	struct list graves;   /* closed, not yet released */
	unsigned n_graves;
	struct watch wake;
};

enum { POLLER_EVENTS = 128 };
struct poller_batch {
	struct epoll_event events[POLLER_EVENTS];
	int n;
};

/* Returns 0 or -errno. */
int poller_init(struct poller *) __attribute__((warn_unused_result));
void poller_done(struct poller *);

/* Ask for exactly @events; 0: for none. Returns 0 or -errno. Owner's lock. */
int watch_arm(struct poller *, struct watch *, uint32_t events);

/* Stop watching, and have release() called when no event can name the watch
 * any more. The descriptor is the owner's, still. Owner's lock. */
void watch_close(struct poller *, struct watch *);

/* The waiting thread: wait without the lock, dispatch under it. */
void poller_wait(struct poller *, struct poller_batch *);
void poller_dispatch(struct poller *, const struct poller_batch *);

/* From any thread: makes poller_wait() return. */
void poller_wake(struct poller *);

#endif
