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

#include "policy/domain.h"
#include "policy/match.h"

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
	[KEY_TO] = { "to: [192.0.2.0/24]",
		     "a rule for internet addresses that may connect, send or direct" },
	[KEY_TO_PORTS] = { "to_ports: [443]",
			   "a rule for sockets with ports that may connect, send or direct" },
	[KEY_TO_CIDS] = { "to_cids: [host]", "a rule for vsock that may connect, send or direct" },
	[KEY_FROM] = { "from: [127.0.0.1]", "a rule for internet addresses that may bind or listen" },
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
	[KEY_TIPC] = { "tipc: { services: [1000] }",
		       "a rule for tipc that may bind, connect or send" },
	[KEY_BLUETOOTH] = { "bluetooth: { to: any, psms: [1] }",
			    "a rule for bluetooth that may bind, listen, connect or send" },
	[KEY_ALGORITHMS] = { "algorithms: [hash/sha256]", "a rule for alg that may bind" },
	[KEY_QIPCRTR] = { "qipcrtr: { nodes: [1], ports: [0x4000-0x7fff] }",
			  "a rule for qipcrtr that may bind, connect or send" },
	[KEY_OPTIONS] = { "options: [SO_BINDTODEVICE]", "a rule whose `may` has option" },
	[KEY_IOCTLS] = { "ioctls: [SIOCGIFINDEX]", "a rule whose `may` has ioctl" },
	[KEY_MARKS] = { "marks: [1]", "a rule whose `options` have SO_MARK" },
	[KEY_SETS] = { "", "a rule that allows direct for inet or inet6" },
	[KEY_LIMITS] = { "", "a rule that allows" },
};

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

static enum use greater(enum use a, enum use b)
{
	return a > b ? a : b;
}

/* Of a key that bounds addresses. */
static enum use address_key_use(const struct rule *rule, enum rule_key key)
{
	const struct domain_row *domain = domain_row(rule->domain);
	enum use use = USE_NONE;

	for (size_t i = 0; i < DOMAIN_KEYS; i++) {
		const struct domain_key *k = &domain->keys[i];

		if (k->key == key && rule->may & k->may && (!k->when || k->when(rule)))
			use = greater(use, k->use);
	}
	return use;
}

/* Of a rule that is about sockets. */
static enum use socket_key_use(const struct rule *rule, enum rule_key key)
{
	const struct domain_row *domain = domain_row(rule->domain);

	switch (key) {
	case KEY_FAMILY:
	case KEY_TYPE:
		return USE_REQUIRED;
	case KEY_PROTOCOL:
		return domain->has_protocols ? USE_REQUIRED : USE_ALLOWED;
	case KEY_INTERFACE:
		return greater(address_key_use(rule, key),
			       require(has_option(rule, option_reaches_interface) ||
				       has_interface_ioctl(rule)));
	case KEY_NETLINK_GROUPS:
		return greater(address_key_use(rule, key),
			       require(has_option(rule, option_is_netlink_group)));
	case KEY_OPTIONS:
		return require(rule->may >> ACTION_OPTION & 1);
	case KEY_IOCTLS:
		return require(rule->may >> ACTION_IOCTL & 1);
	case KEY_MARKS:
		return require(has_option(rule, option_is_mark));
	case KEY_SETS:
		return allow(!rule->deny && rule->may >> ACTION_DIRECT & 1 &&
			     rule->domain == DOMAIN_INET);
	default:
		return address_key_use(rule, key);
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

	if (lend == LEND_SYS_ADMIN)
		return rule->may >> ACTION_SETHOSTNAME & 1;
	if (lend == LEND_NET_BIND_SERVICE && !ranges_meet(&rule->from_ports, 0, 1023) &&
	    !ranges_meet(&rule->bluetooth.psms, 0, BLUETOOTH_PSM_RESERVED))
		return false;
	for (int a = 0; a < ACTION_COUNT; a++)
		for (int type = 1; type < 16; type++)
			if ((rule->may >> a & 1) && (types >> type & 1) &&
			    rule_lends(rule, (enum action)a, type) & lend)
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

/* What nobody could judge is granted to nobody. */
static int addresses_check(struct reader *r, const struct rule *rule, const struct slot *may)
{
	const struct domain_row *domain = domain_row(rule->domain);

	if (!rule->n_families || rule->everything)
		return 0;
	if (rule->may & (MAY_LOCAL | MAY_REMOTE) && !domain->local && !domain->remote)
		return complain(r, may->value, "addresses of this family are not understood; leave bind, "
				"listen, connect and send out");
	if (rule->may & MAY_REMOTE && !domain->remote)
		return complain(r, may->value, "sockets of this family have no peers with addresses; leave "
				"connect and send out");
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
	error = addresses_check(r, rule, &slots[KEY_MAY]);
	if (error)
		return error;
	if (!rule->deny && rule->may >> ACTION_SETHOSTNAME & 1 && !(rule->lends & LEND_SYS_ADMIN))
		return complain(r, slots[KEY_MAY].value, "sethostname can do nothing without it; add "
				"`lends: [CAP_SYS_ADMIN]`");
	error = lends_check(r, rule, &slots[KEY_LENDS]);
	if (!error)
		error = direct_check(r, rule, slots);
	return error ? error : versions_check(r, rule, slots);
}
