/* SPDX-License-Identifier: Apache-2.0 */
/* can_echo.c - answer CAN frames: each goes back, and one of our own: can_echo [INTERFACE [COUNT]] */
#include <linux/can.h>
#include <net/if.h>
#include <sockbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int die(const char *what)
{
	fprintf(stderr, "can_echo: cannot %s: %s\n", what, sb_error_message());
	return 1;
}

static void print_frame(const struct can_frame *frame)
{
	printf("Received: can_id=%x, can_dlc=%u, data=", frame->can_id, frame->len);
	for (unsigned i = 0; i < frame->len && i < CAN_MAX_DLEN; i++)
		printf("%02x", frame->data[i]);
	printf("\n");
	fflush(stdout);
}

static void send_frame(int fd, const struct can_frame *frame)
{
	if (sb_send(fd, frame, sizeof(*frame), 0) < 0)
		die("send a CAN frame");
}

int main(int argc, char **argv)
{
	static const struct can_frame own = { .can_id = 1, .len = 3, .data = { 1, 2, 3 } };
	struct sockaddr_can at = { .can_family = AF_CAN };
	int fd, count = argc > 2 ? atoi(argv[2]) : -1;

	at.can_ifindex = (int)sb_if_nametoindex(argc > 1 ? argv[1] : "vcan0");
	if (at.can_ifindex == 0)
		return die("find the interface");
	fd = sb_socket(AF_CAN, SOCK_RAW, CAN_RAW);
	if (fd < 0)
		return die("make a CAN socket");
	if (sb_bind(fd, (const void *)&at, sizeof(at)) < 0)
		return die("bind to the interface");

	printf("listening\n");
	for (fflush(stdout); count != 0; count -= count > 0) {
		struct can_frame frame;
		const ssize_t n = sb_recv(fd, &frame, sizeof(frame), 0);

		if (n < 0)
			return die("receive");
		print_frame(&frame);
		send_frame(fd, &frame);
		send_frame(fd, &own);
	}
	sb_close(fd);
	return 0;
}
