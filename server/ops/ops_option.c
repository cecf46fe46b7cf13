/* SPDX-License-Identifier: Apache-2.0 */
/* ops_option.c - getsockopt, setsockopt. */
#include "ops/ops.h"

#include <linux/filter.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "call/shard.h"
#include "core/clock.h"
#include "ops/capture.h"
#include "wire/sockopt.h"

/* ---- options --------------------------------------------------------------- */

int get_option_intent(struct call *c)
{
	const Sockbroker__V1__GetOptionRequest *req = REQUEST(c, GetOption);
	const struct sockopt *row = sockopt_find_for(c->sock->family, req->level, req->name);

	if (!row || !(row->access & SOCKOPT_GET))
		return -ENOPROTOOPT;
	if (req->length > SOCKOPT_BYTES_MAX)
		return -EINVAL;
	c->state = (void *)(uintptr_t)row;
	return no_intent(c);
}

/* The program that is attached: its length counts instructions. */
static int get_program(struct call *c)
{
	const Sockbroker__V1__GetOptionRequest *req = REQUEST(c, GetOption);
	Sockbroker__V1__GetOptionReply *rep = REPLY(c, GetOption);
	struct sock_filter *program = (struct sock_filter *)(void *)c->session->shard->scratch;
	socklen_t n = req->length < BPF_MAXINSNS ? req->length : BPF_MAXINSNS;
	const socklen_t room = n;

	if (getsockopt(c->sock->watch.fd, req->level, req->name, program, &n) < 0)
		return -errno;
	rep->length = n;
	return room ? sockopt_program_encode(program, n < room ? n : room, &c->arena.allocator,
					     &rep->value) : 0;
}

/* The scratch held another client's data: what the kernel leaves untouched
 * must not leave it. */
int get_option_attempt(struct call *c)
{
	const Sockbroker__V1__GetOptionRequest *req = REQUEST(c, GetOption);
	Sockbroker__V1__GetOptionReply *rep = REPLY(c, GetOption);
	const struct sockopt *row = c->state;
	uint8_t *buffer = c->session->shard->scratch;
	socklen_t length = req->length;
	int r;

	if (row->kind == SOCKOPT_FILTER)
		return get_program(c);
	memset(buffer, 0, length);
	if ((row->access & SOCKOPT_ASK) && req->argument) {
		r = sockopt_decode(row, req->argument, &req->length, buffer, SHARD_SCRATCH_BYTES,
				   &length);
		if (r < 0)
			return r;
	}
	if (getsockopt(c->sock->watch.fd, req->level, req->name, buffer, &length) < 0)
		return -errno;
	rep->length = length;
	if (length > req->length)
		length = req->length;
	return length ? sockopt_encode(row, buffer, length, &c->arena.allocator, &rep->value) : 0;
}

struct setting {
	const struct sockopt *row;
	socklen_t length;
	uint8_t *value;
};

int set_option_intent(struct call *c)
{
	const Sockbroker__V1__SetOptionRequest *req = REQUEST(c, SetOption);
	struct setting *st = arena_zalloc(&c->arena, sizeof(*st));
	const struct sockopt *row = sockopt_find_for(c->sock->family, req->level, req->name);
	const uint32_t *length = req->size_case == SOCKBROKER__V1__SET_OPTION_REQUEST__SIZE_LENGTH
		? &req->length : NULL;
	int r;

	if (!row || !(row->access & SOCKOPT_SET))
		return -ENOPROTOOPT;
	if (!st || !req->value)
		return st ? -EINVAL : -ENOMEM;
	st->row = row;
	st->value = arena_zalloc(&c->arena, sockopt_room(row));
	if (!st->value)
		return -ENOMEM;
	c->state = st;
	r = sockopt_decode(row, req->value, length, st->value, sockopt_room(row), &st->length);
	if (r < 0)
		return r;
	c->intent.action = ACTION_OPTION;
	c->intent.level = req->level;
	c->intent.name = req->name;
	c->intent.ifindex = sockopt_ifindex(row, st->value, st->length);
	if (req->value->kind_case == SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER)
		c->intent.value = req->value->integer;
	return 0;
}

static uint64_t timeval_ns(const void *value)
{
	struct timeval tv;

	memcpy(&tv, value, sizeof(tv));
	return (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * 1000;
}

/* What the engine must know of it. */
static void note_option(struct sock *s, const struct setting *st)
{
	if (st->row->level != SOL_SOCKET)
		return;
	if (st->row->name == SO_LINGER)
		s->may_linger = true;
	if (st->row->kind == SOCKOPT_TIMEVAL && st->length >= sizeof(struct timeval)) {
		bool receive = st->row->name == SO_RCVTIMEO || st->row->name == SO_RCVTIMEO_NEW;

		*(receive ? &s->receive_timeout_ns : &s->send_timeout_ns) = timeval_ns(st->value);
	}
}

int set_option_work(struct call *c)
{
	const struct setting *st = c->state;
	const struct capture *capture = c->sock->capture; /* only calls on this socket change it */

	/* TIPC's options without a value are refused with an address of none. */
	if (setsockopt(c->sock->watch.fd, st->row->level, st->row->name,
		       st->length ? st->value : NULL, st->length) < 0)
		return -errno;
	return capture && st->row->level == SOL_SOCKET ? capture_follow(capture, c->sock->watch.fd) : 0;
}

static void set_option_worked(struct call *c, int r)
{
	if (r == 0)
		note_option(c->sock, c->state);
}

/* What reaches into an interface waits for the kernel's lock on all of them; and the less
 * common families take locks, and their time, in other ways. */
int set_option_attempt(struct call *c)
{
	const struct setting *st = c->state;
	int r;

	c->worked = set_option_worked;
	if (st->row->named || family_is_slow(c->sock->family))
		return CALL_OFFLOAD;
	r = set_option_work(c);
	set_option_worked(c, r);
	return r;
}
