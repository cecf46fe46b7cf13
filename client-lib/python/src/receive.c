/* SPDX-License-Identifier: Apache-2.0 */
/* receive.c - recv, recvfrom, and the same into a buffer. */
#include "receive.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "error.h"
#include "object.h"
#include "sockbroker.h"

/* A receive of fewer bytes lands on the stack: most ask for more than comes. */
enum { STACK_BYTES = 8192 };

/* The socket's time is the limit, as if it had been waited for before. */
int call_flags(struct sock *s, int flags)
{
	mode_follow(s);
	return s->timeout_ns > 0 ? flags & ~MSG_DONTWAIT : flags;
}

/* @a: NULL if nobody asks who sent it. */
static ssize_t receive(struct sock *s, void *buffer, size_t len, int flags, struct address *a)
{
	ssize_t n;

	flags = call_flags(s, flags);
	Py_BEGIN_ALLOW_THREADS
	if (a)
		n = sb_recvfrom(s->fd, buffer, len, flags, &a->sa, &a->len);
	else
		n = sb_recv(s->fd, buffer, len, flags);
	Py_END_ALLOW_THREADS
	if (error_none(n))
		return n;
	(void)error_wait(s);
	return -1;
}

/* MSG_TRUNC tells a length that is more than what was put there. */
static Py_ssize_t at_most(ssize_t n, Py_ssize_t len)
{
	return n < len ? n : len;
}

static PyObject *bytes_small(struct sock *s, Py_ssize_t len, int flags, struct address *a)
{
	char buffer[STACK_BYTES];
	const ssize_t n = receive(s, buffer, (size_t)len, flags, a);

	return n < 0 ? NULL : PyBytes_FromStringAndSize(buffer, at_most(n, len));
}

PyObject *bytes_cut(PyObject *bytes, Py_ssize_t len)
{
	PyObject *shorter;

	if (len >= PyBytes_Size(bytes))
		return bytes;
	shorter = PyBytes_FromStringAndSize(PyBytes_AsString(bytes), len);
	Py_DECREF(bytes);
	return shorter;
}

static PyObject *bytes_large(struct sock *s, Py_ssize_t len, int flags, struct address *a)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, len);
	ssize_t n;

	if (!bytes)
		return NULL;
	n = receive(s, PyBytes_AsString(bytes), (size_t)len, flags, a);
	if (n >= 0)
		return bytes_cut(bytes, n);
	Py_DECREF(bytes);
	return NULL;
}

static PyObject *bytes_receive(struct sock *s, Py_ssize_t len, int flags, struct address *a)
{
	return len <= STACK_BYTES ? bytes_small(s, len, flags, a) : bytes_large(s, len, flags, a);
}

static PyObject *sock_recv(struct sock *s, PyObject *args)
{
	Py_ssize_t len;
	int flags = 0;

	if (!PyArg_ParseTuple(args, "n|i:recv", &len, &flags))
		return NULL;
	if (len >= 0)
		return bytes_receive(s, len, flags, NULL);
	PyErr_SetString(PyExc_ValueError, "negative buffersize in recv");
	return NULL;
}

static PyObject *sock_recvfrom(struct sock *s, PyObject *args)
{
	struct address a = { .len = sizeof(a.ss) };
	PyObject *bytes, *address;
	Py_ssize_t len;
	int flags = 0;

	if (!PyArg_ParseTuple(args, "n|i:recvfrom", &len, &flags))
		return NULL;
	if (len < 0) {
		PyErr_SetString(PyExc_ValueError, "negative buffersize in recvfrom");
		return NULL;
	}
	bytes = bytes_receive(s, len, flags, &a);
	address = bytes ? address_build(s, &a) : NULL;
	if (address)
		return Py_BuildValue("NN", bytes, address);
	Py_XDECREF(bytes);
	return NULL;
}

/* ------------------------------------------------------------------------ */
/* Into a buffer                                                            */
/* ------------------------------------------------------------------------ */

struct into {
	const char *format, *negative, *small;
};

/* How much of @buffer is asked for: 0 means all of it. */
static int into_check(const struct into *words, const Py_buffer *buffer, Py_ssize_t *len)
{
	const char *wrong = NULL;

	if (*len < 0)
		wrong = words->negative;
	else if (*len == 0)
		*len = buffer->len;
	else if (*len > buffer->len)
		wrong = words->small;
	if (wrong)
		PyErr_SetString(PyExc_ValueError, wrong);
	return wrong ? -1 : 0;
}

static ssize_t receive_into(struct sock *s, const struct into *words, PyObject *args, PyObject *kwargs,
			    struct address *a)
{
	static const char *const names[] = { "buffer", "nbytes", "flags", NULL };
	Py_ssize_t len = 0;
	Py_buffer buffer;
	int flags = 0;
	ssize_t n = -1;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, words->format, (char **)names, &buffer, &len, &flags))
		return -1;
	if (into_check(words, &buffer, &len) == 0)
		n = receive(s, buffer.buf, (size_t)len, flags, a);
	PyBuffer_Release(&buffer);
	return n;
}

static PyObject *sock_recv_into(struct sock *s, PyObject *args, PyObject *kwargs)
{
	static const struct into words = { "w*|ni:recv_into", "negative buffersize in recv_into",
					   "buffer too small for requested bytes" };
	const ssize_t n = receive_into(s, &words, args, kwargs, NULL);

	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

static PyObject *sock_recvfrom_into(struct sock *s, PyObject *args, PyObject *kwargs)
{
	static const struct into words = { "w*|ni:recvfrom_into", "negative buffersize in recvfrom_into",
					   "nbytes is greater than the length of the buffer" };
	struct address a = { .len = sizeof(a.ss) };
	const ssize_t n = receive_into(s, &words, args, kwargs, &a);
	PyObject *address;

	if (n < 0)
		return NULL;
	address = address_build(s, &a);
	return address ? Py_BuildValue("nN", (Py_ssize_t)n, address) : NULL;
}

PyMethodDef sock_methods_receive[] = {
	{ "recv", (PyCFunction)sock_recv, METH_VARARGS, "recv(buffersize[, flags]) -> data" },
	{ "recvfrom", (PyCFunction)sock_recvfrom, METH_VARARGS,
	  "recvfrom(buffersize[, flags]) -> (data, address info)" },
	{ "recv_into", (PyCFunction)(void (*)(void))sock_recv_into, METH_VARARGS | METH_KEYWORDS,
	  "recv_into(buffer, [nbytes[, flags]]) -> nbytes_read" },
	{ "recvfrom_into", (PyCFunction)(void (*)(void))sock_recvfrom_into, METH_VARARGS | METH_KEYWORDS,
	  "recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)" },
	{ NULL, NULL, 0, NULL },
};
