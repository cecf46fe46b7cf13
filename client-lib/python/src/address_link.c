/* SPDX-License-Identifier: Apache-2.0 */
/* address_link.c - families of numbers and links: AF_NETLINK, AF_PACKET, AF_TIPC, AF_VSOCK, AF_QIPCRTR, AF_ALG. */
#include "address.h"

#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <string.h>

#include "error.h"
#include "object.h"

static int netlink_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_nl *nl = (struct sockaddr_nl *)&ret->ss;

	(void)s;
	if (!address_is_tuple(object, caller, "AF_NETLINK") ||
	    !PyArg_ParseTuple(object, "II;AF_NETLINK address must be a pair (pid, groups)",
			      &nl->nl_pid, &nl->nl_groups))
		return -1;
	nl->nl_family = AF_NETLINK;
	ret->len = sizeof(*nl);
	return 0;
}

static PyObject *netlink_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_nl *nl = (const struct sockaddr_nl *)&a->ss;

	(void)s;
	return Py_BuildValue("II", nl->nl_pid, nl->nl_groups);
}

static int vsock_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_vm *vm = (struct sockaddr_vm *)&ret->ss;

	(void)s;
	(void)caller;
	if (!address_is_tuple(object, "getsockaddrarg:", "AF_VSOCK") ||
	    !PyArg_ParseTuple(object, "II:getsockaddrarg", &vm->svm_cid, &vm->svm_port))
		return -1;
	vm->svm_family = AF_VSOCK;
	ret->len = sizeof(*vm);
	return 0;
}

static PyObject *vsock_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)&a->ss;

	(void)s;
	return Py_BuildValue("II", vm->svm_cid, vm->svm_port);
}

static int qipcrtr_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_qrtr *qrtr = (struct sockaddr_qrtr *)&ret->ss;

	(void)s;
	(void)caller;
	if (!address_is_tuple(object, "getsockaddrarg:", "AF_QIPCRTR") ||
	    !PyArg_ParseTuple(object, "II:getsockaddrarg", &qrtr->sq_node, &qrtr->sq_port))
		return -1;
	qrtr->sq_family = AF_QIPCRTR;
	ret->len = sizeof(*qrtr);
	return 0;
}

static PyObject *qipcrtr_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_qrtr *qrtr = (const struct sockaddr_qrtr *)&a->ss;

	(void)s;
	return Py_BuildValue("II", qrtr->sq_node, qrtr->sq_port);
}

/* ------------------------------------------------------------------------ */
/* AF_PACKET                                                                */
/* ------------------------------------------------------------------------ */

static int packet_fill(struct sockaddr_ll *ll, const char *caller, int proto, const Py_buffer *hardware)
{
	if (hardware->len > (Py_ssize_t)sizeof(ll->sll_addr)) {
		PyErr_SetString(PyExc_ValueError, "Hardware address must be 8 bytes or less");
		return -1;
	}
	if (proto < 0 || proto > 0xffff) {
		PyErr_Format(PyExc_OverflowError, "%s(): proto must be 0-65535.", caller);
		return -1;
	}
	if (hardware->len)
		memcpy(ll->sll_addr, hardware->buf, (size_t)hardware->len);
	ll->sll_halen = (unsigned char)hardware->len;
	ll->sll_protocol = htons((uint16_t)proto);
	return 0;
}

static int packet_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_ll *ll = (struct sockaddr_ll *)&ret->ss;
	Py_buffer hardware = { .buf = NULL };
	int proto, index, packet_type = 0, hardware_type = 0, r;
	const char *name;

	if (!address_is_tuple(object, caller, "AF_PACKET") ||
	    !PyArg_ParseTuple(object, "si|iiy*;AF_PACKET address must be a tuple of two to five elements",
			      &name, &proto, &packet_type, &hardware_type, &hardware))
		return -1;
	r = interface_index(s, name, &index);
	if (r == 0)
		r = packet_fill(ll, caller, proto, &hardware);
	if (hardware.obj)
		PyBuffer_Release(&hardware);
	if (r < 0)
		return -1;
	ll->sll_family = AF_PACKET;
	ll->sll_ifindex = index;
	ll->sll_pkttype = (unsigned char)packet_type;
	ll->sll_hatype = (unsigned short)hardware_type;
	ret->len = sizeof(*ll);
	return 0;
}

static PyObject *packet_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_ll *ll = (const struct sockaddr_ll *)&a->ss;
	char name[16];

	interface_name(s, ll->sll_ifindex, name);
	/* The kernel may tell a longer address than the structure has room for in its type. */
	return Py_BuildValue("shbhy#", name, (int)ntohs(ll->sll_protocol), (int)ll->sll_pkttype,
			     (int)ll->sll_hatype, (const char *)ll->sll_addr,
			     (Py_ssize_t)ll->sll_halen);
}

/* ------------------------------------------------------------------------ */
/* AF_TIPC                                                                  */
/* ------------------------------------------------------------------------ */

static int tipc_fill(struct sockaddr_tipc *tipc, unsigned int type, const unsigned int v[3])
{
	switch (type) {
	case TIPC_ADDR_NAMESEQ:
		tipc->addr.nameseq.type = v[0];
		tipc->addr.nameseq.lower = v[1];
		tipc->addr.nameseq.upper = v[2];
		break;
	case TIPC_ADDR_NAME:
		tipc->addr.name.name.type = v[0];
		tipc->addr.name.name.instance = v[1];
		break;
	case TIPC_ADDR_ID:
		tipc->addr.id.node = v[0];
		tipc->addr.id.ref = v[1];
		break;
	default:
		PyErr_SetString(PyExc_TypeError, "Invalid address type");
		return -1;
	}
	tipc->addrtype = (unsigned char)type;
	return 0;
}

static int tipc_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_tipc *tipc = (struct sockaddr_tipc *)&ret->ss;
	unsigned int type, v[3], scope = TIPC_CLUSTER_SCOPE;

	(void)s;
	if (!address_is_tuple(object, caller, "AF_TIPC") ||
	    !PyArg_ParseTuple(object,
			      "IIII|I;AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])",
			      &type, &v[0], &v[1], &v[2], &scope) ||
	    tipc_fill(tipc, type, v) < 0)
		return -1;
	tipc->family = AF_TIPC;
	tipc->scope = (signed char)scope;
	ret->len = sizeof(*tipc);
	return 0;
}

static PyObject *tipc_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_tipc *tipc = (const struct sockaddr_tipc *)&a->ss;
	unsigned int v[3] = { tipc->addr.id.node, tipc->addr.id.ref, 0 };

	(void)s;
	if (tipc->addrtype == TIPC_ADDR_NAMESEQ) {
		v[0] = tipc->addr.nameseq.type;
		v[1] = tipc->addr.nameseq.lower;
		v[2] = tipc->addr.nameseq.upper;
	} else if (tipc->addrtype == TIPC_ADDR_NAME) {
		v[0] = tipc->addr.name.name.type;
		v[1] = v[2] = tipc->addr.name.name.instance;
	} else if (tipc->addrtype != TIPC_ADDR_ID) {
		PyErr_SetString(PyExc_ValueError, "Invalid address type");
		return NULL;
	}
	return Py_BuildValue("IIIIi", (unsigned int)tipc->addrtype, v[0], v[1], v[2], (int)tipc->scope);
}

/* ------------------------------------------------------------------------ */
/* AF_ALG                                                                   */
/* ------------------------------------------------------------------------ */

static int alg_parse(const struct sock *s, PyObject *object, const char *caller, struct address *ret)
{
	struct sockaddr_alg *alg = (struct sockaddr_alg *)&ret->ss;
	const char *type, *name;

	(void)s;
	if (!address_is_tuple(object, caller, "AF_ALG") ||
	    !PyArg_ParseTuple(object, "ss|HH;AF_ALG address must be a tuple (type, name[, feat[, mask]])",
			      &type, &name, &alg->salg_feat, &alg->salg_mask))
		return -1;
	if (strlen(type) >= sizeof(alg->salg_type)) {
		PyErr_SetString(PyExc_ValueError, "AF_ALG type too long.");
		return -1;
	}
	if (strlen(name) >= sizeof(alg->salg_name)) {
		PyErr_SetString(PyExc_ValueError, "AF_ALG name too long.");
		return -1;
	}
	alg->salg_family = AF_ALG;
	memcpy(alg->salg_type, type, strlen(type));
	memcpy(alg->salg_name, name, strlen(name));
	ret->len = sizeof(*alg);
	return 0;
}

static PyObject *alg_build(const struct sock *s, const struct address *a)
{
	const struct sockaddr_alg *alg = (const struct sockaddr_alg *)&a->ss;
	const char *type = (const char *)alg->salg_type, *name = (const char *)alg->salg_name;

	(void)s;
	return Py_BuildValue("s#s#HH", type, (Py_ssize_t)strnlen(type, sizeof(alg->salg_type)), name,
			     (Py_ssize_t)strnlen(name, sizeof(alg->salg_name)), alg->salg_feat,
			     alg->salg_mask);
}

const struct address_kind address_kinds_link[] = {
	{ AF_NETLINK, -1, netlink_parse, netlink_build },
	{ AF_PACKET, -1, packet_parse, packet_build },
	{ AF_TIPC, -1, tipc_parse, tipc_build },
	{ AF_VSOCK, -1, vsock_parse, vsock_build },
	{ AF_QIPCRTR, -1, qipcrtr_parse, qipcrtr_build },
	{ AF_ALG, -1, alg_parse, alg_build },
	{ 0, 0, NULL, NULL },
};
