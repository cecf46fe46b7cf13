/* SPDX-License-Identifier: Apache-2.0 */
/* suggest_notes.h - what suggest.c notes and suggest_write.c writes. */
#ifndef SB_RUN_SUGGEST_NOTES_H
#define SB_RUN_SUGGEST_NOTES_H

#include <pthread.h>
#include <stdint.h>

#include "suggest.h"

enum {
	KINDS_MAX = 128,  /* of sockets */
	SPOTS_MAX = 64,   /* addresses for each action of a kind */
	SPANS_MAX = 32,   /* ranges of ports at an address */
	THINGS_MAX = 64,  /* options and ioctls of a kind */
	WHERE_BYTES = 128,
};

/* Where a call reaches, in the words of a policy. */
struct where {
	char text[WHERE_BYTES]; /* values of a list, comma between them; "": no key is needed */
	bool special;           /* `any` does not cover it */
	bool has_port;
	uint32_t port;
};

/* False: that cannot be said in a policy, or not by us. */
bool where_of(const struct intent *, const char *interface, struct where *ret);
/* Of an option or an ioctl. */
bool interface_of(const struct intent *, const char *interface, char *ret, size_t size);

struct span {
	uint32_t first, last;
};

/* An address of one action, with its ports. */
struct spot {
	enum action action;
	char where[WHERE_BYTES];
	uint32_t lends;
	struct span ports[SPANS_MAX + 1]; /* sorted, apart; room for one to be joined */
	size_t n_ports;
};

/* What a rule bounds an option or an ioctl by. */
enum reach { REACH_SELF, REACH_INTERFACE, REACH_MARK, REACH_GROUP };

struct thing {
	enum action action;
	const char *text;        /* SO_MARK, SIOCSIFFLAGS */
	enum reach reach;
	char where[WHERE_BYTES]; /* interface, mark, group */
	uint32_t lends;
};

/* Sockets of a family, type, protocol. */
struct kind {
	int family, type, protocol;
	bool opened;
	uint32_t lends;          /* to open one */
	struct spot *spots;
	size_t n_spots;
	struct thing things[THINGS_MAX];
	size_t n_things;

	uint32_t widened;        /* 1 << action: more ports or addresses than we keep */
	uint32_t left_out;       /* 1 << action: something was asked that has no words here */
};

struct suggestion {
	pthread_mutex_t lock;
	struct kind *kinds[KINDS_MAX];
	size_t n_kinds;
	bool left_out;           /* kinds */
};

/* Do such sockets have ports, by a policy? */
bool kind_has_ports(const struct kind *);

#endif
