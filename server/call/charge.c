/* SPDX-License-Identifier: Apache-2.0 */
#include "call/charge.h"

#include <errno.h>

#include "call/call.h"
#include "identity/session.h"

int call_charge(struct call *c)
{
	struct session *s = c->session;
	uint64_t bytes = sizeof(*c) + c->arena.heap_bytes;
	int r;

	if (c->charged)
		return 0;
	if (!account_take(&s->account->calls, 1, s->limits.calls))
		return -EMFILE;
	r = account_take(&s->account->bytes, bytes, s->limits.bytes) ? 0 : -ENOBUFS;
	if (r == 0 && c->id) {
		r = handles_insert(&s->waiting, (uint32_t)c->id, c);
		if (r < 0)
			account_give(&s->account->bytes, bytes);
	}
	if (r < 0) {
		account_give(&s->account->calls, 1);
		return r == -EEXIST ? -EINVAL : r;
	}
	c->charged = bytes;
	s->n_calls++;
	s->held_bytes += bytes;
	return 0;
}

void call_uncharge(struct call *c)
{
	struct session *s = c->session;

	if (!c->charged)
		return;
	account_give(&s->account->calls, 1);
	account_give(&s->account->bytes, c->charged);
	if (c->id)
		handles_remove(&s->waiting, (uint32_t)c->id);
	s->n_calls--;
	s->held_bytes -= c->charged;
	c->charged = 0;
}
