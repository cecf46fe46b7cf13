/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest_write.c - what was noted, as a policy file.
 *
 * A rule grants each of its addresses with each of its ports, so only what was asked
 * for with the same ports and by the same actions stands in one rule. Nothing that a program chose
 * comes here but by suggest_where.c.
 */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "policy/names.h"
#include "policy/policy.h"
#include "suggest_notes.h"

enum {
	RULES_MAX = 300, /* so that the file is one that policy_load() reads */
	ALL_SPOTS = 4 * (SPOTS_MAX + 1),
	LINE_COLUMNS = 90,
};

struct writer {
	FILE *file;
	char who[64], program[48];
	size_t rules;
	bool full;
};

/* ---- words ------------------------------------------------------------- */

/* The last part of a path, of letters, digits and marks that a rule's name may have. */
static void program_name(const char *program, char *ret, size_t size)
{
	const char *slash = strrchr(program, '/');
	size_t n = 0;

	for (const char *c = slash ? slash + 1 : program; *c && n + 1 < size; c++)
		if (isascii((unsigned char)*c) && (isalnum((unsigned char)*c) || strchr("-_.", *c)))
			ret[n++] = *c;
	ret[n] = '\0';
	if (n == 0)
		snprintf(ret, size, "program");
}

static void who_print(uid_t uid, char *ret, size_t size)
{
	const struct passwd *user = getpwuid(uid);
	const char *name = user ? user->pw_name : "";
	/* What needs no quotes in YAML. */
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	if (isalpha((unsigned char)*name) && name[n] == '\0' && n < 33)
		snprintf(ret, size, "{ user: %s }", name);
	else
		snprintf(ret, size, "{ uid: %u }", uid);
}

/* A list under a key, which stands there once it has an item. */
struct list {
	struct writer *w;
	const char *key;
	size_t n;
	int column;
};

static void list_add(struct list *l, const char *item)
{
	int length = (int)strlen(item) + 2;

	if (l->n == 0) {
		l->column = fprintf(l->w->file, "    %s: [%s", l->key, item);
	} else if (l->column + length > LINE_COLUMNS) {
		fprintf(l->w->file, ",\n      %s", item);
		l->column = 6 + length;
	} else {
		fprintf(l->w->file, ", %s", item);
		l->column += length;
	}
	l->n++;
}

static void list_end(struct list *l)
{
	if (l->n)
		fputs("]\n", l->w->file);
}

static void lends_write(struct writer *w, uint32_t lends)
{
	static const struct name names[] = {
		{ "CAP_NET_RAW", LEND_NET_RAW },
		{ "CAP_NET_ADMIN", LEND_NET_ADMIN },
		{ "CAP_NET_BIND_SERVICE", LEND_NET_BIND_SERVICE },
	};
	struct list list = { .w = w, .key = "lends" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lends & (uint32_t)names[i].number)
			list_add(&list, names[i].text);
	list_end(&list);
}

static void named_write(struct writer *w, const char *key, struct names names, int number)
{
	const char *name = name_of(names, number);

	if (name)
		fprintf(w->file, "    %s: %s\n", key, name);
	else
		fprintf(w->file, "    %s: %d\n", key, number);
}

/* All that rules of a kind have. False: there are too many. */
static bool rule_begin(struct writer *w, const struct kind *k, uint32_t may, uint32_t lends)
{
	struct list list = { .w = w, .key = "may" };
	enum domain domain = family_domain(k->family);

	w->full = w->full || w->rules == RULES_MAX;
	if (w->full)
		return false;
	fprintf(w->file, "  - name: %s %zu\n    who: %s\n", w->program, ++w->rules, w->who);
	for (int a = 0; a < ACTION_COUNT; a++)
		if (may >> a & 1)
			list_add(&list, action_name((enum action)a));
	list_end(&list);
	lends_write(w, lends);
	named_write(w, "family", family_names(), k->family);
	named_write(w, "type", type_names(), k->type);
	if (k->protocol || protocol_names(domain).n > 0 || domain == DOMAIN_OTHER)
		named_write(w, "protocol", protocol_names(domain), k->protocol);
	return true;
}

/* ---- sockets ----------------------------------------------------------- */

static void opened_write(struct writer *w, const struct kind *k)
{
	if (!rule_begin(w, k, 1u << ACTION_SOCKET | 1u << ACTION_DIRECT, k->lends))
		return;
	fputs("    # direct: a descriptor cannot be taken back, and its holder is bound by no other\n"
	      "    # rule; see sockbroker-policy(5).\n", w->file);
	switch (family_domain(k->family)) {
	case DOMAIN_INET:
	case DOMAIN_RDS:
	case DOMAIN_SMC:
		fputs("    to: any\n", w->file);
		break;
	case DOMAIN_PACKET:
	case DOMAIN_CAN:
		fputs("    interface: any\n", w->file);
		break;
	case DOMAIN_VSOCK:
		fputs("    to_cids: any\n", w->file);
		break;
	default:
		break;
	}
	if (kind_has_ports(k))
		fputs("    to_ports: any\n", w->file);
}

/* ---- addresses --------------------------------------------------------- */

struct side {
	uint32_t actions;
	const char *ports;
	const char *keys[DOMAIN_COUNT];
};

static const struct side local = {
	.actions = 1u << ACTION_BIND | 1u << ACTION_LISTEN,
	.ports = "from_ports",
	.keys = { [DOMAIN_INET] = "from", [DOMAIN_RDS] = "from", [DOMAIN_SMC] = "from",
		  [DOMAIN_PACKET] = "interface", [DOMAIN_CAN] = "interface",
		  [DOMAIN_NETLINK] = "netlink_groups", [DOMAIN_VSOCK] = "from_cids",
		  [DOMAIN_ALG] = "algorithms" },
};

static const struct side remote = {
	.actions = 1u << ACTION_CONNECT | 1u << ACTION_SEND,
	.ports = "to_ports",
	.keys = { [DOMAIN_INET] = "to", [DOMAIN_RDS] = "to", [DOMAIN_SMC] = "to",
		  [DOMAIN_PACKET] = "interface", [DOMAIN_CAN] = "interface",
		  [DOMAIN_NETLINK] = "netlink_to", [DOMAIN_VSOCK] = "to_cids" },
};

static bool same_ports(const struct spot *a, const struct spot *b)
{
	return a->n_ports == b->n_ports &&
	       memcmp(a->ports, b->ports, a->n_ports * sizeof(a->ports[0])) == 0;
}

/* The actions of this side that were asked at the same address with the same ports. */
static uint32_t actions_like(const struct kind *k, const struct spot *spot, const struct side *side)
{
	uint32_t actions = 0;

	for (size_t i = 0; i < k->n_spots; i++) {
		const struct spot *other = &k->spots[i];

		if ((side->actions >> other->action & 1) && same_ports(other, spot) &&
		    strcmp(other->where, spot->where) == 0)
			actions |= 1u << other->action;
	}
	return actions;
}

static void ports_write(struct writer *w, const struct spot *spot, const struct side *side)
{
	struct list list = { .w = w, .key = side->ports };
	char text[24];

	for (size_t i = 0; i < spot->n_ports; i++) {
		const struct span *p = &spot->ports[i];

		if (p->first == 0 && side == &local) /* and p->last: joined by want of room */
			list_add(&list, "ephemeral");
		if (p->first == 0 && p->last == 0 && side == &local)
			continue;
		snprintf(text, sizeof(text), p->first == p->last ? "%u" : "%u-%u", p->first, p->last);
		list_add(&list, text);
	}
	list_end(&list);
}

/* A rule of @first and the others that were asked for alike. */
static void spots_write(struct writer *w, const struct kind *k, const struct spot *first,
			const struct side *side, const uint32_t *masks, bool *done)
{
	size_t begin = (size_t)(first - k->spots);
	uint32_t mask = masks[begin], lends = 0;
	struct list list = { .w = w, .key = side->keys[family_domain(k->family)] };
	bool mine[ALL_SPOTS] = { false };

	for (size_t i = begin; i < k->n_spots; i++) {
		if (done[i] || masks[i] != mask || !same_ports(&k->spots[i], first))
			continue;
		done[i] = true;
		lends |= k->spots[i].lends;
		mine[i] = k->spots[i].action == first->action && k->spots[i].where[0];
	}
	if (!rule_begin(w, k, mask, lends))
		return;
	for (size_t i = begin; i < k->n_spots; i++)
		if (mine[i])
			list_add(&list, k->spots[i].where);
	list_end(&list);
	ports_write(w, first, side);
}

static void addresses_write(struct writer *w, const struct kind *k, const struct side *side)
{
	uint32_t masks[ALL_SPOTS] = { 0 };
	bool done[ALL_SPOTS] = { false };

	for (size_t i = 0; i < k->n_spots; i++)
		if (side->actions >> k->spots[i].action & 1)
			masks[i] = actions_like(k, &k->spots[i], side);
	for (size_t i = 0; i < k->n_spots; i++)
		if (masks[i] && !done[i])
			spots_write(w, k, &k->spots[i], side, masks, done);
}

/* ---- options and ioctls ------------------------------------------------ */

static bool same_rule(const struct thing *a, const struct thing *b)
{
	if (a->action != b->action || a->reach != b->reach || a->lends != b->lends)
		return false;
	if (a->reach == REACH_INTERFACE)
		return strcmp(a->where, b->where) == 0;
	return a->reach == REACH_SELF || strcmp(a->text, b->text) == 0;
}

static void things_list(struct writer *w, const struct kind *k, const struct thing *first,
			bool *done)
{
	static const char *const keys[] = { [REACH_INTERFACE] = "interface", [REACH_MARK] = "marks",
					    [REACH_GROUP] = "netlink_groups" };
	bool by_name = first->reach == REACH_SELF || first->reach == REACH_INTERFACE;
	struct list names = { .w = w, .key = first->action == ACTION_OPTION ? "options" : "ioctls" };
	struct list where = { .w = w, .key = keys[first->reach] };

	for (size_t i = (size_t)(first - k->things); by_name && i < k->n_things; i++)
		if (same_rule(first, &k->things[i]))
			list_add(&names, k->things[i].text);
	if (!by_name)
		list_add(&names, first->text);
	list_end(&names);
	for (size_t i = (size_t)(first - k->things); i < k->n_things; i++) {
		bool same = same_rule(first, &k->things[i]);

		if (same && (!by_name || (first->reach == REACH_INTERFACE && !where.n)))
			list_add(&where, k->things[i].where);
		done[i] = done[i] || same;
	}
	list_end(&where);
}

static void things_write(struct writer *w, const struct kind *k)
{
	bool done[THINGS_MAX] = { false };

	for (size_t i = 0; i < k->n_things; i++)
		if (!done[i] && rule_begin(w, k, 1u << k->things[i].action, k->things[i].lends))
			things_list(w, k, &k->things[i], done);
}

/* ---- all --------------------------------------------------------------- */

static void actions_print(FILE *file, uint32_t actions)
{
	const char *before = "";

	for (int a = 0; a < ACTION_COUNT; a++) {
		if (!(actions >> a & 1))
			continue;
		fprintf(file, "%s%s", before, action_name((enum action)a));
		before = ", ";
	}
}

static void kind_write(struct writer *w, const struct kind *k)
{
	if (k->opened)
		opened_write(w, k);
	addresses_write(w, k, &local);
	addresses_write(w, k, &remote);
	things_write(w, k);
	if (k->widened) {
		fputs("  # Of so many addresses or ports (", w->file);
		actions_print(w->file, k->widened);
		fputs(") not each is named above: some rules cover more than was asked for.\n", w->file);
	}
	if (k->left_out) {
		fprintf(w->file, "  # Not all that was asked of family %d, type %d, protocol %d (", k->family,
			k->type, k->protocol);
		actions_print(w->file, k->left_out);
		fputs(")\n  # is here: no rule could give it, or it must be written by hand.\n", w->file);
	}
}

int suggest_write(struct suggestion *s, FILE *file, uid_t uid, const char *program)
{
	struct writer w = { .file = file };

	program_name(program, w.program, sizeof(w.program));
	who_print(uid, w.who, sizeof(w.who));
	fprintf(file, "# What %s asked for under `sockbroker run`, and that alone. What was refused may have\n"
		      "# kept it from asking for more: take these rules over once you have read them, and run\n"
		      "# it again.\n"
		      "version: 1\nrules:", w.program);
	pthread_mutex_lock(&s->lock);
	fputs(s->n_kinds ? "\n" : " []\n", file);
	for (size_t i = 0; i < s->n_kinds; i++)
		kind_write(&w, s->kinds[i]);
	if (w.rules == 0 && s->n_kinds)
		fputs("  []\n", file);
	if (w.full || s->left_out)
		fputs("  # More was asked for than is kept. Rules with ranges, or any, would cover it.\n", file);
	pthread_mutex_unlock(&s->lock);
	return fflush(file) || ferror(file) ? -EIO : 0;
}
