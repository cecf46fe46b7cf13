/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - the sentences of sb_error_message(), made when they are asked for. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fork.h"
#include "sockbroker.h"

struct last_error {
	const char *call;
	int error;
	enum error_origin origin;
	char address[128];
	char text[512];
};

static _Thread_local struct last_error last;

struct sentence {
	enum error_origin origin;
	int error;
	const char *text;
};

/* What to do about it; %s is the broker's address. */
static const struct sentence sentences[] = {
	{ ERROR_CONNECTING, ENOENT,
	  "there is no broker at %s. Start sockbrokerd, or set SOCKBROKER_ADDRESS to its address." },
	{ ERROR_CONNECTING, ECONNREFUSED,
	  "no broker listens at %s, though one did. Start sockbrokerd again; see its log for why it ended." },
	{ ERROR_CONNECTING, EACCES,
	  "the broker at %s refuses this user: its socket's permissions, or no rule of its policy "
	  "speaks of this user. Ask the administrator for one." },
	{ ERROR_CONNECTING, EPERM,
	  "the broker at %s refuses this user. Ask the administrator for a rule." },
	{ ERROR_CONNECTING, EINVAL,
	  "'%s' is no address of a broker. It looks like \"" SB_DEFAULT_ADDRESS "\"." },
	{ ERROR_CONNECTING, ENAMETOOLONG,
	  "the path in %s is too long for a UNIX socket (107 bytes)." },
	{ ERROR_CONNECTING, EPROTO,
	  "what listens at %s is no broker, or one that speaks another version of the protocol." },
	{ ERROR_CONNECTING, ETIMEDOUT,
	  "the broker at %s does not answer." },
	{ ERROR_CONNECTING, EMFILE,
	  "too many sessions or descriptors are open, here or at the broker at %s." },
	{ ERROR_GONE, EPIPE,
	  "the broker has gone, and the socket with it. Close it and open another." },
	{ ERROR_LEFT, EPIPE,
	  "the other end has closed the connection; or, if the call is one that the broker does, that has gone: "
	  "the socket is real, and works on without it for data." },
	{ ERROR_LOOKUP, EADDRNOTAVAIL, "the broker's system knows no such host, or no address of it." },
	{ ERROR_LOOKUP, EAGAIN, "the broker's name servers do not answer now, or too many lookups are under way." },
	{ ERROR_LOOKUP, EINVAL, "the port is no number, nor a service that the broker's system knows." },
	{ ERROR_LOOKUP, EIO, "the broker's name servers failed." },
	{ ERROR_LOOKUP, ETIMEDOUT, "the broker's name servers did not answer in time." },
	{ ERROR_LOOKUP, EACCES, "the broker's policy does not let this user look the name up. Ask the administrator for a rule." },
	{ ERROR_BROKER, EACCES,
	  "the broker's policy, or the kernel, refuses it. Ask the administrator for a rule; "
	  "`sockbroker policy explain` tells which one decides." },
	{ ERROR_BROKER, EPERM,
	  "the broker's policy, or the kernel, refuses it. Ask the administrator for a rule that "
	  "allows it, or that lends the capability; `sockbroker policy explain` tells which one decides." },
	{ ERROR_BROKER, EMFILE,
	  "this session, or this user, has as many sockets, lookups or calls in flight as the broker's limits allow." },
	{ ERROR_BROKER, ENOBUFS,
	  "the broker holds as many bytes for this session as its limits allow, or the network's queue is full." },
	{ ERROR_BROKER, EBADF,
	  "the socket was closed meanwhile." },
	{ ERROR_BROKER, ENOPROTOOPT, "there is no such socket option, or the broker does not know it." },
	{ ERROR_BROKER, EAFNOSUPPORT,
	  "the broker, or its kernel, does not know this family of addresses, or the socket is of another." },
	{ ERROR_BROKER, ENOSYS, "the broker does not know this operation: it is older than the library." },
	{ ERROR_BROKER, EPROTO, "the broker's answer makes no sense: the library and it do not fit together." },
	{ ERROR_DIRECT, EACCES,
	  "no rule of the broker's policy says `direct` of such a socket for this user. Ask the administrator "
	  "for one; `sockbroker policy explain` tells which one decides." },
	{ ERROR_DIRECT, EPERM,
	  "the kernel refuses the mark or the device that the rule sets on it: see the broker's log." },
	{ ERROR_DIRECT, EBUSY,
	  "data of this socket that a cancelled call had received lies at the broker. Receive it first." },
	{ ERROR_DIRECT, EOPNOTSUPP, "SIO_RCVALL is on: its datagrams come from the broker, not from the socket." },
	{ ERROR_DIRECT, EMFILE, "too many descriptors that were asked for have not been fetched." },
	{ ERROR_DIRECT, ENOSYS, "the broker gives no real descriptors: it is older than the library." },
	{ ERROR_DESCRIPTORS, EOPNOTSUPP,
	  "the broker has no descriptor socket beside its own, or it cannot be reached from here (another root?)." },
	{ ERROR_DESCRIPTORS, ENOENT,
	  "the broker does not know the ticket: has this process become another user since it connected?" },
	{ ERROR_DESCRIPTORS, EACCES, "the permissions of the broker's descriptor socket shut this user out." },
	{ ERROR_DESCRIPTORS, EMFILE,
	  "this process has too many descriptors open, or this user too many connections for them." },
	{ ERROR_DESCRIPTORS, ETIMEDOUT, "the broker's descriptor socket does not answer." },
	{ ERROR_DESCRIPTORS, EPROTO, "what listens beside the broker's socket is no descriptor socket." },
	{ ERROR_GIVEN, ENOTSOCK, "the descriptor is no socket." },
	{ ERROR_GIVEN, EACCES, "no rule of the broker's policy lets this user give it files." },
	{ ERROR_GIVEN, EOPNOTSUPP,
	  "the broker takes no AF_UNIX socket (a brokered one's stand-in is one too); or it has no descriptor socket." },
	{ ERROR_GIVEN, EXDEV, "the socket is of another network namespace than the broker's." },
	{ ERROR_GIVEN, EMFILE, "too many sockets were given, or descriptors are open, here or at the broker." },
	{ ERROR_GIVEN, ETIMEDOUT, "the broker's descriptor socket does not answer." },
	{ ERROR_GIVEN, EPROTO, "what listens beside the broker's socket is no descriptor socket." },
	{ ERROR_LOCAL, ENOPROTOOPT, "there is no such socket option, or the library does not know it." },
	{ ERROR_LOCAL, ENOTTY, "it is no ioctl of sockets, or the library does not know it." },
	{ ERROR_LOCAL, EBADF, "the descriptor is not open." },
	{ ERROR_LOCAL, ENOTSOCK, "the descriptor is a file of this process, not one of sb_socket()." },
	{ ERROR_LOCAL, EMFILE, "this process has too many descriptors open (a brokered socket takes two); see ulimit -n." },
	{ ERROR_LOCAL, EXDEV, "the sockets are of different brokers." },
};

ssize_t error_return(const char *call, enum error_origin origin, ssize_t result)
{
	if (result >= 0)
		return result;
	last.call = call;
	last.error = (int)-result;
	last.origin = origin;
	errno = (int)-result;
	return -1;
}

void error_address(const char *address)
{
	snprintf(last.address, sizeof(last.address), "%s", address);
}

static const char *sentence_find(enum error_origin origin, int error)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (sentences[i].origin == origin && sentences[i].error == error)
			return sentences[i].text;
	return NULL;
}

const char *sb_error_message(void)
{
	char reason[128] = "", detail[320] = "";
	const char *sentence;

	if (!last.error)
		return "no call has failed.";
	sentence = sentence_find(last.origin, last.error);
	if (fork_is_child() && last.error == EBADF)
		sentence = "after fork() the child has no access to the broker, nor to its parent's sockets but "
			   "the real ones, for data.";
	if (!sentence && last.origin == ERROR_CONNECTING)
		sentence = "the broker at %s cannot be reached.";

	/* One word the table has no sentence for says enough by itself. */
	snprintf(reason, sizeof(reason), "%s", strerrordesc_np(last.error) ?
		 strerrordesc_np(last.error) : "unknown error");
	if (sentence && strstr(sentence, "%s")) {
		const char *mark = strstr(sentence, "%s");

		snprintf(detail, sizeof(detail), "%.*s%s%s", (int)(mark - sentence), sentence,
			 last.address, mark + 2);
	} else if (sentence) {
		snprintf(detail, sizeof(detail), "%s", sentence);
	}
	snprintf(last.text, sizeof(last.text), "%s: %s%s%s", last.call, reason,
		 sentence ? ": " : ".", detail);
	return last.text;
}
