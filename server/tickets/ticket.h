/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticket.h - the packets of the descriptor socket (descriptor.proto): what one asks, and the
 * answer. No state, any thread.
 */
#ifndef SB_TICKETS_TICKET_H
#define SB_TICKETS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops/offers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TICKET_BYTES_MAX = 128 };

struct ticket_request {
	bool give;                     /* else: take */
	char take[OFFER_TOKEN_BYTES];  /* "": what was said is no ticket */
};

/* Returns 0, or -EBADMSG: no TicketRequest, or one that asks nothing. */
int ticket_request_read(const uint8_t *packet, size_t length, struct ticket_request *ret)
	__attribute__((warn_unused_result));

/* @error: 0 or -errno; @ticket: or NULL. Returns the length. */
size_t ticket_reply_write(int error, const char *ticket, uint8_t packet[TICKET_BYTES_MAX]);

#ifdef __cplusplus
}
#endif
#endif
