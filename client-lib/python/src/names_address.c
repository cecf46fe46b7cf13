/* SPDX-License-Identifier: Apache-2.0 */
/* names_address.c - getaddrinfo, getnameinfo, gethostby*, the host's own name: asked of the broker's system. */
#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "error.h"
#include "names.h"
#include "object.h"
#include "sockbroker.h"

/* ------------------------------------------------------------------------ */
/* getaddrinfo                                                              */
/* ------------------------------------------------------------------------ */

/* Bytes with a NUL at the end, or NULL without an exception for None. A port that is an
 * int is written in decimal. */
static int text_take(PyObject *object, const char *codec, PyObject **ret)
{
	PyObject *decimal;

	*ret = NULL;
	if (Py_IsNone(object))
		return 0;
	if (PyBytes_Check(object)) {
		*ret = Py_NewRef(object);
	} else if (PyUnicode_Check(object)) {
		*ret = PyUnicode_AsEncodedString(object, codec, NULL);
	} else if (PyLong_Check(object)) {
		/* Its own overflow, as the standard module says it. */
		const long value = PyLong_AsLong(object);

		if (value == -1 && PyErr_Occurred())
			return -1;
		decimal = PyUnicode_FromFormat("%ld", value);
		*ret = decimal ? PyUnicode_AsUTF8String(decimal) : NULL;
		Py_XDECREF(decimal);
	}
	return *ret ? 0 : -1;
}

static int node_take(PyObject *object, PyObject **ret)
{
	*ret = NULL;
	if (!Py_IsNone(object) && !PyBytes_Check(object) && !PyUnicode_Check(object)) {
		PyErr_SetString(PyExc_TypeError, "getaddrinfo() argument 1 must be string or None");
		return -1;
	}
	return text_take(object, "idna", ret);
}

static int service_take(PyObject *object, PyObject **ret)
{
	*ret = NULL;
	if (!Py_IsNone(object) && !PyBytes_Check(object) && !PyUnicode_Check(object) &&
	    !PyLong_Check(object)) {
		PyErr_SetString(PyExc_OSError, "Int or String expected");
		return -1;
	}
	return text_take(object, "utf-8", ret);
}

static PyObject *info_item(const struct addrinfo *info)
{
	struct address a = { .len = info->ai_addrlen };
	PyObject *address;

	memcpy(&a.ss, info->ai_addr, info->ai_addrlen);
	address = address_build(NULL, &a);
	if (!address)
		return NULL;
	return Py_BuildValue("iiisN", info->ai_family, info->ai_socktype, info->ai_protocol,
			     info->ai_canonname ? info->ai_canonname : "", address);
}

static PyObject *info_list(const struct addrinfo *info)
{
	PyObject *list = PyList_New(0), *item;

	for (; list && info; info = info->ai_next) {
		item = info_item(info);
		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

static PyObject *info_get(PyObject *node, PyObject *service, const struct addrinfo *hints)
{
	const char *n = node ? PyBytes_AsString(node) : NULL;
	const char *v = service ? PyBytes_AsString(service) : NULL;
	struct addrinfo *info = NULL;
	PyObject *list;
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_getaddrinfo(n, v, hints, &info);
	Py_END_ALLOW_THREADS
	if (r)
		return error_set_gai(r);
	list = PyErr_Occurred() ? NULL : info_list(info);
	sb_freeaddrinfo(info);
	return list;
}

static PyObject *module_getaddrinfo(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static const char *const names[] = { "host", "port", "family", "type", "proto", "flags", NULL };
	PyObject *host, *port, *node = NULL, *service = NULL, *list = NULL;
	struct addrinfo hints = { .ai_family = AF_UNSPEC };

	(void)self;
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|iiii:getaddrinfo", (char **)names, &host,
					 &port, &hints.ai_family, &hints.ai_socktype,
					 &hints.ai_protocol, &hints.ai_flags))
		return NULL;
	if (node_take(host, &node) == 0 && service_take(port, &service) == 0 &&
	    audit("socket.getaddrinfo", "(OOiii)", host, port, hints.ai_family, hints.ai_socktype,
		  hints.ai_protocol) == 0)
		list = info_get(node, service, &hints);
	Py_XDECREF(node);
	Py_XDECREF(service);
	return list;
}

/* ------------------------------------------------------------------------ */
/* getnameinfo                                                              */
/* ------------------------------------------------------------------------ */

struct name_question {
	const char *host;
	int port;
	unsigned int flow, scope;
	Py_ssize_t parts; /* how many the program wrote */
};

/* The numbers that are written in @q, as an address. */
static int question_resolve(const struct name_question *q, struct address *ret)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM,
					.ai_flags = AI_NUMERICHOST };
	struct addrinfo *info = NULL;
	char port[16];
	int r;

	snprintf(port, sizeof(port), "%d", q->port);
	Py_BEGIN_ALLOW_THREADS
	r = sb_getaddrinfo(q->host, port, &hints, &info);
	Py_END_ALLOW_THREADS
	if (r) {
		(void)error_set_gai(r);
		return -1;
	}
	ret->len = info->ai_addrlen;
	memcpy(&ret->ss, info->ai_addr, info->ai_addrlen);
	r = info->ai_next ? -1 : 0;
	sb_freeaddrinfo(info);
	if (r < 0)
		PyErr_SetString(PyExc_OSError, "sockaddr resolved to multiple addresses");
	return r;
}

static int question_address(const struct name_question *q, struct address *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->ss;

	if (question_resolve(q, ret) < 0)
		return -1;
	if (ret->sa.sa_family == AF_INET && q->parts != 2) {
		PyErr_SetString(PyExc_OSError, "IPv4 sockaddr must be 2 tuple");
		return -1;
	}
	if (ret->sa.sa_family == AF_INET6) {
		in6->sin6_flowinfo = htonl(q->flow);
		in6->sin6_scope_id = q->scope;
	}
	return 0;
}

static PyObject *name_info(const struct address *a, int flags)
{
	char host[NI_MAXHOST], service[NI_MAXSERV];
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = sb_getnameinfo(&a->sa, a->len, host, sizeof(host), service, sizeof(service), flags);
	Py_END_ALLOW_THREADS
	return r || PyErr_Occurred() ? error_set_gai(r) : Py_BuildValue("ss", host, service);
}

static PyObject *module_getnameinfo(PyObject *self, PyObject *args)
{
	struct name_question q = { .host = NULL };
	struct address a = { .len = 0 };
	PyObject *sockaddr;
	int flags;

	(void)self;
	if (!PyArg_ParseTuple(args, "Oi:getnameinfo", &sockaddr, &flags))
		return NULL;
	if (!PyTuple_Check(sockaddr)) {
		PyErr_SetString(PyExc_TypeError, "getnameinfo() argument 1 must be a tuple");
		return NULL;
	}
	if (!PyArg_ParseTuple(sockaddr, "si|II;getnameinfo(): illegal sockaddr argument", &q.host, &q.port,
			      &q.flow, &q.scope))
		return NULL;
	if (q.flow > 0xfffff) {
		PyErr_SetString(PyExc_OverflowError, "getnameinfo(): flowinfo must be 0-1048575.");
		return NULL;
	}
	q.parts = PyTuple_Size(sockaddr);
	if (audit("socket.getnameinfo", "(O)", sockaddr) < 0 || question_address(&q, &a) < 0)
		return NULL;
	return name_info(&a, flags);
}

/* ------------------------------------------------------------------------ */
/* gethostby*                                                               */
/* ------------------------------------------------------------------------ */

/* The one host that the three of them take. */
static int host_argument(PyObject *args, const char *format, const char *event, struct host *host)
{
	char *text = NULL;
	int r;

	if (!PyArg_ParseTuple(args, format, "idna", &text))
		return -1;
	host->bytes = PyBytes_FromString(text);
	host->text = host->bytes ? PyBytes_AsString(host->bytes) : NULL;
	PyMem_Free(text);
	r = host->bytes ? audit(event, "(O)", PyTuple_GetItem(args, 0)) : -1;
	if (r < 0)
		host_free(host);
	return r;
}

static PyObject *octets_text(int family, const char *octets)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, octets, text, sizeof(text)))
		return PyErr_SetFromErrno(PyExc_OSError);
	return PyUnicode_FromString(text);
}

/* A list of a hostent: names, or octets of @family. */
static PyObject *entry_list(char *const *items, int family)
{
	PyObject *list = PyList_New(0), *item;

	for (; list && items && *items; items++) {
		item = family ? octets_text(family, *items) : PyUnicode_FromString(*items);
		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

/* Of the hostent that this thread has just got. */
static PyObject *entry_tuple(const struct hostent *h, int error)
{
	PyObject *aliases, *addresses;

	if (PyErr_Occurred())
		return NULL;
	if (!h)
		return error_set_host(error);
	aliases = entry_list(h->h_aliases, 0);
	addresses = aliases ? entry_list(h->h_addr_list, h->h_addrtype) : NULL;
	if (addresses)
		return Py_BuildValue("sNN", h->h_name, aliases, addresses);
	Py_XDECREF(aliases);
	return NULL;
}

static PyObject *module_gethostbyname(PyObject *self, PyObject *args)
{
	struct host host = { NULL, NULL };
	struct address a;
	int r;

	(void)self;
	if (host_argument(args, "et:gethostbyname", "socket.gethostbyname", &host) < 0)
		return NULL;
	r = host_resolve(host.text, AF_INET, &a);
	host_free(&host);
	return r < 0 ? NULL : octets_text(AF_INET, (char *)&((struct sockaddr_in *)&a.ss)->sin_addr);
}

static PyObject *module_gethostbyname_ex(PyObject *self, PyObject *args)
{
	struct host host = { NULL, NULL };
	struct hostent *h = NULL;
	struct address a;
	int error = 0, r;

	(void)self;
	if (host_argument(args, "et:gethostbyname_ex", "socket.gethostbyname", &host) < 0)
		return NULL;
	/* Fails as getaddrinfo does, as in the standard module. */
	r = host_resolve(host.text, AF_INET, &a);
	if (r == 0) {
		Py_BEGIN_ALLOW_THREADS
		h = sb_gethostbyname(host.text);
		error = h_errno;
		Py_END_ALLOW_THREADS
	}
	host_free(&host);
	return r < 0 ? NULL : entry_tuple(h, error);
}

static PyObject *module_gethostbyaddr(PyObject *self, PyObject *args)
{
	struct host host = { NULL, NULL };
	struct hostent *h;
	struct address a;
	const void *octets;
	int error, r;

	(void)self;
	if (host_argument(args, "et:gethostbyaddr", "socket.gethostbyaddr", &host) < 0)
		return NULL;
	r = host_resolve(host.text, AF_UNSPEC, &a);
	host_free(&host);
	if (r < 0)
		return NULL;
	octets = a.sa.sa_family == AF_INET ? (const void *)&((struct sockaddr_in *)&a.ss)->sin_addr :
					     (const void *)&((struct sockaddr_in6 *)&a.ss)->sin6_addr;
	Py_BEGIN_ALLOW_THREADS
	h = sb_gethostbyaddr(octets, a.sa.sa_family == AF_INET ? 4 : 16, a.sa.sa_family);
	error = h_errno;
	Py_END_ALLOW_THREADS
	return entry_tuple(h, error);
}

/* ------------------------------------------------------------------------ */
/* The host's own name                                                      */
/* ------------------------------------------------------------------------ */

static PyObject *module_gethostname(PyObject *self, PyObject *unused)
{
	char name[HOST_NAME_MAX + 1];
	int r;

	(void)self;
	(void)unused;
	if (audit("socket.gethostname", "()") < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_gethostname(name, sizeof(name));
	Py_END_ALLOW_THREADS
	return error_none(r) ? PyUnicode_DecodeFSDefault(name) : error_call();
}

static PyObject *module_sethostname(PyObject *self, PyObject *args)
{
	PyObject *name;
	char *text;
	Py_ssize_t len;
	int r;

	(void)self;
	if (!PyArg_ParseTuple(args, "S:sethostname", &name)) {
		PyErr_Clear();
		if (!PyArg_ParseTuple(args, "O&:sethostname", PyUnicode_FSConverter, &name))
			return NULL;
	} else {
		Py_INCREF(name);
	}
	r = PyBytes_AsStringAndSize(name, &text, &len);
	if (r == 0)
		r = audit("socket.sethostname", "(O)", PyTuple_GetItem(args, 0));
	if (r == 0) {
		Py_BEGIN_ALLOW_THREADS
		r = sb_sethostname(text, (size_t)len);
		Py_END_ALLOW_THREADS
		if (!error_none(r)) {
			(void)error_call();
			r = -1;
		}
	}
	Py_DECREF(name);
	if (r < 0)
		return NULL;
	Py_RETURN_NONE;
}

PyMethodDef module_functions_addresses[] = {
	{ "getaddrinfo", (PyCFunction)(void (*)(void))module_getaddrinfo, METH_VARARGS | METH_KEYWORDS,
	  "getaddrinfo(host, port [, family, type, proto, flags])\n"
	  "    -> list of (family, type, proto, canonname, sockaddr)" },
	{ "getnameinfo", module_getnameinfo, METH_VARARGS, "getnameinfo(sockaddr, flags) --> (host, port)" },
	{ "gethostbyname", module_gethostbyname, METH_VARARGS, "gethostbyname(host) -> address" },
	{ "gethostbyname_ex", module_gethostbyname_ex, METH_VARARGS,
	  "gethostbyname_ex(host) -> (name, aliaslist, addresslist)" },
	{ "gethostbyaddr", module_gethostbyaddr, METH_VARARGS,
	  "gethostbyaddr(host) -> (name, aliaslist, addresslist)" },
	{ "gethostname", module_gethostname, METH_NOARGS, "gethostname() -> string" },
	{ "sethostname", module_sethostname, METH_VARARGS, "sethostname(name)" },
	{ NULL, NULL, 0, NULL },
};
