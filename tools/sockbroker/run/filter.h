/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - which calls are trapped, as a BPF program for seccomp(2). */
#ifndef SB_RUN_FILTER_H
#define SB_RUN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

/* What is looked at is what the kernel might refuse or, with @all, every naming of
 * internet, packet and CAN sockets; @netlink: changes by netlink, too. Everything else costs
 * nothing. Returns 0 and a program to be freed with filter_free(), or -errno. */
int filter_make(bool all, bool netlink, struct sock_fprog *ret);
void filter_free(struct sock_fprog *);

/* Installs it for this process and those it will make, and for good. Returns a descriptor that
 * is notified; or -EBUSY (a filter with a listener is there already), -errno. Sets
 * no_new_privs. Async-signal-safe. */
int filter_install(const struct sock_fprog *);

/* Whether a call that a filter of ours has trapped is ended by nothing but its answer and its
 * thread's death, once it has been received: from Linux 5.19. */
bool filter_holds_signals(void);

#endif
