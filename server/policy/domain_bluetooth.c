/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_bluetooth.c - Bluetooth: `bluetooth` in a rule.
 *
 * The kernel reads an address by the socket's protocol, and takes zeros for what
 * is missing of it; so do we. L2CAP, RFCOMM and SCO name devices, to bind one's own;
 * HCI names a controller, and a channel: but for `raw` they reach beyond it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

enum { BDADDR_BYTES = 6, DEVICE_NONE = 0xffff, CHANNEL_RAW = 0 };
enum bluetooth_protocol { L2CAP = 0, HCI = 1, SCO = 2, RFCOMM = 3 };

static const struct name protocols[] = {
	{ "l2cap", L2CAP }, { "hci", HCI }, { "sco", SCO }, { "rfcomm", RFCOMM },
	{ "bnep", 4 }, { "cmtp", 5 }, { "hidp", 6 }, { "avdtp", 7 }, { "iso", 8 },
};

/* The kernel's, which are in no header of linux/. Devices least byte first,
 * numbers of L2CAP in little-endian. */
struct l2cap_name {
	sa_family_t family;
	uint16_t psm;
	uint8_t device[BDADDR_BYTES];
	uint16_t cid;
	uint8_t type;
};

struct rfcomm_name {
	sa_family_t family;
	uint8_t device[BDADDR_BYTES];
	uint8_t channel;
};

struct sco_name {
	sa_family_t family;
	uint8_t device[BDADDR_BYTES];
};

struct hci_name {
	sa_family_t family;
	uint16_t device, channel;
};

/* ---- matching ---------------------------------------------------------- */

/* No device, which to bind is all of them, and the one that is ourselves: named or
 * denied. */
static bool is_special(const uint8_t device[BDADDR_BYTES])
{
	static const uint8_t local[BDADDR_BYTES] = { 0xff, 0xff, 0xff, 0, 0, 0 };
	static const uint8_t wildcard[BDADDR_BYTES];

	return memcmp(device, local, sizeof(local)) == 0 ||
	       memcmp(device, wildcard, sizeof(wildcard)) == 0;
}

static bool device_covered(const struct rule *r, const struct asked *a,
			   const uint8_t backwards[BDADDR_BYTES])
{
	bool local = MAY_LOCAL >> a->in->action & 1;
	const struct bdaddrs *list = local ? &r->bluetooth.from : &r->bluetooth.to;
	static const uint8_t wildcard[BDADDR_BYTES];
	uint8_t device[BDADDR_BYTES];
	bool is_wildcard;

	for (size_t i = 0; i < BDADDR_BYTES; i++)
		device[i] = backwards[BDADDR_BYTES - 1 - i];
	is_wildcard = memcmp(device, wildcard, sizeof(wildcard)) == 0;
	if (list->any && (r->deny || !is_special(device)))
		return true;
	if (is_wildcard && (list->wildcard || (r->deny && local && list->n > 0)))
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(list->at[i], device, sizeof(device)) == 0)
			return true;
	return false;
}

/* To bind, 0 is one of the kernel's choice, and @reserved the last that is
 * somebody's. */
static bool port_covered(const struct rule *r, const struct asked *a, const struct ranges *ports,
			 uint32_t port, uint32_t reserved)
{
	bool local = MAY_LOCAL >> a->in->action & 1;

	if (ranges_hold(ports, port))
		return true;
	if (local && port == 0)
		return ports->any || (r->deny && ports->n > 0);
	return ports->any && (r->deny || !local || port > reserved);
}

static bool l2cap_covered(const struct rule *r, const struct asked *a,
			  const struct l2cap_name *name)
{
	const struct ranges *cids = &r->bluetooth.cids;
	uint16_t psm = le16toh(name->psm), cid = le16toh(name->cid);
	bool by_psm = port_covered(r, a, &r->bluetooth.psms, psm, BLUETOOTH_PSM_RESERVED);
	bool by_cid = cids->any || ranges_hold(cids, cid);

	if (!device_covered(r, a, name->device))
		return false;
	if (cid == 0)
		return by_psm;
	return psm == 0 ? by_cid : r->deny ? by_psm || by_cid : by_psm && by_cid;
}

static bool hci_covered(const struct rule *r, const struct hci_name *name)
{
	const struct ranges *devices = &r->bluetooth.devices;

	if (!devices->any && !ranges_hold(devices, name->device) &&
	    !(r->deny && name->device == DEVICE_NONE && devices->n > 0))
		return false;
	return r->bluetooth.hci_channels.any ||
	       ranges_hold(&r->bluetooth.hci_channels, name->channel);
}

static bool bluetooth_address(const struct rule *r, const struct asked *a)
{
	union {
		struct l2cap_name l2cap;
		struct rfcomm_name rfcomm;
		struct sco_name sco;
		struct hci_name hci;
	} name;

	if (!asked_address(a, AF_BLUETOOTH, sizeof(sa_family_t), &name, sizeof(name)))
		return false;
	switch (a->protocol) {
	case L2CAP:
		return l2cap_covered(r, a, &name.l2cap);
	case RFCOMM:
		return device_covered(r, a, name.rfcomm.device) &&
		       port_covered(r, a, &r->bluetooth.channels, name.rfcomm.channel, 0);
	case SCO:
		return device_covered(r, a, name.sco.device);
	case HCI:
		return a->in->action == ACTION_BIND && hci_covered(r, &name.hci);
	default:
		return false;
	}
}

/* ---- rules ------------------------------------------------------------- */

static int device_item(struct reader *r, const struct node *item, void *target)
{
	struct bdaddrs *list = target;

	if (node_is(item, "any") || node_is(item, "wildcard")) {
		*(node_is(item, "any") ? &list->any : &list->wildcard) = true;
		return 0;
	}
	if (!bdaddr_parse(item->text, list->at[list->n]))
		return complain(r, item, "'%.40s' is no address of a device; write as 00:11:22:33:44:55, "
				"or any", item->text);
	list->n++;
	return 0;
}

static int devices_read(struct reader *r, const struct node *node, struct bdaddrs *ret)
{
	ret->at = reader_alloc(r, node, (item_count(node) + 1) * sizeof(*ret->at));
	return ret->at ? items_read(r, node, device_item, ret) : -EINVAL;
}

static bool has_protocol(const struct rule *rule, enum bluetooth_protocol protocol)
{
	return rule->protocols.any || ranges_hold(&rule->protocols, protocol);
}

enum { TO, FROM, PSMS, CIDS, CHANNELS, DEVICES, HCI_CHANNELS, N_KEYS };
static const char *const keys[N_KEYS] = { "to", "from", "psms", "cids", "channels", "devices",
					  "hci_channels" };

static bool key_has_use(const struct rule *rule, int key)
{
	bool named = has_protocol(rule, L2CAP) || has_protocol(rule, RFCOMM) ||
		     has_protocol(rule, SCO);

	switch (key) {
	case TO:
		return named && rule->may & MAY_REMOTE;
	case FROM:
		return named && rule->may & MAY_LOCAL;
	case PSMS:
	case CIDS:
		return has_protocol(rule, L2CAP);
	case CHANNELS:
		return has_protocol(rule, RFCOMM);
	default:
		return has_protocol(rule, HCI) && rule->may >> ACTION_BIND & 1;
	}
}

/* As of the other keys: none is missing, none is without use. */
static int keys_check(struct reader *r, const struct node *node, const struct rule *rule,
		      const struct slot slots[N_KEYS])
{
	for (int key = 0; key < N_KEYS; key++) {
		bool may_miss = key == CIDS || key == HCI_CHANNELS ||
				(key == PSMS && slots[CIDS].value);

		if (slots[key].key && !key_has_use(rule, key))
			return complain(r, slots[key].key, "'%s' bounds nothing that rule '%s' may do; "
					"remove it", keys[key], rule->name ? rule->name : "?");
		if (!slots[key].value && !may_miss && key_has_use(rule, key))
			return complain(r, node, "`bluetooth` lacks the key '%s'; add it, or say any",
					keys[key]);
	}
	return 0;
}

/* A channel of HCI that is left out is `raw`; in a rule that denies, any. */
static int hci_channels_read(struct reader *r, const struct node *node, const struct node *map,
			     struct rule *rule)
{
	static const struct name channels[] = {
		{ "raw", CHANNEL_RAW }, { "user", 1 }, { "monitor", 2 }, { "control", 3 },
		{ "logging", 4 },
	};
	struct ranges *ret = &rule->bluetooth.hci_channels;

	if (node)
		return ranges_words_read(r, node, "channel", (struct names){ channels, 5 },
					 UINT16_MAX, ret);
	ret->any = rule->deny;
	ret->at = reader_alloc(r, map, sizeof(*ret->at));
	return ret->at ? range_add(ret, CHANNEL_RAW, CHANNEL_RAW) : -EINVAL;
}

int bluetooth_read(struct reader *r, const struct node *node, struct rule *rule)
{
	static const struct name none[] = { { "none", DEVICE_NONE } };
	const struct { int key; const char *what; uint32_t max; struct ranges *ret; } numbers[] = {
		{ PSMS, "psm", UINT16_MAX, &rule->bluetooth.psms },
		{ CIDS, "cid", UINT16_MAX, &rule->bluetooth.cids },
		{ CHANNELS, "channel", 30, &rule->bluetooth.channels },
		{ DEVICES, "controller", UINT16_MAX, &rule->bluetooth.devices },
	};
	struct slot s[N_KEYS];
	int error = map_read(r, node, "`bluetooth`", keys, N_KEYS, s);

	if (!error)
		error = keys_check(r, node, rule, s);
	if (!error && s[TO].value)
		error = devices_read(r, s[TO].value, &rule->bluetooth.to);
	if (!error && s[FROM].value)
		error = devices_read(r, s[FROM].value, &rule->bluetooth.from);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && !error; i++) {
		const struct node *value = s[numbers[i].key].value;
		struct names words = { none, numbers[i].key == DEVICES };

		if (value)
			error = ranges_words_read(r, value, numbers[i].what, words, numbers[i].max,
						  numbers[i].ret);
	}
	return error ? error : hci_channels_read(r, s[HCI_CHANNELS].value, node, rule);
}

/* Raw L2CAP; low PSMs, and HCI's channels beside `raw`. */
static uint32_t bluetooth_lends(enum action action, int type)
{
	if (action == ACTION_SOCKET)
		return type == SOCK_RAW ? LEND_NET_RAW : 0;
	return action == ACTION_BIND ? LEND_NET_BIND_SERVICE | LEND_NET_ADMIN | LEND_NET_RAW : 0;
}

/* ---- words ------------------------------------------------------------- */

/* "00:11:22:33:44:55", and then what stands behind it, or "". */
static bool device_parse(const char *text, uint8_t ret[BDADDR_BYTES], const char **ret_rest)
{
	enum { LENGTH = 17 };
	uint8_t device[BDADDR_BYTES];
	char copy[LENGTH + 1] = "";

	strncpy(copy, text, LENGTH);
	if (!bdaddr_parse(copy, device) || (text[LENGTH] && text[LENGTH] != ':'))
		return false;
	for (size_t i = 0; i < BDADDR_BYTES; i++)
		ret[i] = device[BDADDR_BYTES - 1 - i];
	*ret_rest = text[LENGTH] ? text + LENGTH + 1 : "";
	return true;
}

static bool l2cap_parse(const char *text, struct sock_addr *ret)
{
	struct l2cap_name name = { .family = AF_BLUETOOTH };
	uint32_t psm = 0, cid = 0, type = 0;
	const char *rest, *field;
	char number[16] = "";

	if (!device_parse(text, name.device, &rest))
		return false;
	strncpy(number, rest, strcspn(rest, ":") < sizeof(number) ? strcspn(rest, ":") : 0);
	field = strstr(rest, ":type=");
	if (field && !numbers_parse(field + strlen(":type="), "", &type))
		return false;
	field = strstr(rest, ":cid=");
	if (field && sscanf(field, ":cid=%x", &cid) != 1)
		return false;
	if (!numbers_parse(number, "", &psm) || psm > UINT16_MAX || cid > UINT16_MAX || type > 2)
		return false;
	name.psm = htole16((uint16_t)psm);
	name.cid = htole16((uint16_t)cid);
	name.type = (uint8_t)type;
	address_set(ret, &name, sizeof(name));
	return true;
}

static bool rfcomm_parse(const char *text, struct sock_addr *ret)
{
	struct rfcomm_name name = { .family = AF_BLUETOOTH };
	uint32_t channel = 0;
	const char *rest;

	if (!device_parse(text, name.device, &rest) || !numbers_parse(rest, "", &channel) ||
	    channel > UINT8_MAX)
		return false;
	name.channel = (uint8_t)channel;
	address_set(ret, &name, sizeof(name));
	return true;
}

static bool sco_parse(const char *text, struct sock_addr *ret)
{
	struct sco_name name = { .family = AF_BLUETOOTH };
	const char *rest;

	if (!device_parse(text, name.device, &rest) || *rest)
		return false;
	address_set(ret, &name, sizeof(name));
	return true;
}

static bool hci_parse(const char *text, struct sock_addr *ret)
{
	struct hci_name name = { .family = AF_BLUETOOTH };
	uint32_t device = DEVICE_NONE, channel = 0;
	bool good = strncmp(text, "none:", 5) == 0 ? numbers_parse(text + 5, "", &channel)
						   : pair_parse(text, &device, &channel);

	if (!good || device > UINT16_MAX || channel > UINT16_MAX)
		return false;
	name.device = (uint16_t)device;
	name.channel = (uint16_t)channel;
	address_set(ret, &name, sizeof(name));
	return true;
}

static bool bluetooth_parse(char *text, struct intent *in)
{
	static const struct {
		int protocol;
		const char *prefix;
		bool (*parse)(const char *text, struct sock_addr *ret);
	} rows[] = {
		{ L2CAP, "l2cap:", l2cap_parse }, { RFCOMM, "rfcomm:", rfcomm_parse },
		{ SCO, "sco:", sco_parse },       { HCI, "hci:", hci_parse },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].protocol == in->protocol)
			return rows[i].parse(skip_prefix(text, rows[i].prefix), &in->addr);
	return false;
}

const struct domain_row domain_bluetooth = {
	.families = { AF_BLUETOOTH },
	.protocols = { protocols, sizeof(protocols) / sizeof(protocols[0]) },
	.has_protocols = true,
	.local = bluetooth_address,
	.remote = bluetooth_address,
	.keys = { { KEY_BLUETOOTH, MAY_LOCAL | MAY_REMOTE, USE_REQUIRED, NULL } },
	.lends = bluetooth_lends,
	.parse = bluetooth_parse,
	.example = "00:11:22:33:44:55:PSM (l2cap), 00:11:22:33:44:55:CHANNEL (rfcomm), "
		   "00:11:22:33:44:55 (sco), CONTROLLER:CHANNEL (hci)",
};
