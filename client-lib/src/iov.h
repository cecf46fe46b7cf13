/* SPDX-License-Identifier: Apache-2.0 */
/* iov.h - the pieces of memory that a msghdr names, as one. */
#ifndef SB_IOV_H
#define SB_IOV_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Returns the bytes in all, -EMSGSIZE (too many pieces), -EINVAL (more than
 * SSIZE_MAX), -EFAULT (a piece that is NULL). */
ssize_t iov_total(const struct msghdr *);

/* @length bytes from @offset on, in one piece: in place if they lie so, else
 * copied to @buffer. Within the total. */
const void *iov_piece(const struct msghdr *, size_t offset, size_t length, void *buffer);
/* Does iov_piece() need a buffer? */
bool iov_is_one(const struct msghdr *, size_t offset, size_t length);
/* The memory at @offset if @length bytes lie there in one piece, or NULL. */
void *iov_at(const struct msghdr *, size_t offset, size_t length);
/* Copies to where @offset is. Within the total. */
void iov_scatter(const struct msghdr *, size_t offset, const void *data, size_t length);

#endif
