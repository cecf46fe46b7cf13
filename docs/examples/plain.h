/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.h - the examples without a broker.
 *
 *     cc -include plain.h $(pkg-config --cflags sockbroker) -o ping-plain ping.c
 *
 * takes the place of <sockbroker.h> and turns each sb_X() back into X(), so that one
 * can see what the kernel says to the same program.
 */
#ifndef SOCKBROKER_H
#define SOCKBROKER_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define sb_socket socket
#define sb_close close
#define sb_bind bind
#define sb_listen listen
#define sb_accept accept
#define sb_connect connect
#define sb_shutdown shutdown
#define sb_getsockname getsockname
#define sb_send send
#define sb_sendto sendto
#define sb_recv recv
#define sb_recvfrom recvfrom
#define sb_setsockopt setsockopt
#define sb_ioctl ioctl
#define sb_poll poll

static inline const char *sb_error_message(void)
{
	return strerror(errno);
}

#endif
