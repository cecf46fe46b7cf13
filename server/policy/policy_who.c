/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_who.c - whom a rule is for.
 *
 * A list of mappings are alternatives; the keys inside one mapping must all
 * hold. Names are looked up when the file is read, so that a judgement asks no
 * name service.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"

enum {
	RECORD_BYTES = 4096,
	RECORD_BYTES_MAX = 1 << 20,    /* a group with very many members */
};
static const uint32_t ID_MAX = UINT32_MAX - 1; /* the last one means "none" */

/* Returns 0, -ENOENT, -ERANGE or another -errno. */
static int user_find(const char *name, char *buffer, size_t size, uint32_t *ret)
{
	struct passwd record, *found = NULL;
	int error = getpwnam_r(name, &record, buffer, size, &found);

	if (!found)
		return error ? -error : -ENOENT;
	*ret = found->pw_uid;
	return 0;
}

static int group_find(const char *name, char *buffer, size_t size, uint32_t *ret)
{
	struct group record, *found = NULL;
	int error = getgrnam_r(name, &record, buffer, size, &found);

	if (!found)
		return error ? -error : -ENOENT;
	*ret = found->gr_gid;
	return 0;
}

typedef int (*id_finder)(const char *name, char *buffer, size_t size, uint32_t *ret);

static int id_find(id_finder find, const char *name, uint32_t *ret)
{
	int error = -ERANGE;

	for (size_t size = RECORD_BYTES; error == -ERANGE && size <= RECORD_BYTES_MAX; size *= 4) {
		char *buffer = malloc(size);

		if (!buffer)
			return -ENOMEM;
		error = find(name, buffer, size, ret);
		free(buffer);
	}
	return error;
}

struct id_target {
	struct ranges *ranges;
	id_finder find;
	const char *what, *by_number;
};

static int id_name_read(struct reader *r, const struct node *item, void *target)
{
	const struct id_target *t = target;
	uint32_t id;
	int error = id_find(t->find, item->text, &id);

	if (error == -ENOMEM)
		return complain_memory(r, item);
	if (error < 0)
		return complain(r, item, "there is no %s '%.40s'; create it, or give its number with "
				"`%s`", t->what, item->text, t->by_number);
	if (id > ID_MAX)
		return complain(r, item, "%s '%.40s' has the number that means nobody at all; give it "
				"another", t->what, item->text);
	return range_add(t->ranges, id, id);
}

static int id_names_read(struct reader *r, const struct node *node, struct id_target target)
{
	target.ranges->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(struct range));
	return target.ranges->at ? items_read(r, node, id_name_read, &target) : -EINVAL;
}

static int alternative_read(struct reader *r, const struct node *item, struct who *w)
{
	enum { USER, UID, GROUP, GID, N };
	static const char *const keys[N] = { "user", "uid", "group", "gid" };
	struct slot slots[N];
	int error = map_read(r, item, "`who`", keys, N, slots);

	if (error < 0)
		return error;
	if (item->n == 0)
		return complain(r, item, "`who` is empty; say user, uid, group or gid, or `who: everyone`");
	w->has_user = slots[USER].value;
	w->has_uid = slots[UID].value;
	w->has_group = slots[GROUP].value;
	w->has_gid = slots[GID].value;
	if (w->has_user)
		error = id_names_read(r, slots[USER].value, (struct id_target){
			&w->user, user_find, "user", "uid" });
	if (!error && w->has_uid)
		error = ranges_read(r, slots[UID].value, "uid", ID_MAX, NULL, NULL, &w->uid);
	if (!error && w->has_group)
		error = id_names_read(r, slots[GROUP].value, (struct id_target){
			&w->group, group_find, "group", "gid" });
	if (!error && w->has_gid)
		error = ranges_read(r, slots[GID].value, "gid", ID_MAX, NULL, NULL, &w->gid);
	return error;
}

int who_read(struct reader *r, const struct node *node, struct rule *rule)
{
	size_t n = node->kind == NODE_LIST ? node->n : 1;
	const struct node *item = node->kind == NODE_LIST ? node->first : node;

	if (node->kind == NODE_SCALAR && strcmp(node->text, "everyone") == 0) {
		rule->everyone = true;
		return 0;
	}
	if (node->kind == NODE_SCALAR)
		return complain(r, node, "'%.40s' says not who; write { user: %.40s } or everyone",
				node->text, node->text[0] ? node->text : "NAME");
	if (n == 0)
		return complain(r, node, "`who` is empty; say user, uid, group or gid, or `who: everyone`");
	rule->who = reader_alloc(r, node, n * sizeof(*rule->who));
	if (!rule->who)
		return -EINVAL;
	for (; item && rule->n_who < n; item = item->next) {
		int error = alternative_read(r, item, &rule->who[rule->n_who++]);

		if (error < 0)
			return error;
		if (node->kind != NODE_LIST)
			break;
	}
	return 0;
}
