/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "front/front.h"
#include "identity/account.h"
#include "identity/peer.h"

enum { BACKLOG = 4096, ACCEPTS_AT_ONCE = 64 };
static const char PREFIX[] = "unix:";

static int parse(const char *address, struct sockaddr_un *sun, char *error, size_t size)
{
	size_t n = strlen(PREFIX);

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strncmp(address, PREFIX, n) != 0 || address[n] != '/') {
		snprintf(error, size, "cannot listen on '%s': write unix:/absolute/path", address);
		return -EINVAL;
	}
	if (strlen(address + n) >= sizeof(sun->sun_path)) {
		snprintf(error, size, "cannot listen on '%s': a socket's path has at most %zu bytes",
			 address, sizeof(sun->sun_path) - 1);
		return -EINVAL;
	}
	strcpy(sun->sun_path, address + n);
	return 0;
}

/* Is a broker there that answers? */
static bool is_alive(const struct sockaddr_un *sun)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
			   errno != ECONNREFUSED);
}

static int bind_replacing(int fd, const struct sockaddr_un *sun)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return 0;
	if (errno != EADDRINUSE || lstat(sun->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || is_alive(sun) || unlink(sun->sun_path) < 0)
		return -EADDRINUSE;
	return bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 ? -errno : 0;
}

int listener_open(struct listener *l, const char *address, unsigned mode, char *error, size_t size)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un sun;
	struct stat st;
	int r = parse(address, &sun, error, size);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_replacing(fd, &sun);
	if (r == -EADDRINUSE) {
		snprintf(error, size, "cannot listen on '%s': another broker does, or it is not a socket", address);
		return r;
	}
	if (r == 0 && (chmod(sun.sun_path, (mode_t)mode) < 0 || stat(sun.sun_path, &st) < 0 ||
		       listen(fd, BACKLOG) < 0))
		r = -errno;
	if (r < 0) {
		snprintf(error, size, "cannot listen on '%s': %s", address, strerror(-r));
		return r;
	}
	*l = (struct listener){ .fd = fd, .spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .path = address + strlen(PREFIX),
				.dev = st.st_dev, .ino = st.st_ino };
	(void)take_fd(&fd);
	return 0;
}

void listener_close(struct listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	close(l->fd);
	close(l->spare_fd);
	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);
	l->fd = -1;
}

/* Refusals are rare enough to be told one by one, and frequent enough to need a
 * limit, when somebody insists. */
static void refuse(const struct peer *peer, const char *why)
{
	static struct log_limit limit = { .per_second = 5 };
	unsigned dropped;

	if (log_may(&limit, &dropped))
		log_line(LOG_LEVEL_WARNING, "refused a connection: user %u, process %d: %s",
			 peer ? (unsigned)peer->subject.uid : 0, peer ? (int)peer->pid : 0, why);
}

/* Takes @fd. */
static void admit(struct front *front, const struct policy *policy, int fd)
{
	_cleanup_close_ int owned = fd;
	struct account *account;
	struct peer *peer;

	if (peer_identify(fd, &peer) < 0) {
		refuse(NULL, "the kernel does not say who it is");
		return;
	}
	account = account_get(peer->subject.uid);
	if (!account || !account_take(&account->connections, 1,
				      policy_limits(policy, &peer->subject).connections)) {
		refuse(peer, "too many connections of this user");
		account_put(account);
	} else if (front_add(front, take_fd(&owned), peer, account) < 0) {
		refuse(peer, "memory or descriptors are out");
	}
	peer_unref(peer);
}

/* Without a descriptor to accept with, the caller would stand at the door for
 * ever, and we would be woken for ever: the spare one lets it in, and out. */
static void turn_away(struct listener *l)
{
	close(l->spare_fd);
	close_fd(&(int){ accept4(l->fd, NULL, NULL, SOCK_CLOEXEC) });
	l->spare_fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
	refuse(NULL, "descriptors are out");
}

void listener_accept(struct listener *l, struct front *front, const struct policy *policy)
{
	/* Less, if net.core.wmem_max says so. A message of bulk data then leaves at once. */
	const int send_bytes = 1 << 20;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			turn_away(l);
		if (fd < 0)
			return;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
		admit(front, policy, fd);
	}
}
