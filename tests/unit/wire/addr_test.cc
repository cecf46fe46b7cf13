/* SPDX-License-Identifier: Apache-2.0 */
#include "addr_test.h"

#include <linux/if_packet.h>
#include <unistd.h>

namespace {

TEST_F(AddrTest, InetSurvivesTheRoundTrip)
{
	expect_round_trip(inet_of("192.0.2.1", 65535));
	EXPECT_EQ(text(message->inet->ip), std::string("\xc0\x00\x02\x01", 4));
	EXPECT_EQ(message->inet->port, 65535u);
}

TEST_F(AddrTest, InetTakesFourBytesAndAPortOfSixteenBits)
{
	Sockbroker__V1__Address__Inet m = SOCKBROKER__V1__ADDRESS__INET__INIT;

	for (size_t n : { 0, 3, 5, 16 }) {
		m.ip = bytes(std::string(n, 'x'));
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET, &m, nullptr), -EINVAL);
	}
	m.ip = bytes("abcd");
	m.port = 65536;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET, &m, nullptr), -EINVAL);
	m.port = 65535;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET, &m, nullptr), 0);
}

TEST_F(AddrTest, Inet6SurvivesTheRoundTripWithFlowAndScopeAsPlainNumbers)
{
	sockaddr_in6 sin6 = inet6_of("fe80::1", 53);

	sin6.sin6_flowinfo = htonl(0x0abcdef1);
	sin6.sin6_scope_id = 7;
	expect_round_trip(sin6);
	EXPECT_EQ(message->inet6->flowinfo, 0x0abcdef1u);
	EXPECT_EQ(message->inet6->scope_id, 7u);
}

TEST_F(AddrTest, Inet6WithoutAScopeIsTakenAsInTheKernel)
{
	EXPECT_EQ(encode(inet6_of("::1", 1), 24), 0);
	EXPECT_EQ(message->inet6->scope_id, 0u);
	EXPECT_EQ(encode(inet6_of("::1", 1), 23), -EINVAL);
}

TEST_F(AddrTest, Inet6RefusesWhatIsOutOfRange)
{
	Sockbroker__V1__Address__Inet6 m = SOCKBROKER__V1__ADDRESS__INET6__INIT;

	m.ip = bytes("four");
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET6, &m, nullptr), -EINVAL);
	m.ip = bytes(std::string(16, 'x'));
	m.flowinfo = 0x10000000;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET6, &m, nullptr), -EINVAL);
	m.flowinfo = 0;
	m.port = 70000;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET6, &m, nullptr), -EINVAL);
}

TEST_F(AddrTest, APathGetsItsNulAndLosesItAgain)
{
	expect_round_trip(un_of("/run/x"), UN_OFFSET + 7);
	EXPECT_EQ(text(message->un->path), "/run/x");
}

TEST_F(AddrTest, APathWithoutANulOrWithManyIsTheSamePath)
{
	for (size_t len : { UN_OFFSET + 6, UN_OFFSET + 7, sizeof(sockaddr_un) }) {
		ASSERT_EQ(encode(un_of("/run/x"), len), 0);
		EXPECT_EQ(text(message->un->path), "/run/x");
	}
}

TEST_F(AddrTest, TheLongestPathHasNoNul)
{
	std::string path(108, 'p');
	struct sock_addr out;

	expect_round_trip(un_of(path));
	EXPECT_EQ(text(message->un->path), path);
	ASSERT_EQ(decode_un_path(path, &out), 0);
	EXPECT_EQ(out.len, sizeof(sockaddr_un));
}

/* getsockname(2) counts a NUL that does not fit in a sockaddr_un. */
TEST_F(AddrTest, TheKernelsLengthForTheLongestPathIsTaken)
{
	struct sockaddr_storage ss {};
	sockaddr_un sun = un_of(std::string(108, 'p'));

	memcpy(&ss, &sun, sizeof(sun));
	ASSERT_EQ(encode(ss, sizeof(sun) + 1), 0);
	EXPECT_EQ(message->un->path.len, 108u);
}

TEST_F(AddrTest, APathIsNeitherEmptyNorLongNorHasANul)
{
	EXPECT_EQ(decode_un_path("", nullptr), -EINVAL);
	EXPECT_EQ(decode_un_path(std::string("a\0b", 3), nullptr), -EINVAL);
	EXPECT_EQ(decode_un_path(std::string("ab\0", 3), nullptr), -EINVAL);
	EXPECT_EQ(decode_un_path(std::string(109, 'p'), nullptr), -ENAMETOOLONG);
}

TEST_F(AddrTest, InAnAbstractNameEveryByteCounts)
{
	for (const std::string &name : { std::string(), std::string("x"), std::string("a\0b\0", 4),
					 std::string(107, '\0'), std::string(107, 'n') }) {
		expect_round_trip(un_of(std::string(1, '\0') + name), UN_OFFSET + 1 + name.size());
		EXPECT_EQ(message->un->name_case, SOCKBROKER__V1__ADDRESS__UNIX__NAME_ABSTRACT);
		EXPECT_EQ(text(message->un->abstract), name);
	}
	EXPECT_EQ(decode_un_abstract(std::string(108, 'n'), nullptr), -ENAMETOOLONG);
}

TEST_F(AddrTest, AnUnnamedUnixAddressIsItsFamilyAlone)
{
	expect_round_trip(un_of(""), UN_OFFSET);
	EXPECT_EQ(message->un->name_case, SOCKBROKER__V1__ADDRESS__UNIX__NAME__NOT_SET);
}

TEST_F(AddrTest, WhatTheKernelAnswersForAUnixSocketIsUnderstood)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sock_addr a = { {}, sizeof(sockaddr_storage) };
	sa_family_t family = AF_UNIX;

	ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a.ss), &a.len), 0);
	ASSERT_EQ(encode(a.ss, a.len), 0);
	EXPECT_EQ(message->un->name_case, SOCKBROKER__V1__ADDRESS__UNIX__NAME__NOT_SET);

	ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&family), sizeof(family)), 0); /* autobind */
	a.len = sizeof(a.ss);
	ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a.ss), &a.len), 0);
	expect_round_trip(a.ss, a.len);
	EXPECT_EQ(message->un->abstract.len, 5u);
	close(fd);
}

TEST_F(AddrTest, NoKindIsUnspec)
{
	Address m = SOCKBROKER__V1__ADDRESS__INIT;
	struct sock_addr out;
	sockaddr unspec{};

	ASSERT_EQ(addr_decode(&m, &out), 0);
	EXPECT_EQ(out.ss.ss_family, AF_UNSPEC);
	EXPECT_GE(out.len, sizeof(sa_family_t));
	ASSERT_EQ(encode(unspec), 0);
	EXPECT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND__NOT_SET);
}

TEST_F(AddrTest, NoAddressIsAMessageWithoutAKind)
{
	ASSERT_EQ(addr_encode(nullptr, 0, allocator(), &message), 0);
	EXPECT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND__NOT_SET);
}

TEST_F(AddrTest, AnAbsentMessageIsInvalidAndLeavesTheOutputAlone)
{
	struct sock_addr out, before;

	memset(&out, 0x55, sizeof(out));
	before = out;
	EXPECT_EQ(addr_decode(nullptr, &out), -EINVAL);
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_INET, nullptr, &out), -EINVAL);
	EXPECT_EQ(decode_un_path("", &out), -EINVAL);
	EXPECT_EQ(decode_kind(static_cast<Sockbroker__V1__Address__KindCase>(99), nullptr, &out),
		  -EAFNOSUPPORT);
	EXPECT_EQ(memcmp(&out, &before, sizeof(out)), 0);
}

TEST_F(AddrTest, AFamilyWithoutAWireFormIsRefused)
{
	sockaddr sa{};

	sa.sa_family = AF_APPLETALK;
	EXPECT_EQ(encode(sa), -EAFNOSUPPORT);
	EXPECT_EQ(message, nullptr);
}

TEST_F(AddrTest, ALengthThatIsTooShortOrTooLongIsRefused)
{
	struct {
		sockaddr_in sin;
		char more[200];
	} longer = { inet_of("127.0.0.1", 1), {} };

	EXPECT_EQ(encode(longer, 1), -EINVAL);
	EXPECT_EQ(encode(longer, sizeof(sockaddr_in) - 1), -EINVAL);
	EXPECT_EQ(encode(longer, sizeof(sockaddr_storage)), 0);
	EXPECT_EQ(encode(longer, sizeof(sockaddr_storage) + 1), -EINVAL);
}

TEST_F(AddrTest, WithoutAnAllocatorTheMessageIsMallocs)
{
	sockaddr_in sin = inet_of("127.0.0.1", 1);
	sockaddr_ll bad{};

	ASSERT_EQ(addr_encode(reinterpret_cast<sockaddr *>(&sin), sizeof(sin), nullptr, &message), 0);
	sockbroker__v1__address__free_unpacked(message, nullptr);
	bad.sll_family = AF_PACKET;
	bad.sll_halen = 200;
	/* the leak checker sees what a failure leaves behind */
	EXPECT_EQ(addr_encode(reinterpret_cast<sockaddr *>(&bad), sizeof(bad), nullptr, &message),
		  -EINVAL);
}

/* Gives @left pieces, and then none. */
struct scarce {
	int left;
};

void *scarce_alloc(void *data, size_t n)
{
	auto *s = static_cast<scarce *>(data);

	return s->left-- > 0 ? malloc(n) : nullptr;
}

void scarce_free(void *, void *piece)
{
	free(piece);
}

TEST_F(AddrTest, WhenMemoryIsOutNothingIsLeftBehind)
{
	sockaddr_in6 sin6 = inet6_of("::1", 1);

	for (int n = 0; n < 3; n++) {
		scarce s = { n };
		ProtobufCAllocator a = { scarce_alloc, scarce_free, &s };

		EXPECT_EQ(addr_encode(reinterpret_cast<sockaddr *>(&sin6), sizeof(sin6), &a, &message),
			  -ENOMEM);
	}
}

} // namespace
