/* SPDX-License-Identifier: Apache-2.0 */
/* interim.h - the resolver of this process, until libsockbroker has one. */
#ifndef SB_PYTHON_INTERIM_H
#define SB_PYTHON_INTERIM_H
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>
#define sb_getaddrinfo getaddrinfo
#define sb_freeaddrinfo freeaddrinfo
#define sb_getnameinfo getnameinfo
#define sb_gethostbyname gethostbyname
#define sb_gethostbyaddr gethostbyaddr
#define sb_getprotobyname getprotobyname
#define sb_getservbyname getservbyname
#define sb_getservbyport getservbyport
#define sb_gethostname gethostname
#define sb_sethostname sethostname
#define sb_if_nameindex if_nameindex
#define sb_if_freenameindex if_freenameindex
#define sb_if_nametoindex if_nametoindex
#define sb_if_indextoname if_indextoname
#endif
