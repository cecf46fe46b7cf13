/* SPDX-License-Identifier: Apache-2.0 */
/* address_bluetooth.c - AF_BLUETOOTH, whose addresses differ by protocol. */
#include "address.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "object.h"

/* The kernel's interface has no header in Debian but the one of a library that we don't need. */
enum { BT_L2CAP = 0, BT_HCI = 1, BT_SCO = 2, BT_RFCOMM = 3, BT_TEXT = 18 };

struct bt_addr {
	uint8_t octets[6]; /* the last of the text first */
};

struct bt_sockaddr_l2cap {
	sa_family_t family;
	uint16_t psm; /* little endian */
	struct bt_addr addr;
	uint16_t cid;
	uint8_t addr_type;
};

struct bt_sockaddr_hci {
	sa_family_t family;
	uint16_t device, channel;
};

struct bt_sockaddr_sco {
	sa_family_t family;
	struct bt_addr addr;
};

struct bt_sockaddr_rfcomm {
	sa_family_t family;
	struct bt_addr addr;
	uint8_t channel;
};

static int addr_parse(const char *text, struct bt_addr *ret)
{
	unsigned int o[6];
	char more;

	if (sscanf(text, "%X:%X:%X:%X:%X:%X%c", &o[5], &o[4], &o[3], &o[2], &o[1], &o[0], &more) == 6 &&
	    (o[0] | o[1] | o[2] | o[3] | o[4] | o[5]) < 256) {
		for (int i = 0; i < 6; i++)
			ret->octets[i] = (uint8_t)o[i];
		return 0;
	}
	PyErr_SetString(PyExc_OSError, "bad bluetooth address");
	return -1;
}

static const char *addr_text(const struct bt_addr *a, char text[BT_TEXT])
{
	const uint8_t *o = a->octets;

	snprintf(text, BT_TEXT, "%02X:%02X:%02X:%02X:%02X:%02X", o[5], o[4], o[3], o[2], o[1], o[0]);
	return text;
}

/* Whatever else was wrong with it. */
static int wrong(const char *caller)
{
	PyErr_Format(PyExc_OSError, "%s(): wrong format", caller);
	return -1;
}

static int l2cap_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct bt_sockaddr_l2cap *l2cap = (struct bt_sockaddr_l2cap *)&ret->ss;
	const char *text;
	int psm;

	(void)s;
	if (!PyTuple_Check(object) || !PyArg_ParseTuple(object, "si", &text, &psm))
		return wrong(caller);
	l2cap->family = AF_BLUETOOTH;
	l2cap->psm = htole16((uint16_t)psm);
	ret->len = sizeof(*l2cap);
	return addr_parse(text, &l2cap->addr);
}

static PyObject *l2cap_build(const struct sock *s, const struct address *a)
{
	const struct bt_sockaddr_l2cap *l2cap = (const struct bt_sockaddr_l2cap *)&a->ss;
	char text[BT_TEXT];

	(void)s;
	return Py_BuildValue("si", addr_text(&l2cap->addr, text), (int)le16toh(l2cap->psm));
}

static int rfcomm_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct bt_sockaddr_rfcomm *rfcomm = (struct bt_sockaddr_rfcomm *)&ret->ss;
	const char *text;
	int channel;

	(void)s;
	if (!PyTuple_Check(object) || !PyArg_ParseTuple(object, "si", &text, &channel))
		return wrong(caller);
	rfcomm->family = AF_BLUETOOTH;
	rfcomm->channel = (uint8_t)channel;
	ret->len = sizeof(*rfcomm);
	return addr_parse(text, &rfcomm->addr);
}

static PyObject *rfcomm_build(const struct sock *s, const struct address *a)
{
	const struct bt_sockaddr_rfcomm *rfcomm = (const struct bt_sockaddr_rfcomm *)&a->ss;
	char text[BT_TEXT];

	(void)s;
	return Py_BuildValue("si", addr_text(&rfcomm->addr, text), (int)rfcomm->channel);
}

static int hci_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct bt_sockaddr_hci *hci = (struct bt_sockaddr_hci *)&ret->ss;
	int device;

	(void)s;
	if (!PyTuple_Check(object) || !PyArg_ParseTuple(object, "i", &device))
		return wrong(caller);
	hci->family = AF_BLUETOOTH;
	hci->device = (uint16_t)device;
	ret->len = sizeof(*hci);
	return 0;
}

static PyObject *hci_build(const struct sock *s, const struct address *a)
{
	(void)s;
	return Py_BuildValue("i", (int)((const struct bt_sockaddr_hci *)&a->ss)->device);
}

static int sco_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct bt_sockaddr_sco *sco = (struct bt_sockaddr_sco *)&ret->ss;

	(void)s;
	if (!PyBytes_Check(object))
		return wrong(caller);
	sco->family = AF_BLUETOOTH;
	ret->len = sizeof(*sco);
	return addr_parse(PyBytes_AsString(object), &sco->addr);
}

static PyObject *sco_build(const struct sock *s, const struct address *a)
{
	char text[BT_TEXT];

	(void)s;
	return PyUnicode_FromString(addr_text(&((const struct bt_sockaddr_sco *)&a->ss)->addr, text));
}

const struct address_kind address_kinds_bluetooth[] = {
	{ AF_BLUETOOTH, BT_L2CAP, l2cap_parse, l2cap_build },
	{ AF_BLUETOOTH, BT_RFCOMM, rfcomm_parse, rfcomm_build },
	{ AF_BLUETOOTH, BT_HCI, hci_parse, hci_build },
	{ AF_BLUETOOTH, BT_SCO, sco_parse, sco_build },
	{ 0, 0, NULL, NULL },
};
