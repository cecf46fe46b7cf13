/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sniff_ip.c - IP datagrams of the interface that has an address, as they are:
 * sniff_ip ADDRESS [COUNT]
 *
 * The kernel gives a raw socket what arrives for this host, of one protocol. With
 * SIO_RCVALL, which Windows has and the broker offers on Linux, it is all that passes
 * the interface, in both directions.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>

static int die(const char *what)
{
	fprintf(stderr, "sniff_ip: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

static void print_datagram(const struct iphdr *ip, ssize_t length, const struct sockaddr_in *from)
{
	char target[INET_ADDRSTRLEN];

	printf("%s > %s protocol %d, %zd bytes\n", inet_ntoa(from->sin_addr),
	       inet_ntop(AF_INET, &ip->daddr, target, sizeof(target)), ip->protocol, length);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char data[65535] __attribute__((aligned(_Alignof(struct iphdr))));
	struct sockaddr_in at = { .sin_family = AF_INET };
	const int on = 1, all = RCVALL_ON, off = RCVALL_OFF;
	int fd, count = argc > 2 ? atoi(argv[2]) : 1;

	if (argc < 2 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: sniff_ip ADDRESS [COUNT]\n");
		return 2;
	}
	fd = sb_socket(AF_INET, SOCK_RAW, IPPROTO_IP);
	if (fd < 0)
		return die("make a raw socket");
	if (sb_bind(fd, (const void *)&at, sizeof(at)) < 0)
		return die("bind to the interface's address");
	if (sb_setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) < 0)
		return die("include IP headers");
	if (sb_ioctl(fd, SIO_RCVALL, &all) < 0)
		return die("receive all");

	printf("sniffing %s\n", argv[1]);
	for (fflush(stdout); count > 0; count--) {
		struct sockaddr_in from = { 0 };
		socklen_t len = sizeof(from);
		const ssize_t n = sb_recvfrom(fd, data, sizeof(data), 0, (void *)&from, &len);

		if (n < 0)
			return die("receive");
		if (n >= (ssize_t)sizeof(struct iphdr))
			print_datagram((const void *)data, n, &from);
	}
	if (sb_ioctl(fd, SIO_RCVALL, &off) < 0)
		return die("stop");
	sb_close(fd);
	return 0;
}
