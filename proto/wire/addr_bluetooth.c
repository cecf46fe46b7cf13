/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_bluetooth.c - addresses of AF_BLUETOOTH: each of its protocols has its own, which
 * only their lengths tell apart.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "wire/addr_family.h"
#include "wire/bluetooth.h"
#include "wire/build.h"

typedef Sockbroker__V1__Address Address;

/* On the wire as it is written, most significant byte first. */
static void bdaddr_turn(const uint8_t *in, uint8_t *out)
{
	for (size_t i = 0; i < sizeof(bdaddr_t); i++)
		out[i] = in[sizeof(bdaddr_t) - 1 - i];
}

static int bdaddr_decode(const ProtobufCBinaryData *in, bdaddr_t *out)
{
	uint8_t printed[sizeof(*out)];

	if (take_bytes(in, printed, sizeof(printed)) < 0)
		return -EINVAL;
	bdaddr_turn(printed, out->b);
	return 0;
}

static int bdaddr_encode(const bdaddr_t *in, ProtobufCAllocator *a, ProtobufCBinaryData *ret)
{
	uint8_t printed[sizeof(*in)];

	bdaddr_turn(in->b, printed);
	return build_bytes(a, printed, sizeof(printed), ret);
}

int l2cap_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__L2cap *m = in->l2cap;
	struct sockaddr_l2 l2;

	memset(&l2, 0, sizeof(l2)); /* the padding, too */
	l2.l2_family = AF_BLUETOOTH;
	if (m->psm > UINT16_MAX || m->cid > UINT16_MAX || m->bdaddr_type > UINT8_MAX ||
	    bdaddr_decode(&m->bdaddr, &l2.l2_bdaddr) < 0)
		return -EINVAL;
	l2.l2_psm = htole16((uint16_t)m->psm);
	l2.l2_cid = htole16((uint16_t)m->cid);
	l2.l2_bdaddr_type = (uint8_t)m->bdaddr_type;
	memcpy(&out->ss, &l2, sizeof(l2));
	out->len = sizeof(l2);
	return 0;
}

int l2cap_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__L2cap *m =
		build_message(a, &sockbroker__v1__address__l2cap__descriptor);
	struct sockaddr_l2 l2;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_L2CAP;
	out->l2cap = m;
	memcpy(&l2, sa, sizeof(l2));
	m->psm = le16toh(l2.l2_psm);
	m->cid = le16toh(l2.l2_cid);
	m->bdaddr_type = l2.l2_bdaddr_type;
	return bdaddr_encode(&l2.l2_bdaddr, a, &m->bdaddr);
}

int rfcomm_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_rc rc;

	memset(&rc, 0, sizeof(rc));
	rc.rc_family = AF_BLUETOOTH;
	if (in->rfcomm->channel > UINT8_MAX ||
	    bdaddr_decode(&in->rfcomm->bdaddr, &rc.rc_bdaddr) < 0)
		return -EINVAL;
	rc.rc_channel = (uint8_t)in->rfcomm->channel;
	memcpy(&out->ss, &rc, sizeof(rc));
	out->len = sizeof(rc);
	return 0;
}

int rfcomm_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Rfcomm *m =
		build_message(a, &sockbroker__v1__address__rfcomm__descriptor);
	struct sockaddr_rc rc;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_RFCOMM;
	out->rfcomm = m;
	memcpy(&rc, sa, sizeof(rc));
	m->channel = rc.rc_channel;
	return bdaddr_encode(&rc.rc_bdaddr, a, &m->bdaddr);
}

int hci_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_hci hci = { .hci_family = AF_BLUETOOTH };

	if (in->hci->dev > UINT16_MAX || in->hci->channel > UINT16_MAX)
		return -EINVAL;
	hci.hci_dev = (uint16_t)in->hci->dev;
	hci.hci_channel = (uint16_t)in->hci->channel;
	memcpy(&out->ss, &hci, sizeof(hci));
	out->len = sizeof(hci);
	return 0;
}

int hci_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Hci *m = build_message(a, &sockbroker__v1__address__hci__descriptor);
	struct sockaddr_hci hci;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_HCI;
	out->hci = m;
	memcpy(&hci, sa, sizeof(hci));
	m->dev = hci.hci_dev;
	m->channel = hci.hci_channel;
	return 0;
}

int sco_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_sco sco = { .sco_family = AF_BLUETOOTH };

	if (bdaddr_decode(&in->sco->bdaddr, &sco.sco_bdaddr) < 0)
		return -EINVAL;
	memcpy(&out->ss, &sco, sizeof(sco));
	out->len = sizeof(sco);
	return 0;
}

int sco_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Sco *m = build_message(a, &sockbroker__v1__address__sco__descriptor);
	struct sockaddr_sco sco;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_SCO;
	out->sco = m;
	memcpy(&sco, sa, sizeof(sco));
	return bdaddr_encode(&sco.sco_bdaddr, a, &m->bdaddr);
}
