/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_interface.c - with --all: SIOCGIFINDEX and SIOCGIFNAME on sockets that are not the
 * broker's. The C library's if_nametoindex() and if_indextoname() ask on one of AF_UNIX, which
 * knows the interfaces of the program's own network; its sockets, and the numbers
 * that it gives them, are of the broker's. Needs no rule.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "handlers.h"
#include "run.h"
#include "sockbroker.h"
#include "target.h"

bool interface_is_asked_for(unsigned long request)
{
	return request == SIOCGIFINDEX || request == SIOCGIFNAME;
}

/* Returns 0, -ENODEV, or -errno if the broker cannot be asked. */
static int look_up(unsigned long request, struct ifreq *argument)
{
	unsigned int index;

	if (request == SIOCGIFNAME)
		return sb_if_indextoname((unsigned int)argument->ifr_ifindex, argument->ifr_name)
			       ? 0
			       : -errno;
	argument->ifr_name[IFNAMSIZ - 1] = '\0';
	index = sb_if_nametoindex(argument->ifr_name);
	argument->ifr_ifindex = (int)index;
	return index ? 0 : -errno;
}

struct answer on_interface(struct call *c)
{
	const unsigned long request = c->arg[1] & UINT32_MAX;
	struct ifreq argument;
	int r = call_take_socket(c, 0);

	if (r < 0 || family_is_brokered(c->kind.family))
		return answer_native();
	r = target_read(c->tid, c->arg[2], &argument, sizeof(argument));
	if (r < 0)
		return answer_value(r);
	r = look_up(request, &argument);
	if (!call_is_valid(c))
		return answer_value(-ESRCH);
	if (r == 0)
		r = target_write(c->tid, c->arg[2], &argument, sizeof(argument));
	return answer_value(r == -ENXIO ? -ENODEV : r);
}
