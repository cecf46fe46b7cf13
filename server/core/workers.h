/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workers.h - the third door: a few threads for the system calls that may
 * block (closing a packet socket, changing an interface). Nothing else passes.
 */
#ifndef SB_CORE_WORKERS_H
#define SB_CORE_WORKERS_H

#include "wire/list.h"

/* Embedded in whatever is to be done. */
struct job {
	struct list link;
	/* Runs on a worker, with no lock held; owns the job from then on. */
	void (*run)(struct job *);
};

struct workers;

/* Returns NULL when memory or threads are out. */
struct workers *workers_new(unsigned threads);
/* Runs what is queued, then ends the threads. Returns NULL; accepts NULL. */
struct workers *workers_free(struct workers *);

/* From any thread; never fails, never blocks. */
void workers_add(struct workers *, struct job *);

#endif
