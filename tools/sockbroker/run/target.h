/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - the program that called: its memory, descriptors and state.
 *
 * All of it is by the thread's number, which may be another's by now: what was got holds only
 * if call_is_valid() says so afterwards.
 */
#ifndef SB_RUN_TARGET_H
#define SB_RUN_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/addr.h"

/* Returns 0, -EFAULT (not all of it is there), or -errno. */
int target_read(pid_t tid, uint64_t at, void *buffer, size_t size);
int target_write(pid_t tid, uint64_t at, const void *buffer, size_t size);

/* An address as a system call takes it. Returns 0, -EFAULT, -EINVAL (too long), -errno. */
int target_read_address(pid_t tid, uint64_t at, int length, struct sock_addr *ret);

/* A copy of its descriptor, close-on-exec; or -EBADF, -EPERM (not dumpable), -errno. */
int target_descriptor(pid_t tid, int fd);

struct target_status {
	pid_t tgid;
	pid_t own_tgid;             /* as the program itself sees it */
	int threads;
	uint64_t capabilities;      /* effective */
	uint64_t pending, shared_pending, blocked, ignored;
};

/* Returns 0 or -errno. */
int target_status(pid_t tid, struct target_status *ret);

/*
 * It has capabilities over its own network: the launcher's, or one that it made. Then what
 * the kernel says to it is the last word, and is not ours.
 */
bool target_has_privilege(pid_t tid);

enum { TARGET_NAME_BYTES = 16 };
/* The name of the program, for people: always terminated, printable. */
const char *target_name(pid_t tid, char name[TARGET_NAME_BYTES]);

#endif
