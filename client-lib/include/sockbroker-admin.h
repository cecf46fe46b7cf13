/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sockbroker-admin.h
 *
 * Looking into a running broker, as `sockbroker sockets`, `sessions` and
 * `status` do. Everybody sees what is their own; a rule that says
 * `may: [inspect]` lets a user see everything.
 *
 * Functions return 0, or -1 and errno, with sb_error_message() as for any call.
 */
#ifndef SOCKBROKER_ADMIN_H
#define SOCKBROKER_ADMIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sockbroker.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/** The process that a session is of. */
struct sb_admin_owner {
	uint32_t uid;
	uint32_t gid;
	int32_t pid;
};

/** A socket of the broker's. */
struct sb_admin_socket {
	uint64_t session;
	uint32_t handle;
	struct sb_admin_owner owner;
	int family, type, protocol;
	char state[16];                  /**< as ss(8): LISTEN, ESTAB, UNCONN … */
	struct sockaddr_storage local;
	socklen_t local_length;          /**< 0: it has none */
	struct sockaddr_storage peer;
	socklen_t peer_length;           /**< 0: it has none */
	uint64_t receive_queue;          /**< bytes the kernel holds, unread */
	uint64_t send_queue;             /**< bytes the kernel holds, unsent */
	uint64_t received_bytes;         /**< through the broker */
	uint64_t sent_bytes;
	uint32_t waiting_calls;
};

/** A session: a client's connection. */
struct sb_admin_session {
	uint64_t session;
	struct sb_admin_owner owner;
	char client[80];                 /**< what it calls itself */
	uint64_t age_ns;
	uint32_t sockets;
	uint32_t calls;                  /**< in flight */
	uint64_t held_bytes;
	uint64_t operations;
	uint64_t denials;
};

/** The broker itself. */
struct sb_admin_status {
	char version[32];
	int32_t pid;
	uint64_t uptime_ns;
	uint32_t shards;
	uint32_t connections;
	uint32_t sessions;
	uint32_t sockets;
	uint64_t operations;
	uint64_t denials;
	char policy[4096];               /**< the file; empty: none, same user only */
	uint32_t policy_rules;
	uint64_t policy_age_ns;
	uint64_t resident_bytes;
};

/** The sockets that the caller may see, by @p broker (NULL: the default one). The array
 * is to be freed with sb_admin_free_sockets(). */
int sb_admin_sockets(sb_broker *broker, struct sb_admin_socket **ret, size_t *ret_n);
void sb_admin_free_sockets(struct sb_admin_socket *);

/** The sessions likewise. */
int sb_admin_sessions(sb_broker *broker, struct sb_admin_session **ret, size_t *ret_n);
void sb_admin_free_sessions(struct sb_admin_session *);

/** The broker's state and counters. */
int sb_admin_status(sb_broker *broker, struct sb_admin_status *ret);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
