/* SPDX-License-Identifier: Apache-2.0 */
#include "outgoing.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "target.h"

/* Of control messages the kernel takes less (net.core.optmem_max), and says so likewise. */
enum { CONTROL_BYTES_MAX = 65536 };

static struct outgoing *outgoing_new(pid_t tid, size_t n, int flags)
{
	struct outgoing *out = calloc(1, sizeof(*out) + n * sizeof(out->messages[0]));

	if (out) {
		out->tid = tid;
		out->n = n;
		out->flags = flags;
	}
	return out;
}

static size_t mapped_bytes(const struct message *m)
{
	return m->control_size + m->size;
}

void outgoing_cut(struct outgoing *out, size_t n)
{
	while (out->n > n) {
		struct message *m = &out->messages[--out->n];

		free(m->there);
		if (m->bytes)
			munmap(m->bytes, mapped_bytes(m));
	}
}

void outgoing_free(struct outgoing *out)
{
	if (!out)
		return;
	outgoing_cut(out, 0);
	free(out);
}

static int pieces_take(struct outgoing *out, struct message *m, uint64_t at, size_t n)
{
	size_t total = 0;

	if (n > IOV_MAX)
		return -EMSGSIZE;
	m->there = calloc(n ? n : 1, sizeof(*m->there));
	if (!m->there)
		return -ENOMEM;
	m->n_there = n;
	if (target_read(out->tid, at, m->there, n * sizeof(*m->there)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		if (m->there[i].iov_len > SSIZE_MAX - total)
			return -EINVAL;
		total += m->there[i].iov_len;
	}
	m->size = total;
	return 0;
}

static int address_take(struct outgoing *out, struct message *m, const void *name, int length)
{
	if (!name)
		return 0;
	if (length < 0)
		return -EINVAL;
	/* sendmsg(2) cuts it, where sendto(2) refuses. */
	if (length > (int)sizeof(m->addr.ss))
		length = sizeof(m->addr.ss);
	return length ? target_read_address(out->tid, (uintptr_t)name, length, &m->addr) : 0;
}

static int header_take(struct outgoing *out, struct message *m, const struct msghdr *header)
{
	int r = address_take(out, m, header->msg_name, (int)header->msg_namelen);

	if (r == 0)
		r = pieces_take(out, m, (uintptr_t)header->msg_iov, header->msg_iovlen);
	if (r < 0)
		return r;
	if (header->msg_control && header->msg_controllen > CONTROL_BYTES_MAX)
		return -ENOBUFS;
	m->control_there = (uintptr_t)header->msg_control;
	m->control_size = header->msg_control ? header->msg_controllen : 0;
	return 0;
}

int outgoing_sendto(pid_t tid, const uint64_t arg[6], struct outgoing **ret)
{
	struct outgoing *out = outgoing_new(tid, 1, (int)(uint32_t)arg[3]);
	struct message *m;
	int r;

	if (!out)
		return -ENOMEM;
	m = &out->messages[0];
	r = arg[4] ? target_read_address(tid, arg[4], (int)(uint32_t)arg[5], &m->addr) : 0;
	m->there = calloc(1, sizeof(*m->there));
	if (m->there) {
		/* As import_ubuf() does. */
		const size_t most = INT_MAX & ~4095;

		m->n_there = 1;
		m->size = arg[2] < most ? arg[2] : most;
		m->there->iov_base = (void *)(uintptr_t)arg[1];
		m->there->iov_len = m->size;
	} else {
		r = -ENOMEM;
	}
	if (r < 0) {
		outgoing_free(out);
		return r;
	}
	*ret = out;
	return 0;
}

int outgoing_sendmsg(pid_t tid, const uint64_t arg[6], struct outgoing **ret)
{
	struct outgoing *out = outgoing_new(tid, 1, (int)(uint32_t)arg[2]);
	struct msghdr header;
	int r;

	if (!out)
		return -ENOMEM;
	r = target_read(tid, arg[1], &header, sizeof(header));
	if (r == 0)
		r = header_take(out, &out->messages[0], &header);
	if (r < 0) {
		outgoing_free(out);
		return r;
	}
	*ret = out;
	return 0;
}

int outgoing_sendmmsg(pid_t tid, const uint64_t arg[6], struct outgoing **ret)
{
	const size_t asked = (uint32_t)arg[2];
	const size_t n = asked < OUTGOING_MESSAGES_MAX ? asked : OUTGOING_MESSAGES_MAX;
	struct outgoing *out = outgoing_new(tid, n, (int)(uint32_t)arg[3]);
	struct mmsghdr header;
	int r = 0;

	if (!out)
		return -ENOMEM;
	out->many = true;
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = arg[1] + i * sizeof(header);

		r = target_read(tid, at, &header, sizeof(header));
		if (r == 0)
			r = header_take(out, &out->messages[i], &header.msg_hdr);
		if (r < 0 && i == 0) {
			outgoing_free(out);
			return r;
		}
		if (r < 0) { /* the ones before it are sent */
			outgoing_cut(out, i);
			break;
		}
		out->messages[i].length_there = at + offsetof(struct mmsghdr, msg_len);
	}
	*ret = out;
	return 0;
}

bool outgoing_is_addressed(const struct outgoing *out)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->messages[i].addr.len)
			return true;
	return false;
}

/* A mapping of its own for each, since the kernel may go on reading it (MSG_ZEROCOPY): then its
 * pages must not be used anew. */
int outgoing_copy(struct outgoing *out, size_t i, bool stream)
{
	struct message *m = &out->messages[i];
	struct iovec here;
	ssize_t got = 0;
	void *bytes;

	if (m->size > OUTGOING_BYTES_MAX && !stream)
		return -EMSGSIZE;
	if (m->size > OUTGOING_BYTES_MAX)
		m->size = OUTGOING_BYTES_MAX;
	if (!mapped_bytes(m))
		return 0;
	bytes = mmap(NULL, mapped_bytes(m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	m->bytes = bytes;
	if (target_read(out->tid, m->control_there, m->bytes, m->control_size) < 0)
		return -EFAULT;
	here = (struct iovec){ m->bytes + m->control_size, m->size };
	if (m->size)
		got = process_vm_readv(out->tid, &here, 1, m->there, m->n_there, 0);
	return got == (ssize_t)m->size ? 0 : -EFAULT;
}

struct msghdr outgoing_header(const struct outgoing *out, size_t i, struct iovec *iov)
{
	const struct message *m = &out->messages[i];

	*iov = (struct iovec){ m->bytes ? m->bytes + m->control_size + m->sent : NULL,
			       m->size - m->sent };
	return (struct msghdr){
		.msg_name = m->addr.len ? (void *)(uintptr_t)&m->addr.ss : NULL,
		.msg_namelen = m->addr.len,
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = m->control_size ? m->bytes : NULL,
		.msg_controllen = m->control_size,
	};
}

long outgoing_result(const struct outgoing *out, long r)
{
	if (out->many)
		return out->done || r >= 0 ? (long)out->done : r;
	if (r >= 0)
		return r;
	return out->messages[0].sent ? (long)out->messages[0].sent : r;
}
