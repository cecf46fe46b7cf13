/* SPDX-License-Identifier: Apache-2.0 */
/* domain_netlink.c - netlink sockets: peers and multicast groups. */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

static const struct name protocols[] = {
	{ "route", 0 },       { "usersock", 2 },   { "sock_diag", 4 },
	{ "nflog", 5 },       { "xfrm", 6 },       { "selinux", 7 },
	{ "iscsi", 8 },       { "audit", 9 },      { "fib_lookup", 10 },
	{ "connector", 11 },  { "netfilter", 12 }, { "kobject_uevent", 15 },
	{ "generic", 16 },    { "scsitransport", 18 }, { "ecryptfs", 19 },
	{ "rdma", 20 },       { "crypto", 21 },    { "smc", 22 },
};

static bool groups_covered(const struct rule *r, uint32_t mask)
{
	for (uint32_t group = 1; group <= 32; group++) {
		bool asked = mask >> (group - 1) & 1;
		bool covered = r->netlink_groups.any || ranges_hold(&r->netlink_groups, group);

		if (asked && covered == r->deny)
			return covered;
	}
	return !r->deny || (mask == 0 && r->netlink_groups.any);
}

static bool netlink_read(const struct intent *in, struct sockaddr_nl *ret)
{
	if (in->addr.len < sizeof(*ret) || in->addr.ss.ss_family != AF_NETLINK)
		return false;
	memcpy(ret, &in->addr.ss, sizeof(*ret));
	return true;
}

static bool netlink_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_nl nl;

	return netlink_read(in, &nl) && groups_covered(r, nl.nl_groups);
}

/* Port 0 is the kernel; a group is heard by processes, so it counts as one. */
static bool netlink_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_nl nl;

	if (!netlink_read(in, &nl))
		return false;
	if (r->netlink_to.any)
		return true;
	if (nl.nl_groups != 0)
		return r->deny && r->netlink_to.n > 0;
	return ranges_hold(&r->netlink_to, nl.nl_pid);
}

/* ---- rules ------------------------------------------------------------- */

int netlink_to_read(struct reader *r, const struct node *node, struct rule *rule)
{
	static const struct name peers[] = { { "kernel", 0 } };

	return named_numbers_read(r, node, "netlink port", (struct names){ peers, 1 }, UINT32_MAX,
				  &rule->netlink_to);
}

int netlink_groups_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return ranges_read(r, node, "group", UINT16_MAX, &rule->netlink_groups.any, NULL,
			   &rule->netlink_groups);
}

static int netlink_defaults(struct reader *r, const struct node *node, struct rule *rule,
			    const struct slot *slots)
{
	if (!slots[KEY_NETLINK_TO].value) {
		rule->netlink_to.at = reader_alloc(r, node, sizeof(struct range));
		if (!rule->netlink_to.at)
			return -EINVAL;
		range_add(&rule->netlink_to, 0, 0);
		rule->netlink_to.any = rule->deny;
	}
	if (!slots[KEY_NETLINK_GROUPS].value)
		rule->netlink_groups.any = rule->deny;
	return 0;
}

/* The kernel asks before it takes a group as the peer, too. */
static uint32_t netlink_lends(enum action action, int type)
{
	(void)type;
	return 1 << action & (1 << ACTION_SOCKET | 1 << ACTION_BIND | MAY_REMOTE) ? LEND_NET_ADMIN : 0;
}

static bool netlink_parse(char *text, struct intent *in)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	if (!pair_parse(skip_prefix(text, "netlink:"), &nl.nl_pid, &nl.nl_groups))
		return false;
	address_set(&in->addr, &nl, sizeof(nl));
	return true;
}

const struct domain_row domain_netlink = {
	.families = { AF_NETLINK },
	.protocols = { protocols, sizeof(protocols) / sizeof(protocols[0]) },
	.has_protocols = true,
	.local = netlink_local,
	.remote = netlink_remote,
	.keys = { { KEY_NETLINK_TO, MAY_REMOTE, USE_ALLOWED, NULL },
		  { KEY_NETLINK_GROUPS, MAY_LOCAL, USE_ALLOWED, NULL } },
	.set_defaults = netlink_defaults,
	.lends = netlink_lends,
	.parse = netlink_parse,
	.example = "0 or PORT:GROUPS",
};
