/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy.h"

#define DEFAULT_POLICY "/etc/sockbroker/policy.yaml"

enum { GROUPS_MAX = 1024, ADDRESSES_MAX = 1024 };

struct question {
	const char *file;
	const char *user; /* name or number; NULL: who runs this */
	char **words;
	int n_words;
};

static const struct argp_option options[] = {
	{ "policy", 'p', "FILE", 0, "The policy (default: " DEFAULT_POLICY ")", 0 },
	{ "user", 'u', "NAME", 0, "Who asks, a name or a uid (default: you)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct question *question = state->input;

	switch (key) {
	case 'p':
		question->file = arg;
		return 0;
	case 'u':
		question->user = arg;
		return 0;
	case ARGP_KEY_ARGS:
		question->words = state->argv + state->next;
		question->n_words = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say what to judge, as: socket inet raw icmp");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A user of the system, or NULL. A number need not be one of them. */
static const struct passwd *find_user(const char *user)
{
	static struct passwd stranger;
	const struct passwd *known;
	char *end;
	unsigned long uid;

	if (!user) {
		uid = getuid();
	} else {
		known = getpwnam(user);
		if (known)
			return known;
		errno = 0;
		uid = strtoul(user, &end, 10);
		if (errno || end == user || *end || uid >= (uid_t)-1)
			return NULL;
	}
	known = getpwuid((uid_t)uid);
	if (known)
		return known;
	stranger.pw_uid = (uid_t)uid;
	stranger.pw_gid = (gid_t)-1;
	return &stranger;
}

static void add_address(const struct sockaddr *address, struct sock_addr *list, size_t *n)
{
	const socklen_t length = !address			  ? 0
				 : address->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
				 : address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								  : 0;

	if (length == 0 || *n == ADDRESSES_MAX)
		return;
	memcpy(&list[*n].ss, address, length);
	list[(*n)++].len = length;
}

/* As the broker does: this host's own addresses are not "any". Returns 0 or -errno. */
static int tell_host_addresses(struct policy *policy)
{
	static struct sock_addr list[ADDRESSES_MAX];
	struct ifaddrs *all;
	size_t n = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		add_address(i->ifa_addr, list, &n);
		if (i->ifa_flags & IFF_BROADCAST)
			add_address(i->ifa_broadaddr, list, &n);
	}
	freeifaddrs(all);
	return policy_set_host_addresses(policy, list, n);
}

static void print_lends(uint32_t lends)
{
	static const struct { uint32_t bit; const char *name; } names[] = {
		{ LEND_NET_RAW, "CAP_NET_RAW" },
		{ LEND_NET_ADMIN, "CAP_NET_ADMIN" },
		{ LEND_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE" },
		{ LEND_SYS_ADMIN, "CAP_SYS_ADMIN" },
	};
	const char *before = "lends   ";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(lends & names[i].bit))
			continue;
		printf("%s%s", before, names[i].name);
		before = ", ";
	}
	if (lends)
		putchar('\n');
}

static void print_sets(const struct sets *sets)
{
	if (sets->has_mark)
		printf("sets    SO_MARK to %#x, which its holder cannot change\n", sets->mark);
	if (sets->device[0])
		printf("sets    SO_BINDTODEVICE to %s, which its holder cannot change\n", sets->device);
}

/* A name instead of an address: judge as if the asker had just been told that it
 * has the address of documentation that stands for it. Returns 0 or -ENOMEM. */
static int suppose_resolved(const struct policy *policy, const struct subject *who,
			    const struct intent *intent, struct grants *grants)
{
	if (!intent->host || intent->action == ACTION_RESOLVE)
		return 0;
	return policy_grant(policy, who, intent->host, &intent->addr, 1, 0, grants);
}

static int explain(const struct policy *policy, const struct passwd *user,
		   const struct intent *intent)
{
	static gid_t groups[GROUPS_MAX];
	int n_groups = GROUPS_MAX;
	struct subject who = { .uid = user->pw_uid, .gid = user->pw_gid, .groups = groups };
	char text[INTENT_TEXT_BYTES], rule[RULE_TEXT_BYTES];
	struct grants grants = { 0 };
	struct verdict verdict;

	if (user->pw_name && getgrouplist(user->pw_name, user->pw_gid, groups, &n_groups) > 0)
		who.n_groups = (size_t)n_groups;

	if (suppose_resolved(policy, &who, intent, &grants) < 0) {
		fail("memory is out");
		return EXIT_USAGE;
	}
	verdict = policy_judge(policy, &who, intent, &grants, 0);
	printf("asks    %s\n", intent_print(intent, text, sizeof(text)));
	if (intent->host && intent->action != ACTION_RESOLVE)
		printf("as if   its session had asked for %s, and was told an address that no rule must name\n",
		       intent->host);
	if (user->pw_name)
		printf("who     %s (uid %u)\n", user->pw_name, user->pw_uid);
	else
		printf("who     uid %u, who is no user of this system\n", user->pw_uid);
	printf("verdict %s\n", verdict.error ? "denied" : "allowed");
	if (verdict.error)
		printf("error   %s: %s\n", strerrorname_np(-verdict.error),
		       strerror(-verdict.error));
	printf("by      %s\n", rule_print(policy, verdict.rule, rule, sizeof(rule)));
	print_lends(verdict.error ? 0 : verdict.lends);
	print_sets(&verdict.sets);
	grants_free(&grants);
	return verdict.error ? EXIT_NO : EXIT_YES;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "ACTION WORD...",
		.doc = "Judge a call by a policy, as the broker would, and print the rule that "
		       "decides.\v"
		       "ACTION is socket, direct, bind, listen, connect, send, option, ioctl, "
		       "inspect, resolve, sethostname or files; the WORDs are as in the broker's log: family, type, "
		       "protocol, then an address, an option or an ioctl; or what is to be "
		       "resolved:\n\n"
		       "  socket inet raw icmp\n"
		       "  direct inet raw icmp\n"
		       "  connect inet stream tcp 127.0.0.1:80\n"
		       "  option inet stream tcp SO_MARK\n"
		       "  resolve www.example.org\n"
		       "  connect inet stream tcp www.example.org:443\n\n"
		       "The last asks what holds after the session has asked for that name.\n\n"
		       "Exit status: 0 if it is allowed, 1 if denied, 2 if that cannot be said.",
	};
	struct question question = { .file = DEFAULT_POLICY };
	const struct passwd *user;
	struct policy *policy;
	struct intent intent;
	char error[512];
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &question);
	user = find_user(question.user);
	if (!user) {
		fail("there is no user '%s'; give the name or the number of one", question.user);
		return EXIT_USAGE;
	}
	if (intent_parse(question.n_words, question.words, &intent, error, sizeof(error)) < 0) {
		fail("%s", error);
		return EXIT_USAGE;
	}
	policy = policy_load(question.file, error, sizeof(error));
	if (!policy) {
		fail("%s", error);
		return EXIT_USAGE;
	}
	if (tell_host_addresses(policy) < 0) {
		fail("cannot list this host's addresses, without which nothing can be judged");
		policy_unref(policy);
		return EXIT_USAGE;
	}
	status = explain(policy, user, &intent);
	policy_unref(policy);
	return status;
}

const struct command command_policy_explain = {
	.name = "policy explain",
	.summary = "judge a call by a policy and print the rule that decides",
	.run = run,
};
