/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of local routes knows, for a range as 127.0.0.0/8 too, and is read
 * without the lock that getifaddrs(3) or SIOCGIFADDR wait for. A question for the way
 * to an address of one's own is answered "by lo"; RTM_F_FIB_MATCH asks for the entry
 * of the table instead.
 */
#include "ops/local_interface.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"

struct question {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr attribute;
	uint8_t address[16];
};

static void question_init(struct question *q, int family, const void *address, size_t n)
{
	*q = (struct question){
		.header = { .nlmsg_len = (uint32_t)(offsetof(struct question, address) + n),
			    .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST },
		.route = { .rtm_family = (uint8_t)family, .rtm_dst_len = (uint8_t)(8 * n),
			   .rtm_flags = RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE },
		.attribute = { .rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = RTA_DST },
	};
	memcpy(q->address, address, n);
}

static int interface_in(const struct nlmsghdr *h)
{
	const struct rtmsg *route = NLMSG_DATA(h);
	unsigned left = (unsigned)RTM_PAYLOAD(h);
	int number;

	if (route->rtm_type != RTN_LOCAL)
		return -EADDRNOTAVAIL;
	for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, (int)left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != RTA_OIF || RTA_PAYLOAD(a) != sizeof(number))
			continue;
		memcpy(&number, RTA_DATA(a), sizeof(number));
		return number;
	}
	return -EADDRNOTAVAIL;
}

static int answer_of(int fd)
{
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	const ssize_t n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&answer.header, (size_t)n) || answer.header.nlmsg_type != RTM_NEWROUTE)
		return -EADDRNOTAVAIL; /* NLMSG_ERROR: there is no way to it at all */
	return interface_in(&answer.header);
}

/* The kernel answers within sendto(2). */
static int ask(int family, const void *address, size_t n)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct question q;

	if (fd < 0)
		return -errno;
	question_init(&q, family, address, n);
	if (sendto(fd, &q, q.header.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return answer_of(fd);
}

static int interface_of_v6(const struct sockaddr_in6 *sin6)
{
	const uint8_t *v4 = &sin6->sin6_addr.s6_addr[12];

	if (sin6->sin6_scope_id)
		return (int)sin6->sin6_scope_id;
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		return ask(AF_INET, v4, 4);
	return ask(AF_INET6, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
}

int local_interface(const struct sockaddr *sa)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		return ask(AF_INET, &sin.sin_addr, sizeof(sin.sin_addr));
	}
	if (sa->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&sin6, sa, sizeof(sin6));
	return interface_of_v6(&sin6);
}
