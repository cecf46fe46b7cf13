/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk.h - the ticket desk: the socket beside the broker's own where descriptors pass, by
 * SCM_RIGHTS, for the tickets of offers.h; see descriptor.proto. It has a thread of its own, and
 * touches no shard.
 *
 * Thread: the main one, for all of these.
 */
#ifndef SB_TICKETS_DESK_H
#define SB_TICKETS_DESK_H

#include <stddef.h>

#include "policy/policy.h"

struct desk;

/* @beside: the broker's own address, "unix:/path": it listens at that path with ".fd" behind it.
 * No thread yet. Returns NULL and, in @error, a sentence. */
struct desk *desk_open(const char *beside, unsigned mode, char *error, size_t error_size);
/* Begins to serve. @policy: takes a reference. Returns 0 or -errno. */
int desk_start(struct desk *, struct policy *) __attribute__((warn_unused_result));
void desk_set_policy(struct desk *, struct policy *);
/* Ends the connections and the thread, and removes the path. Returns NULL; accepts NULL. */
struct desk *desk_close(struct desk *);

#endif
