/* SPDX-License-Identifier: Apache-2.0 */
#include "privileged.h"

#include <asm/ioctls.h>
#include <asm/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

static const struct privileged_option options[] = {
	{ SOL_SOCKET, SO_DEBUG },
	{ SOL_SOCKET, SO_PRIORITY },
	{ SOL_SOCKET, SO_MARK },
	{ SOL_SOCKET, SO_RCVMARK },
	{ SOL_SOCKET, SO_BINDTODEVICE },
	{ SOL_SOCKET, SO_BINDTOIFINDEX },
	{ SOL_SOCKET, SO_SNDBUFFORCE },
	{ SOL_SOCKET, SO_RCVBUFFORCE },
	{ SOL_SOCKET, SO_BUSY_POLL },
	{ SOL_SOCKET, SO_PREFER_BUSY_POLL },
	{ SOL_SOCKET, SO_BUSY_POLL_BUDGET },
	{ SOL_SOCKET, SO_TXTIME },
	{ IPPROTO_IP, IP_TRANSPARENT },
	{ IPPROTO_IP, IP_OPTIONS },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT },
	{ IPPROTO_IPV6, IPV6_HOPOPTS },
	{ IPPROTO_IPV6, IPV6_RTHDRDSTOPTS },
	{ IPPROTO_IPV6, IPV6_RTHDR },
	{ IPPROTO_IPV6, IPV6_DSTOPTS },
	{ IPPROTO_TCP, TCP_CONGESTION },
	{ IPPROTO_TCP, TCP_REPAIR },
	{ IPPROTO_TCP, TCP_MD5SIG },
	{ IPPROTO_TCP, TCP_MD5SIG_EXT },
	{ SOL_NETLINK, NETLINK_ADD_MEMBERSHIP },
	{ SOL_NETLINK, NETLINK_LISTEN_ALL_NSID },
};

const struct privileged_option *privileged_options(size_t *ret_n)
{
	*ret_n = sizeof(options) / sizeof(options[0]);
	return options;
}

/* Those that the broker knows. */
static const unsigned long ioctls[] = {
	SIOCSIFFLAGS,	SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFBRDADDR, SIOCSIFNETMASK,
	SIOCSIFMETRIC,	SIOCSIFMTU,  SIOCSIFTXQLEN,  SIOCSIFHWADDR,
};

const unsigned long *privileged_ioctls(size_t *ret_n)
{
	*ret_n = sizeof(ioctls) / sizeof(ioctls[0]);
	return ioctls;
}
