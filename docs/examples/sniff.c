/* SPDX-License-Identifier: Apache-2.0 */
/* sniff.c - what passes an interface, a line for each packet: sniff INTERFACE [COUNT] */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>

struct frame {
	struct ether_header ether;
	struct iphdr ip;
} __attribute__((packed));

static int die(const char *what)
{
	fprintf(stderr, "sniff: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

static const char *protocol_name(int protocol)
{
	static char number[16];

	switch (protocol) {
	case IPPROTO_ICMP: return "ICMP";
	case IPPROTO_TCP: return "TCP";
	case IPPROTO_UDP: return "UDP";
	}
	snprintf(number, sizeof(number), "protocol %d", protocol);
	return number;
}

static void print_frame(const struct frame *frame, ssize_t length, const struct sockaddr_ll *from)
{
	const char *direction = from->sll_pkttype == PACKET_OUTGOING ? "out" : "in ";
	char source[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];

	if (ntohs(from->sll_protocol) != ETH_P_IP || length < (ssize_t)sizeof(*frame)) {
		printf("%s ethertype 0x%04x, %zd bytes\n", direction,
		       ntohs(from->sll_protocol), length);
		return;
	}
	inet_ntop(AF_INET, &frame->ip.saddr, source, sizeof(source));
	inet_ntop(AF_INET, &frame->ip.daddr, target, sizeof(target));
	printf("%s IP %s > %s %s, %zd bytes\n", direction, source, target,
	       protocol_name(frame->ip.protocol), length);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd, count = argc > 2 ? atoi(argv[2]) : -1;

	at.sll_ifindex = argc > 1 ? (int)if_nametoindex(argv[1]) : 0;
	if (at.sll_ifindex == 0) {
		fprintf(stderr, "usage: sniff INTERFACE [COUNT], as: sniff lo\n");
		return 2;
	}
	fd = sb_socket(AF_PACKET, SOCK_RAW, 0); /* 0: nothing arrives before bind */
	if (fd < 0)
		return die("make a packet socket");
	if (sb_bind(fd, (const void *)&at, sizeof(at)) < 0)
		return die("listen on the interface");

	printf("sniffing %s\n", argv[1]);
	for (fflush(stdout); count != 0; count -= count > 0, fflush(stdout)) {
		struct frame frame = { 0 };
		struct sockaddr_ll from = { 0 };
		socklen_t len = sizeof(from);
		const ssize_t n = sb_recvfrom(fd, &frame, sizeof(frame), MSG_TRUNC,
					      (void *)&from, &len);

		if (n < 0)
			return die("receive");
		print_frame(&frame, n, &from);
	}
	sb_close(fd);
	return 0;
}
