/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctls.h - the table of socket ioctls, and their arguments: kernel form
 * <-> wire form. What is not in the table is ENOTTY.
 *
 * No state, safe from any thread.
 */
#ifndef SB_WIRE_IOCTLS_H
#define SB_WIRE_IOCTLS_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/time.h>
#include <time.h>

#include "sockbroker/v1/types.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ioctl_kind {
	IOCTL_INTEGER,        /* int *: FIONREAD, SIOCOUTQ, SIOCATMARK */
	IOCTL_IFREQ_INDEX,    /* name <-> ifr_ifindex */
	IOCTL_IFREQ_NUMBER,   /* name, flags (short) or mtu/metric/qlen (int) */
	IOCTL_IFREQ_FLAGS,
	IOCTL_IFREQ_ADDRESS,
	IOCTL_IFREQ_HARDWARE,
	IOCTL_TIMEVAL,
	IOCTL_TIMESPEC,
};

struct ioctl_row {
	unsigned long request;
	const char *text;       /* "SIOCGIFINDEX" */
	enum ioctl_kind kind;
	bool reads;             /* the argument goes in */
	bool writes;            /* the argument comes out */
	bool named;             /* a policy must name it (everything but what
				 * asks about the caller's own socket) */
};

/* The argument of any of them. */
union ioctl_argument {
	int integer;
	struct ifreq ifreq;
	struct timeval timeval;
	struct timespec timespec;
};

/* Returns a row, or NULL. */
const struct ioctl_row *ioctl_find(unsigned long request);
const struct ioctl_row *ioctl_find_text(const char *text);

/* Returns 0, -EINVAL, -ENOMEM. */
int ioctl_encode(const struct ioctl_row *, const union ioctl_argument *,
		 ProtobufCAllocator *allocator, Sockbroker__V1__IoctlValue **ret);
int ioctl_decode(const struct ioctl_row *, const Sockbroker__V1__IoctlValue *,
		 union ioctl_argument *ret);

#ifdef __cplusplus
}
#endif
#endif
