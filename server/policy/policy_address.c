/* SPDX-License-Identifier: Apache-2.0 */
/* policy_address.c - the keys of a rule that name addresses: internet ranges,
 * ports, interfaces, names of hosts. Those of one family are in its domain_*.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/host.h"

static int to_item(struct reader *r, const struct node *item, void *target)
{
	struct rule *rule = target;
	struct prefix *p = &rule->to.at[rule->to.n];
	static const struct place zero4 = { .v4 = true }, zero6 = { .v4 = false };
	int error;

	if (node_is(item, "any") || node_is(item, "own")) {
		*(node_is(item, "any") ? &rule->to.any : &rule->to.own) = true;
		return 0;
	}
	if (node_is(item, "resolved") && rule->deny)
		return complain(r, item, "who knows an address need not ask for its name, so this "
				"would deny little; deny ranges, or allow less");
	if (node_is(item, "resolved")) {
		rule->to.resolved = true;
		return 0;
	}
	error = prefix_read(r, item, p);
	if (error)
		return error;
	if (p->bits >= 32 && (place_equal(&p->base, &zero4) ||
			      (p->bits == 128 && place_equal(&p->base, &zero6))))
		return complain(r, item, "'%s' reaches loopback; write %s", item->text,
				p->base.v4 ? "127.0.0.1" : "::1 and 127.0.0.1");
	rule->to.n++;
	return 0;
}

int to_read(struct reader *r, const struct node *node, struct rule *rule)
{
	rule->to.at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(struct prefix));
	return rule->to.at ? items_read(r, node, to_item, rule) : -EINVAL;
}

static int addresses_item(struct reader *r, const struct node *item, void *target)
{
	struct prefixes *addresses = &((struct rule *)target)->addresses;

	if (node_is(item, "any")) {
		addresses->any = true;
		return 0;
	}
	return prefix_read(r, item, &addresses->at[addresses->n++]);
}

int addresses_read(struct reader *r, const struct node *node, struct rule *rule)
{
	rule->addresses.at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(struct prefix));
	return rule->addresses.at ? items_read(r, node, addresses_item, rule) : -EINVAL;
}

static int from_item(struct reader *r, const struct node *item, void *target)
{
	static const struct prefix wildcard4 = { { .v4 = true }, 32 };
	static const struct prefix wildcard6 = { { .v4 = false }, 128 };
	struct prefixes *from = &((struct rule *)target)->from;

	if (node_is(item, "any")) {
		from->any = true;
		return 0;
	}
	if (node_is(item, "wildcard")) {
		from->at[from->n++] = wildcard4;
		from->at[from->n++] = wildcard6;
		return 0;
	}
	return prefix_read(r, item, &from->at[from->n++]);
}

int from_read(struct reader *r, const struct node *node, struct rule *rule)
{
	rule->from.at = reader_alloc(r, node, (item_count(node) + 1) * 2 * sizeof(struct prefix));
	return rule->from.at ? items_read(r, node, from_item, rule) : -EINVAL;
}

static uint32_t port_max(const struct rule *rule)
{
	return domain_row(rule->domain)->port_last;
}

int to_ports_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return ranges_read(r, node, "port", port_max(rule), &rule->to_ports.any, NULL,
			   &rule->to_ports);
}

int from_ports_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return ranges_read(r, node, "port", port_max(rule), &rule->from_ports.any,
			   &rule->ephemeral, &rule->from_ports);
}

/* ---- texts ------------------------------------------------------------- */

static int text_item(struct reader *r, const struct node *item, void *target)
{
	const struct texts_target *t = target;
	int error;

	if (node_is(item, "any") && t->any) {
		t->texts->any = true;
		return 0;
	}
	error = t->check(r, item);
	if (error)
		return error;
	t->texts->at[t->texts->n] = reader_text(r, item);
	return t->texts->at[t->texts->n++] ? 0 : -EINVAL;
}

int texts_read(struct reader *r, const struct node *node, struct texts_target target)
{
	target.texts->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(char *));
	return target.texts->at ? items_read(r, node, text_item, &target) : -EINVAL;
}

static int interface_check(struct reader *r, const struct node *item)
{
	size_t n = strlen(item->text);

	if (strspn(item->text, "*?") == n)
		return complain(r, item, "'%s' would be every interface; write any", item->text);
	if (n >= IF_NAMESIZE || strpbrk(item->text, "/: \t") || strstr(item->text, ".."))
		return complain(r, item, "'%.40s' is no name of an interface; write as eth0 or veth*",
				item->text);
	return 0;
}

int interface_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return texts_read(r, node, (struct texts_target){ &rule->interfaces, true, interface_check });
}

/* ---- names of hosts ---------------------------------------------------- */

static int name_item(struct reader *r, const struct node *item, void *target)
{
	struct texts *names = &((struct rule *)target)->names;
	size_t wild = strncmp(item->text, "*.", 2) == 0 ? 2 : 0;
	char *text, host[HOST_BYTES];
	struct in6_addr ignored;

	if (node_is(item, "any")) {
		names->any = true;
		return 0;
	}
	if (inet_aton(item->text, (struct in_addr *)&ignored) ||
	    inet_pton(AF_INET6, item->text, &ignored) == 1)
		return complain(r, item, "'%.60s' is an address, to look up which needs no rule; "
				"remove it, or write it under `addresses`", item->text);
	if (!host_normalize(item->text + wild, host))
		return complain(r, item, "'%.60s' is no name of a host; write as www.example.org, or "
				"*.example.org for all below it (A-labels, xn--…, beyond ASCII)",
				item->text);
	text = reader_alloc(r, item, wild + strlen(host) + 1);
	if (!text)
		return -EINVAL;
	memcpy(text, item->text, wild);
	strcpy(text + wild, host);
	names->at[names->n++] = text;
	return 0;
}

int names_read(struct reader *r, const struct node *node, struct rule *rule)
{
	rule->names.at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(char *));
	return rule->names.at ? items_read(r, node, name_item, rule) : -EINVAL;
}
