/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - what one user holds, over all connections and shards: the
 * figures that the policy's limits bound.
 *
 * Any thread: the counters are atomic, the list of accounts has a lock of its own.
 */
#ifndef SB_IDENTITY_ACCOUNT_H
#define SB_IDENTITY_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "identity/crew.h"

struct account {
	uid_t uid;
	unsigned refs;          /* the list's lock */
	struct account *next;   /* ditto */
	atomic_ullong connections, sessions, sockets, calls, bytes, lookups;
	atomic_ullong sockets_closing; /* of `sockets`: wait for the crew */
	struct crew crew;
};

/* Returns the account of @uid, to be dropped with account_put(), or NULL:
 * memory is out. */
struct account *account_get(uid_t uid);
struct account *account_ref(struct account *);
struct account *account_put(struct account *); /* returns NULL; accepts NULL */

/* Take @n of what @counter counts, if that leaves it at most at @limit. */
bool account_take(atomic_ullong *counter, uint64_t n, uint64_t limit);
void account_give(atomic_ullong *counter, uint64_t n);

#endif
