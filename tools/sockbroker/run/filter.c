/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - a table of what is trapped. The kernel looks at the lower half of an int, so we
 * do: a compiler may leave anything in the upper one.
 *
 * libseccomp makes the program; installing is ours, since it knows no WAIT_KILLABLE_RECV
 * (2.5.4): with that a signal does not end a call that is half done.
 */
#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <netinet/in.h>
#include <linux/netlink.h>
#include <unistd.h>

#include "privileged.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Families beyond these are none, and the kernel says so. */
enum { FAMILIES = 64, SOCK_TYPE_BITS = 0xf };

static struct scmp_arg_cmp is(unsigned int argument, int value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)value };
}

static struct scmp_arg_cmp type_is(int value)
{
	return (struct scmp_arg_cmp){ 1, SCMP_CMP_MASKED_EQ, SOCK_TYPE_BITS, (uint32_t)value };
}

static struct scmp_arg_cmp not_null(unsigned int argument)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_NE, 0, 0 };
}

/* Remembers the first error, so that rows can be added one after the other. */
struct building {
	scmp_filter_ctx context;
	int error;
};

static void trap(struct building *b, int nr, unsigned int n, const struct scmp_arg_cmp *arguments)
{
	if (!b->error)
		b->error = seccomp_rule_add_array(b->context, SCMP_ACT_NOTIFY, nr, n, arguments);
}

/* Internet sockets of the kinds for which the kernel wants a capability, or, of ICMP's, a group. */
static void trap_inet_sockets(struct building *b, int family)
{
	static const int types[] = { SOCK_RAW, SOCK_PACKET };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		trap(b, SCMP_SYS(socket), 2,
		     (struct scmp_arg_cmp[]){ is(0, family), type_is(types[i]) });
	trap(b, SCMP_SYS(socket), 3,
	     (struct scmp_arg_cmp[]){ is(0, family), type_is(SOCK_DGRAM),
				      is(2, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6) });
}

static void trap_sockets(struct building *b, bool all, bool netlink)
{
	for (int family = 1; family < FAMILIES; family++) {
		const struct scmp_arg_cmp whole[] = { is(0, family) };

		if (family == AF_UNIX || (family == AF_NETLINK && !netlink))
			continue;
		if (!all && (family == AF_INET || family == AF_INET6))
			trap_inet_sockets(b, family);
		else
			trap(b, SCMP_SYS(socket), 1, whole);
	}
}

static void trap_options(struct building *b)
{
	size_t n;
	const struct privileged_option *option = privileged_options(&n);
	const unsigned long *request;

	for (; n > 0; n--, option++)
		trap(b, SCMP_SYS(setsockopt), 2,
		     (struct scmp_arg_cmp[]){ is(1, option->level), is(2, option->name) });
	request = privileged_ioctls(&n);
	for (; n > 0; n--, request++)
		trap(b, SCMP_SYS(ioctl), 1, (struct scmp_arg_cmp[]){ is(1, (int)*request) });
}

static void trap_all_names(struct building *b)
{
	static const int interfaces[] = { SIOCGIFINDEX, SIOCGIFNAME };

	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
		trap(b, SCMP_SYS(ioctl), 1, (struct scmp_arg_cmp[]){ is(1, interfaces[i]) });
	trap(b, SCMP_SYS(connect), 0, NULL);
	trap(b, SCMP_SYS(listen), 0, NULL);
	trap(b, SCMP_SYS(sendmsg), 0, NULL);
	trap(b, SCMP_SYS(sendmmsg), 0, NULL);
	trap(b, SCMP_SYS(sendto), 1, (struct scmp_arg_cmp[]){ not_null(4) });
}

static void trap_netlink_sends(struct building *b)
{
	trap(b, SCMP_SYS(sendmsg), 0, NULL);
	trap(b, SCMP_SYS(sendto), 2,
	     (struct scmp_arg_cmp[]){ not_null(4), is(5, sizeof(struct sockaddr_nl)) });
}

/* io_uring does socket calls that no filter sees. */
static void refuse_io_uring(struct building *b)
{
	static const int calls[] = { SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
				     SCMP_SYS(io_uring_register) };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !b->error; i++)
		b->error = seccomp_rule_add_array(b->context, SCMP_ACT_ERRNO(EPERM), calls[i], 0, NULL);
}

static int export(scmp_filter_ctx context, struct sock_fprog *ret)
{
	const int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat is_now;
	int r = fd < 0 ? -errno : seccomp_export_bpf(context, fd);

	if (r == 0 && fstat(fd, &is_now) < 0)
		r = -errno;
	if (r == 0) {
		ret->len = (unsigned short)((size_t)is_now.st_size / sizeof(struct sock_filter));
		ret->filter = malloc((size_t)is_now.st_size);
		if (!ret->filter)
			r = -ENOMEM;
		else if (pread(fd, ret->filter, (size_t)is_now.st_size, 0) != is_now.st_size)
			r = -EIO;
		if (r < 0)
			filter_free(ret);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int filter_make(bool all, bool netlink, struct sock_fprog *ret)
{
	struct building b = { .context = seccomp_init(SCMP_ACT_ALLOW) };
	int r;

	if (!b.context)
		return -ENOMEM;
	/* Other architectures, and x32: their numbers and structures are others. */
	b.error = seccomp_attr_set(b.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	trap_sockets(&b, all, netlink);
	trap(&b, SCMP_SYS(bind), 0, NULL);
	trap_options(&b);
	if (all)
		trap_all_names(&b);
	else if (netlink)
		trap_netlink_sends(&b);
	refuse_io_uring(&b);
	*ret = (struct sock_fprog){ 0 };
	r = b.error ? b.error : export(b.context, ret);
	seccomp_release(b.context);
	return r;
}

void filter_free(struct sock_fprog *program)
{
	free(program->filter);
	*program = (struct sock_fprog){ 0 };
}

int filter_install(const struct sock_fprog *program)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program);
	if (r < 0 && errno == EINVAL) /* before Linux 5.19 */
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
	return r < 0 ? -errno : (int)r;
}

/* The flags are looked at before the program, which is not there. */
bool filter_holds_signals(void)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
				    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}
