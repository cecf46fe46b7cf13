/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_option.c - setsockopt(2) and ioctl(2), of those that the kernel may want a capability
 * for (privileged.c). It is tried here first: what anyone may set is set by that.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "broker.h"
#include "handlers.h"
#include "run.h"
#include "sockbroker.h"
#include "target.h"
#include "wire/sockopt.h"

/* The longest of these options is shorter; of a longer value the kernel takes the beginning. */
enum { VALUE_BYTES = 2048 };

struct option_call {
	int level, name;
	socklen_t length;
	char value[VALUE_BYTES] __attribute__((aligned(8)));
};

static long act_setsockopt(int standin, void *context)
{
	const struct option_call *o = context;

	return sb_setsockopt(standin, o->level, o->name, o->value, o->length);
}

static struct intent option_intent(const struct call *c, const struct option_call *o)
{
	const struct sockopt *row = sockopt_find_for(c->kind.family, o->level, o->name);
	struct intent intent = call_intent(c, ACTION_OPTION);
	int number;

	intent.level = o->level;
	intent.name = o->name;
	if (row)
		intent.ifindex = sockopt_ifindex(row, o->value, o->length);
	if (row && row->kind == SOCKOPT_INTEGER && o->length == sizeof(number)) {
		memcpy(&number, o->value, sizeof(number));
		intent.value = number;
	}
	return intent;
}

/* What the broker does not know, the kernel has refused already. */
static struct answer refused_or(long r, int refusal)
{
	return answer_value(r == -ENOPROTOOPT || r == -ENOTTY ? refusal : r);
}

static int take_value(struct call *c, struct option_call *o)
{
	int r = call_take_socket(c, 0);

	if (r < 0)
		return r;
	o->level = call_int(c, 1);
	o->name = call_int(c, 2);
	if (call_int(c, 4) < 0)
		return -EINVAL;
	o->length = (socklen_t)call_int(c, 4);
	if (o->length > VALUE_BYTES)
		o->length = VALUE_BYTES;
	return target_read(c->tid, c->arg[3], o->value, o->length);
}

struct answer on_setsockopt(struct call *c)
{
	struct option_call o;
	struct intent intent;
	int r = take_value(c, &o);

	if (r == -EPERM)
		return answer_native();
	if (r < 0 || !call_is_valid(c))
		return answer_value(r < 0 ? r : -ESRCH);
	r = setsockopt(c->fd, o.level, o.name, o.value, o.length) < 0 ? -errno : 0;
	if (!is_refusal(r))
		return answer_value(r);
	if (target_has_privilege(c->tid))
		return answer_native();
	intent = option_intent(c, &o);
	return refused_or(broker_act(c, &intent, r, act_setsockopt, &o), r);
}

struct ioctl_call {
	unsigned long request;
	struct ifreq argument;
};

static long act_ioctl(int standin, void *context)
{
	struct ioctl_call *i = context;

	return sb_ioctl(standin, i->request, &i->argument);
}

/* All of privileged_ioctls() take an ifreq, and give nothing back. */
struct answer on_ioctl(struct call *c)
{
	struct ioctl_call i = { .request = c->arg[1] & UINT32_MAX };
	struct intent intent;
	int r;

	if (interface_is_asked_for(i.request))
		return on_interface(c);
	r = call_take_socket(c, 0);
	/* The numbers mean something else to other files. */
	if (r == -EPERM || r == -ENOTSOCK)
		return answer_native();
	if (r == 0)
		r = target_read(c->tid, c->arg[2], &i.argument, sizeof(i.argument));
	if (r < 0 || !call_is_valid(c))
		return answer_value(r < 0 ? r : -ESRCH);
	r = ioctl(c->fd, i.request, &i.argument) < 0 ? -errno : 0;
	if (!is_refusal(r))
		return answer_value(r);
	if (target_has_privilege(c->tid))
		return answer_native();
	intent = call_intent(c, ACTION_IOCTL);
	intent.ioctl = i.request;
	return refused_or(broker_act(c, &intent, r, act_ioctl, &i), r);
}
