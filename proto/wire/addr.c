/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family by family, decode and encode side by side, so that a field added to
 * one is missed in the other only with open eyes. How addresses look to people
 * is in addr_print.c.
 *
 * A kernel address is copied into a zeroed structure before it is looked at:
 * the caller's need not be aligned, and what a short one lacks (a sockaddr_in6
 * without a scope, a sockaddr_can of CAN_RAW) is zeros.
 */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "wire/build.h"

typedef Sockbroker__V1__Address Address;

enum {
	IN6_BYTES_RFC2133 = 24, /* a sockaddr_in6 before there were scopes: the kernel takes it */
	UN_PATH_OFFSET = offsetof(struct sockaddr_un, sun_path),
	UN_PATH_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path),
	LL_ADDRESS_OFFSET = offsetof(struct sockaddr_ll, sll_addr),
	LL_ADDRESS_BYTES = sizeof(((struct sockaddr_ll *)NULL)->sll_addr),
	CAN_BYTES_RAW = offsetof(struct sockaddr_can, can_addr),
	CAN_BYTES_TP = CAN_BYTES_RAW + sizeof(((struct sockaddr_can *)NULL)->can_addr.tp),
};

static const uint32_t FLOWINFO_MAX = 0x0fffffff;

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

static int inet_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Inet *m = in->inet;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (m->ip.len != sizeof(sin.sin_addr) || m->port > UINT16_MAX)
		return -EINVAL;
	sin.sin_port = htons((uint16_t)m->port);
	memcpy(&sin.sin_addr, m->ip.data, m->ip.len);
	memcpy(&out->ss, &sin, sizeof(sin));
	out->len = sizeof(sin);
	return 0;
}

static int inet_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Inet *m = build_message(a, &sockbroker__v1__address__inet__descriptor);
	struct sockaddr_in sin;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_INET;
	out->inet = m;
	memcpy(&sin, sa, sizeof(sin));
	m->port = ntohs(sin.sin_port);
	return build_bytes(a, &sin.sin_addr, sizeof(sin.sin_addr), &m->ip);
}

static int inet6_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Inet6 *m = in->inet6;
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (m->ip.len != sizeof(sin6.sin6_addr) || m->port > UINT16_MAX ||
	    m->flowinfo > FLOWINFO_MAX)
		return -EINVAL;
	sin6.sin6_port = htons((uint16_t)m->port);
	sin6.sin6_flowinfo = htonl(m->flowinfo);
	sin6.sin6_scope_id = m->scope_id;
	memcpy(&sin6.sin6_addr, m->ip.data, m->ip.len);
	memcpy(&out->ss, &sin6, sizeof(sin6));
	out->len = sizeof(sin6);
	return 0;
}

static int inet6_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Inet6 *m =
		build_message(a, &sockbroker__v1__address__inet6__descriptor);
	struct sockaddr_in6 sin6;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_INET6;
	out->inet6 = m;
	memcpy(&sin6, sa, sizeof(sin6));
	m->port = ntohs(sin6.sin6_port);
	m->flowinfo = ntohl(sin6.sin6_flowinfo) & FLOWINFO_MAX; /* the kernel masks it, too */
	m->scope_id = sin6.sin6_scope_id;
	return build_bytes(a, &sin6.sin6_addr, sizeof(sin6.sin6_addr), &m->ip);
}

/* A path ends at its first NUL, and where it fits it is given to the kernel
 * with one. In an abstract name every byte counts, so the length is the name. */
static int un_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Unix *m = in->un;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = 0;

	if (m->name_case == SOCKBROKER__V1__ADDRESS__UNIX__NAME_PATH) {
		n = m->path.len;
		if (n > UN_PATH_BYTES)
			return -ENAMETOOLONG;
		if (n == 0 || memchr(m->path.data, 0, n))
			return -EINVAL;
		memcpy(sun.sun_path, m->path.data, n);
		if (n < UN_PATH_BYTES)
			n++;
	} else if (m->name_case == SOCKBROKER__V1__ADDRESS__UNIX__NAME_ABSTRACT) {
		n = m->abstract.len;
		if (n > UN_PATH_BYTES - 1)
			return -ENAMETOOLONG;
		if (n)
			memcpy(sun.sun_path + 1, m->abstract.data, n);
		n++;
	}
	memcpy(&out->ss, &sun, sizeof(sun));
	out->len = (socklen_t)(UN_PATH_OFFSET + n);
	return 0;
}

/* The kernel's own answer for a path of 108 bytes is a byte longer than a
 * sockaddr_un: it counts the NUL that does not fit. */
static int un_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Unix *m = build_message(a, &sockbroker__v1__address__unix__descriptor);
	const char *path = (const char *)sa + UN_PATH_OFFSET;
	size_t n = len - UN_PATH_OFFSET;

	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_UN;
	out->un = m;
	if (n == 0)
		return 0;
	if (path[0] == '\0') {
		if (n > UN_PATH_BYTES)
			return -ENAMETOOLONG;
		m->name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_ABSTRACT;
		return build_bytes(a, path + 1, n - 1, &m->abstract);
	}
	n = strnlen(path, n);
	if (n > UN_PATH_BYTES)
		return -ENAMETOOLONG;
	m->name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_PATH;
	return build_bytes(a, path, n, &m->path);
}

static int packet_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Packet *m = in->packet;
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	int r;

	if (m->protocol > UINT16_MAX || m->hardware_type > UINT16_MAX ||
	    m->packet_type > UINT8_MAX || m->hardware_address.len > LL_ADDRESS_BYTES)
		return -EINVAL;
	r = interface_decode(m->ifindex, m->interface, &sll.sll_ifindex);
	if (r < 0)
		return r;
	sll.sll_protocol = htons((uint16_t)m->protocol);
	sll.sll_hatype = (unsigned short)m->hardware_type;
	sll.sll_pkttype = (unsigned char)m->packet_type;
	sll.sll_halen = (unsigned char)m->hardware_address.len;
	if (sll.sll_halen)
		memcpy(sll.sll_addr, m->hardware_address.data, sll.sll_halen);
	memcpy(&out->ss, &sll, sizeof(sll));
	out->len = sizeof(sll);
	return 0;
}

static int packet_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Packet *m =
		build_message(a, &sockbroker__v1__address__packet__descriptor);
	struct sockaddr_ll sll;

	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_PACKET;
	out->packet = m;
	memcpy(&sll, sa, sizeof(sll));
	if (sll.sll_halen > LL_ADDRESS_BYTES || sll.sll_halen > len - LL_ADDRESS_OFFSET)
		return -EINVAL;
	m->protocol = ntohs(sll.sll_protocol);
	m->ifindex = (uint32_t)sll.sll_ifindex;
	m->hardware_type = sll.sll_hatype;
	m->packet_type = sll.sll_pkttype;
	return build_bytes(a, sll.sll_addr, sll.sll_halen, &m->hardware_address);
}

static int netlink_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_nl snl = { .nl_family = AF_NETLINK, .nl_pid = in->netlink->pid,
				   .nl_groups = in->netlink->groups };

	memcpy(&out->ss, &snl, sizeof(snl));
	out->len = sizeof(snl);
	return 0;
}

static int netlink_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Netlink *m =
		build_message(a, &sockbroker__v1__address__netlink__descriptor);
	struct sockaddr_nl snl;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_NETLINK;
	out->netlink = m;
	memcpy(&snl, sa, sizeof(snl));
	m->pid = snl.nl_pid;
	m->groups = snl.nl_groups;
	return 0;
}

/*
 * A sockaddr_can does not say which protocol's part of its union is meant. Its
 * length does, as the kernel answers: 8 bytes (CAN_RAW), 16 (CAN_ISOTP) or all
 * 24 (CAN_J1939). A program mostly passes all 24 for any of them: then a union
 * of zeros is none, and another is told as j1939, whose 16 bytes hold tp's in
 * the first eight, so that nothing is lost on the way to the kernel.
 */
static int can_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Can *m = in->can;
	struct sockaddr_can can = { .can_family = AF_CAN };
	int r = interface_decode(m->ifindex, m->interface, &can.can_ifindex);

	if (r < 0)
		return r;
	out->len = sizeof(can);
	if (m->protocol_case == SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP) {
		can.can_addr.tp.rx_id = m->tp->rx_id;
		can.can_addr.tp.tx_id = m->tp->tx_id;
		out->len = CAN_BYTES_TP;
	} else if (m->protocol_case == SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939) {
		if (m->j1939->addr > UINT8_MAX)
			return -EINVAL;
		can.can_addr.j1939.name = m->j1939->name;
		can.can_addr.j1939.pgn = m->j1939->pgn;
		can.can_addr.j1939.addr = (uint8_t)m->j1939->addr;
	}
	memcpy(&out->ss, &can, sizeof(can));
	return 0;
}

static int can_protocol_encode(const struct sockaddr_can *can, size_t len, ProtobufCAllocator *a,
			       Sockbroker__V1__Address__Can *m)
{
	if (len >= sizeof(*can)) {
		if (!can->can_addr.j1939.name && !can->can_addr.j1939.pgn &&
		    !can->can_addr.j1939.addr)
			return 0;
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

static int can_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
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

static int vsock_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_vm svm = { .svm_family = AF_VSOCK, .svm_cid = in->vsock->cid,
				   .svm_port = in->vsock->port };

	if (in->vsock->flags > UINT8_MAX)
		return -EINVAL;
	svm.svm_flags = (uint8_t)in->vsock->flags;
	memcpy(&out->ss, &svm, sizeof(svm));
	out->len = sizeof(svm);
	return 0;
}

static int vsock_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Vsock *m =
		build_message(a, &sockbroker__v1__address__vsock__descriptor);
	struct sockaddr_vm svm;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_VSOCK;
	out->vsock = m;
	memcpy(&svm, sa, sizeof(svm));
	m->cid = svm.svm_cid;
	m->port = svm.svm_port;
	m->flags = svm.svm_flags;
	return 0;
}

struct family {
	int family;
	Sockbroker__V1__Address__KindCase kind;
	size_t length_min; /* of a kernel address */
	int (*decode)(const Address *in, struct sock_addr *out);
	int (*encode)(const void *sa, size_t len, ProtobufCAllocator *a, Address *out);
};

static const struct family families[] = {
	{ AF_INET, SOCKBROKER__V1__ADDRESS__KIND_INET, sizeof(struct sockaddr_in),
	  inet_decode, inet_encode },
	{ AF_INET6, SOCKBROKER__V1__ADDRESS__KIND_INET6, IN6_BYTES_RFC2133,
	  inet6_decode, inet6_encode },
	{ AF_UNIX, SOCKBROKER__V1__ADDRESS__KIND_UN, UN_PATH_OFFSET, un_decode, un_encode },
	{ AF_PACKET, SOCKBROKER__V1__ADDRESS__KIND_PACKET, LL_ADDRESS_OFFSET,
	  packet_decode, packet_encode },
	{ AF_NETLINK, SOCKBROKER__V1__ADDRESS__KIND_NETLINK, sizeof(struct sockaddr_nl),
	  netlink_decode, netlink_encode },
	{ AF_CAN, SOCKBROKER__V1__ADDRESS__KIND_CAN, CAN_BYTES_RAW, can_decode, can_encode },
	{ AF_VSOCK, SOCKBROKER__V1__ADDRESS__KIND_VSOCK, sizeof(struct sockaddr_vm),
	  vsock_decode, vsock_encode },
};
enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

/* AF_UNSPEC is as long as a sockaddr, so that also bind(2), which takes it for
 * 0.0.0.0 from old programs, finds all the zeros it looks at. */
static const socklen_t UNSPEC_BYTES = sizeof(struct sockaddr);

int addr_decode(const Address *in, struct sock_addr *out)
{
	struct sock_addr a;
	int r = -EAFNOSUPPORT;

	if (!in)
		return -EINVAL;
	memset(&a, 0, sizeof(a));
	if (in->kind_case == SOCKBROKER__V1__ADDRESS__KIND__NOT_SET) {
		a.len = UNSPEC_BYTES;
		r = 0;
	}
	for (size_t i = 0; i < FAMILIES; i++)
		if (families[i].kind == in->kind_case)
			r = in->inet ? families[i].decode(in, &a) : -EINVAL;
	if (r == 0)
		*out = a;
	return r;
}

static int kind_encode(const struct sockaddr *sa, socklen_t len, ProtobufCAllocator *a,
		       Address *out)
{
	uint8_t copy[sizeof(struct sockaddr_storage)] = { 0 };
	sa_family_t family;

	if (len < sizeof(family) || len > sizeof(copy))
		return -EINVAL;
	memcpy(copy, sa, len);
	memcpy(&family, copy, sizeof(family));
	if (family == AF_UNSPEC)
		return 0;
	for (size_t i = 0; i < FAMILIES; i++) {
		if (families[i].family != family)
			continue;
		if (len < families[i].length_min)
			return -EINVAL;
		return families[i].encode(copy, len, a, out);
	}
	return -EAFNOSUPPORT;
}

int addr_encode(const struct sockaddr *sa, socklen_t len, ProtobufCAllocator *allocator,
		Address **ret)
{
	Address *m = build_message(allocator, &sockbroker__v1__address__descriptor);
	int r;

	if (!m)
		return -ENOMEM;
	r = len ? kind_encode(sa, len, allocator, m) : 0;
	if (r < 0) {
		protobuf_c_message_free_unpacked(&m->base, allocator);
		return r;
	}
	*ret = m;
	return 0;
}
