/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brief_close.h - close(2) here and now, of a socket that its owner may have told to linger.
 *
 * Who gets a descriptor from the desk may close his before the desk has closed its own: which then is
 * the last, and lingers for as long as SO_LINGER says. To leave it to another thread would keep
 * the port after its owner has closed it. So it is closed here, and a signal to this thread, from a
 * timer of its own, ends the wait; the connection goes on in the kernel as without SO_LINGER.
 */
#ifndef SB_TICKETS_BRIEF_CLOSE_H
#define SB_TICKETS_BRIEF_CLOSE_H

#include <time.h>

/* For the calling thread. Returns 0 or -errno. */
int brief_close_begin(timer_t *ret) __attribute__((warn_unused_result));
void brief_close_end(timer_t);

/* By that thread. Takes at most some milliseconds. */
void brief_close(timer_t, int fd);

#endif
