/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"

enum { BACKLOG = 4096 };
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
static bool is_alive(const struct sockaddr_un *sun, int type)
{
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
			   errno != ECONNREFUSED);
}

static int bind_replacing(int fd, const struct sockaddr_un *sun, int type)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return 0;
	if (errno != EADDRINUSE || lstat(sun->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || is_alive(sun, type) || unlink(sun->sun_path) < 0)
		return -EADDRINUSE;
	return bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 ? -errno : 0;
}

int door_open(struct door *d, const char *address, int type, unsigned mode, char *error, size_t size)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un sun;
	struct stat st;
	int r = parse(address, &sun, error, size);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_replacing(fd, &sun, type);
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
	*d = (struct door){ .fd = fd, .spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
			    .dev = st.st_dev, .ino = st.st_ino };
	memcpy(d->path, sun.sun_path, sizeof(d->path));
	(void)take_fd(&fd);
	return 0;
}

void door_close(struct door *d)
{
	struct stat st;

	if (d->fd < 0)
		return;
	close(d->fd);
	close(d->spare_fd);
	if (lstat(d->path, &st) == 0 && st.st_dev == d->dev && st.st_ino == d->ino)
		(void)unlink(d->path);
	d->fd = -1;
}

/* Without a descriptor to accept with, the caller would stand at the door for
 * ever, and we would be woken for ever: the spare one lets it in, and out. */
static void turn_away(struct door *d)
{
	close(d->spare_fd);
	close_fd(&(int){ accept4(d->fd, NULL, NULL, SOCK_CLOEXEC) });
	d->spare_fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
}

int door_accept(struct door *d)
{
	const int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		return fd;
	if (errno != EMFILE && errno != ENFILE)
		return -errno;
	turn_away(d);
	return -EMFILE;
}
