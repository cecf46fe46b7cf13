/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/names.h"

#include <string.h>
#include <sys/socket.h>

static const struct name families[] = {
	{ "inet", AF_INET },     { "inet6", AF_INET6 }, { "unix", AF_UNIX },
	{ "packet", AF_PACKET }, { "netlink", AF_NETLINK }, { "can", AF_CAN },
	{ "vsock", AF_VSOCK },
};

/* SOCK_PACKET is missing on purpose: it names its device by a text in a
 * sockaddr of its own and would escape a rule's `interface`. */
static const struct name types[] = {
	{ "stream", 1 }, { "dgram", 2 }, { "raw", 3 },
	{ "rdm", 4 },    { "seqpacket", 5 }, { "dccp", 6 },
};

static const struct name inet_protocols[] = {
	{ "default", 0 }, { "icmp", 1 },  { "igmp", 2 },     { "ipip", 4 },
	{ "tcp", 6 },     { "udp", 17 },  { "dccp", 33 },    { "ipv6", 41 },
	{ "rsvp", 46 },   { "gre", 47 },  { "esp", 50 },     { "ah", 51 },
	{ "icmpv6", 58 }, { "ospf", 89 }, { "pim", 103 },    { "vrrp", 112 },
	{ "l2tp", 115 },  { "sctp", 132 }, { "udplite", 136 }, { "raw", 255 },
	{ "mptcp", 262 },
};

static const struct name packet_protocols[] = {
	{ "none", 0 },        { "all", 0x0003 },   { "can", 0x000c },
	{ "ip", 0x0800 },     { "arp", 0x0806 },   { "rarp", 0x8035 },
	{ "vlan", 0x8100 },   { "ipv6", 0x86dd },  { "slow", 0x8809 },
	{ "mpls", 0x8847 },   { "pppoe_discovery", 0x8863 }, { "pppoe_session", 0x8864 },
	{ "eapol", 0x888e },  { "ethercat", 0x88a4 }, { "8021ad", 0x88a8 },
	{ "lldp", 0x88cc },   { "macsec", 0x88e5 }, { "ptp", 0x88f7 },
};

static const struct name netlink_protocols[] = {
	{ "route", 0 },       { "usersock", 2 },   { "sock_diag", 4 },
	{ "nflog", 5 },       { "xfrm", 6 },       { "selinux", 7 },
	{ "iscsi", 8 },       { "audit", 9 },      { "fib_lookup", 10 },
	{ "connector", 11 },  { "netfilter", 12 }, { "kobject_uevent", 15 },
	{ "generic", 16 },    { "scsitransport", 18 }, { "ecryptfs", 19 },
	{ "rdma", 20 },       { "crypto", 21 },    { "smc", 22 },
};

static const struct name can_protocols[] = {
	{ "raw", 1 },   { "bcm", 2 },   { "tp16", 3 },  { "tp20", 4 },
	{ "mcnet", 5 }, { "isotp", 6 }, { "j1939", 7 },
};

#define NAMES(table) { table, sizeof(table) / sizeof(table[0]) }

static const struct names protocols[DOMAIN_COUNT] = {
	[DOMAIN_INET] = NAMES(inet_protocols),
	[DOMAIN_PACKET] = NAMES(packet_protocols),
	[DOMAIN_NETLINK] = NAMES(netlink_protocols),
	[DOMAIN_CAN] = NAMES(can_protocols),
};

enum domain family_domain(int family)
{
	static const struct { int family; enum domain domain; } rows[] = {
		{ AF_INET, DOMAIN_INET },     { AF_INET6, DOMAIN_INET },
		{ AF_UNIX, DOMAIN_UNIX },     { AF_PACKET, DOMAIN_PACKET },
		{ AF_NETLINK, DOMAIN_NETLINK }, { AF_CAN, DOMAIN_CAN },
		{ AF_VSOCK, DOMAIN_VSOCK },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].family == family)
			return rows[i].domain;
	return DOMAIN_OTHER;
}

struct names family_names(void)
{
	return (struct names)NAMES(families);
}

struct names type_names(void)
{
	return (struct names)NAMES(types);
}

struct names protocol_names(enum domain domain)
{
	return protocols[domain];
}

const char *name_of(struct names names, int number)
{
	for (size_t i = 0; i < names.n; i++)
		if (names.rows[i].number == number)
			return names.rows[i].text;
	return NULL;
}

bool name_find(struct names names, const char *text, int *ret_number)
{
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.rows[i].text, text) == 0) {
			*ret_number = names.rows[i].number;
			return true;
		}
	}
	return false;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

size_t text_distance(const char *a, const char *b)
{
	enum { LONGEST = 40 };
	size_t row[LONGEST + 1];
	size_t n_a = strnlen(a, LONGEST), n_b = strnlen(b, LONGEST);

	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n_b];
}

const char *name_nearest(struct names names, const char *text)
{
	const char *nearest = NULL;
	size_t distance = 3; /* from here on the two have little to do with each other */

	for (size_t i = 0; i < names.n; i++) {
		size_t d = text_distance(names.rows[i].text, text);

		if (d < distance && d < strlen(text)) {
			distance = d;
			nearest = names.rows[i].text;
		}
	}
	return nearest;
}
