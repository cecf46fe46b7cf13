/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct_rights.c - descriptors in the messages of real sockets, which the kernel carries.
 *
 * A real one travels as it is. A stand-in is only the end of a socketpair: what is sent is the
 * real descriptor of its socket, if the policy gives it out. What arrives are real ones.
 */
#include "direct.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data.h"
#include "sockbroker.h"

bool direct_carries_rights(struct sb_sock *s)
{
	return sock_ask(s, SO_DOMAIN, &s->family) == AF_UNIX;
}

static bool is_rights(const struct cmsghdr *c)
{
	return c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(0);
}

/* The descriptors in @c, each aligned as the kernel has them. */
static int *fds_of(struct cmsghdr *c, size_t *ret_n)
{
	*ret_n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	return (int *)(void *)CMSG_DATA(c);
}

static int replace(struct outgoing_rights *o, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int real;

		if (!table_has(fds[i]))
			continue;
		real = sb_fileno_direct(fds[i]);
		if (real < 0)
			return -errno;
		o->fds[o->n++] = fds[i] = real;
	}
	return 0;
}

int direct_rights_take(const struct msghdr *msg, struct outgoing_rights *o)
{
	int r = 0;

	*o = (struct outgoing_rights){ .msg = *msg };
	/* Let the kernel see for itself what makes no sense. */
	if (!msg->msg_control || msg->msg_controllen > INT_MAX)
		return 0;
	o->control = malloc(msg->msg_controllen);
	o->fds = malloc(msg->msg_controllen);
	if (!o->control || !o->fds)
		return -ENOMEM;
	o->msg.msg_control = memcpy(o->control, msg->msg_control, msg->msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&o->msg); c && r == 0; c = CMSG_NXTHDR(&o->msg, c)) {
		size_t n;
		int *fds;

		if (!is_rights(c) || c->cmsg_len > msg->msg_controllen - (size_t)((char *)c - (char *)o->control))
			continue;
		fds = fds_of(c, &n);
		r = replace(o, fds, n);
	}
	return r;
}

void direct_rights_end(struct outgoing_rights *o)
{
	for (size_t i = 0; i < o->n; i++)
		close(o->fds[i]);
	free(o->fds);
	free(o->control);
}

void direct_rights_give(const struct sb_sock *s, const struct msghdr *msg)
{
	const struct sock_birth birth = { .broker = s->broker, .timeout_ns = -1 };

	for (struct cmsghdr *c = msg->msg_control ? CMSG_FIRSTHDR(msg) : NULL; c;
	     c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)msg, c)) {
		size_t n;
		int *fds;

		if (!is_rights(c))
			continue;
		fds = fds_of(c, &n);
		for (size_t i = 0; i < n; i++)
			if (direct_look(fds[i]) == 0)
				(void)table_add_real(fds[i], &birth);
	}
}
