/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h - the handlers, by file, and what they share. */
#ifndef SB_OPS_OPS_H
#define SB_OPS_OPS_H

#include "ops/op.h"

/* The client holds the socket already; using it asks nothing new. */
int no_intent(struct call *);

/* ops_life.c */
int socket_intent(struct call *);
int socket_attempt(struct call *);
int socket_pair_intent(struct call *);
int socket_pair_attempt(struct call *);
int close_intent(struct call *);
int close_attempt(struct call *);
int close_work(struct call *);
int close_finish(struct call *, int error);
int dup_attempt(struct call *);

/* ops_naming.c */
int bind_intent(struct call *);
int bind_attempt(struct call *);
int bind_work(struct call *);
int connect_intent(struct call *);
int connect_attempt(struct call *);
int connect_work(struct call *);
int shutdown_attempt(struct call *);
int shutdown_work(struct call *);
int get_sock_name_attempt(struct call *);
int get_peer_name_attempt(struct call *);

/* ops_listen.c */
int listen_intent(struct call *);
int listen_attempt(struct call *);
int accept_attempt(struct call *);
void accept_undo(struct call *);

/* ops_send.c, ops_recv.c, ops_send_many.c, ops_recv_many.c */
int send_intent(struct call *);
int send_attempt(struct call *);
int send_work(struct call *);
int send_finish(struct call *, int error);
int recv_intent(struct call *);
int recv_attempt(struct call *);
int recv_finish(struct call *, int error);
void recv_undo(struct call *);
int send_many_intent(struct call *);
int send_many_attempt(struct call *);
int send_many_finish(struct call *, int error);
int recv_many_intent(struct call *);
int recv_many_attempt(struct call *);
int recv_many_finish(struct call *, int error);
void recv_many_undo(struct call *);

/* ops_option.c */
int get_option_intent(struct call *);
int get_option_attempt(struct call *);
int set_option_intent(struct call *);
int set_option_attempt(struct call *);
int set_option_work(struct call *);

/* ops_ioctl.c */
int ioctl_intent(struct call *);
int ioctl_attempt(struct call *);
int ioctl_work(struct call *);

/* ops_share.c */
int share_attempt(struct call *);
int from_share_attempt(struct call *);

/* ops_descriptor.c */
int get_descriptor_intent(struct call *);
int get_descriptor_attempt(struct call *);
int get_descriptor_work(struct call *);
int judge_intent(struct call *);
int judge_attempt(struct call *);

/* ops_wait.c */
int poll_intent(struct call *);
int poll_attempt(struct call *);
int poll_finish(struct call *, int error);

/* ops_resolve.c: getaddrinfo, getnameinfo */
int get_addr_info_intent(struct call *);
int get_addr_info_attempt(struct call *);
int get_name_info_intent(struct call *);
int get_name_info_attempt(struct call *);

/* ops_host.c: gethostbyname and its kin, the host's own name */
int get_host_by_name_intent(struct call *);
int get_host_by_name_attempt(struct call *);
int get_host_by_addr_intent(struct call *);
int get_host_by_addr_attempt(struct call *);
int get_host_name_attempt(struct call *);
int set_host_name_intent(struct call *);
int set_host_name_attempt(struct call *);

/* ops_names.c: protocols, services, interfaces, constants */
int get_proto_by_name_intent(struct call *);
int get_proto_by_name_attempt(struct call *);
int get_serv_by_name_intent(struct call *);
int get_serv_by_name_attempt(struct call *);
int get_serv_by_port_intent(struct call *);
int get_serv_by_port_attempt(struct call *);
int if_name_index_attempt(struct call *);
int if_name_to_index_intent(struct call *);
int if_name_to_index_attempt(struct call *);
int if_index_to_name_attempt(struct call *);
int constants_attempt(struct call *);

/* ---- shared --------------------------------------------------------------- */

/* The messages of a call, by their types. */
#define REQUEST(c, Type) ((const Sockbroker__V1__##Type##Request *)(const void *)(c)->request)
#define REPLY(c, Type) ((Sockbroker__V1__##Type##Reply *)(void *)(c)->reply)

/* Room in the session for a new socket with this number? 0, -EMFILE, -EEXIST,
 * -EINVAL: asked before the kernel is, so that nothing has to be undone. */
int may_add_sock(const struct session *, uint32_t wanted);
/* A sock for @fd, and a handle for it. The first takes @fd on success, the second in any case. */
int adopt_sock(struct call *, int fd, const struct sock *like, uint32_t wanted, uint32_t *ret_handle);
int add_sock(struct call *, int fd, const struct sock *like, uint32_t wanted, uint32_t *ret_handle);

/* What is asked for, in the intent: all but the action. 0 or -EINVAL. */
int socket_kind(int family, int type, int protocol, struct intent *);

/* What a request says, as the kernel's and as the socket's protocol means it: see
 * addr_decode() and addr_fit(). */
int request_address(const struct call *, const Sockbroker__V1__Address *, struct sock_addr *ret);
/* Fill a reply's address, in the call's arena. */
int reply_address(struct call *, const struct sock_addr *, Sockbroker__V1__Address **ret);

/* ops_send.c: a send that would block, whatever its flags say. */
bool send_is_slow(const struct sock *);
/* What the kernel is told for the flags that were asked for: not to wait, and not to
 * signal, but for families that refuse to be told and never do. */
int send_flags(const struct sock *, uint32_t asked);

/* ops_recv.c: flags that depend on the family; and whether a parked call waits
 * for what will never come. */
int recv_cloexec(const struct sock *);
bool recv_is_shut(const struct call *);

/* ops_control.c: control messages of a session. */
int control_decode(struct call *, Sockbroker__V1__ControlMessage *const *messages, size_t n,
		   struct msghdr *out);
int control_encode(struct call *, struct msghdr *in, size_t *ret_n,
		   Sockbroker__V1__ControlMessage ***ret);
/* Which of the messages a policy must allow, options and sockets that are given away: adds to
 * call->also. */
int control_intents(struct call *, Sockbroker__V1__ControlMessage *const *messages, size_t n);

enum { CONTROL_BYTES_MAX = 32768, MANY_MAX = 1024, RETRY_NS = 1000000 };

#endif
