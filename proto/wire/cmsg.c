/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking through control messages, and SCM_RIGHTS; other values are in
 * cmsg_value.c.
 *
 * Descriptors in a message that the kernel gave us are ours from the first
 * moment, so encoding goes in two passes: the first looks at everything and
 * makes all the messages, and may fail; only the second, which needs no memory,
 * hands descriptors over. A failure thus always finds them all still here, to
 * be closed.
 */
#include "wire/cmsg.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "wire/build.h"
#include "wire/cmsg_value.h"

typedef Sockbroker__V1__ControlMessage Message;

enum { FDS_MAX = 253 }; /* SCM_MAX_FD of the kernel, for one message */

static const struct cmsg_rights no_rights;

/* ---- kernel -> wire ------------------------------------------------------ */

struct walk {
	const uint8_t *at;
	size_t left;
};

struct piece {
	int level;
	int type;
	const uint8_t *data;
	size_t len;
};

/* Returns 1 with a piece, 0 at the end, -EINVAL. As in the kernel, what is
 * shorter than a header is no message, and the last needs no padding. */
static int walk_next(struct walk *w, struct piece *ret)
{
	struct cmsghdr header;
	size_t step;

	if (w->left < sizeof(header))
		return 0;
	memcpy(&header, w->at, sizeof(header)); /* a caller's buffer need not be aligned */
	if (header.cmsg_len < sizeof(header) || header.cmsg_len > w->left)
		return -EINVAL;

	*ret = (struct piece){ .level = header.cmsg_level, .type = header.cmsg_type,
			       .data = w->at + CMSG_LEN(0),
			       .len = header.cmsg_len - sizeof(header) };
	step = CMSG_ALIGN(header.cmsg_len);
	if (step > w->left)
		step = w->left;
	w->at += step;
	w->left -= step;
	return 1;
}

static struct walk walk_over(const struct msghdr *in)
{
	return (struct walk){ .at = in->msg_control, .left = in->msg_control ? in->msg_controllen : 0 };
}

static bool is_rights(int level, int type)
{
	return level == SOL_SOCKET && type == SCM_RIGHTS;
}

static void close_one(const struct cmsg_rights *rights, int fd)
{
	if (rights->close_aside)
		rights->close_aside(rights->context, fd);
	else
		close(fd);
}

static void close_all(const struct msghdr *in, const struct cmsg_rights *rights)
{
	struct walk w = walk_over(in);
	struct piece p;

	while (walk_next(&w, &p) > 0) {
		if (!is_rights(p.level, p.type))
			continue;
		for (size_t i = 0; i + sizeof(int) <= p.len; i += sizeof(int)) {
			int fd;

			memcpy(&fd, p.data + i, sizeof(fd));
			close_one(rights, fd);
		}
	}
}

/* A process's descriptor, which a socket gives that somebody else has set so:
 * it has no handle, and would stay open for ever. */
enum { SCM_PIDFD_NUMBER = 4 };

static void close_pidfds(const struct msghdr *in)
{
	struct walk w = walk_over(in);
	struct piece p;
	int fd;

	while (walk_next(&w, &p) > 0) {
		if (p.level != SOL_SOCKET || p.type != SCM_PIDFD_NUMBER || p.len < sizeof(fd))
			continue;
		memcpy(&fd, p.data, sizeof(fd));
		if (fd >= 0)
			close(fd);
	}
}

/* The number of messages in it, or -EINVAL. */
static int count(const struct msghdr *in, size_t *ret)
{
	struct walk w = walk_over(in);
	struct piece p;
	size_t n = 0;
	int r;

	while ((r = walk_next(&w, &p)) > 0)
		n++;
	*ret = n;
	return r;
}

/* The descriptors stand in for the handles until the second pass. */
static int rights_encode(const struct piece *p, const struct cmsg_rights *rights,
			 ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__Rights *m;
	size_t n = p->len / sizeof(int); /* a rest is ignored, as by the kernel */

	_Static_assert(sizeof(int) == sizeof(uint32_t), "a descriptor in a handle's place");
	if (!rights->to_handle || n > FDS_MAX)
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__control_message__rights__descriptor);
	if (!m)
		return -ENOMEM;
	out->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	out->rights = m;
	m->handles = build_alloc(a, n * sizeof(uint32_t));
	if (!m->handles)
		return -ENOMEM;
	memcpy(m->handles, p->data, n * sizeof(uint32_t));
	m->n_handles = n;
	if (rights->is_file && n) {
		m->files = build_alloc(a, n * sizeof(*m->files));
		if (!m->files)
			return -ENOMEM;
	}
	return 0;
}

/* Returns 1, 0 if the message has no wire form, or -errno. What the kernel
 * gives us in a form that we do not know, or cut short, is left out. What a
 * program is about to send must be right. */
static int piece_encode(const struct piece *p, const struct cmsg_rights *rights, bool received,
			ProtobufCAllocator *a, Message **ret)
{
	const struct cmsg_row *row = cmsg_row_of_length(p->level, p->type, p->len);
	Message *m = build_message(a, &sockbroker__v1__control_message__descriptor);
	int r;

	if (!m)
		return -ENOMEM;
	m->level = p->level;
	m->type = p->type;
	if (is_rights(p->level, p->type))
		r = rights_encode(p, rights, a, m);
	else if (row)
		r = cmsg_value_encode(row, p->data, p->len, a, m);
	else
		r = cmsg_type_is_known(p->level, p->type) && !received ? -EINVAL : -ENOMSG;
	if (r == 0) {
		*ret = m;
		return 1;
	}
	protobuf_c_message_free_unpacked(&m->base, a);
	if (r == -ENOMSG || (r == -EINVAL && received && !is_rights(p->level, p->type)))
		return 0;
	return r;
}

static void free_all(ProtobufCAllocator *a, Message **messages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		protobuf_c_message_free_unpacked(&messages[i]->base, a);
	build_free(a, messages);
}

/* The second pass, for one message. Returns 0, or what to_handle() said. */
static int rights_hand_over(Sockbroker__V1__ControlMessage__Rights *m,
			    const struct cmsg_rights *rights, bool *truncated)
{
	bool any_file = false;
	size_t kept = 0;

	for (size_t i = 0; i < m->n_handles; i++) {
		int fd = (int)m->handles[i];
		int r = rights->to_handle(rights->context, fd, &m->handles[kept]);

		if (r >= 0) {
			if (m->files)
				any_file |= m->files[kept] = rights->is_file(rights->context, m->handles[kept]);
			kept++;
			continue;
		}
		if (!rights->owned)
			return r;
		close_one(rights, fd);
		*truncated = true;
	}
	m->n_handles = kept;
	m->n_files = any_file ? kept : 0;
	return 0;
}

static int hand_over(Message **messages, size_t *n, const struct cmsg_rights *rights,
		     ProtobufCAllocator *a, bool *truncated)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < *n; i++) {
		Message *m = messages[i];
		bool empty = false;

		if (r == 0 && m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS) {
			r = rights_hand_over(m->rights, rights, truncated);
			empty = m->rights->n_handles == 0;
		}
		if (empty && r == 0)
			protobuf_c_message_free_unpacked(&m->base, a);
		else
			messages[kept++] = m;
	}
	*n = kept;
	return r;
}

static int encode_all(const struct msghdr *in, const struct cmsg_rights *rights,
		      ProtobufCAllocator *a, Message **messages, size_t *n, bool *truncated)
{
	bool received = rights->owned || (in->msg_flags & MSG_CTRUNC);
	struct walk w = walk_over(in);
	struct piece p;

	while (walk_next(&w, &p) > 0) {
		int r = piece_encode(&p, rights, received, a, &messages[*n]);

		if (r < 0)
			return r;
		if (r == 0)
			*truncated = true;
		else
			(*n)++;
	}
	return 0;
}

int cmsg_encode(const struct msghdr *in, const struct cmsg_rights *rights,
		ProtobufCAllocator *allocator, size_t *ret_n, Message ***ret, bool *ret_truncated)
{
	Message **messages = NULL;
	bool truncated = false;
	size_t most = 0, n = 0;
	int r = count(in, &most);

	if (!rights)
		rights = &no_rights;
	if (rights->owned)
		close_pidfds(in);
	if (r == 0 && most) {
		messages = build_alloc(allocator, most * sizeof(*messages));
		r = messages ? encode_all(in, rights, allocator, messages, &n, &truncated) : -ENOMEM;
	}
	if (r < 0 && rights->owned)
		close_all(in, rights);
	if (r == 0)
		r = hand_over(messages, &n, rights, allocator, &truncated);
	if (r < 0) {
		if (messages)
			free_all(allocator, messages, n);
		return r;
	}
	*ret_n = n;
	*ret = messages;
	if (ret_truncated)
		*ret_truncated = truncated;
	return 0;
}

/* ---- wire -> kernel ------------------------------------------------------ */

struct output {
	uint8_t *at;
	size_t left;
	bool truncated;
};

/* As put_cmsg() in the kernel: a payload that does not fit is cut, and its
 * header says so; one whose header does not fit is left out. */
static void put(struct output *o, int level, int type, const void *data, size_t len)
{
	struct cmsghdr header = { .cmsg_level = level, .cmsg_type = type };
	size_t whole = CMSG_LEN(len), step = CMSG_SPACE(len);

	if (o->left < sizeof(header)) {
		o->truncated = true;
		return;
	}
	if (whole > o->left) {
		o->truncated = true;
		whole = o->left;
	}
	if (step > o->left)
		step = o->left;
	header.cmsg_len = whole;
	memset(o->at, 0, step); /* no stale byte goes out in the padding */
	memcpy(o->at, &header, sizeof(header));
	if (whole > sizeof(header))
		memcpy(o->at + sizeof(header), data, whole - sizeof(header));
	o->at += step;
	o->left -= step;
}

/* As scm_detach_fds(): only whole descriptors, and no message without any. */
static int put_rights(struct output *o, const Sockbroker__V1__ControlMessage__Rights *m,
		      const struct cmsg_rights *rights)
{
	size_t room = o->left > CMSG_LEN(0) ? (o->left - CMSG_LEN(0)) / sizeof(int) : 0;
	size_t n = m->n_handles;
	int fds[FDS_MAX];

	if (n > FDS_MAX || !rights->to_fd)
		return -EINVAL;
	if (n > room) {
		o->truncated = true;
		n = room;
	}
	for (size_t i = 0; i < n; i++) {
		fds[i] = rights->to_fd(rights->context, m->handles[i]);
		if (fds[i] < 0)
			return fds[i];
	}
	if (n)
		put(o, SOL_SOCKET, SCM_RIGHTS, fds, n * sizeof(int));
	return 0;
}

static bool has_rights(const Message *m)
{
	return is_rights(m->level, m->type) && m->rights &&
	       m->value_case == SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
}

static int payload_of(const Message *m, struct cmsg_payload *ret)
{
	const struct cmsg_row *row = cmsg_row_of_value(m->level, m->type, m->value_case);

	return row ? cmsg_value_decode(row, m, ret) : -EINVAL;
}

int cmsg_decode(Message *const *messages, size_t n, const struct cmsg_rights *rights,
		struct msghdr *out)
{
	struct output o = { .at = out->msg_control,
			    .left = out->msg_control ? out->msg_controllen : 0 };
	size_t size = o.left;

	if (!rights)
		rights = &no_rights;
	for (size_t i = 0; i < n; i++) {
		struct cmsg_payload payload;
		int r;

		if (has_rights(messages[i])) {
			r = put_rights(&o, messages[i]->rights, rights);
		} else {
			r = payload_of(messages[i], &payload);
			if (r == 0)
				put(&o, messages[i]->level, messages[i]->type, payload.data,
				    payload.len);
		}
		if (r < 0)
			return r;
	}
	out->msg_controllen = size - o.left;
	if (o.truncated)
		out->msg_flags |= MSG_CTRUNC;
	return 0;
}

size_t cmsg_space(Message *const *messages, size_t n)
{
	size_t space = 0;

	for (size_t i = 0; i < n; i++) {
		struct cmsg_payload payload;

		if (has_rights(messages[i]))
			space += CMSG_SPACE(messages[i]->rights->n_handles * sizeof(int));
		else if (payload_of(messages[i], &payload) == 0)
			space += CMSG_SPACE(payload.len);
	}
	return space;
}
