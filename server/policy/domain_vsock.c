/* SPDX-License-Identifier: Apache-2.0 */
/* domain_vsock.c - sockets between virtual machines and their host. */
#include <linux/vm_sockets.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

enum { CID_RESERVED = 2 }; /* hypervisor, local, host: must be named */

static bool vsock_read(const struct intent *in, struct sockaddr_vm *ret)
{
	if (in->addr.len < sizeof(*ret) || in->addr.ss.ss_family != AF_VSOCK)
		return false;
	memcpy(ret, &in->addr.ss, sizeof(*ret));
	return true;
}

static bool cid_covered(const struct rule *r, const struct ranges *cids, uint32_t cid)
{
	if (ranges_hold(cids, cid))
		return true;
	return cids->any &&
	       (r->deny || (cid > CID_RESERVED && cid != VMADDR_CID_ANY));
}

static bool vsock_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_vm vm;

	return vsock_read(in, &vm) && cid_covered(r, &r->to_cids, vm.svm_cid) &&
	       (r->to_ports.any || ranges_hold(&r->to_ports, vm.svm_port));
}

static bool vsock_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_vm vm = { .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY };
	bool unbound = in->action == ACTION_LISTEN && in->addr.len == 0;
	bool everywhere;

	if (!unbound && !vsock_read(in, &vm))
		return false;
	everywhere = vm.svm_cid == VMADDR_CID_ANY && r->deny && r->from_cids.n > 0;
	if (!everywhere && !cid_covered(r, &r->from_cids, vm.svm_cid))
		return false;
	return local_port_covered(r, vm.svm_port == VMADDR_PORT_ANY ? 0 : vm.svm_port,
				  VMADDR_PORT_ANY - 1, in->action);
}

/* ---- rules ------------------------------------------------------------- */

int to_cids_read(struct reader *r, const struct node *node, struct rule *rule)
{
	static const struct name cids[] = { { "hypervisor", 0 }, { "local", 1 }, { "host", 2 } };

	return named_numbers_read(r, node, "cid", (struct names){ cids, 3 }, UINT32_MAX - 1,
				  &rule->to_cids);
}

int from_cids_read(struct reader *r, const struct node *node, struct rule *rule)
{
	static const struct name cids[] = { { "local", 1 }, { "host", 2 }, { "wildcard", -1 } };

	return named_numbers_read(r, node, "cid", (struct names){ cids, 3 }, UINT32_MAX - 1,
				  &rule->from_cids);
}

static uint32_t vsock_lends(enum action action, int type)
{
	(void)type;
	return action == ACTION_BIND ? LEND_NET_BIND_SERVICE : 0;
}

static bool vsock_parse(char *text, struct intent *in)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK };
	uint32_t cid, port;

	if (!pair_parse(skip_prefix(text, "vsock:"), &cid, &port))
		return false;
	vm.svm_cid = cid;
	vm.svm_port = port;
	address_set(&in->addr, &vm, sizeof(vm));
	return true;
}

const struct domain_row domain_vsock = {
	.families = { AF_VSOCK },
	.local = vsock_local,
	.remote = vsock_remote,
	.keys = { { KEY_TO_CIDS, MAY_REMOTE, USE_REQUIRED, NULL },
		  { KEY_TO_PORTS, MAY_REMOTE, USE_REQUIRED, NULL },
		  { KEY_FROM_CIDS, MAY_LOCAL, USE_REQUIRED, NULL },
		  { KEY_FROM_PORTS, MAY_LOCAL, USE_REQUIRED, NULL },
		  { KEY_TO_CIDS, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows },
		  { KEY_TO_PORTS, 1 << ACTION_DIRECT, USE_REQUIRED, rule_allows } },
	.port_last = UINT32_MAX - 1,
	.lends = vsock_lends,
	.parse = vsock_parse,
	.example = "CID:PORT",
};
