/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sockopt.h"

#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <vector>

#include "wire_test.h"

namespace {

using Value = Sockbroker__V1__OptionValue;

class SockoptTest : public WireTest {
protected:
	const struct sockopt *row(const char *text)
	{
		const struct sockopt *r = sockopt_find_text(text);

		EXPECT_NE(r, nullptr) << text;
		return r;
	}

	template <typename T> int encode(const char *text, const T &raw, size_t len = sizeof(T))
	{
		return sockopt_encode(row(text), &raw, static_cast<socklen_t>(len), allocator(), &value);
	}

	int decode(const char *text) { return decode(text, nullptr); }

	int decode(const char *text, const uint32_t *length)
	{
		buffer.assign(SOCKOPT_BYTES_MAX, 0xee);
		return sockopt_decode(row(text), value, length, buffer.data(), buffer.size(), &used);
	}

	int decode(const char *text, uint32_t length) { return decode(text, &length); }

	template <typename T> void expect_round_trip(const char *text, const T &raw,
						     size_t len = sizeof(T))
	{
		ASSERT_EQ(encode(text, raw, len), 0) << text;
		ASSERT_EQ(decode(text, static_cast<uint32_t>(len)), 0) << text;
		ASSERT_EQ(used, len) << text;
		EXPECT_EQ(memcmp(buffer.data(), &raw, len), 0) << text;
	}

	template <typename T> T result()
	{
		T t;

		memcpy(&t, buffer.data(), sizeof(t));
		return t;
	}

	Value *integer(int64_t number)
	{
		own = SOCKBROKER__V1__OPTION_VALUE__INIT;
		own.kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER;
		own.integer = number;
		return value = &own;
	}

	Value *octets(const std::string &s)
	{
		own = SOCKBROKER__V1__OPTION_VALUE__INIT;
		own.kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_OCTETS;
		own.octets = bytes(s);
		return value = &own;
	}

	Value own, *value = nullptr;
	std::vector<uint8_t> buffer;
	socklen_t used = 0;
};

TEST_F(SockoptTest, TheTableIsSortedAndHasEachOptionOnce)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	EXPECT_GT(n, 150u);
	for (size_t i = 1; i < n; i++)
		EXPECT_LT(std::make_pair(rows[i - 1].level, rows[i - 1].name),
			  std::make_pair(rows[i].level, rows[i].name)) << rows[i].text;
}

TEST_F(SockoptTest, EachRowIsFoundByItsNumbersAndByItsText)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);
	std::set<std::string> texts;

	for (size_t i = 0; i < n; i++) {
		EXPECT_TRUE(texts.insert(rows[i].text).second) << rows[i].text;
		EXPECT_EQ(sockopt_find(rows[i].level, rows[i].name), &rows[i]);
		EXPECT_EQ(sockopt_find_text(rows[i].text), &rows[i]);
		EXPECT_TRUE(rows[i].access == SOCKOPT_GET || rows[i].access == SOCKOPT_SET ||
			    rows[i].access == SOCKOPT_BOTH);
		EXPECT_TRUE(rows[i].width == 4 || rows[i].width == 8);
	}
}

TEST_F(SockoptTest, WhatIsNotInTheTableIsNotFound)
{
	EXPECT_EQ(sockopt_find(SOL_SOCKET, SO_ATTACH_BPF), nullptr);
	EXPECT_EQ(sockopt_find(SOL_PACKET, PACKET_RX_RING), nullptr);
	EXPECT_EQ(sockopt_find(IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */), nullptr);
	EXPECT_EQ(sockopt_find(-1, -1), nullptr);
	EXPECT_EQ(sockopt_find_text("so_debug"), nullptr);
	EXPECT_EQ(sockopt_find_text(""), nullptr);
}

TEST_F(SockoptTest, WhatReachesBeyondTheCallersSocketIsNamed)
{
	for (const char *text : { "SO_BINDTODEVICE", "SO_BINDTOIFINDEX", "SO_MARK", "SO_DEBUG",
				  "SO_REUSEPORT", "SO_SNDBUFFORCE", "SO_RCVBUFFORCE", "SO_BUSY_POLL",
				  "IP_TRANSPARENT", "IPV6_TRANSPARENT", "IP_FREEBIND", "IPV6_FREEBIND",
				  "IP_HDRINCL", "IPV6_HDRINCL", "IP_OPTIONS", "IPV6_RTHDR",
				  "IPV6_HOPOPTS", "IPV6_DSTOPTS", "IP_ADD_MEMBERSHIP",
				  "IPV6_ADD_MEMBERSHIP", "PACKET_ADD_MEMBERSHIP", "IP_MULTICAST_IF",
				  "IPV6_MULTICAST_IF", "IP_UNICAST_IF", "IPV6_UNICAST_IF",
				  "NETLINK_ADD_MEMBERSHIP", "NETLINK_LISTEN_ALL_NSID", "TCP_REPAIR",
				  "TCP_ULP", "TCP_FASTOPEN_CONNECT" })
		EXPECT_TRUE(row(text)->named) << text;
	for (const char *text : { "SO_REUSEADDR", "SO_ATTACH_FILTER", "TCP_NODELAY", "SO_PRIORITY",
				  "IP_TTL", "SO_ERROR", "SO_RCVTIMEO" })
		EXPECT_FALSE(row(text)->named) << text;
}

TEST_F(SockoptTest, AnIntegerIsFourBytesOrFewer)
{
	expect_round_trip("SO_REUSEADDR", int{ 1 });
	expect_round_trip("IP_TTL", uint8_t{ 200 });
	EXPECT_EQ(value->integer, 200);
	expect_round_trip("SO_TYPE", uint16_t{ 0xfedc });
	expect_round_trip("SO_TYPE", int{ -2 }, 3);
	expect_round_trip("IPV6_UNICAST_HOPS", int{ -1 });
	EXPECT_EQ(value->integer, -1);
	ASSERT_EQ(decode("IPV6_UNICAST_HOPS"), 0);
	EXPECT_EQ(used, 4u);
}

TEST_F(SockoptTest, OfALongTheKernelReadsTheFirstFourBytes)
{
	ASSERT_EQ(encode("SO_REUSEADDR", uint64_t{ 0x100000007 }), 0);
	EXPECT_EQ(value->integer, 7);
	ASSERT_EQ(decode("SO_REUSEADDR", 8), 0);
	EXPECT_EQ(used, 8u);
	EXPECT_EQ(result<uint64_t>(), 7u);
}

TEST_F(SockoptTest, SomeIntegersAreEightBytes)
{
	expect_round_trip("SO_COOKIE", uint64_t{ 0xfedcba9876543210 });
	expect_round_trip("SO_MAX_PACING_RATE", uint64_t{ 1ull << 40 });
	EXPECT_EQ(decode("SO_MAX_PACING_RATE", 4), -EINVAL);
	expect_round_trip("SO_MAX_PACING_RATE", uint32_t{ 1000 });
}

TEST_F(SockoptTest, AnIntegerOutOfRangeIsInvalid)
{
	integer(1ll << 32);
	EXPECT_EQ(decode("SO_MARK"), -EINVAL);
	integer((1ll << 32) - 1);
	EXPECT_EQ(decode("SO_MARK"), 0);
	integer(INT32_MIN - 1ll);
	EXPECT_EQ(decode("SO_MARK"), -EINVAL);
	integer(256);
	EXPECT_EQ(decode("IP_TTL", 1), -EINVAL);
}

TEST_F(SockoptTest, ALengthOfZeroIsTheKernelsToAnswer)
{
	ASSERT_EQ(encode("SO_REUSEADDR", int{ 1 }, 0), 0);
	EXPECT_EQ(value->kind_case, SOCKBROKER__V1__OPTION_VALUE__KIND__NOT_SET);
	ASSERT_EQ(decode("SO_REUSEADDR", 0u), 0);
	EXPECT_EQ(used, 0u);
	value = nullptr;
	EXPECT_EQ(decode("SO_REUSEADDR", 0u), 0);
	EXPECT_EQ(decode("SO_REUSEADDR"), -EINVAL);
	EXPECT_EQ(decode("SO_REUSEADDR", 4), -EINVAL);
}

TEST_F(SockoptTest, ALengthThatIsTooLongIsInvalid)
{
	uint32_t huge = UINT32_MAX, longer = SOCKOPT_BYTES_MAX + 1, fits = 8;
	uint8_t small[4];

	integer(1);
	EXPECT_EQ(decode("SO_REUSEADDR", &huge), -EINVAL);
	EXPECT_EQ(decode("SO_REUSEADDR", &longer), -EINVAL);
	EXPECT_EQ(sockopt_decode(row("SO_REUSEADDR"), value, &fits, small, sizeof(small), &used),
		  -EINVAL);
	EXPECT_EQ(sockopt_decode(row("SO_REUSEADDR"), value, nullptr, small, 3, &used), -EINVAL);
}

TEST_F(SockoptTest, AnotherKindOfValueIsInvalid)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	own = SOCKBROKER__V1__OPTION_VALUE__INIT;
	value = &own;
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(decode(rows[i].text), -EINVAL) << rows[i].text;
	integer(1);
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(decode(rows[i].text), rows[i].kind == SOCKOPT_INTEGER ? 0 : -EINVAL)
			<< rows[i].text;
}

TEST_F(SockoptTest, ATextEndsAtItsNulAndIsFilledUp)
{
	expect_round_trip("SO_BINDTODEVICE", std::array<char, 16>{ "eth0" });
	EXPECT_EQ(text(value->octets), "eth0");
	ASSERT_EQ(decode("SO_BINDTODEVICE"), 0);
	EXPECT_EQ(used, 4u);
	expect_round_trip("SO_BINDTODEVICE", "", 0);
}

/* The kernel would cut it, and bind to another than the one that was judged. */
TEST_F(SockoptTest, ATextThatTheKernelWouldCutIsInvalid)
{
	octets("sixteen-letters!");
	EXPECT_EQ(decode("SO_BINDTODEVICE"), -EINVAL);
	octets("fifteen-letters");
	EXPECT_EQ(decode("SO_BINDTODEVICE"), 0);
	EXPECT_EQ(decode("SO_BINDTODEVICE", 3), -EINVAL);
	octets(std::string("lo\0x", 4));
	EXPECT_EQ(decode("SO_BINDTODEVICE"), -EINVAL);
}

TEST_F(SockoptTest, OctetsAreAsLongAsTheyAre)
{
	expect_round_trip("TCP_INFO", std::array<char, 104>{ "opaque" });
	ASSERT_EQ(decode("TCP_INFO"), 0);
	EXPECT_EQ(used, 104u);
	EXPECT_EQ(decode("TCP_INFO", 103), -EINVAL);
	octets(std::string(SOCKOPT_BYTES_MAX + 1, 'x'));
	EXPECT_EQ(decode("TCP_INFO"), -EINVAL);
	octets("");
	ASSERT_EQ(decode("IP_OPTIONS"), 0);
	EXPECT_EQ(used, 0u);
}

TEST_F(SockoptTest, LingerSurvivesTheRoundTrip)
{
	expect_round_trip("SO_LINGER", linger{ 1, 30 });
	EXPECT_TRUE(value->linger->on);
	ASSERT_EQ(decode("SO_LINGER", 4), 0); /* cut, for the kernel to refuse */
	EXPECT_EQ(used, 4u);
	EXPECT_EQ(encode("SO_LINGER", int{ 1 }), -EINVAL);
}

TEST_F(SockoptTest, ATimeIsNanoseconds)
{
	expect_round_trip("SO_RCVTIMEO", timeval{ 1, 500000 });
	EXPECT_EQ(value->duration_ns, 1500000000);
	expect_round_trip("SO_SNDTIMEO_NEW", timeval{ 0, 0 });
	expect_round_trip("SO_RCVTIMEO", timeval{ -1, 250000 });
	EXPECT_EQ(encode("SO_RCVTIMEO", timeval{ 1, 1000000 }), -EDOM);
	EXPECT_EQ(encode("SO_RCVTIMEO", timeval{ 1, -1 }), -EDOM);
	EXPECT_EQ(encode("SO_RCVTIMEO", int64_t{ 1 }), -EINVAL);
}

TEST_F(SockoptTest, ATimeTooLongIsTheLongest)
{
	ASSERT_EQ(encode("SO_RCVTIMEO", timeval{ INT64_MAX, 999999 }), 0);
	EXPECT_EQ(value->duration_ns, INT64_MAX);
	ASSERT_EQ(decode("SO_RCVTIMEO"), 0);
	EXPECT_LT(result<timeval>().tv_usec, 1000000);
}

TEST_F(SockoptTest, ANanosecondIsNotForEver)
{
	ASSERT_EQ(encode("SO_RCVTIMEO", timeval{ 0, 0 }), 0);
	value->duration_ns = 1;
	ASSERT_EQ(decode("SO_RCVTIMEO"), 0);
	EXPECT_EQ(result<timeval>().tv_usec, 1);
	value->duration_ns = 999999999;
	ASSERT_EQ(decode("SO_RCVTIMEO"), 0);
	EXPECT_EQ(result<timeval>().tv_sec, 1);
	EXPECT_EQ(result<timeval>().tv_usec, 0);
}

TEST_F(SockoptTest, AMembershipIsWithOrWithoutAnInterface)
{
	expect_round_trip("IP_ADD_MEMBERSHIP", ip_mreqn{ { 0x010203e0 }, { 0x0100007f }, 3 });
	EXPECT_EQ(decode("IP_ADD_MEMBERSHIP", 8), -EINVAL); /* no room for the interface */
	expect_round_trip("IP_ADD_MEMBERSHIP", ip_mreq{ { 0x010203e0 }, { 0x0100007f } });
	ASSERT_EQ(decode("IP_ADD_MEMBERSHIP"), 0);
	EXPECT_EQ(used, sizeof(ip_mreqn));
	EXPECT_EQ(encode("IP_ADD_MEMBERSHIP", int{ 1 }), -EINVAL);
	expect_round_trip("IP_MULTICAST_IF", in_addr{ 0x0100007f });
	EXPECT_EQ(value->membership->address.len, 4u);
	value->membership->address = bytes("12345");
	EXPECT_EQ(decode("IP_MULTICAST_IF"), -EINVAL);
}

TEST_F(SockoptTest, MembershipsOfOtherFamiliesSurviveTheRoundTrip)
{
	packet_mreq mreq = { 2, PACKET_MR_MULTICAST, 6, { 1, 2, 3, 4, 5, 6 } };

	expect_round_trip("IPV6_ADD_MEMBERSHIP", ipv6_mreq{ in6addr_loopback, 3 });
	expect_round_trip("PACKET_ADD_MEMBERSHIP", mreq);
	mreq.mr_alen = 9;
	EXPECT_EQ(encode("PACKET_ADD_MEMBERSHIP", mreq), -EINVAL);
	value->packet_membership->type = 65536;
	EXPECT_EQ(decode("PACKET_ADD_MEMBERSHIP"), -EINVAL);
}

TEST_F(SockoptTest, CredentialsSurviveTheRoundTrip)
{
	expect_round_trip("SO_PEERCRED", ucred{ 1, 2, 3 });
}

TEST_F(SockoptTest, AFilterIsFollowedAndRebuiltBehindItsHead)
{
	std::vector<sock_filter> code(BPF_MAXINSNS, sock_filter{ 6, 1, 2, 0xffffffff });
	sock_fprog program = { static_cast<unsigned short>(code.size()), code.data() };

	ASSERT_EQ(encode("SO_ATTACH_FILTER", program), 0);
	for (uint32_t length : { 0u, 16u, 21u, 8u, 30000u }) {
		ASSERT_EQ(decode("SO_ATTACH_FILTER", length ? &length : nullptr), 0) << length;
		EXPECT_EQ(used, length ? length : sizeof(program));
		auto back = result<sock_fprog>();
		ASSERT_EQ(back.len, code.size());
		EXPECT_EQ(memcmp(back.filter, code.data(), code.size() * sizeof(code[0])), 0);
	}
	EXPECT_EQ(decode("SO_ATTACH_FILTER", 40000), -EINVAL);
	value->filter->instructions[5]->jt = 256;
	EXPECT_EQ(decode("SO_ATTACH_FILTER"), -EINVAL);
}

TEST_F(SockoptTest, AFilterHasOneTo4096Instructions)
{
	std::vector<sock_filter> code(BPF_MAXINSNS + 1);

	EXPECT_EQ(encode("SO_ATTACH_FILTER", sock_fprog{ 0, code.data() }), -EINVAL);
	EXPECT_EQ(encode("SO_ATTACH_FILTER", sock_fprog{ 1, nullptr }), -EINVAL);
	EXPECT_EQ(encode("SO_ATTACH_FILTER", sock_fprog{ BPF_MAXINSNS + 1, code.data() }), -EINVAL);
	ASSERT_EQ(encode("SO_ATTACH_FILTER", sock_fprog{ 1, code.data() }), 0);
	value->filter->n_instructions = 0;
	EXPECT_EQ(decode("SO_ATTACH_FILTER"), -EINVAL);
}

TEST_F(SockoptTest, CanFiltersAreNeverFilledUp)
{
	expect_round_trip("CAN_RAW_FILTER", std::array<can_filter, 2>{ { { 1, 2 }, { 3, 4 } } });
	EXPECT_EQ(decode("CAN_RAW_FILTER", 24), -EINVAL);
	EXPECT_EQ(encode("CAN_RAW_FILTER", std::array<char, 12>{}), -EINVAL);
	EXPECT_EQ(encode("CAN_RAW_FILTER", std::array<can_filter, 513>{}), -EINVAL);
	ASSERT_EQ(encode("CAN_RAW_FILTER", 0, 0), 0);
	ASSERT_EQ(decode("CAN_RAW_FILTER"), 0);
	EXPECT_EQ(used, 0u);
}

TEST_F(SockoptTest, WithoutAnAllocatorAFailureLeavesNothingBehind)
{
	packet_mreq bad = { 1, 1, 200, {} };

	EXPECT_EQ(sockopt_encode(row("PACKET_ADD_MEMBERSHIP"), &bad, sizeof(bad), nullptr, &value),
		  -EINVAL);
	linger l = { 1, 2 };
	ASSERT_EQ(sockopt_encode(row("SO_LINGER"), &l, sizeof(l), nullptr, &value), 0);
	sockbroker__v1__option_value__free_unpacked(value, nullptr);
}

/* Every readable option of a fresh socket, as the kernel answers it. Options
 * whose answer is another kind of thing than what is set are of no use here. */
class KernelOptions : public SockoptTest, public ::testing::WithParamInterface<std::array<int, 4>> {};

TEST_P(KernelOptions, SurviveTheRoundTripByteByByte)
{
	auto [family, type, protocol, least] = GetParam();
	int fd = socket(family, type, protocol), tried = 0;
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	if (fd < 0)
		GTEST_SKIP() << "the kernel, or who runs the test, lacks this socket";
	for (size_t i = 0; i < n; i++) {
		for (socklen_t asked : { 1, 2, 3, 4, 8, 16, 4096 }) {
			std::vector<uint8_t> raw(4096, 0xaa);
			socklen_t len = asked;

			if (!(rows[i].access & SOCKOPT_GET) ||
			    getsockopt(fd, rows[i].level, rows[i].name, raw.data(), &len) < 0 ||
			    len > asked)
				continue;
			int r = sockopt_encode(&rows[i], raw.data(), len, allocator(), &value);
			if (r == -EINVAL && asked < 16 && rows[i].kind >= SOCKOPT_LINGER)
				continue; /* a piece of a structure */
			ASSERT_EQ(r, 0) << rows[i].text << " " << asked;
			uint32_t length = len;
			ASSERT_EQ(decode(rows[i].text, &length), 0) << rows[i].text << " " << asked;
			ASSERT_EQ(used, len) << rows[i].text;
			EXPECT_EQ(memcmp(buffer.data(), raw.data(), len), 0) << rows[i].text << " " << asked;
			tried++;
		}
	}
	close(fd);
	EXPECT_GT(tried, least);
}

INSTANTIATE_TEST_SUITE_P(
	Of, KernelOptions,
	::testing::Values(std::array<int, 4>{ AF_INET, SOCK_STREAM, 0, 200 },
			  std::array<int, 4>{ AF_INET, SOCK_DGRAM, 0, 200 },
			  std::array<int, 4>{ AF_INET6, SOCK_STREAM, 0, 200 },
			  std::array<int, 4>{ AF_INET6, SOCK_DGRAM, 0, 200 },
			  std::array<int, 4>{ AF_UNIX, SOCK_STREAM, 0, 100 },
			  std::array<int, 4>{ AF_NETLINK, SOCK_RAW, 0, 100 },
			  std::array<int, 4>{ AF_INET, SOCK_RAW, IPPROTO_ICMP, 200 },
			  std::array<int, 4>{ AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 200 },
			  std::array<int, 4>{ AF_PACKET, SOCK_RAW, 0, 100 },
			  std::array<int, 4>{ AF_VSOCK, SOCK_STREAM, 0, 100 },
			  std::array<int, 4>{ AF_CAN, SOCK_RAW, CAN_RAW, 100 }),
	[](const auto &test) {
		const auto &p = test.param;
		return "Family" + std::to_string(p[0]) + "Type" + std::to_string(p[1]) + "Protocol" +
		       std::to_string(p[2]);
	});

} // namespace
