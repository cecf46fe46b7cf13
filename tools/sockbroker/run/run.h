/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - `sockbroker run`: a program whose socket calls reach the broker.
 *
 *   child     installs a seccomp filter, becomes the program
 *      │  a call that the filter traps: the kernel holds the thread, and notifies
 *      ▼
 *   receivers (a few threads): table of handlers ─► answer
 *      │  a call that must wait (connect, a full socket)
 *      ▼
 *   main thread: epoll over those that wait, signals, children
 *
 * Nothing here trusts the program: its memory and its descriptors may change at any time.
 * So what a call names is copied once, the notification is looked at again, and the
 * copy is judged and used.
 */
#ifndef SB_RUN_RUN_H
#define SB_RUN_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "report.h"
#include "wait.h"

/* Statuses of `run` itself; else that of the program. As env(1) and the shells. */
enum run_status {
	RUN_FAILED = 125,
	RUN_CANNOT_EXECUTE = 126,
	RUN_NOT_FOUND = 127,
	RUN_SIGNALLED = 128, /* and the signal */
};

struct run_options {
	bool all;            /* every inet, inet6, packet and CAN socket is the broker's */
	bool trace;
	const char *suggest; /* a file for the policy, or NULL */
	char **argv;         /* of the program */
};

/* What all threads share. All but what has a lock of its own is constant once they run. */
struct run {
	bool all;
	bool netlink;        /* policy gives netlink sockets: they are looked at */
	bool holds_signals;  /* filter.h */
	int calls;           /* an epoll set of the listener: it wakes one receiver for a call */
	int listener;
	struct report report;
	struct waits waits;
	_Atomic int busy;    /* receivers that answer a call now */
};

/* Returns the exit status. Called once in a process, which has one thread. */
int run_program(const struct run_options *);

#endif
