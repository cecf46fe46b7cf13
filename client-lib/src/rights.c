/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.c - descriptors in messages. What goes to the broker are handles: a stand-in has one, and of
 * anything else of the program's (a file, a pipe, a socket of the kernel's) one is made for the message.
 *
 * What is received becomes the program's before the messages are laid out, and the numbers
 * take the handles' place: so a failure in the middle leaves nothing half done, and those that
 * found no room are known.
 */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_life.h"
#include "descriptors.h"
#include "sockbroker.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "wire/cmsg.h"

/* ---- to be sent ------------------------------------------------------------- */

struct sending {
	const struct sb_sock *sender;
	struct arena *arena;
	struct rights_given **given;
};

static int handle_of_ticket(struct sb_broker *b, const char *ticket, uint32_t *ret_handle)
{
	Sockbroker__V1__FromShareRequest request = SOCKBROKER__V1__FROM_SHARE_REQUEST__INIT;
	struct reply reply;
	int r;

	request.token = (char *)(uintptr_t)ticket;
	reply_init(&reply);
	r = rpc_call(b, &request.base, &reply);
	if (r == 0)
		*ret_handle = ((const Sockbroker__V1__FromShareReply *)reply.message)->handle;
	reply_free(&reply);
	return r;
}

static int give(const struct sending *x, int fd, uint32_t *ret_handle)
{
	struct rights_given *g = arena_alloc(x->arena, sizeof(*g));
	char ticket[SB_SHARE_BYTES];
	int r = g ? descriptor_give(x->sender->broker, fd, ticket) : -ENOMEM;

	if (r == 0)
		r = handle_of_ticket(x->sender->broker, ticket, &g->handle);
	if (r < 0)
		return r;
	g->next = *x->given;
	*x->given = g;
	*ret_handle = g->handle;
	return 0;
}

static int handle_of(void *context, int fd, uint32_t *ret_handle)
{
	const struct sending *x = context;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r == -ENOTSOCK)
		return give(x, fd, ret_handle);
	if (r < 0)
		return r;
	if (sock_is_real(s))
		r = give(x, fd, ret_handle);
	else if (s->broker != x->sender->broker)
		r = -EXDEV;
	else
		*ret_handle = s->handle;
	sock_put(s);
	return r;
}

int rights_take(const struct sb_sock *s, const struct msghdr *msg, struct arena *arena,
		struct rights_given **given, size_t *ret_n, Sockbroker__V1__ControlMessage ***ret)
{
	struct sending sending = { .sender = s, .arena = arena, .given = given };
	const struct cmsg_rights rights = { .context = &sending, .to_handle = handle_of };
	bool left_out = false;
	int r;

	if (!msg->msg_controllen)
		return 0;
	if (!msg->msg_control)
		return -EFAULT;
	r = cmsg_encode(msg, &rights, &arena->allocator, ret_n, ret, &left_out);
	return r == 0 && left_out ? -EINVAL : r;
}

/* Waited for: a pipe, for instance, has an end only when nobody holds the other one. */
void rights_close(const struct sb_sock *s, const struct rights_given *g)
{
	Sockbroker__V1__CloseRequest requests[RPC_STEPS_MAX];
	struct rpc_step steps[RPC_STEPS_MAX];

	while (g) {
		size_t n = 0;

		for (; g && n < RPC_STEPS_MAX; g = g->next, n++) {
			sockbroker__v1__close_request__init(&requests[n]);
			requests[n].handle = g->handle;
			steps[n] = (struct rpc_step){ .request = &requests[n].base };
		}
		rpc_call_steps(s->broker, steps, n);
	}
}

/* ---- received ----------------------------------------------------------------- */

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

static int adopt_socket(const struct sb_sock *s, uint32_t handle)
{
	const struct sock_birth birth = { .broker = s->broker, .handle = handle, .timeout_ns = -1 };
	struct standin standin;
	const int r = standin_make(&standin, 0);

	if (r == 0)
		return api_adopt(&standin, &birth);
	(void)handle_close(s->broker, handle);
	return r;
}

/* The broker keeps nothing of it. */
static int fetch_file(const struct sb_sock *s, uint32_t handle, int flags)
{
	Sockbroker__V1__GetDescriptorRequest request = SOCKBROKER__V1__GET_DESCRIPTOR_REQUEST__INIT;
	struct reply reply;
	int r;

	request.handle = handle;
	request.release = true;
	reply_init(&reply);
	r = rpc_call(s->broker, &request.base, &reply);
	if (r < 0)
		(void)handle_close(s->broker, handle);
	else
		r = descriptor_take(s->broker,
				    ((const Sockbroker__V1__GetDescriptorReply *)reply.message)->ticket);
	reply_free(&reply);
	/* As the kernel leaves it. */
	if (r >= 0 && !(flags & MSG_CMSG_CLOEXEC))
		(void)fcntl(r, F_SETFD, 0);
	return r;
}

/* The handles become descriptors. Returns how many did; the others are closed. */
static size_t adopt_all(const struct sb_sock *s, Rights *rights, int flags)
{
	const bool has_files = rights->n_files == rights->n_handles;
	uint32_t *handles = rights->handles;
	size_t kept = 0;

	for (size_t i = 0; i < rights->n_handles; i++) {
		const int fd = has_files && rights->files[i] ? fetch_file(s, handles[i], flags) :
							       adopt_socket(s, handles[i]);

		if (fd >= 0)
			handles[kept++] = (uint32_t)fd;
	}
	return kept;
}

static void close_kept(const Rights *rights)
{
	for (size_t i = 0; i < rights->n_handles; i++) {
		const int fd = (int)rights->handles[i];

		if (rights->handles[i] & GIVEN)
			continue;
		if (table_has(fd))
			(void)sb_close(fd);
		else
			close(fd);
	}
}

/* One message at a time, so that give_number() knows whose numbers it marks. */
static int give_one(const struct sb_sock *s, Sockbroker__V1__ControlMessage *m, int flags,
		    struct msghdr *part)
{
	struct cmsg_rights callbacks = { .to_fd = give_number };
	Rights *rights = rights_of(m);
	size_t n;
	int r;

	if (rights) {
		n = rights->n_handles;
		rights->n_handles = adopt_all(s, rights, flags);
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
		int flags, struct msghdr *msg)
{
	const size_t size = msg->msg_control ? msg->msg_controllen : 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct msghdr part = { .msg_control = (char *)msg->msg_control + used,
				       .msg_controllen = size - used };
		int r;

		if (!msg->msg_control)
			part.msg_control = NULL;
		r = give_one(s, messages[i], flags, &part);
		if (r < 0)
			return r;
		used += part.msg_controllen;
		msg->msg_flags |= part.msg_flags;
	}
	msg->msg_controllen = used;
	return 0;
}
