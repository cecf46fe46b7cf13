/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - what a policy is made of. Inside server/policy only.
 */
#ifndef SB_POLICY_RULE_H
#define SB_POLICY_RULE_H

#include <stdatomic.h>

#include "policy/names.h"
#include "policy/place.h"
#include "policy/policy.h"
#include "policy/reach.h"
#include "wire/arena.h"

struct range {
	uint32_t first, last; /* both included */
};

/* A set of numbers: ports, uids, protocols, marks … */
struct ranges {
	bool any; /* the word; what it covers is the matter of the key */
	struct range *at;
	size_t n;
};

struct prefixes {
	bool any;      /* the word */
	bool own;      /* the word: this host's own addresses (`to`) */
	bool resolved; /* the word: what the session was told for the rule's `names` (`to`) */
	struct prefix *at;
	size_t n;
};

/* A set of texts: globs of interfaces or paths, abstract names, names of hosts. */
struct texts {
	bool any;
	const char **at;
	size_t n;
};

/* All that are said must hold. */
struct who {
	bool has_user, has_uid, has_group, has_gid;
	struct ranges user, uid, group, gid;
};

struct option_name {
	int level, name;
};

/* Services of TIPC: types, and their instances. */
struct tipc_services {
	bool any;
	struct tipc_service {
		struct range types, instances;
	} *at;
	size_t n;
};

/* Devices of Bluetooth, as they are printed. */
struct bdaddrs {
	bool any, wildcard;
	uint8_t (*at)[6];
	size_t n;
};

enum { LIMIT_COUNT = 6 };

struct rule {
	const struct policy *policy;
	const char *name;
	size_t number;  /* from 1 */
	size_t line;
	bool deny;
	bool everything;  /* `may: any`, which only a rule that denies may say */
	uint32_t may;     /* 1 << ACTION_* */
	uint32_t lends;

	bool everyone;
	struct who *who;  /* alternatives */
	size_t n_who;

	enum domain domain;
	int families[2];
	size_t n_families;
	bool any_type;
	uint32_t types;   /* 1 << SOCK_* */
	struct ranges protocols;

	struct texts names;         /* of hosts, normalized; maybe `*.` before */
	struct prefixes addresses;  /* whose names may be asked for */
	uint64_t grant_for_ns;      /* 0: while the session lives */

	struct prefixes to, from;
	struct ranges to_ports, from_ports;
	bool ephemeral;   /* from_ports */
	struct ranges to_cids, from_cids;
	struct texts interfaces;
	struct texts paths, abstract;
	bool autobind;
	unsigned unix_mode;
	struct ranges netlink_groups, netlink_to;
	struct {
		struct tipc_services services;
		struct ranges nodes;
		uint32_t scopes;    /* 1 << TIPC_*_SCOPE */
	} tipc;
	struct {
		struct bdaddrs to, from;
		struct ranges psms, cids, channels, devices;
		struct ranges hci_channels;
	} bluetooth;
	struct texts algorithms;    /* "hash/sha256" */
	struct {
		struct ranges nodes, ports;
	} qipcrtr;

	bool any_option, any_ioctl; /* in a rule that denies */
	struct option_name *options;
	size_t n_options;
	unsigned long *ioctls;
	size_t n_ioctls;
	struct ranges marks;
	struct sets sets;           /* direct */

	struct limits limits;
	bool has_limit[LIMIT_COUNT]; /* in the order of struct limits */
};

struct policy {
	atomic_uint references;
	struct arena memory;  /* of everything below */
	const char *name;     /* of the file */
	struct rule *rules;
	size_t n_rules;
	struct limits limits;
	struct place *own;    /* this host's addresses */
	size_t n_own;
	bool same_user;       /* no file: rules[0] allows all to one user */
};

/* Capabilities that the kernel looks at in this call; the others would only be
 * a danger (a control message may set SO_MARK during a send). */
uint32_t action_lends(enum action, enum domain, int type);
/* Those of them that the rule lends to it. */
uint32_t rule_lends(const struct rule *, enum action, int type);

bool ranges_hold(const struct ranges *, uint32_t number);
/* `*` and `?` stand for bytes of one path component, and not for its leading dot. */
bool glob_matches(const char *glob, const char *text);
/* Absolute, no empty, `.` or `..` component. */
bool path_is_clean(const char *path);

/* What a rule is compared with. */
struct asked {
	const struct intent *in;
	enum domain domain;
	int protocol;                 /* that the socket will have, see match.c */
	const struct grants *grants;  /* or NULL */
	uint64_t now_ns;
};

/* Whether the rule speaks of this intent: what an allowing rule covers at most,
 * what a denying rule covers at least. */
bool rule_matches(const struct rule *, const struct asked *);
struct asked asked_of(const struct intent *, const struct grants *, uint64_t now_ns);
/* Is it one of the rule's `names`? @host is normalized. */
bool rule_names_host(const struct rule *, const char *host);
bool rule_is_for(const struct rule *, const struct subject *);

/* An empty policy, with one reference; or NULL. */
struct policy *policy_new(const char *name);

#endif
