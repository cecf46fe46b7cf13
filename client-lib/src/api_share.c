/* SPDX-License-Identifier: Apache-2.0 */
/* api_share.c - sockets that pass to another process: sb_share(), sb_fromshare(). */
#include <errno.h>
#include <string.h>

#include "api.h"
#include "api_life.h"
#include "broker.h"
#include "fork.h"
#include "sockbroker.h"

static int share_call(struct sb_sock *s, pid_t pid, char *token)
{
	Sockbroker__V1__ShareRequest request = SOCKBROKER__V1__SHARE_REQUEST__INIT;
	const Sockbroker__V1__ShareReply *got;
	struct reply reply;
	int r;

	request.pid = pid;
	reply_init(&reply);
	r = api_call(s, &request.base, &request.handle, &reply);
	if (r == 0) {
		got = (const Sockbroker__V1__ShareReply *)reply.message;
		r = strlen(got->token) < SB_SHARE_BYTES ? 0 : -EPROTO;
	}
	if (r == 0)
		strcpy(token, got->token);
	reply_free(&reply);
	return r;
}

int sb_share(int fd, pid_t pid, char token[SB_SHARE_BYTES])
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	return (int)api_done(__func__, s, token ? share_call(s, pid, token) : -EFAULT);
}

/* A file of somebody who does without this library: there is no stand-in for one. */
static int no_socket(struct standin *standin, const struct sock_birth *birth)
{
	standin_drop(standin);
	(void)handle_close(birth->broker, birth->handle);
	return -ENOTSOCK;
}

static int take(struct sb_broker *b, const char *token, int flags)
{
	Sockbroker__V1__FromShareRequest request = SOCKBROKER__V1__FROM_SHARE_REQUEST__INIT;
	struct sock_birth birth = { .broker = b, .timeout_ns = -1, .nonblocking = flags & SOCK_NONBLOCK };
	const Sockbroker__V1__FromShareReply *got;
	struct standin standin;
	struct reply reply;
	int r = standin_make(&standin, 0);

	if (r < 0)
		return r;
	request.token = (char *)(uintptr_t)token;
	reply_init(&reply);
	r = rpc_call(b, &request.base, &reply);
	if (r < 0) {
		standin_drop(&standin);
	} else {
		got = (const Sockbroker__V1__FromShareReply *)reply.message;
		birth.handle = got->handle;
		birth.type = got->type;
		birth.family = got->family;
		r = got->family ? api_adopt(&standin, &birth) : no_socket(&standin, &birth);
	}
	reply_free(&reply);
	return r;
}

int api_ticket_adopt(const char *call, struct sb_broker *b, const char *ticket, int flags)
{
	const int r = take(b, ticket, flags);

	return (int)error_return(call, rpc_has_ended(b) ? ERROR_GONE : ERROR_BROKER, r);
}

int sb_fromshare_at(sb_broker *given, const char *token, int flags)
{
	static const char call[] = "sb_fromshare";
	struct sb_broker *b;
	int r;

	if (!token)
		return (int)api_local(call, -EFAULT);
	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (int)api_local(call, -EINVAL);
	r = api_broker(call, given, &b);
	if (r < 0)
		return r;
	r = api_ticket_adopt(call, b, token, flags);
	rpc_unref(b);
	return r;
}

int sb_fromshare(const char *token, int flags)
{
	return sb_fromshare_at(NULL, token, flags);
}
