/* SPDX-License-Identifier: Apache-2.0 */
#include "tickets/given.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/clock.h"
#include "ops/descriptor_kind.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

static uint64_t timeout_ns(int fd, int name)
{
	struct timeval t = { 0 };
	socklen_t len = sizeof(t);

	if (getsockopt(fd, SOL_SOCKET, name, &t, &len) < 0)
		return 0;
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * 1000;
}

static bool netns_of(int fd, uint64_t *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) == 0;
}

/* What is ours is what a new socket of ours is of. A kernel that cannot tell: none is. */
static bool in_our_netns(int fd)
{
	uint64_t of_it, ours;
	const int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool known = own >= 0 && netns_of(own, &ours) && netns_of(fd, &of_it);

	if (own >= 0)
		close(own);
	return known && of_it == ours;
}

int given_look(int fd, struct offer *ret)
{
	struct descriptor_kind kind;
	int r = descriptor_kind(fd, &kind);

	if (r < 0)
		return r;
	if (kind.family == AF_UNIX)
		return -EOPNOTSUPP;
	if (!kind.file && !in_our_netns(fd))
		return -EXDEV;
	ret->file = kind.file;
	ret->family = kind.family;
	ret->type = kind.type;
	ret->protocol = kind.protocol;
	if (kind.file)
		return 0;
	ret->receive_timeout_ns = timeout_ns(fd, SO_RCVTIMEO);
	ret->send_timeout_ns = timeout_ns(fd, SO_SNDTIMEO);
	return 0;
}
