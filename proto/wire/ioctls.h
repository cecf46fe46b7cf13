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
#include <stddef.h>
#include <stdint.h>
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
	IOCTL_IFREQ_MAP,
	IOCTL_IFCONF,         /* SIOCGIFCONF: see ioctl_conf_encode() */
	IOCTL_TIMEVAL,
	IOCTL_TIMESPEC,
	IOCTL_KEEP_ALIVE,
};

/* Requests of Winsock, by its numbers: the broker does them itself. */
#ifndef SIO_RCVALL
#define SIO_RCVALL 0x98000001
#define SIO_KEEPALIVE_VALS 0x98000004
#define SIO_LOOPBACK_FAST_PATH 0x98000010
#define RCVALL_OFF 0
#define RCVALL_ON 1
#define RCVALL_SOCKETLEVELONLY 2
#define RCVALL_IPLEVEL 3
#endif

struct ioctl_row {
	unsigned long request;
	const char *text;       /* "SIOCGIFINDEX" */
	enum ioctl_kind kind;
	bool reads;             /* the argument goes in */
	bool writes;            /* the argument comes out */
	bool named;             /* a policy must name it (everything but what
				 * asks about the caller's own socket) */
};

/* Winsock's struct tcp_keepalive. */
struct ioctl_keep_alive {
	uint32_t on, time_ms, interval_ms;
};

/* The argument of any of them. */
union ioctl_argument {
	int integer;
	struct ifreq ifreq;
	struct ifconf ifconf;
	struct timeval timeval;
	struct timespec timespec;
	struct ioctl_keep_alive keep_alive;
};

/* Returns a row, or NULL. */
const struct ioctl_row *ioctl_find(unsigned long request);
const struct ioctl_row *ioctl_find_text(const char *text);
/* All rows. */
const struct ioctl_row *ioctl_rows(size_t *ret_n);

/* Returns 0, -EINVAL, -ENOMEM. Of SIOCGIFCONF the question alone: encoded with a
 * buffer's size, if there is one; decoded to the size that whoever asks the kernel must
 * bring, at most IOCTL_CONF_BYTES_MAX, or to -1. */
int ioctl_encode(const struct ioctl_row *, const union ioctl_argument *,
		 ProtobufCAllocator *allocator, Sockbroker__V1__IoctlValue **ret);
int ioctl_decode(const struct ioctl_row *, const Sockbroker__V1__IoctlValue *,
		 union ioctl_argument *ret);

/* The answer of SIOCGIFCONF: what the kernel wrote to ifc_buf, or, if that is
 * NULL, how much it would. Decoded to ifc_buf, as much as ifc_len allows. */
enum { IOCTL_CONF_BYTES_MAX = 262144 };
int ioctl_conf_encode(const struct ifconf *, ProtobufCAllocator *allocator,
		      Sockbroker__V1__IoctlValue **ret);
int ioctl_conf_decode(const Sockbroker__V1__IoctlValue *, struct ifconf *);

#ifdef __cplusplus
}
#endif
#endif
