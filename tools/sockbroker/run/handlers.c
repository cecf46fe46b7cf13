/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.c - which handler answers which call. */
#include "handlers.h"

#include <sys/syscall.h>

struct handler {
	int nr;
	struct answer (*answer)(struct call *);
};

static const struct handler handlers[] = {
	{ SYS_socket, on_socket },   { SYS_bind, on_bind },
	{ SYS_connect, on_connect }, { SYS_listen, on_listen },
	{ SYS_sendto, on_sendto },   { SYS_sendmsg, on_sendmsg },
	{ SYS_sendmmsg, on_sendmmsg }, { SYS_setsockopt, on_setsockopt },
	{ SYS_ioctl, on_ioctl },
};

struct answer handle(struct call *c)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].nr == c->nr)
			return handlers[i].answer(c);
	return answer_value(-ENOSYS); /* the filter traps nothing else */
}
