/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - rules, and what they say to an intent.
 *
 * A policy is immutable once made: any thread may judge by it. It is counted;
 * a reload makes a new one, and the old one goes with its last reference.
 * Judging allocates nothing and does not block. It makes one system call, and
 * that only where a rule names interfaces: if_indextoname(3), because
 * interfaces come and go and their numbers with them.
 */
#ifndef SB_POLICY_POLICY_H
#define SB_POLICY_POLICY_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/grants.h"
#include "policy/intent.h"

#ifdef __cplusplus
extern "C" {
#endif

struct policy;
struct rule;

/* Capabilities that a rule may lend: bits of verdict.lends. */
enum {
	LEND_NET_RAW = 1 << 0,
	LEND_NET_ADMIN = 1 << 1,
	LEND_NET_BIND_SERVICE = 1 << 2,
	LEND_SYS_ADMIN = 1 << 3, /* for sethostname alone */
};

/* What may be held at once; per user, over all connections. */
struct limits {
	uint32_t connections;
	uint32_t sessions;
	uint32_t sockets;
	uint32_t calls;       /* in flight */
	uint32_t lookups;     /* that the name service is asked for */
	uint64_t bytes;       /* held: waiting requests, unread replies */
};

/* What the broker sets on a socket right before it gives the descriptor out, and its
 * holder cannot change. */
struct sets {
	bool has_mark;
	uint32_t mark;            /* SO_MARK */
	char device[IF_NAMESIZE]; /* SO_BINDTODEVICE; "": none */
};

struct verdict {
	int error;            /* 0, or -EACCES / -EPERM: denied */
	uint32_t lends;       /* LEND_* to raise for the one system call */
	/* The rule that decided; NULL: none matched (the default is to deny),
	 * or, if allowed, none was needed. Borrowed from the policy. */
	const struct rule *rule;
	/* socket: the rule narrows the interface, so a packet socket must not
	 * receive before it is bound: open it with protocol 0. */
	bool narrow_interface;
	/* bind to a unix path: the mode of the new file */
	unsigned unix_mode;
	/* direct: to be done under what is lent; if that fails there is no descriptor */
	struct sets sets;
};

/*
 * Reads @path; strict: an unknown key, a wrong type, an impossible range is an
 * error. Returns a policy, or NULL and, in @error, one line
 * "FILE:LINE:COLUMN: what is wrong and what to do". May block: not on a shard.
 */
struct policy *policy_load(const char *path, char *error, size_t error_size);
/* The same from memory; @name stands for the file in messages. */
struct policy *policy_parse(const char *text, size_t length, const char *name,
			    char *error, size_t error_size);
/* Without a file: @uid may do what that user may do anyhow, lending nothing. */
struct policy *policy_same_user(uid_t uid);

/*
 * The host's own addresses (getifaddrs(3), broadcast addresses too), which
 * `to: any` does not cover. Once, after loading and before the policy is shared.
 * Copies them; what is not an internet address is passed over. Returns 0 or
 * -ENOMEM.
 */
int policy_set_host_addresses(struct policy *, const struct sock_addr *addrs, size_t n);

struct policy *policy_ref(struct policy *);
struct policy *policy_unref(struct policy *); /* returns NULL; accepts NULL */

/* The one question. An intent of ACTION_NONE is always allowed. @grants: what the
 * asker was told for names, or NULL; @now_ns: by the clock that filled them. */
struct verdict policy_judge(const struct policy *, const struct subject *, const struct intent *,
			    const struct grants *, uint64_t now_ns);

/*
 * After a lookup that was allowed: the asker was told that @host, as it was
 * judged, has these addresses. Notes them in @grants, if a rule for @subject has
 * `to: resolved` and names such a host. Returns 0 or -ENOMEM (some may have been
 * noted).
 */
int policy_grant(const struct policy *, const struct subject *, const char *host,
		 const struct sock_addr *addrs, size_t n, uint64_t now_ns, struct grants *)
	__attribute__((warn_unused_result));

/* Does any rule allow @subject anything at all? If not, it gets no session. */
bool policy_knows(const struct policy *, const struct subject *);
struct limits policy_limits(const struct policy *, const struct subject *);

/* LEND_* that any rule lends: what the broker must keep. */
uint32_t policy_lends(const struct policy *);
size_t policy_rule_count(const struct policy *);
/* "rule 3 'ping' (policy.yaml:12)" or "no rule (default deny)"; returns @text. */
const char *rule_print(const struct policy *, const struct rule *, char *text, size_t size);
enum { RULE_TEXT_BYTES = 200 };

#ifdef __cplusplus
}
#endif
#endif
