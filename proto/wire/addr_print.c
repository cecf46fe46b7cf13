/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How addresses look to people and in logs. The text never has a byte that is
 * not printable ASCII: a peer chooses names of unix sockets, and a log line is
 * one line.
 */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "wire/bluetooth.h"

/* A text that grows up to its size: what does not fit is left out. */
struct text {
	char *at;
	size_t room; /* with the NUL */
};

static void text_add(struct text *t, const char *piece)
{
	size_t n = strlen(piece);

	if (n >= t->room) {
		t->room = 0; /* nothing after a gap */
		return;
	}
	memcpy(t->at, piece, n + 1);
	t->at += n;
	t->room -= n;
}

static void text_add_number(struct text *t, uint32_t number)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", number);
	text_add(t, digits);
}

/* ":pgn=" and "0x1f000": a field of a few that may be left out. */
static void text_add_field(struct text *t, const char *name, uint64_t number)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%#llx", (unsigned long long)number);
	text_add(t, name);
	text_add(t, digits);
}

static void text_add_pair(struct text *t, const char *prefix, uint32_t first, uint32_t second)
{
	text_add(t, prefix);
	text_add_number(t, first);
	text_add(t, ":");
	text_add_number(t, second);
}

static void text_add_escaped(struct text *t, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && t->room; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char piece[8] = { (char)c };

		if (c < 0x20 || c > 0x7e || c == '\\')
			snprintf(piece, sizeof(piece), "\\x%02x", (unsigned)c);
		text_add(t, piece);
	}
}

static void text_add_interface(struct text *t, int ifindex)
{
	char name[IF_NAMESIZE];

	if (ifindex == 0) {
		text_add(t, "*");
	} else if (ifindex > 0 && if_indextoname((unsigned)ifindex, name)) {
		text_add_escaped(t, name, strlen(name));
	} else {
		text_add(t, "#");
		text_add_number(t, (uint32_t)ifindex);
	}
}

static void inet_print(struct text *t, const void *sa, size_t len)
{
	char ip[INET_ADDRSTRLEN] = "";
	struct sockaddr_in sin;

	(void)len;
	memcpy(&sin, sa, sizeof(sin));
	inet_ntop(AF_INET, &sin.sin_addr, ip, sizeof(ip));
	text_add(t, ip);
	text_add(t, ":");
	text_add_number(t, ntohs(sin.sin_port));
}

static void inet6_print(struct text *t, const void *sa, size_t len)
{
	char ip[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 sin6;

	(void)len;
	memcpy(&sin6, sa, sizeof(sin6));
	inet_ntop(AF_INET6, &sin6.sin6_addr, ip, sizeof(ip));
	text_add(t, "[");
	text_add(t, ip);
	if (sin6.sin6_scope_id) {
		text_add(t, "%");
		text_add_number(t, sin6.sin6_scope_id);
	}
	text_add(t, "]:");
	text_add_number(t, ntohs(sin6.sin6_port));
}

static void un_print(struct text *t, const void *sa, size_t len)
{
	const char *path = (const char *)sa + offsetof(struct sockaddr_un, sun_path);
	size_t n = len - offsetof(struct sockaddr_un, sun_path);

	text_add(t, "unix:");
	if (n && path[0] == '\0') {
		text_add(t, "@");
		text_add_escaped(t, path + 1, n - 1);
	} else {
		text_add_escaped(t, path, strnlen(path, n));
	}
}

static void packet_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_ll sll;

	(void)len;
	memcpy(&sll, sa, sizeof(sll));
	text_add(t, "packet:");
	text_add_interface(t, sll.sll_ifindex);
}

static void netlink_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_nl snl;
	char groups[16];

	(void)len;
	memcpy(&snl, sa, sizeof(snl));
	text_add(t, "netlink:");
	text_add_number(t, snl.nl_pid);
	if (!snl.nl_groups)
		return;
	snprintf(groups, sizeof(groups), ":%#x", snl.nl_groups);
	text_add(t, groups);
}

/* By its length, as addr_fit() leaves it. */
static void can_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_can can;

	memcpy(&can, sa, sizeof(can));
	text_add(t, "can:");
	text_add_interface(t, can.can_ifindex);
	if (len >= sizeof(can)) {
		if (can.can_addr.j1939.name != J1939_NO_NAME)
			text_add_field(t, ":name=", can.can_addr.j1939.name);
		if (can.can_addr.j1939.pgn != J1939_NO_PGN)
			text_add_field(t, ":pgn=", can.can_addr.j1939.pgn);
		if (can.can_addr.j1939.addr != J1939_NO_ADDR)
			text_add_field(t, ":addr=", can.can_addr.j1939.addr);
	} else if (len >= offsetof(struct sockaddr_can, can_addr.j1939.pgn)) {
		text_add_field(t, ":rx=", can.can_addr.tp.rx_id);
		text_add_field(t, ":tx=", can.can_addr.tp.tx_id);
	}
}

static void vsock_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_vm svm;

	(void)len;
	memcpy(&svm, sa, sizeof(svm));
	text_add_pair(t, "vsock:", svm.svm_cid, svm.svm_port);
}

static void tipc_print_one(struct text *t, const struct sockaddr_tipc *sa)
{
	switch (sa->addrtype) {
	case TIPC_SOCKET_ADDR:
		text_add_pair(t, "id:", sa->addr.id.node, sa->addr.id.ref);
		break;
	case TIPC_SERVICE_ADDR:
		text_add_pair(t, "name:", sa->addr.name.name.type, sa->addr.name.name.instance);
		if (sa->addr.name.domain)
			text_add_field(t, ":domain=", sa->addr.name.domain);
		break;
	case TIPC_SERVICE_RANGE:
		text_add_pair(t, "range:", sa->addr.nameseq.type, sa->addr.nameseq.lower);
		text_add(t, "-");
		text_add_number(t, sa->addr.nameseq.upper);
		break;
	default:
		text_add(t, "malformed");
	}
}

/* The scope is left out: where a service is seen from is not who it is. But the
 * negative ones take away what was bound. */
static void tipc_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_tipc pair[2];

	memcpy(pair, sa, sizeof(pair));
	text_add(t, pair[0].scope < 0 ? "tipc:-" : "tipc:");
	tipc_print_one(t, &pair[0]);
	if (len < sizeof(pair))
		return;
	text_add(t, "/");
	tipc_print_one(t, &pair[1]);
}

static void bdaddr_print(struct text *t, const bdaddr_t *in)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%02x:%02x:%02x:%02x:%02x:%02x", in->b[5], in->b[4],
		 in->b[3], in->b[2], in->b[1], in->b[0]);
	text_add(t, digits);
}

static void l2cap_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_l2 l2;

	(void)len;
	memcpy(&l2, sa, sizeof(l2));
	text_add(t, "l2cap:");
	bdaddr_print(t, &l2.l2_bdaddr);
	text_add(t, ":");
	text_add_number(t, le16toh(l2.l2_psm));
	if (l2.l2_cid)
		text_add_field(t, ":cid=", le16toh(l2.l2_cid));
	if (l2.l2_bdaddr_type)
		text_add_field(t, ":type=", l2.l2_bdaddr_type);
}

static void rfcomm_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_rc rc;

	(void)len;
	memcpy(&rc, sa, sizeof(rc));
	text_add(t, "rfcomm:");
	bdaddr_print(t, &rc.rc_bdaddr);
	text_add(t, ":");
	text_add_number(t, rc.rc_channel);
}

static void hci_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_hci hci;

	(void)len;
	memcpy(&hci, sa, sizeof(hci));
	text_add(t, "hci:");
	if (hci.hci_dev == HCI_DEV_NONE)
		text_add(t, "none");
	else
		text_add_number(t, hci.hci_dev);
	text_add(t, ":");
	text_add_number(t, hci.hci_channel);
}

static void sco_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_sco sco;

	(void)len;
	memcpy(&sco, sa, sizeof(sco));
	text_add(t, "sco:");
	bdaddr_print(t, &sco.sco_bdaddr);
}

/* Its protocols' addresses are told apart by their lengths: see addr.c. */
static void bluetooth_print(struct text *t, const void *sa, size_t len)
{
	if (len > offsetof(struct sockaddr_l2, l2_cid))
		l2cap_print(t, sa, len);
	else if (len > sizeof(struct sockaddr_sco))
		rfcomm_print(t, sa, len);
	else if (len == sizeof(struct sockaddr_sco))
		sco_print(t, sa, len);
	else
		hci_print(t, sa, len);
}

static void alg_print(struct text *t, const void *sa, size_t len)
{
	const char *name = (const char *)sa + offsetof(struct sockaddr_alg, salg_name);
	const char *type = (const char *)sa + offsetof(struct sockaddr_alg, salg_type);

	text_add(t, "alg:");
	text_add_escaped(t, type, strnlen(type, sizeof(((struct sockaddr_alg *)NULL)->salg_type)));
	text_add(t, ":");
	text_add_escaped(t, name, strnlen(name, len - offsetof(struct sockaddr_alg, salg_name)));
}

static void qipcrtr_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_qrtr sq;

	(void)len;
	memcpy(&sq, sa, sizeof(sq));
	text_add_pair(t, "qipcrtr:", sq.sq_node, sq.sq_port);
}

static void unspec_print(struct text *t, const void *sa, size_t len)
{
	(void)sa;
	(void)len;
	text_add(t, "unspec");
}

static const struct printer {
	int family;
	size_t length_min;
	void (*print)(struct text *t, const void *sa, size_t len);
} printers[] = {
	{ AF_UNSPEC, sizeof(sa_family_t), unspec_print },
	{ AF_INET, sizeof(struct sockaddr_in), inet_print },
	{ AF_INET6, 24, inet6_print },
	{ AF_UNIX, offsetof(struct sockaddr_un, sun_path), un_print },
	{ AF_PACKET, offsetof(struct sockaddr_ll, sll_addr), packet_print },
	{ AF_NETLINK, sizeof(struct sockaddr_nl), netlink_print },
	{ AF_CAN, offsetof(struct sockaddr_can, can_addr), can_print },
	{ AF_VSOCK, sizeof(struct sockaddr_vm), vsock_print },
	{ AF_TIPC, sizeof(struct sockaddr_tipc), tipc_print },
	{ AF_BLUETOOTH, offsetof(struct sockaddr_hci, hci_channel), bluetooth_print },
	{ AF_ALG, offsetof(struct sockaddr_alg, salg_name), alg_print },
	{ AF_QIPCRTR, sizeof(struct sockaddr_qrtr), qipcrtr_print },
};

static void family_print(struct text *t, const void *copy, size_t len)
{
	sa_family_t family;

	memcpy(&family, copy, sizeof(family));
	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		if (printers[i].family != family)
			continue;
		if (len < printers[i].length_min)
			text_add(t, "malformed");
		else
			printers[i].print(t, copy, len);
		return;
	}
	text_add(t, "family:");
	text_add_number(t, family);
}

const char *addr_print(const struct sockaddr *sa, socklen_t len, char *text, size_t size)
{
	uint8_t copy[sizeof(struct sockaddr_storage)] = { 0 };
	struct text t = { .at = text, .room = size };

	if (size)
		text[0] = '\0';
	if (!sa || len == 0) {
		text_add(&t, "none");
	} else if (len < sizeof(sa_family_t) || len > sizeof(copy)) {
		text_add(&t, "malformed");
	} else {
		memcpy(copy, sa, len);
		family_print(&t, copy, len);
	}
	return text;
}
