/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - a user's own threads, for what may block for as long as that user likes: closing a
 * file on a file system of his, a socket that he told to linger. Others do not wait for it.
 *
 * Threads are made when there is work and end when there has been none for a while. Any thread may
 * call; nothing here waits.
 */
#ifndef SB_IDENTITY_CREW_H
#define SB_IDENTITY_CREW_H

#include <pthread.h>
#include <stdbool.h>

#include "core/workers.h"

struct account;

/* In each account. All of it belongs to the lock in crew.c. */
struct crew {
	struct list queue;
	struct list in_crews;   /* while it has threads */
	unsigned n_queued, n_idle, n_threads;
	pthread_cond_t more;
};

/* For account.c. */
void crew_init(struct crew *);
void crew_done(struct crew *);

/* Runs it by a thread of @account's, which the job, or who waits for it, must hold. */
void crew_add(struct account *account, struct job *);

/* Closes @fd by such a thread. It counts as one of the user's sockets until it is closed: it does
 * already if @counted, else it does from now on, whatever the limit. */
void crew_close(struct account *account, int fd, bool counted);

/* What is queued is run still. False: after @patience_ms something runs yet. */
bool crews_end(unsigned patience_ms);

#endif
