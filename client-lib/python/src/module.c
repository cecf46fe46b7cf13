/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.c - _sockbroker is to sockbroker/socket.py what _socket is to the standard socket.py.
 *
 * What concerns no socket and no name is the standard module's own, taken from _socket: its
 * exceptions, its constants, conversions of numbers and addresses. What is not named here is not
 * taken: a function that a later Python adds must not reach the kernel past the broker.
 */
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "interrupt.h"
#include "object.h"
#include "sockbroker.h"

static PyObject *socket_type;

static PyObject *pair_object(int fd, int family, int type, int proto)
{
	PyObject *kwargs = Py_BuildValue("{si}", "fileno", fd);
	PyObject *args = Py_BuildValue("(iii)", family, type, proto);
	PyObject *object = args && kwargs ? PyObject_Call(socket_type, args, kwargs) : NULL;

	if (!object)
		(void)sb_close(fd);
	Py_XDECREF(args);
	Py_XDECREF(kwargs);
	return object;
}

static PyObject *module_socketpair(PyObject *self, PyObject *args)
{
	int family = AF_UNIX, type = SOCK_STREAM, proto = 0, sv[2], r;
	PyObject *first, *second;

	(void)self;
	if (!PyArg_ParseTuple(args, "|iii:socketpair", &family, &type, &proto))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_socketpair(family, type & ~SOCK_CLOEXEC, proto, sv);
	Py_END_ALLOW_THREADS
	if (!error_none(r))
		return error_call();
	first = pair_object(sv[0], family, type, proto);
	second = pair_object(sv[1], family, type, proto);
	if (first && second)
		return Py_BuildValue("NN", first, second);
	Py_XDECREF(first);
	Py_XDECREF(second);
	return NULL;
}

/* Is it a socket that the library was not told of? */
static bool is_kernels(int fd, int error)
{
	struct stat st;

	return error == ENOTSOCK && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static PyObject *module_close(PyObject *self, PyObject *number)
{
	int fd, r;

	(void)self;
	if (!PyArg_Parse(number, "i", &fd))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_close(fd);
	if (r < 0 && is_kernels(fd, errno))
		r = close(fd);
	Py_END_ALLOW_THREADS
	if (r < 0 && errno != ECONNRESET)
		return error_call();
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *module_dup(PyObject *self, PyObject *number)
{
	int fd, copy;

	(void)self;
	if (!PyArg_Parse(number, "i", &fd))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	copy = sb_dup(fd);
	if (copy < 0 && is_kernels(fd, errno))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	Py_END_ALLOW_THREADS
	return error_none(copy) ? PyLong_FromLong(copy) : error_call();
}

static PyObject *module_getdefaulttimeout(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return timeout_build(timeout_default_ns);
}

static PyObject *module_setdefaulttimeout(PyObject *self, PyObject *value)
{
	(void)self;
	if (timeout_parse(value, &timeout_default_ns) < 0)
		return NULL;
	Py_RETURN_NONE;
}

PyMethodDef module_functions_sockets[] = {
	{ "socketpair", module_socketpair, METH_VARARGS,
	  "socketpair([family[, type [, proto]]]) -> (socket object, socket object)" },
	{ "close", module_close, METH_O, "close(integer)\n\nClose a socket by its number." },
	{ "dup", module_dup, METH_O, "dup(integer) -> integer\n\nDuplicate a socket by its number." },
	{ "getdefaulttimeout", module_getdefaulttimeout, METH_NOARGS, "getdefaulttimeout() -> timeout" },
	{ "setdefaulttimeout", module_setdefaulttimeout, METH_O, "setdefaulttimeout(timeout)" },
	{ NULL, NULL, 0, NULL },
};

/* ------------------------------------------------------------------------ */
/* What is the standard module's                                            */
/* ------------------------------------------------------------------------ */

static const char *const shared[] = {
	"CAPI", "CMSG_LEN", "CMSG_SPACE", "error", "gaierror", "has_ipv6", "herror", "htonl", "htons",
	"inet_aton", "inet_ntoa", "inet_ntop", "inet_pton", "ntohl", "ntohs", "timeout",
};

static int shared_add(PyObject *module, PyObject *standard)
{
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		PyObject *value = PyObject_GetAttrString(standard, shared[i]);
		const int r = value ? PyModule_AddObjectRef(module, shared[i], value) : -1;

		Py_XDECREF(value);
		if (r < 0)
			return -1;
	}
	error_gai = PyObject_GetAttrString(standard, "gaierror");
	error_host = PyObject_GetAttrString(standard, "herror");
	return error_gai && error_host ? 0 : -1;
}

/* Of these socket.py makes enums: another name for one's value would change how it prints. */
static bool is_member(const char *name)
{
	static const char *const prefixes[] = { "AF_", "AI_", "MSG_", "SOCK_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* What the standard module has no name for, because it is another system's, or newer: SIO_RCVALL. */
static int constants_add_more(PyObject *module)
{
	const struct sb_constant_entry *entries;
	PyObject *value;
	size_t n;
	int r = 0;

	entries = sb_constants(&n);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (is_member(entries[i].name) || PyObject_HasAttrString(module, entries[i].name))
			continue;
		value = PyLong_FromLongLong(entries[i].value);
		r = value ? PyModule_AddObjectRef(module, entries[i].name, value) : -1;
		Py_XDECREF(value);
	}
	return r;
}

/* Numbers, and Bluetooth's two addresses. */
static int constants_add(PyObject *module, PyObject *standard)
{
	PyObject *name, *value;
	Py_ssize_t place = 0;

	while (PyDict_Next(PyModule_GetDict(standard), &place, &name, &value)) {
		const char *text = PyUnicode_AsUTF8AndSize(name, NULL);

		if (!text || *text < 'A' || *text > 'Z' || !(PyLong_Check(value) || PyUnicode_Check(value)))
			continue;
		if (PyModule_AddObjectRef(module, text, value) < 0)
			return -1;
	}
	return constants_add_more(module);
}

static int type_add(PyObject *module)
{
	socket_type = sock_type_new(module);
	if (!socket_type || PyModule_AddObjectRef(module, "socket", socket_type) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "SocketType", socket_type);
}

PyMODINIT_FUNC PyInit__sockbroker(void); /* which Python finds by its name */
PyMODINIT_FUNC PyInit__sockbroker(void)
{
	static PyModuleDef definition = {
		PyModuleDef_HEAD_INIT,
		.m_name = "_sockbroker",
		.m_doc = "Sockets held by a broker. Use sockbroker.socket instead.",
		.m_size = -1,
	};
	PyObject *standard = PyImport_ImportModule("_socket");
	PyObject *module = standard ? PyModule_Create(&definition) : NULL;

	if (module && (shared_add(module, standard) < 0 || constants_add(module, standard) < 0 ||
		       type_add(module) < 0 || PyModule_AddFunctions(module, module_functions_sockets) < 0 ||
		       PyModule_AddFunctions(module, module_functions_addresses) < 0 ||
		       PyModule_AddFunctions(module, module_functions_tables) < 0))
		Py_CLEAR(module);
	Py_XDECREF(standard);
	if (module)
		interrupt_begin();
	return module;
}
