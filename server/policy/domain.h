/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.h - what a policy knows of a family of sockets, or of several that are
 * alike: one row, in a file of its own. Inside server/policy only.
 *
 * A new family is its word in names.c, a row in a domain_*.c, and that row's line
 * in domain.c; and, if its addresses are like no others', a key in policy_rule.c.
 */
#ifndef SB_POLICY_DOMAIN_H
#define SB_POLICY_DOMAIN_H

#include "policy/reader.h"

enum {
	MAY_LOCAL = 1 << ACTION_BIND | 1 << ACTION_LISTEN,
	MAY_REMOTE = 1 << ACTION_CONNECT | 1 << ACTION_SEND,
	MAY_SOCKETS = MAY_LOCAL | MAY_REMOTE | 1 << ACTION_SOCKET | 1 << ACTION_OPTION |
		      1 << ACTION_IOCTL | 1 << ACTION_DIRECT,
	MAY_KIND = 1 << ACTION_SOCKET | 1 << ACTION_DIRECT, /* judged by the kind of socket alone */
};

/* Of a key, in a rule. */
enum use { USE_NONE, USE_ALLOWED, USE_REQUIRED };

struct domain_key {
	enum rule_key key;
	uint32_t may;       /* has this use if the rule may do one of these … */
	enum use use;
	bool (*when)(const struct rule *); /* … and this holds; or NULL */
};

/* L2CAP: up to here a PSM is somebody's, and to bind to it takes a capability. */
enum { BLUETOOTH_PSM_RESERVED = 0x1000 };

enum { DOMAIN_FAMILIES = 2, DOMAIN_KEYS = 6 };

struct domain_row {
	int families[DOMAIN_FAMILIES];  /* 0: none */

	struct names protocols;
	bool has_protocols;             /* a rule must name one */
	uint32_t default_protocol_last; /* else: from 0 to this */

	/* Does the rule cover the address? NULL: such addresses are not understood,
	 * and cannot be granted. An allowing rule covers as little as its words
	 * can mean, a denying one as much. */
	bool (*local)(const struct rule *, const struct asked *);   /* bind, listen */
	bool (*remote)(const struct rule *, const struct asked *);  /* connect, send */

	/* The keys that bound its addresses. Those that ACTION_DIRECT needs must say
	 * `any`: policy_direct.c. */
	struct domain_key keys[DOMAIN_KEYS];
	uint32_t port_last;
	/* What such a key means in a rule where it is not; or NULL. */
	int (*set_defaults)(struct reader *, const struct node *, struct rule *,
			    const struct slot *slots);

	/* LEND_* that the kernel looks at in this call; option and ioctl apart. NULL: none. */
	uint32_t (*lends)(enum action, int type);

	/* Sets in->addr from the text that addr_print() writes, or less; @text may be
	 * cut. NULL: has no text. */
	bool (*parse)(char *text, struct intent *in);
	const char *example;
};

extern const struct domain_row domain_inet, domain_rds, domain_smc, domain_unix, domain_packet,
	domain_can, domain_netlink, domain_vsock, domain_tipc, domain_bluetooth, domain_alg,
	domain_qipcrtr, domain_other;

const struct domain_row *domain_row(enum domain);

/* ---- what domains share ------------------------------------------------ */

/* Is @port, or with 0 one of the kernel's choice from 1024 to @last, among the
 * rule's `from_ports`? */
bool local_port_covered(const struct rule *, uint32_t port, uint32_t last, enum action);

/* For domain_key.when. */
bool rule_allows(const struct rule *);

/* Copies the address, zeros behind it, if it is of @family and has @least bytes. */
bool asked_address(const struct asked *, int family, size_t least, void *ret, size_t size);

#endif
