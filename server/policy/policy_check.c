/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keys of a rule say together.
 *
 * Whatever a rule grants must be bounded by the keys that bound it: a key left
 * out never means "any". And a key that bounds nothing is an error too: its
 * author believes in a bound that is not there.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/reader.h"

enum use { USE_NONE, USE_ALLOWED, USE_REQUIRED };

enum {
	MAY_LOCAL = 1 << ACTION_BIND | 1 << ACTION_LISTEN,
	MAY_REMOTE = 1 << ACTION_CONNECT | 1 << ACTION_SEND,
	MAY_SOCKETS = MAY_LOCAL | MAY_REMOTE | 1 << ACTION_SOCKET | 1 << ACTION_OPTION |
		      1 << ACTION_IOCTL,
};

/* What to write when it is missing, and when it has a use. */
static const struct { const char *example, *when; } hints[KEY_COUNT] = {
	[KEY_NAME] = { "name: ping", "" },
	[KEY_WHO] = { "who: { user: NAME }", "" },
	[KEY_MAY] = { "may: [socket, connect]", "" },
	[KEY_LENDS] = { "", "a rule that allows something to do with sockets, or sethostname" },
	[KEY_FAMILY] = { "family: inet", "a rule about sockets" },
	[KEY_TYPE] = { "type: stream", "a rule about sockets" },
	[KEY_PROTOCOL] = { "protocol: tcp", "a rule about sockets" },
	[KEY_NAMES] = { "names: [\"*.example.org\"]",
			"a rule that may resolve, or whose `to` has resolved" },
	[KEY_ADDRESSES] = { "", "a rule that may resolve" },
	[KEY_GRANT_FOR] = { "", "a rule whose `to` has resolved" },
	[KEY_TO] = { "to: [192.0.2.0/24]", "a rule for inet that may connect or send" },
	[KEY_TO_PORTS] = { "to_ports: [443]",
			   "a rule for sockets with ports that may connect or send" },
	[KEY_TO_CIDS] = { "to_cids: [host]", "a rule for vsock that may connect or send" },
	[KEY_FROM] = { "from: [127.0.0.1]", "a rule for inet that may bind or listen" },
	[KEY_FROM_PORTS] = { "from_ports: [8080]",
			     "a rule for sockets with ports that may bind or listen" },
	[KEY_FROM_CIDS] = { "from_cids: [wildcard]", "a rule for vsock that may bind or listen" },
	[KEY_INTERFACE] = { "interface: [eth0]", "a rule for packet, can, or an option or ioctl that "
						 "reaches an interface" },
	[KEY_UNIX] = { "unix: { paths: [/run/app/socket] }",
		       "a rule for unix that may bind, listen, connect or send" },
	[KEY_NETLINK_TO] = { "", "a rule for netlink that may connect or send" },
	[KEY_NETLINK_GROUPS] = { "netlink_groups: [1]",
				 "a rule for netlink that may bind or join groups" },
	[KEY_OPTIONS] = { "options: [SO_BINDTODEVICE]", "a rule whose `may` has option" },
	[KEY_IOCTLS] = { "ioctls: [SIOCGIFINDEX]", "a rule whose `may` has ioctl" },
	[KEY_MARKS] = { "marks: [1]", "a rule whose `options` have SO_MARK" },
	[KEY_LIMITS] = { "", "a rule that allows" },
};

/* Does any of its sockets have ports? Raw ones and pings don't. */
static bool rule_has_ports(const struct rule *rule)
{
	bool pings_only = !rule->protocols.any;

	if (rule->domain == DOMAIN_VSOCK)
		return true;
	if (rule->domain != DOMAIN_INET)
		return false;
	for (size_t i = 0; i < rule->protocols.n; i++)
		pings_only = pings_only && (rule->protocols.at[i].first == IPPROTO_ICMP ||
					    rule->protocols.at[i].first == IPPROTO_ICMPV6);
	return !pings_only && (rule->any_type || (rule->types & ~(1u << SOCK_RAW)) != 0);
}

static bool has_option(const struct rule *rule, bool (*is)(int level, int name))
{
	for (size_t i = 0; i < rule->n_options; i++)
		if (is(rule->options[i].level, rule->options[i].name))
			return true;
	return false;
}

static bool has_interface_ioctl(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_ioctls; i++)
		if (ioctl_reaches_interface(rule->ioctls[i]))
			return true;
	return false;
}

static enum use require(bool condition)
{
	return condition ? USE_REQUIRED : USE_NONE;
}

static enum use allow(bool condition)
{
	return condition ? USE_ALLOWED : USE_NONE;
}

static enum use interface_use(const struct rule *rule)
{
	uint32_t can = MAY_LOCAL | MAY_REMOTE, packet = can | 1 << ACTION_SOCKET;

	return require((rule->domain == DOMAIN_PACKET && rule->may & packet) ||
		       (rule->domain == DOMAIN_CAN && rule->may & can) ||
		       has_option(rule, option_reaches_interface) || has_interface_ioctl(rule));
}

/* Of a rule that is about sockets. */
static enum use socket_key_use(const struct rule *rule, enum rule_key key)
{
	enum domain domain = rule->domain;
	bool local = rule->may & MAY_LOCAL, remote = rule->may & MAY_REMOTE;

	switch (key) {
	case KEY_FAMILY:
	case KEY_TYPE:
		return USE_REQUIRED;
	case KEY_PROTOCOL:
		return domain == DOMAIN_UNIX || domain == DOMAIN_VSOCK ? USE_ALLOWED : USE_REQUIRED;
	case KEY_TO:
		return require(domain == DOMAIN_INET && remote);
	case KEY_TO_PORTS:
		return require(rule_has_ports(rule) && remote);
	case KEY_TO_CIDS:
		return require(domain == DOMAIN_VSOCK && remote);
	case KEY_FROM:
		return require(domain == DOMAIN_INET && local);
	case KEY_FROM_PORTS:
		return require(rule_has_ports(rule) && local);
	case KEY_FROM_CIDS:
		return require(domain == DOMAIN_VSOCK && local);
	case KEY_INTERFACE:
		return interface_use(rule);
	case KEY_UNIX:
		return require(domain == DOMAIN_UNIX && (local || remote));
	case KEY_NETLINK_TO:
		return allow(domain == DOMAIN_NETLINK && remote);
	case KEY_NETLINK_GROUPS:
		return has_option(rule, option_is_netlink_group)
			       ? USE_REQUIRED : allow(domain == DOMAIN_NETLINK && local);
	case KEY_OPTIONS:
		return require(rule->may >> ACTION_OPTION & 1);
	case KEY_IOCTLS:
		return require(rule->may >> ACTION_IOCTL & 1);
	case KEY_MARKS:
		return require(has_option(rule, option_is_mark));
	default:
		return USE_NONE;
	}
}

/* A rule that may resolve says names, or addresses, or both. */
static enum use names_use(const struct rule *rule)
{
	bool resolve = rule->may >> ACTION_RESOLVE & 1 && !rule->everything;
	bool addresses = rule->addresses.any || rule->addresses.n > 0;

	if (rule->to.resolved || (resolve && !addresses))
		return USE_REQUIRED;
	return allow(resolve);
}

static enum use key_use(const struct rule *rule, enum rule_key key, bool limits)
{
	switch (key) {
	case KEY_NAME:
	case KEY_WHO:
		return USE_REQUIRED;
	case KEY_VERDICT:
		return USE_ALLOWED;
	case KEY_MAY: /* a rule may be there for its limits alone */
		return limits && !rule->deny ? USE_ALLOWED : USE_REQUIRED;
	case KEY_LIMITS:
		return allow(!rule->deny);
	case KEY_LENDS:
		return allow(!rule->deny && rule->may & (MAY_SOCKETS | 1 << ACTION_SETHOSTNAME));
	case KEY_NAMES:
		return names_use(rule);
	case KEY_ADDRESSES:
		return allow(rule->may >> ACTION_RESOLVE & 1 && !rule->everything);
	case KEY_GRANT_FOR:
		return allow(rule->to.resolved);
	default:
		return rule->may & MAY_SOCKETS && !rule->everything ? socket_key_use(rule, key)
								    : USE_NONE;
	}
}

static bool lend_is_useful(const struct rule *rule, uint32_t lend)
{
	uint32_t types = rule->any_type ? ~(1u << SOCK_RAW) : rule->types;
	bool low_port = rule->domain == DOMAIN_VSOCK && rule->from_ports.n > 0;

	if (lend == LEND_SYS_ADMIN)
		return rule->may >> ACTION_SETHOSTNAME & 1;
	for (size_t i = 0; i < rule->from_ports.n; i++)
		low_port = low_port || rule->from_ports.at[i].first < 1024;
	if (lend == LEND_NET_BIND_SERVICE && !low_port)
		return false;
	for (int a = 0; a < ACTION_COUNT; a++)
		for (int type = 1; type < 16; type++)
			if ((rule->may >> a & 1) && (types >> type & 1) &&
			    action_lends((enum action)a, rule->domain, type) & lend)
				return true;
	return false;
}

static int lends_check(struct reader *r, const struct rule *rule, const struct slot *slot)
{
	static const uint32_t lends[] = { LEND_NET_RAW, LEND_NET_ADMIN, LEND_NET_BIND_SERVICE,
					  LEND_SYS_ADMIN };

	for (size_t i = 0; i < sizeof(lends) / sizeof(lends[0]); i++)
		if (rule->lends & lends[i] && !lend_is_useful(rule, lends[i]))
			return complain(r, slot->value, "nothing that rule '%s' may do can use %s; remove it",
					rule->name, capability_name(lends[i]));
	return 0;
}

/* An IPv6 range under `family: inet` would never be looked at. The other way
 * round is right: IPv6 sockets reach IPv4 by mapped addresses. */
static int versions_check(struct reader *r, const struct rule *rule, const struct slot *slots)
{
	bool inet_only = rule->n_families == 1 && rule->families[0] == AF_INET;

	for (size_t i = 0; inet_only && i < rule->to.n; i++)
		if (!rule->to.at[i].base.v4)
			return complain(r, slots[KEY_TO].value, "an IPv6 address, but the rule is for inet "
					"alone; write family: [inet, inet6], or remove it");
	for (size_t i = 0; inet_only && i < rule->from.n; i++)
		if (!rule->from.at[i].base.v4 && rule->from.at[i].bits != 128)
			return complain(r, slots[KEY_FROM].value, "an IPv6 address, but the rule is for inet "
					"alone; write family: [inet, inet6], or remove it");
	return 0;
}

int rule_check(struct reader *r, const struct node *node, const struct rule *rule,
	       const struct slot slots[KEY_COUNT])
{
	const char *name = rule->name ? rule->name : "?";
	int error;

	for (enum rule_key k = 0; k < KEY_COUNT; k++) {
		enum use use = key_use(rule, k, slots[KEY_LIMITS].value != NULL);

		if (use == USE_NONE && slots[k].key && rule->deny &&
		    (rule->everything || k == KEY_LENDS || k == KEY_LIMITS))
			return complain(r, slots[k].key, "'%s' has no use in a rule that denies%s; remove it",
					rule_keys[k], rule->everything ? " everything" : "");
		if (use == USE_NONE && slots[k].key)
			return complain(r, slots[k].key, "'%s' has no use here, only in %s; remove it",
					rule_keys[k], hints[k].when);
		if (use == USE_REQUIRED && !slots[k].value)
			return complain(r, node, "rule '%s' lacks the key '%s'; add it, for example `%s`%s",
					name, rule_keys[k], hints[k].example,
					k == KEY_TO || k == KEY_TO_PORTS || k == KEY_FROM ||
							k == KEY_FROM_PORTS || k == KEY_INTERFACE ||
							k == KEY_NAMES
						? ", or say any" : "");
	}
	if (rule->domain == DOMAIN_OTHER && rule->n_families &&
	    rule->may & (MAY_LOCAL | MAY_REMOTE))
		return complain(r, slots[KEY_MAY].value, "addresses of a family that has only a number "
				"are not understood; leave bind, listen, connect and send out");
	if (!rule->deny && rule->may >> ACTION_SETHOSTNAME & 1 && !(rule->lends & LEND_SYS_ADMIN))
		return complain(r, slots[KEY_MAY].value, "sethostname can do nothing without it; add "
				"`lends: [CAP_SYS_ADMIN]`");
	error = lends_check(r, rule, &slots[KEY_LENDS]);
	return error ? error : versions_check(r, rule, slots);
}
