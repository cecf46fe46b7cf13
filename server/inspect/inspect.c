/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/inspect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "identity/session.h"
#include "inspect/sock_info.h"
#include "ops/sock.h"

static struct {
	_Atomic(const char *) path;
	atomic_size_t rules;
	atomic_ullong read_ns, started_ns;
} noted;

void inspect_note_policy(const char *path, size_t rules)
{
	uint64_t now = clock_now_ns();

	atomic_store(&noted.path, path);
	atomic_store(&noted.rules, rules);
	atomic_store(&noted.read_ns, now);
	if (!atomic_load(&noted.started_ns))
		atomic_store(&noted.started_ns, now);
}

/* Under the lock. */
static bool sees_all(const struct inspection *in, const struct shard *sh)
{
	const struct intent look = { .action = ACTION_INSPECT };

	return policy_judge(sh->policy, &in->peer->subject, &look, NULL, 0).error == 0;
}

static bool sees(const struct inspection *in, const struct session *s, bool all)
{
	return all || s->peer->subject.uid == in->peer->subject.uid;
}

static Sockbroker__V1__Identity *identity_of(struct arena *arena, const struct peer *p)
{
	Sockbroker__V1__Identity *id = arena_alloc(arena, sizeof(*id));

	if (!id)
		return NULL;
	sockbroker__v1__identity__init(id);
	id->uid = p->subject.uid;
	id->gid = p->subject.gid;
	id->pid = p->pid;
	return id;
}

/* ---- sockets ------------------------------------------------------------------ */

struct found {
	struct sock *sock;   /* a reference */
	Sockbroker__V1__SocketInfo info;
};

static unsigned count_waiters(const struct list *l)
{
	unsigned n = 0;

	for (const struct list *i = l->next; i != l; i = i->next)
		n++;
	return n;
}

static int find_in_session(const struct inspection *in, const struct session *s,
			   struct found *found, size_t *n)
{
	Sockbroker__V1__Identity *owner = identity_of(in->arena, s->peer);

	if (!owner)
		return -ENOMEM;
	for (size_t i = 0; i < s->handles.capacity; i++) {
		struct sock *sock = s->handles.slots[i].value;
		struct found *f = &found[*n];

		if (!sock)
			continue;
		sockbroker__v1__socket_info__init(&f->info);
		f->sock = sock_ref(sock);
		f->info.session = s->number;
		f->info.handle = s->handles.slots[i].number;
		f->info.owner = owner;
		f->info.family = sock->family;
		f->info.type = sock->type;
		f->info.protocol = sock->protocol;
		f->info.received_bytes = sock->received_bytes;
		f->info.sent_bytes = sock->sent_bytes;
		f->info.waiting_calls = count_waiters(&sock->receivers) +
			count_waiters(&sock->senders) + count_waiters(&sock->pollers);
		(*n)++;
	}
	return 0;
}

/* Under the lock: a reference to each socket, and what only we know of it. */
static int find_in_shard(const struct inspection *in, struct shard *sh, struct found **ret,
			 size_t *ret_n)
{
	bool all = sees_all(in, sh);
	size_t handles = 0;
	int r = 0;

	for (struct list *l = sh->sessions.next; l != &sh->sessions; l = l->next)
		handles += container_of(l, struct session, in_shard)->handles.count;
	*ret = arena_alloc(in->arena, handles * sizeof(**ret));
	*ret_n = 0;
	if (!*ret)
		return -ENOMEM;
	for (struct list *l = sh->sessions.next; r == 0 && l != &sh->sessions; l = l->next) {
		const struct session *s = container_of(l, struct session, in_shard);

		if (sees(in, s, all))
			r = find_in_session(in, s, *ret, ret_n);
	}
	return r;
}

static int sockets_of_shard(const struct inspection *in, struct shard *sh, struct found **found,
			    size_t *n)
{
	int r;

	shard_enter(sh);
	r = find_in_shard(in, sh, found, n);
	shard_leave(sh);
	for (size_t i = 0; r == 0 && i < *n; i++)
		r = sock_info_ask((*found)[i].sock, in->arena, &(*found)[i].info);
	shard_enter(sh);
	for (size_t i = 0; i < *n; i++)
		sock_unref((*found)[i].sock);
	shard_leave(sh);
	return r;
}

int inspect_sockets(const struct inspection *in, Sockbroker__V1__ListSocketsReply *ret)
{
	struct found **found = arena_zalloc(in->arena, in->n_shards * sizeof(*found));
	size_t *n = arena_zalloc(in->arena, in->n_shards * sizeof(*n)), total = 0;
	int r = found && n ? 0 : -ENOMEM;

	for (unsigned i = 0; r == 0 && i < in->n_shards; i++) {
		r = sockets_of_shard(in, &in->shards[i], &found[i], &n[i]);
		total += n[i];
	}
	ret->sockets = r == 0 ? arena_alloc(in->arena, total * sizeof(void *)) : NULL;
	if (!ret->sockets)
		return r == 0 ? -ENOMEM : r;
	for (unsigned i = 0; i < in->n_shards; i++)
		for (size_t k = 0; k < n[i]; k++)
			ret->sockets[ret->n_sockets++] = &found[i][k].info;
	return 0;
}

/* ---- sessions ------------------------------------------------------------------ */

static Sockbroker__V1__SessionInfo *session_info(const struct inspection *in, const struct session *s)
{
	Sockbroker__V1__SessionInfo *i = arena_alloc(in->arena, sizeof(*i));
	size_t length = strlen(s->client) + 1;

	if (!i)
		return NULL;
	sockbroker__v1__session_info__init(i);
	i->session = s->number;
	i->owner = identity_of(in->arena, s->peer);
	i->client = arena_alloc(in->arena, length);
	if (!i->owner || !i->client)
		return NULL;
	memcpy(i->client, s->client, length);
	i->age_ns = clock_now_ns() - s->opened_ns;
	i->sockets = (uint32_t)s->handles.count;
	i->calls = s->n_calls;
	i->held_bytes = s->held_bytes;
	i->operations = s->operations;
	i->denials = s->denials;
	return i;
}

/* Under the lock. */
static int sessions_of_shard(const struct inspection *in, struct shard *sh,
			     Sockbroker__V1__ListSessionsReply *ret)
{
	bool all = sees_all(in, sh);
	size_t n = ret->n_sessions;
	Sockbroker__V1__SessionInfo **more;

	for (struct list *l = sh->sessions.next; l != &sh->sessions; l = l->next)
		n++;
	more = arena_alloc(in->arena, n * sizeof(void *));
	if (!more)
		return -ENOMEM;
	if (ret->n_sessions)
		memcpy(more, ret->sessions, ret->n_sessions * sizeof(void *));
	ret->sessions = more;
	for (struct list *l = sh->sessions.next; l != &sh->sessions; l = l->next) {
		const struct session *s = container_of(l, struct session, in_shard);

		if (!sees(in, s, all))
			continue;
		more[ret->n_sessions] = session_info(in, s);
		if (!more[ret->n_sessions++])
			return -ENOMEM;
	}
	return 0;
}

int inspect_sessions(const struct inspection *in, Sockbroker__V1__ListSessionsReply *ret)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < in->n_shards; i++) {
		shard_enter(&in->shards[i]);
		r = sessions_of_shard(in, &in->shards[i], ret);
		shard_leave(&in->shards[i]);
	}
	return r;
}

/* ---- status -------------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int inspect_status(const struct inspection *in, Sockbroker__V1__GetStatusReply *ret)
{
	const char *path = atomic_load(&noted.path);
	uint64_t now = clock_now_ns();

	for (unsigned i = 0; i < in->n_shards; i++) {
		struct shard *sh = &in->shards[i];

		shard_enter(sh);
		for (struct list *l = sh->sessions.next; l != &sh->sessions; l = l->next)
			ret->sessions++;
		ret->sockets += sh->n_sockets;
		ret->operations += sh->operations;
		ret->denials += sh->denials;
		shard_leave(sh);
	}
	ret->version = (char *)(uintptr_t)SB_VERSION;
	ret->pid = getpid();
	ret->shards = in->n_shards;
	ret->connections = in->connections;
	ret->uptime_ns = now - atomic_load(&noted.started_ns);
	ret->policy = (char *)(uintptr_t)(path ? path : "");
	ret->policy_rules = (uint32_t)atomic_load(&noted.rules);
	ret->policy_age_ns = now - atomic_load(&noted.read_ns);
	ret->resident_bytes = resident_bytes();
	return 0;
}
