/* SPDX-License-Identifier: Apache-2.0 */
/* domain_packet.c - packet and CAN sockets: whose addresses are interfaces. What
 * stands beside the interface in a CAN address (identifiers, J1939's names) reaches
 * no further than that bus. */
#include <linux/can.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

static const struct name packet_protocols[] = {
	{ "none", 0 },        { "all", 0x0003 },   { "can", 0x000c },
	{ "ip", 0x0800 },     { "arp", 0x0806 },   { "rarp", 0x8035 },
	{ "vlan", 0x8100 },   { "ipv6", 0x86dd },  { "slow", 0x8809 },
	{ "mpls", 0x8847 },   { "pppoe_discovery", 0x8863 }, { "pppoe_session", 0x8864 },
	{ "eapol", 0x888e },  { "ethercat", 0x88a4 }, { "8021ad", 0x88a8 },
	{ "lldp", 0x88cc },   { "macsec", 0x88e5 }, { "ptp", 0x88f7 },
};

static const struct name can_protocols[] = {
	{ "raw", 1 },   { "bcm", 2 },   { "tp16", 3 },  { "tp20", 4 },
	{ "mcnet", 5 }, { "isotp", 6 }, { "j1939", 7 },
};

static bool packet_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_ll ll;

	if (in->addr.len < offsetof(struct sockaddr_ll, sll_hatype) ||
	    in->addr.ss.ss_family != AF_PACKET)
		return false;
	memcpy(&ll, &in->addr.ss, sizeof(ll));
	return interface_matches(r, ll.sll_ifindex);
}

static bool can_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_can can;

	if (in->addr.len < offsetof(struct sockaddr_can, can_addr) ||
	    in->addr.ss.ss_family != AF_CAN)
		return false;
	memcpy(&can, &in->addr.ss, sizeof(can));
	return interface_matches(r, can.can_ifindex);
}

static uint32_t packet_lends(enum action action, int type)
{
	(void)type;
	return action == ACTION_SOCKET ? LEND_NET_RAW : 0;
}

/* ---- words ------------------------------------------------------------- */

static bool packet_parse(char *text, struct intent *in)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };

	if (!interface_parse(skip_prefix(text, "packet:"), &ll.sll_ifindex))
		return false;
	address_set(&in->addr, &ll, sizeof(ll));
	return true;
}

/* "can:can0:pgn=0x1f000": what is behind the interface does not matter here. */
static bool can_parse(char *text, struct intent *in)
{
	struct sockaddr_can can = { .can_family = AF_CAN };
	const char *begin = skip_prefix(text, "can:");
	size_t n = strcspn(begin, ":");
	char name[24] = "";

	if (n >= sizeof(name))
		return false;
	memcpy(name, begin, n);
	if (!interface_parse(name, &can.can_ifindex))
		return false;
	address_set(&in->addr, &can, offsetof(struct sockaddr_can, can_addr));
	return true;
}

#define NAMES(table) { table, sizeof(table) / sizeof(table[0]) }

/* A packet socket hears its interfaces from the moment that it is there. */
const struct domain_row domain_packet = {
	.families = { AF_PACKET },
	.protocols = NAMES(packet_protocols),
	.has_protocols = true,
	.local = packet_address,
	.remote = packet_address,
	.keys = { { KEY_INTERFACE, MAY_LOCAL | MAY_REMOTE | 1 << ACTION_SOCKET, USE_REQUIRED, NULL },
		  { KEY_INTERFACE, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows } },
	.lends = packet_lends,
	.parse = packet_parse,
	.example = "the name of an interface that is there, or any",
};

const struct domain_row domain_can = {
	.families = { AF_CAN },
	.protocols = NAMES(can_protocols),
	.has_protocols = true,
	.local = can_address,
	.remote = can_address,
	.keys = { { KEY_INTERFACE, MAY_LOCAL | MAY_REMOTE, USE_REQUIRED, NULL },
		  { KEY_INTERFACE, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows } },
	.parse = can_parse,
	.example = "the name of an interface that is there, or any",
};
