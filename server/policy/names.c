/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/names.h"

#include <string.h>
#include <sys/socket.h>

static const struct name families[] = {
	{ "inet", AF_INET },         { "inet6", AF_INET6 },     { "unix", AF_UNIX },
	{ "packet", AF_PACKET },     { "netlink", AF_NETLINK }, { "can", AF_CAN },
	{ "vsock", AF_VSOCK },       { "tipc", AF_TIPC },       { "rds", AF_RDS },
	{ "bluetooth", AF_BLUETOOTH }, { "alg", AF_ALG },       { "qipcrtr", AF_QIPCRTR },
	{ "smc", AF_SMC },
	/* without addresses here, see domain_other */
	{ "ax25", AF_AX25 },         { "ipx", AF_IPX },         { "appletalk", AF_APPLETALK },
	{ "netrom", AF_NETROM },     { "bridge", AF_BRIDGE },   { "atmpvc", AF_ATMPVC },
	{ "x25", AF_X25 },           { "rose", AF_ROSE },       { "decnet", AF_DECnet },
	{ "netbeui", AF_NETBEUI },   { "security", AF_SECURITY }, { "key", AF_KEY },
	{ "ash", AF_ASH },           { "econet", AF_ECONET },   { "atmsvc", AF_ATMSVC },
	{ "sna", AF_SNA },           { "irda", AF_IRDA },       { "pppox", AF_PPPOX },
	{ "wanpipe", AF_WANPIPE },   { "llc", AF_LLC },         { "kcm", AF_KCM },
	{ "xdp", AF_XDP },
};

/* SOCK_PACKET is missing on purpose: it names its device by a text in a
 * sockaddr of its own and would escape a rule's `interface`. */
static const struct name types[] = {
	{ "stream", 1 }, { "dgram", 2 }, { "raw", 3 },
	{ "rdm", 4 },    { "seqpacket", 5 }, { "dccp", 6 },
};

#define NAMES(table) { table, sizeof(table) / sizeof(table[0]) }

struct names family_names(void)
{
	return (struct names)NAMES(families);
}

struct names type_names(void)
{
	return (struct names)NAMES(types);
}

const char *name_of(struct names names, int number)
{
	for (size_t i = 0; i < names.n; i++)
		if (names.rows[i].number == number)
			return names.rows[i].text;
	return NULL;
}

bool name_find(struct names names, const char *text, int *ret_number)
{
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.rows[i].text, text) == 0) {
			*ret_number = names.rows[i].number;
			return true;
		}
	}
	return false;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

size_t text_distance(const char *a, const char *b)
{
	enum { LONGEST = 40 };
	size_t row[LONGEST + 1];
	size_t n_a = strnlen(a, LONGEST), n_b = strnlen(b, LONGEST);

	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n_b];
}

const char *name_nearest(struct names names, const char *text)
{
	const char *nearest = NULL;
	size_t distance = 3; /* from here on the two have little to do with each other */

	for (size_t i = 0; i < names.n; i++) {
		size_t d = text_distance(names.rows[i].text, text);

		if (d < distance && d < strlen(text)) {
			distance = d;
			nearest = names.rows[i].text;
		}
	}
	return nearest;
}
