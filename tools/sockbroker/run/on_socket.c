/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_socket.c - socket(2). The kernel is tried first, here: the launcher has no more rights
 * than the program. What it would give, the program gets by itself. With --all the
 * families of the network are the broker's in any case.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "handlers.h"
#include "netlink.h"
#include "run.h"
#include "target.h"

enum { TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

/* What the kernel says: 0 or -errno. */
static int probe(const struct call *c)
{
	const int fd = socket(c->kind.family, call_int(c, 1) | SOCK_CLOEXEC, c->kind.protocol);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static struct answer by_broker(struct call *c, int refusal)
{
	const int type = call_int(c, 1);
	const int fd = call_is_valid(c) ? broker_socket(c, type, refusal) : -ESRCH;

	if (fd >= 0)
		return answer_descriptor(fd, type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
	return answer_value(fd);
}

/* These the kernel has, whatever it thinks of the caller. */
static bool is_plain(const struct socket_kind *kind)
{
	return (kind->family == AF_INET || kind->family == AF_INET6) && !kind->protocol &&
	       (kind->type == SOCK_STREAM || kind->type == SOCK_DGRAM);
}

/* What makes no sense has errors of its own, which say more than a refusal. */
static struct answer all_by_broker(struct call *c)
{
	const int r = is_plain(&c->kind) ? 0 : probe(c);

	return r == 0 || is_refusal(r) ? by_broker(c, -ENETDOWN) : answer_value(r);
}

struct answer on_socket(struct call *c)
{
	int r;

	c->kind = (struct socket_kind){ .family = call_int(c, 0),
					.type = call_int(c, 1) & ~TYPE_FLAGS,
					.protocol = call_int(c, 2) };
	if (c->run->all && family_is_brokered(c->kind.family))
		return all_by_broker(c);
	if (c->kind.family == AF_NETLINK)
		return netlink_is_given(c) ? by_broker(c, -EPROTONOSUPPORT) : answer_native();
	r = probe(c);
	if (!is_refusal(r) || target_has_privilege(c->tid))
		return answer_native();
	return by_broker(c, r);
}
