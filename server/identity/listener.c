/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/listener.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "front/front.h"
#include "identity/account.h"
#include "identity/peer.h"

enum { ACCEPTS_AT_ONCE = 64 };

/* Refusals are rare enough to be told one by one, and frequent enough to need a
 * limit, when somebody insists. */
static void refuse(const struct peer *peer, const char *why)
{
	static struct log_limit limit = { .per_second = 5 };
	unsigned dropped;

	if (log_may(&limit, &dropped))
		log_line(LOG_LEVEL_WARNING, "refused a connection: user %u, process %d: %s",
			 peer ? (unsigned)peer->subject.uid : 0, peer ? (int)peer->pid : 0, why);
}

/* Takes @fd. */
static void admit(struct front *front, const struct policy *policy, int fd)
{
	_cleanup_close_ int owned = fd;
	struct account *account;
	struct peer *peer;

	if (peer_identify(fd, &peer) < 0) {
		refuse(NULL, "the kernel does not say who it is");
		return;
	}
	account = account_get(peer->subject.uid);
	if (!account || !account_take(&account->connections, 1,
				      policy_limits(policy, &peer->subject).connections)) {
		refuse(peer, "too many connections of this user");
		account_put(account);
	} else if (front_add(front, take_fd(&owned), peer, account) < 0) {
		refuse(peer, "memory or descriptors are out");
	}
	peer_unref(peer);
}

void listener_accept(struct door *door, struct front *front, const struct policy *policy)
{
	/* Less, if net.core.wmem_max says so. A message of bulk data then leaves at once. */
	const int send_bytes = 1 << 20;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = door_accept(door);

		if (fd == -EMFILE)
			refuse(NULL, "descriptors are out");
		if (fd < 0)
			return;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
		admit(front, policy, fd);
	}
}
