/* SPDX-License-Identifier: Apache-2.0 */
/* message_send.c - sendmsg, and sendmsg_afalg, which writes its control messages itself. */
#include <limits.h>
#include <linux/if_alg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "buffers.h"
#include "error.h"
#include "object.h"
#include "receive.h"
#include "sockbroker.h"

/* Larger than that the kernel takes none either. */
static const size_t CONTROL_MOST = INT_MAX;

static PyObject *message_send(struct sock *s, const struct msghdr *msg, int flags)
{
	ssize_t n;

	flags = call_flags(s, flags);
	Py_BEGIN_ALLOW_THREADS
	n = sb_sendmsg(s->fd, msg, flags);
	Py_END_ALLOW_THREADS
	return error_none(n) ? PyLong_FromSsize_t(n) : error_wait(s);
}

/* ------------------------------------------------------------------------ */
/* Control messages                                                         */
/* ------------------------------------------------------------------------ */

struct control {
	int level, type;
	Py_buffer data;
};

struct controls {
	Py_ssize_t n;
	struct control *items;
};

static void controls_release(struct controls *c)
{
	for (Py_ssize_t i = 0; i < c->n; i++)
		PyBuffer_Release(&c->items[i].data);
	PyMem_Free(c->items);
}

static int controls_take(struct controls *c, PyObject *list)
{
	const Py_ssize_t n = PyList_Size(list);
	struct control *item;

	c->items = PyMem_Calloc((size_t)n + 1, sizeof(*c->items));
	if (!c->items) {
		PyErr_NoMemory();
		return -1;
	}
	for (; c->n < n; c->n++) {
		item = &c->items[c->n];
		if (!PyArg_Parse(PyList_GetItem(list, c->n), "(iiy*):[sendmsg() ancillary data items]",
				 &item->level, &item->type, &item->data))
			return -1;
	}
	return 0;
}

static int control_room(const struct controls *c, struct msghdr *msg)
{
	size_t room = 0;

	for (Py_ssize_t i = 0; i < c->n; i++) {
		const size_t len = (size_t)c->items[i].data.len;

		if (len > CONTROL_MOST - CMSG_SPACE(0) - CMSG_ALIGN(1)) {
			PyErr_SetString(PyExc_OSError, "ancillary data item too large");
			return -1;
		}
		room += CMSG_SPACE(len);
		if (room > CONTROL_MOST) {
			PyErr_SetString(PyExc_OSError, "too much ancillary data");
			return -1;
		}
	}
	if (!room)
		return 0;
	msg->msg_control = PyMem_Calloc(1, room);
	msg->msg_controllen = room;
	if (msg->msg_control)
		return 0;
	PyErr_NoMemory();
	return -1;
}

static void control_write(struct cmsghdr *c, int level, int type, const void *data, size_t len)
{
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	if (len)
		memcpy(CMSG_DATA(c), data, len);
}

static int controls_write(const struct controls *c, struct msghdr *msg)
{
	struct cmsghdr *h;

	if (control_room(c, msg) < 0)
		return -1;
	h = msg->msg_control ? CMSG_FIRSTHDR(msg) : NULL;
	for (Py_ssize_t i = 0; h && i < c->n; i++) {
		const struct control *item = &c->items[i];

		control_write(h, item->level, item->type, item->data.buf, (size_t)item->data.len);
		h = CMSG_NXTHDR(msg, h);
	}
	return 0;
}

/* The iterable of (level, type, data) as msg_control, which is the caller's to free. */
static int controls_build(PyObject *iterable, struct msghdr *msg)
{
	struct controls c = { .n = 0 };
	PyObject *list;
	int r;

	if (!iterable)
		return 0;
	list = PySequence_List(iterable);
	if (!list) {
		if (PyErr_ExceptionMatches(PyExc_TypeError))
			PyErr_SetString(PyExc_TypeError, "sendmsg() argument 2 must be an iterable");
		return -1;
	}
	r = controls_take(&c, list);
	if (r == 0)
		r = controls_write(&c, msg);
	controls_release(&c);
	Py_DECREF(list);
	return r;
}

/* ------------------------------------------------------------------------ */
/* The methods                                                              */
/* ------------------------------------------------------------------------ */

static int name_take(const struct sock *s, PyObject *object, struct address *a, struct msghdr *msg)
{
	const bool given = object && !Py_IsNone(object);

	if (given && address_parse(s, object, "sendmsg", a) < 0)
		return -1;
	if (given) {
		msg->msg_name = &a->ss;
		msg->msg_namelen = a->len;
	}
	return audit("socket.sendmsg", "(OO)", s, given ? object : Py_None);
}

static PyObject *sock_sendmsg(struct sock *s, PyObject *args)
{
	PyObject *iterable, *control = NULL, *name = NULL, *result = NULL;
	struct msghdr msg = { .msg_name = NULL };
	struct address a;
	struct buffers b;
	int flags = 0;

	if (!PyArg_ParseTuple(args, "O|OiO:sendmsg", &iterable, &control, &flags, &name) ||
	    name_take(s, name, &a, &msg) < 0)
		return NULL;
	if (buffers_take(&b, iterable, "y*;sendmsg() argument 1 must be an iterable of bytes-like objects",
			 "sendmsg() argument 1") == 0) {
		msg.msg_iov = b.iov;
		msg.msg_iovlen = (size_t)b.n;
		if (controls_build(control, &msg) == 0)
			result = message_send(s, &msg, flags);
	}
	PyMem_Free(msg.msg_control);
	buffers_release(&b);
	return result;
}

/* ------------------------------------------------------------------------ */
/* AF_ALG                                                                   */
/* ------------------------------------------------------------------------ */

/* Operation, vector and length of what is only authenticated: one control message each. */
static PyObject *alg_send(struct sock *s, struct msghdr *msg, int op, const Py_buffer *iv,
			  unsigned int assoc, bool has_assoc, int flags)
{
	const size_t vector = iv->obj ? sizeof(struct af_alg_iv) + (size_t)iv->len : 0;
	const size_t room = CMSG_SPACE(sizeof(op)) + (vector ? CMSG_SPACE(vector) : 0) +
			    (has_assoc ? CMSG_SPACE(sizeof(assoc)) : 0);
	const uint32_t length = (uint32_t)iv->len;
	PyObject *result;
	struct cmsghdr *h;

	msg->msg_control = PyMem_Calloc(1, room);
	msg->msg_controllen = room;
	if (!msg->msg_control)
		return PyErr_NoMemory();
	h = CMSG_FIRSTHDR(msg);
	control_write(h, SOL_ALG, ALG_SET_OP, &op, sizeof(op));
	if (vector) {
		h = CMSG_NXTHDR(msg, h);
		control_write(h, SOL_ALG, ALG_SET_IV, &length, sizeof(length));
		h->cmsg_len = CMSG_LEN(vector);
		memcpy(CMSG_DATA(h) + sizeof(length), iv->buf, length);
	}
	if (has_assoc) {
		h = CMSG_NXTHDR(msg, h);
		control_write(h, SOL_ALG, ALG_SET_AEAD_ASSOCLEN, &assoc, sizeof(assoc));
	}
	result = message_send(s, msg, flags);
	PyMem_Free(msg->msg_control);
	return result;
}

static int alg_check(int op, PyObject *assoc, unsigned int *ret)
{
	if (op < 0) {
		PyErr_SetString(PyExc_TypeError, "Invalid or missing argument 'op'");
		return -1;
	}
	if (!assoc)
		return 0;
	*ret = (unsigned int)PyLong_AsUnsignedLong(assoc);
	if (!PyErr_Occurred())
		return 0;
	if (PyErr_ExceptionMatches(PyExc_OverflowError) || PyErr_ExceptionMatches(PyExc_ValueError))
		PyErr_SetString(PyExc_TypeError, "assoclen must be positive");
	return -1;
}

static PyObject *sock_sendmsg_afalg(struct sock *s, PyObject *args, PyObject *kwargs)
{
	static const char *const names[] = { "msg", "op", "iv", "assoclen", "flags", NULL };
	PyObject *iterable = NULL, *operation = NULL, *assoc = NULL, *result = NULL;
	struct msghdr msg = { .msg_name = NULL };
	Py_buffer iv = { .obj = NULL };
	struct buffers b = { .n = 0 };
	unsigned int length = 0;
	int op = -1, flags = 0;

	if (s->family != AF_ALG) {
		PyErr_SetString(PyExc_OSError, "algset is only supported for AF_ALG");
		return NULL;
	}
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O!y*O!i:sendmsg_afalg", (char **)names, &iterable,
					 &PyLong_Type, &operation, &iv, &PyLong_Type, &assoc, &flags))
		return NULL;
	if (operation)
		op = (int)PyLong_AsLong(operation);
	if (alg_check(op, assoc, &length) == 0 &&
	    (!iterable || buffers_take(&b, iterable,
				       "y*;sendmsg() argument 1 must be an iterable of bytes-like objects",
				       "sendmsg() argument 1") == 0)) {
		msg.msg_iov = b.iov;
		msg.msg_iovlen = (size_t)b.n;
		result = alg_send(s, &msg, op, &iv, length, assoc != NULL, flags);
	}
	buffers_release(&b);
	if (iv.obj)
		PyBuffer_Release(&iv);
	return result;
}

PyMethodDef sock_methods_message_send[] = {
	{ "sendmsg", (PyCFunction)sock_sendmsg, METH_VARARGS,
	  "sendmsg(buffers[, ancdata[, flags[, address]]]) -> count" },
	{ "sendmsg_afalg", (PyCFunction)(void (*)(void))sock_sendmsg_afalg, METH_VARARGS | METH_KEYWORDS,
	  "sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags]]])" },
	{ NULL, NULL, 0, NULL },
};
