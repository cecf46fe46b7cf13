/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - a web server with one page: serve ADDRESS PORT [REQUESTS] */
#include <arpa/inet.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "serve: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

/* A socket that listens there, or negative. */
static int listen_at(const struct sockaddr_in *at)
{
	const int on = 1;
	int fd = sb_socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -die("make a socket");
	if (sb_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -die("reuse the address");
	if (sb_bind(fd, (const void *)at, sizeof(*at)) < 0)
		return -die("bind");
	if (sb_listen(fd, 16) < 0)
		return -die("listen");
	return fd;
}

/* Reads until the empty line that ends a request. */
static int read_request(int fd)
{
	char text[4096] = "";
	size_t have = 0;

	while (have < sizeof(text) - 1 && !strstr(text, "\r\n\r\n")) {
		const ssize_t n = sb_recv(fd, text + have, sizeof(text) - 1 - have, 0);

		if (n <= 0)
			return -1;
		have += (size_t)n;
		text[have] = '\0';
	}
	return 0;
}

static void answer(int fd, const struct sockaddr_in *peer)
{
	char page[256], text[512];

	snprintf(page, sizeof(page),
		 "<p>Hello %s. I am process %d of user %d, without any privilege.</p>\n",
		 inet_ntoa(peer->sin_addr), (int)getpid(), (int)getuid());
	snprintf(text, sizeof(text),
		 "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(page), page);
	if (read_request(fd) == 0 && sb_send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
		printf("served %s:%d\n", inet_ntoa(peer->sin_addr), ntohs(peer->sin_port));
	fflush(stdout);
	sb_close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd, requests = argc > 3 ? atoi(argv[3]) : -1;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: serve ADDRESS PORT [REQUESTS]\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argv[2]));
	fd = listen_at(&at);
	if (fd < 0)
		return 1;

	printf("serving http://%s:%s/\n", argv[1], argv[2]);
	fflush(stdout);
	while (requests != 0) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		const int client = sb_accept(fd, (void *)&peer, &len);

		if (client < 0)
			return die("accept");
		answer(client, &peer);
		requests -= requests > 0;
	}
	sb_close(fd);
	return 0;
}
