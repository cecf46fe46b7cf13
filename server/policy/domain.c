/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/domain.h"

#include <string.h>

#include "policy/match.h"

enum { PORT_UNPRIVILEGED = 1024 };

/* Known by its number alone: nobody knows what it asks, so whatever is lent is
 * raised, and no address can be granted. */
static uint32_t other_lends(enum action action, int type)
{
	(void)type;
	return action == ACTION_SOCKET ? LEND_NET_RAW | LEND_NET_ADMIN : 0;
}

const struct domain_row domain_other = { .has_protocols = true, .lends = other_lends };

static const struct domain_row *const rows[DOMAIN_COUNT] = {
	[DOMAIN_INET] = &domain_inet,           [DOMAIN_RDS] = &domain_rds,
	[DOMAIN_SMC] = &domain_smc,             [DOMAIN_UNIX] = &domain_unix,
	[DOMAIN_PACKET] = &domain_packet,       [DOMAIN_CAN] = &domain_can,
	[DOMAIN_NETLINK] = &domain_netlink,     [DOMAIN_VSOCK] = &domain_vsock,
	[DOMAIN_TIPC] = &domain_tipc,           [DOMAIN_BLUETOOTH] = &domain_bluetooth,
	[DOMAIN_ALG] = &domain_alg,             [DOMAIN_QIPCRTR] = &domain_qipcrtr,
	[DOMAIN_OTHER] = &domain_other,
};

const struct domain_row *domain_row(enum domain domain)
{
	return rows[domain];
}

enum domain family_domain(int family)
{
	for (int d = 0; family != 0 && d < DOMAIN_OTHER; d++)
		for (size_t i = 0; i < DOMAIN_FAMILIES; i++)
			if (rows[d]->families[i] == family)
				return (enum domain)d;
	return DOMAIN_OTHER;
}

struct names protocol_names(enum domain domain)
{
	return rows[domain]->protocols;
}

bool address_matches(const struct rule *r, const struct asked *a)
{
	const struct domain_row *row = rows[r->domain];
	bool local = MAY_LOCAL >> a->in->action & 1;
	bool (*matches)(const struct rule *, const struct asked *) = local ? row->local
									   : row->remote;

	return matches && matches(r, a);
}

bool local_port_covered(const struct rule *r, uint32_t port, uint32_t last, enum action action)
{
	const struct ranges *ports = &r->from_ports;

	if (r->deny && port == 0)
		return ports->any || r->ephemeral || ranges_hold(ports, 0) ||
		       ranges_meet(ports, PORT_UNPRIVILEGED, last);
	if (port == 0)
		return ports->any || r->ephemeral || ranges_hold(ports, 0) ||
		       ranges_enclose(ports, PORT_UNPRIVILEGED, last);
	if (ranges_hold(ports, port) || (ports->any && (r->deny || port >= PORT_UNPRIVILEGED)))
		return true;
	/* bound by the kernel's choice, and now to listen there */
	return action == ACTION_LISTEN && r->ephemeral && port >= PORT_UNPRIVILEGED;
}

bool rule_allows(const struct rule *r)
{
	return !r->deny;
}

bool asked_address(const struct asked *a, int family, size_t least, void *ret, size_t size)
{
	const struct sock_addr *addr = &a->in->addr;

	if (addr->len < least || addr->len < sizeof(sa_family_t) || addr->ss.ss_family != family)
		return false;
	memset(ret, 0, size);
	memcpy(ret, &addr->ss, addr->len < size ? addr->len : size);
	return true;
}
