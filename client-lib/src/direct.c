/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct.c - how real sockets come to be, and how the broker does what this process may not.
 *
 *   made      Socket ─ GetDescriptor{release} in one message; the ticket is exchanged for
 *             the descriptor, and the broker has nothing left of it
 *   lent      the descriptor is given to the broker for a ticket; then in one message
 *             FromShare ─ the request ─ Close
 */
#include "direct.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "api_life.h"
#include "descriptors.h"
#include "fork.h"

/*
 * Names of AF_UNIX are paths, which the broker opens with its own authority in its own file system, and
 * it takes back no socket of that family. Whether a message of netlink needs a privilege only the
 * answer to it says. Those stay at the broker.
 */
static bool family_stays(int family)
{
	return family == AF_UNIX || family == AF_NETLINK;
}

bool direct_is_wanted(struct sb_broker *b, int family)
{
	return rpc_is_direct(b) && !family_stays(family) && descriptor_ready(b) == 0;
}

/* The descriptor was the broker's till now, whose are all non-blocking. */
static int take(const char *ticket, const struct sock_birth *birth)
{
	const int fd = descriptor_take(birth->broker, ticket);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETFL, birth->nonblocking ? O_NONBLOCK : 0) < 0) {
		close(fd);
		return -EIO;
	}
	return table_add_real(fd, birth);
}

/* What GetDescriptor said. */
static int take_reply(const struct reply *reply, const struct sock_birth *birth)
{
	return take(((const Sockbroker__V1__GetDescriptorReply *)reply->message)->ticket, birth);
}

static int adopt_standin(const struct sock_birth *birth)
{
	struct standin standin;
	const int r = standin_make(&standin, 0);

	if (r == 0)
		return api_adopt(&standin, birth);
	(void)handle_close(birth->broker, birth->handle);
	return r;
}

int direct_socket(Sockbroker__V1__SocketRequest *make, struct sock_birth *birth)
{
	Sockbroker__V1__GetDescriptorRequest get = SOCKBROKER__V1__GET_DESCRIPTOR_REQUEST__INIT;
	struct reply reply;
	struct rpc_step steps[] = {
		{ .request = &make->base },
		{ .request = &get.base, .linked = true, .out = &reply },
	};
	int r;

	get.release = true;
	reply_init(&reply);
	do {
		/* One that is taken, after two thousand million others, is passed over. */
		birth->handle = make->new_handle = get.handle = rpc_new_handle(birth->broker);
		rpc_call_steps(birth->broker, steps, 2);
	} while (steps[0].error == -EEXIST);
	r = steps[0].error;
	if (r == 0)
		r = steps[1].error ? adopt_standin(birth) : take_reply(&reply, birth);
	reply_free(&reply);
	return r;
}

int direct_adopt(struct standin *standin, const struct sock_birth *birth)
{
	Sockbroker__V1__GetDescriptorRequest get = SOCKBROKER__V1__GET_DESCRIPTOR_REQUEST__INIT;
	struct reply reply;
	int r;

	if (!direct_is_wanted(birth->broker, birth->family))
		return api_adopt(standin, birth);
	get.handle = birth->handle;
	get.release = true;
	reply_init(&reply);
	if (rpc_call(birth->broker, &get.base, &reply) < 0) {
		r = api_adopt(standin, birth);
	} else {
		/* Its number is the lowest that is free, and is to be so again. */
		standin_drop(standin);
		r = take_reply(&reply, birth);
	}
	reply_free(&reply);
	return r;
}

int direct_dup(const struct sb_sock *s, int at_least)
{
	const struct sock_birth birth = { .broker = s->broker, .type = s->type, .family = s->family,
					  .timeout_ns = s->timeout_ns };
	const int fd = fcntl(s->real, F_DUPFD_CLOEXEC, at_least);

	return fd < 0 ? -errno : table_add_real(fd, &birth);
}

int direct_option(const struct sb_sock *s, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	(void)getsockopt(s->real, SOL_SOCKET, name, &value, &len);
	return value;
}

int direct_look(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return (int)native(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
}

int direct_call(const struct sb_sock *s, const ProtobufCMessage *request, uint32_t *handle,
		struct reply *out)
{
	Sockbroker__V1__FromShareRequest lend = SOCKBROKER__V1__FROM_SHARE_REQUEST__INIT;
	Sockbroker__V1__CloseRequest close = SOCKBROKER__V1__CLOSE_REQUEST__INIT;
	struct rpc_step steps[] = {
		{ .request = &lend.base },
		{ .request = request, .linked = true, .out = out },
		{ .request = &close.base },
	};
	char ticket[SB_SHARE_BYTES];
	int r;

	if (fork_is_child())
		return -EBADF;
	r = descriptor_give(s->broker, s->real, ticket);
	if (r < 0)
		return r;
	lend.token = ticket;
	*handle = lend.new_handle = close.handle = rpc_new_handle(s->broker);
	rpc_call_steps(s->broker, steps, 3);
	return steps[0].error ? steps[0].error : steps[1].error;
}
