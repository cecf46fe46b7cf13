/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.c - received handles become stand-ins before the messages are laid
 * out, and their numbers take the handles' place: so a failure in the middle
 * leaves nothing half done, and those that found no room are known.
 */
#include "rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api_life.h"
#include "sockbroker.h"
#include "wire/cmsg.h"

static int handle_of(void *context, int fd, uint32_t *ret_handle)
{
	const struct sb_sock *sender = context;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return r;
	if (s->broker != sender->broker)
		r = -EXDEV;
	else
		*ret_handle = s->handle;
	sock_put(s);
	return r;
}

int rights_take(const struct sb_sock *s, const struct msghdr *msg, struct arena *arena,
		size_t *ret_n, Sockbroker__V1__ControlMessage ***ret)
{
	const struct cmsg_rights rights = { .context = (void *)(uintptr_t)s, .to_handle = handle_of };
	bool left_out = false;
	int r;

	if (!msg->msg_controllen)
		return 0;
	if (!msg->msg_control)
		return -EFAULT;
	r = cmsg_encode(msg, &rights, &arena->allocator, ret_n, ret, &left_out);
	return r == 0 && left_out ? -EINVAL : r;
}

typedef Sockbroker__V1__ControlMessage__Rights Rights;

static Rights *rights_of(const Sockbroker__V1__ControlMessage *m)
{
	return m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS ? m->rights : NULL;
}

/* The highest bit marks a number that has been given to the program. */
static const uint32_t GIVEN = 0x80000000u;

static int give_number(void *context, uint32_t handle)
{
	Rights *all = context;

	/* cmsg_decode() goes through each message in order. */
	for (size_t i = 0; i < all->n_handles; i++) {
		if (all->handles[i] != handle)
			continue;
		all->handles[i] |= GIVEN;
		break;
	}
	return (int)handle;
}

/* Returns how many of @n have a stand-in now; the others are closed. */
static size_t adopt_all(const struct sb_sock *s, uint32_t *handles, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sock_birth birth = { .broker = s->broker, .handle = handles[i],
						  .timeout_ns = -1 };
		struct standin standin;
		int fd = standin_make(&standin, 0);

		if (fd < 0)
			(void)handle_close(s->broker, handles[i]);
		else
			fd = api_adopt(&standin, &birth);
		if (fd >= 0)
			handles[kept++] = (uint32_t)fd;
	}
	return kept;
}

static void close_kept(const Rights *rights)
{
	for (size_t i = 0; i < rights->n_handles; i++)
		if (!(rights->handles[i] & GIVEN))
			(void)sb_close((int)rights->handles[i]);
}

/* One message at a time, so that give_number() knows whose numbers it marks. */
static int give_one(const struct sb_sock *s, Sockbroker__V1__ControlMessage *m, struct msghdr *part)
{
	struct cmsg_rights callbacks = { .to_fd = give_number };
	Rights *rights = rights_of(m);
	size_t n;
	int r;

	if (rights) {
		n = rights->n_handles;
		rights->n_handles = adopt_all(s, rights->handles, n);
		if (rights->n_handles < n)
			part->msg_flags |= MSG_CTRUNC;
		callbacks.context = rights;
	}
	r = cmsg_decode(&m, 1, &callbacks, part);
	if (rights)
		close_kept(rights);
	return r < 0 ? -EPROTO : 0;
}

int rights_give(const struct sb_sock *s, Sockbroker__V1__ControlMessage **messages, size_t n,
		struct msghdr *msg)
{
	const size_t size = msg->msg_control ? msg->msg_controllen : 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct msghdr part = { .msg_control = (char *)msg->msg_control + used,
				       .msg_controllen = size - used };
		int r;

		if (!msg->msg_control)
			part.msg_control = NULL;
		r = give_one(s, messages[i], &part);
		if (r < 0)
			return r;
		used += part.msg_controllen;
		msg->msg_flags |= part.msg_flags;
	}
	msg->msg_controllen = used;
	return 0;
}
