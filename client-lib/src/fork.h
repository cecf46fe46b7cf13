/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.h - what the child of a fork may do: use its parent's real descriptors.
 *
 * gRPC in the child would write into its parent's connection. So the child
 * closes that, forgets everything without touching it, and every call that needs a
 * broker is EBADF.
 */
#ifndef SB_FORK_H
#define SB_FORK_H

#include <stdbool.h>

#include "wire/list.h"

/* This process is the child of one that had used the library. */
bool fork_is_child(void);

/* Lists a broker by its `link`, so that a child closes its connection. */
void fork_register(struct list *broker_link);
void fork_unregister(struct list *broker_link);

#endif
