/* SPDX-License-Identifier: Apache-2.0 */
/* echo_client_any.c - as echo_client, by IPv6 or IPv4 and by name: echo_client_any HOST [PORT] */
#include <netdb.h>
#include <sockbroker.h>
#include <stdio.h>

static int die(const char *what)
{
	fprintf(stderr, "echo_client_any: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

int main(int argc, char **argv)
{
	static const char hello[] = "Hello, world";
	const int64_t timeout_ns = 10 * 1000000000LL;
	char data[sizeof(hello) - 1];
	ssize_t n;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: echo_client_any HOST [PORT]\n");
		return 2;
	}
	/* All addresses of the host, until one connects. */
	fd = sb_create_connection(argv[1], argc > 2 ? argv[2] : "50007", timeout_ns, NULL, 0);
	if (fd < 0)
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
