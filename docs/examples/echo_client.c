/* SPDX-License-Identifier: Apache-2.0 */
/* echo_client.c - say hello to an echo server, by IPv4: echo_client ADDRESS [PORT] */
#include <arpa/inet.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>

static int die(const char *what)
{
	fprintf(stderr, "echo_client: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

int main(int argc, char **argv)
{
	static const char hello[] = "Hello, world";
	struct sockaddr_in to = { .sin_family = AF_INET };
	char data[sizeof(hello) - 1];
	ssize_t n;
	int fd;

	if (argc < 2 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: echo_client ADDRESS [PORT]\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argc > 2 ? argv[2] : "50007"));

	fd = sb_socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return die("make a socket");
	if (sb_connect(fd, (const void *)&to, sizeof(to)) < 0)
		return die("connect");
	if (sb_send(fd, hello, sizeof(data), MSG_NOSIGNAL) < 0)
		return die("send");
	n = sb_recv(fd, data, sizeof(data), MSG_WAITALL);
	if (n < 0)
		return die("receive");
	sb_close(fd);
	printf("Received '%.*s'\n", (int)n, data);
	return 0;
}
