/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - a broker of our own, with a policy that lets us do what we measure. */
#ifndef SB_BENCH_DAEMON_H
#define SB_BENCH_DAEMON_H

#include <sys/types.h>

#include "bench.h"
#include "machine.h"

struct daemon {
	pid_t pid;
	char folder[64];
	char address[96];
};

/* @shards: 0 for the default. Before the client library is used: it forks. Returns 0
 * once it serves, or -1. */
int daemon_start(struct daemon *, const struct settings *, enum core, unsigned shards);
void daemon_stop(struct daemon *);

/* The process's resident memory, or a negative number. */
double daemon_resident_kib(const struct daemon *);

/* As many descriptors as @n, in this process and its children. Returns 0 or -1. */
int allow_descriptors(unsigned long n);

#endif
