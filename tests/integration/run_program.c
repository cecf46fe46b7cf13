/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_program.c - what run_test.cc runs, natively and under `sockbroker run`: an act by its name,
 * which prints what the calls say. Nothing that it prints depends on a port or a number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int bound(int type, struct sockaddr_in *ret)
{
	const int fd = socket(AF_INET, type, 0);
	socklen_t length = sizeof(*ret);

	*ret = loopback(0);
	if (fd < 0 || bind(fd, (struct sockaddr *)ret, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret, &length) < 0) {
		perror("bound");
		exit(1);
	}
	return fd;
}

static int listening(int backlog, struct sockaddr_in *ret)
{
	const int fd = bound(SOCK_STREAM, ret);

	if (listen(fd, backlog) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static int connect_in(int fd, const struct sockaddr_in *to)
{
	return connect(fd, (const struct sockaddr *)to, sizeof(*to));
}

/* --- arguments that make no sense ------------------------------------------ */

static void wrong_names(int fd, int file, void *nowhere)
{
	struct sockaddr_in name = loopback(0);
	const struct sockaddr_un unix_name = { .sun_family = AF_UNIX, .sun_path = "/nonesuch" };
	char large[200] = { AF_INET };

	say("bind -1", bind(-1, (struct sockaddr *)&name, sizeof(name)));
	say("bind a file", bind(file, (struct sockaddr *)&name, sizeof(name)));
	say("bind nowhere", bind(fd, nowhere, sizeof(name)));
	say("bind NULL", bind(fd, NULL, sizeof(name)));
	say("bind too long", bind(fd, (struct sockaddr *)large, sizeof(large)));
	say("bind negative", bind(fd, (struct sockaddr *)large, (socklen_t)-1));
	say("bind nothing", bind(fd, (struct sockaddr *)&name, 0));
	say("bind one byte", bind(fd, (struct sockaddr *)&name, 1));
	say("bind short", bind(fd, (struct sockaddr *)&name, 8));
	say("connect -1", connect(-1, (struct sockaddr *)&name, sizeof(name)));
	say("connect a file", connect(file, (struct sockaddr *)&name, sizeof(name)));
	say("connect nowhere", connect(fd, nowhere, sizeof(name)));
	say("connect too long", connect(fd, (struct sockaddr *)large, sizeof(large)));
	say("connect nothing", connect(fd, (struct sockaddr *)&name, 0));
	say("connect one byte", connect(fd, (struct sockaddr *)&name, 1));
	say("connect short", connect(fd, (struct sockaddr *)&name, 8));
	say("unix connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&unix_name,
				    sizeof(unix_name)));
	say("unix bind nowhere", bind(socket(AF_UNIX, SOCK_STREAM, 0), nowhere, sizeof(unix_name)));
	say("listen -1", listen(-1, 1));
	say("listen a file", listen(file, 1));
	say("listen udp", listen(socket(AF_INET, SOCK_DGRAM, 0), 1));
}

static void wrong_sends(int udp, int file, char *nowhere)
{
	struct sockaddr_in name = loopback(9);
	struct iovec one = { nowhere, 10 };
	struct msghdr header = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &one,
				 .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = header };
	static char large[70000];

	say("sendto -1", sendto(-1, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)));
	say("sendto a file", sendto(file, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)));
	say("sendto data nowhere", sendto(udp, nowhere, 1, 0, (struct sockaddr *)&name, sizeof(name)));
	say("sendto name nowhere", sendto(udp, "x", 1, 0, (struct sockaddr *)nowhere, sizeof(name)));
	say("sendto name too long", sendto(udp, "x", 1, 0, (struct sockaddr *)large, 200));
	say("sendto name short", sendto(udp, "x", 1, 0, (struct sockaddr *)&name, 4));
	say("sendto out of band", sendto(udp, "x", 1, MSG_OOB, (struct sockaddr *)&name, sizeof(name)));
	say("sendto too much", sendto(udp, large, sizeof(large), 0, (struct sockaddr *)&name, sizeof(name)));
	say("sendto nothing", sendto(udp, "", 0, 0, (struct sockaddr *)&name, sizeof(name)));
	say("sendto without name", sendto(udp, "x", 1, 0, NULL, 0));
	say("sendmsg data nowhere", sendmsg(udp, &header, 0));
	say("sendmsg nowhere", sendmsg(udp, (struct msghdr *)nowhere, 0));
	header.msg_iovlen = 2000;
	say("sendmsg too many pieces", sendmsg(udp, &header, 0));
	header.msg_iovlen = 0;
	say("sendmsg no piece", sendmsg(udp, &header, 0));
	header.msg_namelen = 200;
	say("sendmsg long name", sendmsg(udp, &header, 0));
	say("sendmmsg data nowhere", sendmmsg(udp, &many, 1, 0));
	say("sendmmsg none", sendmmsg(udp, &many, 0, 0));
	say("sendmmsg nowhere", sendmmsg(udp, (struct mmsghdr *)nowhere, 1, 0));
}

static void wrong_options(int fd, int file, void *nowhere)
{
	const int number = 1;

	say("option -1", setsockopt(-1, SOL_SOCKET, SO_PRIORITY, &number, sizeof(number)));
	say("option a file", setsockopt(file, SOL_SOCKET, SO_PRIORITY, &number, sizeof(number)));
	say("option nowhere", setsockopt(fd, SOL_SOCKET, SO_PRIORITY, nowhere, sizeof(number)));
	say("option short", setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &number, 1));
	say("option negative", setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &number, (socklen_t)-1));
	say("option of an interface that is not there",
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nonesuch0", 10));
	say("ioctl nowhere", ioctl(fd, SIOCSIFFLAGS, nowhere));
	say("ioctl -1", ioctl(-1, SIOCSIFFLAGS, nowhere));
	say("ioctl a file", ioctl(file, SIOCSIFFLAGS, nowhere));
	say("socket of type 15", socket(AF_INET, 15, 0));
	say("socket of another protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	say("socket of protocol 999", socket(AF_INET, SOCK_STREAM, 999));
	say("socket of no family", socket(0, SOCK_STREAM, 0));
	say("socket of family 63", socket(63, SOCK_STREAM, 0));
	say("socket with unknown flags", socket(AF_INET, SOCK_STREAM | 0x100000, 0));
}

static void act_arguments(void)
{
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int file = open("/dev/null", O_RDWR);

	wrong_names(socket(AF_INET, SOCK_STREAM, 0), file, nowhere);
	wrong_sends(socket(AF_INET, SOCK_DGRAM, 0), file, nowhere);
	wrong_options(socket(AF_INET, SOCK_STREAM, 0), file, nowhere);
}

/* --- naming ------------------------------------------------------------------ */

static void act_states(void)
{
	struct sockaddr_in name, other = loopback(1), none = { .sin_family = AF_UNSPEC };
	const int listener = listening(8, &name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(error);

	printf("flags: %#x %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	say("connect", connect_in(fd, &name));
	poll(&p, 1, 10000);
	say("connect again", connect_in(fd, &name));
	say("connect once more", connect_in(fd, &name));
	say("to nobody", connect(fd, (struct sockaddr *)&none, sizeof(none)));
	say("anew", connect_in(fd, &name));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	printf("flags: %#x %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	say("refused", connect_in(fd, &other));
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	printf("SO_ERROR %d\n", error);
	say("then accepted", connect_in(fd, &name));
	printf("flags: %#x\n", fcntl(fd, F_GETFL));
	say("listen on it", listen(fd, 1));
	other.sin_port = 0;
	say("bind it", bind(fd, (struct sockaddr *)&other, sizeof(other)));
	say("bind in use", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)));
	name.sin_addr.s_addr = inet_addr("192.0.2.77");
	say("bind another's", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)));
	say("listen twice", listen(listener, 4));
	say("listen unbound", listen(socket(AF_INET, SOCK_STREAM, 0), 4));
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void hear(int number, int flags)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(number, &action, NULL);
}

static void act_sends(void)
{
	struct sockaddr_in name, from;
	const int receiver = bound(SOCK_DGRAM, &name), sender = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec iov[2] = { { (char[]){ "one" }, 3 }, { (char[]){ "two" }, 3 } };
	struct mmsghdr many[2] = { 0 };
	socklen_t length = sizeof(from);
	char text[100];

	for (int i = 0; i < 2; i++)
		many[i].msg_hdr = (struct msghdr){ .msg_name = &name, .msg_namelen = sizeof(name),
						   .msg_iov = iov, .msg_iovlen = (size_t)i + 1 };
	printf("%d messages\n", sendmmsg(sender, many, 2, 0));
	printf("of %u and %u bytes\n", many[0].msg_len, many[1].msg_len);
	for (int i = 0; i < 2; i++) {
		const ssize_t n = recvfrom(receiver, text, sizeof(text), 0, (struct sockaddr *)&from,
					   &length);

		printf("%.*s\n", (int)n, text);
	}
	hear(SIGPIPE, 0);
	say("send on what is not connected",
	    sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, 0, (struct sockaddr *)&name, sizeof(name)));
	printf("%d SIGPIPE\n", signals);
	say("quietly", sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_NOSIGNAL,
			      (struct sockaddr *)&name, sizeof(name)));
	printf("%d SIGPIPE\n", signals);
}

/* A connection that opens with its data. */
static void act_fastopen(void)
{
	struct sockaddr_in name;
	const int listener = listening(4, &name), fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[10] = "";
	int peer;

	printf("sent %zd\n", sendto(fd, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&name, sizeof(name)));
	peer = accept(listener, NULL, NULL);
	printf("got %zd", recv(peer, text, sizeof(text), MSG_WAITALL & 0));
	printf(" %s\n", text);
}

static void act_dual_stack(void)
{
	const int yes = 1, no = 0;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in four;
	socklen_t length = sizeof(any);
	int both = socket(AF_INET6, SOCK_STREAM, 0), six;

	setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	say("bind both", bind(both, (struct sockaddr *)&any, sizeof(any)));
	say("listen", listen(both, 4));
	getsockname(both, (struct sockaddr *)&any, &length);
	four = loopback(ntohs(any.sin6_port));
	say("by IPv4", connect_in(socket(AF_INET, SOCK_STREAM, 0), &four));
	say("bind IPv4 beside it", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&four, sizeof(four)));
	close(both);
	six = socket(AF_INET6, SOCK_STREAM, 0);
	setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	setsockopt(six, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	say("bind IPv6 alone", bind(six, (struct sockaddr *)&any, sizeof(any)));
	say("listen", listen(six, 4));
	say("by IPv4", connect_in(socket(AF_INET, SOCK_STREAM, 0), &four));
}

/* --- signals ----------------------------------------------------------------- */

/* A listener with no room: connect(2) waits. */
static int full(struct sockaddr_in *ret)
{
	const int listener = listening(0, ret);

	for (int i = 0; i < 2; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		(void)connect_in(fd, ret);
	}
	return listener;
}

static void alarm_in(int ms)
{
	const struct itimerval when = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	setitimer(ITIMER_REAL, &when, NULL);
}

static void act_interrupted(void)
{
	struct sockaddr_in name;
	const int listener = full(&name), fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)listener;
	hear(SIGALRM, 0);
	alarm_in(150);
	say("connect", connect_in(fd, &name));
	printf("%d signals\n", signals);
	alarm_in(150);
	say("connect again", connect_in(fd, &name));
	printf("%d signals, flags %#x\n", signals, fcntl(fd, F_GETFL));
}

static void *make_room(void *context)
{
	const int listener = *(int *)context;

	for (int i = 0; i < 100 && !signals; i++)
		usleep(20000);
	for (int i = 0; i < 2; i++)
		close(accept(listener, NULL, NULL));
	return NULL;
}

/* With another thread, and SIGALRM for the process: the main thread's, by the kernel's choice. */
static void act_restarted(void)
{
	struct sockaddr_in name;
	int listener = full(&name), fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;
	sigset_t alarms;

	hear(SIGALRM, SA_RESTART);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	pthread_create(&thread, NULL, make_room, &listener);
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	alarm_in(150);
	say("connect", connect_in(fd, &name));
	printf("%d signals\n", signals);
	pthread_join(thread, NULL);
}

static void act_time_limit(void)
{
	struct sockaddr_in name;
	const int listener = full(&name), fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct timeval limit = { .tv_usec = 100000 };

	(void)listener;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	say("connect", connect_in(fd, &name));
	say("connect again", connect_in(fd, &name));
}

static void *connect_for_ever(void *context)
{
	(void)connect_in(socket(AF_INET, SOCK_STREAM, 0), context);
	return NULL;
}

/* Ten threads and a child wait; others do not. The program ends, with them. */
static void act_slow(void)
{
	struct sockaddr_in slow, quick;
	const int full_one = full(&slow), listener = listening(64, &quick);
	pthread_t thread;

	(void)full_one;
	(void)listener;
	for (int i = 0; i < 10; i++)
		pthread_create(&thread, NULL, connect_for_ever, &slow);
	usleep(100000);
	for (int i = 0; i < 20; i++)
		if (connect_in(socket(AF_INET, SOCK_STREAM, 0), &quick) < 0)
			perror("connect");
	say("twenty connections", 0);
	exit(0);
}

static void act_killed(void)
{
	struct sockaddr_in slow;
	const int full_one = full(&slow);
	const pid_t child = fork();
	int status = 0;

	(void)full_one;
	if (child == 0) {
		connect_for_ever(&slow);
		_exit(0);
	}
	usleep(100000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("signal %d\n", WTERMSIG(status));
}

/* --- processes --------------------------------------------------------------- */

static void act_children(void)
{
	struct sockaddr_in name;
	const int listener = listening(200, &name);
	int good = 0, status;

	(void)listener;
	for (int i = 0; i < 100; i++)
		if (fork() == 0)
			_exit(connect_in(socket(AF_INET, SOCK_STREAM, 0), &name) < 0);
	while (wait(&status) > 0)
		good += status == 0;
	printf("%d children\n", good);
}

static void *open_and_bind(void *context)
{
	struct sockaddr_in name;

	for (int i = 0; i < 20; i++)
		close(bound(SOCK_DGRAM, &name));
	__atomic_add_fetch((int *)context, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void act_threads(void)
{
	pthread_t threads[16];
	int done = 0;

	for (int i = 0; i < 16; i++)
		pthread_create(&threads[i], NULL, open_and_bind, &done);
	for (int i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
	printf("%d threads\n", done);
}

/* The lowest number that is free; none when the program has as many as it may. */
static void act_descriptors(void)
{
	const int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in name;
	int last = -1;

	printf("%d\n", second - first);
	close(first);
	printf("%d\n", socket(AF_INET, SOCK_STREAM, 0) - first);
	for (int fd; (fd = socket(AF_INET, SOCK_DGRAM, 0)) >= 0;)
		last = fd;
	say("one more", -1);
	printf("up to %d\n", last);
	name = loopback(0);
	say("bind a duplicate", bind(dup2(second, last), (struct sockaddr *)&name, sizeof(name)));
	for (int fd = 3; fd <= last; fd++)
		close(fd);
	say("after all were closed", socket(AF_INET, SOCK_STREAM, 0));
}

/* What is closed is closed: nobody else holds the port. */
static void act_closed(void)
{
	struct sockaddr_in name = loopback(0);
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), failures = 0;

	say("bind", bind(fd, (struct sockaddr *)&name, sizeof(name)));
	getsockname(fd, (struct sockaddr *)&name, &length);
	for (int i = 0; i < 300; i++) {
		close(fd);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		failures += bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0;
	}
	printf("%d\n", failures);
}

/* Open descriptors, as the program finds them. */
static void act_inherited(void)
{
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
}

/* A socket that the parent has; and one from before exec. */
static void act_low_port(void)
{
	struct sockaddr_in name = loopback(81);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("bind", bind(fd, (struct sockaddr *)&name, sizeof(name)));
	say("listen", listen(fd, 1));
	say("connect", connect_in(socket(AF_INET, SOCK_STREAM, 0), &name));
}

static void act_raw(void)
{
	say("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static void act_mark(void)
{
	const int mark = 5;

	say("mark", setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
}

static void act_tcp(void)
{
	say("tcp", socket(AF_INET, SOCK_STREAM, 0));
}

static void act_io_uring(void)
{
	say("io_uring_setup", syscall(425, 4, NULL));
}

/* The parent dies: who is made here becomes the launcher's, and goes on. */
static void act_orphan(void)
{
	const pid_t parent = getpid();

	if (fork() > 0)
		_exit(3);
	while (getppid() == parent)
		usleep(1000);
	act_low_port();
}

static void act_launcher_killed(void)
{
	kill(getppid(), SIGKILL);
	/* It is gone when its socket to us is. */
	for (int i = 0; i < 1000 && socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0; i++)
		usleep(1000);
	say("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static void act_terminated(void)
{
	hear(SIGTERM, 0);
	say("ready", 0);
	for (int i = 0; i < 500 && !signals; i++)
		usleep(20000);
	printf("%d signals\n", signals);
}

static void act_orphan_terminated(void)
{
	const pid_t parent = getpid();

	if (fork() > 0)
		_exit(3);
	while (getppid() == parent)
		usleep(1000);
	act_terminated();
}

static void act_not_dumpable(void)
{
	struct sockaddr_in name = loopback(0);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	say("bind", bind(fd, (struct sockaddr *)&name, sizeof(name)));
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{ "arguments", act_arguments }, { "states", act_states }, { "sends", act_sends },
	{ "fastopen", act_fastopen }, { "dual-stack", act_dual_stack },
	{ "interrupted", act_interrupted }, { "restarted", act_restarted },
	{ "time-limit", act_time_limit }, { "slow", act_slow }, { "killed", act_killed },
	{ "children", act_children }, { "threads", act_threads }, { "descriptors", act_descriptors },
	{ "closed", act_closed }, { "inherited", act_inherited }, { "low-port", act_low_port }, { "raw", act_raw },
	{ "mark", act_mark }, { "tcp", act_tcp }, { "io-uring", act_io_uring },
	{ "orphan", act_orphan }, { "launcher-killed", act_launcher_killed },
	{ "terminated", act_terminated }, { "orphan-terminated", act_orphan_terminated },
	{ "not-dumpable", act_not_dumpable },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(acts[i].name, argv[1]) != 0)
			continue;
		acts[i].act();
		return 0;
	}
	return argc > 1 ? atoi(argv[1]) : 0;
}
