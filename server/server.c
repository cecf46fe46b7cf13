/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/shard.h"
#include "core/workers.h"
#include "front/front.h"
#include "identity/listener.h"
#include "inspect/inspect.h"
#include "ops/idn.h"
#include "ops/offers.h"
#include "ops/op.h"
#include "policy/policy.h"
#include "sandbox/privileges.h"
#include "tickets/desk.h"

enum { WORKERS = 4, RESOLVERS = 64, PATIENCE_MS = 1000, ERROR_BYTES = 1024 };

struct server {
	const struct config *config;
	struct door door;
	struct desk *desk;
	struct policy *policy;
	struct workers *workers, *resolvers;
	struct shard *shards;
	unsigned n_shards;
	struct front *front;
	int signals;
};

/* ---- policy ------------------------------------------------------------------ */

static void add_address(struct sock_addr *addrs, size_t *n, const struct sockaddr *sa)
{
	int family = sa ? sa->sa_family : AF_UNSPEC;
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
		: family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;

	if (!len)
		return;
	memcpy(&addrs[*n].ss, sa, len);
	addrs[(*n)++].len = len;
}

/* The host's own addresses trust their caller, so `any` does not mean them.
 * Not to know them would be to allow them. */
static int tell_host_addresses(struct policy *policy)
{
	struct ifaddrs *all, *i;
	struct sock_addr *addrs;
	size_t n = 0;
	int r = -ENOMEM;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (i = all; i; i = i->ifa_next)
		n++;
	addrs = calloc(2 * n + 1, sizeof(*addrs));
	n = 0;
	for (i = all; addrs && i; i = i->ifa_next) {
		add_address(addrs, &n, i->ifa_addr);
		if (i->ifa_flags & IFF_BROADCAST)
			add_address(addrs, &n, i->ifa_broadaddr);
	}
	if (addrs)
		r = policy_set_host_addresses(policy, addrs, n);
	free(addrs);
	freeifaddrs(all);
	return r;
}

static struct policy *read_policy(const struct config *config, char *error, size_t size)
{
	struct policy *policy;

	if (config->policy) {
		policy = policy_load(config->policy, error, size);
		if (policy && tell_host_addresses(policy) < 0) {
			snprintf(error, size, "cannot learn the host's own addresses, which a policy must not allow by `any`");
			policy = policy_unref(policy);
		}
		return policy;
	}
	if (geteuid() == 0) {
		snprintf(error, size,
			 "started as root without --policy, it would serve nobody: write a policy "
			 "(sockbroker-policy(5) has recipes) and name it with --policy FILE");
		return NULL;
	}
	policy = policy_same_user(geteuid());
	if (!policy)
		snprintf(error, size, "memory is out");
	return policy;
}

/* What only a rule at the start makes us keep. */
static void warn_of_lends(const struct policy *policy)
{
	if (policy_lends(policy) & ~privileges_lendable() & LEND_SYS_ADMIN)
		log_line(LOG_LEVEL_WARNING, "a rule lends CAP_SYS_ADMIN, which is not kept unless a rule "
			 "lent it, and we had it, at the start: restart sockbrokerd with it");
}

static void reload_policy(struct server *s)
{
	char error[ERROR_BYTES];
	struct policy *policy;

	if (!s->config->policy)
		return;
	policy = read_policy(s->config, error, sizeof(error));
	if (!policy) {
		log_line(LOG_LEVEL_ERROR, "the policy was not read again, the old one stays in force: %s", error);
		return;
	}
	for (unsigned i = 0; i < s->n_shards; i++)
		shard_set_policy(&s->shards[i], policy);
	desk_set_policy(s->desk, policy);
	policy_unref(s->policy);
	s->policy = policy;
	inspect_note_policy(s->config->policy, policy_rule_count(policy));
	log_line(LOG_LEVEL_INFO, "read the policy %s again: %zu rules", s->config->policy,
		 policy_rule_count(policy));
	warn_of_lends(policy);
}

/* ---- parts ------------------------------------------------------------------- */

static int make_shards(struct server *s)
{
	s->workers = workers_new(WORKERS);
	s->shards = calloc(s->config->shards, sizeof(*s->shards));
	s->resolvers = workers_new(RESOLVERS);
	if (!s->workers || !s->resolvers || !s->shards)
		return -ENOMEM;
	for (; s->n_shards < s->config->shards; s->n_shards++) {
		int r = shard_init(&s->shards[s->n_shards], s->n_shards, s->config->shards,
				   s->workers, s->resolvers, s->policy);

		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < s->n_shards; i++) {
		int r = shard_start(&s->shards[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_front(struct server *s)
{
	s->front = front_new(s->shards, s->n_shards);
	return s->front ? front_start(s->front) : -ENOMEM;
}

/* As many sockets as we may have. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_doors(struct server *s, char *error, size_t size)
{
	const struct config *config = s->config;
	int r = door_open(&s->door, config->listen, SOCK_STREAM, config->socket_mode, error, size);

	if (r < 0)
		return r;
	s->desk = desk_open(config->listen, config->socket_mode, error, size);
	return s->desk ? 0 : -EINVAL;
}

static int server_make(struct server *s)
{
	char error[ERROR_BYTES] = "";
	uint64_t seed;
	int r;

	(void)!getrandom(&seed, sizeof(seed), 0);
	handles_seed(seed);
	op_table_init();
	idn_init();
	raise_limits();
	s->policy = read_policy(s->config, error, sizeof(error));
	if (!s->policy) {
		log_line(LOG_LEVEL_ERROR, "%s", error);
		return -EINVAL;
	}
	inspect_note_policy(s->config->policy, policy_rule_count(s->policy));
	r = open_doors(s, error, sizeof(error));
	if (r == 0)
		r = privileges_drop(s->config->user, policy_lends(s->policy), error, sizeof(error));
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", error);
		return r;
	}
	warn_of_lends(s->policy);
	s->signals = open_signals();
	r = s->signals < 0 ? -errno : log_start();
	if (r == 0)
		r = make_shards(s);
	if (r == 0)
		r = make_front(s);
	if (r == 0)
		r = desk_start(s->desk, s->policy);
	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "cannot start: %s", strerror(-r));
	return r;
}

static void free_shards(struct server *s)
{
	/* A name service that hangs can't be ended, nor a close(2) that does: then the process
	 * ends around it, and what it may still touch stays. */
	const bool all = workers_end(s->resolvers, PATIENCE_MS);

	if (!crews_end(PATIENCE_MS) || !all)
		return;
	for (unsigned i = 0; i < s->n_shards; i++)
		shard_done(&s->shards[i]);
	free(s->shards);
}

static void server_unmake(struct server *s)
{
	door_close(&s->door);
	desk_close(s->desk);
	front_free(s->front);
	for (unsigned i = 0; i < s->n_shards; i++)
		shard_stop(&s->shards[i]);
	workers_free(s->workers);
	offers_expire(UINT64_MAX);
	free_shards(s);
	if (s->signals >= 0)
		close(s->signals);
	policy_unref(s->policy);
	log_stop();
}

/* ---- the main thread's loop ---------------------------------------------------- */

/* Returns false when it is time to end. */
static bool take_signal(struct server *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGHUP) {
		reload_policy(s);
		return true;
	}
	log_line(LOG_LEVEL_INFO, "ending, on signal %u of process %u", info.ssi_signo, info.ssi_pid);
	return false;
}

static void server_loop(struct server *s)
{
	struct pollfd fds[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->door.fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents && !take_signal(s))
			return;
		if (fds[1].revents)
			listener_accept(&s->door, s->front, s->policy);
	}
}

static void tell_ready(const struct server *s)
{
	log_line(LOG_LEVEL_INFO, "serving on %s: %zu rules, %u shards", s->config->listen,
		 policy_rule_count(s->policy), s->n_shards);
	if (s->config->ready_fd < 0)
		return;
	(void)!write(s->config->ready_fd, "\n", 1);
	close(s->config->ready_fd);
}

int server_run(const struct config *config)
{
	struct server s = { .config = config, .door = { .fd = -1 }, .signals = -1 };
	int r = server_make(&s);

	if (r == 0) {
		tell_ready(&s);
		server_loop(&s);
	}
	server_unmake(&s);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
