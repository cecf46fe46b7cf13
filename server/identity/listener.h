/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - at the broker's own socket: accepts a connection, asks the kernel who
 * it is, counts it, and hands it to the front, before gRPC has seen a byte.
 *
 * Thread: the main one.
 */
#ifndef SB_IDENTITY_LISTENER_H
#define SB_IDENTITY_LISTENER_H

#include "identity/door.h"
#include "policy/policy.h"

struct front;

/* Something is at the door: accept what there is. */
void listener_accept(struct door *, struct front *, const struct policy *);

#endif
