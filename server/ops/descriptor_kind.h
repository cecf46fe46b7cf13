/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor_kind.h - what a descriptor is that somebody else has made. Waits for nobody: not
 * for the file system that a file is on. Any thread.
 */
#ifndef SB_OPS_DESCRIPTOR_KIND_H
#define SB_OPS_DESCRIPTOR_KIND_H

#include <stdbool.h>

struct descriptor_kind {
	bool file;                  /* no socket; then the others are 0 */
	int family, type, protocol;
};

/* Returns 0, or -ENOTSOCK: neither a socket nor a regular file, a directory, a FIFO or a
 * character device. What else the kernel gives numbers to (epoll, io_uring, a process …) holds
 * other things, which nobody could look at. */
int descriptor_kind(int fd, struct descriptor_kind *ret) __attribute__((warn_unused_result));

/* Of a file: "file", "directory", "pipe", "device". */
const char *file_name_of_kind(int fd);

#endif
