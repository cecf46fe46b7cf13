/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <errno.h>
#include <unistd.h>

#include "handlers.h"
#include "report.h"
#include "run.h"
#include "sockbroker.h"

/* What the library says when there is no broker, or none any more. */
static bool is_unreachable(int error)
{
	return error == EPIPE || error == ECONNREFUSED || error == ENOENT || error == EPROTO ||
	       error == ENOSYS;
}

/* What came of it: 0 or -errno. @refusal is the kernel's, if it was tried before. */
static int reported(const struct call *c, const struct intent *intent, int r, int refusal)
{
	const int error = r < 0 ? errno : 0;

	report_verdict(c, intent, is_refusal(refusal), -error, sb_error_message());
	return -error;
}

static int judged(const struct call *c, const struct intent *intent, int r, int refusal)
{
	const int error = reported(c, intent, r, refusal);

	return is_unreachable(-error) ? refusal : error;
}

int broker_socket(const struct call *c, int type, int refusal)
{
	struct intent intent = call_intent(c, ACTION_SOCKET);
	int fd, r;

	/* Socket and descriptor in one round trip. Each time: the broker may be another one by now. */
	(void)sb_set_direct(NULL, 1);
	fd = sb_socket(c->kind.family, type, c->kind.protocol);
	if (fd < 0)
		return judged(c, &intent, fd, refusal);
	r = sb_detach(fd);
	if (r >= 0) {
		(void)judged(c, &intent, 0, refusal);
		return fd;
	}
	intent.action = ACTION_DIRECT;
	r = judged(c, &intent, r, refusal);
	(void)sb_close(fd);
	return r;
}

static const int actions[ACTION_COUNT] = {
	[ACTION_BIND] = SB_ACTION_BIND,
	[ACTION_LISTEN] = SB_ACTION_LISTEN,
	[ACTION_CONNECT] = SB_ACTION_CONNECT,
	[ACTION_SEND] = SB_ACTION_SEND,
};

int broker_judge(const struct call *c, enum action action, const struct sock_addr *addr)
{
	struct intent intent = call_intent(c, action);
	int r;

	intent.addr = *addr;
	r = sb_judge(NULL, actions[action], c->kind.family, c->kind.type, c->kind.protocol,
		     (const struct sockaddr *)&addr->ss, addr->len);
	return judged(c, &intent, r, -ENETDOWN);
}

long broker_act(const struct call *c, const struct intent *intent, int refusal,
		long (*act)(int standin, void *context), void *context)
{
	const int standin = sb_fromfd(c->fd, 0);
	long r;

	if (standin < 0)
		return judged(c, intent, -1, refusal);
	r = act(standin, context);
	if (r < 0) {
		/* The broker was there just now: the others are the deed's own. */
		r = reported(c, intent, -1, refusal);
		if (r == -EPIPE)
			r = refusal;
	} else {
		(void)reported(c, intent, 0, refusal);
	}
	(void)sb_close(standin);
	return r;
}
