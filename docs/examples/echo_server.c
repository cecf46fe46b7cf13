/* SPDX-License-Identifier: Apache-2.0 */
/* echo_server.c - give one client back what it sends, by IPv4: echo_server [PORT [ADDRESS]] */
#include <arpa/inet.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>

static int die(const char *what)
{
	fprintf(stderr, "echo_server: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET }, peer; /* sin_addr 0: all interfaces */
	socklen_t len = sizeof(at), peer_len = sizeof(peer);
	const int on = 1;
	char data[1024];
	ssize_t n;
	int fd, client;

	if (argc > 2 && inet_pton(AF_INET, argv[2], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: echo_server [PORT [ADDRESS]]\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "50007")); /* 0: any that is free */

	fd = sb_socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return die("make a socket");
	/* Else bind fails while connections of an earlier run are in TIME_WAIT. */
	if (sb_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return die("reuse the address");
	if (sb_bind(fd, (const void *)&at, sizeof(at)) < 0)
		return die("bind");
	if (sb_listen(fd, 1) < 0)
		return die("listen");
	if (sb_getsockname(fd, (void *)&at, &len) < 0)
		return die("ask for the address");
	printf("Listening on port %d\n", ntohs(at.sin_port));
	fflush(stdout);

	client = sb_accept(fd, (void *)&peer, &peer_len);
	if (client < 0)
		return die("accept");
	printf("Connected by %s, port %d\n", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
	while ((n = sb_recv(client, data, sizeof(data), 0)) > 0)
		if (sb_send(client, data, (size_t)n, MSG_NOSIGNAL) < 0)
			return die("send");
	if (n < 0)
		return die("receive");
	sb_close(client);
	sb_close(fd);
	return 0;
}
