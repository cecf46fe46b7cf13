/* SPDX-License-Identifier: Apache-2.0 */
/* names_table.c - protocols, services, interfaces: asked of the broker's system. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

#include "error.h"
#include "names.h"
#include "sockbroker.h"

static PyObject *not_found(const char *words)
{
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_OSError, words);
	return NULL;
}

static PyObject *module_getprotobyname(PyObject *self, PyObject *args)
{
	const struct protoent *entry;
	const char *name;

	(void)self;
	if (!PyArg_ParseTuple(args, "s:getprotobyname", &name))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	entry = sb_getprotobyname(name);
	Py_END_ALLOW_THREADS
	return entry && !PyErr_Occurred() ? PyLong_FromLong(entry->p_proto) : not_found("protocol not found");
}

static PyObject *module_getservbyname(PyObject *self, PyObject *args)
{
	const char *name, *proto = NULL;
	const struct servent *entry;

	(void)self;
	if (!PyArg_ParseTuple(args, "s|s:getservbyname", &name, &proto) ||
	    audit("socket.getservbyname", "(sz)", name, proto) < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	entry = sb_getservbyname(name, proto);
	Py_END_ALLOW_THREADS
	return entry && !PyErr_Occurred() ? PyLong_FromLong(ntohs((uint16_t)entry->s_port)) :
					    not_found("service/proto not found");
}

static PyObject *module_getservbyport(PyObject *self, PyObject *args)
{
	const struct servent *entry;
	const char *proto = NULL;
	int port;

	(void)self;
	if (!PyArg_ParseTuple(args, "i|s:getservbyport", &port, &proto))
		return NULL;
	if (port < 0 || port > 0xffff) {
		PyErr_SetString(PyExc_OverflowError, "getservbyport: port must be 0-65535.");
		return NULL;
	}
	if (audit("socket.getservbyport", "(iz)", port, proto) < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	entry = sb_getservbyport(htons((uint16_t)port), proto);
	Py_END_ALLOW_THREADS
	return entry && !PyErr_Occurred() ? PyUnicode_FromString(entry->s_name) : not_found("port/proto not found");
}

/* ------------------------------------------------------------------------ */
/* Interfaces                                                               */
/* ------------------------------------------------------------------------ */

static PyObject *index_list(const struct if_nameindex *entry)
{
	PyObject *list = PyList_New(0), *item;

	for (; list && entry->if_index && entry->if_name; entry++) {
		item = Py_BuildValue("IO&", entry->if_index, PyUnicode_DecodeFSDefault, entry->if_name);
		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

static PyObject *module_if_nameindex(PyObject *self, PyObject *unused)
{
	struct if_nameindex *entries;
	PyObject *list;

	(void)self;
	(void)unused;
	Py_BEGIN_ALLOW_THREADS
	entries = sb_if_nameindex();
	Py_END_ALLOW_THREADS
	if (!entries)
		return error_call();
	list = index_list(entries);
	sb_if_freenameindex(entries);
	return list;
}

static PyObject *module_if_nametoindex(PyObject *self, PyObject *args)
{
	unsigned int index;
	PyObject *name;

	(void)self;
	if (!PyArg_ParseTuple(args, "O&:if_nametoindex", PyUnicode_FSConverter, &name))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	index = sb_if_nametoindex(PyBytes_AsString(name));
	Py_END_ALLOW_THREADS
	Py_DECREF(name);
	return index ? PyLong_FromUnsignedLong(index) : not_found("no interface with this name");
}

static PyObject *module_if_indextoname(PyObject *self, PyObject *number)
{
	const unsigned long index = PyLong_AsUnsignedLong(number);
	char name[IF_NAMESIZE];
	const char *found;

	(void)self;
	if (index == (unsigned long)-1 && PyErr_Occurred())
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	found = sb_if_indextoname((unsigned int)index, name);
	Py_END_ALLOW_THREADS
	return found ? PyUnicode_DecodeFSDefault(found) : error_call();
}

PyMethodDef module_functions_tables[] = {
	{ "getprotobyname", module_getprotobyname, METH_VARARGS, "getprotobyname(name) -> integer" },
	{ "getservbyname", module_getservbyname, METH_VARARGS,
	  "getservbyname(servicename[, protocolname]) -> integer" },
	{ "getservbyport", module_getservbyport, METH_VARARGS,
	  "getservbyport(port[, protocolname]) -> string" },
	{ "if_nameindex", module_if_nameindex, METH_NOARGS, "if_nameindex()" },
	{ "if_nametoindex", module_if_nametoindex, METH_VARARGS, "if_nametoindex(if_name)" },
	{ "if_indextoname", module_if_indextoname, METH_O, "if_indextoname(if_index)" },
	{ NULL, NULL, 0, NULL },
};
