/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockopt.h - the table of socket options, and their values: kernel form
 * <-> wire form.
 *
 * The only module that looks inside an option's value. One row an option; what
 * is not in the table is ENOPROTOOPT. No state, safe from any thread.
 */
#ifndef SB_WIRE_SOCKOPT_H
#define SB_WIRE_SOCKOPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sockbroker/v1/types.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sockopt_kind {
	SOCKOPT_INTEGER,    /* 4 or 8 bytes, or fewer if the caller gave fewer */
	SOCKOPT_TEXT,       /* an interface, an algorithm */
	SOCKOPT_OCTETS,     /* opaque, without pointers: TCP_INFO */
	SOCKOPT_LINGER,
	SOCKOPT_TIMEVAL,
	SOCKOPT_MEMBERSHIP,
	SOCKOPT_MEMBERSHIP6,
	SOCKOPT_PACKET_MEMBERSHIP,
	SOCKOPT_CREDENTIALS,
	SOCKOPT_FILTER,
	SOCKOPT_CAN_FILTERS,
};

enum { SOCKOPT_GET = 1, SOCKOPT_SET = 2, SOCKOPT_BOTH = 3 };

/* The longest optlen passed on, bytes. */
enum { SOCKOPT_BYTES_MAX = 65536 };

struct sockopt {
	int level;
	int name;
	const char *text;       /* "SO_REUSEADDR" */
	enum sockopt_kind kind;
	unsigned access;        /* SOCKOPT_* */
	/* Setting it reaches beyond the caller's own socket (another interface,
	 * other programs' ports, routing, what is captured) or needs a
	 * capability: a policy must name it. */
	bool named;
	uint8_t width;          /* SOCKOPT_INTEGER: its bytes, 4 or 8 */
};

/* Returns a row, or NULL. */
const struct sockopt *sockopt_find(int level, int name);
const struct sockopt *sockopt_find_text(const char *text);
/* All rows, sorted by level and name. */
const struct sockopt *sockopt_rows(size_t *ret_n);

/* Kernel -> wire. @length is optlen; 0 gives a value without a kind, except
 * where no bytes mean something (text, octets, CAN filters). For SOCKOPT_FILTER
 * @value is a sock_fprog, whose pointer is followed. Returns 0, -EINVAL (too
 * short), -EDOM (microseconds that are none, as the kernel says), -ENOMEM. */
int sockopt_encode(const struct sockopt *, const void *value, socklen_t length,
		   ProtobufCAllocator *allocator, Sockbroker__V1__OptionValue **ret);

/* Wire -> kernel: into @buffer, whose @size is at least SOCKOPT_BYTES_MAX for
 * SOCKOPT_FILTER (the sock_fprog points to instructions behind it) and else at
 * least the longest value accepted. @length is the optlen asked for, or
 * NULL for the kind's own size: what is longer than the value is zeros, and a
 * number or a structure is cut to fewer, which the kernel may or may not take.
 * A @length of 0 needs no value: the kernel answers. Returns 0, -EINVAL (not this
 * row's kind of value, out of range, too long). */
int sockopt_decode(const struct sockopt *, const Sockbroker__V1__OptionValue *,
		   const uint32_t *length, void *buffer, size_t size, socklen_t *ret_length);

#ifdef __cplusplus
}
#endif
#endif
