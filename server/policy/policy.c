/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - the one question, and the life of a policy. How a rule is
 * compared with an intent is in match.c. */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/host.h"
#include "policy/rule.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

static const struct limits default_limits = {
	.connections = 64,
	.sessions = 64,
	.sockets = 10000,
	.calls = 20000,
	.lookups = 8,
	.bytes = (uint64_t)64 << 20,
};

struct policy *policy_new(const char *name)
{
	struct policy *p = calloc(1, sizeof(*p));
	char *copy;

	if (!p)
		return NULL;
	atomic_init(&p->references, 1);
	arena_init(&p->memory);
	p->limits = default_limits;
	copy = arena_alloc(&p->memory, strlen(name) + 1);
	if (!copy)
		return policy_unref(p);
	p->name = strcpy(copy, name);
	return p;
}

struct policy *policy_ref(struct policy *p)
{
	atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
	return p;
}

struct policy *policy_unref(struct policy *p)
{
	if (p && atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) == 1) {
		arena_reset(&p->memory);
		free(p);
	}
	return NULL;
}

struct policy *policy_same_user(uid_t uid)
{
	struct policy *p = policy_new("");
	struct rule *rule = p ? arena_zalloc(&p->memory, sizeof(*rule)) : NULL;
	struct who *who = p ? arena_zalloc(&p->memory, sizeof(*who)) : NULL;
	struct range *range = p ? arena_zalloc(&p->memory, sizeof(*range)) : NULL;

	if (!rule || !who || !range)
		return policy_unref(p);
	*range = (struct range){ uid, uid };
	*who = (struct who){ .has_uid = true, .uid = { .at = range, .n = 1 } };
	*rule = (struct rule){ .policy = p, .name = "same user", .who = who, .n_who = 1,
			       .may = UINT32_MAX, .unix_mode = 0755 };
	p->rules = rule;
	p->n_rules = 1;
	p->same_user = true;
	return p;
}

int policy_set_host_addresses(struct policy *p, const struct sock_addr *addrs, size_t n)
{
	struct place *own = arena_alloc(&p->memory, n * sizeof(*own));
	struct places at;
	size_t n_own = 0;

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (places_from(&addrs[i], &at))
			own[n_own++] = at.at[0];
	p->own = own;
	p->n_own = n_own;
	return 0;
}

static bool group_matches(const struct ranges *r, const struct subject *s)
{
	if (ranges_hold(r, s->gid))
		return true;
	for (size_t i = 0; i < s->n_groups; i++)
		if (ranges_hold(r, s->groups[i]))
			return true;
	return false;
}

static bool who_matches(const struct who *w, const struct subject *s)
{
	return (!w->has_user || ranges_hold(&w->user, s->uid)) &&
	       (!w->has_uid || ranges_hold(&w->uid, s->uid)) &&
	       (!w->has_group || group_matches(&w->group, s)) &&
	       (!w->has_gid || group_matches(&w->gid, s));
}

bool rule_is_for(const struct rule *r, const struct subject *s)
{
	if (s->uid == (uid_t)-1) /* what the kernel says of a user it can't name */
		return false;
	if (r->everyone)
		return true;
	for (size_t i = 0; i < r->n_who; i++)
		if (who_matches(&r->who[i], s))
			return true;
	return false;
}

/* What changes nothing but the caller's own socket. Names that are in no table
 * end here too: the operation says that there is no such option. */
static bool needs_no_rule(const struct intent *in)
{
	const struct sockopt *option;
	const struct ioctl_row *ioctl;

	switch (in->action) {
	case ACTION_NONE:
		return true;
	case ACTION_CONNECT: /* dissolves an association */
		return in->addr.len >= sizeof(sa_family_t) && in->addr.ss.ss_family == AF_UNSPEC;
	case ACTION_OPTION:
		option = sockopt_find_for(in->family, in->level, in->name);
		return !option || !option->named;
	case ACTION_IOCTL:
		ioctl = ioctl_find(in->ioctl);
		return !ioctl || !ioctl->named;
	default:
		return false;
	}
}

static int denial(enum action action)
{
	bool permission = action == ACTION_OPTION || action == ACTION_IOCTL ||
			  action == ACTION_INSPECT || action == ACTION_SETHOSTNAME ||
			  action >= ACTION_COUNT;

	return permission ? -EPERM : -EACCES;
}

static struct verdict verdict_of(const struct rule *r, const struct intent *in)
{
	enum domain domain = family_domain(in->family);

	if (r->deny)
		return (struct verdict){ .error = denial(in->action), .rule = r };
	return (struct verdict){
		.rule = r,
		.lends = rule_lends(r, in->action, in->type),
		.narrow_interface = in->action == ACTION_SOCKET && domain == DOMAIN_PACKET &&
				    !r->interfaces.any && !r->policy->same_user,
		.unix_mode = r->unix_mode,
		.sets = in->action == ACTION_DIRECT ? r->sets : (struct sets){ 0 },
	};
}

struct verdict policy_judge(const struct policy *p, const struct subject *s,
			    const struct intent *in, const struct grants *grants, uint64_t now_ns)
{
	struct asked asked = asked_of(in, grants, now_ns);

	if (needs_no_rule(in))
		return (struct verdict){ .error = 0 };
	for (size_t i = 0; in->action < ACTION_COUNT && i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];

		if (rule_is_for(r, s) && (p->same_user || rule_matches(r, &asked)))
			return verdict_of(r, in);
	}
	return (struct verdict){ .error = denial(in->action) };
}

int policy_grant(const struct policy *p, const struct subject *s, const char *host,
		 const struct sock_addr *addrs, size_t n, uint64_t now_ns, struct grants *grants)
{
	char normal[HOST_BYTES];

	if (!host_normalize(host, normal))
		return 0;
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];

		if (r->to.resolved && rule_is_for(r, s) && rule_names_host(r, normal))
			return grants_add(grants, normal, addrs, n, now_ns);
	}
	return 0;
}

bool policy_knows(const struct policy *p, const struct subject *s)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];

		if (r->may != 0 && rule_is_for(r, s) && (!r->deny || r->everything))
			return !r->deny;
	}
	return false;
}

/* Field by field: the first rule that speaks of the subject and of the field. */
struct limits policy_limits(const struct policy *p, const struct subject *s)
{
	struct limits ret = p->limits;
	bool found[LIMIT_COUNT] = { false };

	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];
		const bool *has = r->has_limit;

		if (r->deny || !rule_is_for(r, s))
			continue;
		ret.connections = has[0] && !found[0] ? r->limits.connections : ret.connections;
		ret.sessions = has[1] && !found[1] ? r->limits.sessions : ret.sessions;
		ret.sockets = has[2] && !found[2] ? r->limits.sockets : ret.sockets;
		ret.calls = has[3] && !found[3] ? r->limits.calls : ret.calls;
		ret.lookups = has[4] && !found[4] ? r->limits.lookups : ret.lookups;
		ret.bytes = has[5] && !found[5] ? r->limits.bytes : ret.bytes;
		for (size_t f = 0; f < LIMIT_COUNT; f++)
			found[f] = found[f] || has[f];
	}
	return ret;
}

uint32_t policy_lends(const struct policy *p)
{
	uint32_t lends = 0;

	for (size_t i = 0; i < p->n_rules; i++)
		lends |= p->rules[i].lends;
	return lends;
}

size_t policy_rule_count(const struct policy *p)
{
	return p->same_user ? 0 : p->n_rules;
}

const char *rule_print(const struct policy *p, const struct rule *r, char *text, size_t size)
{
	if (!r)
		snprintf(text, size, "no rule (default deny)");
	else if (p->same_user)
		snprintf(text, size, "no policy file (the broker's own user)");
	else
		snprintf(text, size, "rule %zu '%s' (%s:%zu)", r->number, r->name, p->name, r->line);
	return text;
}
