/* SPDX-License-Identifier: Apache-2.0 */
/* domain_alg.c - the kernel's ciphers and hashes: `algorithms` in a rule. To bind may
 * have the kernel load a module, so which are used is bounded. */
#include <errno.h>
#include <linux/if_alg.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

/* The kernel ends both texts where their fields end. */
static bool alg_local(const struct rule *r, const struct asked *a)
{
	char text[sizeof(struct sockaddr_storage) + 2];
	struct sockaddr_alg alg;
	const char *name = (const char *)&a->in->addr.ss + offsetof(struct sockaddr_alg, salg_name);
	size_t length = a->in->addr.len - offsetof(struct sockaddr_alg, salg_name);

	if (a->in->action != ACTION_BIND || a->in->addr.len > sizeof(a->in->addr.ss) ||
	    !asked_address(a, AF_ALG, sizeof(alg), &alg, sizeof(alg)))
		return false;
	snprintf(text, sizeof(text), "%.*s/%.*s", (int)sizeof(alg.salg_type),
		 (const char *)alg.salg_type, (int)length, name);
	return texts_match(&r->algorithms, text);
}

static int algorithm_check(struct reader *r, const struct node *item)
{
	const char *slash = strchr(item->text, '/');

	if (!slash || slash == item->text || !slash[1] || strchr(slash + 1, '/') ||
	    slash - item->text >= (ptrdiff_t)sizeof(((struct sockaddr_alg *)NULL)->salg_type) ||
	    strlen(slash) >= sizeof(struct sockaddr_storage))
		return complain(r, item, "'%.60s' is no algorithm; write TYPE/NAME as hash/sha256, "
				"skcipher/* or any", item->text);
	return 0;
}

int algorithms_read(struct reader *r, const struct node *node, struct rule *rule)
{
	return texts_read(r, node, (struct texts_target){ &rule->algorithms, true, algorithm_check });
}

/* "alg:hash:sha256", "hash/sha256". */
static bool alg_parse(char *word, struct intent *in)
{
	const char *text = skip_prefix(word, "alg:");
	size_t n = strcspn(text, ":/");
	struct sockaddr_alg alg = { .salg_family = AF_ALG };

	if (!text[n] || n == 0 || n >= sizeof(alg.salg_type) ||
	    strlen(text + n + 1) >= sizeof(alg.salg_name))
		return false;
	memcpy(alg.salg_type, text, n);
	strcpy((char *)alg.salg_name, text + n + 1);
	address_set(&in->addr, &alg, sizeof(alg));
	return true;
}

const struct domain_row domain_alg = {
	.families = { AF_ALG },
	.local = alg_local,
	.keys = { { KEY_ALGORITHMS, 1 << ACTION_BIND, USE_REQUIRED, NULL } },
	.parse = alg_parse,
	.example = "hash/sha256",
};
