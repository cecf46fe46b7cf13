/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "outgoing.h"
#include "run.h"
#include "target.h"
#include "wire/kind.h"

struct call *call_new(struct run *run, const struct seccomp_notif *notif)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->run = run;
	c->id = notif->id;
	c->tid = (pid_t)notif->pid;
	c->nr = notif->data.nr;
	for (int i = 0; i < 6; i++)
		c->arg[i] = notif->data.args[i];
	c->fd = -1;
	return c;
}

static void let_go(struct call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void call_free(struct call *c)
{
	if (!c)
		return;
	let_go(c);
	outgoing_free(c->outgoing);
	free(c);
}

bool call_is_valid(const struct call *c)
{
	return ioctl(c->run->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) == 0;
}

static int option(int fd, int name, int *ret)
{
	socklen_t length = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, name, ret, &length) < 0 ? -errno : 0;
}

int call_take_socket(struct call *c, int i)
{
	int r = target_descriptor(c->tid, call_int(c, i));

	if (r < 0)
		return r;
	c->fd = r;
	r = option(c->fd, SO_DOMAIN, &c->kind.family);
	if (r == 0)
		r = option(c->fd, SO_TYPE, &c->kind.type);
	if (r < 0)
		return r;
	r = kind_protocol(c->fd);
	c->kind.protocol = r;
	return r < 0 ? r : 0;
}

int64_t call_send_timeout_ns(const struct call *c)
{
	struct timeval limit = { 0 };
	socklen_t length = sizeof(limit);

	if (getsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &length) < 0)
		return 0;
	return (int64_t)limit.tv_sec * 1000000000 + (int64_t)limit.tv_usec * 1000;
}

static void respond(const struct call *c, struct seccomp_notif_resp response)
{
	/* It fails only if the program has gone. */
	(void)ioctl(c->run->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/*
 * Our own descriptor is closed before the program goes on: else it could close its one, and
 * find the port taken still. The kernel can add a descriptor and answer in one step, which is
 * needed only where a signal may end the call between the two.
 */
static void give_descriptor(struct call *c, int fd, int flags)
{
	const bool at_once = !c->run->holds_signals;
	struct seccomp_notif_addfd add = {
		.id = c->id,
		.flags = at_once ? SECCOMP_ADDFD_FLAG_SEND : 0,
		.srcfd = (uint32_t)fd,
		.newfd_flags = (uint32_t)flags,
	};
	const int number = ioctl(c->run->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	const int error = number < 0 ? errno : 0; /* EMFILE: the program's limit; ENOENT: it has gone */

	close(fd);
	if (!error && !at_once)
		respond(c, (struct seccomp_notif_resp){ .id = c->id, .val = number });
	else if (error && error != ENOENT)
		respond(c, (struct seccomp_notif_resp){ .id = c->id, .error = -error });
}

void call_answer(struct call *c, struct answer answer)
{
	struct seccomp_notif_resp response = { .id = c->id };

	if (answer.kind != ANSWER_LATER)
		let_go(c);
	switch (answer.kind) {
	case ANSWER_LATER:
		return;
	case ANSWER_DESCRIPTOR:
		give_descriptor(c, (int)answer.value, answer.flags);
		return;
	case ANSWER_NATIVE:
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		break;
	case ANSWER_VALUE:
		if (answer.value < 0)
			response.error = (int)answer.value;
		else
			response.val = answer.value;
		break;
	}
	respond(c, response);
}

/* As the policy sees it: what the kernel makes of protocol 0. */
static int effective_protocol(const struct socket_kind *kind)
{
	if (kind->family == AF_PACKET)
		return ntohs((uint16_t)kind->protocol);
	if (kind->protocol || (kind->family != AF_INET && kind->family != AF_INET6))
		return kind->protocol;
	switch (kind->type) {
	case SOCK_STREAM:
		return IPPROTO_TCP;
	case SOCK_DGRAM:
		return IPPROTO_UDP;
	case SOCK_SEQPACKET:
		return IPPROTO_SCTP;
	default:
		return 0;
	}
}

struct intent call_intent(const struct call *c, enum action action)
{
	return (struct intent){
		.action = action,
		.family = c->kind.family,
		.type = c->kind.type,
		.protocol = effective_protocol(&c->kind),
		.addr = c->addr,
	};
}
