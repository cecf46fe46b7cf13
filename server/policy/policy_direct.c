/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_direct.c - rules that give descriptors away: `direct`, and `sets`.
 *
 * Who holds a descriptor asks nobody where he may connect or send: a bound socket
 * can be bound anew (packet), a connected one disconnected by AF_UNSPEC. So a key
 * that would bound that is believed in and bounds nothing, unless the broker sets
 * on the socket what its holder cannot change:
 *
 *   SO_MARK          stays whatever the holder does, and packets of the socket, and of
 *                    those that it accepts, bear it: nftables can judge by it.
 *   SO_BINDTODEVICE  stays on TCP. On datagram and raw sockets connect(2) to
 *                    AF_UNSPEC takes it away again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/domain.h"

/* ---- sets -------------------------------------------------------------- */

static int mark_read(struct reader *r, const struct node *node, struct sets *sets)
{
	uint64_t mark;
	int error = number_read(r, node, "mark", 1, UINT32_MAX, &mark);

	if (error)
		return error;
	sets->has_mark = true;
	sets->mark = (uint32_t)mark;
	return 0;
}

static int device_read(struct reader *r, const struct node *node, struct sets *sets)
{
	if (node->kind != NODE_SCALAR || !node->text[0])
		return complain(r, node, "`device` is one interface; write its name, as eth0");
	if (strlen(node->text) >= sizeof(sets->device) || strpbrk(node->text, "*?/: \t") ||
	    node_is(node, ".") || node_is(node, "..") || node_is(node, "any"))
		return complain(r, node, "'%.40s' is no name of one interface; write as eth0",
				node->text);
	strcpy(sets->device, node->text);
	return 0;
}

int sets_read(struct reader *r, const struct node *node, struct rule *rule)
{
	enum { MARK, DEVICE, N };
	static const char *const keys[N] = { "mark", "device" };
	struct slot s[N];
	int error = map_read(r, node, "`sets`", keys, N, s);

	if (!error && node->n == 0)
		return complain(r, node, "`sets` is empty; write { mark: NUMBER }, { device: NAME }, or "
				"remove the key");
	if (!error && s[MARK].value)
		error = mark_read(r, s[MARK].value, &rule->sets);
	if (!error && s[DEVICE].value)
		error = device_read(r, s[DEVICE].value, &rule->sets);
	return error;
}

/* ---- together ---------------------------------------------------------- */

/* Only sockets whose device nothing but the option changes. */
static bool is_tcp_only(const struct rule *rule)
{
	bool tcp = !rule->any_type && rule->types == 1u << SOCK_STREAM && !rule->protocols.any;

	for (size_t i = 0; tcp && i < rule->protocols.n; i++) {
		const struct range *p = &rule->protocols.at[i];

		tcp = p->first == p->last && (p->first == IPPROTO_TCP || p->first == IPPROTO_MPTCP);
	}
	return tcp;
}

static int sets_check(struct reader *r, const struct rule *rule, const struct slot *slot)
{
	if (rule->sets.has_mark && !(rule->lends & LEND_NET_ADMIN))
		return complain(r, slot->key, "the kernel lets the broker set no mark without it; add "
				"`lends: [CAP_NET_ADMIN]`");
	if (rule->sets.device[0] && !(rule->lends & LEND_NET_RAW))
		return complain(r, slot->key, "the kernel may not let the broker set a device without "
				"it; add `lends: [CAP_NET_RAW]`");
	if (rule->sets.device[0] && !is_tcp_only(rule))
		return complain(r, slot->key, "the holder of a datagram or raw socket can unbind it from "
				"its device; set a mark, or write `type: stream` and `protocol: tcp`");
	return 0;
}

static bool key_says_any(const struct rule *rule, enum rule_key key)
{
	switch (key) {
	case KEY_TO:
		return rule->to.any;
	case KEY_TO_PORTS:
		return rule->to_ports.any;
	case KEY_TO_CIDS:
		return rule->to_cids.any;
	case KEY_INTERFACE:
		return rule->interfaces.any;
	default:
		return false;
	}
}

int direct_check(struct reader *r, const struct rule *rule, const struct slot slots[KEY_COUNT])
{
	const struct domain_row *domain = domain_row(rule->domain);
	bool direct = rule->may >> ACTION_DIRECT & 1 && !rule->deny;

	if (slots[KEY_SETS].value)
		return sets_check(r, rule, &slots[KEY_SETS]);
	for (size_t i = 0; direct && i < DOMAIN_KEYS; i++) {
		const struct domain_key *k = &domain->keys[i];

		if (!(k->may >> ACTION_DIRECT & 1) || !slots[k->key].value ||
		    key_says_any(rule, k->key))
			continue;
		return complain(r, slots[k->key].value, "by `direct` the socket is its holder's, and '%s' "
				"does not bound it any more; write any, or leave direct out%s",
				rule_keys[k->key], rule->domain == DOMAIN_INET
					? ", or add `sets: { mark: N }` for nftables to judge by" : "");
	}
	return 0;
}
