/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../command.h"
#include "filter.h"
#include "run.h"

/* What the two say to each other; read(2) and write(2) alone, since no filter traps them. */
struct order {
	bool all, netlink;
};

static bool tell(int channel, const void *what, size_t size)
{
	return write(channel, what, size) == (ssize_t)size;
}

static bool hear(int channel, void *what, size_t size)
{
	ssize_t n;

	do
		n = read(channel, what, size);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size;
}

/* execvp(3) says EACCES also if a folder of PATH may not be searched. */
static bool is_in_path(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	for (; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(at, ":"), at, name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* In the child: as a shell says it. */
static _Noreturn void execute(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	if (error == EACCES && !strchr(argv[0], '/') && !is_in_path(argv[0]))
		error = ENOENT;
	if (error == ENOENT && !strchr(argv[0], '/'))
		fail("%s: there is no such command", argv[0]);
	else
		fail("cannot execute %s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT_EXECUTE);
}

static _Noreturn void become(int channel, char **argv, const sigset_t *mask)
{
	struct sock_fprog program;
	struct order order;
	int listener;
	char go;

	if (!hear(channel, &order, sizeof(order)))
		_exit(RUN_FAILED);
	listener = filter_make(order.all, order.netlink, &program);
	if (listener == 0)
		listener = filter_install(&program);
	if (!tell(channel, &listener, sizeof(listener)) || listener < 0 ||
	    !hear(channel, &go, sizeof(go)))
		_exit(RUN_FAILED);
	close(listener);
	close(channel);
	filter_free(&program);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execute(argv);
}

/* Above the three that belong to the program, even if it has been given fewer. */
static int channel_make(int ret[2])
{
	int pair[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ret[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (ret[i] < 0)
			r = -errno;
	}
	close(pair[0]);
	close(pair[1]);
	if (r < 0) {
		close(ret[0]);
		close(ret[1]);
	}
	return r;
}

int child_start(char **argv, const sigset_t *mask, struct child *ret)
{
	int channel[2] = { -1, -1 };
	int r = channel_make(channel);

	if (r < 0)
		return r;
	ret->pid = fork();
	if (ret->pid == 0) {
		close(channel[0]);
		become(channel[1], argv, mask);
	}
	r = ret->pid < 0 ? -errno : 0;
	close(channel[1]);
	ret->channel = channel[0];
	if (r < 0)
		close(channel[0]);
	return r;
}

int child_listen(const struct child *child, bool all, bool netlink)
{
	const struct order order = { .all = all, .netlink = netlink };
	int process, listener, r;

	if (!tell(child->channel, &order, sizeof(order)) ||
	    !hear(child->channel, &listener, sizeof(listener)))
		return -ECHILD;
	if (listener < 0)
		return listener;
	process = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (process < 0)
		return -errno;
	r = (int)syscall(SYS_pidfd_getfd, process, listener, 0);
	r = r < 0 ? -errno : r;
	close(process);
	return r;
}

void child_go(struct child *child)
{
	(void)tell(child->channel, "", 1);
	close(child->channel);
	child->channel = -1;
}

void child_cancel(struct child *child)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
