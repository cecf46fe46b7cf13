/* SPDX-License-Identifier: Apache-2.0 */
/* naming.c - names and connections: bind … getpeername. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "error.h"
#include "object.h"
#include "sockbroker.h"

static PyObject *sock_bind(struct sock *s, PyObject *object)
{
	struct address a;
	int r;

	if (address_parse(s, object, "bind", &a) < 0 || audit("socket.bind", "(OO)", s, object) < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_bind(s->fd, &a.sa, a.len);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_wait(s);
	Py_RETURN_NONE;
}

static PyObject *sock_listen(struct sock *s, PyObject *args)
{
	int backlog = SOMAXCONN < 128 ? SOMAXCONN : 128, r;

	if (!PyArg_ParseTuple(args, "|i:listen", &backlog))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_listen(s->fd, backlog < 0 ? 0 : backlog);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_wait(s);
	Py_RETURN_NONE;
}

static PyObject *sock_accept(struct sock *s, PyObject *unused)
{
	struct address a = { .len = sizeof(a.ss) };
	PyObject *address;
	int fd;

	(void)unused;
	mode_follow(s);
	Py_BEGIN_ALLOW_THREADS
	fd = sb_accept(s->fd, &a.sa, &a.len);
	Py_END_ALLOW_THREADS
	if (fd < 0)
		return error_wait(s);
	address = PyErr_Occurred() ? NULL : address_build(s, &a);
	if (address)
		return Py_BuildValue("iN", fd, address);
	(void)sb_close(fd);
	return NULL;
}

/* 0, or the errno; -1 with an exception. */
static int connect_try(struct sock *s, PyObject *object, const char *caller)
{
	struct address a;
	int r;

	if (address_parse(s, object, caller, &a) < 0 || audit("socket.connect", "(OO)", s, object) < 0)
		return -1;
	mode_follow(s);
	Py_BEGIN_ALLOW_THREADS
	r = sb_connect(s->fd, &a.sa, a.len);
	Py_END_ALLOW_THREADS
	if (PyErr_Occurred())
		return -1;
	return r < 0 ? errno : 0;
}

static PyObject *sock_connect(struct sock *s, PyObject *object)
{
	const int error = connect_try(s, object, "connect");

	if (error > 0) {
		errno = error;
		return error_wait(s);
	}
	if (error < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *sock_connect_ex(struct sock *s, PyObject *object)
{
	int error = connect_try(s, object, "connect_ex");

	if (error < 0)
		return NULL;
	/* The time was up, which the standard module tells so. */
	if (error == EINPROGRESS && s->timeout_ns > 0)
		error = EWOULDBLOCK;
	return PyLong_FromLong(error);
}

static PyObject *sock_shutdown(struct sock *s, PyObject *object)
{
	int how, r;

	if (!PyArg_Parse(object, "i", &how))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_shutdown(s->fd, how);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_wait(s);
	Py_RETURN_NONE;
}

static PyObject *name_get(struct sock *s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct address a = { .len = sizeof(a.ss) };
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = get(s->fd, &a.sa, &a.len);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_wait(s);
	return address_build(s, &a);
}

static PyObject *sock_getsockname(struct sock *s, PyObject *unused)
{
	(void)unused;
	return name_get(s, sb_getsockname);
}

static PyObject *sock_getpeername(struct sock *s, PyObject *unused)
{
	(void)unused;
	return name_get(s, sb_getpeername);
}

PyMethodDef sock_methods_naming[] = {
	{ "_accept", (PyCFunction)sock_accept, METH_NOARGS,
	  "_accept() -> (integer, address info)\n\nWait for a connection; its stand-in, and whose it is." },
	{ "bind", (PyCFunction)sock_bind, METH_O, "bind(address)" },
	{ "connect", (PyCFunction)sock_connect, METH_O, "connect(address)" },
	{ "connect_ex", (PyCFunction)sock_connect_ex, METH_O, "connect_ex(address) -> errno" },
	{ "getpeername", (PyCFunction)sock_getpeername, METH_NOARGS, "getpeername() -> address info" },
	{ "getsockname", (PyCFunction)sock_getsockname, METH_NOARGS, "getsockname() -> address info" },
	{ "listen", (PyCFunction)sock_listen, METH_VARARGS, "listen([backlog])" },
	{ "shutdown", (PyCFunction)sock_shutdown, METH_O, "shutdown(flag)" },
	{ NULL, NULL, 0, NULL },
};
