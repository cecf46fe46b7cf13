/* SPDX-License-Identifier: Apache-2.0 */
/* addr_link.c - addresses of families that live on an interface. */
#include <errno.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/addr_family.h"
#include "wire/build.h"

typedef Sockbroker__V1__Address Address;

enum {
	LL_ADDRESS_OFFSET = offsetof(struct sockaddr_ll, sll_addr),
	LL_ADDRESS_BYTES_MAX = 32, /* MAX_ADDR_LEN of the kernel: InfiniBand's go beyond sll_addr */
};

/* An index, or else a name that has one. */
static int interface_decode(uint32_t ifindex, const char *name, int *ret)
{
	if (ifindex > INT32_MAX || (ifindex && name[0]))
		return -EINVAL;
	if (name[0]) {
		ifindex = strlen(name) < IF_NAMESIZE ? if_nametoindex(name) : 0;
		if (!ifindex)
			return -ENODEV;
	}
	*ret = (int)ifindex;
	return 0;
}

/* How long the kernel's address is: getsockname(2) ends it with the hardware
 * address, recvfrom(2) and all that a program passes have at least the structure. */
static int packet_length(const Sockbroker__V1__Address__Packet *m, socklen_t *ret)
{
	socklen_t least = (socklen_t)(LL_ADDRESS_OFFSET + m->hardware_address.len);
	socklen_t usual = sizeof(struct sockaddr_ll);

	if (least > usual)
		usual = least;
	if (m->length && (m->length < least || m->length > usual))
		return -EINVAL;
	*ret = m->length ? m->length : usual;
	return 0;
}

int packet_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Packet *m = in->packet;
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	int r;

	if (m->protocol > UINT16_MAX || m->hardware_type > UINT16_MAX ||
	    m->packet_type > UINT8_MAX || m->hardware_address.len > LL_ADDRESS_BYTES_MAX)
		return -EINVAL;
	r = interface_decode(m->ifindex, m->interface, &sll.sll_ifindex);
	if (r == 0)
		r = packet_length(m, &out->len);
	if (r < 0)
		return r;
	sll.sll_protocol = htons((uint16_t)m->protocol);
	sll.sll_hatype = (unsigned short)m->hardware_type;
	sll.sll_pkttype = (unsigned char)m->packet_type;
	sll.sll_halen = (unsigned char)m->hardware_address.len;
	memcpy(&out->ss, &sll, sizeof(sll));
	if (sll.sll_halen)
		memcpy((char *)&out->ss + LL_ADDRESS_OFFSET, m->hardware_address.data, sll.sll_halen);
	return 0;
}

int packet_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Packet *m =
		build_message(a, &sockbroker__v1__address__packet__descriptor);
	struct sockaddr_ll sll;

	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_PACKET;
	out->packet = m;
	memcpy(&sll, sa, sizeof(sll));
	if (sll.sll_halen > LL_ADDRESS_BYTES_MAX || sll.sll_halen > len - LL_ADDRESS_OFFSET)
		return -EINVAL;
	m->protocol = ntohs(sll.sll_protocol);
	m->ifindex = (uint32_t)sll.sll_ifindex;
	m->hardware_type = sll.sll_hatype;
	m->packet_type = sll.sll_pkttype;
	m->length = len < sizeof(sll) ? (uint32_t)len : 0;
	return build_bytes(a, (const char *)sa + LL_ADDRESS_OFFSET, sll.sll_halen,
			   &m->hardware_address);
}

/*
 * A sockaddr_can does not say which protocol's part of its union is meant, but
 * its length does, as the kernel answers: 8 bytes (CAN_RAW, CAN_BCM), 16
 * (CAN_ISOTP) or all 24 (CAN_J1939). A program may pass all 24 for any of them:
 * that is told as j1939, whose 16 bytes hold tp's in the first eight, so that
 * nothing is lost; addr_fit() then cuts it to what the socket's protocol means.
 */
enum {
	CAN_BYTES_RAW = offsetof(struct sockaddr_can, can_addr),
	CAN_BYTES_TP = CAN_BYTES_RAW + sizeof(((struct sockaddr_can *)NULL)->can_addr.tp),
	CAN_BYTES_J1939 = sizeof(struct sockaddr_can),
};

int can_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Can *m = in->can;
	struct sockaddr_can can;
	int r;

	memset(&can, 0, sizeof(can)); /* the padding, too */
	can.can_family = AF_CAN;
	r = interface_decode(m->ifindex, m->interface, &can.can_ifindex);
	if (r < 0)
		return r;
	out->len = CAN_BYTES_RAW;
	if (m->protocol_case == SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP) {
		if (!m->tp)
			return -EINVAL;
		can.can_addr.tp.rx_id = m->tp->rx_id;
		can.can_addr.tp.tx_id = m->tp->tx_id;
		out->len = CAN_BYTES_TP;
	} else if (m->protocol_case == SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939) {
		if (!m->j1939 || m->j1939->addr > UINT8_MAX)
			return -EINVAL;
		can.can_addr.j1939.name = m->j1939->name;
		can.can_addr.j1939.pgn = m->j1939->pgn;
		can.can_addr.j1939.addr = (uint8_t)m->j1939->addr;
		out->len = CAN_BYTES_J1939;
	}
	memcpy(&out->ss, &can, sizeof(can));
	return 0;
}

static int can_protocol_encode(const struct sockaddr_can *can, size_t len, ProtobufCAllocator *a,
			       Sockbroker__V1__Address__Can *m)
{
	if (len >= CAN_BYTES_J1939) {
		m->j1939 = build_message(a, &sockbroker__v1__address__can__j1939__descriptor);
		if (!m->j1939)
			return -ENOMEM;
		m->protocol_case = SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939;
		m->j1939->name = can->can_addr.j1939.name;
		m->j1939->pgn = can->can_addr.j1939.pgn;
		m->j1939->addr = can->can_addr.j1939.addr;
	} else if (len >= CAN_BYTES_TP) {
		m->tp = build_message(a, &sockbroker__v1__address__can__transport_protocol__descriptor);
		if (!m->tp)
			return -ENOMEM;
		m->protocol_case = SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP;
		m->tp->rx_id = can->can_addr.tp.rx_id;
		m->tp->tx_id = can->can_addr.tp.tx_id;
	}
	return 0;
}

int can_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Can *m = build_message(a, &sockbroker__v1__address__can__descriptor);
	struct sockaddr_can can;

	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_CAN;
	out->can = m;
	memcpy(&can, sa, sizeof(can));
	m->ifindex = (uint32_t)can.can_ifindex;
	return can_protocol_encode(&can, len, a, m);
}
