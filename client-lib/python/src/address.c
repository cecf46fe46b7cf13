/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.c - AF_INET, AF_INET6, AF_UNIX, and which family is written how.
 *
 * The messages are the standard module's, word by word: programs and their tests read them.
 */
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "error.h"
#include "object.h"
#include "sockbroker.h"

enum { FLOWINFO_MOST = 0xfffff };

bool address_is_tuple(PyObject *object, const char *caller, const char *family)
{
	PyObject *type;

	if (PyTuple_Check(object))
		return true;
	type = PyType_GetName(Py_TYPE(object));
	if (type)
		PyErr_Format(PyExc_TypeError, "%s%s%s address must be tuple, not %.500U", caller,
			     strchr(caller, ':') ? " " : "(): ", family, type);
	Py_XDECREF(type);
	return false;
}

/* ------------------------------------------------------------------------ */
/* AF_INET, AF_INET6                                                        */
/* ------------------------------------------------------------------------ */

static int port_check(const char *caller, int port)
{
	if (port >= 0 && port <= 0xffff)
		return 0;
	PyErr_Format(PyExc_OverflowError, "%s(): port must be 0-65535.", caller);
	return -1;
}

/* A number that is too large for C is no port either. */
static int parse_failed(const char *caller)
{
	if (PyErr_ExceptionMatches(PyExc_OverflowError))
		PyErr_Format(PyExc_OverflowError, "%s(): port must be 0-65535.", caller);
	return -1;
}

static int inet_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct host host = { NULL, NULL };
	int port, r;

	(void)s;
	if (!address_is_tuple(object, caller, "AF_INET"))
		return -1;
	if (!PyArg_ParseTuple(object, "O&i;AF_INET address must be a pair (host, port)",
			      host_convert, &host, &port)) {
		host_free(&host);
		return parse_failed(caller);
	}
	r = host_resolve(host.text, AF_INET, ret);
	host_free(&host);
	if (r < 0 || port_check(caller, port) < 0)
		return -1;
	((struct sockaddr_in *)&ret->ss)->sin_port = htons((uint16_t)port);
	ret->len = sizeof(struct sockaddr_in);
	return 0;
}

static PyObject *inet_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->ss;
	char text[INET_ADDRSTRLEN];

	(void)s;
	inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	return Py_BuildValue("si", text, (int)ntohs(in->sin_port));
}

static int inet6_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->ss;
	struct host host = { NULL, NULL };
	unsigned int flow = 0, scope = 0;
	int port, r;

	(void)s;
	if (!address_is_tuple(object, caller, "AF_INET6"))
		return -1;
	if (!PyArg_ParseTuple(object,
			      "O&i|II;AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])",
			      host_convert, &host, &port, &flow, &scope)) {
		host_free(&host);
		return parse_failed(caller);
	}
	r = host_resolve(host.text, AF_INET6, ret);
	host_free(&host);
	if (r < 0 || port_check(caller, port) < 0)
		return -1;
	if (flow > FLOWINFO_MOST) {
		PyErr_Format(PyExc_OverflowError, "%s(): flowinfo must be 0-1048575.", caller);
		return -1;
	}
	in6->sin6_port = htons((uint16_t)port);
	in6->sin6_flowinfo = htonl(flow);
	in6->sin6_scope_id = scope;
	ret->len = sizeof(*in6);
	return 0;
}

static PyObject *inet6_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->ss;
	char text[INET6_ADDRSTRLEN];

	(void)s;
	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	return Py_BuildValue("siII", text, (int)ntohs(in6->sin6_port), ntohl(in6->sin6_flowinfo),
			     in6->sin6_scope_id);
}

/* ------------------------------------------------------------------------ */
/* AF_UNIX                                                                  */
/* ------------------------------------------------------------------------ */

static int path_take(const Py_buffer *path, struct address *ret)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->ss;
	const size_t len = (size_t)path->len;
	const bool abstract = len == 0 || *(const char *)path->buf == '\0';

	/* A path has its NUL, an abstract name is as long as it is. */
	if (len + !abstract > sizeof(un->sun_path)) {
		PyErr_SetString(PyExc_OSError, "AF_UNIX path too long");
		return -1;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path->buf, len);
	ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

static int unix_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	PyObject *bytes = PyUnicode_Check(object) ? PyUnicode_EncodeFSDefault(object) : Py_NewRef(object);
	Py_buffer path;
	int r;

	(void)s;
	(void)caller;
	if (!bytes)
		return -1;
	r = PyArg_Parse(bytes, "y*", &path) ? 0 : -1;
	if (r == 0) {
		r = path_take(&path, ret);
		PyBuffer_Release(&path);
	}
	Py_DECREF(bytes);
	return r;
}

static PyObject *unix_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->ss;
	const socklen_t before = offsetof(struct sockaddr_un, sun_path);

	(void)s;
	/* sockaddr_storage is longer, and was zeroed: a path always ends. */
	if (a->len > before && un->sun_path[0] == '\0')
		return PyBytes_FromStringAndSize(un->sun_path, (Py_ssize_t)(a->len - before));
	return PyUnicode_DecodeFSDefault(un->sun_path);
}

/* ------------------------------------------------------------------------ */
/* Interfaces                                                               */
/* ------------------------------------------------------------------------ */

/* By the broker's resolver and not by ioctl(2), which the policy would have to allow. */
int interface_index(const struct sock *s, const char *name, int *ret)
{
	unsigned int index;

	Py_BEGIN_ALLOW_THREADS
	index = sb_if_nametoindex(name);
	Py_END_ALLOW_THREADS
	if (!error_none(index ? 0 : -1)) {
		(void)error_wait(s);
		return -1;
	}
	*ret = (int)index;
	return 0;
}

void interface_name(const struct sock *s, int index, char name[16])
{
	const char *found = NULL;

	Py_BEGIN_ALLOW_THREADS
	if (s && index > 0)
		found = sb_if_indextoname((unsigned int)index, name);
	Py_END_ALLOW_THREADS
	if (!found)
		name[0] = '\0';
	name[15] = '\0';
}

/* ------------------------------------------------------------------------ */
/* All families                                                             */
/* ------------------------------------------------------------------------ */

static const struct address_kind kinds_internet[] = {
	{ AF_INET, -1, inet_parse, inet_build },
	{ AF_INET6, -1, inet6_parse, inet6_build },
	{ AF_UNIX, -1, unix_parse, unix_build },
	{ AF_RDS, -1, inet_parse, inet_build },
	{ 0, 0, NULL, NULL },
};

static const struct address_kind *const all_kinds[] = {
	kinds_internet, address_kinds_link, address_kinds_can, address_kinds_bluetooth,
};

static const struct address_kind *kind_find(int family, int proto)
{
	for (size_t i = 0; i < sizeof(all_kinds) / sizeof(all_kinds[0]); i++)
		for (const struct address_kind *k = all_kinds[i]; k->parse; k++)
			if (k->family == family && (k->proto < 0 || k->proto == proto))
				return k;
	return NULL;
}

static void no_kind(const struct sock *s, const char *caller)
{
	const char *format = "%s(): bad family";

	if (s->family == AF_CAN)
		format = "%s(): unsupported CAN protocol";
	if (s->family == AF_BLUETOOTH)
		format = "%s(): unknown Bluetooth protocol";
	PyErr_Format(PyExc_OSError, format, caller);
}

int address_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	const struct address_kind *kind = kind_find(s->family, s->proto);

	memset(ret, 0, sizeof(*ret));
	if (!kind) {
		no_kind(s, caller);
		return -1;
	}
	return kind->parse(s, object, caller, ret);
}

PyObject *address_build(const struct sock *s, const struct address *a)
{
	const socklen_t before = offsetof(struct sockaddr, sa_data);
	const struct address_kind *kind;

	if (a->len == 0)
		Py_RETURN_NONE;
	kind = kind_find(a->sa.sa_family, s ? s->proto : 0);
	/* The standard module writes a CAN address of a protocol it doesn't know as a raw one's. */
	if (!kind && a->sa.sa_family == AF_CAN)
		kind = address_kinds_can;
	if (kind)
		return kind->build(s, a);
	return Py_BuildValue("iy#", (int)a->sa.sa_family, (const char *)&a->ss + before,
			     (Py_ssize_t)(a->len > before ? a->len - before : 0));
}
