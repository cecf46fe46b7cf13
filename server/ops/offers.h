/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers.h - what was offered and not taken yet: sockets for another session (Share), a
 * socket's own descriptor for its client (GetDescriptor), a client's descriptor for its session
 * (`give`). The one thing that sessions of different shards, and the ticket desk, have in
 * common. Any thread; a lock of its own, under which nothing is waited for.
 */
#ifndef SB_OPS_OFFERS_H
#define SB_OPS_OFFERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "identity/account.h"
#include "policy/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OFFER_SECRET_BYTES = 16, OFFER_TOKEN_BYTES = 2 * OFFER_SECRET_BYTES + 1,
       OFFERS_OF_ONE = 64, OFFERS_MAX = 1024, OFFER_SECONDS = 60 };

/* Those who hold a description that was shared: socks and offers. What close(2) does
 * to it is the last one's. */
struct holders {
	atomic_uint n;
	pthread_mutex_t lock;
	bool foreign;            /* others than they hold it: see sock->foreign */
};
/* Of one holder; NULL: memory is out. */
struct holders *holders_new(void);
struct holders *holders_ref(struct holders *);
/* Returns whether that was the last. Accepts NULL: nobody else ever held it. */
bool holders_unref(struct holders *);

/* What the taker gets: made by the sharer, and the taker's to dispose of. */
struct offer {
	int fd;
	bool direct;                        /* for the ticket desk to hand out, and for no session */
	bool file;                          /* no socket: as sock's */
	int family, type, protocol;
	bool foreign, narrow, may_linger;   /* as sock's */
	uint64_t receive_timeout_ns, send_timeout_ns;
	int capture_fd;                     /* -1: none */
	int capture_ifindex, capture_mode;
	struct holders *holders;
	struct account *account;            /* it counts as a socket of its sharer's */
};
/* Of @uid, whom it counts against. Sets the account; all else is the caller's to set.
 * Returns 0, -EMFILE, -ENOMEM. */
int offer_begin(struct offer *, uid_t uid, const struct limits *)
	__attribute__((warn_unused_result));
/* Closes what it has, if need be by its user's crew. */
void offer_end(struct offer *);

/* Takes @offer, on success. @pid: 0 for any. Returns 0, -EMFILE, -ENOMEM, -EIO. */
int offers_add(const struct offer *, pid_t pid, uint64_t now_ns, char token[OFFER_TOKEN_BYTES])
	__attribute__((warn_unused_result));

/* @direct: what the desk hands out, or what sessions take; neither finds the other's. Returns 0
 * and gives it out, -ENOENT or -EACCES. */
int offers_take(const char *token, bool direct, uid_t uid, pid_t pid, uint64_t now_ns,
		struct offer *ret)
	__attribute__((warn_unused_result));

/* Ends those whose time is up. */
void offers_expire(uint64_t now_ns);
/* When the next one's is, or UINT64_MAX. */
uint64_t offers_next(void);

#ifdef __cplusplus
}
#endif
#endif
