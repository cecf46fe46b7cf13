/* SPDX-License-Identifier: Apache-2.0 */
/* What a descriptor is a socket of. */
#include "wire/kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <linux/can.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int ProtocolOf(int family, int type, int protocol)
{
	const int fd = socket(family, type, protocol);
	const int found = fd < 0 ? -errno : kind_protocol(fd);

	if (fd >= 0)
		close(fd);
	return found;
}

TEST(Kind, TheProtocolIsTheOneThatWasAskedFor)
{
	EXPECT_EQ(ProtocolOf(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP);
	EXPECT_EQ(ProtocolOf(AF_INET6, SOCK_DGRAM, 0), IPPROTO_UDP);
	EXPECT_EQ(ProtocolOf(AF_UNIX, SOCK_STREAM, 0), 0);
}

TEST(Kind, WhatIsNoSocketHasNone)
{
	int ends[2];

	ASSERT_EQ(pipe(ends), 0);
	EXPECT_EQ(kind_protocol(ends[0]), -ENOTSOCK);
	EXPECT_EQ(kind_protocol(-1), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

TEST(Kind, APacketSocketHasTheOneThatItIsBoundTo)
{
	sockaddr_ll name{};
	const int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP));

	if (fd < 0)
		GTEST_SKIP() << "needs CAP_NET_RAW";
	EXPECT_EQ(kind_protocol(fd), htons(ETH_P_ARP));
	name.sll_family = AF_PACKET;
	name.sll_protocol = htons(ETH_P_IP);
	name.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
	ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&name), sizeof(name)), 0);
	EXPECT_EQ(kind_protocol(fd), htons(ETH_P_IP));
	close(fd);
}

class KernelKind : public testing::TestWithParam<int> {};

TEST_P(KernelKind, EachProtocolOfCanIsToldFromTheOthers)
{
	const int protocol = GetParam();
	const int found = ProtocolOf(AF_CAN, protocol == CAN_RAW ? SOCK_RAW : SOCK_DGRAM, protocol);

	if (found == -EAFNOSUPPORT || found == -EPROTONOSUPPORT)
		GTEST_SKIP() << "the kernel has no CAN";
	EXPECT_EQ(found, protocol);
}

INSTANTIATE_TEST_SUITE_P(Can, KernelKind, testing::Values(CAN_RAW, CAN_BCM, CAN_ISOTP, CAN_J1939));

} // namespace
