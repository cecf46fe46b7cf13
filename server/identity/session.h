/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - what owns handles: the broker's word for a process.
 *
 * It begins with a Session stream and ends with it; then every call is
 * abandoned and every socket closed. Belongs to its shard's lock.
 */
#ifndef SB_IDENTITY_SESSION_H
#define SB_IDENTITY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/handles.h"
#include "wire/list.h"
#include "identity/account.h"
#include "identity/peer.h"
#include "policy/policy.h"

struct shard;
struct call;
struct sock;

enum { SESSION_TOKEN_BYTES = 36, SESSION_CLIENT_BYTES = 64,
       SESSION_UNREAD_STREAM = 1 << 20, SESSION_UNREAD_UNARY = 16 << 20 };

struct session {
	struct shard *shard;
	struct list in_shard;
	unsigned refs;           /* the stream, each call, each socket */
	bool open;               /* the stream lives */
	uint64_t number;         /* public */
	char token[SESSION_TOKEN_BYTES + 1]; /* secret: the shard's number, and 128 random bits */
	uint32_t token_key;      /* some of those bits: where to find it in shard->tokens */
	char client[SESSION_CLIENT_BYTES + 1];
	struct peer *peer;
	struct account *account;
	struct limits limits;
	uint64_t opened_ns;

	struct handles handles;  /* number -> struct sock */
	uint32_t next_handle;
	struct list calls;
	struct handles waiting;  /* id -> a call of the stream that waits: what Cancel looks for */
	struct list transfers;   /* front/transfer.c's */
	unsigned n_calls;
	uint64_t held_bytes;
	uint64_t operations, denials;
	struct grants grants;    /* what it was told for names */

	/* The last request of the stream, if it has not finished, else how it
	 * ended: what a linked request depends on. */
	struct call *last;
	int last_error;

	/* The client does not read its replies, on the stream or of unary calls:
	 * receive nothing more for it. */
	uint64_t unread_on_stream, unread_unary; /* bytes */
	bool congested;
	struct list stalled;     /* sockets that have been left alone meanwhile */
};

/* Returns 0, -EACCES (no rule is for this peer), -EMFILE, -ENOMEM. */
int session_open(struct shard *, struct peer *, const char *client, struct session **ret)
	__attribute__((warn_unused_result));
/* Ends it; drops the reference that session_open() gave. */
void session_close(struct session *);

struct session *session_ref(struct session *);
struct session *session_unref(struct session *); /* returns NULL; accepts NULL */

/* Which shard a token speaks of, or -1; and the session there, if it is open and of
 * the same user, or NULL. */
int session_token_shard(const char *token, size_t length, unsigned n_shards);
struct session *session_find(struct shard *, const char *token, size_t length,
			     const struct peer *);

void session_set_congested(struct session *, bool);
/* What it has not read has changed. */
void session_note_unread(struct session *);

#endif
