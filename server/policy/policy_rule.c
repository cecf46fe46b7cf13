/* SPDX-License-Identifier: Apache-2.0 */
/* policy_rule.c - one rule, key by key. The keys with addresses are read in
 * policy_address.c; what the keys say together is the matter of policy_check.c. */
#include <ctype.h>
#include <errno.h>
#include <sys/socket.h>
#include <string.h>

#include "policy/domain.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

enum { NAME_BYTES_MAX = 64, UNIX_MODE_DEFAULT = 0600 };

const char *const rule_keys[KEY_COUNT] = {
	[KEY_NAME] = "name", [KEY_VERDICT] = "verdict", [KEY_WHO] = "who", [KEY_MAY] = "may",
	[KEY_LENDS] = "lends", [KEY_FAMILY] = "family", [KEY_TYPE] = "type",
	[KEY_PROTOCOL] = "protocol", [KEY_NAMES] = "names", [KEY_ADDRESSES] = "addresses",
	[KEY_TO] = "to", [KEY_GRANT_FOR] = "grant_for", [KEY_TO_PORTS] = "to_ports",
	[KEY_TO_CIDS] = "to_cids", [KEY_FROM] = "from", [KEY_FROM_PORTS] = "from_ports",
	[KEY_FROM_CIDS] = "from_cids", [KEY_INTERFACE] = "interface", [KEY_UNIX] = "unix",
	[KEY_NETLINK_TO] = "netlink_to", [KEY_NETLINK_GROUPS] = "netlink_groups",
	[KEY_OPTIONS] = "options", [KEY_IOCTLS] = "ioctls", [KEY_MARKS] = "marks", [KEY_TIPC] = "tipc",
	[KEY_BLUETOOTH] = "bluetooth", [KEY_ALGORITHMS] = "algorithms", [KEY_QIPCRTR] = "qipcrtr",
	[KEY_SETS] = "sets", [KEY_LIMITS] = "limits",
};

bool node_is(const struct node *node, const char *word)
{
	return strcmp(node->text, word) == 0;
}

/* ---- name, verdict, may, lends ----------------------------------------- */

static int name_read(struct reader *r, const struct node *node, struct rule *rule)
{
	bool good = node->kind == NODE_SCALAR && node->text[0] &&
		    strlen(node->text) <= NAME_BYTES_MAX;

	for (const char *c = node->text; good && *c; c++)
		good = isalnum((unsigned char)*c) || strchr("-_. ", *c);
	if (!good)
		return complain(r, node, "a name is 1 to %d letters, digits, '-', '_', '.' and spaces; "
				"write such a one", NAME_BYTES_MAX);
	rule->name = reader_text(r, node);
	return rule->name ? 0 : -EINVAL;
}

static int verdict_read(struct reader *r, const struct node *node, struct rule *rule)
{
	static const struct name verdicts[] = { { "allow", 0 }, { "deny", 1 } };
	struct names names = { verdicts, 2 };
	int verdict;

	if (node->kind != NODE_SCALAR)
		return complain(r, node, "`verdict` is one word; write allow or deny");
	if (!name_find(names, node->text, &verdict))
		return complain_unknown(r, node, "verdict", names);
	rule->deny = verdict == 1;
	return 0;
}

static int action_read(struct reader *r, const struct node *item, void *target)
{
	struct name rows[ACTION_COUNT];
	struct rule *rule = target;
	enum action action;
	size_t n = 0;

	if (node_is(item, "any") && rule->deny) {
		rule->everything = true;
		rule->may = UINT32_MAX;
		return 0;
	}
	if (node_is(item, "any"))
		return complain(r, item, "only a rule that denies may say any here; list what it may");
	if (action_find(item->text, &action)) {
		rule->may |= 1u << action;
		return 0;
	}
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
		rows[n++] = (struct name){ action_name((enum action)a), a };
	return complain_unknown(r, item, "action", (struct names){ rows, n });
}

static int may_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return items_read(r, node, action_read, rule);
}

static int lends_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return items_read(r, node, capability_read, &rule->lends);
}

/* ---- family, type, protocol -------------------------------------------- */

static int family_add(struct reader *r, const struct node *item, struct rule *rule, int family)
{
	enum domain domain = family_domain(family);

	if (rule->n_families && (rule->domain != domain || domain == DOMAIN_OTHER))
		return complain(r, item, "only inet and inet6 can share a rule; write a rule of its own "
				"for '%s'", item->text);
	if (rule->n_families && rule->families[0] == family)
		return complain(r, item, "'%s' stands here twice; remove one", item->text);
	if (rule->n_families == 2)
		return complain(r, item, "too many families; remove '%s'", item->text);
	rule->domain = domain;
	rule->families[rule->n_families++] = family;
	return 0;
}

static int family_item(struct reader *r, const struct node *item, void *target)
{
	struct rule *rule = target;
	uint64_t number;
	int family, error;

	if (node_is(item, "any") && rule->deny)
		return complain(r, item, "any is not every family; write [inet, inet6], or deny all "
				"with `may: any`");
	if (node_is(item, "any")) {
		error = family_add(r, item, rule, AF_INET);
		return error ? error : family_add(r, item, rule, AF_INET6);
	}
	if (name_find(family_names(), item->text, &family))
		return family_add(r, item, rule, family);
	if (!isdigit((unsigned char)item->text[0]))
		return complain_unknown(r, item, "family", family_names());
	error = number_read(r, item, "family", 1, 255, &number);
	return error ? error : family_add(r, item, rule, (int)number);
}

static int family_read(struct reader *r, const struct node *node, struct rule *rule)
{
	int error = items_read(r, node, family_item, rule);

	if (!error && rule->domain == DOMAIN_UNIX)
		rule->unix_mode = UNIX_MODE_DEFAULT;
	return error;
}

static int type_item(struct reader *r, const struct node *item, void *target)
{
	struct rule *rule = target;
	int type;

	if (node_is(item, "any")) {
		rule->any_type = true;
		return 0;
	}
	if (!name_find(type_names(), item->text, &type))
		return complain_unknown(r, item, "type", type_names());
	rule->types |= 1u << type;
	return 0;
}

static int type_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return items_read(r, node, type_item, rule);
}

static int protocol_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return named_numbers_read(r, node, "protocol", protocol_names(rule->domain), 65535,
				  &rule->protocols);
}

/* ---- options and ioctls ------------------------------------------------ */

/* The nearest so far to a word of C. */
struct nearest {
	const char *text;
	size_t distance;
};

static void nearest_try(struct nearest *best, const char *candidate, const char *text)
{
	size_t distance = text_distance(candidate, text);

	if (distance < best->distance)
		*best = (struct nearest){ candidate, distance };
}

static int complain_nearest(struct reader *r, const struct node *item, const char *what,
			    const struct nearest *best, const char *example)
{
	if (best->text)
		return complain(r, item, "unknown %s '%.40s'; did you mean %s?", what, item->text,
				best->text);
	return complain(r, item, "unknown %s '%.40s'; write it as in %s", what, item->text, example);
}

enum { DISTANCE_MAX = 5 }; /* from here on two such words have little to do with each other */

static int complain_option(struct reader *r, const struct node *item)
{
	struct nearest best = { NULL, DISTANCE_MAX };
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	for (size_t i = 0; i < n; i++)
		nearest_try(&best, rows[i].text, item->text);
	return complain_nearest(r, item, "option", &best, "socket(7), as SO_MARK");
}

static int complain_ioctl(struct reader *r, const struct node *item)
{
	struct nearest best = { NULL, DISTANCE_MAX };
	size_t n;
	const struct ioctl_row *rows = ioctl_rows(&n);

	for (size_t i = 0; i < n; i++)
		nearest_try(&best, rows[i].text, item->text);
	return complain_nearest(r, item, "ioctl", &best, "netdevice(7), as SIOCGIFINDEX");
}

/* Some names are options of several levels (MCAST_JOIN_GROUP): all are meant. */
enum { LEVELS_MAX = 4 };

static int option_item(struct reader *r, const struct node *item, void *target)
{
	struct rule *rule = target;
	size_t n, found = 0;
	const struct sockopt *rows = sockopt_rows(&n);

	if (node_is(item, "any") && rule->deny) {
		rule->any_option = true;
		return 0;
	}
	for (size_t i = 0; i < n && found < LEVELS_MAX; i++) {
		if (strcmp(rows[i].text, item->text) != 0)
			continue;
		if (rule->deny && !rows[i].named)
			return complain(r, item, "%s changes only the caller's own socket and is always "
					"allowed; remove it", item->text);
		rule->options[rule->n_options++] =
			(struct option_name){ rows[i].level, rows[i].name };
		found++;
	}
	return found ? 0 : complain_option(r, item);
}

static int options_read(struct reader *r, const struct node *node, struct rule *rule)
{
	size_t room = item_count(node) * LEVELS_MAX + 1;

	rule->options = reader_alloc(r, node, room * sizeof(*rule->options));
	return rule->options ? items_read(r, node, option_item, rule) : -EINVAL;
}

static int ioctl_item(struct reader *r, const struct node *item, void *target)
{
	struct rule *rule = target;
	const struct ioctl_row *row = ioctl_find_text(item->text);

	if (node_is(item, "any") && rule->deny) {
		rule->any_ioctl = true;
		return 0;
	}
	if (!row)
		return complain_ioctl(r, item);
	if (rule->deny && !row->named)
		return complain(r, item, "%s only asks about the caller's own socket and is always "
				"allowed; remove it", item->text);
	rule->ioctls[rule->n_ioctls++] = row->request;
	return 0;
}

static int ioctls_read(struct reader *r, const struct node *node, struct rule *rule)
{
	rule->ioctls = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*rule->ioctls));
	return rule->ioctls ? items_read(r, node, ioctl_item, rule) : -EINVAL;
}

static int marks_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return ranges_read(r, node, "mark", UINT32_MAX, &rule->marks.any, NULL, &rule->marks);
}

static int rule_limits_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return limits_read(r, node, &rule->limits, rule->has_limit);
}

static int grant_for_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return duration_read(r, node, &rule->grant_for_ns);
}

/* ---- together ---------------------------------------------------------- */

static const key_reader readers[KEY_COUNT] = {
	[KEY_NAME] = name_read, [KEY_VERDICT] = verdict_read, [KEY_WHO] = who_read,
	[KEY_MAY] = may_read, [KEY_LENDS] = lends_read, [KEY_FAMILY] = family_read,
	[KEY_TYPE] = type_read, [KEY_PROTOCOL] = protocol_read, [KEY_NAMES] = names_read,
	[KEY_ADDRESSES] = addresses_read, [KEY_TO] = to_read, [KEY_GRANT_FOR] = grant_for_read,
	[KEY_TO_PORTS] = to_ports_read, [KEY_TO_CIDS] = to_cids_read, [KEY_FROM] = from_read,
	[KEY_FROM_PORTS] = from_ports_read, [KEY_FROM_CIDS] = from_cids_read,
	[KEY_INTERFACE] = interface_read, [KEY_UNIX] = unix_read,
	[KEY_NETLINK_TO] = netlink_to_read, [KEY_NETLINK_GROUPS] = netlink_groups_read,
	[KEY_OPTIONS] = options_read, [KEY_IOCTLS] = ioctls_read, [KEY_MARKS] = marks_read,
	[KEY_TIPC] = tipc_read, [KEY_BLUETOOTH] = bluetooth_read,
	[KEY_ALGORITHMS] = algorithms_read, [KEY_QIPCRTR] = qipcrtr_read,
	[KEY_SETS] = sets_read, [KEY_LIMITS] = rule_limits_read,
};

/* What a key means when it is not there: never "any" in a rule that allows. */
static int defaults_set(struct reader *r, const struct node *node, struct rule *rule,
			const struct slot *slots)
{
	const struct domain_row *domain = domain_row(rule->domain);

	if (!rule->n_families)
		return 0;
	if (!slots[KEY_PROTOCOL].value) {
		rule->protocols.at = reader_alloc(r, node, sizeof(struct range));
		if (!rule->protocols.at)
			return -EINVAL;
		range_add(&rule->protocols, 0, domain->default_protocol_last);
		rule->protocols.any = rule->deny;
	}
	return domain->set_defaults ? domain->set_defaults(r, node, rule, slots) : 0;
}

int rule_read(struct reader *r, const struct node *node, struct rule *rule)
{
	struct slot slots[KEY_COUNT];
	int error = map_read(r, node, "a rule", rule_keys, KEY_COUNT, slots);

	for (size_t k = 0; k < KEY_COUNT && !error; k++)
		if (slots[k].value)
			error = readers[k](r, slots[k].value, rule);
	if (!error)
		error = defaults_set(r, node, rule, slots);
	return error ? error : rule_check(r, node, rule, slots);
}
