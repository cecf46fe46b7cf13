/* SPDX-License-Identifier: Apache-2.0 */
/* on_naming.c - bind(2) and listen(2). */
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "handlers.h"
#include "run.h"
#include "sockbroker.h"
#include "target.h"

/* To whom any name is free that the socket may have: nothing that the kernel could refuse
 * for want of a capability, or it would have refused the socket. */
static bool is_unprivileged(const struct call *c)
{
	switch (c->kind.family) {
	case AF_UNIX:
	case AF_PACKET:
	case AF_CAN:
	case AF_ALG:
		return true;
	case AF_NETLINK:
		return ((const struct sockaddr_nl *)&c->addr.ss)->nl_groups == 0;
	default:
		return false;
	}
}

/* As inet_bind() does: to no family in particular, but only for the wildcard. */
static void name_family(struct call *c)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&c->addr.ss;

	if (c->kind.family == AF_INET && c->addr.len >= sizeof(*sin) &&
	    sin->sin_family == AF_UNSPEC && sin->sin_addr.s_addr == 0)
		sin->sin_family = AF_INET;
}

/* The kernel chooses the number of the process that binds: that is to be the program's. */
static int bind_here(const struct call *c, int fd)
{
	return bind(fd, (const struct sockaddr *)&c->addr.ss, c->addr.len) < 0 ? -errno : 0;
}

/* Groups of netlink: is it allowed? On a socket of ours, since the kernel would take our
 * process's number for the program's. */
static int bind_netlink_here(const struct call *c)
{
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, c->kind.protocol);
	struct call trial = *c;
	int r;

	if (fd < 0)
		return -errno;
	((struct sockaddr_nl *)&trial.addr.ss)->nl_pid = 0;
	r = bind_here(&trial, fd);
	close(fd);
	return r;
}

static long act_bind(int standin, void *context)
{
	const struct call *c = context;

	return sb_bind(standin, (const struct sockaddr *)&c->addr.ss, c->addr.len);
}

static struct answer bind_by_broker(struct call *c, int refusal)
{
	const struct intent intent = call_intent(c, ACTION_BIND);
	struct target_status status;
	struct sockaddr_nl *netlink = (struct sockaddr_nl *)&c->addr.ss;

	if (c->kind.family == AF_NETLINK && !netlink->nl_pid &&
	    target_status(c->tid, &status) == 0)
		netlink->nl_pid = (uint32_t)status.own_tgid;
	return answer_value(broker_act(c, &intent, refusal, act_bind, c));
}

struct answer on_bind(struct call *c)
{
	int r = call_take_socket(c, 0);

	if (r == 0)
		r = target_read_address(c->tid, c->arg[1], call_int(c, 2), &c->addr);
	if (r == -EPERM) /* not to be looked into; the kernel alone decides then */
		return c->run->all ? answer_value(-EACCES) : answer_native();
	if (r < 0 || !call_is_valid(c))
		return answer_value(r < 0 ? r : -ESRCH);
	if (c->run->all && family_is_brokered(c->kind.family)) {
		name_family(c);
		r = broker_judge(c, ACTION_BIND, &c->addr);
		if (r == 0)
			r = bind_here(c, c->fd);
		return is_refusal(r) ? bind_by_broker(c, r) : answer_value(r);
	}
	if (is_unprivileged(c))
		return answer_native();
	r = c->kind.family == AF_NETLINK ? bind_netlink_here(c) : bind_here(c, c->fd);
	if (c->kind.family == AF_NETLINK && !is_refusal(r))
		return answer_native();
	if (!is_refusal(r))
		return answer_value(r);
	return target_has_privilege(c->tid) ? answer_native() : bind_by_broker(c, r);
}

/* Where the policy looks at a socket that was not bound: at its family's wildcard. */
static void bound_name(struct call *c)
{
	c->addr.len = sizeof(c->addr.ss);
	memset(&c->addr.ss, 0, sizeof(c->addr.ss));
	if (getsockname(c->fd, (struct sockaddr *)&c->addr.ss, &c->addr.len) < 0)
		c->addr.len = 0;
}

struct answer on_listen(struct call *c)
{
	int r = call_take_socket(c, 0);

	if (r < 0 || !call_is_valid(c))
		return answer_value(r < 0 ? r : -ESRCH);
	if (!family_is_brokered(c->kind.family))
		return answer_native();
	bound_name(c);
	r = broker_judge(c, ACTION_LISTEN, &c->addr);
	if (r == 0 && listen(c->fd, call_int(c, 1)) < 0)
		r = -errno;
	return answer_value(r);
}
