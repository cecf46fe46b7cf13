/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/idn.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* As in <idn2.h>, which need not be there when we are built. */
enum { NFC_INPUT = 1, NONTRANSITIONAL = 8 };
static int (*lookup_u8)(const unsigned char *name, unsigned char **ret, int flags);
static void (*free_u8)(void *name);

void idn_init(void)
{
	void *library = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	*(void **)&lookup_u8 = dlsym(library, "idn2_lookup_u8");
	*(void **)&free_u8 = dlsym(library, "idn2_free");
}

char *idn_encode(const char *name)
{
	unsigned char *encoded;
	char *ret;

	if (!lookup_u8 || !free_u8 ||
	    lookup_u8((const unsigned char *)name, &encoded, NFC_INPUT | NONTRANSITIONAL) != 0)
		return NULL;
	ret = strdup((const char *)encoded);
	free_u8(encoded);
	return ret;
}
