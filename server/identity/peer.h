/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - who is at the other end of a connection, as the kernel tells it.
 *
 * Immutable once made, and counted: any thread may read and drop it.
 */
#ifndef SB_IDENTITY_PEER_H
#define SB_IDENTITY_PEER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "policy/intent.h"

struct peer {
	atomic_uint refs;
	pid_t pid;
	int pidfd;              /* -1 where the kernel has no SO_PEERPIDFD */
	struct subject subject; /* uid, gid, supplementary groups */
	gid_t groups[];
};

/* Asks the kernel about a connected unix socket. Returns 0 or -errno; *ret is
 * to be dropped with peer_unref(). */
int peer_identify(int fd, struct peer **ret) __attribute__((warn_unused_result));

struct peer *peer_ref(struct peer *);
struct peer *peer_unref(struct peer *); /* returns NULL; accepts NULL */

#endif
