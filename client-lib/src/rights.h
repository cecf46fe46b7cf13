/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - control messages of the program, with stand-ins for handles. */
#ifndef SB_RIGHTS_H
#define SB_RIGHTS_H

#include <sys/socket.h>

#include "sockbroker/v1/types.pb-c.h"
#include "table.h"

/* What @msg has to send, in @arena's memory. Returns 0, -EBADF or -ENOTSOCK (a
 * descriptor in SCM_RIGHTS is no stand-in), -EXDEV (of another broker), -EINVAL. */
int rights_take(const struct sb_sock *, const struct msghdr *msg, struct arena *arena,
		size_t *ret_n, Sockbroker__V1__ControlMessage ***ret);

/* Into the program's @msg. Handles become stand-ins; those that cannot, for want of
 * room or of descriptors, are closed, and MSG_CTRUNC is set. @messages is
 * changed. Returns 0 or -EPROTO. */
int rights_give(const struct sb_sock *, Sockbroker__V1__ControlMessage **messages, size_t n,
		struct msghdr *msg);

#endif
