/* SPDX-License-Identifier: Apache-2.0 */
/* ops_option.c - getsockopt, setsockopt. */
#include "ops/ops.h"

#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_packet.h>
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
	const struct sockopt *row = sockopt_find(req->level, req->name);

	if (!row || !(row->access & SOCKOPT_GET))
		return -ENOPROTOOPT;
	if (req->length > SOCKOPT_BYTES_MAX)
		return -EINVAL;
	c->state = (void *)(uintptr_t)row;
	return no_intent(c);
}

/* The scratch held another client's data: what the kernel leaves untouched
 * must not leave it. */
int get_option_attempt(struct call *c)
{
	const Sockbroker__V1__GetOptionRequest *req = REQUEST(c, GetOption);
	Sockbroker__V1__GetOptionReply *rep = REPLY(c, GetOption);
	uint8_t *buffer = c->session->shard->scratch;
	socklen_t length = req->length;

	memset(buffer, 0, length);
	if (getsockopt(c->sock->watch.fd, req->level, req->name, buffer, &length) < 0)
		return -errno;
	rep->length = length;
	if (length > req->length)
		length = req->length;
	return length ? sockopt_encode(c->state, buffer, length, &c->arena.allocator, &rep->value) : 0;
}

struct setting {
	const struct sockopt *row;
	socklen_t length;
	uint8_t *value;
};

static int interface_of(const struct sockopt *row, const Sockbroker__V1__OptionValue *v)
{
	char name[IFNAMSIZ] = { 0 };

	switch (v->kind_case) {
	case SOCKBROKER__V1__OPTION_VALUE__KIND_MEMBERSHIP:
		return v->membership->ifindex;
	case SOCKBROKER__V1__OPTION_VALUE__KIND_MEMBERSHIP6:
		return (int)v->membership6->ifindex;
	case SOCKBROKER__V1__OPTION_VALUE__KIND_PACKET_MEMBERSHIP:
		return v->packet_membership->ifindex;
	case SOCKBROKER__V1__OPTION_VALUE__KIND_OCTETS:
		if (row->level != SOL_SOCKET || row->name != SO_BINDTODEVICE || !v->octets.len ||
		    v->octets.len >= sizeof(name))
			return 0;
		memcpy(name, v->octets.data, v->octets.len);
		return (int)if_nametoindex(name);
	default:
		return 0;
	}
}

/* A few numbers are an interface's. */
static int interface_number(const struct sockopt *row, long long value)
{
	if (row->level == IPPROTO_IPV6 && (row->name == IPV6_MULTICAST_IF || row->name == IPV6_UNICAST_IF))
		return (int)(row->name == IPV6_UNICAST_IF ? ntohl((uint32_t)value) : (uint32_t)value);
	if (row->level == IPPROTO_IP && row->name == IP_UNICAST_IF)
		return (int)ntohl((uint32_t)value);
	return 0;
}

int set_option_intent(struct call *c)
{
	const Sockbroker__V1__SetOptionRequest *req = REQUEST(c, SetOption);
	struct setting *st = arena_zalloc(&c->arena, sizeof(*st));
	const struct sockopt *row = sockopt_find(req->level, req->name);
	size_t room = row && row->kind == SOCKOPT_FILTER ? SOCKOPT_BYTES_MAX : 8192;
	const uint32_t *length = req->size_case == SOCKBROKER__V1__SET_OPTION_REQUEST__SIZE_LENGTH
		? &req->length : NULL;

	if (!row || !(row->access & SOCKOPT_SET))
		return -ENOPROTOOPT;
	if (!st || !req->value)
		return st ? -EINVAL : -ENOMEM;
	st->row = row;
	st->value = arena_zalloc(&c->arena, room);
	if (!st->value)
		return -ENOMEM;
	c->state = st;
	c->intent.action = ACTION_OPTION;
	c->intent.level = req->level;
	c->intent.name = req->name;
	c->intent.ifindex = interface_of(row, req->value);
	if (req->value->kind_case == SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER) {
		c->intent.value = req->value->integer;
		c->intent.ifindex = interface_number(row, req->value->integer);
	}
	return sockopt_decode(row, req->value, length, st->value, room, &st->length);
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

	if (setsockopt(c->sock->watch.fd, st->row->level, st->row->name, st->value, st->length) < 0)
		return -errno;
	return capture && st->row->level == SOL_SOCKET ? capture_follow(capture, c->sock->watch.fd) : 0;
}

static void set_option_worked(struct call *c, int r)
{
	if (r == 0)
		note_option(c->sock, c->state);
}

/* What reaches into an interface waits for the kernel's lock on all of them. */
int set_option_attempt(struct call *c)
{
	const struct setting *st = c->state;
	int r;

	c->worked = set_option_worked;
	if (st->row->named || c->sock->family == AF_PACKET || c->sock->family == AF_CAN)
		return CALL_OFFLOAD;
	r = set_option_work(c);
	set_option_worked(c, r);
	return r;
}
