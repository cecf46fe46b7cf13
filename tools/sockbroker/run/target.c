/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* PIDFD_THREAD, since Linux 6.9: for a thread, whose descriptors may be its own. */
static const unsigned int THREAD = O_EXCL;

int target_read(pid_t tid, uint64_t at, void *buffer, size_t size)
{
	const struct iovec here = { buffer, size }, there = { (void *)(uintptr_t)at, size };
	const ssize_t n = size ? process_vm_readv(tid, &here, 1, &there, 1, 0) : 0;

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

int target_write(pid_t tid, uint64_t at, const void *buffer, size_t size)
{
	const struct iovec here = { (void *)(uintptr_t)buffer, size },
			   there = { (void *)(uintptr_t)at, size };
	const ssize_t n = size ? process_vm_writev(tid, &here, 1, &there, 1, 0) : 0;

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

int target_read_address(pid_t tid, uint64_t at, int length, struct sock_addr *ret)
{
	if (length < 0 || (size_t)length > sizeof(ret->ss))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->len = (socklen_t)length;
	return target_read(tid, at, &ret->ss, (size_t)length);
}

static int process_open(pid_t tid)
{
	struct target_status status;
	int fd = (int)syscall(SYS_pidfd_open, tid, THREAD);
	int r;

	if (fd >= 0)
		return fd;
	if (errno != EINVAL)
		return -errno;
	/* An older kernel. Threads of a process share their descriptors, nearly always. */
	r = target_status(tid, &status);
	if (r < 0)
		return r;
	fd = (int)syscall(SYS_pidfd_open, status.tgid, 0);
	return fd < 0 ? -errno : fd;
}

int target_descriptor(pid_t tid, int fd)
{
	const int process = process_open(tid);
	int r;

	if (process < 0)
		return process;
	r = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	if (r < 0)
		r = -errno;
	close(process);
	return r;
}

/* Reads a small file of /proc; returns its length, always terminated, or -errno. */
static ssize_t proc_read(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	else
		text[n] = '\0';
	close(fd);
	return n;
}

/* The number behind "\nNAME:"; of several, the last. */
static uint64_t field(const char *text, const char *name, int base)
{
	const char *at = strstr(text, name);
	uint64_t value = 0;
	char *end;

	if (!at)
		return 0;
	at += strlen(name);
	for (;;) {
		const uint64_t next = strtoull(at, &end, base);

		if (end == at)
			return value;
		value = next;
		at = end;
		if (*at == '\n')
			return value;
	}
}

int target_status(pid_t tid, struct target_status *ret)
{
	/* Groups: may be 64 Ki of numbers; all but Tgid and NSpid come behind it. */
	enum { BYTES = 16384 };
	char *text = malloc(BYTES);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = proc_read(tid, "status", text, BYTES);
	if (n >= 0) {
		ret->tgid = (pid_t)field(text, "\nTgid:", 10);
		ret->own_tgid = (pid_t)field(text, "\nNStgid:", 10);
		ret->threads = (int)field(text, "\nThreads:", 10);
		ret->pending = field(text, "\nSigPnd:", 16);
		ret->shared_pending = field(text, "\nShdPnd:", 16);
		ret->blocked = field(text, "\nSigBlk:", 16);
		ret->ignored = field(text, "\nSigIgn:", 16);
		ret->capabilities = field(text, "\nCapEff:", 16);
	}
	free(text);
	return n < 0 ? (int)n : 0;
}

static bool same_namespace(pid_t tid, const char *name)
{
	char ours[64], its[64];
	struct stat a, b;

	snprintf(ours, sizeof(ours), "/proc/thread-self/ns/%s", name);
	snprintf(its, sizeof(its), "/proc/%d/ns/%s", tid, name);
	return stat(ours, &a) == 0 && stat(its, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

bool target_has_privilege(pid_t tid)
{
	const uint64_t network = 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN |
				 1ull << CAP_NET_BIND_SERVICE;
	struct target_status status;

	if (target_status(tid, &status) < 0 || !(status.capabilities & network))
		return false;
	/* Root of a user namespace alone has no rights in a network that it did not make. */
	return same_namespace(tid, "user") || !same_namespace(tid, "net");
}

const char *target_name(pid_t tid, char name[TARGET_NAME_BYTES])
{
	if (proc_read(tid, "comm", name, TARGET_NAME_BYTES) < 0)
		strcpy(name, "?");
	name[strcspn(name, "\n")] = '\0';
	for (char *at = name; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return name;
}
