/* SPDX-License-Identifier: Apache-2.0 */
#include "cmsg_test.h"

#include <arpa/inet.h>
#include <linux/can/raw.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/time.h>
#include <time.h>

#include <linux/errqueue.h>

#include <algorithm>

namespace {

TEST_F(CmsgTest, NoMessagesAreNone)
{
	ASSERT_EQ(encode(), 0);
	EXPECT_EQ(n, 0u);
	EXPECT_FALSE(truncated);
	ASSERT_EQ(decode(64), 0);
	EXPECT_EQ(decoded.msg_controllen, 0u);
}

TEST_F(CmsgTest, IntegersKeepTheirWidth)
{
	uint8_t tos = 0x10;

	add(IPPROTO_IP, IP_TTL, int{ 64 });
	add(IPPROTO_IP, IP_TOS, tos);
	add(IPPROTO_IPV6, IPV6_HOPLIMIT, int{ -1 });
	add(IPPROTO_IPV6, IPV6_TCLASS, int{ 255 });
	add(IPPROTO_UDP, UDP_SEGMENT, uint16_t{ 1400 });
	add(IPPROTO_UDP, UDP_GRO, int{ 1400 });
	add(SOL_SOCKET, SO_RXQ_OVFL, uint32_t{ 0xfffffffe });
	add(SOL_SOCKET, SO_MARK, uint32_t{ 7 });
	add(SOL_SOCKET, SO_PRIORITY, uint32_t{ 6 });
	add(SOL_SOCKET, SO_TXTIME, uint64_t{ 1ull << 40 });
	add(SOL_SOCKET, SO_TIMESTAMPING, uint32_t{ 2 });
	expect_round_trip();
	EXPECT_EQ(n, 11u);
	EXPECT_EQ(messages[1]->integer->width, 1u);
	EXPECT_EQ(messages[2]->integer->value, -1);
	EXPECT_EQ(messages[6]->integer->value, 0xfffffffe);
}

TEST_F(CmsgTest, AnIntegerOfNoWidthHasWhatTheKernelTakes)
{
	ASSERT_EQ(decode_integer(IPPROTO_IP, IP_TTL, 9, 0), 0);
	EXPECT_EQ(decoded.msg_controllen, CMSG_SPACE(sizeof(int)));
	ASSERT_EQ(decode_integer(IPPROTO_UDP, UDP_SEGMENT, 9, 0), 0);
	EXPECT_EQ(reinterpret_cast<cmsghdr *>(out.data())->cmsg_len, CMSG_LEN(sizeof(uint16_t)));
}

TEST_F(CmsgTest, AnIntegerOfTheWrongWidthOrRangeIsInvalid)
{
	EXPECT_EQ(decode_integer(IPPROTO_IP, IP_TTL, 9, 1), -EINVAL);
	EXPECT_EQ(decode_integer(IPPROTO_IP, IP_TTL, 9, 8), -EINVAL);
	EXPECT_EQ(decode_integer(IPPROTO_IP, IP_TOS, 9, 3), -EINVAL);
	EXPECT_EQ(decode_integer(IPPROTO_IP, IP_TOS, 256, 1), -EINVAL);
	EXPECT_EQ(decode_integer(IPPROTO_IP, IP_TOS, 255, 1), 0);
	EXPECT_EQ(decode_integer(IPPROTO_UDP, UDP_SEGMENT, 65536, 2), -EINVAL);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SO_MARK, 1ll << 32, 4), -EINVAL);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SO_MARK, INT32_MIN - 1ll, 4), -EINVAL);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SO_TXTIME, INT64_MIN, 8), 0);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SO_TXTIME, 1, UINT32_MAX), -EINVAL);
}

TEST_F(CmsgTest, AFlowLabelIsAPlainNumber)
{
	add(IPPROTO_IPV6, 11 /* IPV6_FLOWINFO */, htonl(0x12345));
	expect_round_trip();
	EXPECT_EQ(messages[0]->integer->value, 0x12345);
}

TEST_F(CmsgTest, StructuresSurviveTheRoundTrip)
{
	ucred cred = { 1, 2, 3 };
	timeval tv = { 5, 999999 };
	timespec ts = { 6, 999999999 };
	timespec three[3] = { { 1, 2 }, { 0, 0 }, { 3, 4 } };
	in_pktinfo info = { 3, { 0x01020304 }, { 0x05060708 } };
	in6_pktinfo info6 = { in6addr_loopback, 4 };
	tpacket_auxdata aux = { 1, 2, 3, 4, 5, 6, 7 };

	add(SOL_SOCKET, SCM_CREDENTIALS, cred);
	add(SOL_SOCKET, SO_TIMESTAMP_OLD, tv);
	add(SOL_SOCKET, SO_TIMESTAMP_NEW, tv);
	add(SOL_SOCKET, SO_TIMESTAMPNS_OLD, ts);
	add(SOL_SOCKET, SO_TIMESTAMPNS_NEW, ts);
	add(SOL_SOCKET, SO_TIMESTAMPING_OLD, three);
	add(SOL_SOCKET, SO_TIMESTAMPING_NEW, three);
	add(IPPROTO_IP, IP_PKTINFO, info);
	add(IPPROTO_IPV6, IPV6_PKTINFO, info6);
	add(SOL_PACKET, PACKET_AUXDATA, aux);
	expect_round_trip();
	EXPECT_EQ(messages[1]->timestamp->nanoseconds, 999999000);
	EXPECT_EQ(messages[5]->timestamping->n_stamps, 3u);
	EXPECT_EQ(messages[9]->aux_data->vlan_tpid, 7u);
}

TEST_F(CmsgTest, AnExtendedErrorKeepsItsOffender)
{
	struct {
		sock_extended_err e;
		sockaddr_in from;
	} four{};
	struct {
		sock_extended_err e;
		sockaddr_in6 from;
	} six{};

	four.e.ee_errno = ECONNREFUSED;
	four.e.ee_origin = SO_EE_ORIGIN_ICMP;
	four.e.ee_type = 3;
	four.e.ee_code = 3;
	four.from.sin_family = AF_INET;
	four.from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	six.e.ee_info = 1280;
	add(IPPROTO_IP, IP_RECVERR, four);
	add(IPPROTO_IPV6, IPV6_RECVERR, six); /* nobody reported it */
	add(SOL_CAN_RAW, SCM_CAN_RAW_ERRQUEUE, four.e);
	expect_round_trip();
	EXPECT_EQ(messages[0]->extended_error->error, SOCKBROKER__V1__ERRNO__ERRNO_ECONNREFUSED);
	ASSERT_NE(messages[0]->extended_error->offender, nullptr);
	EXPECT_EQ(messages[1]->extended_error->offender, nullptr);
}

TEST_F(CmsgTest, OctetsOfAnyLengthArePadded)
{
	for (size_t len : { 1, 4, 7, 8, 9, 40 })
		add_bytes(IPPROTO_IP, IP_RETOPTS, std::string(len, 'o').data(), len);
	add_bytes(IPPROTO_IPV6, IPV6_RTHDR, std::string(24, 'r').data(), 24);
	add_bytes(IPPROTO_IPV6, IPV6_HOPOPTS, nullptr, 0);
	expect_round_trip();
	EXPECT_EQ(n, 8u);
}

TEST_F(CmsgTest, ABufferOfAnyAlignmentIsRead)
{
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	std::vector<uint8_t> odd(control.size() + 1);
	msghdr in{};
	cmsg_rights r = rights();

	memcpy(&odd[1], control.data(), control.size());
	in.msg_control = &odd[1];
	in.msg_controllen = control.size();
	ASSERT_EQ(cmsg_encode(&in, &r, allocator(), &n, &messages, nullptr), 0);
	EXPECT_EQ(messages[0]->integer->value, 64);
}

TEST_F(CmsgTest, TheLastMessageNeedsNoPadding)
{
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	control.resize(CMSG_LEN(sizeof(int)));
	ASSERT_EQ(encode(), 0);
	EXPECT_EQ(n, 1u);
}

TEST_F(CmsgTest, ALengthThatIsALieIsInvalid)
{
	for (size_t lie : { size_t{ 0 }, size_t{ 15 }, size_t{ 1000 }, SIZE_MAX, SIZE_MAX - 7 }) {
		control.clear();
		add(IPPROTO_IP, IP_TTL, int{ 64 });
		reinterpret_cast<cmsghdr *>(control.data())->cmsg_len = lie;
		EXPECT_EQ(encode(), -EINVAL) << lie;
	}
}

TEST_F(CmsgTest, AKnownTypeOfTheWrongLengthIsInvalidWhenSent)
{
	add(IPPROTO_IP, IP_TTL, uint8_t{ 64 });
	EXPECT_EQ(encode(), -EINVAL);
}

TEST_F(CmsgTest, AMessageThatTheKernelCutIsLeftOut)
{
	add(IPPROTO_IP, IP_TTL, uint16_t{ 64 });
	owned = true;
	flags = MSG_CTRUNC;
	ASSERT_EQ(encode(), 0);
	EXPECT_EQ(n, 0u);
	EXPECT_TRUE(truncated);
}

TEST_F(CmsgTest, AnUnknownTypeIsLeftOutAndTheRestKept)
{
	add(SOL_SOCKET, 9999, int{ 1 });
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	ASSERT_EQ(encode(), 0);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(messages[0]->type, IP_TTL);
	EXPECT_TRUE(truncated);
}

TEST_F(CmsgTest, AnUnknownTypeOrAnotherKindOfValueIsInvalidOnTheWayBack)
{
	EXPECT_EQ(decode_integer(SOL_SOCKET, 9999, 1, 4), -EINVAL);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SCM_RIGHTS, 1, 4), -EINVAL);
	EXPECT_EQ(decode_integer(SOL_SOCKET, SCM_CREDENTIALS, 1, 4), -EINVAL);
	make(IPPROTO_IP, IP_TTL); /* no value */
	EXPECT_EQ(decode(64), -EINVAL);
	Message *m = make(IPPROTO_IP, IP_TTL); /* a value that is NULL */
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_INTEGER;
	EXPECT_EQ(decode(64), -EINVAL);
	m = make(SOL_SOCKET, SCM_RIGHTS);
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	EXPECT_EQ(decode(64), -EINVAL);
}

TEST_F(CmsgTest, ValuesOutOfRangeAreInvalid)
{
	Sockbroker__V1__ControlMessage__Timestamp t = SOCKBROKER__V1__CONTROL_MESSAGE__TIMESTAMP__INIT;
	Message *m = make(SOL_SOCKET, SO_TIMESTAMPNS_OLD);

	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_TIMESTAMP;
	m->timestamp = &t;
	for (int64_t bad : { int64_t{ -1 }, int64_t{ 1000000000 }, INT64_MAX }) {
		t.nanoseconds = bad;
		EXPECT_EQ(decode(64), -EINVAL);
	}
	Sockbroker__V1__ControlMessage__PacketInfo p = SOCKBROKER__V1__CONTROL_MESSAGE__PACKET_INFO__INIT;
	m = make(IPPROTO_IP, IP_PKTINFO);
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_PACKET_INFO;
	m->packet_info = &p;
	EXPECT_EQ(decode(64), 0); /* absent addresses are zeros */
	p.spec_dst = bytes("toolong");
	EXPECT_EQ(decode(64), -EINVAL);
	m = make(IPPROTO_IP, IP_RETOPTS);
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_OCTETS;
	m->octets = bytes(std::string(41, 'x'));
	EXPECT_EQ(decode(64), -EINVAL);
}

} // namespace
