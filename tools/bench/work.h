/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.h - what a program does whose speed is measured, by plain sockets.
 *
 * It is this program itself, started again: natively, under `sockbroker run`, or behind a
 * proxy, and always the same instructions.
 */
#ifndef SB_BENCH_WORK_H
#define SB_BENCH_WORK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum work {
	WORK_BULK,        /* MB/s, half of them each way */
	WORK_ROUND_TRIP,  /* a second, of 64 bytes */
	WORK_DATAGRAMS,   /* a second, of 64 bytes, sent and received */
	WORK_ADDRESSED,   /* the same, each send with an address */
	WORK_CONNECTIONS, /* a second, each with a byte there and back */
	WORK_SOCKETS,     /* a second, made and closed */
	WORKS,
};

/* Whose calls it makes. */
enum work_calls {
	CALLS_KERNEL,
	CALLS_THREAD,   /* the same, beside a thread that sleeps */
	CALLS_DETACHED, /* named by the broker, sb_detach(), then the kernel's */
	CALLS_LIBRARY,
};

/* Its command line after the program's path, up to a NULL. @to: the port of 127.0.0.1 where it sends, @own:
 * where it receives datagrams. @text: what the line lies in. Returns how many words. */
size_t work_command(const char **argv, char text[64], enum work, enum work_calls, uint16_t to,
		    uint16_t own);

/* main() of a process that works for a while after each byte that it reads from stdin, and writes
 * the figure, a double, to stdout. */
int work_main(int argc, char **argv);

/* The other end for works that need one, for any number of connections. Before the client
 * library is used: it forks. Its pid, or -1. */
pid_t work_serve(enum work, uint16_t *ret_port);

#endif
