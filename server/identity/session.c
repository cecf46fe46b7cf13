/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "call/call.h"
#include "call/shard.h"
#include "core/clock.h"
#include "ops/sock.h"

static atomic_ullong session_count;

/* "SSSS" and 128 random bits, in hexadecimal: the shard's number only says
 * where to look. Some of the bits are the session's place in the shard's table,
 * so they must be nobody else's. */
static int make_token(struct session *s)
{
	unsigned char bits[16];
	int r;

	do {
		if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
			return -EIO;
		memcpy(&s->token_key, bits, sizeof(s->token_key));
		r = s->token_key ? handles_insert(&s->shard->tokens, s->token_key, s) : -EEXIST;
	} while (r == -EEXIST);
	if (r < 0)
		return r;

	snprintf(s->token, sizeof(s->token), "%04x", s->shard->number);
	for (size_t i = 0; i < sizeof(bits); i++)
		snprintf(s->token + 4 + 2 * i, 3, "%02x", bits[i]);
	return 0;
}

/* What can be printed of a name that the client chose. */
static void set_client(struct session *s, const char *client)
{
	size_t n = 0;

	for (; client && *client && n < SESSION_CLIENT_BYTES; client++)
		s->client[n++] = *client >= ' ' && *client <= '~' ? *client : '?';
}

int session_open(struct shard *shard, struct peer *peer, const char *client, struct session **ret)
{
	struct session *s;
	int r = -ENOMEM;

	if (!policy_knows(shard->policy, &peer->subject))
		return -EACCES;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;

	s->shard = shard;
	s->refs = 1;
	s->limits = policy_limits(shard->policy, &peer->subject);
	s->account = account_get(peer->subject.uid);
	if (!s->account)
		goto err_after_alloc;
	r = -EMFILE;
	if (!account_take(&s->account->sessions, 1, s->limits.sessions))
		goto err_after_account;
	r = make_token(s);
	if (r < 0)
		goto err_after_count;

	set_client(s, client);
	s->open = true;
	s->number = atomic_fetch_add(&session_count, 1) + 1;
	s->peer = peer_ref(peer);
	s->opened_ns = clock_now_ns();
	list_init(&s->calls);
	list_init(&s->stalled);
	list_init(&s->transfers);
	list_append(&shard->sessions, &s->in_shard);
	*ret = s;
	return 0;

err_after_count:
	account_give(&s->account->sessions, 1);
err_after_account:
	account_put(s->account);
err_after_alloc:
	free(s);
	return r;
}

static void close_handles(struct session *s)
{
	for (size_t i = 0; i < s->handles.capacity; i++) {
		struct sock *sock = s->handles.slots[i].value;

		if (!sock)
			continue;
		sock->handles--;
		sock_unref(sock);
	}
	handles_free(&s->handles);
}

static void abandon_calls(struct session *s)
{
	struct list calls;

	list_init(&calls);
	list_splice(&calls, &s->calls);
	while (!list_empty(&calls)) {
		struct call *c = container_of(calls.next, struct call, in_session);

		list_remove(&c->in_session);
		call_abandon(c);
	}
}

void session_close(struct session *s)
{
	s->open = false;
	s->last = NULL;
	list_remove(&s->in_shard);
	handles_remove(&s->shard->tokens, s->token_key);
	abandon_calls(s);
	close_handles(s);
	account_give(&s->account->sessions, 1);
	session_unref(s);
}

struct session *session_ref(struct session *s)
{
	s->refs++;
	return s;
}

struct session *session_unref(struct session *s)
{
	if (!s || --s->refs > 0)
		return NULL;
	account_put(s->account);
	peer_unref(s->peer);
	handles_free(&s->waiting);
	grants_free(&s->grants);
	free(s);
	return NULL;
}

int session_token_shard(const char *token, size_t length, unsigned n_shards)
{
	unsigned number;
	char digits[5] = { 0 };
	char end;

	if (length != SESSION_TOKEN_BYTES)
		return -1;
	memcpy(digits, token, 4);
	if (sscanf(digits, "%4x%c", &number, &end) != 1 || number >= n_shards)
		return -1;
	return (int)number;
}

/* In time that does not depend on where they differ. */
static bool same_token(const char *a, const char *b)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < SESSION_TOKEN_BYTES; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

/* The key of a well-formed token, or 0. */
static uint32_t token_key(const char *token)
{
	unsigned char bits[4];
	uint32_t key;

	for (size_t i = 0; i < sizeof(bits); i++) {
		char digits[3] = { token[4 + 2 * i], token[5 + 2 * i], 0 };
		unsigned byte;

		if (sscanf(digits, "%2x", &byte) != 1)
			return 0;
		bits[i] = (unsigned char)byte;
	}
	memcpy(&key, bits, sizeof(key));
	return key;
}

struct session *session_find(struct shard *shard, const char *token, size_t length,
			     const struct peer *peer)
{
	struct session *s;

	if (length != SESSION_TOKEN_BYTES)
		return NULL;
	s = handles_find(&shard->tokens, token_key(token));
	if (!s || s->peer->subject.uid != peer->subject.uid || !same_token(s->token, token))
		return NULL;
	return s;
}

void session_note_unread(struct session *s)
{
	bool congested = s->unread_on_stream > SESSION_UNREAD_STREAM ||
			 s->unread_unary > SESSION_UNREAD_UNARY;

	if (congested != s->congested)
		session_set_congested(s, congested);
}

void session_set_congested(struct session *s, bool congested)
{
	s->congested = congested;
	while (!congested && !list_empty(&s->stalled)) {
		struct sock *sock = container_of(s->stalled.next, struct sock, in_stalled);

		list_remove(&sock->in_stalled);
		sock_rearm(sock);
	}
}
