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
	SOCKOPT_INTEGER,    /* as many bytes as its width, or fewer if the caller gave fewer */
	SOCKOPT_INTERFACE,  /* an integer, or the name of an interface */
	SOCKOPT_TEXT,       /* an interface, an algorithm */
	SOCKOPT_OCTETS,     /* opaque, without pointers: TCP_INFO */
	SOCKOPT_LENGTH,     /* no value but optlen */
	SOCKOPT_LINGER,
	SOCKOPT_TIMEVAL,
	SOCKOPT_MEMBERSHIP,
	SOCKOPT_MEMBERSHIP6,
	SOCKOPT_SOURCE_MEMBERSHIP,
	SOCKOPT_GROUP_REQUEST,
	SOCKOPT_GROUP_SOURCE,
	SOCKOPT_PACKET_MEMBERSHIP,
	SOCKOPT_PACKET_INFO6,
	SOCKOPT_PATH_MTU,
	SOCKOPT_ADDRESS,
	SOCKOPT_TCP_MD5,
	SOCKOPT_CREDENTIALS,
	SOCKOPT_FILTER,
	SOCKOPT_CAN_FILTERS,
	SOCKOPT_J1939_FILTERS,
};

/* SOCKOPT_ASK, with GET: the kernel reads the buffer, too, as which association
 * is meant. */
enum { SOCKOPT_GET = 1, SOCKOPT_SET = 2, SOCKOPT_BOTH = 3, SOCKOPT_ASK = 4 };

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
	uint8_t width;          /* SOCKOPT_INTEGER: its bytes, 1, 2, 4 or 8 */
	/* Of AF_BLUETOOTH, whose levels have the numbers of IP, TCP and UDP. */
	bool bluetooth;
};

/* Returns a row, or NULL: of a socket of that family; or, without one, of any
 * but AF_BLUETOOTH. */
const struct sockopt *sockopt_find_for(int family, int level, int name);
const struct sockopt *sockopt_find(int level, int name);
const struct sockopt *sockopt_find_text(const char *text);
/* All rows, sorted by level and name, Bluetooth's behind the others. */
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
/* How large a buffer for sockopt_decode() must be to hold all that a client may
 * set this option to. */
size_t sockopt_room(const struct sockopt *);

/* The interface that a value in the kernel's form speaks of: an index, or 0. */
int sockopt_ifindex(const struct sockopt *, const void *value, size_t length);

/* SO_GET_FILTER, which reads what SO_ATTACH_FILTER set: the kernel's form is an
 * array of @n sock_filter. Returns as the functions above; at most @room are
 * written, which is not too few only if *@ret_n is no more. */
int sockopt_program_encode(const void *instructions, size_t n, ProtobufCAllocator *allocator,
			   Sockbroker__V1__OptionValue **ret);
int sockopt_program_decode(const Sockbroker__V1__OptionValue *, void *instructions, size_t room,
			   size_t *ret_n);

#ifdef __cplusplus
}
#endif
#endif
