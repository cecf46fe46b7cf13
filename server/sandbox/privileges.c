/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "policy/policy.h"

static const struct {
	uint32_t lend;
	unsigned capability;
	bool only_if_lent;       /* by a rule at the start: too mighty to keep in hope */
} lendable[] = {
	{ LEND_NET_RAW, CAP_NET_RAW, false },
	{ LEND_NET_ADMIN, CAP_NET_ADMIN, false },
	{ LEND_NET_BIND_SERVICE, CAP_NET_BIND_SERVICE, false },
	{ LEND_SYS_ADMIN, CAP_SYS_ADMIN, true },
};
enum { N_LENDABLE = sizeof(lendable) / sizeof(lendable[0]) };

static uint32_t permitted; /* LEND_* that we were started with, and keep */

/* Have libcap-ng's idea of this thread be: permitted what is lendable,
 * effective what @lends says. */
static void select_capabilities(uint32_t lends)
{
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < N_LENDABLE; i++) {
		if (!(permitted & lendable[i].lend))
			continue;
		capng_update(CAPNG_ADD, CAPNG_PERMITTED, lendable[i].capability);
		if (lends & lendable[i].lend)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, lendable[i].capability);
	}
}

static void find_permitted(uint32_t lends)
{
	capng_get_caps_process();
	for (size_t i = 0; i < N_LENDABLE; i++) {
		uint32_t lend = lendable[i].lend;

		if (!capng_have_capability(CAPNG_PERMITTED, lendable[i].capability))
			continue;
		if (!lendable[i].only_if_lent || lends & lend)
			permitted |= lend;
	}
}

uint32_t privileges_lendable(void)
{
	return permitted;
}

/* Must: leave root, its groups, and all capabilities but the lendable.
 * Must not: leave a way back. */
static int become(const char *user, char *error, size_t error_size)
{
	const struct passwd *pw = getpwnam(user);
	int r;

	if (!pw || pw->pw_uid == 0) {
		snprintf(error, error_size,
			 pw ? "the user '%s' is root, which is not a drop of privileges; name another with --user"
			    : "there is no user '%s'; make one with `useradd --system --no-create-home %s`, or name another with --user",
			 user, user);
		return -EINVAL;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	select_capabilities(permitted);
	r = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (r < 0) {
		snprintf(error, error_size, "cannot become the user '%s' (libcap-ng says %d): %s", user, r,
			 strerror(errno));
		return -EPERM;
	}
	return 0;
}

int privileges_drop(const char *user, uint32_t lends, char *error, size_t error_size)
{
	int parent_death_signal = 0, r;

	find_permitted(lends);
	if (geteuid() == 0) {
		/* Whoever wants us to end with them: a change of user forgets it. */
		(void)prctl(PR_GET_PDEATHSIG, &parent_death_signal, 0, 0, 0);
		r = become(user, error, error_size);
		if (r < 0)
			return r;
		(void)prctl(PR_SET_PDEATHSIG, parent_death_signal, 0, 0, 0);
	}
	select_capabilities(0);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
		snprintf(error, error_size, "cannot empty the effective capability set: %s", strerror(errno));
		return -EPERM;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		snprintf(error, error_size, "prctl: %s", strerror(errno));
		return -EPERM;
	}
	return 0;
}

static void set_effective(uint32_t lends)
{
	select_capabilities(lends);
	(void)capng_apply(CAPNG_SELECT_CAPS);
}

void privileges_raise(uint32_t lends)
{
	set_effective(lends);
}

void privileges_lower(void)
{
	set_effective(0);
}
