/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "machine.h"

bool read_all(int fd, void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		const ssize_t r = read(fd, (char *)to + done, n - done);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

bool write_all(int fd, const void *from, size_t n)
{
	for (size_t done = 0; done < n;) {
		const ssize_t r = send(fd, (const char *)from + done, n - done, MSG_NOSIGNAL);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

static void echo(int fd, size_t bytes)
{
	char buffer[RAW_BYTES_MAX];

	while (read_all(fd, buffer, bytes) && write_all(fd, buffer, bytes))
		;
}

int raw_open(struct raw *r, size_t bytes)
{
	int pair[2];

	r->bytes = bytes;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair");
	r->peer = spawn();
	if (r->peer == 0) {
		machine_pin(CORE_SERVER);
		close(pair[0]);
		echo(pair[1], bytes);
		_exit(0);
	}
	close(pair[1]);
	r->fd = pair[0];
	return r->peer < 0 ? fail("fork") : 0;
}

void raw_close(struct raw *r)
{
	close(r->fd);
	reap(r->peer, SIGKILL);
}

bool raw_once(void *raw)
{
	const struct raw *r = raw;
	char buffer[RAW_BYTES_MAX] = { 0 };

	return write_all(r->fd, buffer, r->bytes) && read_all(r->fd, buffer, r->bytes);
}
