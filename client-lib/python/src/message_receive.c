/* SPDX-License-Identifier: Apache-2.0 */
/* message_receive.c - recvmsg, recvmsg_into. Received descriptors are stand-ins. */
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "buffers.h"
#include "error.h"
#include "object.h"
#include "receive.h"
#include "sockbroker.h"

/* One receive: where it goes to, and what came. */
struct incoming {
	struct msghdr msg;
	struct address from;
	ssize_t n;
};

/* ------------------------------------------------------------------------ */
/* Control messages                                                         */
/* ------------------------------------------------------------------------ */

/* How much of a control message's data lies in the buffer; -1: not even its header. */
static Py_ssize_t control_len(const struct msghdr *msg, const struct cmsghdr *c)
{
	const char *end = (const char *)msg->msg_control + msg->msg_controllen;
	const char *data = (const char *)CMSG_DATA(c);
	Py_ssize_t len;

	if (c->cmsg_len < CMSG_LEN(0) || data > end)
		return -1;
	len = (Py_ssize_t)(c->cmsg_len - CMSG_LEN(0));
	return len < end - data ? len : end - data;
}

static PyObject *control_item(const struct cmsghdr *c, Py_ssize_t len)
{
	return Py_BuildValue("iiy#", c->cmsg_level, c->cmsg_type, (const char *)CMSG_DATA(c), len);
}

static PyObject *control_list(struct msghdr *msg)
{
	PyObject *list = PyList_New(0);
	struct cmsghdr *c = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;

	for (; list && c; c = CMSG_NXTHDR(msg, c)) {
		const Py_ssize_t len = control_len(msg, c);
		PyObject *item;

		if (len < 0 && PyErr_WarnEx(PyExc_RuntimeWarning,
					    "received malformed or improperly-truncated ancillary data", 1) == 0)
			break;
		item = len < 0 ? NULL : control_item(c, len);
		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

/* Nobody will learn their numbers. */
static void received_close(struct msghdr *msg)
{
	struct cmsghdr *c = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;

	for (; c; c = CMSG_NXTHDR(msg, c)) {
		const Py_ssize_t count = control_len(msg, c) / (Py_ssize_t)sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (Py_ssize_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof(fd), sizeof(fd));
			(void)sb_close(fd);
		}
	}
}

/* ------------------------------------------------------------------------ */
/* The message                                                              */
/* ------------------------------------------------------------------------ */

static int message_receive(struct sock *s, struct incoming *in, int flags)
{
	flags = call_flags(s, flags);
	in->msg.msg_name = &in->from.ss;
	in->msg.msg_namelen = sizeof(in->from.ss);
	Py_BEGIN_ALLOW_THREADS
	in->n = sb_recvmsg(s->fd, &in->msg, flags);
	Py_END_ALLOW_THREADS
	if (error_none(in->n))
		return 0;
	(void)error_wait(s);
	return -1;
}

/* (first, ancillary data, flags, address); takes @first, which may be NULL after an error. */
static PyObject *tuple_make(const struct sock *s, struct incoming *in, PyObject *first)
{
	PyObject *list = first ? control_list(&in->msg) : NULL, *from = NULL, *tuple = NULL;

	in->from.len = in->msg.msg_namelen;
	if (list)
		from = address_build(s, &in->from);
	if (from)
		tuple = Py_BuildValue("OOiO", first, list, in->msg.msg_flags, from);
	if (!tuple)
		received_close(&in->msg);
	Py_XDECREF(from);
	Py_XDECREF(list);
	Py_XDECREF(first);
	return tuple;
}

static int control_room(Py_ssize_t len, struct incoming *in)
{
	if (len < 0 || len > INT_MAX) {
		PyErr_SetString(PyExc_ValueError, "invalid ancillary data buffer length");
		return -1;
	}
	if (len == 0)
		return 0;
	in->msg.msg_control = PyMem_Calloc(1, (size_t)len);
	in->msg.msg_controllen = (size_t)len;
	if (in->msg.msg_control)
		return 0;
	PyErr_NoMemory();
	return -1;
}

static PyObject *bytes_message(struct sock *s, struct incoming *in, Py_ssize_t len, int flags)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, len);
	struct iovec iov;

	if (!bytes)
		return NULL;
	iov = (struct iovec){ PyBytes_AsString(bytes), (size_t)len };
	in->msg.msg_iov = &iov;
	in->msg.msg_iovlen = 1;
	if (message_receive(s, in, flags) == 0)
		return tuple_make(s, in, bytes_cut(bytes, in->n));
	Py_DECREF(bytes);
	return NULL;
}

static PyObject *sock_recvmsg(struct sock *s, PyObject *args)
{
	struct incoming in = { .n = 0 };
	Py_ssize_t len, room = 0;
	PyObject *tuple = NULL;
	int flags = 0;

	if (!PyArg_ParseTuple(args, "n|ni:recvmsg", &len, &room, &flags))
		return NULL;
	if (len < 0) {
		PyErr_SetString(PyExc_ValueError, "negative buffer size in recvmsg()");
		return NULL;
	}
	if (control_room(room, &in) == 0)
		tuple = bytes_message(s, &in, len, flags);
	PyMem_Free(in.msg.msg_control);
	return tuple;
}

static PyObject *into_message(struct sock *s, struct incoming *in, const struct buffers *b, int flags)
{
	in->msg.msg_iov = b->iov;
	in->msg.msg_iovlen = (size_t)b->n;
	if (message_receive(s, in, flags) < 0)
		return NULL;
	return tuple_make(s, in, PyLong_FromSsize_t(in->n));
}

static PyObject *sock_recvmsg_into(struct sock *s, PyObject *args)
{
	static const char format[] = "w*;recvmsg_into() argument 1 must be an iterable of "
				     "single-segment read-write buffers";
	struct incoming in = { .n = 0 };
	PyObject *iterable, *tuple = NULL;
	struct buffers b;
	Py_ssize_t room = 0;
	int flags = 0;

	if (!PyArg_ParseTuple(args, "O|ni:recvmsg_into", &iterable, &room, &flags))
		return NULL;
	if (buffers_take(&b, iterable, format, "recvmsg_into() argument 1") == 0 &&
	    control_room(room, &in) == 0)
		tuple = into_message(s, &in, &b, flags);
	PyMem_Free(in.msg.msg_control);
	buffers_release(&b);
	return tuple;
}

PyMethodDef sock_methods_message_receive[] = {
	{ "recvmsg", (PyCFunction)sock_recvmsg, METH_VARARGS,
	  "recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)" },
	{ "recvmsg_into", (PyCFunction)sock_recvmsg_into, METH_VARARGS,
	  "recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)" },
	{ NULL, NULL, 0, NULL },
};
