/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - a user's program: it asks a broker that is not there. */
#include <errno.h>
#include <netinet/in.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	setenv("SOCKBROKER_ADDRESS", "unix:/nonexistent/broker.sock", 1);
	if (sb_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) != -1 || errno != ENOENT) {
		fprintf(stderr, "expected ENOENT, got: %s\n", strerror(errno));
		return 1;
	}
	if (!strstr(sb_error_message(), "/nonexistent/broker.sock")) {
		fprintf(stderr, "the message does not name the path: %s\n", sb_error_message());
		return 1;
	}
	return 0;
}
