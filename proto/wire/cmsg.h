/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmsg.h - control messages: kernel form (cmsg(3)) <-> wire form.
 *
 * The only module that looks inside a cmsghdr. Level, type and length of every
 * message are checked, in both directions. No state, safe from any thread.
 */
#ifndef SB_WIRE_CMSG_H
#define SB_WIRE_CMSG_H

#include <stdbool.h>
#include <sys/socket.h>

#include "sockbroker/v1/types.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What SCM_RIGHTS means on this side: the broker knows handles by its
 * descriptors, the library by its stand-ins.
 *
 * to_handle() takes over @fd if it succeeds, on the receiving side; returns 0
 * or -errno, and then the descriptor is the caller's still: cmsg_encode()
 * closes it if @owned, and counts the message as truncated.
 * is_file() says of a handle that it gave whether that is no socket; NULL: none is.
 * close_aside() closes what is @owned and not wanted, since close(2) may wait for whoever sent it;
 * NULL: close(2).
 * to_fd() returns a descriptor, borrowed, or -EBADF.
 */
struct cmsg_rights {
	void *context;
	bool owned; /* descriptors in a kernel message are ours to keep or close */
	int (*to_handle)(void *context, int fd, uint32_t *ret_handle);
	bool (*is_file)(void *context, uint32_t handle);
	void (*close_aside)(void *context, int fd);
	int (*to_fd)(void *context, uint32_t handle);
};

/* Kernel -> wire, in @allocator's memory. *@ret_truncated (may be NULL) tells
 * that something was left out (a descriptor that is no socket, a type that has
 * no wire form, one that the kernel cut). A known type of the wrong length is
 * malformed if the descriptors are not @owned, that is, on its way to be sent.
 * A NULL to_handle refuses SCM_RIGHTS with -EINVAL (and closes
 * what is owned). Returns 0, -EINVAL (malformed), -ENOMEM, or what to_handle()
 * said when descriptors are not owned. */
int cmsg_encode(const struct msghdr *in, const struct cmsg_rights *rights,
		ProtobufCAllocator *allocator, size_t *ret_n,
		Sockbroker__V1__ControlMessage ***ret, bool *ret_truncated);

/* Wire -> kernel: writes at most @out->msg_controllen bytes to
 * @out->msg_control, and sets msg_controllen to what was written. What does not
 * fit is cut just as the kernel cuts it, and MSG_CTRUNC is added to msg_flags:
 * the last message may be a part, its cmsg_len says so; an SCM_RIGHTS message
 * has as many whole handles as fit, and to_fd() is asked for those alone.
 * Returns 0, -EINVAL
 * (unknown level and type, or the wrong kind of value), -EBADF. */
int cmsg_decode(Sockbroker__V1__ControlMessage *const *messages, size_t n,
		const struct cmsg_rights *rights, struct msghdr *out);

/* Bytes that cmsg_decode() needs for all of @messages. */
size_t cmsg_space(Sockbroker__V1__ControlMessage *const *messages, size_t n);

#ifdef __cplusplus
}
#endif
#endif
