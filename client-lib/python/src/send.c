/* SPDX-License-Identifier: Apache-2.0 */
/* send.c - send, sendall, sendto. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "error.h"
#include "object.h"
#include "receive.h"
#include "sockbroker.h"

static ssize_t send_some(struct sock *s, const char *data, size_t len, int flags)
{
	ssize_t n;

	flags = call_flags(s, flags);
	Py_BEGIN_ALLOW_THREADS
	n = sb_send(s->fd, data, len, flags);
	Py_END_ALLOW_THREADS
	if (error_none(n))
		return n;
	(void)error_wait(s);
	return -1;
}

static PyObject *sock_send(struct sock *s, PyObject *args)
{
	Py_buffer data;
	int flags = 0;
	ssize_t n;

	if (!PyArg_ParseTuple(args, "y*|i:send", &data, &flags))
		return NULL;
	n = send_some(s, data.buf, (size_t)data.len, flags);
	PyBuffer_Release(&data);
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A send that waits sends everything, or its time is up, or something happened which the next
 * one tells. The time is that of the whole. */
static int send_all(struct sock *s, const char *data, size_t len, int flags)
{
	const int64_t end = s->timeout_ns > 0 ? now_ns() + s->timeout_ns : 0;
	ssize_t n;

	for (;;) {
		n = send_some(s, data, len, flags);
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
		if (len == 0)
			return 0;
		if (PyErr_CheckSignals() < 0)
			return -1;
		if (end && now_ns() >= end) {
			PyErr_SetString(PyExc_TimeoutError, "timed out");
			return -1;
		}
	}
}

static PyObject *sock_sendall(struct sock *s, PyObject *args)
{
	Py_buffer data;
	int flags = 0, r;

	if (!PyArg_ParseTuple(args, "y*|i:sendall", &data, &flags))
		return NULL;
	r = data.len ? send_all(s, data.buf, (size_t)data.len, flags) : 0;
	PyBuffer_Release(&data);
	if (r < 0)
		return NULL;
	Py_RETURN_NONE;
}

static ssize_t send_to(struct sock *s, const Py_buffer *data, int flags, PyObject *address)
{
	struct address a;
	ssize_t n;

	if (address_parse(s, address, "sendto", &a) < 0 || audit("socket.sendto", "(OO)", s, address) < 0)
		return -1;
	flags = call_flags(s, flags);
	Py_BEGIN_ALLOW_THREADS
	n = sb_sendto(s->fd, data->buf, (size_t)data->len, flags, &a.sa, a.len);
	Py_END_ALLOW_THREADS
	if (error_none(n))
		return n;
	(void)error_wait(s);
	return -1;
}

static PyObject *sock_sendto(struct sock *s, PyObject *args)
{
	const Py_ssize_t count = PyTuple_Size(args);
	PyObject *address;
	Py_buffer data;
	int flags = 0;
	ssize_t n;

	if (count != 2 && count != 3)
		return PyErr_Format(PyExc_TypeError, "sendto() takes 2 or 3 arguments (%zd given)", count);
	if (count == 2 ? !PyArg_ParseTuple(args, "y*O:sendto", &data, &address) :
			 !PyArg_ParseTuple(args, "y*iO:sendto", &data, &flags, &address))
		return NULL;
	n = send_to(s, &data, flags, address);
	PyBuffer_Release(&data);
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

PyMethodDef sock_methods_send[] = {
	{ "send", (PyCFunction)sock_send, METH_VARARGS, "send(data[, flags]) -> count" },
	{ "sendall", (PyCFunction)sock_sendall, METH_VARARGS, "sendall(data[, flags])" },
	{ "sendto", (PyCFunction)sock_sendto, METH_VARARGS, "sendto(data[, flags], address) -> count" },
	{ NULL, NULL, 0, NULL },
};
