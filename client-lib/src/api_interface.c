/* SPDX-License-Identifier: Apache-2.0 */
/* api_interface.c - names of interfaces. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "api.h"
#include "api_names.h"
#include "sockbroker.h"

/* One block: the entries, and the names behind them. */
static struct if_nameindex *list_make(const Sockbroker__V1__IfNameIndexReply *found)
{
	const size_t n = found->n_interfaces;
	struct if_nameindex *list = calloc(1, (n + 1) * sizeof(*list) + n * IF_NAMESIZE);
	char *name = (char *)(list + n + 1);

	for (size_t i = 0; list && i < n; i++, name += IF_NAMESIZE) {
		list[i].if_index = found->interfaces[i]->index;
		list[i].if_name = name;
		if (name_take(&found->interfaces[i]->name, name, IF_NAMESIZE) < 0)
			name[0] = 0; /* no system has such names */
	}
	return list;
}

struct if_nameindex *sb_if_nameindex(void)
{
	Sockbroker__V1__IfNameIndexRequest request = SOCKBROKER__V1__IF_NAME_INDEX_REQUEST__INIT;
	struct if_nameindex *list = NULL;
	struct reply reply;

	reply_init(&reply);
	if (api_ask(__func__, NULL, &request.base, &reply) == 0)
		list = list_make((const Sockbroker__V1__IfNameIndexReply *)reply.message);
	reply_free(&reply);
	return list;
}

void sb_if_freenameindex(struct if_nameindex *list)
{
	free(list);
}

unsigned int sb_if_nametoindex(const char *name)
{
	Sockbroker__V1__IfNameToIndexRequest request = SOCKBROKER__V1__IF_NAME_TO_INDEX_REQUEST__INIT;
	unsigned int index = 0;
	struct reply reply;

	if (!name_put(name, &request.name)) {
		(void)api_local(__func__, -ENODEV);
		return 0;
	}
	reply_init(&reply);
	if (api_ask(__func__, NULL, &request.base, &reply) == 0)
		index = ((const Sockbroker__V1__IfNameToIndexReply *)reply.message)->index;
	reply_free(&reply);
	return index;
}

char *sb_if_indextoname(unsigned int index, char *name)
{
	Sockbroker__V1__IfIndexToNameRequest request = SOCKBROKER__V1__IF_INDEX_TO_NAME_REQUEST__INIT;
	struct reply reply;
	int r;

	request.index = index;
	reply_init(&reply);
	r = api_ask(__func__, NULL, &request.base, &reply);
	if (r == 0)
		r = name_take(&((const Sockbroker__V1__IfIndexToNameReply *)reply.message)->name, name,
			      IF_NAMESIZE);
	reply_free(&reply);
	return r < 0 ? NULL : name;
}
