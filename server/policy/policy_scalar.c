/* SPDX-License-Identifier: Apache-2.0 */
/* policy_scalar.c - the words of a policy: numbers, ranges, sizes, addresses,
 * modes, capabilities. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "policy/reader.h"

static const struct name capabilities[] = {
	{ "CAP_NET_RAW", LEND_NET_RAW },
	{ "CAP_NET_ADMIN", LEND_NET_ADMIN },
	{ "CAP_NET_BIND_SERVICE", LEND_NET_BIND_SERVICE },
	{ "CAP_SYS_ADMIN", LEND_SYS_ADMIN },
};
static const struct names capability_names = { capabilities, 4 };

static int digit_of(char c, unsigned base)
{
	int digit = c >= '0' && c <= '9' ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;

	return digit < (int)base ? digit : -1;
}

/* Digits at *@text, which is moved behind them. A leading 0 is refused, since
 * half of mankind takes 010 for 8. */
static bool digits_read(const char **text, uint64_t *ret)
{
	const char *at = *text;
	unsigned base = 10;
	uint64_t value = 0;

	if (at[0] == '0' && at[1] == 'x') {
		base = 16;
		at += 2;
	} else if (at[0] == '0' && digit_of(at[1], 10) >= 0) {
		return false;
	}
	if (digit_of(*at, base) < 0)
		return false;
	for (; digit_of(*at, base) >= 0; at++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_of(*at, base), &value))
			return false;
	*text = at;
	*ret = value;
	return true;
}

static int scalar_only(struct reader *r, const struct node *node, const char *what)
{
	if (node->kind == NODE_SCALAR)
		return 0;
	return complain(r, node, "%s is a single value; write one, without [ ] or { }", what);
}

int number_read(struct reader *r, const struct node *node, const char *what, uint64_t min,
		uint64_t max, uint64_t *ret)
{
	const char *at = node->text;
	uint64_t value;

	if (scalar_only(r, node, what) < 0)
		return -EINVAL;
	if (!digits_read(&at, &value) || *at || value < min || value > max)
		return complain(r, node, "'%.40s' is no %s; write a number from %llu to %llu",
				node->text, what, (unsigned long long)min,
				(unsigned long long)max);
	*ret = value;
	return 0;
}

int size_read(struct reader *r, const struct node *node, uint64_t min, uint64_t max,
	      uint64_t *ret)
{
	static const struct name units[] = { { "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 } };
	const char *at = node->text;
	uint64_t value;
	int shift;

	if (scalar_only(r, node, "a size") < 0)
		return -EINVAL;
	if (!digits_read(&at, &value) || !name_find((struct names){ units, 4 }, at, &shift) ||
	    value > max >> shift || value << shift < min)
		return complain(r, node, "'%.40s' is no size; write bytes from %llu to %lluGiB, "
				"or with KiB, MiB, GiB", node->text, (unsigned long long)min,
				(unsigned long long)(max >> 30));
	*ret = value << shift;
	return 0;
}

int duration_read(struct reader *r, const struct node *node, uint64_t *ret_ns)
{
	static const struct name units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	static const uint64_t ns_per_s = 1000000000;
	const char *at = node->text;
	uint64_t value;
	int seconds;

	if (scalar_only(r, node, "a time") < 0)
		return -EINVAL;
	if (!digits_read(&at, &value) || !name_find((struct names){ units, 4 }, at, &seconds) ||
	    value == 0 || value > DURATION_DAYS_MAX * 86400u / (unsigned)seconds)
		return complain(r, node, "'%.40s' is no time; write a number of at least 1 and a unit "
				"(s, m, h, d), as 10m, %dd at most", node->text, DURATION_DAYS_MAX);
	*ret_ns = value * (uint64_t)seconds * ns_per_s;
	return 0;
}

int mode_read(struct reader *r, const struct node *node, unsigned *ret)
{
	unsigned mode = 0;

	if (scalar_only(r, node, "mode") < 0)
		return -EINVAL;
	if (strlen(node->text) != 4 || node->text[0] != '0' || strspn(node->text, "01234567") != 4)
		return complain(r, node, "'%.40s' is no file mode; write four octal digits, as 0600",
				node->text);
	for (const char *c = node->text; *c; c++)
		mode = mode * 8 + (unsigned)(*c - '0');
	*ret = mode;
	return 0;
}

int range_add(struct ranges *ranges, uint32_t first, uint32_t last)
{
	ranges->at[ranges->n++] = (struct range){ first, last };
	return 0;
}

struct ranges_target {
	struct ranges *ranges;
	const char *what;
	uint32_t max;
	bool *any, *ephemeral; /* words that are allowed, or NULL */
	struct names names;
};

static bool word_read(const char *text, const char *word, bool *ret)
{
	if (!ret || strcmp(text, word) != 0)
		return false;
	*ret = true;
	return true;
}

bool range_text(const char **text, uint64_t *ret_first, uint64_t *ret_last)
{
	if (!digits_read(text, ret_first))
		return false;
	*ret_last = *ret_first;
	if (**text != '-')
		return true;
	(*text)++;
	return digits_read(text, ret_last);
}

static int range_read(struct reader *r, const struct node *item, void *target)
{
	const struct ranges_target *t = target;
	const char *at = item->text;
	uint64_t first, last;
	int number;

	if (word_read(at, "any", t->any) || word_read(at, "ephemeral", t->ephemeral))
		return 0;
	if (name_find(t->names, at, &number))
		return range_add(t->ranges, (uint32_t)number, (uint32_t)number);
	if (!range_text(&at, &first, &last) || *at)
		goto malformed;
	if (first > t->max || last > t->max)
		return complain(r, item, "'%.40s' is out of range; the highest %s is %u", item->text,
				t->what, t->max);
	if (first > last)
		return complain(r, item, "the range '%.40s' is upside down; write %llu-%llu",
				item->text, (unsigned long long)last, (unsigned long long)first);
	return range_add(t->ranges, (uint32_t)first, (uint32_t)last);

malformed:
	return complain(r, item, "'%.40s' is no %s; write a number or a range, as 1000-1999%s",
			item->text, t->what,
			t->ephemeral ? ", or any, or ephemeral" : t->any ? ", or any" : "");
}

int ranges_read(struct reader *r, const struct node *node, const char *what, uint32_t max,
		bool *any, bool *ephemeral, struct ranges *ret)
{
	struct ranges_target target = { .ranges = ret, .what = what, .max = max, .any = any,
					.ephemeral = ephemeral };

	ret->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*ret->at));
	return ret->at ? items_read(r, node, range_read, &target) : -EINVAL;
}

int ranges_words_read(struct reader *r, const struct node *node, const char *what,
		      struct names names, uint32_t max, struct ranges *ret)
{
	struct ranges_target target = { .ranges = ret, .what = what, .max = max, .any = &ret->any,
					.names = names };

	ret->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*ret->at));
	return ret->at ? items_read(r, node, range_read, &target) : -EINVAL;
}

static int named_number_read(struct reader *r, const struct node *item, void *target)
{
	const struct ranges_target *t = target;
	const char *at = item->text;
	uint64_t value;
	int number;

	if (strcmp(at, "any") == 0) {
		t->ranges->any = true;
		return 0;
	}
	if (name_find(t->names, at, &number))
		return range_add(t->ranges, (uint32_t)number, (uint32_t)number);
	if (digit_of(*at, 10) < 0)
		return complain_unknown(r, item, t->what, t->names);
	if (!digits_read(&at, &value) || *at || value > t->max)
		return complain(r, item, "'%.40s' is no %s; write a name, or a number up to %u",
				item->text, t->what, t->max);
	return range_add(t->ranges, (uint32_t)value, (uint32_t)value);
}

int named_numbers_read(struct reader *r, const struct node *node, const char *what,
		       struct names names, uint32_t max, struct ranges *ret)
{
	struct ranges_target target = { .ranges = ret, .what = what, .max = max, .names = names };

	ret->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*ret->at));
	return ret->at ? items_read(r, node, named_number_read, &target) : -EINVAL;
}

/* ---- addresses --------------------------------------------------------- */

static bool clear_host_bits(struct prefix *p)
{
	size_t n = p->base.v4 ? 4 : 16;
	bool cleared = false;

	for (size_t i = 0; i < n; i++) {
		unsigned keep = p->bits <= i * 8 ? 0 : p->bits >= (i + 1) * 8 ? 8 : p->bits - (unsigned)i * 8;
		uint8_t mask = (uint8_t)(0xff00 >> keep);

		cleared = cleared || (p->base.bytes[i] & ~mask) != 0;
		p->base.bytes[i] &= mask;
	}
	return cleared;
}

static const char *prefix_print(const struct prefix *p, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(p->base.v4 ? AF_INET : AF_INET6, p->base.bytes, address, sizeof(address));
	snprintf(text, size, "%s/%u", address, p->bits);
	return text;
}

/* Requests with such addresses are judged as IPv4, so the range would cover
 * nothing, which its author can't have meant. */
static int refuse_wrapped(struct reader *r, const struct node *node, const struct prefix *p)
{
	struct place inner = p->base;

	if (p->base.v4 || p->bits < 96)
		return 0;
	place_unwrap(&inner);
	if (!inner.v4)
		return 0;
	return complain(r, node, "'%.60s' carries an IPv4 address and is judged as that; write "
			"%u.%u.%u.%u/%u", node->text, inner.bytes[0], inner.bytes[1],
			inner.bytes[2], inner.bytes[3], p->bits - 96);
}

int prefix_read(struct reader *r, const struct node *node, struct prefix *ret)
{
	char address[INET6_ADDRSTRLEN] = "", better[INET6_ADDRSTRLEN + 8];
	size_t n = strcspn(node->text, "/");
	const char *at = node->text + n;
	struct prefix p = { 0 };
	uint64_t bits;

	if (n < sizeof(address))
		memcpy(address, node->text, n);
	p.base.v4 = inet_pton(AF_INET, address, p.base.bytes) == 1;
	if (!p.base.v4 && inet_pton(AF_INET6, address, p.base.bytes) != 1)
		return complain(r, node, "'%.60s' is no address; write as 192.0.2.0/24, 2001:db8::/32 "
				"or 127.0.0.1 (names are not looked up)", node->text);
	p.bits = p.base.v4 ? 32 : 128;
	if (*at == '/') {
		at++;
		if (!digits_read(&at, &bits) || *at || bits > p.bits)
			return complain(r, node, "'%.60s' has no valid prefix length; write a number "
					"from 0 to %u after the /", node->text, p.bits);
		p.bits = (unsigned)bits;
	}
	if (clear_host_bits(&p))
		return complain(r, node, "'%.60s' has bits set behind the prefix; write %s", node->text,
				prefix_print(&p, better, sizeof(better)));
	*ret = p;
	return refuse_wrapped(r, node, &p);
}

/* ---- capabilities ------------------------------------------------------ */

int capability_read(struct reader *r, const struct node *item, void *lends)
{
	int lend;

	if (!name_find(capability_names, item->text, &lend))
		return complain_unknown(r, item, "capability", capability_names);
	*(uint32_t *)lends |= (uint32_t)lend;
	return 0;
}

const char *capability_name(uint32_t lend)
{
	return name_of(capability_names, (int)lend);
}
