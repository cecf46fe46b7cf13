/* SPDX-License-Identifier: Apache-2.0 */
/* reach.c - which calls use which capability, and which options reach beyond
 * the socket to an interface, a mark, a group. */
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/domain.h"
#include "wire/ioctls.h"


uint32_t action_lends(enum action action, enum domain domain, int type)
{
	const struct domain_row *row = domain_row(domain);

	if (action == ACTION_SETHOSTNAME)
		return LEND_SYS_ADMIN;
	if (action == ACTION_OPTION || action == ACTION_IOCTL)
		return LEND_NET_ADMIN | LEND_NET_RAW;
	return row->lends ? row->lends(action, type) : 0;
}

uint32_t rule_lends(const struct rule *r, enum action action, int type)
{
	uint32_t uses = action_lends(action, r->domain, type);

	if (action == ACTION_DIRECT)
		uses = (r->sets.has_mark ? LEND_NET_ADMIN : 0) | (r->sets.device[0] ? LEND_NET_RAW : 0);
	return r->lends & uses;
}

bool option_reaches_interface(int level, int name)
{
	static const struct option_name rows[] = {
		{ SOL_SOCKET, SO_BINDTODEVICE },
		{ SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */ },
		{ IPPROTO_IP, IP_MULTICAST_IF },
		{ IPPROTO_IP, IP_UNICAST_IF },
		{ IPPROTO_IP, IP_ADD_MEMBERSHIP },
		{ IPPROTO_IP, IP_DROP_MEMBERSHIP },
		{ IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP },
		{ IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP },
		{ IPPROTO_IP, MCAST_JOIN_GROUP },
		{ IPPROTO_IP, MCAST_LEAVE_GROUP },
		{ IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP },
		{ IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP },
		{ IPPROTO_IPV6, IPV6_MULTICAST_IF },
		{ IPPROTO_IPV6, 76 /* IPV6_UNICAST_IF */ },
		{ IPPROTO_IPV6, IPV6_JOIN_GROUP },
		{ IPPROTO_IPV6, IPV6_LEAVE_GROUP },
		{ IPPROTO_IPV6, IPV6_JOIN_ANYCAST },
		{ IPPROTO_IPV6, IPV6_LEAVE_ANYCAST },
		{ IPPROTO_IPV6, MCAST_JOIN_GROUP },
		{ IPPROTO_IPV6, MCAST_LEAVE_GROUP },
		{ IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP },
		{ IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP },
		{ SOL_PACKET, PACKET_ADD_MEMBERSHIP },
		{ SOL_PACKET, PACKET_DROP_MEMBERSHIP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].name == name)
			return true;
	return false;
}

/* What only asks, SIOCGIF*, reaches nothing; who receives all that an interface
 * does (SIO_RCVALL) reaches far. */
bool ioctl_reaches_interface(unsigned long request)
{
	const struct ioctl_row *row = ioctl_find(request);

	if (request == SIO_RCVALL)
		return true;
	return row && strncmp(row->text, "SIOCSIF", 7) == 0;
}

bool option_is_netlink_group(int level, int name)
{
	return level == SOL_NETLINK &&
	       (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP);
}

bool option_is_mark(int level, int name)
{
	return level == SOL_SOCKET && name == SO_MARK;
}
