/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that tells which level and type has which kind of value, of which
 * length; numbers and octets. Structures are in cmsg_structs.c and cmsg_families.c.
 *
 * What holds pointers into the sender (RDS_CMSG_RDMA_ARGS and its kin) has no row.
 */
#include "wire/cmsg_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h> /* sctp.h wants it before */
#include <sys/socket.h>
#include <time.h> /* errqueue.h wants it before */

#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <linux/errqueue.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/rds.h>
#include <linux/sctp.h>
#include <linux/tipc.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "wire/bluetooth.h"
#include "wire/build.h"

/* Numbers that this system's headers may be too old for. */
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
#ifndef SCM_SECURITY
#define SCM_SECURITY 3
#endif

typedef Sockbroker__V1__ControlMessage Message;
typedef Sockbroker__V1__ControlMessage__ValueCase ValueCase;

#define VALUE(name) SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_##name

enum {
	IP_OPTIONS_BYTES = 40,        /* what an IP header has room for */
	IPV6_HEADER_BYTES = 8 + 255 * 8, /* the longest extension header */
	TIPC_RETDATA_BYTES = 1024,    /* MAX_FORWARD_SIZE of the kernel */
	ALG_IV_BYTES = 64,            /* with its length; the kernel's longest has 32 */
	SECURITY_BYTES = 4096,        /* a security context */
	OPT_STATS_BYTES = 4096,       /* netlink attributes */
};

/* Integers ---------------------------------------------------------------- */

static int integer_encode_as(int64_t value, size_t width, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__Integer *m =
		build_message(a, &sockbroker__v1__control_message__integer__descriptor);

	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(INTEGER);
	out->integer = m;
	m->value = value;
	m->width = (uint32_t)width;
	return 0;
}

static int signed_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	int32_t value;

	memcpy(&value, data, sizeof(value));
	return integer_encode_as(value, len, a, out);
}

static int unsigned_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	uint64_t value = 0;

	if (len != 1 && len != 2 && len != 4 && len != 8)
		return -EINVAL;
	memcpy(&value, data, len);
	return integer_encode_as((int64_t)value, len, a, out);
}

static int network_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return integer_encode_as(ntohl(value), len, a, out);
}

/* Either sign is taken, as a C program's conversions do: a mark of 2^31 and
 * more is a negative int to many of them. */
static int integer_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	size_t width = in->integer->width ? in->integer->width : row->length_max;
	int64_t value = in->integer->value;

	if (width < row->length_min || width > row->length_max || (width & (width - 1)))
		return -EINVAL;
	if (width < sizeof(value)) {
		int64_t limit = (int64_t)1 << (8 * width);

		if (value >= limit || value < -limit / 2)
			return -EINVAL;
	}
	memcpy(out->local, &value, width); /* little-endian */
	out->len = width;
	return 0;
}

static int network_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	uint32_t value;
	int r = integer_decode(row, in, out);

	if (r < 0)
		return r;
	memcpy(&value, out->local, sizeof(value));
	value = htonl(value);
	memcpy(out->local, &value, sizeof(value));
	return 0;
}

/* Octets ------------------------------------------------------------------ */

static int octets_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	out->value_case = VALUE(OCTETS);
	return build_bytes(a, data, len, &out->octets);
}

static int octets_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	if (in->octets.len > row->length_max || in->octets.len < row->length_min)
		return -EINVAL;
	out->data = in->octets.data;
	out->len = in->octets.len;
	return 0;
}

/* The table --------------------------------------------------------------- */

#define SIGNED(level, type) \
	{ level, type, VALUE(INTEGER), 4, 4, signed_encode, integer_decode }
#define UNSIGNED(level, type, width) \
	{ level, type, VALUE(INTEGER), width, width, unsigned_encode, integer_decode }
#define OCTETS(level, type, most) \
	{ level, type, VALUE(OCTETS), 0, most, octets_encode, octets_decode }
#define EXACT(level, type, size) \
	{ level, type, VALUE(OCTETS), size, size, octets_encode, octets_decode }
#define STRUCTURE(level, type, name, size, function) \
	{ level, type, VALUE(name), size, size, cmsg_##function##_encode, cmsg_##function##_decode }
#define ERROR(level, type, offender) \
	{ level, type, VALUE(EXTENDED_ERROR), sizeof(struct sock_extended_err), \
	  sizeof(struct sock_extended_err) + (offender), \
	  cmsg_extended_error_encode, cmsg_extended_error_decode }
#define TIMEVAL(type) STRUCTURE(SOL_SOCKET, type, TIMESTAMP, sizeof(struct timeval), timeval)
#define TIMESPEC(type) STRUCTURE(SOL_SOCKET, type, TIMESTAMP, sizeof(struct timespec), timespec)
#define TIMESTAMPING(type) \
	STRUCTURE(SOL_SOCKET, type, TIMESTAMPING, sizeof(struct timespec[3]), timestamping)

static const struct cmsg_row rows[] = {
	STRUCTURE(SOL_SOCKET, SCM_CREDENTIALS, CREDENTIALS, sizeof(struct ucred), credentials),
	TIMEVAL(SO_TIMESTAMP_OLD),
	TIMEVAL(SO_TIMESTAMP_NEW),
	TIMESPEC(SO_TIMESTAMPNS_OLD),
	TIMESPEC(SO_TIMESTAMPNS_NEW),
	TIMESTAMPING(SO_TIMESTAMPING_OLD),
	TIMESTAMPING(SO_TIMESTAMPING_NEW),
	UNSIGNED(SOL_SOCKET, SO_TIMESTAMPING_OLD, 4), /* sent: what to stamp */
	UNSIGNED(SOL_SOCKET, SO_TIMESTAMPING_NEW, 4),
	UNSIGNED(SOL_SOCKET, SO_PRIORITY, 4),
	UNSIGNED(SOL_SOCKET, SO_MARK, 4),
	UNSIGNED(SOL_SOCKET, SO_RXQ_OVFL, 4),
	UNSIGNED(SOL_SOCKET, SO_TXTIME, 8),
	SIGNED(SOL_SOCKET, SO_WIFI_STATUS),
	STRUCTURE(SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO, TIMESTAMPING_PACKET,
		  sizeof(struct scm_ts_pktinfo), timestamping_packet),
	OCTETS(SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS, OPT_STATS_BYTES),
	OCTETS(SOL_SOCKET, SCM_SECURITY, SECURITY_BYTES),

	/* A byte when received; an int, or also a byte, when sent. */
	{ IPPROTO_IP, IP_TOS, VALUE(INTEGER), 1, 4, unsigned_encode, integer_decode },
	SIGNED(IPPROTO_IP, IP_TTL),
	OCTETS(IPPROTO_IP, SCM_SECURITY, SECURITY_BYTES),
	STRUCTURE(IPPROTO_IP, IP_ORIGDSTADDR, ADDRESS, sizeof(struct sockaddr_in), address),
	SIGNED(IPPROTO_IP, IP_RECVFRAGSIZE),
	SIGNED(IPPROTO_IP, IP_PROTOCOL),
	UNSIGNED(IPPROTO_IP, IP_CHECKSUM, 4),
	STRUCTURE(IPPROTO_IP, IP_PKTINFO, PACKET_INFO, sizeof(struct in_pktinfo), packet_info),
	ERROR(IPPROTO_IP, IP_RECVERR, sizeof(struct sockaddr_in)),
	OCTETS(IPPROTO_IP, IP_OPTIONS, IP_OPTIONS_BYTES),
	OCTETS(IPPROTO_IP, IP_RECVOPTS, IP_OPTIONS_BYTES),
	OCTETS(IPPROTO_IP, IP_RETOPTS, IP_OPTIONS_BYTES),

	SIGNED(IPPROTO_IPV6, IPV6_HOPLIMIT),
	SIGNED(IPPROTO_IPV6, IPV6_2292HOPLIMIT),
	SIGNED(IPPROTO_IPV6, IPV6_TCLASS),
	SIGNED(IPPROTO_IPV6, IPV6_DONTFRAG),
	SIGNED(IPPROTO_IPV6, IPV6_RECVFRAGSIZE),
	{ IPPROTO_IPV6, IPV6_FLOWINFO, VALUE(INTEGER), 4, 4, network_encode, network_decode },
	STRUCTURE(IPPROTO_IPV6, IPV6_PKTINFO, PACKET_INFO6, sizeof(struct in6_pktinfo),
		  packet_info6),
	STRUCTURE(IPPROTO_IPV6, IPV6_2292PKTINFO, PACKET_INFO6, sizeof(struct in6_pktinfo),
		  packet_info6),
	ERROR(IPPROTO_IPV6, IPV6_RECVERR, sizeof(struct sockaddr_in6)),
	STRUCTURE(IPPROTO_IPV6, IPV6_ORIGDSTADDR, ADDRESS, sizeof(struct sockaddr_in6), address),
	STRUCTURE(IPPROTO_IPV6, IPV6_PATHMTU, PATH_MTU, sizeof(struct ip6_mtuinfo), path_mtu),
	OCTETS(IPPROTO_IPV6, IPV6_RTHDR, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_HOPOPTS, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_DSTOPTS, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_2292RTHDR, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_2292HOPOPTS, IPV6_HEADER_BYTES),
	OCTETS(IPPROTO_IPV6, IPV6_2292DSTOPTS, IPV6_HEADER_BYTES),

	SIGNED(IPPROTO_TCP, TCP_CM_INQ),
	UNSIGNED(IPPROTO_UDP, UDP_SEGMENT, 2),
	SIGNED(IPPROTO_UDP, UDP_GRO),

	STRUCTURE(SOL_PACKET, PACKET_AUXDATA, AUX_DATA, sizeof(struct tpacket_auxdata), aux_data),
	ERROR(SOL_PACKET, PACKET_TX_TIMESTAMP, 0),
	UNSIGNED(SOL_NETLINK, NETLINK_PKTINFO, 4),
	ERROR(SOL_CAN_RAW, SCM_CAN_RAW_ERRQUEUE, 0),
	UNSIGNED(SOL_CAN_J1939, SCM_J1939_DEST_ADDR, 1),
	UNSIGNED(SOL_CAN_J1939, SCM_J1939_DEST_NAME, 8),
	UNSIGNED(SOL_CAN_J1939, SCM_J1939_PRIO, 1),
	ERROR(SOL_CAN_J1939, SCM_J1939_ERRQUEUE, 0),

	STRUCTURE(IPPROTO_SCTP, SCTP_INIT, SCTP_INIT, sizeof(struct sctp_initmsg), sctp_init),
	STRUCTURE(IPPROTO_SCTP, SCTP_SNDRCV, SCTP_INFO, sizeof(struct sctp_sndrcvinfo),
		  sctp_sndrcv),
	STRUCTURE(IPPROTO_SCTP, SCTP_SNDINFO, SCTP_INFO, sizeof(struct sctp_sndinfo),
		  sctp_sndinfo),
	STRUCTURE(IPPROTO_SCTP, SCTP_RCVINFO, SCTP_INFO, sizeof(struct sctp_rcvinfo),
		  sctp_rcvinfo),
	STRUCTURE(IPPROTO_SCTP, SCTP_NXTINFO, SCTP_NEXT, sizeof(struct sctp_nxtinfo), sctp_next),
	STRUCTURE(IPPROTO_SCTP, SCTP_PRINFO, SCTP_PARTIAL, sizeof(struct sctp_prinfo),
		  sctp_partial),
	UNSIGNED(IPPROTO_SCTP, SCTP_AUTHINFO, 2),
	EXACT(IPPROTO_SCTP, SCTP_DSTADDRV4, sizeof(struct in_addr)),
	EXACT(IPPROTO_SCTP, SCTP_DSTADDRV6, sizeof(struct in6_addr)),

	STRUCTURE(SOL_TIPC, TIPC_ERRINFO, TIPC_ERROR, sizeof(uint32_t[2]), tipc_error),
	OCTETS(SOL_TIPC, TIPC_RETDATA, TIPC_RETDATA_BYTES),
	STRUCTURE(SOL_TIPC, TIPC_DESTNAME, ADDRESS, sizeof(uint32_t[3]), tipc_name),

	/* AF_BLUETOOTH; HCI_CMSG_DIR has the numbers of IP_TOS, and its kind */
	STRUCTURE(SOL_HCI, HCI_CMSG_TSTAMP, TIMESTAMP, sizeof(struct timeval), timeval),
	UNSIGNED(SOL_BLUETOOTH, BT_SCM_PKT_STATUS, 1),

	UNSIGNED(SOL_RDS, RDS_CMSG_CONG_UPDATE, 8),
	EXACT(SOL_RDS, RDS_CMSG_RXPATH_LATENCY, sizeof(struct rds_cmsg_rx_trace)),

	UNSIGNED(SOL_ALG, ALG_SET_OP, 4),
	UNSIGNED(SOL_ALG, ALG_SET_AEAD_ASSOCLEN, 4),
	{ SOL_ALG, ALG_SET_IV, VALUE(OCTETS), sizeof(uint32_t), ALG_IV_BYTES,
	  cmsg_alg_iv_encode, cmsg_alg_iv_decode },
};

const struct cmsg_row *cmsg_row_of_length(int level, int type, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].type == type &&
		    len >= rows[i].length_min && len <= rows[i].length_max)
			return &rows[i];
	return NULL;
}

const struct cmsg_row *cmsg_row_of_value(int level, int type, ValueCase value)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].type == type && rows[i].value == value)
			return &rows[i];
	return NULL;
}

bool cmsg_type_is_known(int level, int type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].type == type)
			return true;
	return false;
}

int cmsg_value_encode(const struct cmsg_row *row, const uint8_t *data, size_t len,
		      ProtobufCAllocator *a, Message *out)
{
	return row->encode(data, len, a, out);
}

int cmsg_value_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *ret)
{
	if (row->value != VALUE(OCTETS) && !in->integer)
		return -EINVAL;
	ret->data = ret->local;
	return row->decode(row, in, ret);
}
