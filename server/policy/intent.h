/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intent.h - what a call asks for, in the words of the policy.
 *
 * An intent is the broker's own copy, made before anything is judged; what is
 * then done uses this copy too.
 */
#ifndef SB_POLICY_INTENT_H
#define SB_POLICY_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire/addr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The words of a rule's `may`. */
enum action {
	ACTION_NONE,     /* asks nothing new: the caller holds the socket already */
	ACTION_SOCKET,   /* family, type, protocol */
	ACTION_BIND,     /* … and address */
	ACTION_LISTEN,   /* … and the bound address */
	ACTION_CONNECT,  /* … and address */
	ACTION_SEND,     /* … and address: a datagram with a destination */
	ACTION_OPTION,   /* … and option level, name */
	ACTION_IOCTL,    /* … and ioctl request */
	ACTION_INSPECT,  /* see other users' sockets and sessions */
	ACTION_RESOLVE,  /* ask for a name's addresses, or for an address's name */
	ACTION_SETHOSTNAME,
	ACTION_DIRECT,   /* family, type, protocol: the descriptor itself */
	ACTION_FILES,    /* files, pipes, devices as SCM_RIGHTS of brokered sockets */
	ACTION_COUNT
};

/* Who asks. Groups are sorted by nobody; borrowed. */
struct subject {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;   /* supplementary, from SO_PEERGROUPS */
	size_t n_groups;
};

struct intent {
	enum action action;
	int family;            /* of the socket */
	int type;              /* SOCK_*, without flags */
	int protocol;          /* of the socket; for AF_PACKET an Ethernet type in host order */
	struct sock_addr addr; /* bind, listen, connect, send; resolve */
	int level, name;       /* option */
	/* option: the value, when it says where the option reaches: an
	 * interface's index (SO_BINDTODEVICE, memberships …); ioctl: likewise
	 * for SIOCSIF*. Or 0: all of them, the kernel's choice, unknown. */
	int ifindex;
	/* option: the value when it is a number (SO_MARK, IP_TRANSPARENT …) */
	long long value;
	unsigned long ioctl;   /* request */
	/* resolve: the name that is asked for, as it will be looked up; NULL: the
	 * name of @addr is asked for, whose port is not looked at. Borrowed: it lives as
	 * long as the call. connect, send: NULL, but for intent_parse(). */
	const char *host;
};

/* As in a log line or in `sockbroker policy explain`: "socket inet raw icmp",
 * "connect inet stream tcp 127.0.0.1:80", "option inet stream tcp SO_MARK",
 * "resolve www.example.org", "resolve 192.0.2.1".
 * Returns @text, always terminated. */
const char *intent_print(const struct intent *, char *text, size_t size);
enum { INTENT_TEXT_BYTES = 320 };

/*
 * The other way: an intent from words, as intent_print() writes them, one in
 * each of @argv: "bind" "inet" "stream" "tcp" "127.0.0.1:8080". The protocol may
 * be left out where it is 0. Interfaces are looked up by name. A name in the place
 * of an internet address ("www.example.org:443", which is cut at its colon)
 * becomes ret->host, and ret->addr an address of documentation (RFC 5737, RFC
 * 3849) that stands for it. Returns 0, or -EINVAL and, in @error, a sentence. @ret
 * is untouched on error; it borrows from @argv.
 */
int intent_parse(int argc, char **argv, struct intent *ret, char *error, size_t error_size);

/* "bind"; never NULL. */
const char *action_name(enum action);
/* False: no such word. ACTION_NONE has none. */
bool action_find(const char *name, enum action *ret);

#ifdef __cplusplus
}
#endif
#endif
