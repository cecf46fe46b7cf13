/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what the user is told of the broker's verdicts: a line for each with --trace, a
 * sentence for the first refusal of each kind. From any thread.
 *
 * A sentence waits a moment: many programs try a kind of socket that they can do without (ping: a
 * datagram socket, then a raw one). If the same process is given another of the same family and protocol
 * meanwhile, nobody is told.
 */
#ifndef SB_RUN_REPORT_H
#define SB_RUN_REPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/intent.h"

struct call;
struct suggestion;

enum { REPORT_KINDS = 64, REPORT_SENTENCE_BYTES = 1024 };

/* One kind of refusal. */
struct refusal {
	enum action action;
	int family, type, protocol, detail;
	pid_t pid;
	char *sentence;  /* not told yet; or NULL */
};

struct report {
	pthread_mutex_t lock;
	bool trace;
	struct suggestion *suggestion; /* or NULL */
	int timer;       /* when the sentences are due */
	struct refusal refusals[REPORT_KINDS]; /* when it is full no more is told */
	size_t n;
};

/* Returns 0 or -errno. report->timer is to be polled: report_tell() is due when it is readable. */
int report_init(struct report *, bool trace, bool suggest);

/* Writes the policy that was asked for. Returns 0 or -errno. */
int report_write_policy(struct report *, FILE *, const char *program);

/*
 * The broker was asked for @intent, and @error (0 or -errno) came of it. @privileged: the kernel
 * refused it before, for want of a capability. @why: the library's sentence, or NULL; looked at
 * only if it is an error.
 */
void report_verdict(const struct call *, const struct intent *, bool privileged, int error,
		    const char *why);

/* The broker was not asked, since it could not have helped; but a policy could. */
void report_wish(const struct call *, const struct intent *);

/* Tells what waits; at the end, too. */
void report_tell(struct report *);

#endif
