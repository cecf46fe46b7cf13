/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"

enum { PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) + 1 };

bool is_unix_path(const struct sock_addr *a)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&a->ss;

	return a->ss.ss_family == AF_UNIX && a->len > offsetof(struct sockaddr_un, sun_path) &&
	       sun->sun_path[0] != '\0';
}

static void copy_path(const struct sock_addr *a, char path[PATH_BYTES])
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&a->ss;
	size_t n = a->len - offsetof(struct sockaddr_un, sun_path);

	memcpy(path, sun->sun_path, n);
	path[n] = '\0';
}

static int open_no_links(const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int unix_path_pin(const struct sock_addr *a, struct sock_addr *ret)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un *sun = (struct sockaddr_un *)&ret->ss;
	char path[PATH_BYTES];
	struct stat st;

	copy_path(a, path);
	fd = open_no_links(path, 0);
	if (fd < 0)
		return fd == -ELOOP ? -EACCES : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EACCES; /* O_PATH opens the link itself */
	if (!S_ISSOCK(st.st_mode))
		return -ECONNREFUSED;

	*ret = (struct sock_addr){ .len = sizeof(*sun) };
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d", fd);
	return take_fd(&fd);
}

/* The folder of @path, with the promise that no link is on the way. */
static int open_folder(const char *path)
{
	char folder[PATH_BYTES];
	const char *slash = strrchr(path, '/');

	if (!slash)
		return -EACCES;
	snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return open_no_links(folder, O_DIRECTORY);
}

/* A thread's umask is its own after unshare(2), so no other thread's files
 * are made with this one. */
static int bind_with_mode(int fd, const struct sock_addr *a, unsigned mode)
{
	static _Thread_local bool own_umask;
	int r;

	if (!own_umask && unshare(CLONE_FS) < 0)
		return -errno;
	own_umask = true;
	umask((mode_t)~mode & 0777);
	r = bind(fd, (const struct sockaddr *)&a->ss, a->len) < 0 ? -errno : 0;
	umask(0077);
	return r;
}

/* It must be bound by its real path, since that is the name that peers will
 * see; so what was made is looked at again afterwards. */
int unix_path_bind(int fd, const struct sock_addr *a, unsigned mode)
{
	_cleanup_close_ int folder = -1;
	char path[PATH_BYTES];
	struct stat by_path, by_folder;
	int r;

	copy_path(a, path);
	folder = open_folder(path);
	if (folder < 0)
		return folder == -ELOOP ? -EACCES : folder;
	r = bind_with_mode(fd, a, mode);
	if (r < 0)
		return r;
	if (fstatat(AT_FDCWD, path, &by_path, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(folder, strrchr(path, '/') + 1, &by_folder, AT_SYMLINK_NOFOLLOW) < 0 ||
	    by_path.st_ino != by_folder.st_ino || by_path.st_dev != by_folder.st_dev ||
	    !S_ISSOCK(by_path.st_mode))
		return -EACCES; /* somebody moved the folder meanwhile */
	return 0;
}
