/* SPDX-License-Identifier: Apache-2.0 */
/* work_end.c - the other end of a work: a plain process that listens on loopback. */
#include "work_end.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "machine.h"
#include "raw.h"
#include "work.h"

enum { BACKLOG = 128 };
static char block[CALL_BYTES];

static bool serve_block(int fd, bool upward)
{
	for (size_t left = BLOCK_BYTES; left > 0;) {
		const size_t some = left < CALL_BYTES ? left : CALL_BYTES;
		const ssize_t n = upward ? recv(fd, block, some, 0) :
					   send(fd, block, some, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		left -= (size_t)n;
	}
	return !upward || write_all(fd, "x", 1);
}

static void serve_bulk(int fd)
{
	char what;

	while (read_all(fd, &what, 1) && serve_block(fd, what == 'u'))
		;
}

static void serve_round_trips(int fd)
{
	while (read_all(fd, block, SMALL_BYTES) && write_all(fd, block, SMALL_BYTES))
		;
}

static void serve_byte(int fd)
{
	char byte;

	(void)(read_all(fd, &byte, 1) && write_all(fd, &byte, 1));
}

/* What serves many connections one after the other, or each by a process of its own. */
static void serve_connections(int listener, void (*serve)(int), bool forks)
{
	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (!forks)
			serve(fd);
		else if (spawn() == 0) {
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
}

pid_t work_serve(enum work work, uint16_t *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(in);
	pid_t pid;

	if (listener < 0 || bind(listener, (struct sockaddr *)&in, n) < 0 ||
	    listen(listener, BACKLOG) < 0 || getsockname(listener, (struct sockaddr *)&in, &n) < 0)
		return fail("a listening socket");
	pid = spawn();
	if (pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		machine_pin(work == WORK_CONNECTIONS ? CORE_ANY : CORE_SERVER);
		serve_connections(listener,
				  work == WORK_BULK	  ? serve_bulk :
				  work == WORK_ROUND_TRIP ? serve_round_trips :
							    serve_byte,
				  work != WORK_CONNECTIONS);
		_exit(0);
	}
	close(listener);
	*ret_port = ntohs(in.sin_port);
	return pid < 0 ? fail("fork") : pid;
}
