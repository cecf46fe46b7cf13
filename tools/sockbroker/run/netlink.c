/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "outgoing.h"
#include "report.h"
#include "sockbroker.h"
#include "target.h"

enum { PROTOCOLS = 32, KEPT_S = 10 };

/* A C library opens such a socket for every name that it looks up: a denial holds for 10 s. */
static struct {
	pthread_mutex_t lock;
	time_t denied_at[PROTOCOLS]; /* 0: never */
} denials = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool asked_lately(int protocol, time_t now)
{
	bool r;

	pthread_mutex_lock(&denials.lock);
	r = denials.denied_at[protocol] && now - denials.denied_at[protocol] < KEPT_S;
	pthread_mutex_unlock(&denials.lock);
	return r;
}

static bool ask(int protocol)
{
	struct timespec now;
	bool given;

	if (protocol < 0 || protocol >= PROTOCOLS)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &now);
	if (asked_lately(protocol, now.tv_sec + 1))
		return false;
	given = sb_judge(NULL, SB_ACTION_DIRECT, AF_NETLINK, SOCK_RAW, protocol, NULL, 0) == 0;
	pthread_mutex_lock(&denials.lock);
	denials.denied_at[protocol] = given ? 0 : now.tv_sec + 1;
	pthread_mutex_unlock(&denials.lock);
	return given;
}

bool netlink_is_of_use(void)
{
	static const int of_use[] = { NETLINK_ROUTE, NETLINK_NETFILTER, NETLINK_XFRM,
				      NETLINK_GENERIC };

	for (size_t i = 0; i < sizeof(of_use) / sizeof(of_use[0]); i++)
		if (ask(of_use[i]))
			return true;
	return false;
}

bool netlink_is_given(const struct call *c)
{
	return !target_has_privilege(c->tid) && ask(c->kind.protocol);
}

/* Its opener was the broker: what it sends may count. */
static bool is_brokers(const struct call *c)
{
	struct stat is;

	return fstat(c->fd, &is) == 0 && is.st_uid != geteuid();
}

static bool route_is_change(const struct nlmsghdr *header)
{
	enum { KINDS = 4, GET = 2 }; /* NEW, DEL, GET, SET */

	return header->nlmsg_type >= RTM_BASE && (header->nlmsg_type - RTM_BASE) % KINDS != GET;
}

/* The kernel wants a capability for it, or might. */
static bool is_change(int protocol, const void *data, size_t size)
{
	struct nlmsghdr header;

	switch (protocol) {
	case NETLINK_SOCK_DIAG:
	case NETLINK_KOBJECT_UEVENT:
	case NETLINK_USERSOCK:
	case NETLINK_FIB_LOOKUP:
		return false;
	case NETLINK_ROUTE:
		break;
	default:
		return true;
	}
	/* Several may follow one another. */
	for (const char *at = data; at && size >= sizeof(header);) {
		size_t step;

		memcpy(&header, at, sizeof(header));
		if (route_is_change(&header))
			return true;
		step = NLMSG_ALIGN((size_t)header.nlmsg_len);
		if (step < sizeof(header) || step > size)
			return false;
		at += step;
		size -= step;
	}
	return false;
}

/* To another than the kernel: that wants the capability, too, whatever is sent. */
static bool is_for_others(const struct message *m)
{
	const struct sockaddr_nl *to = (const struct sockaddr_nl *)&m->addr.ss;

	return m->addr.len >= sizeof(*to) && (to->nl_pid || to->nl_groups);
}

static long act_send(int standin, void *context)
{
	const struct call *c = context;
	struct iovec iov;
	struct msghdr header = outgoing_header(c->outgoing, 0, &iov);

	return sb_sendmsg(standin, &header, c->outgoing->flags | MSG_DONTWAIT);
}

struct answer netlink_send(struct call *c)
{
	struct outgoing *out = c->outgoing;
	const struct message *m = &out->messages[0];
	struct intent intent;
	int r;

	/* Several at once the broker does not take, and no program that is known sends. */
	if (out->many)
		return answer_native();
	r = outgoing_copy(out, 0, false);
	if (r < 0)
		return answer_value(r);
	if (!is_for_others(m) && !is_change(c->kind.protocol, m->bytes + m->control_size, m->size))
		return answer_native();
	if (target_has_privilege(c->tid))
		return answer_native();
	if (!call_is_valid(c))
		return answer_value(-ESRCH);
	c->addr = m->addr;
	intent = call_intent(c, ACTION_SEND);
	if (!is_brokers(c)) {
		report_wish(c, &intent);
		return answer_native();
	}
	return answer_value(broker_act(c, &intent, -EACCES, act_send, c));
}
