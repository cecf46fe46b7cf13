/* SPDX-License-Identifier: Apache-2.0 */
#include "privilege.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

void privilege_drop(void)
{
	static const __u32 kept = 1u << CAP_SYS_PTRACE | 1u << CAP_KILL;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[0].effective &= kept;
	data[1].effective = 0;
	(void)syscall(SYS_capset, &header, data);
}
