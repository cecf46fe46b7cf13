/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - get a page over HTTP: fetch ADDRESS PORT [PATH] */
#include <arpa/inet.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int die(const char *what)
{
	fprintf(stderr, "fetch: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char text[4096];
	ssize_t n;
	int fd, length;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: fetch ADDRESS PORT [PATH]\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	length = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n",
			  argc > 3 ? argv[3] : "/", argv[1]);
	if (length >= (int)sizeof(text)) {
		fprintf(stderr, "fetch: the path is too long\n");
		return 2;
	}

	fd = sb_socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return die("make a socket");
	if (sb_connect(fd, (const void *)&to, sizeof(to)) < 0)
		return die("connect");
	if (sb_send(fd, text, (size_t)length, MSG_NOSIGNAL) < 0)
		return die("send");
	while ((n = sb_recv(fd, text, sizeof(text), 0)) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	if (n < 0)
		return die("receive");
	sb_close(fd);
	return 0;
}
