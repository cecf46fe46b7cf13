/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/descriptor_kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "wire/kind.h"

static int int_option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* NULL: of no kind that passes. FUSE and network file systems answer from what they know. */
const char *file_name_of_kind(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0 ||
	    !(st.stx_mask & STATX_TYPE))
		return NULL;
	switch (st.stx_mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFIFO: return "pipe";
	case S_IFCHR: return "device";
	default: return NULL;
	}
}

int descriptor_kind(int fd, struct descriptor_kind *ret)
{
	const int family = int_option(fd, SO_DOMAIN);

	if (family >= 0) {
		*ret = (struct descriptor_kind){ .family = family, .type = int_option(fd, SO_TYPE),
						 .protocol = kind_protocol(fd) };
		if (family == AF_PACKET && ret->protocol >= 0)
			ret->protocol = ntohs((uint16_t)ret->protocol);
		return 0;
	}
	if (!file_name_of_kind(fd))
		return -ENOTSOCK;
	*ret = (struct descriptor_kind){ .file = true };
	return 0;
}
