/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.h - what is peculiar to netlink. A socket that any user may open tells, but changes
 * nothing; what may change is decided when it is opened (the broker's then has the capability
 * that a rule lends) and again with each message (which the broker then sends). The refusal is a
 * message of the kernel's, no errno. So the kernel cannot be tried first: policy is asked, and
 * a socket that it does not give is the program's own.
 */
#ifndef SB_RUN_NETLINK_H
#define SB_RUN_NETLINK_H

#include "call.h"

/* Policy gives this user netlink sockets of some protocol; to be asked once, at the start. */
bool netlink_is_of_use(void);
/* Policy gives this socket, and the program has no privilege of its own. */
bool netlink_is_given(const struct call *);
/* What is in c->outgoing: by the broker, if it is a change on a socket of the broker's. */
struct answer netlink_send(struct call *);

#endif
