/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - packets of the descriptor socket, with the descriptors that come and go with
 * them. Nothing here waits. No state, any thread.
 */
#ifndef SB_TICKETS_PACKET_H
#define SB_TICKETS_PACKET_H

#include <sys/types.h>

#include "tickets/ticket.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PACKET_DESCRIPTORS_MAX = 253 }; /* SCM_MAX_FD: the kernel passes no more at once */

/* What a packet brought. */
struct brought {
	int fds[PACKET_DESCRIPTORS_MAX]; /* the receiver's */
	size_t n_fds;
	bool other; /* control messages that are no SCM_RIGHTS, or cut */
};

/* Returns the bytes of the next packet, more than TICKET_BYTES_MAX if it is too long; 0: the
 * connection has ended; or -errno. */
ssize_t packet_receive(int socket, uint8_t packet[TICKET_BYTES_MAX], struct brought *ret);

/* A TicketReply; @fd: to go with it, or -1. Returns 0 or -EPIPE: it does not read, or has gone. */
int packet_send(int socket, int error, const char *ticket, int fd);

#ifdef __cplusplus
}
#endif
#endif
