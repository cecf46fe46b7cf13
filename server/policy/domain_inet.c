/* SPDX-License-Identifier: Apache-2.0 */
/* domain_inet.c - internet sockets, and the families whose addresses are internet
 * addresses too: RDS and SMC. What an address means is in place.c, whether a rule
 * covers it in match_inet.c. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/host.h"
#include "policy/match.h"
#include "policy/words.h"

static const struct name protocols[] = {
	{ "default", 0 }, { "icmp", 1 },  { "igmp", 2 },     { "ipip", 4 },
	{ "tcp", 6 },     { "udp", 17 },  { "dccp", 33 },    { "ipv6", 41 },
	{ "rsvp", 46 },   { "gre", 47 },  { "esp", 50 },     { "ah", 51 },
	{ "icmpv6", 58 }, { "ospf", 89 }, { "pim", 103 },    { "vrrp", 112 },
	{ "l2tp", 115 },  { "sctp", 132 }, { "udplite", 136 }, { "raw", 255 },
	{ "mptcp", 262 },
};

/* ---- rules ------------------------------------------------------------- */

/* Does any of its sockets have ports? */
static bool rule_has_ports(const struct rule *rule)
{
	bool pings_only = !rule->protocols.any;

	if (rule->domain != DOMAIN_INET)
		return true;
	for (size_t i = 0; i < rule->protocols.n; i++)
		pings_only = pings_only && (rule->protocols.at[i].first == IPPROTO_ICMP ||
					    rule->protocols.at[i].first == IPPROTO_ICMPV6);
	return !pings_only && (rule->any_type || (rule->types & ~(1u << SOCK_RAW)) != 0);
}

static bool rule_allows_ports(const struct rule *rule)
{
	return rule_allows(rule) && rule_has_ports(rule);
}

static uint32_t inet_lends(enum action action, int type)
{
	if (action == ACTION_SOCKET)
		return type == SOCK_RAW ? LEND_NET_RAW : 0;
	return action == ACTION_BIND ? LEND_NET_BIND_SERVICE : 0;
}

/* ---- words ------------------------------------------------------------- */

/* "HOST:PORT" in two; the port may be missing. */
static bool host_split(const char *text, char *host, size_t size, in_port_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	unsigned long long port = 0;
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= size || (colon && !number_parse(colon + 1, 65535, &port)))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*ret_port = htons((in_port_t)port);
	return true;
}

static bool inet4_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN];

	if (!host_split(text, host, sizeof(host), &in.sin_port) ||
	    inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return false;
	address_set(ret, &in, sizeof(in));
	return true;
}

static bool scope_parse(const char *text, uint32_t *ret)
{
	unsigned long long number;

	*ret = if_nametoindex(text);
	if (!*ret && number_parse(text, UINT32_MAX, &number))
		*ret = (uint32_t)number;
	return *ret != 0;
}

static bool inet6_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 4], *end, *scope;

	if (text[0] != '[') { /* without brackets there is no port; or it is IPv4 */
		if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
			return inet4_parse(text, ret);
		address_set(ret, &in6, sizeof(in6));
		return true;
	}
	end = strrchr(text, ']');
	if (!end || (end[1] && end[1] != ':') || (size_t)(end - text) > sizeof(host) - 1)
		return false;
	if (end[1] && !host_split(end, host, sizeof(host), &in6.sin6_port))
		return false;
	memcpy(host, text + 1, (size_t)(end - text - 1));
	host[end - text - 1] = '\0';
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	if (scope && !scope_parse(scope, &in6.sin6_scope_id))
		return false;
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return false;
	address_set(ret, &in6, sizeof(in6));
	return true;
}

/* "www.example.org:443". Only to explain a policy: it stands for an address of
 * documentation, which nobody's rule needs to name. */
static bool host_parse(char *text, struct intent *in)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	char *colon = strrchr(text, ':'), host[HOST_BYTES];
	unsigned long long port = 0;

	if (!colon || !number_parse(colon + 1, 65535, &port))
		return false;
	*colon = '\0';
	if (strspn(text, "0123456789.") == strlen(text) || !host_normalize(text, host)) {
		*colon = ':';
		return false;
	}
	in->host = text;
	in4.sin_port = in6.sin6_port = htons((in_port_t)port);
	inet_pton(AF_INET, "192.0.2.1", &in4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
	if (in->family == AF_INET6)
		address_set(&in->addr, &in6, sizeof(in6));
	else
		address_set(&in->addr, &in4, sizeof(in4));
	return true;
}

static bool inet_parse(char *text, struct intent *in)
{
	if (in->family == AF_INET ? inet4_parse(text, &in->addr) : inet6_parse(text, &in->addr))
		return true;
	return (MAY_REMOTE >> in->action & 1) && host_parse(text, in);
}

#define KEYS { { KEY_TO, MAY_REMOTE, USE_REQUIRED, NULL },              \
	       { KEY_TO_PORTS, MAY_REMOTE, USE_REQUIRED, rule_has_ports }, \
	       { KEY_FROM, MAY_LOCAL, USE_REQUIRED, NULL },             \
	       { KEY_FROM_PORTS, MAY_LOCAL, USE_REQUIRED, rule_has_ports }, \
	       { KEY_TO, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows }, \
	       { KEY_TO_PORTS, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows_ports } }

const struct domain_row domain_inet = {
	.families = { AF_INET, AF_INET6 },
	.protocols = { protocols, sizeof(protocols) / sizeof(protocols[0]) },
	.has_protocols = true,
	.local = inet_local,
	.remote = inet_remote,
	.keys = KEYS,
	.port_last = UINT16_MAX,
	.lends = inet_lends,
	.parse = inet_parse,
	.example = "127.0.0.1:80 or [::1]:80",
};

/* Its ports are RDS's own, and none needs a capability. */
const struct domain_row domain_rds = {
	.families = { AF_RDS },
	.local = inet_local,
	.remote = inet_remote,
	.keys = KEYS,
	.port_last = UINT16_MAX,
	.parse = inet_parse,
	.example = "192.0.2.1:4000",
};

static const struct name smc_protocols[] = { { "smc", 0 }, { "smc6", 1 } };

/* TCP, where the peer or the network does not know better. */
const struct domain_row domain_smc = {
	.families = { AF_SMC },
	.protocols = { smc_protocols, 2 },
	.has_protocols = true,
	.local = inet_local,
	.remote = inet_remote,
	.keys = KEYS,
	.port_last = UINT16_MAX,
	.lends = inet_lends,
	.parse = inet_parse,
	.example = "192.0.2.1:80",
};
