/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/kind.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/isotp.h>
#include <linux/can/j1939.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <sys/socket.h>

static int int_option(int fd, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, name, ret, &len) < 0 ? -errno : 0;
}

static bool has_option(int fd, int level, int name)
{
	char value[64];
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, value, &len) == 0;
}

/* The kernel keeps it to itself, but each protocol has options of its own. */
static int can_protocol(int fd, int type)
{
	if (type == SOCK_RAW)
		return CAN_RAW;
	if (has_option(fd, SOL_CAN_J1939, SO_J1939_PROMISC))
		return CAN_J1939;
	return has_option(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS) ? CAN_ISOTP : CAN_BCM;
}

/* It is in the socket's name alone. */
static int packet_protocol(int fd)
{
	struct sockaddr_ll name = { 0 };
	socklen_t len = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &len) < 0 ? -errno : name.sll_protocol;
}

int kind_protocol(int fd)
{
	int family, type, protocol;
	int r = int_option(fd, SO_DOMAIN, &family);

	if (r == 0)
		r = int_option(fd, SO_TYPE, &type);
	if (r == 0)
		r = int_option(fd, SO_PROTOCOL, &protocol);
	if (r < 0)
		return r;
	if (family == AF_PACKET)
		return packet_protocol(fd);
	return family == AF_CAN && protocol == 0 ? can_protocol(fd, type) : protocol;
}
