/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../command.h"
#include "call.h"
#include "run.h"
#include "sockbroker.h"
#include "suggest.h"
#include "target.h"

enum { SENTENCE_WAITS_MS = 200 };

int report_init(struct report *report, bool trace, bool suggest)
{
	*report = (struct report){ .trace = trace };
	if (suggest) {
		report->suggestion = suggest_new();
		if (!report->suggestion)
			return -ENOMEM;
	}
	report->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (report->timer < 0)
		return -errno;
	pthread_mutex_init(&report->lock, NULL);
	return 0;
}

int report_write_policy(struct report *report, FILE *file, const char *program)
{
	return suggest_write(report->suggestion, file, getuid(), program);
}

/* Returns NULL if it has been told, or too many have. */
static struct refusal *note(struct report *report, const struct intent *intent)
{
	const struct refusal kind = {
		.action = intent->action,
		.family = intent->family,
		.type = intent->type,
		.protocol = intent->protocol,
		.detail = intent->action == ACTION_OPTION ? intent->level << 16 ^ intent->name :
							    (int)intent->ioctl,
	};

	for (size_t i = 0; i < report->n; i++) {
		const struct refusal *r = &report->refusals[i];

		if (r->action == kind.action && r->family == kind.family && r->type == kind.type &&
		    r->protocol == kind.protocol && r->detail == kind.detail)
			return NULL;
	}
	if (report->n == REPORT_KINDS)
		return NULL;
	report->refusals[report->n] = kind;
	return &report->refusals[report->n++];
}

static void note_refusal(const struct call *c, const struct intent *intent, const char *asked,
			 const char *why)
{
	const struct itimerspec soon = { .it_value.tv_nsec = SENTENCE_WAITS_MS * 1000000 };
	struct report *report = &c->run->report;
	struct refusal *refusal = note(report, intent);
	char name[TARGET_NAME_BYTES];

	if (!refusal)
		return;
	refusal->pid = c->tid;
	if (asprintf(&refusal->sentence,
		     "%s (process %d) is refused `%s`. %s%s"
		     "`sockbroker run --suggest-policy FILE -- ...` writes the rules that it needs",
		     target_name(c->tid, name), c->tid, asked, why ? why : "", why ? " " : "") < 0)
		refusal->sentence = NULL;
	(void)timerfd_settime(report->timer, 0, &soon, NULL);
}

/* It is for want of a right, or of the broker; all else is the kernel's answer to a call that makes
 * no sense. */
static bool is_refused(int error)
{
	static const int errors[] = { EACCES, EPERM, EPIPE, ENOENT, ECONNREFUSED, EPROTO, ENOSYS,
				      EXDEV, EMFILE, ENOBUFS, EOPNOTSUPP };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == -errors[i])
			return true;
	return false;
}

static bool opens_socket(enum action action)
{
	return action == ACTION_SOCKET || action == ACTION_DIRECT;
}

/* It has found another way. What it is refused next time is told anew. */
static void forget_refusals(struct report *report, pid_t pid, const struct intent *intent)
{
	for (size_t i = 0; i < report->n; i++) {
		struct refusal *r = &report->refusals[i];

		if (!r->sentence || r->pid != pid || !opens_socket(r->action) ||
		    r->family != intent->family || r->protocol != intent->protocol)
			continue;
		free(r->sentence);
		*r = report->refusals[--report->n];
		i--;
	}
}

static int address_ifindex(const struct intent *intent)
{
	switch (intent->addr.ss.ss_family) {
	case AF_PACKET:
		return ((const struct sockaddr_ll *)&intent->addr.ss)->sll_ifindex;
	case AF_CAN:
		return ((const struct sockaddr_can *)&intent->addr.ss)->can_ifindex;
	default:
		return intent->ifindex;
	}
}

/* With --all the numbers of interfaces are those of the broker's network, not of ours. */
static void suggest(const struct call *c, const struct intent *intent, bool privileged)
{
	const int index = c->run->all ? address_ifindex(intent) : 0;
	char name[IF_NAMESIZE];

	if (c->run->report.suggestion)
		suggest_note(c->run->report.suggestion, intent, privileged,
			     index > 0 ? sb_if_indextoname((unsigned int)index, name) : NULL);
}

void report_wish(const struct call *c, const struct intent *intent)
{
	suggest(c, intent, true);
}

void report_verdict(const struct call *c, const struct intent *intent, bool privileged, int error,
		    const char *why)
{
	struct report *report = &c->run->report;
	char asked[INTENT_TEXT_BYTES], name[TARGET_NAME_BYTES];

	suggest(c, intent, privileged);
	intent_print(intent, asked, sizeof(asked));
	pthread_mutex_lock(&report->lock);
	if (report->trace)
		fail("%d %s: %s: %s", c->tid, target_name(c->tid, name), asked,
		     error ? strerrorname_np(-error) : "allowed");
	if (is_refused(error))
		note_refusal(c, intent, asked, why);
	else if (!error && opens_socket(intent->action))
		forget_refusals(report, c->tid, intent);
	pthread_mutex_unlock(&report->lock);
}

void report_tell(struct report *report)
{
	uint64_t rung;

	(void)!read(report->timer, &rung, sizeof(rung));
	pthread_mutex_lock(&report->lock);
	for (size_t i = 0; i < report->n; i++) {
		if (!report->refusals[i].sentence)
			continue;
		fail("%s", report->refusals[i].sentence);
		free(report->refusals[i].sentence);
		report->refusals[i].sentence = NULL;
	}
	pthread_mutex_unlock(&report->lock);
}
