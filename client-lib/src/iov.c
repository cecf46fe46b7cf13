/* SPDX-License-Identifier: Apache-2.0 */
#include "iov.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

ssize_t iov_total(const struct msghdr *msg)
{
	size_t total = 0;

	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	if (msg->msg_iovlen && !msg->msg_iov)
		return -EFAULT;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *v = &msg->msg_iov[i];

		if (v->iov_len > SSIZE_MAX - total)
			return -EINVAL;
		if (v->iov_len && !v->iov_base)
			return -EFAULT;
		total += v->iov_len;
	}
	return (ssize_t)total;
}

/* Calls for the pieces of [offset, offset + length): copies in or out. */
static void walk(const struct msghdr *msg, size_t offset, char *out, const char *in, size_t length)
{
	for (size_t i = 0; i < msg->msg_iovlen && length; i++) {
		const struct iovec *v = &msg->msg_iov[i];
		size_t n;

		if (offset >= v->iov_len) {
			offset -= v->iov_len;
			continue;
		}
		n = v->iov_len - offset < length ? v->iov_len - offset : length;
		if (out) {
			memcpy(out, (const char *)v->iov_base + offset, n);
			out += n;
		} else {
			memcpy((char *)v->iov_base + offset, in, n);
			in += n;
		}
		offset = 0;
		length -= n;
	}
}

void *iov_at(const struct msghdr *msg, size_t offset, size_t length)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *v = &msg->msg_iov[i];

		if (offset < v->iov_len)
			return v->iov_len - offset >= length ? (char *)v->iov_base + offset : NULL;
		offset -= v->iov_len;
	}
	return NULL;
}

bool iov_is_one(const struct msghdr *msg, size_t offset, size_t length)
{
	return length == 0 || iov_at(msg, offset, length) != NULL;
}

const void *iov_piece(const struct msghdr *msg, size_t offset, size_t length, void *buffer)
{
	const void *in_place = length ? iov_at(msg, offset, length) : "";

	if (in_place)
		return in_place;
	walk(msg, offset, buffer, NULL, length);
	return buffer;
}

void iov_scatter(const struct msghdr *msg, size_t offset, const void *data, size_t length)
{
	walk(msg, offset, NULL, data, length);
}
