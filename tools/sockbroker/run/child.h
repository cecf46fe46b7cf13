/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - the process that becomes the program.
 *
 * It is made first, while there is one thread and no connection; it waits to be told what
 * to trap, and again until its listener has been taken.
 */
#ifndef SB_RUN_CHILD_H
#define SB_RUN_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int channel; /* to it; closed by its exec or its end */
};

/* @argv as for execvp(3); @mask is what the program is to have blocked. Returns 0 or -errno. */
int child_start(char **argv, const sigset_t *mask, struct child *ret);

/*
 * Lets it install its filter. Returns the listener, close-on-exec; or -EBUSY (there is one in this
 * process already), -errno. After an error the child ends, and must be waited for.
 */
int child_listen(const struct child *, bool all, bool netlink);

/* Lets it become the program; what it cannot do it says by itself, and its status. */
void child_go(struct child *);

/* Ends it before it became anything. */
void child_cancel(struct child *);

#endif
