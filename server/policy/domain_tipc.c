/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_tipc.c - sockets of TIPC, the cluster's own protocol: `tipc` in a rule.
 *
 * One binds to a service (a type, and a range of instances) and reaches a service or
 * one socket by its node and number. Services below 64 are TIPC's own (1 tells the
 * cluster's topology): `any` leaves them out. What a socket offers is judged when
 * it is bound; to listen says nothing more.
 */
#include <errno.h>
#include <linux/tipc.h>
#include <stdlib.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

enum { EITHER_SCOPE = 1 << TIPC_CLUSTER_SCOPE | 1 << TIPC_NODE_SCOPE };

/* ---- matching ---------------------------------------------------------- */

static bool service_covered(const struct rule *r, uint32_t type, uint32_t first, uint32_t last)
{
	const struct tipc_services *services = &r->tipc.services;

	if (services->any && (r->deny || type >= TIPC_RESERVED_TYPES))
		return true;
	for (size_t i = 0; i < services->n; i++) {
		const struct range *types = &services->at[i].types;
		const struct range *some = &services->at[i].instances;

		if (type < types->first || type > types->last)
			continue;
		if (r->deny ? some->first <= last && first <= some->last
			    : some->first <= first && last <= some->last)
			return true;
	}
	return false;
}

/* A range that is upside down is none: the kernel may say so. */
static bool tipc_service(const struct rule *r, const struct sockaddr_tipc *tipc)
{
	const struct tipc_service_range *range = &tipc->addr.nameseq;
	const struct tipc_service_addr *name = &tipc->addr.name.name;

	if (tipc->addrtype == TIPC_SERVICE_ADDR)
		return service_covered(r, name->type, name->instance, name->instance);
	return tipc->addrtype == TIPC_SERVICE_RANGE &&
	       service_covered(r, range->type, range->lower, range->upper);
}

/* The negative of a scope takes back what was bound there; and what is neither
 * of the two is taken for the cluster. */
static bool tipc_local(const struct rule *r, const struct asked *a)
{
	struct sockaddr_tipc tipc;
	unsigned scope;

	if (a->in->action == ACTION_LISTEN)
		return true;
	if (!asked_address(a, AF_TIPC, sizeof(tipc), &tipc, sizeof(tipc)))
		return false;
	scope = abs(tipc.scope) == TIPC_NODE_SCOPE ? TIPC_NODE_SCOPE : TIPC_CLUSTER_SCOPE;
	return (r->tipc.scopes >> scope & 1) && tipc_service(r, &tipc);
}

static bool tipc_remote(const struct rule *r, const struct asked *a)
{
	struct sockaddr_tipc tipc;

	if (!asked_address(a, AF_TIPC, sizeof(tipc), &tipc, sizeof(tipc)))
		return false;
	if (tipc.addrtype == TIPC_SOCKET_ADDR)
		return r->tipc.nodes.any || ranges_hold(&r->tipc.nodes, tipc.addr.id.node);
	return tipc_service(r, &tipc);
}

/* ---- rules ------------------------------------------------------------- */

/* "1000", "1000-1999", "1000:5", "1000:0-99": types, and then instances. */
static int service_item(struct reader *r, const struct node *item, void *target)
{
	struct tipc_services *services = target;
	uint64_t type, last_type, first = 0, last = UINT32_MAX;
	const char *at = item->text;
	bool good;

	if (node_is(item, "any")) {
		services->any = true;
		return 0;
	}
	good = range_text(&at, &type, &last_type);
	if (good && *at == ':') {
		at++;
		good = range_text(&at, &first, &last);
	}
	if (!good || *at || type > last_type || last_type > UINT32_MAX || first > last ||
	    last > UINT32_MAX)
		return complain(r, item, "'%.40s' is no service; write TYPE or TYPE:INSTANCES, as "
				"1000 or 1000:0-99, or any", item->text);
	services->at[services->n++] = (struct tipc_service){
		{ (uint32_t)type, (uint32_t)last_type }, { (uint32_t)first, (uint32_t)last },
	};
	return 0;
}

static int services_read(struct reader *r, const struct node *node, struct rule *rule)
{
	struct tipc_services *services = &rule->tipc.services;

	services->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*services->at));
	return services->at ? items_read(r, node, service_item, services) : -EINVAL;
}

static int scope_item(struct reader *r, const struct node *item, void *target)
{
	static const struct name rows[] = {
		{ "cluster", TIPC_CLUSTER_SCOPE }, { "node", TIPC_NODE_SCOPE },
	};
	struct names names = { rows, 2 };
	int scope;

	if (!name_find(names, item->text, &scope))
		return complain_unknown(r, item, "scope", names);
	((struct rule *)target)->tipc.scopes |= 1u << scope;
	return 0;
}

/* Who may be seen by the cluster may be seen by the node. */
static int scopes_read(struct reader *r, const struct node *node, struct rule *rule)
{
	int error = node ? items_read(r, node, scope_item, rule) : 0;

	if (!node)
		rule->tipc.scopes = rule->deny ? EITHER_SCOPE : 1 << TIPC_NODE_SCOPE;
	else if (!rule->deny && rule->tipc.scopes >> TIPC_CLUSTER_SCOPE & 1)
		rule->tipc.scopes = EITHER_SCOPE;
	return error;
}

int tipc_read(struct reader *r, const struct node *node, struct rule *rule)
{
	enum { SERVICES, NODES, SCOPE, N };
	static const char *const keys[N] = { "services", "nodes", "scope" };
	static const struct name own[] = { { "own", 0 } };
	bool binds = rule->may >> ACTION_BIND & 1, reaches = rule->may & MAY_REMOTE;
	struct slot s[N];
	int error = map_read(r, node, "`tipc`", keys, N, s);

	if (!error && !s[SERVICES].value && (binds || !s[NODES].value))
		return complain(r, node, "`tipc` names no service; add services");
	if (!error && s[NODES].value && !reaches)
		return complain(r, s[NODES].key, "'nodes' are for connect and send; remove it");
	if (!error && s[SCOPE].value && !binds)
		return complain(r, s[SCOPE].key, "'scope' is for bind; remove it");
	if (!error && s[SERVICES].value)
		error = services_read(r, s[SERVICES].value, rule);
	if (!error && s[NODES].value)
		error = ranges_words_read(r, s[NODES].value, "node", (struct names){ own, 1 },
					  UINT32_MAX, &rule->tipc.nodes);
	return error ? error : scopes_read(r, s[SCOPE].value, rule);
}

/* ---- words ------------------------------------------------------------- */

/* "id:NODE:REF", "name:TYPE:INSTANCE", "range:TYPE:LOWER-UPPER"; "-" before: to take
 * back. addr_print() leaves out the scope: here it is the cluster. */
static bool tipc_parse(char *word, struct intent *in)
{
	struct sockaddr_tipc tipc = { .family = AF_TIPC, .scope = TIPC_CLUSTER_SCOPE };
	const char *text = skip_prefix(word, "tipc:");
	char fields[64] = "", *domain;
	uint32_t n[3] = { 0 };

	if (text[0] == '-') {
		tipc.scope = -TIPC_CLUSTER_SCOPE;
		text++;
	}
	if (strlen(text) < sizeof(fields))
		strcpy(fields, text);
	domain = strstr(fields, ":domain=");
	if (domain)
		*domain = '\0';
	if (numbers_parse(skip_prefix(fields, "id:"), ":", n) && fields[0] == 'i') {
		tipc.addrtype = TIPC_SOCKET_ADDR;
		tipc.addr.id = (struct tipc_socket_addr){ .node = n[0], .ref = n[1] };
	} else if (numbers_parse(skip_prefix(fields, "range:"), ":-", n)) {
		tipc.addrtype = TIPC_SERVICE_RANGE;
		tipc.addr.nameseq = (struct tipc_service_range){ n[0], n[1], n[2] };
	} else if (numbers_parse(skip_prefix(fields, "name:"), ":", n)) {
		tipc.addrtype = TIPC_SERVICE_ADDR;
		tipc.addr.name.name = (struct tipc_service_addr){ n[0], n[1] };
		if (domain && !numbers_parse(domain + strlen(":domain="), "", &tipc.addr.name.domain))
			return false;
	} else {
		return false;
	}
	address_set(&in->addr, &tipc, sizeof(tipc));
	return true;
}

const struct domain_row domain_tipc = {
	.families = { AF_TIPC },
	.local = tipc_local,
	.remote = tipc_remote,
	.keys = { { KEY_TIPC, 1 << ACTION_BIND | MAY_REMOTE, USE_REQUIRED, NULL } },
	.parse = tipc_parse,
	.example = "name:TYPE:INSTANCE, range:TYPE:LOWER-UPPER or id:NODE:REF",
};
