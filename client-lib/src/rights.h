/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - control messages of the program, with stand-ins for handles. */
#ifndef SB_RIGHTS_H
#define SB_RIGHTS_H

#include <sys/socket.h>

#include "sockbroker/v1/types.pb-c.h"
#include "table.h"

/* Handles that were made of the program's own descriptors, to be sent. */
struct rights_given {
	struct rights_given *next;
	uint32_t handle;
};

/* What @msg has to send, in @arena's memory. A descriptor in SCM_RIGHTS that is no stand-in, a file
 * or a socket of the kernel's, is given to the broker; what was is added to *@given, whatever is
 * returned. Returns 0, -EBADF, -EXDEV (of another broker), -EINVAL, or as descriptor_give(). */
int rights_take(const struct sb_sock *, const struct msghdr *msg, struct arena *arena,
		struct rights_given **given, size_t *ret_n, Sockbroker__V1__ControlMessage ***ret);
/* The message is sent, or will not be: the broker closes them. */
void rights_close(const struct sb_sock *, const struct rights_given *);

/* Into the program's @msg. Handles become stand-ins, or if they are of files the files
 * themselves, with FD_CLOEXEC as @flags, recvmsg(2)'s, say; those that cannot, for want of room or of
 * descriptors, are closed, and MSG_CTRUNC is set. @messages is changed. Returns 0 or -EPROTO. */
int rights_give(const struct sb_sock *, Sockbroker__V1__ControlMessage **messages, size_t n,
		int flags, struct msghdr *msg);

#endif
