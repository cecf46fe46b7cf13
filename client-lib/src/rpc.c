/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.c - a connection from connect(2) to its end.
 *
 * We connect the socket ourselves and give it to gRPC, so that errno is exact,
 * and so that the child of a fork knows which descriptor to close. gRPC is
 * initialised by the first connection and stays: a process that never calls us
 * pays nothing, and a forked child that does not is safe.
 */
#include "rpc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "fork.h"
#include "sockbroker.h"
#include "sockbroker/v1/broker.pb-c.h"

enum { PROTOCOL_VERSION = 1, SEND_BUFFER_BYTES = 1 << 20, FRAME_BYTES = 256 << 10 };

static pthread_once_t grpc_once = PTHREAD_ONCE_INIT;

static void grpc_start(void)
{
	/* glibc gives a heap's free top back to the kernel after every large
	 * message and takes it again for the next. Freeing one large block
	 * raises its thresholds; calling mallopt() would not be ours to do.
	 * Bulk data goes through 2.6 times as fast. */
	void *volatile block = malloc(30 << 20);

	free(block);
	grpc_init();
}

/* Returns a connected descriptor or -errno. */
static int connect_path(const char *path)
{
	const struct timeval patience = { .tv_sec = CONNECT_TIMEOUT_MS / 1000 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const int send_bytes = SEND_BUFFER_BYTES;
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A full backlog makes connect(2) wait: not for ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* Less, if net.core.wmem_max says so. Bulk data then waits less for the broker. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return r;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static grpc_channel *channel_make(int fd)
{
	grpc_arg args[] = {
		{ .type = GRPC_ARG_INTEGER, .key = (char *)"grpc.enable_retries", .value.integer = 0 },
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)"grpc.use_local_subchannel_pool", .value.integer = 1 },
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1 },
		/* Bulk data in fewer pieces than HTTP/2's 16 KiB; the broker says the same. */
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)GRPC_ARG_HTTP2_MAX_FRAME_SIZE, .value.integer = FRAME_BYTES },
	};
	const grpc_channel_args all = { sizeof(args) / sizeof(args[0]), args };
	grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
	grpc_channel *channel = grpc_channel_create_from_fd("unix:sockbroker", fd, credentials, &all);

	grpc_channel_credentials_release(credentials);
	return channel;
}

static bool direct_of_environment(void)
{
	const char *wanted = secure_getenv("SOCKBROKER_DIRECT");

	return wanted && strcmp(wanted, "1") == 0;
}

/* Takes @fd. */
static struct sb_broker *broker_new(int fd, const char *path, int transport)
{
	struct sb_broker *b = calloc(1, sizeof(*b));

	if (!b) {
		close(fd);
		return NULL;
	}
	b->refs = 1;
	b->transport = transport;
	b->fd = fd;
	b->fd_copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	strcpy(b->path, path); /* connect_path() has measured it */
	descriptor_line_init(&b->line);
	b->spin_us = spin_us_of_environment();
	b->direct = direct_of_environment();
	b->status_text = grpc_empty_slice();
	grpc_metadata_array_init(&b->first_metadata);
	grpc_metadata_array_init(&b->last_metadata);
	list_init(&b->waiters);
	list_init(&b->outgoing);
	list_init(&b->link);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->helper_wanted, NULL);
	b->channel = channel_make(fd);
	return b;
}

static void broker_free(struct sb_broker *b)
{
	fork_unregister(&b->link);
	rpc_end(b);
	helper_stop(b);
	stream_close(b);
	unary_close(b);
	grpc_channel_destroy(b->channel);
	grpc_slice_unref(b->status_text);
	grpc_metadata_array_destroy(&b->first_metadata);
	grpc_metadata_array_destroy(&b->last_metadata);
	pthread_cond_destroy(&b->helper_wanted);
	pthread_mutex_destroy(&b->lock);
	descriptor_line_close(&b->line);
	pthread_mutex_destroy(&b->line.lock);
	if (b->fd_copy >= 0)
		close(b->fd_copy);
	free(b);
}

static int welcome_take(struct sb_broker *b, const Sockbroker__V1__Welcome *w)
{
	/* Room for the envelope, and for what stands beside the data. */
	enum { LEAST_BYTES = 4096 };

	if (w->version != PROTOCOL_VERSION || strlen(w->token) >= sizeof(b->token))
		return -EPROTO;
	if (w->max_message_bytes < LEAST_BYTES || w->max_receive_bytes < LEAST_BYTES)
		return -EPROTO;
	strcpy(b->token, w->token);
	b->limits.message_bytes = w->max_message_bytes;
	b->limits.receive_bytes = w->max_receive_bytes;
	return 0;
}

static int greet(struct sb_broker *b)
{
	Sockbroker__V1__Hello hello = SOCKBROKER__V1__HELLO__INIT;
	/* The program's check is not called: its thread has the lock of the default broker. */
	struct patience patience = {
		.give_up_ns = now_ns() + (int64_t)CONNECT_TIMEOUT_MS * NS_PER_MS, .ask_ns = -1,
	};
	struct reply reply;
	int r;

	hello.version = PROTOCOL_VERSION;
	hello.client = program_invocation_short_name;
	if (strnlen(hello.client, 65) > 64)
		hello.client = (char *)"?";
	reply_init(&reply);
	r = stream_call(b, rpc_method_of(&hello.base), &hello.base, &patience, &reply);
	/* The stream ended before it began: the broker refuses us, or at the
	 * other end is none. */
	if (r == -EPIPE)
		r = b->status == GRPC_STATUS_PERMISSION_DENIED ||
		    b->status == GRPC_STATUS_UNAUTHENTICATED ? -EACCES : -EPROTO;
	if (r == 0)
		r = welcome_take(b, (const Sockbroker__V1__Welcome *)reply.message);
	reply_free(&reply);
	return r;
}

int rpc_connect(const char *path, int transport, struct sb_broker **ret)
{
	struct sb_broker *b;
	int fd, r;

	fd = connect_path(path);
	if (fd < 0)
		return fd;
	pthread_once(&grpc_once, grpc_start);
	b = broker_new(fd, path, transport);
	if (!b)
		return -ENOMEM;

	fork_register(&b->link);
	r = stream_open(b);
	if (r == 0)
		r = greet(b);
	if (r < 0) {
		rpc_unref(b);
		return r;
	}
	*ret = b;
	return 0;
}

struct sb_broker *rpc_ref(struct sb_broker *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void rpc_unref(struct sb_broker *b)
{
	/* A child has forgotten it. */
	if (b && !fork_is_child() && atomic_fetch_sub(&b->refs, 1) == 1)
		broker_free(b);
}

void rpc_end(struct sb_broker *b)
{
	/* At once, whether anybody polls or not. */
	if (b->fd_copy >= 0)
		shutdown(b->fd_copy, SHUT_RDWR);
	stream_end(b, -EPIPE);
}

bool rpc_has_ended(const struct sb_broker *b)
{
	return atomic_load(&b->ended) != 0;
}

bool rpc_is_cut(const struct sb_broker *b)
{
	struct pollfd p = { .fd = b->fd_copy, .events = POLLRDHUP };

	return rpc_has_ended(b) || poll(&p, 1, 0) > 0;
}

const struct rpc_limits *rpc_limits(const struct sb_broker *b)
{
	return &b->limits;
}

/* gRPC's objects are its parent's and must not be touched; closing the
 * connection here lets the broker see when the parent ends. */
void rpc_forget(struct sb_broker *b)
{
	struct stat ours, copy;

	descriptor_line_close(&b->line);
	if (b->fd_copy < 0)
		return;
	if (fstat(b->fd, &ours) == 0 && fstat(b->fd_copy, &copy) == 0 &&
	    ours.st_ino == copy.st_ino && ours.st_dev == copy.st_dev)
		close(b->fd);
	close(b->fd_copy);
}

bool rpc_is_direct(const struct sb_broker *b)
{
	return atomic_load_explicit(&b->direct, memory_order_relaxed);
}

void rpc_set_direct(struct sb_broker *b, bool direct)
{
	atomic_store_explicit(&b->direct, direct, memory_order_relaxed);
}

const char *rpc_path(const struct sb_broker *b)
{
	return b->path;
}

struct descriptor_line *rpc_line(struct sb_broker *b)
{
	return &b->line;
}

void reply_init(struct reply *reply)
{
	arena_init(&reply->arena);
	reply->message = NULL;
}

void reply_free(struct reply *reply)
{
	arena_reset(&reply->arena);
}

grpc_slice rpc_slice_of(grpc_byte_buffer *buffer)
{
	grpc_byte_buffer_reader reader;
	grpc_slice slice;

	if (buffer->data.raw.compression == GRPC_COMPRESS_NONE &&
	    buffer->data.raw.slice_buffer.count == 1)
		return grpc_slice_ref(buffer->data.raw.slice_buffer.slices[0]);
	if (!grpc_byte_buffer_reader_init(&reader, buffer))
		return grpc_empty_slice();
	slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	return slice;
}

/* Field 1 of every reply is `error`, an enum. */
static int reply_error(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(message->descriptor, 1);
	int error;

	if (!field || field->type != PROTOBUF_C_TYPE_ENUM)
		return -EPROTO;
	memcpy(&error, (const char *)message + field->offset, sizeof(error));
	if (error < 0 || error > 4095)
		return -EPROTO;
	return -error;
}

int rpc_reply_unpack(const struct rpc_method *method, const uint8_t *data, size_t length,
		     struct reply *out)
{
	static const uint8_t nothing;

	out->message = protobuf_c_message_unpack(method->output, &out->arena.allocator, length,
						 length ? data : &nothing);
	return out->message ? reply_error(out->message) : -EPROTO;
}

gpr_timespec rpc_time(int64_t ns)
{
	if (ns < 0)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return (gpr_timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = (int32_t)(ns % NS_PER_S),
			       .clock_type = GPR_CLOCK_MONOTONIC };
}

int rpc_status_error(grpc_status_code status)
{
	switch (status) {
	case GRPC_STATUS_OK:
		return -EPROTO; /* ended well, and without a reply */
	case GRPC_STATUS_INVALID_ARGUMENT:
		return -EINVAL;
	case GRPC_STATUS_UNIMPLEMENTED:
		return -ENOSYS;
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return -ENOBUFS;
	case GRPC_STATUS_PERMISSION_DENIED:
		return -EACCES;
	default: /* UNAVAILABLE, CANCELLED, UNAUTHENTICATED …: the session has gone */
		return -EPIPE;
	}
}

int rpc_call(struct sb_broker *b, const ProtobufCMessage *request, struct reply *out)
{
	const struct rpc_method *method = rpc_method_of(request);
	struct patience patience;
	struct reply unwanted;
	int r;

	if (!method)
		return -ENOSYS;
	patience_begin(&patience, -1);
	if (!out)
		reply_init(&unwanted);
	if (b->transport == SB_TRANSPORT_UNARY || !method->field)
		r = unary_call(b, method, request, &patience, out ? out : &unwanted);
	else
		r = stream_call(b, method, request, &patience, out ? out : &unwanted);
	if (!out)
		reply_free(&unwanted);
	return r;
}

static void unary_steps(struct sb_broker *b, struct rpc_step *steps, size_t n,
			struct patience *patience)
{
	struct reply reply;

	for (size_t i = 0; i < n; i++) {
		steps[i].error = -ECANCELED;
		if (i && steps[i].linked && steps[i - 1].error)
			continue;
		reply_init(&reply);
		steps[i].error = unary_call(b, rpc_method_of(steps[i].request), steps[i].request,
					    patience, steps[i].out ? steps[i].out : &reply);
		reply_free(&reply);
	}
}

void rpc_call_steps(struct sb_broker *b, struct rpc_step *steps, size_t n)
{
	struct patience patience;

	patience_begin(&patience, -1);
	if (b->transport == SB_TRANSPORT_UNARY)
		unary_steps(b, steps, n, &patience);
	else
		stream_call_steps(b, steps, n, &patience);
}

int rpc_tell(struct sb_broker *b, const ProtobufCMessage *request)
{
	return b->transport == SB_TRANSPORT_UNARY ? rpc_call(b, request, NULL) :
						    stream_tell(b, request);
}

uint32_t rpc_new_handle(struct sb_broker *b)
{
	uint32_t handle;

	pthread_mutex_lock(&b->lock);
	b->last_handle = b->last_handle % INT32_MAX + 1;
	handle = b->last_handle;
	pthread_mutex_unlock(&b->lock);
	return handle;
}
