/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ifreq does not tell whether it is a question or an answer: a program asks
 * with a name and a union full of whatever was on its stack. So an encoder
 * leaves out a value that makes no sense, and a decoder takes a question
 * without one; only what is set (SIOCSIF*) must have its value.
 */
#include "wire/ioctls.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "wire/addr.h"
#include "wire/build.h"
#include "wire/ioctls_conf.h"

typedef Sockbroker__V1__IoctlValue Value;
typedef Sockbroker__V1__IoctlValue__Interface Interface;

enum { ASKS = false, READS = true };
enum { OWN = false, NAMED = true };

#define ANSWER(request, kind) { request, #request, IOCTL_##kind, ASKS, true, OWN }
#define GET(request, kind) { request, #request, IOCTL_##kind, READS, true, NAMED }
#define SET(request, kind) { request, #request, IOCTL_##kind, READS, false, NAMED }

/* A second name for the same number comes after the first, which is the one
 * that ioctl_find() answers. */
static const struct ioctl_row rows[] = {
	ANSWER(FIONREAD, INTEGER),
	ANSWER(SIOCINQ, INTEGER),
	ANSWER(SIOCOUTQ, INTEGER),
	ANSWER(TIOCOUTQ, INTEGER),
	ANSWER(SIOCOUTQNSD, INTEGER),
	ANSWER(SIOCATMARK, INTEGER),
	{ SIOCGSTAMP_OLD, "SIOCGSTAMP", IOCTL_TIMEVAL, ASKS, true, OWN },
	{ SIOCGSTAMPNS_OLD, "SIOCGSTAMPNS", IOCTL_TIMESPEC, ASKS, true, OWN },
	ANSWER(SIOCGSTAMP_NEW, TIMEVAL),
	ANSWER(SIOCGSTAMPNS_NEW, TIMESPEC),

	SET(SIO_RCVALL, INTEGER),
	{ SIO_KEEPALIVE_VALS, "SIO_KEEPALIVE_VALS", IOCTL_KEEP_ALIVE, READS, false, OWN },
	{ SIO_LOOPBACK_FAST_PATH, "SIO_LOOPBACK_FAST_PATH", IOCTL_INTEGER, READS, false, OWN },

	GET(SIOCGIFNAME, IFREQ_INDEX),
	GET(SIOCGIFINDEX, IFREQ_INDEX),
	GET(SIOCGIFFLAGS, IFREQ_FLAGS),
	GET(SIOCGIFADDR, IFREQ_ADDRESS),
	GET(SIOCGIFDSTADDR, IFREQ_ADDRESS),
	GET(SIOCGIFBRDADDR, IFREQ_ADDRESS),
	GET(SIOCGIFNETMASK, IFREQ_ADDRESS),
	GET(SIOCGIFMETRIC, IFREQ_NUMBER),
	GET(SIOCGIFMTU, IFREQ_NUMBER),
	GET(SIOCGIFTXQLEN, IFREQ_NUMBER),
	GET(SIOCGIFHWADDR, IFREQ_HARDWARE),
	GET(SIOCGIFMAP, IFREQ_MAP),
	GET(SIOCGIFCONF, IFCONF),

	SET(SIOCSIFFLAGS, IFREQ_FLAGS),
	SET(SIOCSIFADDR, IFREQ_ADDRESS),
	SET(SIOCSIFDSTADDR, IFREQ_ADDRESS),
	SET(SIOCSIFBRDADDR, IFREQ_ADDRESS),
	SET(SIOCSIFNETMASK, IFREQ_ADDRESS),
	SET(SIOCSIFMETRIC, IFREQ_NUMBER),
	SET(SIOCSIFMTU, IFREQ_NUMBER),
	SET(SIOCSIFTXQLEN, IFREQ_NUMBER),
	SET(SIOCSIFHWADDR, IFREQ_HARDWARE),
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct ioctl_row *ioctl_find(unsigned long request)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].request == request)
			return &rows[i];
	return NULL;
}

const struct ioctl_row *ioctl_find_text(const char *text)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].text, text) == 0)
			return &rows[i];
	return NULL;
}

const struct ioctl_row *ioctl_rows(size_t *ret_n)
{
	*ret_n = ROWS;
	return rows;
}

/* What stands in the union of an ifreq ------------------------------------- */

static int number_encode(int64_t number, Interface *out)
{
	out->value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_NUMBER;
	out->number = number;
	return 0;
}

static int int_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out)
{
	(void)a;
	return number_encode(ifr->ifr_mtu, out); /* as ifr_metric, ifr_qlen, ifr_ifindex */
}

static int int_decode(const Interface *in, struct ifreq *ifr)
{
	if (in->number < INT_MIN || in->number > INT_MAX)
		return -EINVAL;
	ifr->ifr_mtu = (int)in->number;
	return 0;
}

/* Flags are sixteen bits, the highest of which C takes for a sign. */
static int flags_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out)
{
	(void)a;
	return number_encode((uint16_t)ifr->ifr_flags, out);
}

static int flags_decode(const Interface *in, struct ifreq *ifr)
{
	if (in->number < 0 || in->number > UINT16_MAX)
		return -EINVAL;
	ifr->ifr_flags = (short)(uint16_t)in->number;
	return 0;
}

static int address_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out)
{
	int r = addr_encode(&ifr->ifr_addr, sizeof(ifr->ifr_addr), a, &out->address);

	if (r == 0)
		out->value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_ADDRESS;
	return r == -ENOMEM ? r : 0;
}

static int address_decode(const Interface *in, struct ifreq *ifr)
{
	struct sock_addr addr;
	int r = addr_decode(in->address, &addr);

	if (r < 0 || addr.len > sizeof(ifr->ifr_addr))
		return -EINVAL;
	memcpy(&ifr->ifr_addr, &addr.ss, addr.len);
	return 0;
}

/* The length of a hardware address is the type's; an ifreq does not tell it. */
static int hardware_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out)
{
	bool is_ethernet = ifr->ifr_hwaddr.sa_family == ARPHRD_ETHER ||
			   ifr->ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	size_t n = is_ethernet ? IFHWADDRLEN : sizeof(ifr->ifr_hwaddr.sa_data);

	out->hardware = build_message(
		a, &sockbroker__v1__ioctl_value__interface__hardware_address__descriptor);
	if (!out->hardware)
		return -ENOMEM;
	out->value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_HARDWARE;
	out->hardware->type = ifr->ifr_hwaddr.sa_family;
	return build_bytes(a, ifr->ifr_hwaddr.sa_data, n, &out->hardware->address);
}

static int hardware_decode(const Interface *in, struct ifreq *ifr)
{
	if (!in->hardware || in->hardware->type > UINT16_MAX ||
	    in->hardware->address.len > sizeof(ifr->ifr_hwaddr.sa_data))
		return -EINVAL;
	ifr->ifr_hwaddr.sa_family = (sa_family_t)in->hardware->type;
	if (in->hardware->address.len)
		memcpy(ifr->ifr_hwaddr.sa_data, in->hardware->address.data,
		       in->hardware->address.len);
	return 0;
}

static int map_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out)
{
	out->map = build_message(a, &sockbroker__v1__ioctl_value__interface__map__descriptor);
	if (!out->map)
		return -ENOMEM;
	out->value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_MAP;
	out->map->mem_start = ifr->ifr_map.mem_start;
	out->map->mem_end = ifr->ifr_map.mem_end;
	out->map->base_addr = ifr->ifr_map.base_addr;
	out->map->irq = ifr->ifr_map.irq;
	out->map->dma = ifr->ifr_map.dma;
	out->map->port = ifr->ifr_map.port;
	return 0;
}

static int map_decode(const Interface *in, struct ifreq *ifr)
{
	if (!in->map || in->map->base_addr > UINT16_MAX || in->map->irq > UINT8_MAX ||
	    in->map->dma > UINT8_MAX || in->map->port > UINT8_MAX)
		return -EINVAL;
	ifr->ifr_map.mem_start = in->map->mem_start;
	ifr->ifr_map.mem_end = in->map->mem_end;
	ifr->ifr_map.base_addr = (unsigned short)in->map->base_addr;
	ifr->ifr_map.irq = (unsigned char)in->map->irq;
	ifr->ifr_map.dma = (unsigned char)in->map->dma;
	ifr->ifr_map.port = (unsigned char)in->map->port;
	return 0;
}

#define VALUE(name) SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_##name

static const struct ifreq_kind {
	Sockbroker__V1__IoctlValue__Interface__ValueCase value;
	int (*encode)(const struct ifreq *ifr, ProtobufCAllocator *a, Interface *out);
	int (*decode)(const Interface *in, struct ifreq *ifr);
} ifreq_kinds[] = {
	[IOCTL_IFREQ_INDEX] = { VALUE(NUMBER), int_encode, int_decode },
	[IOCTL_IFREQ_NUMBER] = { VALUE(NUMBER), int_encode, int_decode },
	[IOCTL_IFREQ_FLAGS] = { VALUE(NUMBER), flags_encode, flags_decode },
	[IOCTL_IFREQ_ADDRESS] = { VALUE(ADDRESS), address_encode, address_decode },
	[IOCTL_IFREQ_HARDWARE] = { VALUE(HARDWARE), hardware_encode, hardware_decode },
	[IOCTL_IFREQ_MAP] = { VALUE(MAP), map_encode, map_decode },
};

/* The name in SIOCGIFNAME's question is whatever was there. */
static int ifreq_encode(const struct ioctl_row *row, const struct ifreq *ifr,
			ProtobufCAllocator *a, Value *out)
{
	size_t n = strnlen(ifr->ifr_name, IFNAMSIZ);

	if (n == IFNAMSIZ && row->request != SIOCGIFNAME)
		return -EINVAL;
	out->interface = build_message(a, &sockbroker__v1__ioctl_value__interface__descriptor);
	if (!out->interface)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACE;
	if (n && n < IFNAMSIZ) {
		char *name = build_alloc(a, n + 1);

		if (!name)
			return -ENOMEM;
		memcpy(name, ifr->ifr_name, n + 1);
		out->interface->name = name;
	}
	return ifreq_kinds[row->kind].encode(ifr, a, out->interface);
}

static int ifreq_decode(const struct ioctl_row *row, const Value *in, struct ifreq *ret)
{
	const Interface *m = in->interface;
	size_t n;

	if (in->kind_case != SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACE || !m)
		return -EINVAL;
	n = strlen(m->name);
	if (n >= IFNAMSIZ)
		return -EINVAL;
	memcpy(ret->ifr_name, m->name, n + 1);
	if (m->value_case == SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE__NOT_SET)
		return row->writes ? 0 : -EINVAL;
	if (m->value_case != ifreq_kinds[row->kind].value)
		return -EINVAL;
	return ifreq_kinds[row->kind].decode(m, ret);
}

/* Numbers and times --------------------------------------------------------- */

static int integer_decode(const Value *in, int *ret)
{
	if (in->kind_case != SOCKBROKER__V1__IOCTL_VALUE__KIND_INTEGER || in->integer < INT_MIN ||
	    in->integer > INT_MAX)
		return -EINVAL;
	*ret = (int)in->integer;
	return 0;
}

static int timestamp_encode(int64_t seconds, int64_t nanoseconds, ProtobufCAllocator *a,
			    Value *out)
{
	out->timestamp = build_message(a, &sockbroker__v1__control_message__timestamp__descriptor);
	if (!out->timestamp)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_TIMESTAMP;
	out->timestamp->seconds = seconds;
	out->timestamp->nanoseconds = nanoseconds;
	return 0;
}

static int timestamp_decode(const struct ioctl_row *row, const Value *in,
			    union ioctl_argument *ret)
{
	const Sockbroker__V1__ControlMessage__Timestamp *m = in->timestamp;

	if (in->kind_case != SOCKBROKER__V1__IOCTL_VALUE__KIND_TIMESTAMP || !m ||
	    m->nanoseconds < 0 || m->nanoseconds >= 1000000000)
		return -EINVAL;
	if (row->kind == IOCTL_TIMEVAL)
		ret->timeval = (struct timeval){ m->seconds, m->nanoseconds / 1000 };
	else
		ret->timespec = (struct timespec){ m->seconds, m->nanoseconds };
	return 0;
}

static int keep_alive_encode(const struct ioctl_keep_alive *in, ProtobufCAllocator *a, Value *out)
{
	out->keep_alive = build_message(a, &sockbroker__v1__ioctl_value__keep_alive__descriptor);
	if (!out->keep_alive)
		return -ENOMEM;
	out->kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_KEEP_ALIVE;
	out->keep_alive->on = in->on != 0;
	out->keep_alive->time_ms = in->time_ms;
	out->keep_alive->interval_ms = in->interval_ms;
	return 0;
}

static int keep_alive_decode(const Value *in, struct ioctl_keep_alive *ret)
{
	const Sockbroker__V1__IoctlValue__KeepAlive *m = in->keep_alive;

	if (in->kind_case != SOCKBROKER__V1__IOCTL_VALUE__KIND_KEEP_ALIVE || !m)
		return -EINVAL;
	*ret = (struct ioctl_keep_alive){ m->on != 0, m->time_ms, m->interval_ms };
	return 0;
}

static int value_encode(const struct ioctl_row *row, const union ioctl_argument *arg,
			ProtobufCAllocator *a, Value *out)
{
	switch (row->kind) {
	case IOCTL_INTEGER:
		out->kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_INTEGER;
		out->integer = arg->integer;
		return 0;
	case IOCTL_TIMEVAL:
		if (arg->timeval.tv_usec < 0 || arg->timeval.tv_usec >= 1000000)
			return -EINVAL;
		return timestamp_encode(arg->timeval.tv_sec, arg->timeval.tv_usec * 1000, a, out);
	case IOCTL_TIMESPEC:
		return timestamp_encode(arg->timespec.tv_sec, arg->timespec.tv_nsec, a, out);
	case IOCTL_IFCONF:
		return ioctl_conf_question_encode(&arg->ifconf, a, out);
	case IOCTL_KEEP_ALIVE:
		return keep_alive_encode(&arg->keep_alive, a, out);
	default:
		return ifreq_encode(row, &arg->ifreq, a, out);
	}
}

int ioctl_encode(const struct ioctl_row *row, const union ioctl_argument *arg,
		 ProtobufCAllocator *allocator, Value **ret)
{
	Value *m = build_message(allocator, &sockbroker__v1__ioctl_value__descriptor);
	int r;

	if (!m)
		return -ENOMEM;
	r = value_encode(row, arg, allocator, m);
	if (r < 0) {
		protobuf_c_message_free_unpacked(&m->base, allocator);
		return r;
	}
	*ret = m;
	return 0;
}

int ioctl_decode(const struct ioctl_row *row, const Value *in, union ioctl_argument *ret)
{
	union ioctl_argument arg;
	int r;

	memset(&arg, 0, sizeof(arg));
	if (!in || in->kind_case == SOCKBROKER__V1__IOCTL_VALUE__KIND__NOT_SET)
		r = row->reads ? -EINVAL : 0;
	else if (row->kind == IOCTL_INTEGER)
		r = integer_decode(in, &arg.integer);
	else if (row->kind == IOCTL_TIMEVAL || row->kind == IOCTL_TIMESPEC)
		r = timestamp_decode(row, in, &arg);
	else if (row->kind == IOCTL_IFCONF)
		r = ioctl_conf_question_decode(in, &arg.ifconf);
	else if (row->kind == IOCTL_KEEP_ALIVE)
		r = keep_alive_decode(in, &arg.keep_alive);
	else
		r = ifreq_decode(row, in, &arg.ifreq);
	if (r == 0)
		*ret = arg;
	return r;
}
