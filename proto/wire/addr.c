/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of address families, with those that every program knows; the others are in
 * addr_link.c, addr_plain.c, addr_tipc.c and addr_bluetooth.c. Decode and encode
 * stand side by side, so that a field added to one is missed in the other only
 * with open eyes. How addresses look to people is in addr_print.c.
 *
 * A kernel address is copied into zeros before it is looked at: the caller's
 * need not be aligned, and what a short one lacks (a sockaddr_in6 without a
 * scope, a sockaddr_can of CAN_RAW) is zeros.
 */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "wire/addr_family.h"
#include "wire/bluetooth.h"
#include "wire/build.h"

typedef Sockbroker__V1__Address Address;

enum {
	IN6_BYTES_RFC2133 = 24, /* a sockaddr_in6 before there were scopes: the kernel takes it */
	UN_PATH_OFFSET = offsetof(struct sockaddr_un, sun_path),
	UN_PATH_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path),
};

static const uint32_t FLOWINFO_MAX = 0x0fffffff;

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

/* The lengths are a kernel address's: what is shorter, or longer, is malformed. */
enum { LONGEST = sizeof(struct sockaddr_storage) };

#define KIND(name) SOCKBROKER__V1__ADDRESS__KIND_##name

static const struct family {
	int family;
	Sockbroker__V1__Address__KindCase kind;
	size_t length_min, length_max;
	addr_decoder *decode;
	addr_encoder *encode;
} families[] = {
	{ AF_INET, KIND(INET), sizeof(struct sockaddr_in), LONGEST, inet_decode, inet_encode },
	{ AF_INET6, KIND(INET6), IN6_BYTES_RFC2133, LONGEST, inet6_decode, inet6_encode },
	{ AF_UNIX, KIND(UN), UN_PATH_OFFSET, LONGEST, un_decode, un_encode },
	{ AF_PACKET, KIND(PACKET), offsetof(struct sockaddr_ll, sll_addr), LONGEST,
	  packet_decode, packet_encode },
	{ AF_NETLINK, KIND(NETLINK), sizeof(struct sockaddr_nl), LONGEST,
	  netlink_decode, netlink_encode },
	{ AF_CAN, KIND(CAN), offsetof(struct sockaddr_can, can_addr), LONGEST,
	  can_decode, can_encode },
	{ AF_VSOCK, KIND(VSOCK), sizeof(struct sockaddr_vm), LONGEST, vsock_decode, vsock_encode },
	{ AF_TIPC, KIND(TIPC), sizeof(struct sockaddr_tipc), LONGEST, tipc_decode, tipc_encode },
	{ AF_ALG, KIND(ALG), offsetof(struct sockaddr_alg, salg_name) + 1, LONGEST,
	  alg_decode, alg_encode },
	{ AF_QIPCRTR, KIND(QIPCRTR), sizeof(struct sockaddr_qrtr), LONGEST,
	  qipcrtr_decode, qipcrtr_encode },
	/* Told apart by their lengths. The short ones are older structures, and
	 * programs whose compiler does not pad. */
	{ AF_BLUETOOTH, KIND(HCI), offsetof(struct sockaddr_hci, hci_channel),
	  sizeof(struct sockaddr_hci), hci_decode, hci_encode },
	{ AF_BLUETOOTH, KIND(SCO), sizeof(struct sockaddr_sco), sizeof(struct sockaddr_sco),
	  sco_decode, sco_encode },
	{ AF_BLUETOOTH, KIND(RFCOMM), offsetof(struct sockaddr_rc, rc_channel) + 1,
	  sizeof(struct sockaddr_rc), rfcomm_decode, rfcomm_encode },
	{ AF_BLUETOOTH, KIND(L2CAP), offsetof(struct sockaddr_l2, l2_bdaddr_type),
	  sizeof(struct sockaddr_l2), l2cap_decode, l2cap_encode },
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
	uint8_t copy[sizeof(struct sockaddr_storage)] __attribute__((aligned(8))) = { 0 };
	sa_family_t family;
	int r = -EAFNOSUPPORT;

	if (len < sizeof(family) || len > sizeof(copy))
		return -EINVAL;
	memcpy(copy, sa, len);
	memcpy(&family, copy, sizeof(family));
	if (family == AF_UNSPEC)
		return 0;
	for (size_t i = 0; i < FAMILIES; i++) {
		if (families[i].family != family)
			continue;
		if (len >= families[i].length_min && len <= families[i].length_max)
			return families[i].encode(copy, len, a, out);
		r = -EINVAL;
	}
	return r;
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

/* How long an address of a socket's protocol is, where the family does not tell. */
static const struct {
	int family, protocol;
	socklen_t len;
	bool may_be_longer; /* the rest means nothing */
} fits[] = {
	{ AF_CAN, CAN_RAW, offsetof(struct sockaddr_can, can_addr), true },
	{ AF_CAN, CAN_BCM, offsetof(struct sockaddr_can, can_addr), true },
	{ AF_CAN, CAN_ISOTP, offsetof(struct sockaddr_can, can_addr.j1939.pgn), true },
	{ AF_BLUETOOTH, BTPROTO_L2CAP, sizeof(struct sockaddr_l2), false },
	{ AF_BLUETOOTH, BTPROTO_HCI, sizeof(struct sockaddr_hci), false },
	{ AF_BLUETOOTH, BTPROTO_SCO, sizeof(struct sockaddr_sco), false },
	{ AF_BLUETOOTH, BTPROTO_RFCOMM, sizeof(struct sockaddr_rc), false },
};

int addr_fit(struct sock_addr *a, int family, int protocol)
{
	if (a->ss.ss_family == AF_TIPC && a->len > sizeof(struct sockaddr_tipc))
		return -EINVAL;
	if (a->ss.ss_family != family)
		return 0;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		if (fits[i].family != family || fits[i].protocol != protocol)
			continue;
		if (a->len != fits[i].len && !fits[i].may_be_longer)
			return -EINVAL;
		if (a->len > fits[i].len) {
			memset((char *)&a->ss + fits[i].len, 0, a->len - fits[i].len);
			a->len = fits[i].len;
		}
		return 0;
	}
	return family == AF_BLUETOOTH ? -EAFNOSUPPORT : 0;
}
