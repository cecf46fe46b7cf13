/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy file. What is refused is refused with one line; what is taken is
 * asked some questions, and a policy never lends what no rule says.
 */
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
};

static void ask(const struct policy *policy, const char *const *words)
{
	struct subject subject = { .uid = 1000, .gid = 1000 };
	char rule[RULE_TEXT_BYTES], error[128], *argv[6];
	struct intent intent;
	struct verdict v;
	int argc = 0;

	for (; argc < 6 && words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	check(intent_parse(argc, argv, &intent, error, sizeof(error)) == 0);

	v = policy_judge(policy, &subject, &intent, NULL, 0);
	check((v.lends & ~policy_lends(policy)) == 0);
	check(v.error == 0 || v.lends == 0);
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
