/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - makes a stand-in show its socket's state to the kernel's poll(2);
 * see watch.c. Safe from any thread. */
#ifndef SB_WATCH_H
#define SB_WATCH_H

#include <poll.h>

struct sb_sock;
struct watch;

/* A call has been made that may have changed what @events (POLLIN, POLLOUT) show:
 * they are looked at again. Costs nothing on a socket that is not watched. */
void watch_again(struct sb_sock *, short events);

/* Nothing is shown or waited for any more. Waits until that is so. */
void watch_stop(struct sb_sock *);
/* Stopped before; accepts NULL. */
void watch_free(struct watch *);

#endif
