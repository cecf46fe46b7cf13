/* SPDX-License-Identifier: Apache-2.0 */
/* address_can.c - AF_CAN, whose addresses differ by protocol. */
#include "address.h"

#include <linux/can.h>
#include <net/if.h>
#include <string.h>

#include "error.h"
#include "object.h"

/* Takes @name, bytes of PyUnicode_FSConverter(): "" is every interface. */
static int interface_take(const struct sock *s, PyObject *name, struct address *ret)
{
	struct sockaddr_can *can = (struct sockaddr_can *)&ret->ss;
	const char *text = PyBytes_AsString(name);
	int index = 0, r = 0;

	if (strlen(text) >= IFNAMSIZ) {
		PyErr_SetString(PyExc_OSError, "AF_CAN interface name too long");
		r = -1;
	} else if (*text) {
		r = interface_index(s, text, &index);
	}
	Py_DECREF(name);
	can->can_family = AF_CAN;
	can->can_ifindex = index;
	ret->len = sizeof(*can);
	return r;
}

static int raw_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	PyObject *name;

	if (!address_is_tuple(object, caller, "AF_CAN") ||
	    !PyArg_ParseTuple(object, "O&;AF_CAN address must be a tuple (interface, )",
			      PyUnicode_FSConverter, &name))
		return -1;
	return interface_take(s, name, ret);
}

static PyObject *name_build(const struct sock *s, const struct address *a)
{
	char name[16];

	interface_name(s, ((const struct sockaddr_can *)&a->ss)->can_ifindex, name);
	return PyUnicode_DecodeFSDefault(name);
}

static PyObject *raw_build(const struct sock *s, const struct address *a)
{
	return Py_BuildValue("(N)", name_build(s, a));
}

static int isotp_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_can *can = (struct sockaddr_can *)&ret->ss;
	unsigned long rx, tx;
	PyObject *name;

	if (!address_is_tuple(object, caller, "AF_CAN") ||
	    !PyArg_ParseTuple(object, "O&kk;AF_CAN address must be a tuple (interface, rx_addr, tx_addr)",
			      PyUnicode_FSConverter, &name, &rx, &tx))
		return -1;
	can->can_addr.tp.rx_id = (canid_t)rx;
	can->can_addr.tp.tx_id = (canid_t)tx;
	return interface_take(s, name, ret);
}

static PyObject *isotp_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_can *can = (const struct sockaddr_can *)&a->ss;

	return Py_BuildValue("Nkk", name_build(s, a), (unsigned long)can->can_addr.tp.rx_id,
			     (unsigned long)can->can_addr.tp.tx_id);
}

static int j1939_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_can *can = (struct sockaddr_can *)&ret->ss;
	unsigned long long name64;
	unsigned int pgn;
	unsigned char addr;
	PyObject *name;

	if (!address_is_tuple(object, caller, "AF_CAN") ||
	    !PyArg_ParseTuple(object, "O&KIB;AF_CAN address must be a tuple (interface, name, pgn, addr)",
			      PyUnicode_FSConverter, &name, &name64, &pgn, &addr))
		return -1;
	can->can_addr.j1939.name = name64;
	can->can_addr.j1939.pgn = pgn;
	can->can_addr.j1939.addr = addr;
	return interface_take(s, name, ret);
}

static PyObject *j1939_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_can *can = (const struct sockaddr_can *)&a->ss;

	return Py_BuildValue("NKIB", name_build(s, a), (unsigned long long)can->can_addr.j1939.name,
			     (unsigned int)can->can_addr.j1939.pgn, can->can_addr.j1939.addr);
}

const struct address_kind address_kinds_can[] = {
	{ AF_CAN, CAN_RAW, raw_parse, raw_build }, /* first: see address_build() */
	{ AF_CAN, CAN_BCM, raw_parse, raw_build },
	{ AF_CAN, CAN_ISOTP, isotp_parse, isotp_build },
	{ AF_CAN, CAN_J1939, j1939_parse, j1939_build },
	{ 0, 0, NULL, NULL },
};
