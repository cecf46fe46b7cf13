/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - SIO_RCVALL: a raw socket that receives whatever its interface sees.
 *
 * A packet socket stands beside the raw one. While it does, the socket's receives,
 * and those who wait for them, look there; sends, names and options go by the raw
 * one as ever. The kernel ends promiscuous mode with the packet socket, however
 * that ends.
 */
#ifndef SB_OPS_CAPTURE_H
#define SB_OPS_CAPTURE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "core/poller.h"

struct sock;

struct capture {
	struct watch watch;  /* the packet socket */
	struct sock *sock;   /* whose it is; NULL: not put to use yet, or no longer */
	int family, ifindex;
	int mode;            /* RCVALL_ON, RCVALL_IPLEVEL */
};

/* What a packet socket is watched for in the raw one's place. */
enum { CAPTURE_EVENTS = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND };

/* A packet socket that hears @ifindex and has the options of the raw socket @fd.
 * May block. Returns 0, -EPERM, -ENODEV or another -errno. */
int capture_open(int fd, int family, int ifindex, int mode, struct capture **ret)
	__attribute__((warn_unused_result));
/* Of the packet socket @fd, which was another's; takes it. NULL: memory is out. */
struct capture *capture_new(int fd, int family, int ifindex, int mode);
/* Its descriptor alone; may block. */
void capture_close(struct capture *);
/* Of one that was never put to use, and is closed. */
void capture_free(struct capture *);

/* The raw socket's options have changed: the packet socket's follow. Returns 0 or
 * -errno. */
int capture_follow(const struct capture *, int fd);
/* What the raw socket has received is dropped. */
void capture_drain(int fd);

/* As recvmsg(2) and recvmmsg(2) of a raw socket, with one piece of memory a message:
 * the name is the sender's, as the IP header says, with port 0. */
ssize_t capture_receive(const struct capture *, struct msghdr *, int flags);
int capture_receive_many(const struct capture *, struct mmsghdr *, unsigned n, int flags);

/* poll(2)'s answer of the raw socket, to @events, made the pair's. */
uint32_t capture_revents(const struct capture *, uint32_t events, uint32_t revents);

/* Is it about what was received? Then it is the packet socket that is asked. */
bool capture_answers_ioctl(unsigned long request);

#endif
