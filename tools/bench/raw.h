/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - ping-pong over a UNIX socketpair with a process that does nothing else:
 * what a round trip to another process costs at least. */
#ifndef SB_BENCH_RAW_H
#define SB_BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RAW_BYTES_MAX = 4096 };

struct raw {
	pid_t peer;
	int fd;
	size_t bytes; /* each way */
};

/* Before the client library is used: it forks. Returns 0 or -1. */
int raw_open(struct raw *, size_t bytes);
void raw_close(struct raw *);
bool raw_once(void *raw);

/* Whole, whatever read(2) and write(2) make of it. */
bool read_all(int fd, void *to, size_t n);
bool write_all(int fd, const void *from, size_t n);

#endif
