/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.c - the socket object: its life, and how long its calls wait.
 *
 * Time runs at the broker: a call is one request, which says how long it may take. So
 * there is no waiting for readiness before a call, and the stand-in is not non-blocking
 * to the library when a timeout is set; but it looks so to fcntl(2), as the standard
 * module's descriptors do. The number of a real socket (direct mode, or one that the program had)
 * is non-blocking only when no call is to wait: there the flag is heeded.
 */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <structmember.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "holders.h"
#include "share.h"
#include "sockbroker.h"

enum { TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

/* ------------------------------------------------------------------------ */
/* Waiting                                                                  */
/* ------------------------------------------------------------------------ */

/* The descriptor shows the mode to who looks at it. */
static void mode_show(const struct sock *s)
{
	const bool blocking = s->real ? s->timeout_ns != 0 : s->timeout_ns < 0;
	const int flags = fcntl(s->fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(s->fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void mode_follow(struct sock *s)
{
	bool nonblocking;

	if (!s->shown || s->real || s->timeout_ns >= 0)
		return;
	nonblocking = fcntl(s->fd, F_GETFL) & O_NONBLOCK;
	if (nonblocking == s->made_nonblocking)
		return;
	s->made_nonblocking = nonblocking;
	(void)sb_set_timeout(s->fd, nonblocking ? 0 : -1);
}

static int timeout_set(struct sock *s, int64_t ns)
{
	s->timeout_ns = ns;
	s->made_nonblocking = false;
	if (sb_set_timeout(s->fd, ns) < 0) {
		(void)error_set();
		return -1;
	}
	mode_show(s);
	return 0;
}

static PyObject *sock_settimeout(struct sock *s, PyObject *value)
{
	int64_t ns;

	if (timeout_parse(value, &ns) < 0 || timeout_set(s, ns) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *sock_gettimeout(struct sock *s, void *unused)
{
	(void)unused;
	return timeout_build(s->timeout_ns);
}

static PyObject *sock_setblocking(struct sock *s, PyObject *value)
{
	const long blocking = PyLong_AsLong(value);

	if ((blocking == -1 && PyErr_Occurred()) || timeout_set(s, blocking ? -1 : 0) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *sock_getblocking(struct sock *s, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(s->timeout_ns != 0);
}

/* ------------------------------------------------------------------------ */
/* Birth                                                                    */
/* ------------------------------------------------------------------------ */

static PyObject *sock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct sock *s = (struct sock *)alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (s) {
		s->fd = -1;
		s->pid = getpid();
		s->timeout_ns = timeout_default_ns;
	}
	return (PyObject *)s;
}

static int int_option(int fd, int option, int *value)
{
	socklen_t len = sizeof(*value);
	int r;

	if (*value != -1)
		return 0;
	Py_BEGIN_ALLOW_THREADS
	r = sb_getsockopt(fd, SOL_SOCKET, option, value, &len);
	Py_END_ALLOW_THREADS
	if (error_none(r))
		return 0;
	(void)error_call();
	return -1;
}

/* The object's from now on. */
static int number_set(struct sock *s, int fd)
{
	if (holders_add(fd) < 0)
		return -1;
	s->fd = fd;
	s->real = sb_is_direct(fd) > 0;
	return 0;
}

/* A number that somebody has: detach(), dup(), a received one, or a socket of the kernel's that the
 * program came by otherwise, which the library is told of. Its mode is its own. */
static int mode_adopt(int fd)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_attach(fd);
	Py_END_ALLOW_THREADS
	if (error_none(r)) {
		const int flags = fcntl(fd, F_GETFL);
		const bool nonblocking = flags >= 0 && (flags & O_NONBLOCK) && !sb_is_direct(fd);

		r = sb_set_timeout(fd, nonblocking ? 0 : -1);
	}
	if (r >= 0 && !PyErr_Occurred())
		return 0;
	(void)error_call();
	return -1;
}

static int adopt_number(struct sock *s, int fd, int family, int type, int proto)
{
	if (mode_adopt(fd) < 0)
		return -1;
	if (int_option(fd, SO_DOMAIN, &family) < 0 || int_option(fd, SO_TYPE, &type) < 0 ||
	    int_option(fd, SO_PROTOCOL, &proto) < 0)
		return -1;
	s->family = family;
	s->type = type & ~TYPE_FLAGS;
	s->proto = proto;
	return number_set(s, fd);
}

static int adopt(struct sock *s, PyObject *number, int family, int type, int proto)
{
	int fd;

	if (!PyArg_Parse(number, "i", &fd))
		return -1;
	if (fd >= 0)
		return adopt_number(s, fd, family, type, proto);
	PyErr_SetString(PyExc_ValueError, "negative file descriptor");
	return -1;
}

/* fromshare(). What the socket is, the broker knows best. */
static int adopt_shared(struct sock *s, PyObject *token)
{
	const int fd = share_take(token);

	if (fd < 0)
		return -1;
	if (adopt_number(s, fd, -1, -1, -1) == 0)
		return 0;
	(void)sb_close(fd);
	return -1;
}

static int create(struct sock *s, int family, int type, int proto)
{
	int fd;

	s->family = family == -1 ? AF_INET : family;
	s->type = (type == -1 ? SOCK_STREAM : type) & ~TYPE_FLAGS;
	s->proto = proto == -1 ? 0 : proto;
	Py_BEGIN_ALLOW_THREADS
	fd = sb_socket(s->family, s->type, s->proto);
	Py_END_ALLOW_THREADS
	if (error_none(fd) && number_set(s, fd) == 0)
		return 0;
	if (fd >= 0)
		(void)sb_close(fd);
	if (!PyErr_Occurred())
		(void)error_call();
	return -1;
}

static int sock_init(struct sock *s, PyObject *args, PyObject *kwargs)
{
	static const char *const names[] = { "family", "type", "proto", "fileno", NULL };
	int family = -1, type = -1, proto = -1, r;
	PyObject *number = NULL;
	int64_t ns = timeout_default_ns;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iiiO:socket", (char **)names, &family, &type, &proto,
					 &number) ||
	    audit("socket.__new__", "(Oiii)", s, family, type, proto) < 0)
		return -1;
	if (number && PyBytes_Check(number))
		r = adopt_shared(s, number);
	else if (number && !Py_IsNone(number))
		r = adopt(s, number, family, type, proto);
	else
		r = create(s, family, type, proto);
	if (r < 0)
		return -1;
	if (type != -1 && (type & SOCK_NONBLOCK))
		ns = 0;
	s->timeout_ns = ns;
	return ns >= 0 ? timeout_set(s, ns) : 0;
}

/* ------------------------------------------------------------------------ */
/* Death                                                                    */
/* ------------------------------------------------------------------------ */

/* A forked child has its parent's stand-ins, which are no sockets to the library there: they are
 * closed, and the sockets stay with the parent. */
static int fd_close(struct sock *s)
{
	const int fd = s->fd;
	int r;

	s->fd = -1;
	(void)holders_remove(fd);
	Py_BEGIN_ALLOW_THREADS
	r = sb_close(fd);
	if (r < 0 && errno == EBADF && s->pid != getpid())
		r = close(fd);
	Py_END_ALLOW_THREADS
	return r;
}

static PyObject *sock_close(struct sock *s, PyObject *unused)
{
	(void)unused;
	/* The peer's reset is no news to who closes. */
	if (s->fd != -1 && fd_close(s) < 0 && errno != ECONNRESET)
		return error_wait(s);
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *sock_release(struct sock *s, PyObject *unused)
{
	const int fd = s->fd;

	(void)unused;
	s->fd = -1;
	(void)holders_remove(fd);
	return PyLong_FromLong(fd);
}

/* Who wants the bare number wants to use it without us: where policy lets it, it becomes the
 * socket itself. Not while another object has it, to which it would mean nothing any more. */
static PyObject *sock_detach(struct sock *s, PyObject *unused)
{
	const int fd = s->fd;

	(void)unused;
	s->fd = -1;
	if (fd == -1 || holders_remove(fd) || s->pid != getpid())
		return PyLong_FromLong(fd);
	Py_BEGIN_ALLOW_THREADS
	(void)sb_detach(fd);
	Py_END_ALLOW_THREADS
	if (!PyErr_Occurred())
		return PyLong_FromLong(fd);
	/* A signal's handler raised. */
	s->fd = fd;
	(void)holders_add(fd);
	return NULL;
}

static void sock_finalize(PyObject *self)
{
	PyObject *type, *value, *trace;
	struct sock *s = (struct sock *)self;

	PyErr_Fetch(&type, &value, &trace);
	if (s->fd != -1) {
		if (PyErr_ResourceWarning(self, 1, "unclosed %R", self) < 0 &&
		    PyErr_ExceptionMatches(PyExc_Warning))
			PyErr_WriteUnraisable(self);
		(void)fd_close(s);
	}
	PyErr_Restore(type, value, trace);
}

/* ------------------------------------------------------------------------ */
/* The descriptor                                                           */
/* ------------------------------------------------------------------------ */

/* Data must not be written into the stand-in, where nobody reads it. sendfile(2) refuses a
 * file in append mode, and who uses it then sends as it can: socket.sendfile(), asyncio. */
static void sendfile_forbid(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_APPEND);
}

/* Who asks for the number may poll it: from now on it shows the socket's readiness. */
static PyObject *sock_fileno(struct sock *s, PyObject *unused)
{
	int r = 0;

	(void)unused;
	if (s->fd != -1 && !s->shown && !s->real) {
		sendfile_forbid(s->fd);
		Py_BEGIN_ALLOW_THREADS
		r = sb_watch(s->fd, POLLIN | POLLOUT);
		Py_END_ALLOW_THREADS
		s->shown = r == 0;
	}
	/* In a forked child there is nothing to be shown, but the number is the number. */
	if (r < 0 && errno != EBADF)
		return error_set();
	return PyLong_FromLong(s->fd);
}

static PyObject *sock_number(struct sock *s, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLong(s->fd);
}

static PyObject *sock_repr(struct sock *s)
{
	return PyUnicode_FromFormat("<socket object, fd=%d, family=%d, type=%d, proto=%d>", s->fd,
				    s->family, s->type, s->proto);
}

PyMethodDef sock_methods_life[] = {
	{ "close", (PyCFunction)sock_close, METH_NOARGS, "close()\n\nClose the socket." },
	{ "detach", (PyCFunction)sock_detach, METH_NOARGS,
	  "detach()\n\nClose the object without closing the socket, and return its number: a descriptor of the\n"
	  "kernel's where the policy gives it, else the stand-in." },
	{ "_detach", (PyCFunction)sock_release, METH_NOARGS,
	  "_detach()\n\nLike detach(), for who makes another object of the number: it stays what it is." },
	{ "fileno", (PyCFunction)sock_fileno, METH_NOARGS,
	  "fileno() -> integer\n\nReturn the stand-in: a descriptor that select, poll and event loops can wait for." },
	{ "_fileno", (PyCFunction)sock_number, METH_NOARGS,
	  "_fileno() -> integer\n\nLike fileno(), for who does not wait: readiness is not shown." },
	{ "settimeout", (PyCFunction)sock_settimeout, METH_O, "settimeout(timeout)" },
	{ "gettimeout", (PyCFunction)sock_gettimeout, METH_NOARGS, "gettimeout() -> timeout" },
	{ "setblocking", (PyCFunction)sock_setblocking, METH_O, "setblocking(flag)" },
	{ "getblocking", (PyCFunction)sock_getblocking, METH_NOARGS, "getblocking() -> bool" },
	{ NULL, NULL, 0, NULL },
};

static PyMemberDef members[] = {
	{ "family", T_INT, offsetof(struct sock, family), READONLY, "the socket family" },
	{ "type", T_INT, offsetof(struct sock, type), READONLY, "the socket type" },
	{ "proto", T_INT, offsetof(struct sock, proto), READONLY, "the socket protocol" },
	{ NULL, 0, 0, 0, NULL },
};

static PyGetSetDef getsets[] = {
	{ "timeout", (getter)sock_gettimeout, NULL, "the socket timeout", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* ------------------------------------------------------------------------ */
/* The type                                                                 */
/* ------------------------------------------------------------------------ */

static PyMethodDef methods[64];

static void methods_gather(void)
{
	PyMethodDef *const lists[] = { sock_methods_life, sock_methods_naming, sock_methods_receive,
				       sock_methods_send, sock_methods_message_receive,
				       sock_methods_message_send, sock_methods_option,
				       sock_methods_share };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (PyMethodDef *m = lists[i]; m->ml_name; m++)
			if (n < sizeof(methods) / sizeof(methods[0]) - 1)
				methods[n++] = *m;
}

PyObject *sock_type_new(PyObject *module)
{
	static const char doc[] = "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\n"
				  "socket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\n"
				  "Open a socket at the broker, or adopt one by its stand-in.";
	static PyType_Slot slots[] = {
		{ Py_tp_doc, (void *)doc },
		{ Py_tp_new, sock_new },
		{ Py_tp_init, sock_init },
		{ Py_tp_finalize, sock_finalize },
		{ Py_tp_repr, sock_repr },
		{ Py_tp_methods, methods },
		{ Py_tp_members, members },
		{ Py_tp_getset, getsets },
		{ 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "_sockbroker.socket",
		.basicsize = sizeof(struct sock),
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
		.slots = slots,
	};

	methods_gather();
	return PyType_FromModuleAndSpec(module, &spec, NULL);
}
