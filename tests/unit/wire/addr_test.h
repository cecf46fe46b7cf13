/* SPDX-License-Identifier: Apache-2.0 */
/* addr_test.h - what the tests of addresses share. */
#ifndef SB_ADDR_TEST_H
#define SB_ADDR_TEST_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "wire/addr.h"
#include "wire_test.h"

using Address = Sockbroker__V1__Address;
inline constexpr size_t UN_OFFSET = offsetof(struct sockaddr_un, sun_path);

class AddrTest : public WireTest {
protected:
	template <typename T> int encode(const T &sa, size_t len = sizeof(T))
	{
		message = nullptr;
		return addr_encode(reinterpret_cast<const sockaddr *>(&sa),
				   static_cast<socklen_t>(len), allocator(), &message);
	}

	/* Kernel -> wire -> kernel gives the same bytes and the same length. */
	template <typename T> void expect_round_trip(const T &sa, size_t len = sizeof(T))
	{
		struct sock_addr back;

		ASSERT_EQ(encode(sa, len), 0);
		ASSERT_EQ(addr_decode(message, &back), 0);
		ASSERT_EQ(back.len, len);
		EXPECT_EQ(memcmp(&back.ss, &sa, len), 0);
	}

	int decode_un_path(const std::string &path, struct sock_addr *out)
	{
		Sockbroker__V1__Address__Unix un = SOCKBROKER__V1__ADDRESS__UNIX__INIT;

		un.name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_PATH;
		un.path = bytes(path);
		return decode_kind(SOCKBROKER__V1__ADDRESS__KIND_UN, &un, out);
	}

	int decode_un_abstract(const std::string &name, struct sock_addr *out)
	{
		Sockbroker__V1__Address__Unix un = SOCKBROKER__V1__ADDRESS__UNIX__INIT;

		un.name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_ABSTRACT;
		un.abstract = bytes(name);
		return decode_kind(SOCKBROKER__V1__ADDRESS__KIND_UN, &un, out);
	}

	/* The members of the oneof are pointers that share one place. */
	static int decode_kind(Sockbroker__V1__Address__KindCase kind, void *value,
			       struct sock_addr *out)
	{
		Address m = SOCKBROKER__V1__ADDRESS__INIT;
		struct sock_addr unused;

		m.kind_case = kind;
		m.inet = static_cast<Sockbroker__V1__Address__Inet *>(value);
		return addr_decode(&m, out ? out : &unused);
	}

	template <typename T> std::string print(const T &sa, size_t len = sizeof(T))
	{
		char text[ADDR_TEXT_BYTES];

		return addr_print(reinterpret_cast<const sockaddr *>(&sa),
				  static_cast<socklen_t>(len), text, sizeof(text));
	}

	Address *message = nullptr;
};

inline sockaddr_in inet_of(const char *ip, uint16_t port)
{
	sockaddr_in sin{};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

inline sockaddr_in6 inet6_of(const char *ip, uint16_t port)
{
	sockaddr_in6 sin6{};

	sin6.sin6_family = AF_INET6;
	sin6.sin6_port = htons(port);
	inet_pton(AF_INET6, ip, &sin6.sin6_addr);
	return sin6;
}

inline sockaddr_un un_of(const std::string &path)
{
	sockaddr_un sun{};

	sun.sun_family = AF_UNIX;
	memcpy(sun.sun_path, path.data(), path.size());
	return sun;
}

#endif
