/* SPDX-License-Identifier: Apache-2.0 */
/* way.h - ways from a program to a socket's other end, and what each needs beside it. */
#ifndef SB_BENCH_WAY_H
#define SB_BENCH_WAY_H

#include <stdint.h>
#include <sys/types.h>

#include "bench.h"
#include "daemon.h"
#include "programs.h"

struct way_open {
	enum way way;
	struct daemon daemon; /* of those that have one */
	pid_t relay;	      /* socat, danted */
	uint16_t port;	      /* where the program is to connect to or send to */
	char *program[2];     /* the launcher; the relay, what sends programs through it */
	char config[128];     /* of the relay, or what sends programs through it */
	char folder[64];
	const char *environment[3];
	char address[128];
};

/* A network namespace of our own, as root; else this one's loopback has to do. Returns 0 or -1. */
int way_namespace(void);

/* @port is the other end's, @type its kind of socket. Before the client library is used: it forks.
 * Returns 0, SKIPPED, or -1; way_end() is due in any case. */
int way_begin(struct way_open *, enum way, const struct settings *, uint16_t port, int type);
void way_end(struct way_open *);

/* Writes what comes before the program's path. Returns how many words. */
size_t way_prefix(const struct way_open *, const char **argv);

#endif
