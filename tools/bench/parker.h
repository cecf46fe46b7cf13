/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parker.h - processes whose sessions have many sockets and receives that wait.
 *
 * Each receive is a thread in sb_recv(), as any program would have it. They are
 * several processes, and two receives share a socket, so that the usual
 * limit of descriptors is enough.
 */
#ifndef SB_BENCH_PARKER_H
#define SB_BENCH_PARKER_H

#include <sys/types.h>

#include "daemon.h"

enum { PARKED = 10000, PARKERS = 4 };

struct parkers {
	pid_t pid[PARKERS];
	int control[PARKERS];
};

/* Makes sockets for the PARKED, and @n_idle more. Before the client library is used: it
 * forks. Returns 0 once they are there, or -1. */
int parkers_start(struct parkers *, const struct daemon *, unsigned n_idle);
/* Has each of the PARKED wait for data. Returns 0 once all do, or -1. */
int parkers_park(struct parkers *);
void parkers_stop(struct parkers *);

#endif
