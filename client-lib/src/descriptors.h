/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors.h - real descriptors, passed to the broker and by it over the socket beside its
 * own (descriptor.proto). Safe from any thread.
 */
#ifndef SB_DESCRIPTORS_H
#define SB_DESCRIPTORS_H

#include <pthread.h>

#include "sockbroker.h"

struct sb_broker;

/* The connection of one broker: made when it is first needed, one exchange at a time. */
struct descriptor_line {
	pthread_mutex_t lock; /* guards all that follows */
	int fd;               /* -1: not connected */
};

void descriptor_line_init(struct descriptor_line *);
/* When nobody else can use it: the broker's end, or in the child of a fork. */
void descriptor_line_close(struct descriptor_line *);

/*
 * The functions return -errno, if what is said below does not fit: -EOPNOTSUPP (the broker has no
 * descriptor socket), -EPIPE (it has gone), -ETIMEDOUT (it does not answer), -EMFILE (too many
 * connections or descriptors, here or there), -EACCES (the path), -EPROTO (its answer is none).
 */

/* Will there be somebody to give or take? To be asked before what cannot be undone; the
 * answer is good for a while. */
int descriptor_ready(struct sb_broker *);
/* What @ticket stands for: a descriptor, close-on-exec, the caller's. -ENOENT: there is
 * no such ticket of this user. */
int descriptor_take(struct sb_broker *, const char *ticket);
/* Gives a duplicate of @fd, which stays the caller's. Returns 0; -EBADF; and as TicketReply says. */
int descriptor_give(struct sb_broker *, int fd, char ticket[SB_SHARE_BYTES]);

#endif
