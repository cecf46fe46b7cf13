/* SPDX-License-Identifier: Apache-2.0 */
/* programs.h - other programs: where they are, and how they are started and waited for. */
#ifndef SB_BENCH_PROGRAMS_H
#define SB_BENCH_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine.h"

enum { PROGRAM_ARGS_MAX = 48 };

/* Beside this program, as installed or as built; else in PATH or where a system has its
 * daemons. Returns a path to free, or NULL: nowhere. */
char *program_find(const char *name);

struct program {
	const char *argv[PROGRAM_ARGS_MAX]; /* borrowed, the first one a path; ends with NULL */
	const char *const *environment; /* NAME=VALUE and so on up to a NULL, beside ours; or NULL */
	const char *folder; /* where it runs, or NULL */
	enum core core;
	bool unprivileged; /* without what root may; the files of root are still its own */
};

/* @input, @output: become its stdin and stdout, or -1 for none. Its stderr is ours if its output
 * is. Before the client library is used: it forks. The pid, or -1. */
pid_t program_start(const struct program *, int input, int output);
/* Ends it, if it does not by itself. 0: it said that all went well. */
int program_end(pid_t);
/* Runs it to its end. Returns 0 with the first of what it printed in @text, or -1: it failed,
 * or did not end in time. */
int program_read(const struct program *, char *text, size_t size);

/* Asks it to end, makes it, and waits. Ignores pids that are none. */
void program_stop(pid_t);

/* A port of 127.0.0.1 that nobody has now, or 0. @type: SOCK_STREAM, SOCK_DGRAM. */
uint16_t port_pick(int type);
/* Until somebody listens at or is bound to it. @pid: whose it is. Returns 0, or -1: it ended,
 * or it took too long. */
int port_await(uint16_t port, int type, pid_t pid);

#endif
