/* SPDX-License-Identifier: Apache-2.0 */
/* ops_listen.c - operations of those who wait to be called: listen, accept. */
#include "ops/ops.h"
#include "ops/returned.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An unbound inet socket is bound to the wildcard address and some port by
 * listen(2), and its name says so already: 0.0.0.0:0. An unnamed unix socket
 * can't listen; the kernel may say so. */
int listen_intent(struct call *c)
{
	struct sock_addr *a = &c->intent.addr;

	a->len = sizeof(a->ss);
	if (getsockname(c->sock->watch.fd, (struct sockaddr *)&a->ss, &a->len) < 0)
		return -errno;
	c->intent.action = ACTION_LISTEN;
	if (a->ss.ss_family == AF_UNIX && a->len <= offsetof(struct sockaddr_un, sun_path))
		c->intent.action = ACTION_NONE;
	return 0;
}

int listen_attempt(struct call *c)
{
	return sys_result(listen(c->sock->watch.fd, REQUEST(c, Listen)->backlog));
}

/* A connection that an earlier caller did not stay to hear of. */
static struct sock *take_returned(struct sock *listener)
{
	struct returned *back;
	struct sock *s;

	if (list_empty(&listener->returned))
		return NULL;
	back = container_of(listener->returned.next, struct returned, link);
	list_remove(&back->link);
	s = back->accepted;
	free(back);
	return s;
}

static int answer_returned(struct call *c, struct sock *s)
{
	Sockbroker__V1__AcceptReply *rep = REPLY(c, Accept);
	struct sock_addr peer = { .len = sizeof(peer.ss) };
	int r = sock_publish(s, REQUEST(c, Accept)->new_handle, &rep->handle);

	if (getpeername(s->watch.fd, (struct sockaddr *)&peer.ss, &peer.len) < 0)
		peer.len = 0;
	sock_unref(s);
	return r < 0 ? r : reply_address(c, &peer, &rep->address);
}

/* AF_ALG's have no peer, and to ask for it loses them. */
static int accept_any(const struct sock *listener, struct sock_addr *peer)
{
	bool has_peer = listener->family != AF_ALG;
	int fd, r;

	if (!sock_begin_own(listener))
		return -EOPNOTSUPP;
	fd = accept4(listener->watch.fd, has_peer ? (struct sockaddr *)&peer->ss : NULL,
		     has_peer ? &peer->len : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	sock_end_own(listener);
	if (!has_peer)
		peer->len = 0;
	return r;
}

int accept_attempt(struct call *c)
{
	Sockbroker__V1__AcceptReply *rep = REPLY(c, Accept);
	uint32_t wanted = REQUEST(c, Accept)->new_handle;
	struct sock_addr peer = { .len = sizeof(peer.ss) };
	struct sock *given;
	int fd, r;

	if (sock_is_foreign(c->sock))
		return -EOPNOTSUPP;
	r = may_add_sock(c->session, wanted);
	if (r < 0)
		return r;
	given = take_returned(c->sock);
	if (given)
		return answer_returned(c, given);

	fd = accept_any(c->sock, &peer);
	if (fd < 0)
		return fd;
	r = add_sock(c, fd, c->sock, wanted, &rep->handle);
	return r < 0 ? r : reply_address(c, &peer, &rep->address);
}

void accept_undo(struct call *c)
{
	struct sock *s = handles_remove(&c->session->handles, REPLY(c, Accept)->handle);
	struct returned *back = s ? malloc(sizeof(*back)) : NULL;

	if (!s)
		return;
	s->handles--;
	if (!back) {
		sock_unref(s);
		return;
	}
	*back = (struct returned){ .accepted = s };
	list_append(&c->sock->returned, &back->link);
	sock_retry(c->sock, EPOLLIN);
}
