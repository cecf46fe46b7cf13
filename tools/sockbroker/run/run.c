/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - the order of things, and the main thread's loop. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../command.h"
#include "call.h"
#include "child.h"
#include "filter.h"
#include "netlink.h"
#include "privilege.h"
#include "receivers.h"
#include "sockbroker.h"

/* The main thread's. */
struct family {
	struct child child;
	int status;        /* of the program, once it has ended */
	bool ended;
};

static const int heard[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

static void block_signals(sigset_t *ours, sigset_t *before)
{
	sigemptyset(ours);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(ours, heard[i]);
	sigprocmask(SIG_BLOCK, ours, before);
}

/* After the child was made, which has what we were given. */
static void settle(void)
{
	static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
	struct rlimit files;
	int fd;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	/* No socket of ours may become standard error. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	/* Each call that waits has a descriptor. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* Who is made by the program and outlives it is still ours to look into (Yama). */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* The program may have our user, but is not to have our session at the broker. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Opened before the program runs, so that it is known early that it cannot be. */
static FILE *open_policy(const char *path)
{
	FILE *file = path ? fopen(path, "we") : NULL;

	if (path && !file)
		fail("cannot write %s: %s", path, strerror(errno));
	return file;
}

static void write_policy(struct report *report, FILE *file, const struct run_options *options)
{
	int r = file ? report_write_policy(report, file, options->argv[0]) : 0;

	if (file && fclose(file) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		fail("cannot write %s: %s", options->suggest, strerror(-r));
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? RUN_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The program stopped, as by ^Z: the shell waits for us to do so too. */
static void stop_too(const struct child *child)
{
	(void)kill(getpid(), SIGSTOP);
	(void)kill(child->pid, SIGCONT);
}

static void reap(struct family *f)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != f->child.pid)
			continue;
		if (WIFSTOPPED(status)) {
			stop_too(&f->child);
			continue;
		}
		f->status = status;
		f->ended = true;
	}
}

/* What the program has left behind is our child now; where the kernel does not list those
 * (CONFIG_PROC_CHILDREN), it is for whoever knows them to end them. */
static void tell_the_rest(int number)
{
	char path[64];
	FILE *children;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	children = fopen(path, "re");
	while (children && fscanf(children, "%d", &pid) == 1)
		(void)kill(pid, number);
	if (children)
		fclose(children);
}

/* What the terminal sends the program has got by itself; what somebody sent us is meant for it. */
static void hear(struct family *f, const struct signalfd_siginfo *info)
{
	const int number = (int)info->ssi_signo;

	reap(f); /* SIGCHLD may lie behind the others */
	if (number == SIGCHLD || info->ssi_code > 0)
		return;
	if (f->ended)
		tell_the_rest(number);
	else
		(void)kill(f->child.pid, number);
}

static void hear_all(struct family *f, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		hear(f, &info);
}

static int watch(int epoll, int fd, uint32_t events, void *what)
{
	struct epoll_event event = { .events = events, .data.ptr = what };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Until nobody uses the filter any more. */
static void serve(struct run *run, struct family *f, int signals)
{
	enum { EVENTS = 64 };
	struct epoll_event events[EVENTS];
	bool alive = true;

	while (alive) {
		const int n = epoll_wait(run->waits.epoll, events, EVENTS, -1);
		bool look = false;

		for (int i = 0; i < n; i++) {
			void *what = events[i].data.ptr;

			if (what == run)
				alive = false;
			else if (what == f)
				hear_all(f, signals);
			else if (what == &run->report)
				report_tell(&run->report);
			else if (what == &run->waits)
				look = true; /* behind the others: it frees calls */
			else
				waits_ready(&run->waits, what);
		}
		if (look)
			waits_look(&run->waits);
	}
	while (!f->ended && waitpid(f->child.pid, &f->status, 0) < 0 && errno == EINTR)
		;
}

/* Everything is there: the program may begin. */
static int begin(struct run *run, struct family *f, const sigset_t *ours)
{
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	const int signals = signalfd(-1, ours, SFD_CLOEXEC | SFD_NONBLOCK);
	int r = epoll < 0 || signals < 0 ? -errno : waits_init(&run->waits, epoll);

	if (r == 0)
		r = watch(epoll, signals, EPOLLIN, f);
	if (r == 0)
		r = watch(epoll, run->report.timer, EPOLLIN, &run->report);
	if (r == 0)
		r = watch(epoll, run->listener, 0, run);
	if (r == 0)
		r = receivers_start(run);
	if (r < 0) {
		child_cancel(&f->child);
		fail("cannot run it: %s", strerror(-r));
		return RUN_FAILED;
	}
	child_go(&f->child);
	serve(run, f, signals);
	waits_end(&run->waits);
	report_tell(&run->report);
	return exit_status(f->status);
}

static int no_listener(int error)
{
	switch (error) {
	case -EBUSY:
		fail("somebody listens already to what programs do here: another `sockbroker run`, or "
		     "a container's supervisor. There can be one; begin the program outside of it");
		break;
	case -EPERM:
	case -EACCES:
		fail("this process may not look into its own child: %s. Yama's ptrace_scope above 1, or a "
		     "container's rules, forbid it", strerror(-error));
		break;
	default:
		fail("cannot filter the program's calls: %s", strerror(-error));
	}
	return RUN_FAILED;
}

static bool broker_is_there(void)
{
	sb_broker *broker = sb_connect_broker(NULL, SB_TRANSPORT_STREAM);

	if (!broker)
		fail("%s", sb_error_message());
	sb_disconnect_broker(broker);
	return broker;
}

/* A receiver may be at work still, for one that was killed: nothing is to be taken from under it. */
static int leave(const struct run *run, int status)
{
	if (run->busy)
		_exit(status);
	return status;
}

int run_program(const struct run_options *options)
{
	static struct run run; /* the threads outlive this call */
	FILE *policy = open_policy(options->suggest);
	struct family family = { 0 };
	sigset_t ours, before;
	int r;

	if (options->suggest && !policy)
		return RUN_FAILED;
	run.all = options->all;
	run.holds_signals = filter_holds_signals();
	block_signals(&ours, &before);
	r = child_start(options->argv, &before, &family.child);
	if (r < 0) {
		fail("cannot make a process: %s", strerror(-r));
		return RUN_FAILED;
	}
	settle();
	privilege_drop();
	if (report_init(&run.report, options->trace, policy) < 0 || !broker_is_there()) {
		child_cancel(&family.child);
		return RUN_FAILED;
	}
	run.netlink = options->suggest || netlink_is_of_use();
	run.listener = child_listen(&family.child, run.all, run.netlink);
	if (run.listener < 0) {
		child_cancel(&family.child);
		return no_listener(run.listener);
	}
	r = begin(&run, &family, &ours);
	write_policy(&run.report, policy, options);
	return leave(&run, r);
}
