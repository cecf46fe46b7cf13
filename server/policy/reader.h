/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - what the parts of the policy parser share. Inside server/policy
 * only.
 *
 * The text becomes a tree of nodes with their places (policy_tree.c), which is
 * then read key by key. Reading functions return 0, or -EINVAL after they have
 * complained; the first complaint is the one that is told.
 */
#ifndef SB_POLICY_READER_H
#define SB_POLICY_READER_H

#include "policy/rule.h"

enum {
	POLICY_BYTES_MAX = 1 << 20,
	POLICY_RULES_MAX = 4096,
	POLICY_DEPTH_MAX = 8,
	DURATION_DAYS_MAX = 365,
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	size_t line, column; /* from 1 */
	const char *text;    /* scalar */
	/* The members: of a map key, value, key, value … */
	struct node *first, *next;
	size_t n;
};

struct reader {
	const char *name; /* of the file */
	char *error;
	size_t error_size;
	bool failed;
	struct arena *tree;
	struct policy *policy;
};

/* "what is wrong; what to do", without the place. Returns -EINVAL. */
int complain(struct reader *, const struct node *, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int complain_at(struct reader *, size_t line, size_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* "unknown WHAT 'x'; did you mean …", with the names that there are. */
int complain_unknown(struct reader *, const struct node *, const char *what, struct names);
int complain_memory(struct reader *, const struct node *);

bool node_is(const struct node *scalar, const char *word);

/* NULL on failure. */
struct node *tree_read(struct reader *, const char *text, size_t length);

/* Memory of the policy, zeroed; complains when there is none. */
void *reader_alloc(struct reader *, const struct node *, size_t bytes);
const char *reader_text(struct reader *, const struct node *); /* a copy of a scalar */

/* The number of items of a value that may be one item or a list of them. */
size_t item_count(const struct node *);
/* Calls @read for each; an empty list, a map or a list inside is an error. */
typedef int (*item_reader)(struct reader *, const struct node *item, void *target);
int items_read(struct reader *, const struct node *, item_reader read, void *target);

/* What a map has under each of its keys; absent: NULL. */
struct slot {
	const struct node *key, *value;
};
int map_read(struct reader *, const struct node *map, const char *what,
	     const char *const *keys, size_t n_keys, struct slot *slots);

/* Texts, each as @check likes it. */
struct texts_target {
	struct texts *texts;
	bool any;      /* the word is allowed */
	int (*check)(struct reader *, const struct node *);
};
int texts_read(struct reader *, const struct node *, struct texts_target);

/* policy_scalar.c. A number: decimal, or 0x and hexadecimal. */
int number_read(struct reader *, const struct node *, const char *what, uint64_t min,
		uint64_t max, uint64_t *ret);
int size_read(struct reader *, const struct node *, uint64_t min, uint64_t max, uint64_t *ret);
/* Numbers and ranges "8000-8099", up to @max; and words, where the pointer is
 * given. */
int ranges_read(struct reader *, const struct node *, const char *what, uint32_t max,
		bool *any, bool *ephemeral, struct ranges *ret);
/* Words, numbers and ranges, and any. */
int ranges_words_read(struct reader *, const struct node *, const char *what,
		      struct names, uint32_t max, struct ranges *ret);
/* A number or a range at *@text, which is moved behind it. It may be upside down. */
bool range_text(const char **text, uint64_t *ret_first, uint64_t *ret_last);
/* Words and single numbers. */
int named_numbers_read(struct reader *, const struct node *, const char *what,
		       struct names, uint32_t max, struct ranges *ret);
int range_add(struct ranges *, uint32_t first, uint32_t last);
int prefix_read(struct reader *, const struct node *, struct prefix *ret);
/* "10m": with a unit. */
int duration_read(struct reader *, const struct node *, uint64_t *ret_ns);
int mode_read(struct reader *, const struct node *, unsigned *ret);
int capability_read(struct reader *, const struct node *, void *lends);
const char *capability_name(uint32_t lend);

int limits_read(struct reader *, const struct node *, struct limits *, bool *has);
int who_read(struct reader *, const struct node *, struct rule *);

/* The keys of a rule, in the order in which they are read: what a later one
 * means may depend on an earlier one. */
enum rule_key {
	KEY_NAME, KEY_VERDICT, KEY_WHO, KEY_MAY, KEY_LENDS, KEY_FAMILY, KEY_TYPE,
	KEY_PROTOCOL, KEY_NAMES, KEY_ADDRESSES, KEY_TO, KEY_GRANT_FOR, KEY_TO_PORTS, KEY_TO_CIDS,
	KEY_FROM, KEY_FROM_PORTS, KEY_FROM_CIDS, KEY_INTERFACE, KEY_UNIX, KEY_NETLINK_TO,
	KEY_NETLINK_GROUPS, KEY_TIPC, KEY_BLUETOOTH, KEY_ALGORITHMS, KEY_QIPCRTR, KEY_OPTIONS,
	KEY_IOCTLS, KEY_MARKS, KEY_SETS, KEY_LIMITS, KEY_COUNT
};
extern const char *const rule_keys[KEY_COUNT];

/* One key's value; policy_address.c, domain_*.c. */
typedef int (*key_reader)(struct reader *, const struct node *, struct rule *);
int names_read(struct reader *, const struct node *, struct rule *);
int addresses_read(struct reader *, const struct node *, struct rule *);
int to_read(struct reader *, const struct node *, struct rule *);
int to_ports_read(struct reader *, const struct node *, struct rule *);
int to_cids_read(struct reader *, const struct node *, struct rule *);
int from_read(struct reader *, const struct node *, struct rule *);
int from_ports_read(struct reader *, const struct node *, struct rule *);
int from_cids_read(struct reader *, const struct node *, struct rule *);
int interface_read(struct reader *, const struct node *, struct rule *);
int unix_read(struct reader *, const struct node *, struct rule *);
int netlink_to_read(struct reader *, const struct node *, struct rule *);
int netlink_groups_read(struct reader *, const struct node *, struct rule *);
int tipc_read(struct reader *, const struct node *, struct rule *);
int bluetooth_read(struct reader *, const struct node *, struct rule *);
int algorithms_read(struct reader *, const struct node *, struct rule *);
int qipcrtr_read(struct reader *, const struct node *, struct rule *);

int sets_read(struct reader *, const struct node *, struct rule *); /* policy_direct.c */

int rule_read(struct reader *, const struct node *, struct rule *);
/* What the keys say together: none missing, none without use. */
int rule_check(struct reader *, const struct node *, const struct rule *,
	       const struct slot slots[KEY_COUNT]);
/* … about `direct`; policy_direct.c. */
int direct_check(struct reader *, const struct rule *, const struct slot slots[KEY_COUNT]);

#endif
