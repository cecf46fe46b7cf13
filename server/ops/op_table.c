/* SPDX-License-Identifier: Apache-2.0 */
/* op_table.c - every operation of the broker, in the order of broker.proto. */
#include <assert.h>
#include <string.h>

#include "ops/ops.h"

int no_intent(struct call *c)
{
	c->intent.action = ACTION_NONE;
	return 0;
}

const struct op op_table[] = {
	/* method         waits for  what it asks        how it is done         when it may block  if time is up       if nobody hears */
	{ "Socket",       0,         socket_intent,      socket_attempt,        NULL,              NULL,               NULL },
	{ "SocketPair",   0,         socket_pair_intent, socket_pair_attempt,   NULL,              NULL,               NULL },
	{ "Close",        0,         close_intent,       close_attempt,         close_work,        close_finish,       NULL },
	{ "Dup",          0,         no_intent,          dup_attempt,           NULL,              NULL,               NULL },
	{ "Bind",         0,         bind_intent,        bind_attempt,          bind_work,         NULL,               NULL },
	{ "Listen",       0,         listen_intent,      listen_attempt,        NULL,              NULL,               NULL },
	{ "Accept",       EPOLLIN,   no_intent,          accept_attempt,        NULL,              NULL,               accept_undo },
	{ "Connect",      EPOLLOUT,  connect_intent,     connect_attempt,       connect_work,      NULL,               NULL },
	{ "Shutdown",     0,         no_intent,          shutdown_attempt,      shutdown_work,     NULL,               NULL },
	{ "GetSockName",  0,         no_intent,          get_sock_name_attempt, NULL,              NULL,               NULL },
	{ "GetPeerName",  0,         no_intent,          get_peer_name_attempt, NULL,              NULL,               NULL },
	{ "Send",         EPOLLOUT,  send_intent,        send_attempt,          send_work,         send_finish,        NULL },
	{ "Recv",         EPOLLIN,   recv_intent,        recv_attempt,          NULL,              recv_finish,        recv_undo },
	{ "SendMany",     EPOLLOUT,  send_many_intent,   send_many_attempt,     NULL,              send_many_finish,   NULL },
	{ "RecvMany",     EPOLLIN,   recv_many_intent,   recv_many_attempt,     NULL,              recv_many_finish,   recv_many_undo },
	{ "GetOption",    0,         get_option_intent,  get_option_attempt,    NULL,              NULL,               NULL },
	{ "SetOption",    0,         set_option_intent,  set_option_attempt,    set_option_work,   NULL,               NULL },
	{ "Ioctl",        0,         ioctl_intent,       ioctl_attempt,         ioctl_work,        NULL,               NULL },
	{ "Poll",         0,         poll_intent,        poll_attempt,          NULL,              poll_finish,        NULL },
	{ "GetAddrInfo",  AN_ERRAND, get_addr_info_intent, get_addr_info_attempt, NULL,            NULL,               NULL },
	{ "GetNameInfo",  AN_ERRAND, get_name_info_intent, get_name_info_attempt, NULL,            NULL,               NULL },
	{ "GetHostByName", AN_ERRAND, get_host_by_name_intent, get_host_by_name_attempt, NULL,      NULL,               NULL },
	{ "GetHostByAddr", AN_ERRAND, get_host_by_addr_intent, get_host_by_addr_attempt, NULL,      NULL,               NULL },
	{ "GetHostName",  0,         no_intent,          get_host_name_attempt, NULL,              NULL,               NULL },
	{ "SetHostName",  0,         set_host_name_intent, set_host_name_attempt, NULL,            NULL,               NULL },
	{ "GetProtoByName", AN_ERRAND, get_proto_by_name_intent, get_proto_by_name_attempt, NULL,    NULL,               NULL },
	{ "GetServByName", AN_ERRAND, get_serv_by_name_intent, get_serv_by_name_attempt, NULL,      NULL,               NULL },
	{ "GetServByPort", AN_ERRAND, get_serv_by_port_intent, get_serv_by_port_attempt, NULL,      NULL,               NULL },
	{ "IfNameIndex",  AN_ERRAND, no_intent,          if_name_index_attempt, NULL,              NULL,               NULL },
	{ "IfNameToIndex", 0,        if_name_to_index_intent, if_name_to_index_attempt, NULL,      NULL,               NULL },
	{ "IfIndexToName", 0,        no_intent,          if_index_to_name_attempt, NULL,           NULL,               NULL },
	{ "Constants",    0,         no_intent,          constants_attempt,     NULL,              NULL,               NULL },
	{ "Share",        0,         no_intent,          share_attempt,         NULL,              NULL,               NULL },
	{ "FromShare",    0,         no_intent,          from_share_attempt,    NULL,              NULL,               NULL },
	{ "GetDescriptor", 0,        get_descriptor_intent, get_descriptor_attempt, get_descriptor_work, NULL,          NULL },
	{ "Judge",        0,         judge_intent,       judge_attempt,         NULL,              NULL,               NULL },
};
enum { N_OPS = sizeof(op_table) / sizeof(op_table[0]), CASE_MAX = 128 };
const unsigned op_count = N_OPS;
struct op_layout op_layouts[N_OPS];
static const struct op *by_case[CASE_MAX];

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *in,
						const ProtobufCMessageDescriptor *type)
{
	for (unsigned i = 0; i < in->n_fields; i++)
		if (in->fields[i].type == PROTOBUF_C_TYPE_MESSAGE && in->fields[i].descriptor == type)
			return &in->fields[i];
	return NULL;
}

static void layout_init(unsigned i)
{
	const ProtobufCMethodDescriptor *m =
		protobuf_c_service_descriptor_get_method_by_name(&sockbroker__v1__broker__descriptor,
								 op_table[i].method);
	const ProtobufCFieldDescriptor *f;
	struct op_layout *l = &op_layouts[i];

	assert(m);
	l->request = m->input;
	l->reply = m->output;
	l->handle = protobuf_c_message_descriptor_get_field_by_name(l->request, "handle");
	l->timeout = protobuf_c_message_descriptor_get_field_by_name(l->request, "timeout_ns");
	l->error_offset = protobuf_c_message_descriptor_get_field_by_name(l->reply, "error")->offset;
	l->in_reply = field_of(&sockbroker__v1__reply__descriptor, l->reply);
	f = field_of(&sockbroker__v1__request__descriptor, l->request);
	l->in_request = f;
	assert(f && f->id < CASE_MAX && l->in_reply);
	by_case[f->id] = &op_table[i];
}

void op_table_init(void)
{
	for (unsigned i = 0; i < N_OPS; i++)
		layout_init(i);
}

const struct op *op_find(const char *method, size_t length)
{
	for (unsigned i = 0; i < N_OPS; i++)
		if (strlen(op_table[i].method) == length &&
		    memcmp(op_table[i].method, method, length) == 0)
			return &op_table[i];
	return NULL;
}

bool op_must_run(const struct op *op)
{
	return op->attempt == close_attempt;
}

bool op_takes_files(const struct op *op)
{
	return op->attempt == close_attempt || op->attempt == dup_attempt ||
	       op->attempt == share_attempt || op->attempt == get_descriptor_attempt;
}

const struct op *op_find_case(unsigned field_number)
{
	return field_number < CASE_MAX ? by_case[field_number] : NULL;
}
