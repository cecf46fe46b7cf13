/* SPDX-License-Identifier: Apache-2.0 */
/* Families that have interfaces, or only numbers. */
#include "addr_test.h"

#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <unistd.h>

namespace {

TEST_F(AddrTest, PacketSurvivesTheRoundTripWithAPlainProtocol)
{
	sockaddr_ll sll{};

	sll.sll_family = AF_PACKET;
	sll.sll_protocol = htons(0x0003);
	sll.sll_ifindex = 4;
	sll.sll_hatype = 1;
	sll.sll_pkttype = PACKET_OUTGOING;
	sll.sll_halen = 6;
	memcpy(sll.sll_addr, "\x02\x00\x00\x00\x00\x01", 6);
	expect_round_trip(sll);
	EXPECT_EQ(message->packet->protocol, 3u);
	EXPECT_EQ(message->packet->hardware_address.len, 6u);
}

TEST_F(AddrTest, APacketAddressMayEndWithItsHardwareAddress)
{
	sockaddr_ll sll{};
	struct sock_addr out;

	sll.sll_family = AF_PACKET;
	sll.sll_halen = 6;
	memcpy(sll.sll_addr, "\x02\x00\x00\x00\x00\x01", 6);
	expect_round_trip(sll, 18); /* as getsockname(2) answers */
	EXPECT_EQ(message->packet->length, 18u);
	expect_round_trip(sll, 20); /* as recvfrom(2) does */
	EXPECT_EQ(message->packet->length, 0u);
	EXPECT_EQ(encode(sll, 17), -EINVAL);
	EXPECT_EQ(encode(sll, 11), -EINVAL);
	ASSERT_EQ(encode(sll), 0);
	for (uint32_t length : { 12, 17, 21, 200 }) {
		message->packet->length = length;
		EXPECT_EQ(addr_decode(message, &out), -EINVAL);
	}
}

TEST_F(AddrTest, AHardwareAddressMayBeLongerThanTheStructureHasRoom)
{
	struct sockaddr_storage ss{};
	sockaddr_ll sll{};

	sll.sll_family = AF_PACKET;
	sll.sll_halen = 20; /* InfiniBand's */
	memset(&ss, 0x5a, sizeof(ss));
	memcpy(&ss, &sll, offsetof(sockaddr_ll, sll_addr));
	expect_round_trip(ss, 32);
	EXPECT_EQ(message->packet->hardware_address.len, 20u);
	EXPECT_EQ(encode(ss, 31), -EINVAL);
	sll.sll_halen = 33;
	memcpy(&ss, &sll, offsetof(sockaddr_ll, sll_addr));
	EXPECT_EQ(encode(ss), -EINVAL);
}

TEST_F(AddrTest, WhatTheKernelAnswersForAPacketSocketComesBackInItsLength)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	struct sock_addr a = { {}, sizeof(sockaddr_storage) };
	sockaddr_ll sll{};

	if (fd < 0 && errno == EPERM)
		GTEST_SKIP() << "needs CAP_NET_RAW";
	ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a.ss), &a.len), 0);
	EXPECT_EQ(a.len, 12u);
	expect_round_trip(a.ss, a.len);
	sll.sll_family = AF_PACKET;
	sll.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
	ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&sll), sizeof(sll)), 0);
	a.len = sizeof(a.ss);
	ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a.ss), &a.len), 0);
	EXPECT_EQ(a.len, 18u);
	expect_round_trip(a.ss, a.len);
	close(fd);
}

TEST_F(AddrTest, PacketRefusesWhatIsOutOfRange)
{
	using Packet = Sockbroker__V1__Address__Packet;
	const Packet sound = SOCKBROKER__V1__ADDRESS__PACKET__INIT;
	Packet m[6] = { sound, sound, sound, sound, sound, sound };
	char lo[] = "lo";

	m[0].protocol = 0x10000;
	m[1].ifindex = 0x80000000;
	m[2].hardware_type = 0x10000;
	m[3].packet_type = 256;
	m[4].hardware_address = bytes(std::string(33, 'x'));
	m[5].interface = lo;
	m[5].ifindex = 1;
	for (Packet &each : m)
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_PACKET, &each, nullptr), -EINVAL);
}

TEST_F(AddrTest, AnInterfaceMayBeNamed)
{
	Sockbroker__V1__Address__Packet packet = SOCKBROKER__V1__ADDRESS__PACKET__INIT;
	Sockbroker__V1__Address__Can can = SOCKBROKER__V1__ADDRESS__CAN__INIT;
	struct sock_addr out;
	char lo[] = "lo", absent[] = "no-such-if0", longer[] = "an-interface-of-many-letters";
	sockaddr_ll sll;

	packet.interface = lo;
	ASSERT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_PACKET, &packet, &out), 0);
	memcpy(&sll, &out.ss, sizeof(sll));
	EXPECT_EQ(static_cast<unsigned>(sll.sll_ifindex), if_nametoindex("lo"));
	for (char *name : { absent, longer }) {
		packet.interface = can.interface = name;
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_PACKET, &packet, nullptr), -ENODEV);
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_CAN, &can, nullptr), -ENODEV);
	}
}

TEST_F(AddrTest, NetlinkSurvivesTheRoundTrip)
{
	sockaddr_nl snl{};

	snl.nl_family = AF_NETLINK;
	snl.nl_pid = 0xfffffff0;
	snl.nl_groups = 0x80000001;
	expect_round_trip(snl);
	EXPECT_EQ(encode(snl, sizeof(snl) - 1), -EINVAL);
}

TEST_F(AddrTest, ACanAddressOfEightBytesHasNoProtocol)
{
	sockaddr_can can{};

	can.can_family = AF_CAN;
	can.can_ifindex = 3;
	expect_round_trip(can, 8); /* as CAN_RAW answers */
	EXPECT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL__NOT_SET);
	EXPECT_EQ(encode(can, 7), -EINVAL);
}

TEST_F(AddrTest, TheLengthOfACanAddressTellsItsProtocol)
{
	sockaddr_can can{};
	struct sock_addr out;

	can.can_family = AF_CAN;
	can.can_addr.tp.rx_id = 0x123;
	can.can_addr.tp.tx_id = 0x80000456;
	expect_round_trip(can, 16);
	ASSERT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP);
	EXPECT_EQ(message->can->tp->tx_id, 0x80000456u);

	can.can_addr.j1939.name = 0x1122334455667788;
	can.can_addr.j1939.pgn = 0x3ffff;
	can.can_addr.j1939.addr = 0xfe;
	expect_round_trip(can);
	ASSERT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939);
	EXPECT_EQ(message->can->j1939->name, 0x1122334455667788u);
	EXPECT_EQ(message->can->j1939->pgn, 0x3ffffu);
	message->can->j1939->addr = 256;
	EXPECT_EQ(addr_decode(message, &out), -EINVAL);
}

TEST_F(AddrTest, J1939KeepsWhatMeansNone)
{
	sockaddr_can can{};

	can.can_family = AF_CAN;
	expect_round_trip(can); /* all zeros are an address, too */
	can.can_addr.j1939.name = J1939_NO_NAME;
	can.can_addr.j1939.pgn = J1939_NO_PGN;
	can.can_addr.j1939.addr = J1939_NO_ADDR;
	expect_round_trip(can);
}

TEST_F(AddrTest, ACanProtocolWithoutItsPartIsInvalid)
{
	Sockbroker__V1__Address__Can m = SOCKBROKER__V1__ADDRESS__CAN__INIT;

	m.protocol_case = SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_CAN, &m, nullptr), -EINVAL);
	m.protocol_case = SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_CAN, &m, nullptr), -EINVAL);
}

/* A program passes a whole sockaddr_can to any of them. */
TEST_F(AddrTest, ACanAddressIsCutToTheSocketsProtocol)
{
	const struct {
		int protocol;
		socklen_t given, left;
	} cases[] = {
		{ CAN_RAW, 24, 8 }, { CAN_BCM, 16, 8 }, { CAN_ISOTP, 24, 16 },
		{ CAN_ISOTP, 8, 8 }, { CAN_J1939, 24, 24 }, { CAN_J1939, 16, 16 },
	};
	sockaddr_can can{};
	struct sock_addr out;

	can.can_family = AF_CAN;
	can.can_ifindex = 1;
	can.can_addr.j1939.name = 0x5a5a5a5a5a5a5a5a;
	can.can_addr.j1939.pgn = 0x5a5a5a5a;
	can.can_addr.j1939.addr = 0x5a;
	for (const auto &c : cases) {
		ASSERT_EQ(encode(can, c.given), 0);
		ASSERT_EQ(addr_decode(message, &out), 0);
		ASSERT_EQ(addr_fit(&out, AF_CAN, c.protocol), 0);
		EXPECT_EQ(out.len, c.left);
		EXPECT_EQ(memcmp(&out.ss, &can, c.left), 0);
	}
}

TEST_F(AddrTest, VsockSurvivesTheRoundTrip)
{
	sockaddr_vm svm{};

	svm.svm_family = AF_VSOCK;
	svm.svm_cid = VMADDR_CID_ANY;
	svm.svm_port = 1024;
	svm.svm_flags = 1;
	expect_round_trip(svm);
	EXPECT_EQ(encode(svm, sizeof(svm) - 1), -EINVAL);
	ASSERT_EQ(encode(svm), 0);
	message->vsock->flags = 256;
	struct sock_addr out;
	EXPECT_EQ(addr_decode(message, &out), -EINVAL);
}

} // namespace
