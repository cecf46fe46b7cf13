/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workers.h - the third door: a few threads for what may block. There are
 * two such pools: for system calls that take their time (closing a packet socket,
 * changing an interface), and for the name service, which may hang, so that what
 * hangs there holds up nothing here. A thread is made when there is work for it.
 */
#ifndef SB_CORE_WORKERS_H
#define SB_CORE_WORKERS_H

#include <stdbool.h>

#include "wire/list.h"

/* Embedded in whatever is to be done. */
struct job {
	struct list link;
	/* Runs on a worker, with no lock held; owns the job from then on. */
	void (*run)(struct job *);
	/* It will not be run, see workers_end(). Or NULL. */
	void (*drop)(struct job *);
};

struct workers;

/* At most @threads of them; one at once, so that what is added is done. Returns
 * NULL when memory or threads are out. */
struct workers *workers_new(unsigned threads);
/* Runs what is queued, then ends the threads. Returns NULL; accepts NULL. */
struct workers *workers_free(struct workers *);
/* The same for work that may not end: drops what is queued, and waits for what runs at
 * most @patience_ms. False: something runs still, and may use what it was given;
 * then @w stays. Accepts NULL. */
bool workers_end(struct workers *w, unsigned patience_ms);

/* From any thread; never fails, never blocks. */
void workers_add(struct workers *, struct job *);

#endif
