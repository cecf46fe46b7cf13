/* SPDX-License-Identifier: Apache-2.0 */
/* echo_server_any.c - as echo_server, by IPv6 or IPv4: echo_server_any [PORT [HOST]] */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sockbroker.h>
#include <stdio.h>

static int die(const char *what)
{
	fprintf(stderr, "echo_server_any: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

/* A socket that listens at that address, or -1 and errno. */
static int listen_at(const struct addrinfo *at)
{
	const int fd = sb_socket(at->ai_family, at->ai_socktype, at->ai_protocol), on = 1;
	int error;

	if (fd < 0)
		return -1;
	if (sb_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    sb_bind(fd, at->ai_addr, at->ai_addrlen) == 0 && sb_listen(fd, 1) == 0)
		return fd;
	error = errno;
	sb_close(fd);
	errno = error;
	return -1;
}

/* The first address that can be had, in the order of getaddrinfo. */
static int listen_any(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list, *at;
	const int error = sb_getaddrinfo(host, port, &hints, &list);
	int fd = -1;

	if (error != 0) {
		fprintf(stderr, "echo_server_any: %s, port %s: %s\n", host ? host : "any address",
			port, error == EAI_SYSTEM ? sb_error_message() : gai_strerror(error));
		return -1;
	}
	for (at = list; at && fd < 0; at = at->ai_next)
		fd = listen_at(at);
	sb_freeaddrinfo(list);
	if (fd < 0)
		die("open a socket");
	return fd;
}

/* "127.0.0.1, port 80" or "::1, port 80". */
static void print_address(const char *what, const struct sockaddr_storage *address, socklen_t len)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (sb_getnameinfo((const void *)address, len, host, sizeof(host), port, sizeof(port),
			   NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		printf("%s %s, port %s\n", what, host, port);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const int fd = listen_any(argc > 2 ? argv[2] : NULL, argc > 1 ? argv[1] : "50007");
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char data[1024];
	ssize_t n;
	int client;

	if (fd < 0)
		return 1;
	if (sb_getsockname(fd, (void *)&address, &len) < 0)
		return die("ask for the address");
	print_address("Listening on", &address, len);

	len = sizeof(address);
	client = sb_accept(fd, (void *)&address, &len);
	if (client < 0)
		return die("accept");
	print_address("Connected by", &address, len);
	while ((n = sb_recv(client, data, sizeof(data), 0)) > 0)
		if (sb_send(client, data, (size_t)n, MSG_NOSIGNAL) < 0)
			return die("send");
	if (n < 0)
		return die("receive");
	sb_close(client);
	sb_close(fd);
	return 0;
}
