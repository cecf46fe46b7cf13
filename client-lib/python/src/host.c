/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - host names as arguments. */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "address.h"
#include "error.h"
#include "sockbroker.h"

/* Pure ASCII is not looked at as IDNA would: "my_host" is a name. */
static PyObject *host_encode(PyObject *text)
{
	PyObject *ascii = PyUnicode_AsASCIIString(text);

	if (ascii)
		return ascii;
	PyErr_Clear();
	return PyUnicode_AsEncodedString(text, "idna", NULL);
}

int host_convert(PyObject *object, void *data)
{
	struct host *host = data;
	PyObject *type;

	if (PyBytes_Check(object)) {
		host->bytes = Py_NewRef(object);
	} else if (PyByteArray_Check(object)) {
		host->bytes = PyBytes_FromObject(object);
	} else if (PyUnicode_Check(object)) {
		host->bytes = host_encode(object);
	} else {
		type = PyType_GetName(Py_TYPE(object));
		if (type)
			PyErr_Format(PyExc_TypeError, "str, bytes or bytearray expected, not %U", type);
		Py_XDECREF(type);
	}
	if (!host->bytes)
		return 0;
	host->text = PyBytes_AsString(host->bytes);
	if (strlen(host->text) == (size_t)PyBytes_Size(host->bytes))
		return 1;
	PyErr_SetString(PyExc_TypeError, "host name must not contain null character");
	host_free(host);
	return 0;
}

void host_free(struct host *host)
{
	Py_CLEAR(host->bytes);
}

/* ------------------------------------------------------------------------ */
/* Addresses                                                                */
/* ------------------------------------------------------------------------ */

static int fill_inet(const char *text, int family, struct address *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->ss;

	if (family == AF_INET6 || (*text && inet_pton(AF_INET, text, &in->sin_addr) != 1))
		return 0;
	in->sin_family = AF_INET;
	ret->len = sizeof(*in);
	return 1;
}

static int fill_inet6(const char *text, int family, struct address *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->ss;

	if (family == AF_INET || (*text && inet_pton(AF_INET6, text, &in6->sin6_addr) != 1))
		return 0;
	in6->sin6_family = AF_INET6;
	ret->len = sizeof(*in6);
	return 1;
}

/* What needs no resolver: the empty name, <broadcast>, numbers. 1: it was one of them; -1: it
 * can't be one. */
static int fill_plain(const char *text, int family, struct address *ret)
{
	const bool broadcast = strcmp(text, "<broadcast>") == 0 || strcmp(text, "255.255.255.255") == 0;

	if (*text == '\0' && family == AF_UNSPEC) {
		PyErr_SetString(PyExc_OSError, "wildcard resolved to multiple address");
		return -1;
	}
	if (broadcast && family == AF_INET6) {
		PyErr_SetString(PyExc_OSError, "address family mismatched");
		return -1;
	}
	if (broadcast)
		return fill_inet("255.255.255.255", AF_INET, ret);
	return fill_inet(text, family, ret) || fill_inet6(text, family, ret);
}

int host_resolve(const char *text, int family, struct address *ret)
{
	const struct addrinfo hints = { .ai_family = family };
	struct addrinfo *list = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = fill_plain(text, family, ret);
	if (r)
		return r < 0 ? -1 : 0;
	Py_BEGIN_ALLOW_THREADS
	r = sb_getaddrinfo(text, NULL, &hints, &list);
	Py_END_ALLOW_THREADS
	if (r || PyErr_Occurred()) {
		if (r == 0)
			sb_freeaddrinfo(list);
		(void)error_set_gai(r);
		return -1;
	}
	ret->len = list->ai_addrlen;
	memcpy(&ret->ss, list->ai_addr, list->ai_addrlen);
	sb_freeaddrinfo(list);
	return 0;
}
