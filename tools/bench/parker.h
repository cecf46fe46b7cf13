/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parker.h - a process whose session has many sockets and receives that wait.
 *
 * Each receive is a thread in sb_recv(), as any program would have it.
 */
#ifndef SB_BENCH_PARKER_H
#define SB_BENCH_PARKER_H

#include <sys/types.h>

#include "daemon.h"

enum { PARKED = 10000 };

struct parker {
	pid_t pid;
	int control;
};

/* Makes PARKED sockets, and @n_idle more. Before the client library is used: it
 * forks. Returns 0 once they are there, or -1. */
int parker_start(struct parker *, const struct daemon *, unsigned n_idle);
/* Has each of the PARKED wait for data. Returns 0 once all do, or -1. */
int parker_park(struct parker *);
void parker_stop(struct parker *);

#endif
