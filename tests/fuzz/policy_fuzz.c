/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy file. What is refused is refused with one line; what is taken is
 * asked some questions, and a policy never lends what no rule says.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "policy/policy.h"

static const char *const questions[][6] = {
	{ "socket", "inet", "raw", "icmp" },
	{ "socket", "packet", "raw", "all" },
	{ "bind", "inet", "stream", "tcp", "0.0.0.0:0" },
	{ "bind", "unix", "stream", "/run/a/b.sock" },
	{ "bind", "packet", "raw", "all", "*" },
	{ "bind", "netlink", "raw", "route", "0:0x11" },
	{ "connect", "inet6", "stream", "tcp", "[::ffff:127.0.0.1]:80" },
	{ "connect", "unix", "stream", "@name" },
	{ "connect", "vsock", "stream", "2:1000" },
	{ "send", "inet", "dgram", "udp", "10.0.0.1:53" },
	{ "option", "inet", "stream", "tcp", "SO_MARK", "7" },
	{ "ioctl", "inet", "dgram", "udp", "SIOCGIFINDEX" },
	{ "inspect" },
	{ "resolve", "www.example.org" },
	{ "resolve", "192.0.2.1" },
	{ "sethostname" },
	{ "connect", "inet", "stream", "tcp", "192.0.2.7:443" }, /* was told to it */
	{ "send", "rds", "seqpacket", "127.0.0.1:4000" },
	{ "connect", "smc", "stream", "smc6", "192.0.2.1:80" },
	{ "connect", "can", "dgram", "bcm", "can:*" },
	{ "bind", "tipc", "rdm", "range:1000:5-9" },
	{ "send", "tipc", "rdm", "id:1:77" },
	{ "connect", "bluetooth", "seqpacket", "l2cap", "00:11:22:33:44:55:25" },
	{ "bind", "bluetooth", "stream", "rfcomm", "00:00:00:00:00:00:0" },
	{ "bind", "bluetooth", "raw", "hci", "none:2" },
	{ "bind", "alg", "seqpacket", "hash/sha256" },
	{ "send", "qipcrtr", "dgram", "1:16384" },
	{ "ioctl", "inet", "raw", "icmp", "SIO_RCVALL", "*" },
	{ "direct", "inet", "stream", "tcp" },
	{ "direct", "packet", "raw", "all" },
	{ "files" },
};

enum { SECOND = 1000000000 };

/* The asker was told an address, and one that must be named. */
static void tell(const struct policy *policy, const struct subject *subject, struct grants *grants)
{
	static const char *const told[] = { "192.0.2.7", "127.0.0.1" };
	struct sock_addr addrs[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_in in = { .sin_family = AF_INET };

		inet_pton(AF_INET, told[i], &in.sin_addr);
		memcpy(&addrs[i].ss, &in, sizeof(in));
		addrs[i].len = sizeof(in);
	}
	check(policy_grant(policy, subject, "a.example.org", addrs, 2, SECOND, grants) == 0);
}

static void ask(const struct policy *policy, const char *const *words)
{
	struct subject subject = { .uid = 1000, .gid = 1000 };
	struct grants grants = { 0 };
	char rule[RULE_TEXT_BYTES], error[128], *argv[6], copies[6][64];
	struct intent intent;
	struct verdict v;
	int argc = 0;

	for (; argc < 6 && words[argc]; argc++)
		argv[argc] = strcpy(copies[argc], words[argc]);
	check(intent_parse(argc, argv, &intent, error, sizeof(error)) == 0);

	tell(policy, &subject, &grants);
	v = policy_judge(policy, &subject, &intent, &grants, 2 * (uint64_t)SECOND);
	grants_free(&grants);
	check((v.lends & ~policy_lends(policy)) == 0);
	check(v.error == 0 || v.lends == 0);
	check(intent.action == ACTION_DIRECT || (!v.sets.has_mark && !v.sets.device[0]));
	check(!v.sets.has_mark || v.lends & LEND_NET_ADMIN);
	check(!v.sets.device[0] || v.lends & LEND_NET_RAW);
	check(v.error != 0 || v.rule);
	check(v.error != 0 || policy_knows(policy, &subject));
	check(strlen(rule_print(policy, v.rule, rule, sizeof(rule))) < sizeof(rule));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[200] = "";
	struct policy *policy = policy_parse((const char *)data, size, "fuzz", error, sizeof(error));

	if (!policy) {
		check(strncmp(error, "fuzz:", 5) == 0 && !strchr(error, '\n'));
		return 0;
	}
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ask(policy, questions[i]);
	policy_unref(policy);
	return 0;
}
