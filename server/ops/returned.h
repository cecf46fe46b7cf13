/* SPDX-License-Identifier: Apache-2.0 */
/*
 * returned.h - messages that were taken from the kernel for a caller who had
 * gone before the reply reached it. They are kept on the socket, as the replies
 * that they would have been, packed, and the next callers get them first.
 *
 * Each knows its place in what the socket has received, so that they come in
 * order, whoever gives up when: bytes of a stream, or a count of datagrams.
 */
#ifndef SB_OPS_RETURNED_H
#define SB_OPS_RETURNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops/sock.h"
#include "sockbroker/v1/broker.pb-c.h"

struct returned {
	struct list link;        /* in sock->returned, by position */
	struct sock *accepted;   /* of a listener: a connection; else NULL */
	uint64_t position;
	size_t size;             /* of the packed RecvReply in data */
	size_t offset;           /* how many of its bytes are used up */
	uint8_t data[];
};

/* The place of what the kernel gives next; @n: bytes it was. */
uint64_t received_position(struct sock *, size_t n);

/* Keeps a message. When memory is out it is lost. */
void returned_give(struct sock *, const Sockbroker__V1__RecvReply *, uint64_t position);

/* The first of them as recvmsg(2) would give it, cut to @want bytes; in
 * @allocator's memory. NULL: memory is out. There must be one. */
Sockbroker__V1__RecvReply *returned_take(struct sock *, size_t want, uint32_t flags,
					 ProtobufCAllocator *allocator, uint64_t *ret_position);

/* The socket ends: drops what is left, connections too. */
void returned_drop(struct sock *);

#endif
