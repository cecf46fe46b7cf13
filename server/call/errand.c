/* SPDX-License-Identifier: Apache-2.0 */
#include "call/errand.h"

#include <errno.h>
#include <stdlib.h>

#include "call/call.h"
#include "call/shard.h"
#include "identity/session.h"
#include "ops/op.h"

/* By the wire's own means: no matter what the message is made of. */
static ProtobufCMessage *copy_message(const ProtobufCMessage *m, struct arena *arena)
{
	static const uint8_t nothing;
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *bytes = arena_alloc(arena, n);

	if (!bytes)
		return NULL;
	protobuf_c_message_pack(m, bytes);
	return protobuf_c_message_unpack(m->descriptor, &arena->allocator, n, n ? bytes : &nothing);
}

static struct errand *errand_new(struct call *c, int (*run)(struct errand *))
{
	const ProtobufCMessageDescriptor *d = op_layout(c->op)->reply;
	struct errand *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	arena_init(&e->arena);
	e->run = run;
	e->shard = c->session->shard;
	e->limit = c->session->limits.lookups;
	e->account = account_get(c->session->account->uid);
	e->request = copy_message(c->request, &e->arena);
	e->reply = arena_alloc(&e->arena, d->sizeof_message);
	if (!e->account || !e->request || !e->reply) {
		errand_free(e);
		return NULL;
	}
	protobuf_c_message_init(d, e->reply);
	e->call = c;
	return e;
}

void errand_free(struct errand *e)
{
	if (!e)
		return;
	account_put(e->account);
	arena_reset(&e->arena);
	free(e);
}

static bool is_wanted(struct errand *e)
{
	bool wanted;

	pthread_mutex_lock(&e->shard->lock);
	wanted = e->call;
	pthread_mutex_unlock(&e->shard->lock);
	return wanted;
}

static void errand_end(struct errand *e)
{
	account_give(&e->account->lookups, 1);
	e->running = false;
	if (e->call)
		(void)call_retry(e->call);
	else
		errand_free(e);
}

static void errand_do(struct errand *e)
{
	e->error = e->run(e);
	/* These words mean something else here. */
	if (e->error == -EAGAIN || e->error == -EINPROGRESS || e->error == -EALREADY)
		e->error = -EIO;
}

static void errand_run(struct job *job)
{
	struct errand *e = container_of(job, struct errand, job);
	struct shard *sh = e->shard;

	/* Nobody waits any more, as it stood in line: leave the name servers in peace. */
	if (is_wanted(e))
		errand_do(e);
	shard_enter(sh);
	errand_end(e);
	shard_leave(sh);
}

/* The daemon ends, and all sessions have. */
static void errand_drop(struct job *job)
{
	struct errand *e = container_of(job, struct errand, job);

	account_give(&e->account->lookups, 1);
	errand_free(e);
}

int errand_begin(struct errand *e)
{
	if (!account_take(&e->account->lookups, 1, e->limit))
		return -EMFILE;
	e->running = true;
	e->job.run = errand_run;
	e->job.drop = errand_drop;
	workers_add(e->shard->resolvers, &e->job);
	return 0;
}

void errand_leave(struct call *c)
{
	if (!c->errand || !c->errand->running)
		return;
	c->errand->call = NULL;
	c->errand = NULL;
}

int errand_attempt(struct call *c, int (*run)(struct errand *))
{
	struct errand *e = c->errand;

	if (!e) {
		c->errand = errand_new(c, run);
		return c->errand ? -EAGAIN : -ENOMEM;
	}
	if (e->running)
		return -EAGAIN;
	if (e->error == 0)
		c->reply = e->reply;
	return e->error;
}

int errand_at_once(struct call *c, int (*run)(struct errand *))
{
	c->errand = errand_new(c, run);
	if (!c->errand)
		return -ENOMEM;
	errand_do(c->errand);
	return errand_attempt(c, run);
}
