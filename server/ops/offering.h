/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offering.h - how an operation offers a socket: Share, GetDescriptor. Under the shard's
 * lock.
 */
#ifndef SB_OPS_OFFERING_H
#define SB_OPS_OFFERING_H

#include "ops/offers.h"

struct session;
struct sock;

/* An offer of duplicates of its descriptors, to be added or ended; offers that nobody takes are
 * ended from now on. Returns 0, -EBUSY (bytes that were given back lie here: they would stay
 * behind), -EMFILE, -ENOMEM. */
int offer_of_sock(struct sock *, const struct session *by, struct offer *ret)
	__attribute__((warn_unused_result));

#endif
