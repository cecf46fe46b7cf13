/* SPDX-License-Identifier: Apache-2.0 */
/* ops_ioctl.c - ioctl: the kernel's requests, and three of Winsock's that are done here. */
#include "ops/ops.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "call/shard.h"
#include "ops/capture.h"
#include "ops/local_interface.h"
#include "wire/ioctls.h"

/* A request that the kernel does not know. */
struct own_ioctl {
	unsigned long request;
	int (*intent)(struct call *);
	int (*attempt)(struct call *);
	int (*work)(struct call *);
};

struct controlling {
	const struct ioctl_row *row;
	const struct own_ioctl *own;    /* or NULL: the kernel's */
	union ioctl_argument argument;
	struct capture *before, *after; /* SIO_RCVALL */
};

/* ---- SIO_RCVALL ---------------------------------------------------------------- */

static bool is_wildcard(const struct sock_addr *a)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)&a->ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&a->ss;

	return a->ss.ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr) :
					     sin->sin_addr.s_addr == INADDR_ANY;
}

/* The interface of the address that it is bound to, which must be one of the host's
 * own; or, by SO_BINDTODEVICE, the one it is bound to. Returns its index or -errno. */
static int bound_interface(int fd)
{
	struct sock_addr a = { .len = sizeof(a.ss) };
	int device = 0;
	socklen_t len = sizeof(device);

	if (getsockname(fd, (struct sockaddr *)&a.ss, &a.len) < 0)
		return -errno;
	if (is_wildcard(&a))
		return -EINVAL;
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &len) == 0 && device > 0)
		return device;
	return local_interface((struct sockaddr *)&a.ss);
}

static bool is_raw(const struct sock *s)
{
	return s->type == SOCK_RAW && (s->family == AF_INET || s->family == AF_INET6);
}

/* Who turns it off gives up a right. */
static int rcvall_intent(struct call *c)
{
	const struct controlling *st = c->state;
	const int mode = st->argument.integer;
	int r;

	if (mode < RCVALL_OFF || mode > RCVALL_IPLEVEL)
		return -EINVAL;
	if (!is_raw(c->sock))
		return -EOPNOTSUPP;
	if (mode == RCVALL_OFF || mode == RCVALL_SOCKETLEVELONLY)
		return no_intent(c);
	r = bound_interface(c->sock->watch.fd);
	if (r < 0)
		return r;
	c->intent.ifindex = r;
	return 0;
}

static void rcvall_worked(struct call *c, int r)
{
	struct controlling *st = c->state;
	struct session *s = c->sock->session;

	if (st->before && st->before->watch.fd >= 0)
		sock_add_capture(c->sock, st->before); /* it was not even begun */
	else if (st->before)
		sock_drop_capture(c->sock, st->before);
	if (st->after)
		sock_add_capture(c->sock, st->after);
	else if (st->argument.integer != RCVALL_OFF)
		account_give(&s->account->sockets, 1);
	(void)r;
	sock_rearm(c->sock);
}

/* Winsock has SOCKETLEVELONLY, too, without an effect. */
static int rcvall_attempt(struct call *c)
{
	struct controlling *st = c->state;
	struct session *s = c->sock->session;

	if (st->argument.integer == RCVALL_SOCKETLEVELONLY ||
	    (st->argument.integer == RCVALL_OFF && !c->sock->capture))
		return 0;
	if (st->argument.integer != RCVALL_OFF &&
	    !account_take(&s->account->sockets, 1, s->limits.sockets))
		return -EMFILE;
	st->before = sock_take_capture(c->sock);
	c->worked = rcvall_worked;
	return CALL_OFFLOAD;
}

/* What came by the way that is given up is dropped: nothing is received twice, or late. */
static int rcvall_work(struct call *c)
{
	struct controlling *st = c->state;
	int fd = c->sock->watch.fd, r = 0;

	if (st->before)
		capture_close(st->before);
	if (st->argument.integer != RCVALL_OFF)
		r = capture_open(fd, c->sock->family, c->intent.ifindex, st->argument.integer, &st->after);
	if (r == 0)
		capture_drain(fd);
	return r;
}

/* ---- SIO_KEEPALIVE_VALS ---------------------------------------------------------- */

static bool is_tcp(const struct sock *s)
{
	return s->type == SOCK_STREAM && (s->family == AF_INET || s->family == AF_INET6) &&
	       (s->protocol == 0 || s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_MPTCP);
}

static int keep_alive_intent(struct call *c)
{
	const struct controlling *st = c->state;
	const struct ioctl_keep_alive *asked = &st->argument.keep_alive;

	if (!is_tcp(c->sock))
		return -EOPNOTSUPP;
	if (asked->on && (!asked->time_ms || !asked->interval_ms))
		return -EINVAL;
	return no_intent(c);
}

static int set_number(int fd, int level, int name, uint32_t value)
{
	const int number = (int)value;

	return sys_result(setsockopt(fd, level, name, &number, sizeof(number)));
}

static uint32_t whole_seconds(uint32_t ms)
{
	return ms / 1000 + (ms % 1000 != 0);
}

static int keep_alive_attempt(struct call *c)
{
	const struct controlling *st = c->state;
	const struct ioctl_keep_alive *asked = &st->argument.keep_alive;
	int fd = c->sock->watch.fd, r = 0;

	if (asked->on)
		r = set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(asked->time_ms));
	if (r == 0 && asked->on)
		r = set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(asked->interval_ms));
	return r == 0 ? set_number(fd, SOL_SOCKET, SO_KEEPALIVE, asked->on != 0) : r;
}

/* ---- SIO_LOOPBACK_FAST_PATH -------------------------------------------------------- */

static int fast_path_intent(struct call *c)
{
	return is_tcp(c->sock) ? no_intent(c) : -EOPNOTSUPP;
}

/* The loopback has no slow path here. As in Winsock it is to be asked for before
 * the connection is made. */
static int fast_path_attempt(struct call *c)
{
	struct tcp_info info = { .tcpi_state = TCP_CLOSE };
	socklen_t len = sizeof(info);

	if (getsockopt(c->sock->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	return info.tcpi_state == TCP_CLOSE ? 0 : -EINVAL;
}

static const struct own_ioctl own_ioctls[] = {
	{ SIO_RCVALL, rcvall_intent, rcvall_attempt, rcvall_work },
	{ SIO_KEEPALIVE_VALS, keep_alive_intent, keep_alive_attempt, NULL },
	{ SIO_LOOPBACK_FAST_PATH, fast_path_intent, fast_path_attempt, NULL },
};

static const struct own_ioctl *find_own(unsigned long request)
{
	for (size_t i = 0; i < sizeof(own_ioctls) / sizeof(own_ioctls[0]); i++)
		if (own_ioctls[i].request == request)
			return &own_ioctls[i];
	return NULL;
}

/* ---- all ----------------------------------------------------------------------------- */

/* Without a buffer the kernel tells how large one must be. */
static int conf_room(struct call *c, struct ifconf *conf)
{
	if (conf->ifc_len < 0) {
		conf->ifc_len = 0;
		return 0;
	}
	conf->ifc_buf = arena_alloc(&c->arena, (size_t)conf->ifc_len);
	return conf->ifc_buf ? 0 : -ENOMEM;
}

int ioctl_intent(struct call *c)
{
	const Sockbroker__V1__IoctlRequest *req = REQUEST(c, Ioctl);
	struct controlling *st = arena_zalloc(&c->arena, sizeof(*st));
	int r = 0;

	if (!st)
		return -ENOMEM;
	st->row = ioctl_find(req->request);
	if (!st->row)
		return -ENOTTY;
	st->own = find_own(st->row->request);
	c->state = st;
	c->intent.action = ACTION_IOCTL;
	c->intent.ioctl = req->request;
	if (st->row->reads && req->value &&
	    req->value->kind_case == SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACE)
		c->intent.ifindex = (int)if_nametoindex(req->value->interface->name);
	if (st->row->reads)
		r = ioctl_decode(st->row, req->value, &st->argument);
	if (r == 0 && st->row->kind == IOCTL_IFCONF)
		r = conf_room(c, &st->argument.ifconf);
	return r == 0 && st->own ? st->own->intent(c) : r;
}

int ioctl_attempt(struct call *c)
{
	const struct controlling *st = c->state;

	if (st->own)
		return st->own->attempt(c);
	return st->row->named ? CALL_OFFLOAD : ioctl_work(c);
}

static int ioctl_fd(const struct sock *s, unsigned long request)
{
	return s->capture && capture_answers_ioctl(request) ? s->capture->watch.fd : s->watch.fd;
}

int ioctl_work(struct call *c)
{
	struct controlling *st = c->state;
	Sockbroker__V1__IoctlReply *rep = REPLY(c, Ioctl);
	int r;

	if (st->own)
		return st->own->work(c);
	r = ioctl(ioctl_fd(c->sock, st->row->request), st->row->request, &st->argument);
	if (r < 0)
		return -errno;
	rep->result = r;
	if (st->row->kind == IOCTL_IFCONF)
		return ioctl_conf_encode(&st->argument.ifconf, &c->arena.allocator, &rep->value);
	return st->row->writes
		? ioctl_encode(st->row, &st->argument, &c->arena.allocator, &rep->value) : 0;
}
