/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options, sorted by level and name; the rows are in options/.
 *
 * Left out, so ENOPROTOOPT: what passes a descriptor (SO_ATTACH_BPF,
 * SO_ATTACH_REUSEPORT_EBPF, SCTP_SOCKOPT_PEELOFF), what needs memory shared with
 * the kernel or points into the caller's (PACKET_RX_RING, TCP_ZEROCOPY_RECEIVE,
 * RDS_GET_MR), what connects or binds by another way than connect and bind
 * (SCTP_SOCKOPT_CONNECTX, SCTP_SOCKOPT_BINDX_ADD), what tells of other programs'
 * sockets (RDS_INFO_*), IPsec policies, and the options of iptables, which are a
 * configuration of the host and not of a socket. The unit test has the list of all
 * that the headers name and this table lacks.
 */
#include "wire/sockopt.h"

#include <netinet/in.h> /* sctp.h wants it before */
#include <sys/socket.h>

#include <linux/can/isotp.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rds.h>
#include <linux/sctp.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bluetooth.h"

/* Numbers that this system's headers may be too old for, or keep in a header
 * that does not go with libc's. */
#ifndef SOL_RAW
#define SOL_RAW 255
#endif
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
#ifndef UDPLITE_SEND_CSCOV
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11
#endif

#ifndef SO_ORIGINAL_DST /* linux/netfilter_ipv4.h, which is large */
#define SO_ORIGINAL_DST 80
#define IP6T_SO_ORIGINAL_DST 80
#endif
#ifndef SOL_MPTCP /* linux/mptcp.h does not go with netinet/in.h everywhere */
#define SOL_MPTCP 284
#endif
#ifndef MPTCP_INFO
#define MPTCP_INFO 1
#define MPTCP_TCPINFO 2
#define MPTCP_SUBFLOW_ADDRS 3
#endif

enum { FREE = 0, NAMED = 1 };
enum {
	GET = SOCKOPT_GET,
	SET = SOCKOPT_SET,
	BOTH = SOCKOPT_BOTH,
	ASKED = SOCKOPT_GET | SOCKOPT_ASK,
	ASK_BOTH = SOCKOPT_BOTH | SOCKOPT_ASK,
};

#define ROW(level, name, kind, access, named) \
	{ level, name, #name, SOCKOPT_##kind, access, named, 4, false }
#define WIDE(level, name, access, named) \
	{ level, name, #name, SOCKOPT_INTEGER, access, named, 8, false }
/* One whose plain name is an expression in the headers: which of the two it is
 * depends on the size of time_t. */
#define OLD(level, name, kind, access, named) \
	{ level, name##_OLD, #name, SOCKOPT_##kind, access, named, 4, false }
#define OLD_WIDE(level, name, access, named) \
	{ level, name##_OLD, #name, SOCKOPT_INTEGER, access, named, 8, false }
#define BLUE(level, name, kind, access, width) \
	{ level, name, #name, SOCKOPT_##kind, access, FREE, width, true }

static const struct sockopt rows[] = {
#include "wire/options/ip.inc"
#include "wire/options/socket.inc"
#include "wire/options/transport.inc"
#include "wire/options/ipv6.inc"
#include "wire/options/families.inc"
#include "wire/options/bluetooth.inc"
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int row_compare(const void *key, const void *row)
{
	const struct sockopt *a = key, *b = row;

	if (a->bluetooth != b->bluetooth)
		return b->bluetooth ? -1 : 1;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	return (a->name > b->name) - (a->name < b->name);
}

const struct sockopt *sockopt_find_for(int family, int level, int name)
{
	const struct sockopt key = { .level = level, .name = name,
				     .bluetooth = family == AF_BLUETOOTH && level != SOL_SOCKET };

	return bsearch(&key, rows, ROWS, sizeof(rows[0]), row_compare);
}

const struct sockopt *sockopt_find(int level, int name)
{
	return sockopt_find_for(AF_UNSPEC, level, name);
}

const struct sockopt *sockopt_find_text(const char *text)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].text, text) == 0)
			return &rows[i];
	return NULL;
}

const struct sockopt *sockopt_rows(size_t *ret_n)
{
	*ret_n = ROWS;
	return rows;
}
