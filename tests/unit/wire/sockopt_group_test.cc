/* SPDX-License-Identifier: Apache-2.0 */
/* Options with addresses, groups, interfaces and lists in them. */
#include "sockopt_test.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace {

sockaddr_storage storage_of(int family, const char *ip)
{
	sockaddr_storage ss{};
	auto *sin = reinterpret_cast<sockaddr_in *>(&ss);
	auto *sin6 = reinterpret_cast<sockaddr_in6 *>(&ss);

	ss.ss_family = static_cast<sa_family_t>(family);
	inet_pton(family, ip, family == AF_INET ? static_cast<void *>(&sin->sin_addr)
						: static_cast<void *>(&sin6->sin6_addr));
	return ss;
}

group_source_req source_of(int family, const char *group, const char *source)
{
	group_source_req req;

	memset(&req, 0, sizeof(req)); /* the padding, too */
	req.gsr_interface = 3;
	req.gsr_group = storage_of(family, group);
	req.gsr_source = storage_of(family, source);
	return req;
}

TEST_F(SockoptTest, AGroupIsJoinedByAnAddressOfEitherFamily)
{
	group_req req;

	memset(&req, 0, sizeof(req));
	req.gr_interface = 3;
	req.gr_group = storage_of(AF_INET, "224.1.2.3");
	expect_round_trip("MCAST_JOIN_GROUP", req);
	EXPECT_EQ(value->group_request->ifindex, 3u);
	EXPECT_EQ(sockopt_ifindex(row("MCAST_JOIN_GROUP"), buffer.data(), used), 3);
	req.gr_group = storage_of(AF_INET6, "ff02::114");
	expect_round_trip("MCAST_LEAVE_GROUP", req);
	req.gr_group.ss_family = AF_UNIX;
	EXPECT_EQ(encode("MCAST_JOIN_GROUP", req), -EINVAL);
	EXPECT_EQ(encode("MCAST_JOIN_GROUP", req, sizeof(req) - 1), -EINVAL);
}

TEST_F(SockoptTest, ASourceGoesWithTheOptionsThatHaveOne)
{
	expect_round_trip("MCAST_JOIN_SOURCE_GROUP", source_of(AF_INET, "232.1.2.3", "192.0.2.1"));
	EXPECT_EQ(decode("MCAST_JOIN_GROUP"), -EINVAL) << "would join for all sources";
	value->group_request->source = nullptr;
	EXPECT_EQ(decode("MCAST_JOIN_SOURCE_GROUP"), -EINVAL);
	expect_round_trip("MCAST_BLOCK_SOURCE", source_of(AF_INET6, "ff3e::1", "2001:db8::1"));
	expect_round_trip("IP_ADD_SOURCE_MEMBERSHIP",
			  ip_mreq_source{ { 0x010203e8 }, { 0x0100007f }, { 0x010200c0 } });
	EXPECT_EQ(text(value->source_membership->source), std::string("\xc0\0\2\1", 4));
	value->source_membership->source = bytes("12345");
	EXPECT_EQ(decode("IP_ADD_SOURCE_MEMBERSHIP"), -EINVAL);
}

TEST_F(SockoptTest, AnInterfaceMayBeNamedInsteadOfCounted)
{
	const int lo = static_cast<int>(if_nametoindex("lo"));
	char name[] = "lo", absent[] = "no-such-if0", longer[] = "an-interface-of-many-letters";

	ASSERT_EQ(encode("IP_ADD_MEMBERSHIP", ip_mreqn{ { 0x010203e0 }, {}, 0 }), 0);
	value->membership->interface = name;
	ASSERT_EQ(decode("IP_ADD_MEMBERSHIP"), 0);
	EXPECT_EQ(result<ip_mreqn>().imr_ifindex, lo);
	EXPECT_EQ(sockopt_ifindex(row("IP_ADD_MEMBERSHIP"), buffer.data(), used), lo);
	value->membership->ifindex = 7;
	EXPECT_EQ(decode("IP_ADD_MEMBERSHIP"), -EINVAL) << "one or the other";

	ASSERT_EQ(encode("IPV6_ADD_MEMBERSHIP", ipv6_mreq{}), 0);
	value->membership6->interface = name;
	ASSERT_EQ(decode("IPV6_ADD_MEMBERSHIP"), 0);
	EXPECT_EQ(result<ipv6_mreq>().ipv6mr_interface, static_cast<unsigned>(lo));

	ASSERT_EQ(encode("PACKET_ADD_MEMBERSHIP", packet_mreq{}), 0);
	for (char *wrong : { absent, longer }) {
		value->packet_membership->interface = wrong;
		EXPECT_EQ(decode("PACKET_ADD_MEMBERSHIP"), -ENODEV);
	}
	value->packet_membership->interface = name;
	ASSERT_EQ(decode("PACKET_ADD_MEMBERSHIP"), 0);
	EXPECT_EQ(result<packet_mreq>().mr_ifindex, lo);
}

TEST_F(SockoptTest, AnInterfacesNumberMayBeItsName)
{
	const unsigned lo = if_nametoindex("lo");
	char name[] = "lo", absent[] = "no-such-if0", none[] = "";

	own = SOCKBROKER__V1__OPTION_VALUE__INIT;
	own.kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_INTERFACE;
	own.interface = name;
	value = &own;
	for (const char *option : { "SO_BINDTOIFINDEX", "IPV6_MULTICAST_IF" }) {
		ASSERT_EQ(decode(option), 0);
		EXPECT_EQ(result<unsigned>(), lo);
	}
	for (const char *option : { "IP_UNICAST_IF", "IPV6_UNICAST_IF" }) {
		ASSERT_EQ(decode(option), 0);
		EXPECT_EQ(result<unsigned>(), htonl(lo));
		EXPECT_EQ(sockopt_ifindex(row(option), buffer.data(), used), static_cast<int>(lo));
	}
	EXPECT_EQ(decode("SO_MARK"), -EINVAL) << "no interface's";
	own.interface = absent;
	EXPECT_EQ(decode("SO_BINDTOIFINDEX"), -ENODEV);
	own.interface = none;
	ASSERT_EQ(decode("SO_BINDTOIFINDEX"), 0);
	EXPECT_EQ(result<unsigned>(), 0u);
	own.interface = nullptr;
	EXPECT_EQ(decode("SO_BINDTOIFINDEX"), -EINVAL);
}

TEST_F(SockoptTest, TheInterfaceOfADeviceNameIsFound)
{
	octets("lo");
	ASSERT_EQ(decode("SO_BINDTODEVICE"), 0);
	EXPECT_EQ(sockopt_ifindex(row("SO_BINDTODEVICE"), buffer.data(), used),
		  static_cast<int>(if_nametoindex("lo")));
	integer(5);
	ASSERT_EQ(decode("SO_MARK"), 0);
	EXPECT_EQ(sockopt_ifindex(row("SO_MARK"), buffer.data(), used), 0);
	ASSERT_EQ(encode("IP_ADD_MEMBERSHIP", ip_mreq{}), 0);
	ASSERT_EQ(decode("IP_ADD_MEMBERSHIP", 8), 0);
	EXPECT_EQ(sockopt_ifindex(row("IP_ADD_MEMBERSHIP"), buffer.data(), used), 0);
}

TEST_F(SockoptTest, AnMd5KeyBelongsToAnAddress)
{
	tcp_md5sig sig{};

	sig.tcpm_addr = storage_of(AF_INET6, "2001:db8::1");
	sig.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
	sig.tcpm_prefixlen = 64;
	sig.tcpm_keylen = 80;
	memset(sig.tcpm_key, 'k', sizeof(sig.tcpm_key));
	expect_round_trip("TCP_MD5SIG_EXT", sig);
	EXPECT_EQ(value->tcp_md5->prefix_length, 64u);
	EXPECT_EQ(text(value->tcp_md5->key), std::string(80, 'k'));
	value->tcp_md5->key = bytes(std::string(81, 'k'));
	EXPECT_EQ(decode("TCP_MD5SIG_EXT"), -EINVAL);
	sig.tcpm_keylen = 81;
	EXPECT_EQ(encode("TCP_MD5SIG_EXT", sig), -EINVAL);
}

TEST_F(SockoptTest, TheKernelTakesAnMd5Key)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	tcp_md5sig sig{};

	sig.tcpm_addr = storage_of(AF_INET, "127.0.0.1");
	sig.tcpm_keylen = 3;
	memcpy(sig.tcpm_key, "key", 3);
	if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)) < 0) {
		close(fd);
		GTEST_SKIP() << "this kernel has no TCP_MD5SIG";
	}
	ASSERT_EQ(encode("TCP_MD5SIG", sig), 0);
	ASSERT_EQ(decode("TCP_MD5SIG"), 0);
	EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, buffer.data(), used), 0);
	close(fd);
}

TEST_F(SockoptTest, AnAddressIsAValue)
{
	sockaddr_in sin{};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(80);
	expect_round_trip("SO_ORIGINAL_DST", sin);
	EXPECT_EQ(value->address->inet->port, 80u);
	expect_round_trip("RDS_CANCEL_SENT_TO", sin);
	sin.sin_family = AF_APPLETALK;
	EXPECT_EQ(encode("SO_PEERNAME", sin), -EINVAL);
}

TEST_F(SockoptTest, PacketInfoAndPathMtuSurviveTheRoundTrip)
{
	ip6_mtuinfo mtu{};

	expect_round_trip("IPV6_PKTINFO", in6_pktinfo{ in6addr_loopback, 1 });
	EXPECT_EQ(sockopt_ifindex(row("IPV6_PKTINFO"), buffer.data(), used), 1);
	mtu.ip6m_addr.sin6_family = AF_INET6;
	mtu.ip6m_addr.sin6_addr = in6addr_loopback;
	mtu.ip6m_mtu = 1280;
	expect_round_trip("IPV6_PATHMTU", mtu);
	EXPECT_EQ(value->path_mtu->mtu, 1280u);
}

TEST_F(SockoptTest, J1939FiltersAreNeverFilledUp)
{
	std::array<j1939_filter, 2> filters;

	memset(filters.data(), 0, sizeof(filters)); /* the padding, too */
	filters[0].name = 0x1122334455667788;
	filters[0].pgn = 0x1f000;
	filters[0].pgn_mask = 0x3ff00;
	filters[1].addr = 0x20;
	filters[1].addr_mask = 0xff;
	expect_round_trip("SO_J1939_FILTER", filters);
	EXPECT_EQ(value->j1939_filters->filters[0]->pgn_mask, 0x3ff00u);
	EXPECT_EQ(decode("SO_J1939_FILTER", 96), -EINVAL);
	value->j1939_filters->filters[0]->addr = 256;
	EXPECT_EQ(decode("SO_J1939_FILTER"), -EINVAL);
	EXPECT_EQ(encode("SO_J1939_FILTER", filters, 33), -EINVAL);
	EXPECT_EQ(encode("SO_J1939_FILTER", std::array<j1939_filter, 513>{}), -EINVAL);
	ASSERT_EQ(encode("SO_J1939_FILTER", std::array<j1939_filter, 512>{}), 0);
	EXPECT_EQ(decode("SO_J1939_FILTER"), 0);
	EXPECT_LE(used, sockopt_room(row("SO_J1939_FILTER")));
}

/* setsockopt(fd, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, NULL, 16) */
TEST_F(SockoptTest, OfOneOptionTheLengthIsTheValue)
{
	ASSERT_EQ(sockopt_encode(row("ALG_SET_AEAD_AUTHSIZE"), "", 16, allocator(), &value), 0);
	EXPECT_EQ(value->kind_case, SOCKBROKER__V1__OPTION_VALUE__KIND__NOT_SET);
	ASSERT_EQ(decode("ALG_SET_AEAD_AUTHSIZE", 16), 0);
	EXPECT_EQ(used, 16u);
	EXPECT_EQ(decode("ALG_SET_AEAD_AUTHSIZE"), -EINVAL);
}

} // namespace
