/* SPDX-License-Identifier: Apache-2.0 */
/* addr_plain.c - addresses that are numbers, and those of AF_ALG, which are two names. */
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/vm_sockets.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/addr_family.h"
#include "wire/build.h"

typedef Sockbroker__V1__Address Address;

int netlink_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_nl snl = { .nl_family = AF_NETLINK, .nl_pid = in->netlink->pid,
				   .nl_groups = in->netlink->groups };

	memcpy(&out->ss, &snl, sizeof(snl));
	out->len = sizeof(snl);
	return 0;
}

int netlink_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Netlink *m =
		build_message(a, &sockbroker__v1__address__netlink__descriptor);
	struct sockaddr_nl snl;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_NETLINK;
	out->netlink = m;
	memcpy(&snl, sa, sizeof(snl));
	m->pid = snl.nl_pid;
	m->groups = snl.nl_groups;
	return 0;
}

int vsock_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_vm svm = { .svm_family = AF_VSOCK, .svm_cid = in->vsock->cid,
				   .svm_port = in->vsock->port };

	if (in->vsock->flags > UINT8_MAX)
		return -EINVAL;
	svm.svm_flags = (uint8_t)in->vsock->flags;
	memcpy(&out->ss, &svm, sizeof(svm));
	out->len = sizeof(svm);
	return 0;
}

int vsock_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Vsock *m =
		build_message(a, &sockbroker__v1__address__vsock__descriptor);
	struct sockaddr_vm svm;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_VSOCK;
	out->vsock = m;
	memcpy(&svm, sa, sizeof(svm));
	m->cid = svm.svm_cid;
	m->port = svm.svm_port;
	m->flags = svm.svm_flags;
	return 0;
}

int qipcrtr_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_qrtr sq;

	memset(&sq, 0, sizeof(sq)); /* the padding, too */
	sq.sq_family = AF_QIPCRTR;
	sq.sq_node = in->qipcrtr->node;
	sq.sq_port = in->qipcrtr->port;
	memcpy(&out->ss, &sq, sizeof(sq));
	out->len = sizeof(sq);
	return 0;
}

int qipcrtr_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Qipcrtr *m =
		build_message(a, &sockbroker__v1__address__qipcrtr__descriptor);
	struct sockaddr_qrtr sq;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_QIPCRTR;
	out->qipcrtr = m;
	memcpy(&sq, sa, sizeof(sq));
	m->node = sq.sq_node;
	m->port = sq.sq_port;
	return 0;
}

/* The kernel writes a NUL over the last byte of each name. A longer name than a
 * sockaddr_alg has room for makes the address longer. */
enum {
	ALG_NAME_OFFSET = offsetof(struct sockaddr_alg, salg_name),
	ALG_TYPE_MAX = sizeof(((struct sockaddr_alg *)NULL)->salg_type) - 1,
	ALG_NAME_MAX = sizeof(struct sockaddr_storage) - ALG_NAME_OFFSET - 1,
};

int alg_decode(const Address *in, struct sock_addr *out)
{
	const Sockbroker__V1__Address__Alg *m = in->alg;
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_feat = m->feat,
				    .salg_mask = m->mask };
	size_t type = strlen(m->type), name = strlen(m->name);

	if (type > ALG_TYPE_MAX || name > ALG_NAME_MAX)
		return -EINVAL;
	memcpy(alg.salg_type, m->type, type);
	memcpy(&out->ss, &alg, ALG_NAME_OFFSET);
	memcpy((char *)&out->ss + ALG_NAME_OFFSET, m->name, name);
	out->len = sizeof(alg);
	if (name >= sizeof(alg.salg_name))
		out->len = (socklen_t)(ALG_NAME_OFFSET + name + 1);
	return 0;
}

int alg_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	Sockbroker__V1__Address__Alg *m = build_message(a, &sockbroker__v1__address__alg__descriptor);
	const char *name = (const char *)sa + ALG_NAME_OFFSET;
	struct sockaddr_alg alg;
	int r;

	if (!m)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_ALG;
	out->alg = m;
	memcpy(&alg, sa, sizeof(alg));
	m->feat = alg.salg_feat;
	m->mask = alg.salg_mask;
	r = build_text(a, (const char *)alg.salg_type, ALG_TYPE_MAX, &m->type);
	if (r == 0)
		r = build_text(a, name, len - ALG_NAME_OFFSET - 1, &m->name);
	return r;
}
