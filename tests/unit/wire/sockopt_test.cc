/* SPDX-License-Identifier: Apache-2.0 */
#include "sockopt_test.h"

#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <set>
#include <tuple>

#include "wire/bluetooth.h"

namespace {

TEST_F(SockoptTest, TheTableIsSortedAndHasEachOptionOnce)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	EXPECT_GT(n, 350u);
	for (size_t i = 1; i < n; i++)
		EXPECT_LT(std::make_tuple(rows[i - 1].bluetooth, rows[i - 1].level, rows[i - 1].name),
			  std::make_tuple(rows[i].bluetooth, rows[i].level, rows[i].name))
			<< rows[i].text;
}

TEST_F(SockoptTest, EachRowIsFoundByItsNumbersAndByItsText)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);
	std::set<std::pair<int, std::string>> texts;

	for (size_t i = 0; i < n; i++) {
		int family = rows[i].bluetooth ? AF_BLUETOOTH : AF_INET;
		const struct sockopt *first = sockopt_find_text(rows[i].text);

		EXPECT_TRUE(texts.insert({ rows[i].level, rows[i].text }).second) << rows[i].text;
		EXPECT_EQ(sockopt_find_for(family, rows[i].level, rows[i].name), &rows[i]);
		ASSERT_NE(first, nullptr) << rows[i].text;
		EXPECT_TRUE(first == &rows[i] || first->level == IPPROTO_IP) << "a second level's";
		EXPECT_TRUE(rows[i].access & SOCKOPT_BOTH);
		EXPECT_TRUE(rows[i].access & SOCKOPT_GET || !(rows[i].access & SOCKOPT_ASK));
		EXPECT_TRUE(rows[i].width == 1 || rows[i].width == 2 || rows[i].width == 4 ||
			    rows[i].width == 8);
	}
}

TEST_F(SockoptTest, BluetoothsLevelsHaveOptionsOfTheirOwn)
{
	EXPECT_STREQ(sockopt_find_for(AF_INET, 6, 1)->text, "TCP_NODELAY");
	EXPECT_STREQ(sockopt_find_for(AF_BLUETOOTH, 6, 1)->text, "L2CAP_OPTIONS");
	EXPECT_STREQ(sockopt_find_for(AF_BLUETOOTH, 0, 2)->text, "HCI_FILTER");
	EXPECT_STREQ(sockopt_find_for(AF_BLUETOOTH, SOL_SOCKET, SO_RCVBUF)->text, "SO_RCVBUF");
	EXPECT_EQ(sockopt_find_for(AF_BLUETOOTH, IPPROTO_TCP, TCP_CONGESTION), nullptr);
	EXPECT_EQ(sockopt_find_for(AF_INET, SOL_BLUETOOTH, 4), nullptr);
	EXPECT_EQ(sockopt_find(6, 1), sockopt_find_for(AF_UNSPEC, 6, 1));
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
				  "TCP_ULP", "TCP_FASTOPEN_CONNECT", "MCAST_JOIN_GROUP",
				  "MCAST_JOIN_SOURCE_GROUP", "IP_MSFILTER", "IP_ADD_SOURCE_MEMBERSHIP",
				  "PACKET_FANOUT", "SO_J1939_PROMISC", "TIPC_GROUP_JOIN",
				  "SCTP_REUSE_PORT", "ALG_SET_DRBG_ENTROPY" })
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

TEST_F(SockoptTest, SomeIntegersAreShorterThanAnInt)
{
	expect_round_trip("BT_MODE", uint8_t{ 3 });
	expect_round_trip("BT_SNDMTU", uint16_t{ 0xfff0 });
	ASSERT_EQ(encode("BT_SNDMTU", uint32_t{ 0x12345678 }), 0);
	EXPECT_EQ(value->integer, 0x5678) << "the kernel reads no more";
	ASSERT_EQ(decode("BT_SNDMTU"), 0);
	EXPECT_EQ(used, 2u);
}

TEST_F(SockoptTest, TimestampingHasAClockBehindItsFlags)
{
	expect_round_trip("SO_TIMESTAMPING", int{ 0x18 });
	expect_round_trip("SO_TIMESTAMPING", std::array<int, 2>{ 0x8018, 3 });
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
		EXPECT_EQ(decode(rows[i].text), rows[i].kind == SOCKOPT_INTEGER ||
					      rows[i].kind == SOCKOPT_INTERFACE ? 0 : -EINVAL)
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

} // namespace
