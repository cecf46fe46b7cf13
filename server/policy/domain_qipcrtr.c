/* SPDX-License-Identifier: Apache-2.0 */
/* domain_qipcrtr.c - Qualcomm's IPC router: `qipcrtr` in a rule. Its ports below
 * 0x4000 are services'; binding to one takes a capability. */
#include <errno.h>
#include <linux/qrtr.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

/* All nodes, and the port where services are announced: must be named. */
#define NODE_BROADCAST QRTR_NODE_BCAST
#define PORT_CONTROL QRTR_PORT_CTRL

static bool number_covered(const struct rule *r, const struct ranges *numbers, uint32_t number,
			   uint32_t reserved)
{
	return ranges_hold(numbers, number) || (numbers->any && (r->deny || number != reserved));
}

/* To bind the node is one's own, and 0 a port of the kernel's choice. */
static bool qipcrtr_address(const struct rule *r, const struct asked *a)
{
	const struct ranges *ports = &r->qipcrtr.ports;
	struct sockaddr_qrtr qrtr;

	if (!asked_address(a, AF_QIPCRTR, sizeof(qrtr), &qrtr, sizeof(qrtr)) ||
	    !number_covered(r, &r->qipcrtr.nodes, qrtr.sq_node, NODE_BROADCAST))
		return false;
	if (a->in->action == ACTION_BIND && qrtr.sq_port == 0 && r->deny && ports->n > 0)
		return true;
	return number_covered(r, ports, qrtr.sq_port, PORT_CONTROL);
}

int qipcrtr_read(struct reader *r, const struct node *node, struct rule *rule)
{
	enum { NODES, PORTS, N };
	static const char *const keys[N] = { "nodes", "ports" };
	static const struct name nodes[] = { { "broadcast", (int)NODE_BROADCAST } };
	static const struct name ports[] = { { "control", (int)PORT_CONTROL } };
	struct slot s[N];
	int error = map_read(r, node, "`qipcrtr`", keys, N, s);

	if (!error && (!s[NODES].value || !s[PORTS].value))
		return complain(r, node, "`qipcrtr` wants nodes and ports; add both, or say any");
	if (!error)
		error = ranges_words_read(r, s[NODES].value, "node", (struct names){ nodes, 1 },
					  UINT32_MAX, &rule->qipcrtr.nodes);
	return error ? error : ranges_words_read(r, s[PORTS].value, "port",
						 (struct names){ ports, 1 }, UINT32_MAX,
						 &rule->qipcrtr.ports);
}

static uint32_t qipcrtr_lends(enum action action, int type)
{
	(void)type;
	return action == ACTION_BIND ? LEND_NET_ADMIN : 0;
}

static bool qipcrtr_parse(char *text, struct intent *in)
{
	struct sockaddr_qrtr qrtr = { .sq_family = AF_QIPCRTR };
	uint32_t node, port;

	if (!pair_parse(skip_prefix(text, "qipcrtr:"), &node, &port))
		return false;
	qrtr.sq_node = node;
	qrtr.sq_port = port;
	address_set(&in->addr, &qrtr, sizeof(qrtr));
	return true;
}

const struct domain_row domain_qipcrtr = {
	.families = { AF_QIPCRTR },
	.local = qipcrtr_address,
	.remote = qipcrtr_address,
	.keys = { { KEY_QIPCRTR, 1 << ACTION_BIND | MAY_REMOTE, USE_REQUIRED, NULL } },
	.lends = qipcrtr_lends,
	.parse = qipcrtr_parse,
	.example = "NODE:PORT",
};
