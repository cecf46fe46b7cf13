/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.h - what a running broker looks like from inside: the answers of the
 * Admin service.
 *
 * Any thread, with no lock held. A shard is locked only to collect what there
 * is; the kernel is asked about each socket with the lock released, so that
 * looking disturbs nobody.
 */
#ifndef SB_INSPECT_INSPECT_H
#define SB_INSPECT_INSPECT_H

#include "call/shard.h"
#include "identity/peer.h"
#include "sockbroker/v1/admin.pb-c.h"
#include "wire/arena.h"

struct inspection {
	struct shard *shards;
	unsigned n_shards;
	unsigned connections;
	const struct peer *peer;   /* who asks: sees their own, or all if a rule says `inspect` */
	struct arena *arena;       /* where the answer is made */
};

/* Each returns 0 or -ENOMEM. */
int inspect_sockets(const struct inspection *, Sockbroker__V1__ListSocketsReply *ret);
int inspect_sessions(const struct inspection *, Sockbroker__V1__ListSessionsReply *ret);
int inspect_status(const struct inspection *, Sockbroker__V1__GetStatusReply *ret);

/* Once, at start and at each reload: what GetStatus tells of the daemon. The
 * path is borrowed. */
void inspect_note_policy(const char *path, size_t rules);

#endif
