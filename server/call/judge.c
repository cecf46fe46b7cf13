/* SPDX-License-Identifier: Apache-2.0 */
#include "call/judge.h"

#include <errno.h>
#include <string.h>

#include "call/call.h"
#include "call/shard.h"
#include "core/clock.h"
#include "core/log.h"
#include "identity/session.h"

static void audit(struct call *c, const struct verdict *v)
{
	const struct session *s = c->session;
	struct shard *sh = s->shard;
	char asked[INTENT_TEXT_BYTES], rule[RULE_TEXT_BYTES];
	unsigned dropped;

	c->session->denials++;
	sh->denials++;
	if (!log_may(&sh->audit, &dropped))
		return;
	if (dropped)
		log_line(LOG_LEVEL_WARNING, "%u more denials were not logged", dropped);
	log_line(LOG_LEVEL_WARNING, "denied: %s; user %u, process %d, session %llu; by %s",
		 intent_print(&c->intent, asked, sizeof(asked)), (unsigned)s->peer->subject.uid,
		 (int)s->peer->pid, (unsigned long long)s->number,
		 rule_print(sh->policy, v->rule, rule, sizeof(rule)));
}

static int judge_one(struct call *c)
{
	const struct session *s = c->session;
	const struct grants *grants = s->grants.n ? &s->grants : NULL;
	uint32_t lends = c->verdict.lends;

	c->verdict = policy_judge(s->shard->policy, &s->peer->subject, &c->intent, grants,
				  grants ? clock_now_ns() : 0);
	if (c->verdict.error && !c->only_asks)
		audit(c, &c->verdict);
	c->verdict.lends |= lends;
	c->verdict.rule = NULL; /* borrowed from a policy that may be replaced */
	return c->verdict.error;
}

static bool same_addr(const struct sock_addr *a, const struct sock_addr *b)
{
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0;
}

static bool sets_anything(const struct sets *sets)
{
	return sets->has_mark || sets->device[0];
}

/* Each as an intent of its own; the call's is put back. What goes away beside something else
 * goes as it is: where a rule sets something on it first, GetDescriptor is the way. */
static int judge_also(struct call *c)
{
	struct intent main = c->intent;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_also; i++) {
		c->intent = c->also[i];
		r = judge_one(c);
		if (r == 0 && sets_anything(&c->verdict.sets))
			r = -EACCES;
	}
	c->intent = main;
	return r;
}

int call_judge(struct call *c)
{
	int r = judge_also(c);

	if (r < 0)
		return r;
	if (!c->n_targets)
		return c->intent.action == ACTION_NONE ? 0 : judge_one(c);

	for (size_t i = 0; i < c->n_targets; i++) {
		if (i && same_addr(&c->targets[i], &c->targets[i - 1]))
			continue;
		c->intent.addr = c->targets[i];
		r = judge_one(c);
		if (r < 0 && i == 0)
			return r;
		if (r < 0)
			c->n_targets = i;
	}
	return 0;
}

int call_may(struct call *c, enum action action)
{
	const struct intent asked = c->intent;
	const struct verdict before = c->verdict;
	int r;

	c->intent = (struct intent){ .action = action };
	r = judge_one(c);
	c->intent = asked;
	c->verdict = before;
	return r;
}

int call_grant(struct call *c, const struct sock_addr *addrs, size_t n)
{
	struct session *s = c->session;

	return policy_grant(s->shard->policy, &s->peer->subject, c->intent.host, addrs, n,
			    clock_now_ns(), &s->grants);
}
