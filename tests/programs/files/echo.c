// SPDX-License-Identifier: Apache-2.0
//
// echo ADDRESS N - N children at once, each with a raw socket of its own, and an ICMP echo by it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const int PATIENCE_MS = 20000;

static uint16_t checksum(const void *data, size_t n)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < n / 2; i++)
		sum += words[i];
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* The reply to @p identifier; other children's come in as well. */
static int heard(int s, uint16_t identifier)
{
	struct pollfd readable = { .fd = s, .events = POLLIN };
	struct { struct ip ip; struct icmphdr icmp; } packet;

	while (poll(&readable, 1, PATIENCE_MS) == 1) {
		if (recv(s, &packet, sizeof(packet), 0) < (ssize_t)sizeof(packet))
			return 0;
		if (packet.icmp.type == ICMP_ECHOREPLY && packet.icmp.un.echo.id == identifier)
			return 1;
	}
	return 0;
}

static int child(const struct sockaddr_in *to, int number)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons((uint16_t)(1000 + number)) };
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (s < 0)
		return perror("socket"), 1;
	echo.checksum = checksum(&echo, sizeof(echo));
	if (sendto(s, &echo, sizeof(echo), 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return perror("sendto"), 1;
	return !heard(s, echo.un.echo.id);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int n = argc == 3 ? atoi(argv[2]) : 0, heard_by = 0, status;

	if (n < 1 || n > 1000 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	for (int i = 0; i < n; i++)
		switch (fork()) {
		case -1: return perror("fork"), 1;
		case 0: _exit(child(&to, i));
		}
	while (wait(&status) > 0)
		heard_by += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%d of %d heard\n", heard_by, n);
	return heard_by != n;
}
