/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.h - large sends and receives on a stream of their own; see transfer.c. */
#ifndef SB_TRANSFER_H
#define SB_TRANSFER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "sockbroker/v1/broker.pb-c.h"
#include "table.h"

/* Is it for a Transfer stream? */
bool transfer_fits_send(struct sb_sock *, const Sockbroker__V1__SendRequest *, size_t total);
bool transfer_fits_receive(struct sb_sock *, const struct msghdr *, uint32_t flags, size_t total);

/* As sendmsg(2) and recvmsg(2) of @total bytes; return bytes or -errno; -ENOSYS: the
 * broker has no Transfer, nothing was done. */
ssize_t transfer_send(struct sb_sock *, const struct msghdr *, size_t total, uint32_t flags,
		      int64_t wait_ns);
ssize_t transfer_receive(struct sb_sock *, struct msghdr *, size_t total, uint32_t flags,
			 int64_t wait_ns);

/* A receive by the session brought so much. */
void transfer_note(struct sb_sock *, ssize_t received);

/* A send or receive by the session takes the lane if lane_matters(). Returns 0, -EAGAIN
 * (it is taken, and the call may not wait) or -EINTR; *@ret_entered: it is to be left. */
static inline bool lane_matters(const struct lane *lane)
{
	return atomic_load_explicit(&lane->bulk, memory_order_relaxed);
}
int lane_enter(struct lane *, int64_t wait_ns, bool *ret_entered);
void lane_leave(struct lane *);

#endif
