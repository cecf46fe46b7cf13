/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sockbroker.h
 *
 * libsockbroker: the socket calls, done by a broker.
 *
 * Each sb_X() takes the arguments, and gives the return value and the errno, of
 * the call X() that its manual page describes; only differences are told here
 * (docs/architecture.md has them in one list).
 * A program changes socket() to sb_socket() and so on, and needs no privilege:
 * the broker, sockbrokerd(8), holds the real socket and decides by its policy.
 * What the policy forbids fails with EACCES or EPERM.
 *
 * Descriptors. sb_socket() returns a descriptor of this process, a stand-in,
 * so it is no other file's number. It can be polled with sb_poll() together
 * with ordinary descriptors, and after sb_watch() also by poll(2), epoll(7) or an
 * event loop. It ends with sb_close(). A call on a descriptor that is not a
 * stand-in fails with ENOTSOCK (a file of another kind) or EBADF.
 *
 * Which broker. The environment variable SOCKBROKER_ADDRESS, as
 * "unix:/run/sockbroker/broker.sock" (that one if it is unset). The connection is
 * made by the first sb_socket(). Without a broker, calls fail with ENOENT,
 * ECONNREFUSED or EACCES as connect(2) does, and sb_error_message() says what to
 * do; when the broker goes away, calls on its sockets fail with EPIPE.
 *
 * Waiting for an answer of the broker's, a thread looks for it up to 100 us before it sleeps, where
 * there is more than one processor and that has helped of late. SOCKBROKER_SPIN_US says
 * how long, in microseconds; 0: not at all.
 *
 * Threads. All functions may be called from any thread at any time. A blocking
 * call does not hold up another thread's. Calls are not cancellation points and
 * not async-signal-safe; they are not interrupted by signals (no EINTR), unless
 * sb_set_interrupt_check() says so.
 *
 * fork. The child has no access to its parent's sockets: every call on them
 * fails with EBADF, and so does sb_socket() if the parent had used the library.
 * A child that calls exec, or a parent that forks before its first call, is not
 * concerned.
 */
#ifndef SOCKBROKER_H
#define SOCKBROKER_H

#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define SB_DEFAULT_ADDRESS "unix:/run/sockbroker/broker.sock"

/* ------------------------------------------------------------------------ */
/* The broker                                                               */
/* ------------------------------------------------------------------------ */

/** A connection to a broker, with a session of its own. Opaque. */
typedef struct sb_broker sb_broker;

struct mmsghdr; /* <sys/socket.h> has it for _GNU_SOURCE only */

/** How requests travel; for tests and measurements. */
enum sb_transport {
	SB_TRANSPORT_STREAM = 0, /**< the session stream: fast, the default */
	SB_TRANSPORT_UNARY = 1,  /**< one RPC a call */
};

/**
 * Connect to the broker at @p address (NULL: SOCKBROKER_ADDRESS, or the default
 * path), for programs that use several. @p transport is an sb_transport.
 *
 * @return a connection, to be ended with sb_disconnect_broker(), or NULL and
 * errno: EINVAL (not a "unix:" address), EACCES (no rule of the policy is for this user),
 * EPROTO (not a broker, or another version), or as connect(2).
 */
sb_broker *sb_connect_broker(const char *address, int transport);

/** End the session: all its sockets are closed. Stand-ins must still be closed with
 * sb_close(). Accepts NULL. No call on it may be running. */
void sb_disconnect_broker(sb_broker *);

/** sb_socket() and sb_socketpair() by a certain broker; NULL is the default one. */
int sb_socket_at(sb_broker *, int domain, int type, int protocol);
int sb_socketpair_at(sb_broker *, int domain, int type, int protocol, int sv[2]);

/** What went wrong in the calling thread's last failed sb_ call, as a sentence with what to
 * do about it. Never NULL. Valid until the thread's next sb_ call. */
const char *sb_error_message(void);

/* ------------------------------------------------------------------------ */
/* The socket calls                                                         */
/* ------------------------------------------------------------------------ */

/** socket(2), with SOCK_NONBLOCK and SOCK_CLOEXEC. The stand-in is always
 * close-on-exec: another program could not use it. */
int sb_socket(int domain, int type, int protocol);
/** socketpair(2). */
int sb_socketpair(int domain, int type, int protocol, int sv[2]);
/** close(2). On a socket whose broker has gone it succeeds: it is closed. */
int sb_close(int fd);
/** dup(2). The two share what the kernel shares; O_NONBLOCK, the timeout and
 * the watch belong to each descriptor. */
int sb_dup(int fd);

/** bind(2). */
int sb_bind(int fd, const struct sockaddr *addr, socklen_t addrlen);
/** listen(2). */
int sb_listen(int fd, int backlog);
/** accept(2). */
int sb_accept(int fd, struct sockaddr *addr, socklen_t *addrlen);
/** accept4(2). */
int sb_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags);
/** connect(2). */
int sb_connect(int fd, const struct sockaddr *addr, socklen_t addrlen);
/** shutdown(2). */
int sb_shutdown(int fd, int how);
/** getsockname(2). */
int sb_getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen);
/** getpeername(2). */
int sb_getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen);

/** send(2). No SIGPIPE is raised: EPIPE only. */
ssize_t sb_send(int fd, const void *buf, size_t len, int flags);
/** sendto(2). */
ssize_t sb_sendto(int fd, const void *buf, size_t len, int flags,
		  const struct sockaddr *addr, socklen_t addrlen);
/** sendmsg(2). Descriptors in SCM_RIGHTS are stand-ins of the same broker. */
ssize_t sb_sendmsg(int fd, const struct msghdr *msg, int flags);
/** recv(2). */
ssize_t sb_recv(int fd, void *buf, size_t len, int flags);
/** recvfrom(2). */
ssize_t sb_recvfrom(int fd, void *buf, size_t len, int flags,
		    struct sockaddr *addr, socklen_t *addrlen);
/** recvmsg(2). Descriptors in SCM_RIGHTS become stand-ins. */
ssize_t sb_recvmsg(int fd, struct msghdr *msg, int flags);
/** sendmmsg(2). At most 1024 messages in one call. */
int sb_sendmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags);
/** recvmmsg(2). At most 1024 messages in one call. */
int sb_recvmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags,
		struct timespec *timeout);

/** getsockopt(2). Options the broker does not know are ENOPROTOOPT. */
int sb_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen);
/** setsockopt(2). */
int sb_setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen);
/** ioctl(2), of sockets: FIONREAD, SIOCOUTQ, SIOCATMARK, FIONBIO, SIOCGIF*, … Others
 * are ENOTTY. */
int sb_ioctl(int fd, unsigned long request, ...);
/** fcntl(2): F_GETFL and F_SETFL (O_NONBLOCK), F_GETFD and F_SETFD (FD_CLOEXEC),
 * F_DUPFD and F_DUPFD_CLOEXEC. Others are EINVAL. The stand-in itself shows O_NONBLOCK as
 * it is set here, by sb_ioctl(FIONBIO), or at the socket's birth; set on it by fcntl(2),
 * the flag has no effect. */
int sb_fcntl(int fd, int cmd, ...);

/* ------------------------------------------------------------------------ */
/* Waiting                                                                  */
/* ------------------------------------------------------------------------ */

/** poll(2), of stand-ins and ordinary descriptors together. */
int sb_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);

/**
 * How long each call on @p fd may wait, in nanoseconds; negative: for ever (the
 * start). When the time is up calls fail with EAGAIN (connect: EINPROGRESS), or succeed with
 * what was moved. A call that is non-blocking by O_NONBLOCK or MSG_DONTWAIT does not
 * wait at all. 0 is like O_NONBLOCK.
 *
 * @return 0, or -1 and EBADF.
 */
int sb_set_timeout(int fd, int64_t timeout_ns);

/**
 * Ask the program, while its threads wait. Once one has waited in a call for about 50 ms, and every
 * 50 ms again, it calls @p check. A non-zero answer ends the call: what it has moved is
 * returned, as after a signal (a datagram, a connection or bytes that came at that moment
 * are not lost), or else it fails with EINTR. NULL (the start): nobody is asked, and
 * waiting costs nothing more. Waits that begin later see the change, others may not.
 *
 * For bindings to languages that take signals by themselves. @p check is called on
 * every waiting thread, with no lock of the library's held, so it may itself call any
 * function here (even on the same socket). It is not called while the connection to the
 * broker is made, which takes 10 s at most.
 */
void sb_set_interrupt_check(int (*check)(void));

/**
 * Make the stand-in show the socket's state to poll(2), epoll(7) and event
 * loops: POLLIN, POLLOUT, POLLHUP as @p events (POLLIN | POLLOUT) asks; 0 ends it.
 * What is shown is level-triggered and may be late but not wrong for long: a
 * call that is then made on the socket may still say EAGAIN, so set O_NONBLOCK.
 * The first watch starts a thread in the library.
 *
 * @return 0, or -1 and EBADF, EINVAL, ENOMEM.
 */
int sb_watch(int fd, short events);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
