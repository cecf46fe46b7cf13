/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - the words for families, types and protocols, both ways.
 *
 * Static tables, no state, safe from any thread.
 */
#ifndef SB_POLICY_NAMES_H
#define SB_POLICY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct name {
	const char *text;
	int number;
};

struct names {
	const struct name *rows;
	size_t n;
};

/* Families that share the meaning of their protocols and addresses. */
enum domain {
	DOMAIN_INET, /* inet and inet6 */
	DOMAIN_RDS,
	DOMAIN_SMC,
	DOMAIN_UNIX,
	DOMAIN_PACKET,
	DOMAIN_CAN,
	DOMAIN_NETLINK,
	DOMAIN_VSOCK,
	DOMAIN_TIPC,
	DOMAIN_BLUETOOTH,
	DOMAIN_ALG,
	DOMAIN_QIPCRTR,
	DOMAIN_OTHER, /* known by its number, and perhaps a word, alone */
	DOMAIN_COUNT
};

enum domain family_domain(int family);

struct names family_names(void);
struct names type_names(void);
struct names protocol_names(enum domain);
/* Empty for the families that have but one protocol. */

/* Returns the text, or NULL. */
const char *name_of(struct names, int number);
/* Sets *@ret_number; false: no such name. */
bool name_find(struct names, const char *text, int *ret_number);
/* The name most like @text, or NULL when none is near. */
const char *name_nearest(struct names, const char *text);
/* How many letters must change to make @b of @a; of the first 40. */
size_t text_distance(const char *a, const char *b);

#ifdef __cplusplus
}
#endif
#endif
