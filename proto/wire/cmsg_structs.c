/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages that are structures in C: one pair of functions for each,
 * encode and decode side by side. An encoder is called with as many bytes as
 * its row in cmsg_value.c allows.
 */
#include "wire/cmsg_value.h"

#include <errno.h>
#include <time.h> /* errqueue.h wants it before */

#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "wire/addr.h"
#include "wire/build.h"

typedef Sockbroker__V1__ControlMessage Message;

#define VALUE(name) SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_##name

enum { NS_PER_SECOND = 1000000000, US_PER_SECOND = 1000000, STAMPS = 3 };

int cmsg_credentials_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__Credentials *m =
		build_message(a, &sockbroker__v1__control_message__credentials__descriptor);
	struct ucred ucred;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(CREDENTIALS);
	out->credentials = m;
	memcpy(&ucred, data, sizeof(ucred));
	m->pid = ucred.pid;
	m->uid = ucred.uid;
	m->gid = ucred.gid;
	return 0;
}

int cmsg_credentials_decode(const struct cmsg_row *row, const Message *in,
			      struct cmsg_payload *out)
{
	struct ucred ucred = { .pid = in->credentials->pid, .uid = in->credentials->uid,
			       .gid = in->credentials->gid };

	(void)row;
	memcpy(out->local, &ucred, sizeof(ucred));
	out->len = sizeof(ucred);
	return 0;
}

static int timestamp_encode_as(int64_t seconds, int64_t part, int64_t parts, ProtobufCAllocator *a,
			       Sockbroker__V1__ControlMessage__Timestamp **ret)
{
	Sockbroker__V1__ControlMessage__Timestamp *m;

	if (part < 0 || part >= parts)
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__control_message__timestamp__descriptor);
	if (!m)
		return -ENOMEM;
	m->seconds = seconds;
	m->nanoseconds = part * (NS_PER_SECOND / parts);
	*ret = m;
	return 0;
}

int cmsg_timeval_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	struct timeval tv;

	(void)len;
	memcpy(&tv, data, sizeof(tv));
	out->value_case = VALUE(TIMESTAMP);
	return timestamp_encode_as(tv.tv_sec, tv.tv_usec, US_PER_SECOND, a, &out->timestamp);
}

int cmsg_timespec_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	struct timespec ts;

	(void)len;
	memcpy(&ts, data, sizeof(ts));
	out->value_case = VALUE(TIMESTAMP);
	return timestamp_encode_as(ts.tv_sec, ts.tv_nsec, NS_PER_SECOND, a, &out->timestamp);
}

static bool timestamp_is_sound(const Sockbroker__V1__ControlMessage__Timestamp *m)
{
	return m->nanoseconds >= 0 && m->nanoseconds < NS_PER_SECOND;
}

int cmsg_timeval_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	struct timeval tv = { .tv_sec = in->timestamp->seconds,
			      .tv_usec = in->timestamp->nanoseconds / 1000 };

	(void)row;
	memcpy(out->local, &tv, sizeof(tv));
	out->len = sizeof(tv);
	return timestamp_is_sound(in->timestamp) ? 0 : -EINVAL;
}

int cmsg_timespec_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	struct timespec ts = { .tv_sec = in->timestamp->seconds,
			       .tv_nsec = in->timestamp->nanoseconds };

	(void)row;
	memcpy(out->local, &ts, sizeof(ts));
	out->len = sizeof(ts);
	return timestamp_is_sound(in->timestamp) ? 0 : -EINVAL;
}

int cmsg_timestamping_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__Timestamping *m =
		build_message(a, &sockbroker__v1__control_message__timestamping__descriptor);
	struct timespec ts[STAMPS];
	int r = 0;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(TIMESTAMPING);
	out->timestamping = m;
	m->stamps = build_alloc(a, STAMPS * sizeof(*m->stamps));
	if (!m->stamps)
		return -ENOMEM;
	memcpy(ts, data, sizeof(ts));
	while (m->n_stamps < STAMPS && r == 0) {
		const struct timespec *t = &ts[m->n_stamps];

		r = timestamp_encode_as(t->tv_sec, t->tv_nsec, NS_PER_SECOND, a,
					&m->stamps[m->n_stamps]);
		if (r == 0)
			m->n_stamps++;
	}
	return r;
}

int cmsg_timestamping_decode(const struct cmsg_row *row, const Message *in,
			       struct cmsg_payload *out)
{
	struct timespec ts[STAMPS] = { { 0 } };

	(void)row;
	if (in->timestamping->n_stamps > STAMPS)
		return -EINVAL;
	for (size_t i = 0; i < in->timestamping->n_stamps; i++) {
		if (!timestamp_is_sound(in->timestamping->stamps[i]))
			return -EINVAL;
		ts[i].tv_sec = in->timestamping->stamps[i]->seconds;
		ts[i].tv_nsec = in->timestamping->stamps[i]->nanoseconds;
	}
	memcpy(out->local, ts, sizeof(ts));
	out->len = sizeof(ts);
	return 0;
}

int cmsg_timestamping_packet_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a,
				    Message *out)
{
	Sockbroker__V1__ControlMessage__TimestampingPacket *m =
		build_message(a, &sockbroker__v1__control_message__timestamping_packet__descriptor);
	struct scm_ts_pktinfo info;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(TIMESTAMPING_PACKET);
	out->timestamping_packet = m;
	memcpy(&info, data, sizeof(info));
	m->ifindex = info.if_index;
	m->length = info.pkt_length;
	return 0;
}

int cmsg_timestamping_packet_decode(const struct cmsg_row *row, const Message *in,
				    struct cmsg_payload *out)
{
	struct scm_ts_pktinfo info = { .if_index = in->timestamping_packet->ifindex,
				       .pkt_length = in->timestamping_packet->length };

	(void)row;
	memcpy(out->local, &info, sizeof(info));
	out->len = sizeof(info);
	return 0;
}

int cmsg_packet_info_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__PacketInfo *m =
		build_message(a, &sockbroker__v1__control_message__packet_info__descriptor);
	struct in_pktinfo info;
	int r;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(PACKET_INFO);
	out->packet_info = m;
	memcpy(&info, data, sizeof(info));
	m->ifindex = info.ipi_ifindex;
	r = build_bytes(a, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst), &m->spec_dst);
	if (r == 0)
		r = build_bytes(a, &info.ipi_addr, sizeof(info.ipi_addr), &m->addr);
	return r;
}

int cmsg_packet_info_decode(const struct cmsg_row *row, const Message *in,
			      struct cmsg_payload *out)
{
	struct in_pktinfo info = { .ipi_ifindex = in->packet_info->ifindex };

	(void)row;
	if (take_bytes(&in->packet_info->spec_dst, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst)) ||
	    take_bytes(&in->packet_info->addr, &info.ipi_addr, sizeof(info.ipi_addr)))
		return -EINVAL;
	memcpy(out->local, &info, sizeof(info));
	out->len = sizeof(info);
	return 0;
}

int cmsg_packet_info6_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__PacketInfo6 *m =
		build_message(a, &sockbroker__v1__control_message__packet_info6__descriptor);
	struct in6_pktinfo info;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(PACKET_INFO6);
	out->packet_info6 = m;
	memcpy(&info, data, sizeof(info));
	m->ifindex = (int32_t)info.ipi6_ifindex;
	return build_bytes(a, &info.ipi6_addr, sizeof(info.ipi6_addr), &m->addr);
}

int cmsg_packet_info6_decode(const struct cmsg_row *row, const Message *in,
			       struct cmsg_payload *out)
{
	struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)in->packet_info6->ifindex };

	(void)row;
	if (take_bytes(&in->packet_info6->addr, &info.ipi6_addr, sizeof(info.ipi6_addr)))
		return -EINVAL;
	memcpy(out->local, &info, sizeof(info));
	out->len = sizeof(info);
	return 0;
}

/* A sock_extended_err, and behind it, from IP and IPv6, the sockaddr of who
 * reported it, all zeros if nobody did. */
int cmsg_extended_error_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a,
				 Message *out)
{
	Sockbroker__V1__ControlMessage__ExtendedError *m =
		build_message(a, &sockbroker__v1__control_message__extended_error__descriptor);
	struct sock_extended_err e;
	sa_family_t family = AF_UNSPEC;
	int r;

	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(EXTENDED_ERROR);
	out->extended_error = m;
	memcpy(&e, data, sizeof(e));
	m->error = (Sockbroker__V1__Errno)e.ee_errno;
	m->origin = e.ee_origin;
	m->type = e.ee_type;
	m->code = e.ee_code;
	m->info = e.ee_info;
	m->data = e.ee_data;
	data += sizeof(e);
	len -= sizeof(e);
	if (len >= sizeof(family))
		memcpy(&family, data, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return 0;
	r = addr_encode((const struct sockaddr *)data, (socklen_t)len, a, &m->offender);
	return r == -ENOMEM ? r : 0;
}

int cmsg_extended_error_decode(const struct cmsg_row *row, const Message *in,
				 struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__ExtendedError *m = in->extended_error;
	struct sock_extended_err e = { .ee_errno = (uint32_t)m->error, .ee_info = m->info,
				       .ee_data = m->data };
	struct sock_addr offender;

	if (m->origin > UINT8_MAX || m->type > UINT8_MAX || m->code > UINT8_MAX)
		return -EINVAL;
	e.ee_origin = (uint8_t)m->origin;
	e.ee_type = (uint8_t)m->type;
	e.ee_code = (uint8_t)m->code;
	memset(out->local, 0, sizeof(out->local));
	memcpy(out->local, &e, sizeof(e));
	out->len = row->length_max;
	if (!m->offender || m->offender->kind_case == SOCKBROKER__V1__ADDRESS__KIND__NOT_SET)
		return 0;
	if (addr_decode(m->offender, &offender) < 0 || offender.len > row->length_max - sizeof(e) ||
	    (offender.ss.ss_family != AF_INET && offender.ss.ss_family != AF_INET6))
		return -EINVAL;
	memcpy(out->local + sizeof(e), &offender.ss, offender.len);
	return 0;
}

int cmsg_aux_data_encode(const uint8_t *data, size_t len, ProtobufCAllocator *a, Message *out)
{
	Sockbroker__V1__ControlMessage__AuxData *m =
		build_message(a, &sockbroker__v1__control_message__aux_data__descriptor);
	struct tpacket_auxdata aux;

	(void)len;
	if (!m)
		return -ENOMEM;
	out->value_case = VALUE(AUX_DATA);
	out->aux_data = m;
	memcpy(&aux, data, sizeof(aux));
	m->status = aux.tp_status;
	m->length = aux.tp_len;
	m->snap_length = aux.tp_snaplen;
	m->mac = aux.tp_mac;
	m->net = aux.tp_net;
	m->vlan_tci = aux.tp_vlan_tci;
	m->vlan_tpid = aux.tp_vlan_tpid;
	return 0;
}

int cmsg_aux_data_decode(const struct cmsg_row *row, const Message *in, struct cmsg_payload *out)
{
	const Sockbroker__V1__ControlMessage__AuxData *m = in->aux_data;
	struct tpacket_auxdata aux = { .tp_status = m->status, .tp_len = m->length,
				       .tp_snaplen = m->snap_length };

	(void)row;
	if ((m->mac | m->net | m->vlan_tci | m->vlan_tpid) > UINT16_MAX)
		return -EINVAL;
	aux.tp_mac = (uint16_t)m->mac;
	aux.tp_net = (uint16_t)m->net;
	aux.tp_vlan_tci = (uint16_t)m->vlan_tci;
	aux.tp_vlan_tpid = (uint16_t)m->vlan_tpid;
	memcpy(out->local, &aux, sizeof(aux));
	out->len = sizeof(aux);
	return 0;
}
