/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet socket of one protocol hears only what comes in; to hear what goes out
 * as well it must be of all protocols. So a filter of ours passes IP alone, and the
 * user's filter follows it: classic BPF jumps forward by distance, so programs can be
 * put one behind the other. Both begin to count at the IP header, SOCK_DGRAM.
 *
 * It is born deaf, and hears from its last bind(2) on, when all else is in place:
 * nothing that the filter would not pass is ever received.
 */
#include "ops/capture.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire/ioctls.h"

enum { HEADER_BYTES = sizeof(struct ip6_hdr), DRAINED_MOST = 65536 };

/* ---- options ----------------------------------------------------------------- */

static uint32_t protocol_of(int family)
{
	return family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
}

/* Room for the user's, which follows. Returns how many instructions. */
static unsigned prologue(const struct capture *cap, struct sock_filter *out)
{
	const uint32_t kind = (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE);
	const uint32_t protocol = (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL);
	unsigned n = 0;

	/* Another program may have the interface promiscuous. */
	if (cap->mode == RCVALL_IPLEVEL) {
		out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kind);
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OTHERHOST, 0, 1);
		out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	}
	out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, protocol);
	out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, protocol_of(cap->family), 1, 0);
	out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	/* As the user's finds it where it is alone. */
	out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 0);
	return n;
}

/* Returns how many instructions the raw socket's has, 0: it has none; or -errno. */
static int users_filter(int fd, struct sock_filter *out, socklen_t room)
{
	socklen_t n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n) < 0)
		return -errno;
	if (n > room)
		return -EINVAL;
	if (n && getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, out, &n) < 0)
		return -errno;
	return (int)n;
}

static int set_filter(const struct capture *cap, int fd)
{
	struct sock_filter *all = calloc(BPF_MAXINSNS, sizeof(*all));
	unsigned n;
	int r = -ENOMEM;

	if (!all)
		return r;
	n = prologue(cap, all);
	r = users_filter(fd, all + n, BPF_MAXINSNS - n);
	if (r == 0)
		all[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	if (r >= 0) {
		const struct sock_fprog program = { .len = (unsigned short)(n + (unsigned)r), .filter = all };

		r = setsockopt(cap->watch.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			       sizeof(program)) < 0 ? -errno : 0;
	}
	free(all);
	return r;
}

/* The kernel tells twice what it was told. */
static void set_room(const struct capture *cap, int fd)
{
	socklen_t len = sizeof(int);
	int bytes;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len) < 0)
		return;
	bytes /= 2;
	if (setsockopt(cap->watch.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(cap->watch.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* What control messages come. Each form of a timestamp that is set to 0 takes the others'
 * with it, so those that are 0 go first. */
static void set_numbers(const struct capture *cap, int fd)
{
	static const int names[] = {
		SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMPING_OLD,
		SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW, SO_TIMESTAMPING_NEW, SO_RXQ_OVFL,
	};

	for (size_t i = 0; i < 2 * (sizeof(names) / sizeof(names[0])); i++) {
		const size_t n = sizeof(names) / sizeof(names[0]);
		const bool first = i < n;
		socklen_t len = sizeof(int);
		int value = 0;

		if (getsockopt(fd, SOL_SOCKET, names[i % n], &value, &len) == 0 && (value == 0) == first)
			(void)setsockopt(cap->watch.fd, SOL_SOCKET, names[i % n], &value, sizeof(value));
	}
}

int capture_follow(const struct capture *cap, int fd)
{
	set_room(cap, fd);
	set_numbers(cap, fd);
	return set_filter(cap, fd);
}

/* ---- beginning and end -------------------------------------------------------- */

static int bind_to(const struct capture *cap, uint16_t protocol)
{
	const struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
					 .sll_ifindex = cap->ifindex };

	return bind(cap->watch.fd, (const struct sockaddr *)&sll, sizeof(sll)) < 0 ? -errno : 0;
}

/* What goes out by a loopback comes in again: once is enough. */
static void ignore_echo(const struct capture *cap)
{
	struct sockaddr_ll sll = { 0 };
	socklen_t len = sizeof(sll);
	const int on = 1;

	if (getsockname(cap->watch.fd, (struct sockaddr *)&sll, &len) == 0 &&
	    sll.sll_hatype == ARPHRD_LOOPBACK)
		(void)setsockopt(cap->watch.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
}

static int hear(const struct capture *cap, int fd)
{
	const struct packet_mreq promiscuous = { .mr_ifindex = cap->ifindex,
						 .mr_type = PACKET_MR_PROMISC };
	int r = bind_to(cap, 0);

	if (r < 0)
		return r;
	ignore_echo(cap);
	r = capture_follow(cap, fd);
	if (r == 0 && cap->mode == RCVALL_ON &&
	    setsockopt(cap->watch.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)) < 0)
		r = -errno;
	return r == 0 ? bind_to(cap, ETH_P_ALL) : r;
}

struct capture *capture_new(int fd, int family, int ifindex, int mode)
{
	struct capture *cap = calloc(1, sizeof(*cap));

	if (!cap)
		return NULL;
	cap->watch.fd = fd;
	cap->family = family;
	cap->ifindex = ifindex;
	cap->mode = mode;
	return cap;
}

int capture_open(int fd, int family, int ifindex, int mode, struct capture **ret)
{
	struct capture *cap = capture_new(-1, family, ifindex, mode);
	int r;

	if (!cap)
		return -ENOMEM;
	cap->watch.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	r = cap->watch.fd < 0 ? -errno : hear(cap, fd);
	if (r < 0) {
		capture_close(cap);
		capture_free(cap);
		return r;
	}
	*ret = cap;
	return 0;
}

void capture_close(struct capture *cap)
{
	if (cap->watch.fd >= 0)
		close(cap->watch.fd);
	cap->watch.fd = -1;
}

void capture_free(struct capture *cap)
{
	free(cap);
}

void capture_drain(int fd)
{
	char byte;

	for (int i = 0; i < DRAINED_MOST; i++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) < 0 && errno == EAGAIN)
			return;
}

/* ---- receiving ------------------------------------------------------------------ */

/* The first bytes of what came, wherever they lie. */
static size_t header_of(const struct iovec at[2], size_t n, uint8_t out[HEADER_BYTES])
{
	const size_t whole = n < HEADER_BYTES ? n : HEADER_BYTES;
	const size_t first = whole < at[0].iov_len ? whole : at[0].iov_len;

	if (first)
		memcpy(out, at[0].iov_base, first);
	if (whole > first)
		memcpy(out + first, at[1].iov_base, whole - first);
	return whole;
}

static void name_v4(const uint8_t *header, size_t n, struct msghdr *msg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (n >= sizeof(struct iphdr))
		memcpy(&sin.sin_addr, header + offsetof(struct iphdr, saddr), sizeof(sin.sin_addr));
	memcpy(msg->msg_name, &sin, sizeof(sin));
	msg->msg_namelen = sizeof(sin);
}

static void name_v6(const struct capture *cap, const uint8_t *header, size_t n, struct msghdr *msg)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (n >= sizeof(struct ip6_hdr))
		memcpy(&sin6.sin6_addr, header + offsetof(struct ip6_hdr, ip6_src),
		       sizeof(sin6.sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr))
		sin6.sin6_scope_id = (uint32_t)cap->ifindex;
	memcpy(msg->msg_name, &sin6, sizeof(sin6));
	msg->msg_namelen = sizeof(sin6);
}

/* The header may be longer than what the caller wants of the packet: the rest goes
 * beside, and is not counted. */
ssize_t capture_receive(const struct capture *cap, struct msghdr *msg, int flags)
{
	uint8_t beside[HEADER_BYTES], header[HEADER_BYTES] = { 0 };
	struct iovec iov[2] = { msg->msg_iov[0], { beside, sizeof(beside) } };
	const size_t wanted = iov[0].iov_len;
	struct msghdr whole = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = msg->msg_control,
				.msg_controllen = msg->msg_controllen };
	ssize_t n;
	size_t known;

	assert(msg->msg_iovlen == 1);
	n = recvmsg(cap->watch.fd, &whole, flags);
	if (n < 0)
		return n;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	known = header_of(iov, (size_t)n, header);
	if (msg->msg_name && cap->family == AF_INET)
		name_v4(header, known, msg);
	else if (msg->msg_name)
		name_v6(cap, header, known, msg);
	if ((size_t)n <= wanted)
		return n;
	msg->msg_flags |= MSG_TRUNC;
	return flags & MSG_TRUNC ? n : (ssize_t)wanted;
}

int capture_receive_many(const struct capture *cap, struct mmsghdr *messages, unsigned n, int flags)
{
	for (unsigned i = 0; i < n; i++) {
		const ssize_t length = capture_receive(cap, &messages[i].msg_hdr, flags);

		if (length < 0)
			return i ? (int)i : -1;
		messages[i].msg_len = (unsigned)length;
	}
	return (int)n;
}

uint32_t capture_revents(const struct capture *cap, uint32_t events, uint32_t revents)
{
	struct pollfd p = { .fd = cap->watch.fd, .events = (short)(events & CAPTURE_EVENTS) };

	revents &= ~(uint32_t)CAPTURE_EVENTS;
	return poll(&p, 1, 0) > 0 ? revents | (unsigned short)p.revents : revents;
}

bool capture_answers_ioctl(unsigned long request)
{
	static const unsigned long requests[] = { FIONREAD, SIOCGSTAMP_OLD, SIOCGSTAMPNS_OLD,
						  SIOCGSTAMP_NEW, SIOCGSTAMPNS_NEW };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i] == request)
			return true;
	return false;
}
