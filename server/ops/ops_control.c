/* SPDX-License-Identifier: Apache-2.0 */
/* ops_control.c - control messages: what they carry for this session. */
#include "ops/ops.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/cmsg.h"
#include "wire/sockopt.h"

/* ---- SCM_RIGHTS: handles <-> descriptors --------------------------------- */

/* From here on others may hold the description: see sock->foreign. */
static int fd_of_handle(void *context, uint32_t handle)
{
	struct call *c = context;
	struct sock *s = handles_find(&c->session->handles, handle);
	struct passing *p = s ? arena_alloc(&c->arena, sizeof(*p)) : NULL;

	if (!p)
		return s ? -ENOMEM : -EBADF;
	*p = (struct passing){ .next = c->passing, .sock = sock_ref(s) };
	c->passing = p;
	s->foreign = true;
	return s->watch.fd;
}

static int int_option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static int handle_of_fd(void *context, int fd, uint32_t *ret_handle)
{
	struct call *c = context;
	struct sock like = { .family = int_option(fd, SO_DOMAIN), .foreign = true,
			     .may_linger = true };
	int r = may_add_sock(c->session, 0);

	if (like.family < 0)
		return -ENOTSOCK;
	if (r < 0)
		return r;
	like.type = int_option(fd, SO_TYPE);
	like.protocol = int_option(fd, SO_PROTOCOL);
	return add_sock(c, fd, &like, 0, ret_handle);
}

/* ---- both ways ------------------------------------------------------------ */

int control_decode(struct call *c, Sockbroker__V1__ControlMessage *const *messages, size_t n,
		   struct msghdr *out)
{
	const struct cmsg_rights rights = { .context = c, .to_fd = fd_of_handle };
	size_t space = cmsg_space(messages, n);

	out->msg_control = NULL;
	out->msg_controllen = 0;
	if (!n)
		return 0;
	if (space > CONTROL_BYTES_MAX)
		return -ENOBUFS;
	out->msg_control = arena_zalloc(&c->arena, space);
	if (!out->msg_control)
		return -ENOMEM;
	out->msg_controllen = space;
	return cmsg_decode(messages, n, &rights, out);
}

int control_encode(struct call *c, struct msghdr *in, size_t *ret_n,
		   Sockbroker__V1__ControlMessage ***ret)
{
	const struct cmsg_rights rights = { .context = c, .owned = true, .to_handle = handle_of_fd };
	bool truncated = false;
	int r;

	if (!in->msg_controllen)
		return 0;
	r = cmsg_encode(in, &rights, &c->arena.allocator, ret_n, ret, &truncated);
	if (truncated)
		in->msg_flags |= MSG_CTRUNC;
	return r;
}

/* ---- policy ---------------------------------------------------------------- */

static int add_intent(struct call *c, const Sockbroker__V1__ControlMessage *m, size_t room)
{
	struct intent *i;

	if (!c->also) {
		c->also = arena_zalloc(&c->arena, room * sizeof(*c->also));
		if (!c->also)
			return -ENOMEM;
	}
	i = &c->also[c->n_also++];
	*i = c->intent;
	i->action = ACTION_OPTION;
	i->level = m->level;
	i->name = m->type;
	if (m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_INTEGER)
		i->value = m->integer->value;
	return 0;
}

/* An option set for one datagram needs the rule that the option needs. Whoever
 * could say who sent it would be believed: credentials are not the client's to
 * write. */
int control_intents(struct call *c, Sockbroker__V1__ControlMessage *const *messages, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const Sockbroker__V1__ControlMessage *m = messages[i];
		const struct sockopt *row = sockopt_find(m->level, m->type);
		int r = 0;

		if (m->level == SOL_SOCKET && m->type == SCM_CREDENTIALS)
			return -EPERM;
		if (m->level == SOL_SOCKET && m->type == SCM_RIGHTS)
			continue; /* the number is SO_DEBUG's */
		if (row && row->named)
			r = add_intent(c, m, n);
		if (r < 0)
			return r;
	}
	return 0;
}
