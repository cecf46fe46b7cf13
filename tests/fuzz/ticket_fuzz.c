/* SPDX-License-Identifier: Apache-2.0 */
/* A packet of the descriptor socket: what is read of it is bounded, and the answer fits. */
#include <string.h>

#include "fuzz.h"
#include "tickets/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t packet[TICKET_BYTES_MAX];
	struct ticket_request request;

	if (ticket_request_read(data, size, &request) < 0)
		return 0;
	check(size <= TICKET_BYTES_MAX);
	check(memchr(request.take, '\0', sizeof(request.take)) != NULL);
	check(ticket_reply_write(0, request.take, packet) <= sizeof(packet));
	return 0;
}
