/* SPDX-License-Identifier: Apache-2.0 */
/* SCTP, TIPC, AF_ALG, Bluetooth, J1939, RDS, and addresses. */
#include "cmsg_test.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/if_alg.h>
#include <linux/net_tstamp.h>
#include <linux/rds.h>
#include <linux/sctp.h>
#include <linux/tipc.h>
#include <sys/time.h>
#include <time.h>

#include <linux/errqueue.h>

#include <array>

#include "wire/bluetooth.h"

namespace {

sockaddr_in6 inet6_of(const char *ip, uint16_t port)
{
	sockaddr_in6 sin6{};

	sin6.sin6_family = AF_INET6;
	sin6.sin6_port = htons(port);
	inet_pton(AF_INET6, ip, &sin6.sin6_addr);
	return sin6;
}

TEST_F(CmsgTest, WhereAPacketWentIsAnAddress)
{
	sockaddr_in sin{};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(53);
	inet_pton(AF_INET, "192.0.2.1", &sin.sin_addr);
	add(IPPROTO_IP, IP_ORIGDSTADDR, sin);
	add(IPPROTO_IPV6, IPV6_ORIGDSTADDR, inet6_of("2001:db8::1", 443));
	expect_round_trip();
	EXPECT_EQ(messages[0]->address->inet->port, 53u);
	EXPECT_EQ(messages[1]->address->inet6->port, 443u);
	messages[0]->address = messages[1]->address;
	EXPECT_EQ(decode(256), -EINVAL) << "of the other family";
}

TEST_F(CmsgTest, APathsMtuHasItsDestination)
{
	ip6_mtuinfo info{};

	info.ip6m_addr = inet6_of("2001:db8::1", 0);
	info.ip6m_mtu = 1400;
	add(IPPROTO_IPV6, IPV6_PATHMTU, info);
	expect_round_trip();
	EXPECT_EQ(messages[0]->path_mtu->mtu, 1400u);
}

TEST_F(CmsgTest, SctpsStructuresSurviveTheRoundTrip)
{
	sctp_sndrcvinfo sndrcv;
	sctp_sndinfo snd;
	sctp_rcvinfo rcv;
	sctp_nxtinfo nxt;
	sctp_prinfo partial;

	memset(&sndrcv, 0, sizeof(sndrcv)); /* the padding, too */
	memset(&rcv, 0, sizeof(rcv));
	memset(&partial, 0, sizeof(partial));
	sndrcv.sinfo_stream = 1;
	sndrcv.sinfo_ssn = 2;
	sndrcv.sinfo_flags = SCTP_UNORDERED;
	sndrcv.sinfo_ppid = htonl(46);
	sndrcv.sinfo_context = 5;
	sndrcv.sinfo_timetolive = 6;
	sndrcv.sinfo_tsn = 7;
	sndrcv.sinfo_cumtsn = 8;
	sndrcv.sinfo_assoc_id = -9;
	snd = { 1, SCTP_SACK_IMMEDIATELY, htonl(46), 4, 5 };
	rcv.rcv_sid = 1;
	rcv.rcv_ssn = 2;
	rcv.rcv_flags = 3;
	rcv.rcv_ppid = 4;
	rcv.rcv_tsn = 5;
	rcv.rcv_cumtsn = 6;
	rcv.rcv_context = 7;
	rcv.rcv_assoc_id = 8;
	nxt = { 1, 2, 3, 4, 5 };
	partial.pr_policy = SCTP_PR_SCTP_TTL;
	partial.pr_value = 100;
	add(IPPROTO_SCTP, SCTP_INIT, sctp_initmsg{ 1, 2, 3, 4 });
	add(IPPROTO_SCTP, SCTP_SNDRCV, sndrcv);
	add(IPPROTO_SCTP, SCTP_SNDINFO, snd);
	add(IPPROTO_SCTP, SCTP_RCVINFO, rcv);
	add(IPPROTO_SCTP, SCTP_NXTINFO, nxt);
	add(IPPROTO_SCTP, SCTP_PRINFO, partial);
	add(IPPROTO_SCTP, SCTP_AUTHINFO, uint16_t{ 7 });
	add(IPPROTO_SCTP, SCTP_DSTADDRV4, in_addr{ 0x0100007f });
	add(IPPROTO_SCTP, SCTP_DSTADDRV6, in6addr_loopback);
	expect_round_trip();
	EXPECT_EQ(messages[0]->sctp_init->max_attempts, 3u);
	EXPECT_EQ(messages[1]->sctp_info->association, -9);
	EXPECT_EQ(messages[1]->sctp_info->ppid, htonl(46));
	EXPECT_EQ(messages[3]->sctp_info->cumulative_tsn, 6u);
	EXPECT_EQ(messages[4]->sctp_next->length, 4u);
	EXPECT_EQ(messages[5]->sctp_partial->value, 100u);
	EXPECT_EQ(messages[6]->integer->width, 2u);
	EXPECT_EQ(messages[7]->octets.len, 4u);
}

TEST_F(CmsgTest, SctpsNumbersOfSixteenBitsAreChecked)
{
	add(IPPROTO_SCTP, SCTP_INIT, sctp_initmsg{ 1, 2, 3, 4 });
	add(IPPROTO_SCTP, SCTP_SNDINFO, sctp_sndinfo{ 1, 2, 3, 4, 5 });
	ASSERT_EQ(encode(), 0);
	messages[1]->sctp_info->stream = 65536;
	EXPECT_EQ(decode(256), -EINVAL);
	messages[1]->sctp_info->stream = 1;
	messages[0]->sctp_init->out_streams = 65536;
	EXPECT_EQ(decode(256), -EINVAL);
	Message *m = make(IPPROTO_SCTP, SCTP_DSTADDRV4);
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_OCTETS;
	m->octets = bytes("five!");
	EXPECT_EQ(decode(256), -EINVAL);
	m->octets = bytes("six");
	EXPECT_EQ(decode(256), -EINVAL);
}

TEST_F(CmsgTest, WhatTipcReturnsHasItsReasonDataAndName)
{
	add(SOL_TIPC, TIPC_ERRINFO, std::array<uint32_t, 2>{ TIPC_ERR_NO_NAME, 5 });
	add_bytes(SOL_TIPC, TIPC_RETDATA, "hello", 5);
	add(SOL_TIPC, TIPC_DESTNAME, std::array<uint32_t, 3>{ 1000, 17, 18 });
	expect_round_trip();
	EXPECT_EQ(messages[0]->tipc_error->code, 1u);
	EXPECT_EQ(messages[0]->tipc_error->length, 5u);
	EXPECT_EQ(text(messages[1]->octets), "hello");
	EXPECT_EQ(messages[2]->address->tipc->range->lower, 17u);
	messages[2]->address->tipc->address_case = SOCKBROKER__V1__ADDRESS__TIPC__ADDRESS_ID;
	EXPECT_EQ(decode(256), -EINVAL);
}

TEST_F(CmsgTest, AnAlgorithmsVectorIsItsBytesAlone)
{
	struct {
		uint32_t len;
		char iv[16];
	} iv = { 16, { 'v', 'e', 'c', 't', 'o', 'r' } };

	add(SOL_ALG, ALG_SET_OP, uint32_t{ ALG_OP_ENCRYPT });
	add(SOL_ALG, ALG_SET_AEAD_ASSOCLEN, uint32_t{ 20 });
	add(SOL_ALG, ALG_SET_IV, iv);
	expect_round_trip();
	EXPECT_EQ(messages[0]->integer->value, 1);
	EXPECT_EQ(text(messages[2]->octets), std::string(iv.iv, 16));
	messages[2]->octets = bytes(std::string(61, 'v'));
	EXPECT_EQ(decode(256), -EINVAL);
}

TEST_F(CmsgTest, AVectorShorterThanItSaysIsInvalid)
{
	add(SOL_ALG, ALG_SET_IV, std::array<uint32_t, 2>{ 5, 0 });
	EXPECT_EQ(encode(), -EINVAL);
}

TEST_F(CmsgTest, BluetoothsMessagesHaveTheNumbersOfIp)
{
	add(SOL_HCI, HCI_CMSG_DIR, int{ 1 });
	add(SOL_HCI, HCI_CMSG_TSTAMP, timeval{ 1700000000, 5 });
	add(SOL_BLUETOOTH, BT_SCM_PKT_STATUS, uint8_t{ 2 });
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	expect_round_trip();
	EXPECT_EQ(messages[0]->integer->value, 1);
	EXPECT_EQ(messages[1]->timestamp->nanoseconds, 5000);
	EXPECT_EQ(messages[2]->integer->value, 2);
	EXPECT_EQ(messages[3]->integer->value, 64);
}

TEST_F(CmsgTest, J1939AndRdsMessagesSurviveTheRoundTrip)
{
	sock_extended_err e{};

	e.ee_errno = ETIME;
	e.ee_origin = SO_EE_ORIGIN_LOCAL;
	add(SOL_CAN_J1939, SCM_J1939_DEST_ADDR, uint8_t{ 0x20 });
	add(SOL_CAN_J1939, SCM_J1939_DEST_NAME, uint64_t{ 0x1122334455667788 });
	add(SOL_CAN_J1939, SCM_J1939_PRIO, uint8_t{ 6 });
	add(SOL_CAN_J1939, SCM_J1939_ERRQUEUE, e);
	add_bytes(SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS, "\x0c\0\1\0attributes..", 16);
	add(SOL_RDS, RDS_CMSG_CONG_UPDATE, uint64_t{ 1ull << 63 });
	add(SOL_RDS, RDS_CMSG_RXPATH_LATENCY, std::array<char, 32>{ 3, 0, 1, 2 });
	expect_round_trip();
	EXPECT_EQ(messages[3]->extended_error->error, ETIME);
}

TEST_F(CmsgTest, AHardwareStampHasItsInterface)
{
	add(SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO, scm_ts_pktinfo{ 3, 60, {} });
	expect_round_trip();
	EXPECT_EQ(messages[0]->timestamping_packet->ifindex, 3u);
	EXPECT_EQ(messages[0]->timestamping_packet->length, 60u);
}

TEST_F(CmsgTest, WhatPointsIntoTheSenderIsRefused)
{
	add(SOL_RDS, RDS_CMSG_RDMA_ARGS, std::array<uint64_t, 8>{});
	ASSERT_EQ(encode(), 0);
	EXPECT_TRUE(truncated) << "left out, which the library refuses to send";
	EXPECT_EQ(n, 0u);
}

/* The kernel's own: the time a datagram came, and where it went. */
TEST_F(CmsgTest, WhatTheKernelTellsOfADatagramIsUnderstood)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	sockaddr_in self{};
	socklen_t len = sizeof(self);
	char byte = 'x', buffer[512] = {};
	iovec iov = { &byte, 1 };
	msghdr msg{};

	self.sin_family = AF_INET;
	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&self), len), 0);
	ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&self), &len), 0);
	setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS_NEW, &on, sizeof(on));
	ASSERT_EQ(sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr *>(&self), len), 1);
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = buffer;
	msg.msg_controllen = sizeof(buffer);
	ASSERT_EQ(recvmsg(fd, &msg, 0), 1);
	close(fd);
	control.assign(buffer, buffer + msg.msg_controllen);
	expect_round_trip();
	EXPECT_EQ(n, 3u);
}

} // namespace
