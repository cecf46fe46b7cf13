/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/peer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5; not in Debian 12's headers */
#endif

/* SO_PEERGROUPS says ERANGE and the size it needs. */
static int groups_size(int fd, socklen_t *ret_bytes)
{
	gid_t none;
	socklen_t len = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &none, &len) < 0 && errno != ERANGE)
		return -errno;
	*ret_bytes = len;
	return 0;
}

static int peer_pidfd(int fd)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
		return -1;
	return pidfd;
}

/* In a user namespace that does not map everybody, the kernel shows all
 * strangers as one user, the overflow uid: it is nobody's identity. */
static bool everybody_is_mapped(void)
{
	static const unsigned long long ALL = 4294967295ULL;
	unsigned long long inside, outside, length;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool mapped = f && fscanf(f, "%llu %llu %llu", &inside, &outside, &length) == 3 &&
		      inside == 0 && outside == 0 && length == ALL;

	if (f)
		fclose(f);
	return mapped;
}

static uid_t overflow_uid(void)
{
	unsigned uid = 65534;
	FILE *f = fopen("/proc/sys/kernel/overflowuid", "re");

	if (f && fscanf(f, "%u", &uid) != 1)
		uid = 65534;
	if (f)
		fclose(f);
	return (uid_t)uid;
}

int peer_identify(int fd, struct peer **ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred), bytes;
	struct peer *p;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	/* What the kernel says of a process outside its pid or user namespace. */
	if (cred.uid == (uid_t)-1 || (cred.uid == overflow_uid() && !everybody_is_mapped()))
		return -EACCES;
	r = groups_size(fd, &bytes);
	if (r < 0)
		return r;

	p = calloc(1, sizeof(*p) + bytes);
	if (!p)
		return -ENOMEM;
	if (bytes && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &bytes) < 0) {
		r = -errno;
		free(p);
		return r;
	}
	atomic_init(&p->refs, 1);
	p->pid = cred.pid;
	p->pidfd = peer_pidfd(fd);
	p->subject = (struct subject){ .uid = cred.uid, .gid = cred.gid, .groups = p->groups,
				       .n_groups = bytes / sizeof(gid_t) };
	*ret = p;
	return 0;
}

struct peer *peer_ref(struct peer *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

struct peer *peer_unref(struct peer *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	if (p->pidfd >= 0)
		close(p->pidfd);
	free(p);
	return NULL;
}
