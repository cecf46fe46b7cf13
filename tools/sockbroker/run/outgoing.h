/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outgoing.h - what a program sends, copied: one message, or those of sendmmsg(2).
 */
#ifndef SB_RUN_OUTGOING_H
#define SB_RUN_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "wire/addr.h"

/* In one call: more of a stream is sent in part, a longer datagram is EMSGSIZE. */
enum { OUTGOING_BYTES_MAX = 2 * 1024 * 1024, OUTGOING_MESSAGES_MAX = 1024 };

/* Where a message lies in the program, and what of it has been copied. */
struct message {
	struct sock_addr addr;  /* a length of 0: none */
	struct iovec *there;    /* the program's pieces */
	size_t n_there;
	uint64_t control_there;
	uint64_t length_there;  /* sendmmsg: where its msg_len goes, or 0 */
	size_t control_size;
	size_t size;
	size_t sent;            /* of a stream */
	char *bytes;            /* control, then data, in a mapping; NULL: not copied yet */
};

struct outgoing {
	int flags;              /* of the call */
	bool many;
	pid_t tid;
	size_t n, done;         /* messages */
	struct message messages[];
};

/* What the arguments of sendto, sendmsg, sendmmsg name: addresses and where the rest lies.
 * Return 0 and *@ret, to be freed; or -errno as the kernel would. */
int outgoing_sendto(pid_t tid, const uint64_t arg[6], struct outgoing **ret);
int outgoing_sendmsg(pid_t tid, const uint64_t arg[6], struct outgoing **ret);
int outgoing_sendmmsg(pid_t tid, const uint64_t arg[6], struct outgoing **ret);
/* Accepts NULL. */
void outgoing_free(struct outgoing *);

/* Some message has an address. */
bool outgoing_is_addressed(const struct outgoing *);

/* Copies control and data. @stream: as much as is copied in one call; else -EMSGSIZE if it is more. */
int outgoing_copy(struct outgoing *, size_t i, bool stream);

/* Leaves out message @n and those behind it. */
void outgoing_cut(struct outgoing *, size_t n);

/* As a msghdr over the copy; what of a stream has been sent is left out. @iov is borrowed by it. */
struct msghdr outgoing_header(const struct outgoing *, size_t i, struct iovec *iov);

/* What the call returns, when it ends with @r: what has been sent goes before an error. */
long outgoing_result(const struct outgoing *, long r);

#endif
