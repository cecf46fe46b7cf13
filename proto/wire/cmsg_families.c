/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmsg_families.c - control messages of SCTP, TIPC and AF_ALG, and those that are
 * addresses. As in cmsg_structs.c, an encoder is called with as many bytes as its
 * row allows.
 */
#include "wire/cmsg_value.h"

#include <errno.h>
#include <netinet/in.h> /* sctp.h wants it before */
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/sctp.h>
#include <linux/tipc.h>

#include "wire/addr.h"
#include "wire/build.h"

typedef Sockbroker__V1__ControlMessage Message;

#define VALUE(name) SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_##name

int cmsg_sctp_init_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpInit *m =
		build_message(a, &sockbroker__v1__control_message__sctp_init__descriptor);
	struct sctp_initmsg s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_INIT);
	out->sctp_init = m;
	memcpy(&s, data, sizeof(s));
	m->out_streams = s.sinit_num_ostreams;
	m->max_in_streams = s.sinit_max_instreams;
	m->max_attempts = s.sinit_max_attempts;
	m->max_timeout_ms = s.sinit_max_init_timeo;
	return 0;
}

int cmsg_sctp_init_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpInit *m = in->sctp_init;
	struct sctp_initmsg s;

	(void)row;
	if ((m->out_streams | m->max_in_streams | m->max_attempts | m->max_timeout_ms) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.sinit_num_ostreams = (uint16_t)m->out_streams;
	s.sinit_max_instreams = (uint16_t)m->max_in_streams;
	s.sinit_max_attempts = (uint16_t)m->max_attempts;
	s.sinit_max_init_timeo = (uint16_t)m->max_timeout_ms;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_sctp_sndrcv_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpInfo *m =
		build_message(a, &sockbroker__v1__control_message__sctp_info__descriptor);
	struct sctp_sndrcvinfo s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_INFO);
	out->sctp_info = m;
	memcpy(&s, data, sizeof(s));
	m->stream = s.sinfo_stream;
	m->ssn = s.sinfo_ssn;
	m->flags = s.sinfo_flags;
	m->ppid = s.sinfo_ppid;
	m->context = s.sinfo_context;
	m->time_to_live_ms = s.sinfo_timetolive;
	m->tsn = s.sinfo_tsn;
	m->cumulative_tsn = s.sinfo_cumtsn;
	m->association = s.sinfo_assoc_id;
	return 0;
}

int cmsg_sctp_sndrcv_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpInfo *m = in->sctp_info;
	struct sctp_sndrcvinfo s;

	(void)row;
	if ((m->stream | m->ssn | m->flags) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.sinfo_stream = (uint16_t)m->stream;
	s.sinfo_ssn = (uint16_t)m->ssn;
	s.sinfo_flags = (uint16_t)m->flags;
	s.sinfo_ppid = m->ppid;
	s.sinfo_context = m->context;
	s.sinfo_timetolive = m->time_to_live_ms;
	s.sinfo_tsn = m->tsn;
	s.sinfo_cumtsn = m->cumulative_tsn;
	s.sinfo_assoc_id = m->association;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_sctp_sndinfo_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpInfo *m =
		build_message(a, &sockbroker__v1__control_message__sctp_info__descriptor);
	struct sctp_sndinfo s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_INFO);
	out->sctp_info = m;
	memcpy(&s, data, sizeof(s));
	m->stream = s.snd_sid;
	m->flags = s.snd_flags;
	m->ppid = s.snd_ppid;
	m->context = s.snd_context;
	m->association = s.snd_assoc_id;
	return 0;
}

int cmsg_sctp_sndinfo_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpInfo *m = in->sctp_info;
	struct sctp_sndinfo s;

	(void)row;
	if ((m->stream | m->flags) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.snd_sid = (uint16_t)m->stream;
	s.snd_flags = (uint16_t)m->flags;
	s.snd_ppid = m->ppid;
	s.snd_context = m->context;
	s.snd_assoc_id = m->association;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_sctp_rcvinfo_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpInfo *m =
		build_message(a, &sockbroker__v1__control_message__sctp_info__descriptor);
	struct sctp_rcvinfo s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_INFO);
	out->sctp_info = m;
	memcpy(&s, data, sizeof(s));
	m->stream = s.rcv_sid;
	m->ssn = s.rcv_ssn;
	m->flags = s.rcv_flags;
	m->ppid = s.rcv_ppid;
	m->tsn = s.rcv_tsn;
	m->cumulative_tsn = s.rcv_cumtsn;
	m->context = s.rcv_context;
	m->association = s.rcv_assoc_id;
	return 0;
}

int cmsg_sctp_rcvinfo_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpInfo *m = in->sctp_info;
	struct sctp_rcvinfo s;

	(void)row;
	if ((m->stream | m->ssn | m->flags) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.rcv_sid = (uint16_t)m->stream;
	s.rcv_ssn = (uint16_t)m->ssn;
	s.rcv_flags = (uint16_t)m->flags;
	s.rcv_ppid = m->ppid;
	s.rcv_tsn = m->tsn;
	s.rcv_cumtsn = m->cumulative_tsn;
	s.rcv_context = m->context;
	s.rcv_assoc_id = m->association;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_sctp_next_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpNext *m =
		build_message(a, &sockbroker__v1__control_message__sctp_next__descriptor);
	struct sctp_nxtinfo s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_NEXT);
	out->sctp_next = m;
	memcpy(&s, data, sizeof(s));
	m->stream = s.nxt_sid;
	m->flags = s.nxt_flags;
	m->ppid = s.nxt_ppid;
	m->length = s.nxt_length;
	m->association = s.nxt_assoc_id;
	return 0;
}

int cmsg_sctp_next_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpNext *m = in->sctp_next;
	struct sctp_nxtinfo s;

	(void)row;
	if ((m->stream | m->flags) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.nxt_sid = (uint16_t)m->stream;
	s.nxt_flags = (uint16_t)m->flags;
	s.nxt_ppid = m->ppid;
	s.nxt_length = m->length;
	s.nxt_assoc_id = m->association;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_sctp_partial_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__SctpPartial *m =
		build_message(a, &sockbroker__v1__control_message__sctp_partial__descriptor);
	struct sctp_prinfo s;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(SCTP_PARTIAL);
	out->sctp_partial = m;
	memcpy(&s, data, sizeof(s));
	m->policy = s.pr_policy;
	m->value = s.pr_value;
	return 0;
}

int cmsg_sctp_partial_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__SctpPartial *m = in->sctp_partial;
	struct sctp_prinfo s;

	(void)row;
	if ((m->policy) > UINT16_MAX)
		return -EINVAL;
	memset(&s, 0, sizeof(s)); /* the padding, too */
	s.pr_policy = (uint16_t)m->policy;
	s.pr_value = m->value;
	memcpy(out->local, &s, sizeof(s));
	out->len = sizeof(s);
	return 0;
}

int cmsg_tipc_error_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__TipcError *m =
		build_message(a, &sockbroker__v1__control_message__tipc_error__descriptor);
	uint32_t info[2];

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(TIPC_ERROR);
	out->tipc_error = m;
	memcpy(info, data, sizeof(info));
	m->code = info[0];
	m->length = info[1];
	return 0;
}

int cmsg_tipc_error_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	uint32_t info[2] = { in->tipc_error->code, in->tipc_error->length };

	(void)row;
	memcpy(out->local, info, sizeof(info));
	out->len = sizeof(info);
	return 0;
}

/* Addresses ------------------------------------------------------------------ */

static int address_encode(const void *sa, size_t len, ProtobufCAllocator *a, Message *out)
{
	int r = addr_encode(sa, (socklen_t)len, a, &out->address);

	if (r == 0)
		out->value_case = VALUE(ADDRESS);
	return r == -ENOMEM ? r : r < 0 ? -EINVAL : 0;
}

static sa_family_t family_of(const void *sa)
{
	sa_family_t family;

	memcpy(&family, sa, sizeof(family));
	return family;
}

/* A whole sockaddr_in or sockaddr_in6: the row's length tells which. */
static bool is_inet(const void *sa, size_t len)
{
	return family_of(sa) == (len == sizeof(struct sockaddr_in) ? AF_INET : AF_INET6);
}

int cmsg_address_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	return is_inet(data, len) ? address_encode(data, len, a, out) : -EINVAL;
}

int cmsg_address_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	struct sock_addr addr;

	if (addr_decode(in->address, &addr) < 0 || addr.len != row->length_max ||
	    !is_inet(&addr.ss, addr.len))
		return -EINVAL;
	memcpy(out->local, &addr.ss, addr.len);
	out->len = addr.len;
	return 0;
}

/* Three numbers: what a sockaddr_tipc has after its head. */
int cmsg_tipc_name_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	struct sockaddr_tipc sa = { .family = AF_TIPC, .addrtype = TIPC_SERVICE_RANGE };

	memcpy(&sa.addr.nameseq, data, len);
	return address_encode(&sa, sizeof(sa), a, out);
}

int cmsg_tipc_name_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	struct sockaddr_tipc sa;
	struct sock_addr addr;

	(void)row;
	if (addr_decode(in->address, &addr) < 0 || addr.len != sizeof(sa))
		return -EINVAL;
	memcpy(&sa, &addr.ss, sizeof(sa));
	if (sa.family != AF_TIPC || sa.addrtype != TIPC_SERVICE_RANGE)
		return -EINVAL;
	memcpy(out->local, &sa.addr.nameseq, sizeof(sa.addr.nameseq));
	out->len = sizeof(sa.addr.nameseq);
	return 0;
}

int cmsg_path_mtu_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__PathMtu *m =
		build_message(a, &sockbroker__v1__control_message__path_mtu__descriptor);
	struct ip6_mtuinfo info;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(PATH_MTU);
	out->path_mtu = m;
	memcpy(&info, data, sizeof(info));
	m->mtu = info.ip6m_mtu;
	if (!is_inet(&info.ip6m_addr, sizeof(info.ip6m_addr)))
		return -EINVAL;
	return addr_encode((const struct sockaddr *)&info.ip6m_addr, sizeof(info.ip6m_addr), a,
			   &m->destination);
}

int cmsg_path_mtu_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	struct ip6_mtuinfo info = { .ip6m_mtu = in->path_mtu->mtu };
	struct sock_addr addr;

	(void)row;
	if (addr_decode(in->path_mtu->destination, &addr) < 0 ||
	    addr.len != sizeof(info.ip6m_addr) || !is_inet(&addr.ss, addr.len))
		return -EINVAL;
	memcpy(&info.ip6m_addr, &addr.ss, addr.len);
	memcpy(out->local, &info, sizeof(info));
	out->len = sizeof(info);
	return 0;
}

/* AF_ALG: how long the vector is, and the vector. ------------------------------ */

int cmsg_alg_iv_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	uint32_t n;

	memcpy(&n, data, sizeof(n));
	if (n > len - sizeof(n))
		return -EINVAL;
	out->value_case = VALUE(OCTETS);
	return build_bytes(a, data + sizeof(n), n, &out->octets);
}

int cmsg_alg_iv_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	uint32_t n = (uint32_t)in->octets.len;

	if (in->octets.len > row->length_max - sizeof(n))
		return -EINVAL;
	memcpy(out->local, &n, sizeof(n));
	if (n)
		memcpy(out->local + sizeof(n), in->octets.data, n);
	out->len = sizeof(n) + n;
	return 0;
}
