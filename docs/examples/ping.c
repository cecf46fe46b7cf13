/* SPDX-License-Identifier: Apache-2.0 */
/* ping.c - ICMP echo by a raw socket: ping [ADDRESS [COUNT]] */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct echo {
	struct icmphdr icmp;
	char data[56];
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint16_t checksum(const struct echo *echo)
{
	const uint16_t *word = (const void *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*echo) / 2; i++)
		sum += word[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~(sum + (sum >> 16));
}

/* 1: answered; 0: not within a second; negative: failed. */
static int ping(int fd, const struct sockaddr_in *to, uint16_t sequence)
{
	struct echo echo = { .icmp.type = ICMP_ECHO };
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	const double start = now_ms();

	echo.icmp.un.echo.id = htons((uint16_t)getpid());
	echo.icmp.un.echo.sequence = htons(sequence);
	echo.icmp.checksum = checksum(&echo);
	if (sb_sendto(fd, &echo, sizeof(echo), 0, (const void *)to, sizeof(*to)) < 0)
		return -1;

	for (double left = 1000; left > 0; left = start + 1000 - now_ms()) {
		struct { struct iphdr ip; struct echo echo; } got = { 0 };
		const int ready = sb_poll(&pollfd, 1, (int)left + 1);

		if (ready <= 0)
			return ready;
		if (sb_recv(fd, &got, sizeof(got), 0) < 0)
			return -1;
		/* A raw socket sees all ICMP that arrives: wait for our own. */
		if (got.echo.icmp.type != ICMP_ECHOREPLY ||
		    got.echo.icmp.un.echo.id != echo.icmp.un.echo.id ||
		    got.echo.icmp.un.echo.sequence != echo.icmp.un.echo.sequence)
			continue;
		printf("%zu bytes from %s: icmp_seq=%d ttl=%d time=%.3f ms\n", sizeof(echo),
		       inet_ntoa(to->sin_addr), sequence, got.ip.ttl, now_ms() - start);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "127.0.0.1";
	const int count = argc > 2 ? atoi(argv[2]) : 3;
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd, received = 0;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		fprintf(stderr, "ping: '%s' is not an IPv4 address\n", address);
		return 2;
	}
	fd = sb_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	if (fd < 0) {
		fprintf(stderr, "ping: cannot make a raw socket: %s\n", sb_error_message());
		return 1;
	}

	printf("PING %s: %zu data bytes\n", address, sizeof(((struct echo *)0)->data));
	for (int i = 1; i <= count; i++) {
		const int answered = ping(fd, &to, (uint16_t)i);

		if (answered < 0)
			fprintf(stderr, "ping: %s\n", sb_error_message());
		received += answered > 0;
		fflush(stdout);
		if (i < count)
			poll(NULL, 0, 200);
	}
	printf("%d packets transmitted, %d received\n", count, received);
	sb_close(fd);
	return received == count ? 0 : 1;
}
