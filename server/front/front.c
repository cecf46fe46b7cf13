/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grpc/compression.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "front/tsan.h"

enum { SLOTS = 2 };

struct front {
	struct front_shard *shards;
	unsigned n;
	atomic_uint next;
	struct list *conns;      /* for each shard, under its lock */
	pthread_mutex_t lock;
	pthread_cond_t gone;
	unsigned n_conns;        /* under the front's lock */
	grpc_server_credentials *credentials;
};

/* A place where gRPC puts the next call of a connection. */
struct slot {
	struct tag tag;
	struct rpc rpc;
	grpc_call_details details;
};

/* ---- a connection's life -------------------------------------------------- */

struct conn *conn_ref(struct conn *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void conn_free(struct conn *c)
{
	struct front *f = c->home->front;

	grpc_server_destroy(c->server);
	account_give(&c->account->connections, 1);
	account_put(c->account);
	peer_unref(c->peer);
	free(c);
	pthread_mutex_lock(&f->lock);
	f->n_conns--;
	pthread_cond_signal(&f->gone);
	pthread_mutex_unlock(&f->lock);
}

void conn_unref(struct conn *c)
{
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		conn_free(c);
}

/* The watch may still be named by an event that is on its way; see poller.h. */
static void conn_release(struct watch *w)
{
	conn_unref(container_of(w, struct conn, watch));
}

/* Under the lock: its sessions end now, gRPC's part as soon as the lock is free. */
static void conn_down(struct conn *c)
{
	struct shard *sh = c->home->shard;
	int fd = c->watch.fd;

	if (c->down)
		return;
	c->down = true;
	list_remove(&c->in_shard);
	timer_clear(&sh->timers, &c->handshake);
	stream_conn_down(c);
	shard_flush(sh, &c->shutdown);
	(void)watch_arm(&sh->poller, &c->watch, 0);
	shutdown(fd, SHUT_RDWR);
	close(fd);
	watch_close(&sh->poller, &c->watch);
}

static bool shutdown_gather(struct outgoing *o)
{
	(void)o;
	return true;
}

static void shutdown_start(struct outgoing *o)
{
	struct conn *c = container_of(o, struct conn, shutdown);

	conn_ref(c); /* the tag's; ours is the one of being up */
	TSAN_RELEASE(&c->shut);
	grpc_server_shutdown_and_notify(c->server, c->home->cq, &c->shut);
	grpc_server_cancel_all_calls(c->server);
	conn_unref(c);
}

static void shut_done(struct tag *t, bool ok)
{
	(void)ok;
	conn_unref(container_of(t, struct conn, shut));
}

static void conn_ready(struct watch *w, uint32_t events)
{
	(void)events; /* asked for nothing but the end */
	conn_down(container_of(w, struct conn, watch));
}

static void handshake_expired(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, handshake);

	if (!atomic_load(&c->spoke))
		conn_down(c);
}

/* ---- request slots ------------------------------------------------------------ */

static void slot_free(struct slot *s)
{
	grpc_call_details_destroy(&s->details);
	free(s);
}

static bool slot_arm(struct conn *c);

static void slot_called(struct tag *t, bool ok)
{
	struct slot *s = container_of(t, struct slot, tag);
	struct rpc r = s->rpc;
	bool crowded;

	if (!ok) {
		grpc_metadata_array_destroy(&s->rpc.metadata);
		conn_unref(s->rpc.conn);
		slot_free(s);
		return;
	}
	atomic_store(&r.conn->spoke, true);
	(void)slot_arm(r.conn);
	crowded = atomic_fetch_add(&r.conn->rpcs, 1) >= FRONT_CALLS_MAX;
	if (crowded)
		rpc_fail(&r, GRPC_STATUS_RESOURCE_EXHAUSTED, "too many calls at once on this connection");
	else
		rpc_dispatch(&r, &s->details.method);
	slot_free(s);
}

static bool slot_arm(struct conn *c)
{
	struct slot *s = calloc(1, sizeof(*s));
	grpc_call_error e;

	if (!s)
		return false;
	s->tag.fn = slot_called;
	s->rpc.conn = conn_ref(c);
	grpc_metadata_array_init(&s->rpc.metadata);
	grpc_call_details_init(&s->details);
	TSAN_RELEASE(&s->tag);
	e = grpc_server_request_call(c->server, &s->rpc.call, &s->details, &s->rpc.metadata,
				     c->home->cq, c->home->cq, &s->tag);
	if (e == GRPC_CALL_OK)
		return true;
	grpc_metadata_array_destroy(&s->rpc.metadata);
	slot_free(s);
	conn_unref(c);
	return false;
}

/* ---- connections ------------------------------------------------------------- */

static grpc_server *server_new(grpc_completion_queue *cq)
{
	grpc_arg args[] = {
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		  .value.integer = FRONT_MESSAGE_BYTES },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_SEND_MESSAGE_LENGTH,
		  .value.integer = -1 },
		/* Bulk data in fewer pieces than HTTP/2's 16 KiB. */
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_HTTP2_MAX_FRAME_SIZE,
		  .value.integer = FRONT_FRAME_BYTES },
		/* Ours comes first: at gRPC's own limit the next call would hang. */
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_CONCURRENT_STREAMS,
		  .value.integer = 2 * FRONT_CALLS_MAX },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_METADATA_SIZE,
		  .value.integer = 8192 },
		/* gRPC would inflate a message of the greatest length to a thousand
		 * times that: nothing compressed is taken. */
		{ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
		  .value.integer = 0 },
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)(uintptr_t)GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		  .value.integer = 1 << GRPC_COMPRESS_NONE },
	};
	grpc_channel_args all = { .num_args = sizeof(args) / sizeof(args[0]), .args = args };
	grpc_server *server = grpc_server_create(&all, NULL);

	if (!server)
		return NULL;
	grpc_server_register_completion_queue(server, cq, NULL);
	grpc_server_start(server);
	return server;
}

static struct conn *conn_new(struct front_shard *home, int dup_fd, struct peer *peer,
			     struct account *account)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = server_new(home->cq);
	if (!c->server) {
		free(c);
		return NULL;
	}
	atomic_init(&c->refs, 2); /* being up, and the watch */
	c->home = home;
	c->peer = peer_ref(peer);
	c->account = account;
	c->watch = (struct watch){ .fd = dup_fd, .ready = conn_ready, .release = conn_release };
	c->handshake.expired = handshake_expired;
	c->shutdown = (struct outgoing){ .gather = shutdown_gather, .start = shutdown_start };
	c->shut.fn = shut_done;
	list_init(&c->in_shard);
	list_init(&c->shutdown.link);
	list_init(&c->streams);
	return c;
}

/* What is not watched would never be noticed to end. */
static void conn_up(struct front *f, struct conn *c, int fd)
{
	struct shard *sh = c->home->shard;
	int r;

	for (int i = 0; i < SLOTS; i++)
		(void)slot_arm(c);
	grpc_server_add_channel_from_fd(c->server, fd, f->credentials);

	shard_enter(sh);
	list_append(&f->conns[c->home - f->shards], &c->in_shard);
	r = watch_arm(&sh->poller, &c->watch, EPOLLRDHUP);
	if (r == 0)
		r = timer_set(&sh->timers, &c->handshake, clock_now_ns() + FRONT_HANDSHAKE_S * NS_PER_S);
	if (r < 0)
		conn_down(c);
	shard_leave(sh);
}

int front_add(struct front *f, int fd, struct peer *peer, struct account *account)
{
	struct front_shard *home = &f->shards[atomic_fetch_add(&f->next, 1) % f->n];
	int dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct conn *c = dup_fd < 0 ? NULL : conn_new(home, dup_fd, peer, account);

	if (!c || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		int r = dup_fd < 0 ? -errno : -ENOMEM;

		assert(!c); /* F_SETFL does not fail */
		account_give(&account->connections, 1);
		account_put(account);
		if (dup_fd >= 0)
			close(dup_fd);
		close(fd);
		return r;
	}
	pthread_mutex_lock(&f->lock);
	f->n_conns++;
	pthread_mutex_unlock(&f->lock);
	conn_up(f, c, fd);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------- */

static void *front_run(void *front_shard)
{
	struct front_shard *fs = front_shard;
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_REALTIME);

	for (;;) {
		grpc_event e = grpc_completion_queue_next(fs->cq, never, NULL);
		struct tag *t = e.tag;

		if (e.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		TSAN_ACQUIRE(t);
		t->fn(t, e.success);
	}
}

/* What gRPC has to say, a client can make it say: within a limit. */
static void grpc_said(gpr_log_func_args *args)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct log_limit limit = { .per_second = 5 };
	unsigned dropped = 0;
	bool may;

	pthread_mutex_lock(&lock);
	may = log_may(&limit, &dropped);
	pthread_mutex_unlock(&lock);
	if (may)
		log_line(args->severity == GPR_LOG_SEVERITY_ERROR ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
			 "gRPC: %s", args->message);
}

struct front *front_new(struct shard *shards, unsigned n)
{
	struct front *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->n = n;
	f->shards = calloc(n, sizeof(*f->shards));
	f->conns = calloc(n, sizeof(*f->conns));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->gone, NULL);
	if (!f->shards || !f->conns)
		return front_free(f);
	gpr_set_log_function(grpc_said);
	grpc_init();
	f->credentials = grpc_insecure_server_credentials_create();
	for (unsigned i = 0; i < n; i++) {
		list_init(&f->conns[i]);
		f->shards[i] = (struct front_shard){ .front = f, .shard = &shards[i],
			.cq = grpc_completion_queue_create_for_next(NULL) };
	}
	return f;
}

int front_start(struct front *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		int r = pthread_create(&f->shards[i].thread, NULL, front_run, &f->shards[i]);

		if (r)
			return -r;
		f->shards[i].running = true;
	}
	return 0;
}

static void end_connections(struct front *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		shard_enter(f->shards[i].shard);
		while (!list_empty(&f->conns[i]))
			conn_down(container_of(f->conns[i].next, struct conn, in_shard));
		shard_leave(f->shards[i].shard);
		poller_wake(&f->shards[i].shard->poller); /* releases what it may name */
	}
	pthread_mutex_lock(&f->lock);
	while (f->n_conns)
		pthread_cond_wait(&f->gone, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

struct front *front_free(struct front *f)
{
	if (!f)
		return NULL;
	if (f->credentials) {
		end_connections(f);
		for (unsigned i = 0; i < f->n; i++) {
			grpc_completion_queue_shutdown(f->shards[i].cq);
			if (f->shards[i].running)
				pthread_join(f->shards[i].thread, NULL);
			grpc_completion_queue_destroy(f->shards[i].cq);
		}
		grpc_server_credentials_release(f->credentials);
		/* No grpc_shutdown(): it waits up to 10 s for a poller of gRPC's own,
		 * and the process ends anyhow. */
	}
	pthread_cond_destroy(&f->gone);
	pthread_mutex_destroy(&f->lock);
	free(f->conns);
	free(f->shards);
	free(f);
	return NULL;
}

struct shard *front_shards(const struct front *f, unsigned *ret_n)
{
	*ret_n = f->n;
	return f->shards[0].shard;
}

unsigned front_connections(const struct front *f)
{
	struct front *unlocked = (struct front *)(uintptr_t)f;
	unsigned n;

	pthread_mutex_lock(&unlocked->lock);
	n = f->n_conns;
	pthread_mutex_unlock(&unlocked->lock);
	return n;
}
