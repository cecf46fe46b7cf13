/* SPDX-License-Identifier: Apache-2.0 */
/* ops_control.c - control messages: what they carry for this session. */
#include "ops/ops.h"

#include <netinet/in.h> /* sctp.h wants it before */
#include <sys/socket.h>

#include <linux/sctp.h>
#include <string.h>
#include <unistd.h>

#include "call/judge.h"
#include "ops/descriptor_kind.h"
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
	sock_set_foreign(s);
	return s->watch.fd;
}

/* A file is somebody's on whatever file system: who may not have such keeps none. */
static int handle_of_fd(void *context, int fd, uint32_t *ret_handle)
{
	struct call *c = context;
	struct descriptor_kind kind;
	int r = descriptor_kind(fd, &kind);

	if (r == 0)
		r = may_add_sock(c->session, 0);
	if (r == 0 && kind.file)
		r = call_may(c, ACTION_FILES);
	if (r < 0)
		return r;
	return adopt_sock(c, fd, &(struct sock){ .file = kind.file, .family = kind.family, .type = kind.type,
					       .protocol = kind.protocol, .foreign = true,
					       .may_linger = true }, 0, ret_handle);
}

static bool handle_is_file(void *context, uint32_t handle)
{
	const struct call *c = context;
	const struct sock *s = handles_find(&c->session->handles, handle);

	return s && s->file;
}

static void close_aside(void *context, int fd)
{
	const struct call *c = context;

	crew_close(c->session->account, fd, false);
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
	const struct cmsg_rights rights = { .context = c, .owned = true, .to_handle = handle_of_fd,
					    .is_file = handle_is_file, .close_aside = close_aside };
	bool truncated = false;
	int r;

	if (!in->msg_controllen)
		return 0;
	r = cmsg_encode(in, &rights, &c->arena.allocator, ret_n, ret, &truncated);
	if (truncated)
		in->msg_flags |= MSG_CTRUNC;
	return r;
}

enum { RIGHTS_MAX = 253 }; /* as the kernel's SCM_MAX_FD */

/* ---- policy ---------------------------------------------------------------- */

/* SCTP_DSTADDRV4, SCTP_DSTADDRV6: one more address of the peer to connect to. */
static bool is_sctp_address(const Sockbroker__V1__ControlMessage *m)
{
	return m->level == IPPROTO_SCTP && (m->type == SCTP_DSTADDRV4 || m->type == SCTP_DSTADDRV6);
}

/* Its port is the one of the address that is sent to. */
static int peer_intent(struct intent *i, const Sockbroker__V1__ControlMessage *m)
{
	struct sockaddr_in6 to = { .sin6_port = 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (m->value_case != SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_OCTETS)
		return -EINVAL;
	if (i->addr.len >= sizeof(sin))
		memcpy(&to, &i->addr.ss, sizeof(sin)); /* the port stands in the same place */
	i->action = ACTION_CONNECT;
	memset(&i->addr, 0, sizeof(i->addr));
	sin.sin_port = sin6.sin6_port = to.sin6_port;
	if (m->type == SCTP_DSTADDRV4 && m->octets.len == sizeof(sin.sin_addr)) {
		memcpy(&sin.sin_addr, m->octets.data, sizeof(sin.sin_addr));
		memcpy(&i->addr.ss, &sin, sizeof(sin));
		i->addr.len = sizeof(sin);
		return 0;
	}
	if (m->type == SCTP_DSTADDRV6 && m->octets.len == sizeof(sin6.sin6_addr)) {
		memcpy(&sin6.sin6_addr, m->octets.data, sizeof(sin6.sin6_addr));
		memcpy(&i->addr.ss, &sin6, sizeof(sin6));
		i->addr.len = sizeof(sin6);
		return 0;
	}
	return -EINVAL;
}

/* One more, like the call's own; NULL: memory is out. There is room up to the next power of two. */
static struct intent *also_add(struct call *c)
{
	size_t n = c->n_also;

	if ((n & (n - 1)) == 0) {
		struct intent *more = arena_alloc(&c->arena, (n ? 2 * n : 1) * sizeof(*more));

		if (!more)
			return NULL;
		if (n)
			memcpy(more, c->also, n * sizeof(*more));
		c->also = more;
	}
	c->also[c->n_also++] = c->intent;
	return &c->also[n];
}

static int add_intent(struct call *c, const Sockbroker__V1__ControlMessage *m)
{
	struct intent *i = also_add(c);

	if (!i)
		return -ENOMEM;
	i->action = ACTION_OPTION;
	i->level = m->level;
	i->name = m->type;
	if (m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_INTEGER)
		i->value = m->integer->value;
	if (is_sctp_address(m))
		return peer_intent(i, m);
	return 0;
}

/* At the other levels a message's number is not an option's. */
static bool sets_option(const Sockbroker__V1__ControlMessage *m)
{
	const struct sockopt *row;

	if (m->level != SOL_SOCKET && m->level != IPPROTO_IP && m->level != IPPROTO_IPV6)
		return false;
	row = sockopt_find(m->level, m->type);
	return row && row->named;
}

/* As with those before; to spare most of many of a kind. */
static bool is_asked(const struct call *c, const struct sock *s)
{
	enum { LAST = 8 };

	for (size_t i = c->n_also; i > 0 && c->n_also - i < LAST; i--) {
		const struct intent *in = &c->also[i - 1];

		if (in->action == ACTION_DIRECT && in->family == s->family &&
		    in->type == s->type && in->protocol == s->protocol)
			return true;
	}
	return false;
}

/* Whoever receives a socket gets its descriptor, unless it is the broker again; who that is
 * cannot be told. So the sender must be one who may have it: `direct`. */
static int rights_intents(struct call *c, const Sockbroker__V1__ControlMessage *m)
{
	const Sockbroker__V1__ControlMessage__Rights *rights =
		m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS ? m->rights : NULL;

	if (rights && rights->n_handles > RIGHTS_MAX)
		return -EINVAL;
	for (size_t i = 0; rights && i < rights->n_handles; i++) {
		const struct sock *s = handles_find(&c->session->handles, rights->handles[i]);
		struct intent *in;

		if (!s || s->file || is_asked(c, s))
			continue; /* no handle, which is told later; or a file, whose giver was asked */
		in = also_add(c);
		if (!in)
			return -ENOMEM;
		*in = (struct intent){ .action = ACTION_DIRECT, .family = s->family, .type = s->type,
				       .protocol = s->protocol };
	}
	return 0;
}

/* An option set for one datagram needs the rule that the option needs. Whoever
 * could say who sent it would be believed: credentials are not the client's to
 * write. */
int control_intents(struct call *c, Sockbroker__V1__ControlMessage *const *messages, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const Sockbroker__V1__ControlMessage *m = messages[i];
		int r = 0;

		if (m->level == SOL_SOCKET && m->type == SCM_CREDENTIALS)
			return -EPERM;
		if (m->level == SOL_SOCKET && m->type == SCM_RIGHTS) /* the number is SO_DEBUG's */
			r = rights_intents(c, m);
		else if (sets_option(m) || is_sctp_address(m))
			r = add_intent(c, m);
		if (r < 0)
			return r;
	}
	return 0;
}
