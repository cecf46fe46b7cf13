/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How addresses look to people and in logs. The text never has a byte that is
 * not printable ASCII: a peer chooses names of unix sockets, and a log line is
 * one line.
 */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* A text that grows up to its size: what does not fit is left out. */
struct text {
	char *at;
	size_t room; /* with the NUL */
};

static void text_add(struct text *t, const char *piece)
{
	size_t n = strlen(piece);

	if (n >= t->room) {
		t->room = 0; /* nothing after a gap */
		return;
	}
	memcpy(t->at, piece, n + 1);
	t->at += n;
	t->room -= n;
}

static void text_add_number(struct text *t, uint32_t number)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", number);
	text_add(t, digits);
}

static void text_add_escaped(struct text *t, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && t->room; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char piece[8] = { (char)c };

		if (c < 0x20 || c > 0x7e || c == '\\')
			snprintf(piece, sizeof(piece), "\\x%02x", (unsigned)c);
		text_add(t, piece);
	}
}

static void text_add_interface(struct text *t, int ifindex)
{
	char name[IF_NAMESIZE];

	if (ifindex == 0) {
		text_add(t, "*");
	} else if (ifindex > 0 && if_indextoname((unsigned)ifindex, name)) {
		text_add_escaped(t, name, strlen(name));
	} else {
		text_add(t, "#");
		text_add_number(t, (uint32_t)ifindex);
	}
}

static void inet_print(struct text *t, const void *sa, size_t len)
{
	char ip[INET_ADDRSTRLEN] = "";
	struct sockaddr_in sin;

	(void)len;
	memcpy(&sin, sa, sizeof(sin));
	inet_ntop(AF_INET, &sin.sin_addr, ip, sizeof(ip));
	text_add(t, ip);
	text_add(t, ":");
	text_add_number(t, ntohs(sin.sin_port));
}

static void inet6_print(struct text *t, const void *sa, size_t len)
{
	char ip[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 sin6;

	(void)len;
	memcpy(&sin6, sa, sizeof(sin6));
	inet_ntop(AF_INET6, &sin6.sin6_addr, ip, sizeof(ip));
	text_add(t, "[");
	text_add(t, ip);
	if (sin6.sin6_scope_id) {
		text_add(t, "%");
		text_add_number(t, sin6.sin6_scope_id);
	}
	text_add(t, "]:");
	text_add_number(t, ntohs(sin6.sin6_port));
}

static void un_print(struct text *t, const void *sa, size_t len)
{
	const char *path = (const char *)sa + offsetof(struct sockaddr_un, sun_path);
	size_t n = len - offsetof(struct sockaddr_un, sun_path);

	text_add(t, "unix:");
	if (n && path[0] == '\0') {
		text_add(t, "@");
		text_add_escaped(t, path + 1, n - 1);
	} else {
		text_add_escaped(t, path, strnlen(path, n));
	}
}

static void packet_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_ll sll;

	(void)len;
	memcpy(&sll, sa, sizeof(sll));
	text_add(t, "packet:");
	text_add_interface(t, sll.sll_ifindex);
}

static void netlink_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_nl snl;
	char groups[16];

	(void)len;
	memcpy(&snl, sa, sizeof(snl));
	text_add(t, "netlink:");
	text_add_number(t, snl.nl_pid);
	if (!snl.nl_groups)
		return;
	snprintf(groups, sizeof(groups), ":%#x", snl.nl_groups);
	text_add(t, groups);
}

static void can_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_can can;

	(void)len;
	memcpy(&can, sa, sizeof(can));
	text_add(t, "can:");
	text_add_interface(t, can.can_ifindex);
}

static void vsock_print(struct text *t, const void *sa, size_t len)
{
	struct sockaddr_vm svm;

	(void)len;
	memcpy(&svm, sa, sizeof(svm));
	text_add(t, "vsock:");
	text_add_number(t, svm.svm_cid);
	text_add(t, ":");
	text_add_number(t, svm.svm_port);
}

static void unspec_print(struct text *t, const void *sa, size_t len)
{
	(void)sa;
	(void)len;
	text_add(t, "unspec");
}

static const struct printer {
	int family;
	size_t length_min;
	void (*print)(struct text *t, const void *sa, size_t len);
} printers[] = {
	{ AF_UNSPEC, sizeof(sa_family_t), unspec_print },
	{ AF_INET, sizeof(struct sockaddr_in), inet_print },
	{ AF_INET6, 24, inet6_print },
	{ AF_UNIX, offsetof(struct sockaddr_un, sun_path), un_print },
	{ AF_PACKET, offsetof(struct sockaddr_ll, sll_addr), packet_print },
	{ AF_NETLINK, sizeof(struct sockaddr_nl), netlink_print },
	{ AF_CAN, offsetof(struct sockaddr_can, can_addr), can_print },
	{ AF_VSOCK, sizeof(struct sockaddr_vm), vsock_print },
};

static void family_print(struct text *t, const void *copy, size_t len)
{
	sa_family_t family;

	memcpy(&family, copy, sizeof(family));
	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		if (printers[i].family != family)
			continue;
		if (len < printers[i].length_min)
			text_add(t, "malformed");
		else
			printers[i].print(t, copy, len);
		return;
	}
	text_add(t, "family:");
	text_add_number(t, family);
}

const char *addr_print(const struct sockaddr *sa, socklen_t len, char *text, size_t size)
{
	uint8_t copy[sizeof(struct sockaddr_storage)] = { 0 };
	struct text t = { .at = text, .room = size };

	if (size)
		text[0] = '\0';
	if (!sa || len == 0) {
		text_add(&t, "none");
	} else if (len < sizeof(sa_family_t) || len > sizeof(copy)) {
		text_add(&t, "malformed");
	} else {
		memcpy(copy, sa, len);
		family_print(&t, copy, len);
	}
	return text;
}
