/* SPDX-License-Identifier: Apache-2.0 */
#include "tickets/ticket.h"

#include <errno.h>
#include <string.h>

#include "sockbroker/v1/descriptor.pb-c.h"

static int read_message(const Sockbroker__V1__TicketRequest *m, struct ticket_request *ret)
{
	switch (m->what_case) {
	case SOCKBROKER__V1__TICKET_REQUEST__WHAT_TAKE:
		*ret = (struct ticket_request){ .give = false };
		if (strlen(m->take) < sizeof(ret->take))
			strcpy(ret->take, m->take);
		return 0;
	case SOCKBROKER__V1__TICKET_REQUEST__WHAT_GIVE:
		*ret = (struct ticket_request){ .give = true };
		return m->give ? 0 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

int ticket_request_read(const uint8_t *packet, size_t length, struct ticket_request *ret)
{
	Sockbroker__V1__TicketRequest *m;
	int r;

	if (length > TICKET_BYTES_MAX)
		return -EBADMSG;
	m = sockbroker__v1__ticket_request__unpack(NULL, length, packet);
	if (!m)
		return -EBADMSG;
	r = read_message(m, ret);
	sockbroker__v1__ticket_request__free_unpacked(m, NULL);
	return r;
}

size_t ticket_reply_write(int error, const char *ticket, uint8_t packet[TICKET_BYTES_MAX])
{
	Sockbroker__V1__TicketReply m = SOCKBROKER__V1__TICKET_REPLY__INIT;

	_Static_assert(OFFER_TOKEN_BYTES + 16 < TICKET_BYTES_MAX, "any reply has room");
	m.error = (Sockbroker__V1__Errno)-error;
	if (ticket)
		m.ticket = (char *)(uintptr_t)ticket;
	return sockbroker__v1__ticket_reply__pack(&m, packet);
}
