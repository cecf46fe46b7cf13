/* SPDX-License-Identifier: Apache-2.0 */
/* option.c - getsockopt, setsockopt, ioctl. */
#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>

#include "error.h"
#include "object.h"
#include "receive.h"
#include "sockbroker.h"

enum { OPTION_BYTES_MOST = 1024 };

static int option_get(struct sock *s, int level, int option, void *value, socklen_t *len)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_getsockopt(s->fd, level, option, value, len);
	Py_END_ALLOW_THREADS
	if (error_none(r))
		return 0;
	(void)error_wait(s);
	return -1;
}

static PyObject *option_get_bytes(struct sock *s, int level, int option, int size)
{
	char value[OPTION_BYTES_MOST] = { 0 };
	socklen_t len = (socklen_t)size;

	if (size < 0 || size > OPTION_BYTES_MOST) {
		PyErr_SetString(PyExc_OSError, "getsockopt buflen out of range");
		return NULL;
	}
	if (option_get(s, level, option, value, &len) < 0)
		return NULL;
	return PyBytes_FromStringAndSize(value, len);
}

static PyObject *sock_getsockopt(struct sock *s, PyObject *args)
{
	int level, option, size = 0, value = 0;
	socklen_t len = sizeof(value);
	uint64_t wide = 0;

	if (!PyArg_ParseTuple(args, "ii|i:getsockopt", &level, &option, &size))
		return NULL;
	if (size != 0)
		return option_get_bytes(s, level, option, size);
	if (s->family == AF_VSOCK && level == AF_VSOCK) {
		len = sizeof(wide);
		if (option_get(s, level, option, &wide, &len) < 0)
			return NULL;
		return PyLong_FromUnsignedLongLong(wide);
	}
	if (option_get(s, level, option, &value, &len) < 0)
		return NULL;
	return PyLong_FromLong(value);
}

static PyObject *option_set(struct sock *s, int level, int option, const void *value, socklen_t len)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_setsockopt(s->fd, level, option, value, len);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_wait(s);
	Py_RETURN_NONE;
}

static PyObject *option_set_bytes(struct sock *s, PyObject *args)
{
	PyObject *result;
	Py_buffer value;
	int level, option;

	if (!PyArg_ParseTuple(args, "iiy*:setsockopt", &level, &option, &value))
		return NULL;
	if (value.len <= INT_MAX)
		result = option_set(s, level, option, value.buf, (socklen_t)value.len);
	else
		result = PyErr_Format(PyExc_OverflowError, "socket option is larger than %i bytes", INT_MAX);
	PyBuffer_Release(&value);
	return result;
}

/* (level, option, int), (level, option, None, length) or (level, option, bytes). */
static PyObject *sock_setsockopt(struct sock *s, PyObject *args)
{
	unsigned long long wide;
	int level, option, value;
	unsigned int len;
	PyObject *none;

	if (s->family == AF_VSOCK && PyArg_ParseTuple(args, "iiK:setsockopt", &level, &option, &wide) &&
	    level == AF_VSOCK)
		return option_set(s, level, option, &wide, sizeof(wide));
	PyErr_Clear();
	if (PyArg_ParseTuple(args, "iii:setsockopt", &level, &option, &value))
		return option_set(s, level, option, &value, sizeof(value));
	PyErr_Clear();
	if (PyArg_ParseTuple(args, "iiO!I:setsockopt", &level, &option, Py_TYPE(Py_None), &none, &len))
		return option_set(s, level, option, NULL, len);
	PyErr_Clear();
	return option_set_bytes(s, args);
}

/* ------------------------------------------------------------------------ */
/* ioctl, as on Windows                                                     */
/* ------------------------------------------------------------------------ */

/* SIO_KEEPALIVE_VALS, in milliseconds; linux/sockios.h has no such thing. */
struct keepalive {
	uint32_t on, time_ms, interval_ms;
};

static PyObject *ioctl_done(struct sock *s, unsigned long command, void *argument)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_ioctl(s->fd, command, argument);
	Py_END_ALLOW_THREADS
	return error_none(r) ? PyLong_FromLong(0) : error_wait(s);
}

static PyObject *sock_ioctl(struct sock *s, PyObject *args)
{
	unsigned long command, v[3];
	struct keepalive keepalive;
	unsigned int value;
	PyObject *object;

	if (!PyArg_ParseTuple(args, "kO:ioctl", &command, &object))
		return NULL;
	if (command == (unsigned long)sb_constant("SIO_KEEPALIVE_VALS")) {
		if (!PyArg_ParseTuple(args, "k(kkk):ioctl", &command, &v[0], &v[1], &v[2]))
			return NULL;
		keepalive = (struct keepalive){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2] };
		return ioctl_done(s, command, &keepalive);
	}
	if (command != (unsigned long)sb_constant("SIO_RCVALL") &&
	    command != (unsigned long)sb_constant("SIO_LOOPBACK_FAST_PATH"))
		return PyErr_Format(PyExc_ValueError, "invalid ioctl command %lu", command);
	if (!PyArg_ParseTuple(args, "kI:ioctl", &command, &value))
		return NULL;
	return ioctl_done(s, command, &value);
}

PyMethodDef sock_methods_option[] = {
	{ "ioctl", (PyCFunction)sock_ioctl, METH_VARARGS, "ioctl(cmd, option) -> long" },
	{ "getsockopt", (PyCFunction)sock_getsockopt, METH_VARARGS,
	  "getsockopt(level, option[, buffersize]) -> value" },
	{ "setsockopt", (PyCFunction)sock_setsockopt, METH_VARARGS,
	  "setsockopt(level, option, value: int)\nsetsockopt(level, option, value: buffer)\n"
	  "setsockopt(level, option, None, optlen: int)" },
	{ NULL, NULL, 0, NULL },
};
