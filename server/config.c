/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <argp.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEY_POLICY = 'p', KEY_LISTEN = 'l', KEY_USER = 'u',
       KEY_LOG_LEVEL = 0x100, KEY_SHARDS, KEY_SOCKET_MODE, KEY_READY_FD };
enum { SHARDS_MAX = 64, SHARDS_DEFAULT_MAX = 4 };

static const char doc[] =
	"Own sockets for programs that may not open them, as a policy allows."
	"\vStarted as root, it needs --policy, and becomes the user that --user names. Started "
	"by another user without --policy, it serves that user alone, who may do what the "
	"kernel allows anyhow.\n\n"
	"SIGHUP reads the policy again; a broken file leaves the old one in force. SIGTERM "
	"and SIGINT end it in order.";

static const struct argp_option options[] = {
	{ "listen", KEY_LISTEN, "unix:/PATH", 0,
	  "Where clients connect (unix:/run/sockbroker/broker.sock)", 0 },
	{ "policy", KEY_POLICY, "FILE", 0, "The rules: who may do what; see sockbroker-policy(5)", 0 },
	{ "user", KEY_USER, "NAME", 0, "Whom to become when started as root (sockbroker)", 0 },
	{ "log-level", KEY_LOG_LEVEL, "LEVEL", 0, "error, warning, info or debug (info)", 0 },
	{ "shards", KEY_SHARDS, "N", 0, "Shares the clients are spread over, 1 to 64 (one for each two processors, at most 4)", 0 },
	{ "socket-mode", KEY_SOCKET_MODE, "OCTAL", 0, "Permissions of the socket (0666: the policy decides)", 0 },
	{ "ready-fd", KEY_READY_FD, "N", 0, "Write a newline to this descriptor once clients can connect", 0 },
	{ 0 },
};

static unsigned number(struct argp_state *state, const char *what, const char *text, int base,
		       unsigned long least, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, base);

	if (!*text || *end || *text == '-' || n < least || n > most)
		argp_error(state, base == 8 ? "%s takes an octal number from %lo to %lo, not '%s'"
					    : "%s takes a number from %lu to %lu, not '%s'",
			   what, least, most, text);
	return (unsigned)n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct config *c = state->input;
	int level;

	switch (key) {
	case KEY_LISTEN:
		c->listen = arg;
		return 0;
	case KEY_POLICY:
		c->policy = arg;
		return 0;
	case KEY_USER:
		c->user = arg;
		return 0;
	case KEY_LOG_LEVEL:
		level = log_level_parse(arg);
		if (level < 0)
			argp_error(state, "--log-level takes error, warning, info or debug, not '%s'", arg);
		c->log_level = (enum log_level)level;
		return 0;
	case KEY_SHARDS:
		c->shards = number(state, "--shards", arg, 10, 1, SHARDS_MAX);
		return 0;
	case KEY_SOCKET_MODE:
		c->socket_mode = number(state, "--socket-mode", arg, 8, 0, 0777);
		return 0;
	case KEY_READY_FD:
		c->ready_fd = (int)number(state, "--ready-fd", arg, 10, 0, 1 << 20);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The clients need processors too; and gRPC has one thread poll for all of its
 * queues: what it finds for another shard's is handed over, which costs more than
 * most requests. */
static unsigned default_shards(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return n < 1 ? 1 : n > SHARDS_DEFAULT_MAX ? SHARDS_DEFAULT_MAX : (unsigned)n;
}

const char *argp_program_version = "sockbrokerd " SB_VERSION;

void config_parse(struct config *c, int argc, char **argv)
{
	static const struct argp argp = { .options = options, .parser = parse_option, .doc = doc };

	*c = (struct config){
		.listen = "unix:/run/sockbroker/broker.sock",
		.user = "sockbroker",
		.log_level = LOG_LEVEL_INFO,
		.shards = default_shards(),
		.socket_mode = 0666,
		.ready_fd = -1,
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, c);
}
