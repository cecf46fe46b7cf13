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
 * stand-in fails with ENOTSOCK (a file of another kind) or EBADF. With sb_set_direct() it is no
 * stand-in but the socket itself.
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
 * fork. The child has no access to its parent's stand-ins: every call on them
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
struct addrinfo; /* <netdb.h> has these … */
struct hostent;
struct protoent;
struct servent;
struct if_nameindex; /* … and <net/if.h> this */

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

enum { SB_SHARE_BYTES = 64 };

/**
 * Make a token for which another process, or another connection to the broker, gets a duplicate of
 * the socket with sb_fromshare(), as if by dup(2). It is good once, within 60 s, for this user's
 * processes, or for @p pid alone if that is not 0; it outlives the socket here, and this process. Who has
 * the token has the socket: keep it secret.
 *
 * @return 0, or -1 and EBUSY (data that was given back must be received here first), EMFILE (too many
 * sockets, or tokens not used yet), EINVAL (a negative @p pid), EBADF.
 */
int sb_share(int fd, pid_t pid, char token[SB_SHARE_BYTES]);
/**
 * The socket of a token, by the default broker. @p flags: SOCK_NONBLOCK, SOCK_CLOEXEC.
 * @return a stand-in, or -1 and ENOENT (no such token of this user, or it was used, or is too old), EACCES
 * (it is for another process), or as sb_socket().
 */
int sb_fromshare(const char *token, int flags);
/** The same by a certain broker; NULL is the default one. */
int sb_fromshare_at(sb_broker *, const char *token, int flags);

/* Real descriptors: on the host of the broker, where a rule says `direct`. One that was given out
 * cannot be taken back. */

/**
 * Make @p fd the real socket: from now on a descriptor of the kernel's, for read(2), poll(2), close(2) and
 * any library; no sb_ function knows it, and the broker has let go of its own. O_NONBLOCK is as it was
 * on the stand-in; FD_CLOEXEC is set. A call that waits in another thread goes on, at the broker.
 *
 * @return @p fd, or -1 and EACCES (no rule says `direct`), EBUSY (data that was given back must be received
 * first), EOPNOTSUPP (SIO_RCVALL is on; or the broker has no descriptor socket), EMFILE, EBADF; then nothing has
 * changed.
 */
int sb_detach(int fd);
/**
 * A real descriptor of the same socket, close-on-exec, to be ended with close(2); @p fd stays the
 * stand-in that it is. The two share what the kernel shares, O_NONBLOCK too, which is set as on the
 * stand-in. sb_accept() and sb_connect() fail with EOPNOTSUPP from now on: call accept(2) and connect(2).
 *
 * @return a descriptor, or -1 and errno as sb_detach().
 */
int sb_fileno_direct(int fd);
/**
 * Give the broker a duplicate of the real socket @p fd, so that it may do what this process may
 * not: bind it to a low port, set SO_MARK, join a group, as the policy allows. @p fd stays as it is.
 * @p flags: SOCK_NONBLOCK, SOCK_CLOEXEC, of the stand-in. sb_accept() and sb_connect() of a
 * kind that may wait fail with EOPNOTSUPP: call accept(2) and connect(2).
 *
 * @return a stand-in, or -1 and ENOTSOCK (not a socket), EOPNOTSUPP (an AF_UNIX socket), EXDEV (of another
 * network namespace than the broker's), EMFILE, EBADF, or as sb_socket().
 */
int sb_fromfd(int fd, int flags);
/** The same by a certain broker; NULL is the default one. */
int sb_fromfd_at(sb_broker *, int fd, int flags);

/**
 * Make the sb_ functions know @p fd, a socket of the kernel's that this process has, as those that
 * sb_set_direct() makes: data go by the kernel, what this process may not do the broker does, as the
 * policy allows, and sb_connect() asks it. @p fd stays what it is; sb_close() closes it, and sb_detach()
 * makes them forget it again. A number that they know already stays what it is to them.
 *
 * @return @p fd, or -1 and EBADF, ENOTSOCK, ENOMEM, or as sb_connect_broker().
 */
int sb_attach(int fd);
/** The same by a certain broker; NULL is the default one. */
int sb_attach_at(sb_broker *, int fd);
/** Is @p fd a real socket (1) or a stand-in (0)? -1 and ENOTSOCK: the sb_ functions do not know it;
 * EBADF. */
int sb_is_direct(int fd);

/** What sb_judge() may ask about. */
enum sb_action {
	SB_ACTION_SOCKET = 1, /**< socket(2); no address */
	SB_ACTION_DIRECT = 2, /**< a real descriptor of such a socket; no address */
	SB_ACTION_BIND = 3,
	SB_ACTION_LISTEN = 4, /**< by the bound address */
	SB_ACTION_CONNECT = 5,
	SB_ACTION_SEND = 6,   /**< a datagram's destination */
};
/**
 * Would the policy of that broker (NULL: the default one) allow it, on a socket of that
 * kind? Nothing is done. For who holds a real descriptor and does the call himself.
 *
 * @return 0: yes; -1 and EACCES or EPERM: no (with an address it is logged as a denial); or as sb_socket(), sb_bind().
 */
int sb_judge(sb_broker *, int action, int domain, int type, int protocol,
	     const struct sockaddr *addr, socklen_t addrlen);

/**
 * Whether sockets of @p broker (NULL: the default one) that are made from now on are real descriptors
 * where the policy says `direct`, as SOCKBROKER_DIRECT=1 in the environment asks for; where it does not,
 * they are stand-ins. The calls and their results are the same: names and what needs privilege go by the
 * broker, data by the kernel, also when the broker has gone. A destination in sb_sendto() is not
 * judged then. AF_UNIX and AF_NETLINK sockets stay stand-ins (sb_detach() makes them real). @p direct: 0 or 1.
 *
 * A real one is the kernel's: O_NONBLOCK is shared by duplicates, close(2) ends it as sb_close() does and wakes
 * nobody, a child of fork(2) may go on with its data (what needs the broker is EBADF there), sb_watch() has nothing to do,
 * SIO_RCVALL is EOPNOTSUPP. Timeouts of sb_set_timeout() and the check hold as ever; but if another
 * process takes the connection that sb_accept() has seen come, that waits for the next.
 *
 * @return 0, or -1 and EINVAL (another value), or errno as sb_socket().
 */
int sb_set_direct(sb_broker *broker, int direct);

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
/*
 * Winsock's requests, done by the broker; WSAIoctl() tells of them.
 *
 * SIO_RCVALL, an int: a raw AF_INET or AF_INET6 socket that is bound to an address receives every
 * IPv4 or IPv6 datagram that its interface sees, in both directions, from the IP header on, by
 * the ordinary calls; the address is the sender's, with port 0. RCVALL_ON: promiscuous as long as it is on and
 * the socket lives; RCVALL_IPLEVEL: not; RCVALL_SOCKETLEVELONLY: no effect; RCVALL_OFF: as before.
 * A switch drops what has not been received yet. EINVAL: another value, or a socket that is bound to
 * no address, or to all; EOPNOTSUPP: another kind of socket; EADDRNOTAVAIL: no interface has the address.
 * The policy must name SIO_RCVALL and the interface, and lend CAP_NET_RAW.
 *
 * SIO_KEEPALIVE_VALS, a struct sb_tcp_keepalive: SO_KEEPALIVE, TCP_KEEPIDLE and TCP_KEEPINTVL at once.
 * Milliseconds are rounded up to seconds. EINVAL: a time of 0, or more than 32767 s; EOPNOTSUPP: not TCP.
 *
 * SIO_LOOPBACK_FAST_PATH, an int: no effect, there is nothing slower to leave. EINVAL: the socket is
 * connected or listens; EOPNOTSUPP: not TCP.
 */
#ifndef SIO_RCVALL
#define SIO_RCVALL 0x98000001
#define SIO_KEEPALIVE_VALS 0x98000004
#define SIO_LOOPBACK_FAST_PATH 0x98000010
#define RCVALL_OFF 0
#define RCVALL_ON 1
#define RCVALL_SOCKETLEVELONLY 2
#define RCVALL_IPLEVEL 3
#endif

/** Winsock's struct tcp_keepalive. */
struct sb_tcp_keepalive {
	uint32_t onoff;
	uint32_t keepalivetime;     /**< ms without traffic before the first probe */
	uint32_t keepaliveinterval; /**< ms between probes that are not answered */
};

/** ioctl(2), of sockets: FIONREAD, SIOCOUTQ, SIOCATMARK, FIONBIO, SIOCGIF*, SIO_*, … Others
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

/* ------------------------------------------------------------------------ */
/* Names of hosts, services, protocols, interfaces                          */
/* ------------------------------------------------------------------------ */

/* As the broker's system knows them: its /etc/hosts, its name servers, its
 * interfaces. The default broker is asked. A name that has to be looked up needs a rule
 * that allows it (`resolve`); numeric addresses, services, protocols and interfaces
 * need none. */

/**
 * getaddrinfo(3). What the broker or its policy refuses is EAI_SYSTEM with errno (EACCES,
 * EPIPE …); too many lookups at once are EAI_AGAIN. With AI_IDN names are UTF-8. The list
 * is to be freed with sb_freeaddrinfo().
 */
int sb_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **res);
/** The same by a certain broker (NULL: the default one), within @p timeout_ns (negative:
 * for ever). When the time is up: EAI_SYSTEM and errno ETIMEDOUT. */
int sb_getaddrinfo_at(sb_broker *, const char *node, const char *service,
		      const struct addrinfo *hints, int64_t timeout_ns, struct addrinfo **res);
/** freeaddrinfo(3). Accepts NULL. */
void sb_freeaddrinfo(struct addrinfo *res);
/** getnameinfo(3). Errors as sb_getaddrinfo()'s. */
int sb_getnameinfo(const struct sockaddr *addr, socklen_t addrlen, char *host, socklen_t hostlen,
		   char *serv, socklen_t servlen, int flags);

/** gethostbyname(3). The result belongs to the calling thread until its next call of
 * one of these three. On NULL h_errno tells: NETDB_INTERNAL is what the broker or its
 * policy refuses, with errno; too many lookups at once are TRY_AGAIN. */
struct hostent *sb_gethostbyname(const char *name);
/** gethostbyname2(3). */
struct hostent *sb_gethostbyname2(const char *name, int af);
/** gethostbyaddr(3). */
struct hostent *sb_gethostbyaddr(const void *addr, socklen_t len, int af);

/** getprotobyname(3). The result belongs to the calling thread until its next call. On
 * NULL errno is 0 if there is none of that name. */
struct protoent *sb_getprotobyname(const char *name);
/** getservbyname(3). As sb_getprotobyname(); shares its result with sb_getservbyport(). */
struct servent *sb_getservbyname(const char *name, const char *proto);
/** getservbyport(3). @p port is in network order. */
struct servent *sb_getservbyport(int port, const char *proto);

/** gethostname(2), of the broker's host. */
int sb_gethostname(char *name, size_t len);
/** sethostname(2), of the broker's host. Needs a rule that lends CAP_SYS_ADMIN. */
int sb_sethostname(const char *name, size_t len);
/**
 * The full name of @p name (NULL, "", "0.0.0.0" or "::": of the broker's host): the first
 * with a dot among its official name and its aliases, else the official name; or @p name
 * itself, if it has no address or the address has no name. As Python's
 * socket.getfqdn().
 *
 * @return 0, or -1 and errno: ENAMETOOLONG (it does not fit), or as sb_gethostname().
 */
int sb_getfqdn(const char *name, char *buf, size_t len);

/** if_nameindex(3), of the broker's network namespace. To be freed with
 * sb_if_freenameindex(). */
struct if_nameindex *sb_if_nameindex(void);
/** if_freenameindex(3). Accepts NULL. */
void sb_if_freenameindex(struct if_nameindex *list);
/** if_nametoindex(3). */
unsigned int sb_if_nametoindex(const char *name);
/** if_indextoname(3). @p name has room for IF_NAMESIZE bytes. */
char *sb_if_indextoname(unsigned int index, char *name);

/**
 * A TCP connection to @p host (a name or an address) and @p port (a service or a number).
 * Its addresses are tried one after the other, as sb_getaddrinfo() orders them, each with a
 * new socket, bound to @p source unless that is NULL; an attempt is one message to
 * the broker and one back. @p timeout_ns (negative: for ever) is for each: for the lookup,
 * for each attempt, and then, as by sb_set_timeout(), for the socket's calls. 0 does not wait for a
 * connection (but for the lookup).
 *
 * @return a descriptor, or -1 and errno: of the last attempt (ECONNREFUSED, EACCES …;
 * ETIMEDOUT: its time was up); or of the lookup: EADDRNOTAVAIL (no such name, or it has no
 * address), EAGAIN (the name servers do not answer; EAI_AGAIN), EINVAL (no such service), EIO
 * (EAI_FAIL), or what EAI_SYSTEM stands for.
 */
int sb_create_connection(const char *host, const char *port, int64_t timeout_ns,
			 const struct sockaddr *source, socklen_t sourcelen);
/** The same by a certain broker; NULL is the default one. */
int sb_create_connection_at(sb_broker *, const char *host, const char *port, int64_t timeout_ns,
			    const struct sockaddr *source, socklen_t sourcelen);

/* ------------------------------------------------------------------------ */
/* Constants                                                                */
/* ------------------------------------------------------------------------ */

/** A constant of socket programs, as Linux has it. */
struct sb_constant_entry {
	const char *name;
	long long value;
};

/** "SO_REUSEADDR" -> 2. Returns -1 and errno EINVAL for a name that is not known; errno is 0
 * otherwise. No broker is asked: the broker's own list is the RPC Constants. */
long long sb_constant(const char *name);
/** ("SO_", 2) -> "SO_REUSEADDR": the name that begins so and has that value (of several, the
 * plainest), or NULL. */
const char *sb_constant_name(const char *prefix, long long value);
/** All of them, sorted by name as by strcmp(3); how many is put into *@p ret_n. */
const struct sb_constant_entry *sb_constants(size_t *ret_n);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
