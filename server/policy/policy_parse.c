/* SPDX-License-Identifier: Apache-2.0 */
/* policy_parse.c - the whole file: version, limits, rules; and the tools that
 * all keys are read with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"

/* ---- tools ------------------------------------------------------------- */

void *reader_alloc(struct reader *r, const struct node *node, size_t bytes)
{
	void *memory = arena_zalloc(&r->policy->memory, bytes);

	if (!memory)
		complain_memory(r, node);
	return memory;
}

const char *reader_text(struct reader *r, const struct node *node)
{
	char *copy = reader_alloc(r, node, strlen(node->text) + 1);

	return copy ? strcpy(copy, node->text) : NULL;
}

int complain_unknown(struct reader *r, const struct node *node, const char *what,
		     struct names names)
{
	const char *nearest = name_nearest(names, node->text);
	char all[400] = "";

	if (nearest)
		return complain(r, node, "unknown %s '%.40s'; did you mean %s?", what, node->text,
				nearest);
	for (size_t i = 0; i < names.n; i++) {
		size_t used = strlen(all);

		snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", names.rows[i].text);
	}
	return complain(r, node, "unknown %s '%.40s'; there are: %s", what, node->text, all);
}

size_t item_count(const struct node *node)
{
	return node->kind == NODE_LIST ? node->n : 1;
}

static int item_read(struct reader *r, const struct node *item, item_reader read, void *target)
{
	if (item->kind != NODE_SCALAR)
		return complain(r, item, "a value is wanted here, not a %s; write one value, or a list "
				"of values", item->kind == NODE_LIST ? "list" : "mapping");
	if (item->text[0] == '\0')
		return complain(r, item, "an empty value; write one, or remove the key");
	return read(r, item, target);
}

int items_read(struct reader *r, const struct node *node, item_reader read, void *target)
{
	int error = 0;

	if (node->kind != NODE_LIST)
		return item_read(r, node, read, target);
	if (node->n == 0)
		return complain(r, node, "an empty list; write a value, or remove the key");
	for (const struct node *item = node->first; item && !error; item = item->next)
		error = item_read(r, item, read, target);
	return error;
}

static int complain_key(struct reader *r, const struct node *key, const char *const *keys,
			size_t n_keys)
{
	struct name rows[KEY_COUNT];

	for (size_t i = 0; i < n_keys; i++)
		rows[i] = (struct name){ keys[i], 0 };
	return complain_unknown(r, key, "key", (struct names){ rows, n_keys });
}

int map_read(struct reader *r, const struct node *map, const char *what,
	     const char *const *keys, size_t n_keys, struct slot *slots)
{
	memset(slots, 0, n_keys * sizeof(*slots));
	if (map->kind != NODE_MAP)
		return complain(r, map, "%s is a mapping; write it as `key: value`", what);
	for (const struct node *key = map->first; key; key = key->next->next) {
		size_t i = 0;

		if (key->kind != NODE_SCALAR)
			return complain(r, key, "a key is a word; write it as `key: value`");
		while (i < n_keys && strcmp(keys[i], key->text) != 0)
			i++;
		if (i == n_keys)
			return complain_key(r, key, keys, n_keys);
		if (slots[i].key)
			return complain(r, key, "'%s' stands here twice (first in line %zu); remove one",
					key->text, slots[i].key->line);
		slots[i] = (struct slot){ key, key->next };
	}
	return 0;
}

/* ---- limits ------------------------------------------------------------ */

int limits_read(struct reader *r, const struct node *node, struct limits *limits, bool *has)
{
	enum { CONNECTIONS, SESSIONS, SOCKETS, CALLS, LOOKUPS, BYTES, N = LIMIT_COUNT };
	static const char *const keys[N] = { "connections", "sessions", "sockets", "calls", "lookups",
					     "bytes" };
	static const uint64_t max[N] = { 65536, 65536, 1 << 20, 1 << 20, 32, (uint64_t)64 << 30 };
	uint32_t *const counts[] = { &limits->connections, &limits->sessions, &limits->sockets,
				     &limits->calls, &limits->lookups };
	struct slot slots[N];
	uint64_t value;
	int error = map_read(r, node, "`limits`", keys, N, slots);

	if (!error && node->n == 0)
		return complain(r, node, "`limits` is empty; write a limit, or remove the key");
	for (size_t i = 0; i < BYTES && !error; i++) {
		has[i] = slots[i].value;
		if (!has[i])
			continue;
		error = number_read(r, slots[i].value, "limit", 1, max[i], &value);
		if (!error)
			*counts[i] = (uint32_t)value;
	}
	has[BYTES] = slots[BYTES].value;
	if (error || !has[BYTES])
		return error;
	return size_read(r, slots[BYTES].value, 65536, max[BYTES], &limits->bytes);
}

/* ---- the file ---------------------------------------------------------- */

static int name_compare(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x)->number < (*y)->number ? -1 : 1;
}

/* A name stands for its rule in logs, so no two may share one. */
static int names_check(struct reader *r, const struct node *node)
{
	struct policy *p = r->policy;
	const struct rule **sorted = reader_alloc(r, node, (p->n_rules + 1) * sizeof(*sorted));

	if (!sorted)
		return -EINVAL;
	for (size_t i = 0; i < p->n_rules; i++)
		sorted[i] = &p->rules[i];
	qsort(sorted, p->n_rules, sizeof(*sorted), name_compare);
	for (size_t i = 1; i < p->n_rules; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return complain_at(r, sorted[i]->line, 1, "a second rule '%s' (first in line %zu); "
					   "give it a name of its own", sorted[i]->name,
					   sorted[i - 1]->line);
	return 0;
}

static int rules_read(struct reader *r, const struct node *node)
{
	struct policy *p = r->policy;
	int error = 0;

	if (node->kind != NODE_LIST)
		return complain(r, node, "`rules` is a list; write `rules: []` or one `- name: …` a rule");
	if (node->n > POLICY_RULES_MAX)
		return complain(r, node, "%zu rules; at most %d are allowed, join some", node->n,
				POLICY_RULES_MAX);
	p->rules = reader_alloc(r, node, (node->n + 1) * sizeof(*p->rules));
	if (!p->rules)
		return -EINVAL;
	for (const struct node *item = node->first; item && !error; item = item->next) {
		struct rule *rule = &p->rules[p->n_rules++];

		rule->policy = p;
		rule->number = p->n_rules;
		rule->line = item->line;
		error = rule_read(r, item, rule);
	}
	return error ? error : names_check(r, node);
}

static int file_read(struct reader *r, const struct node *root)
{
	enum { VERSION, LIMITS, RULES, N };
	static const char *const keys[N] = { "version", "limits", "rules" };
	struct slot slots[N];
	uint64_t version;
	bool has[LIMIT_COUNT];
	int error;

	if (root->kind != NODE_MAP)
		return complain(r, root, "a policy is a mapping; begin with `version: 1`");
	error = map_read(r, root, "a policy", keys, N, slots);
	if (error)
		return error;
	if (!slots[VERSION].value)
		return complain(r, root, "the key 'version' is missing; add `version: 1`");
	if (!slots[RULES].value)
		return complain(r, root, "the key 'rules' is missing; add `rules: []` to allow nothing");
	error = number_read(r, slots[VERSION].value, "version", 1, 1, &version);
	if (!error && slots[LIMITS].value)
		error = limits_read(r, slots[LIMITS].value, &r->policy->limits, has);
	return error ? error : rules_read(r, slots[RULES].value);
}

static int policy_read(struct reader *r, const char *text, size_t length)
{
	struct node *root;

	if (length > POLICY_BYTES_MAX)
		return complain_at(r, 1, 1, "the file is too large; at most %d bytes are allowed",
				   POLICY_BYTES_MAX);
	root = tree_read(r, text, length);
	return root ? file_read(r, root) : -EINVAL;
}

struct policy *policy_parse(const char *text, size_t length, const char *name, char *error,
			    size_t error_size)
{
	struct arena tree;
	struct reader r = { .name = name, .error = error, .error_size = error_size, .tree = &tree };

	r.policy = policy_new(name);
	if (!r.policy) {
		complain_at(&r, 1, 1, "out of memory; try again");
		return NULL;
	}
	arena_init(&tree);
	if (policy_read(&r, text, length) < 0)
		r.policy = policy_unref(r.policy);
	arena_reset(&tree);
	return r.policy;
}
