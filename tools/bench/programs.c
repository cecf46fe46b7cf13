/* SPDX-License-Identifier: Apache-2.0 */
#include "programs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { PATIENCE_MS = 60000, START_MS = 20000, END_MS = 5000, STEP_MS = 5 };
enum { TCP_LISTEN_STATE = 0x0a, UDP_BOUND_STATE = 0x07 }; /* of /proc/net */

/* ---- where they are ---------------------------------------------------------------- */

static char *in_folder(const char *folder, const char *sub, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", folder, sub, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *program_find(const char *name)
{
	static const char *const beside[] = { "", "../sbin/", "../../server/", "../sockbroker/" };
	char self[PATH_MAX] = "", *path = getenv("PATH"), *found = NULL, *folders;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
		const char *folder = dirname(self);

		for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && !found; i++)
			found = in_folder(folder, beside[i], name);
	}
	if (found || asprintf(&folders, "%s:/usr/sbin", path ? path : "/usr/bin") < 0)
		return found;
	for (char *rest = NULL, *p = strtok_r(folders, ":", &rest); p && !found;
	     p = strtok_r(NULL, ":", &rest))
		found = in_folder(p, "", name);
	free(folders);
	return found;
}

/* ---- running them ------------------------------------------------------------------- */

/* exec(2) gives root no more than this, and what is not root's nothing. */
static void drop_privilege(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap) == 0; cap++)
		;
}

static void become(const struct program *p, int input, int output)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(input < 0 ? null : input, STDIN_FILENO);
	dup2(output < 0 ? null : output, STDOUT_FILENO);
	if (output < 0)
		dup2(null, STDERR_FILENO);
	for (const char *const *e = p->environment; e && *e; e++)
		(void)putenv((char *)(uintptr_t)*e);
	machine_pin(p->core);
	if (p->unprivileged)
		drop_privilege();
	if (!p->folder || chdir(p->folder) == 0)
		execv(p->argv[0], (char *const *)(uintptr_t)p->argv);
	(void)fail(p->argv[0]);
	_exit(127);
}

pid_t program_start(const struct program *p, int input, int output)
{
	const pid_t pid = spawn();

	if (pid == 0)
		become(p, input, output);
	return pid < 0 ? fail("fork") : pid;
}

static bool has_ended(pid_t pid)
{
	siginfo_t end = { 0 };

	return waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid;
}

int program_end(pid_t pid)
{
	int status = 0;

	for (int waited = 0; waited < END_MS && !has_ended(pid); waited += STEP_MS)
		usleep(STEP_MS * 1000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

void program_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	(void)program_end(pid);
}

/* To the end, or what fits. */
static int read_text(int fd, char *text, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t done = 0;
	ssize_t n = 1;

	while (n > 0 && done < size - 1) {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			return -1;
		n = read(fd, text + done, size - 1 - done);
		done += n > 0 ? (size_t)n : 0;
	}
	text[done] = '\0';
	return n < 0 ? -1 : 0;
}

int program_read(const struct program *p, char *text, size_t size)
{
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("pipe2");
	pid = program_start(p, -1, ends[1]);
	close(ends[1]);
	r = pid < 0 ? -1 : read_text(ends[0], text, size);
	close(ends[0]);
	if (pid < 0)
		return -1;
	if (r < 0)
		kill(pid, SIGKILL);
	return program_end(pid) == 0 ? 0 : fail_with(p->argv[0], "it failed, or took too long");
}

/* ---- ports ----------------------------------------------------------------------------- */

uint16_t port_pick(int type)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(in);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &n) < 0)
		in.sin_port = 0;
	close(fd);
	return ntohs(in.sin_port);
}

/* By /proc, as a try to connect or to bind would be in its way. */
static bool is_taken(uint16_t port, int type)
{
	FILE *in = fopen(type == SOCK_STREAM ? "/proc/net/tcp" : "/proc/net/udp", "re");
	const unsigned wanted = type == SOCK_STREAM ? TCP_LISTEN_STATE : UDP_BOUND_STATE;
	unsigned bound, state;
	bool found = false;
	char line[512];

	while (in && !found && fgets(line, sizeof(line), in))
		found = sscanf(line, " %*u: %*x:%x %*x:%*x %x", &bound, &state) == 2 &&
			bound == port && state == wanted;
	if (in)
		fclose(in);
	return found;
}

int port_await(uint16_t port, int type, pid_t pid)
{
	for (int waited = 0; waited < START_MS; waited += STEP_MS) {
		if (is_taken(port, type))
			return 0;
		if (has_ended(pid))
			return -1;
		usleep(STEP_MS * 1000);
	}
	return -1;
}
