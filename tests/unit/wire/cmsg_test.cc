/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cmsg.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/can/raw.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "wire_test.h"

namespace {

using Message = Sockbroker__V1__ControlMessage;

/* A handle is its descriptor and a hundred; descriptors in `refused` are none. */
struct Table {
	std::vector<int> taken;
	std::vector<int> refused;

	static int to_handle(void *context, int fd, uint32_t *ret)
	{
		auto *t = static_cast<Table *>(context);

		for (int bad : t->refused)
			if (bad == fd)
				return -ENOTSOCK;
		t->taken.push_back(fd);
		*ret = static_cast<uint32_t>(fd) + 100;
		return 0;
	}

	static int to_fd(void *, uint32_t handle)
	{
		return handle < 100 ? -EBADF : static_cast<int>(handle) - 100;
	}

	void close_taken()
	{
		for (int fd : taken)
			close(fd);
	}
};

class CmsgTest : public WireTest {
protected:
	/* Appends a message in kernel form. */
	template <typename T> void add(int level, int type, const T &payload)
	{
		add_bytes(level, type, &payload, sizeof(payload));
	}

	void add_bytes(int level, int type, const void *payload, size_t len)
	{
		cmsghdr header{};
		size_t at = control.size();

		header.cmsg_len = CMSG_LEN(len);
		header.cmsg_level = level;
		header.cmsg_type = type;
		control.resize(at + CMSG_SPACE(len));
		memcpy(&control[at], &header, sizeof(header));
		if (len)
			memcpy(&control[at] + CMSG_LEN(0), payload, len);
	}

	int encode() { return encode(rights()); }

	int encode(const cmsg_rights &r)
	{
		msghdr in{};

		in.msg_control = control.empty() ? nullptr : control.data();
		in.msg_controllen = control.size();
		in.msg_flags = flags;
		return cmsg_encode(&in, &r, allocator(), &n, &messages, &truncated);
	}

	/* Decodes what encode() made, into @room bytes. */
	int decode(size_t room)
	{
		cmsg_rights r = rights();

		out.assign(room, 0xee);
		decoded = {};
		decoded.msg_control = out.data();
		decoded.msg_controllen = room;
		return cmsg_decode(messages, n, &r, &decoded);
	}

	void expect_round_trip()
	{
		ASSERT_EQ(encode(), 0);
		EXPECT_FALSE(truncated);
		ASSERT_EQ(cmsg_space(messages, n), control.size());
		ASSERT_EQ(decode(control.size()), 0);
		EXPECT_EQ(decoded.msg_flags, 0);
		ASSERT_EQ(decoded.msg_controllen, control.size());
		EXPECT_EQ(out, control);
	}

	cmsg_rights rights() { return { &table, owned, Table::to_handle, Table::to_fd }; }

	static int new_fd() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

	/* A message made by hand, in place of what encode() makes. */
	Message *make(int level, int type)
	{
		one = SOCKBROKER__V1__CONTROL_MESSAGE__INIT;
		one.level = level;
		one.type = type;
		ones[0] = &one;
		messages = ones;
		n = 1;
		return &one;
	}

	int decode_integer(int level, int type, int64_t value, uint32_t width)
	{
		Message *m = make(level, type);

		integer = SOCKBROKER__V1__CONTROL_MESSAGE__INTEGER__INIT;
		integer.value = value;
		integer.width = width;
		m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_INTEGER;
		m->integer = &integer;
		return decode(256);
	}

	std::vector<uint8_t> control, out;
	msghdr decoded{};
	int flags = 0;
	bool owned = false, truncated = false;
	Table table;
	size_t n = 0;
	Message **messages = nullptr, *ones[1], one;
	Sockbroker__V1__ControlMessage__Integer integer;
};

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

TEST_F(CmsgTest, SentDescriptorsBecomeHandlesAndStayTheCallers)
{
	int fds[2] = { new_fd(), new_fd() };

	add(SOL_SOCKET, SCM_RIGHTS, fds);
	expect_round_trip();
	ASSERT_EQ(messages[0]->rights->n_handles, 2u);
	EXPECT_EQ(messages[0]->rights->handles[1], static_cast<uint32_t>(fds[1]) + 100);
	EXPECT_EQ(close(fds[0]), 0);
	EXPECT_EQ(close(fds[1]), 0);
}

TEST_F(CmsgTest, ADescriptorThatCannotBeSentIsTheAnswer)
{
	int fd = new_fd();

	add(SOL_SOCKET, SCM_RIGHTS, fd);
	table.refused = { fd };
	EXPECT_EQ(encode(), -ENOTSOCK);
	EXPECT_EQ(close(fd), 0); /* still the caller's */
}

TEST_F(CmsgTest, AReceivedDescriptorThatIsRefusedIsClosedAndTheOthersKept)
{
	int fds[3] = { new_fd(), new_fd(), new_fd() };

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	table.refused = { fds[1] };
	ASSERT_EQ(encode(), 0);
	EXPECT_TRUE(truncated);
	ASSERT_EQ(messages[0]->rights->n_handles, 2u);
	EXPECT_EQ(messages[0]->rights->handles[1], static_cast<uint32_t>(fds[2]) + 100);
	EXPECT_EQ(fcntl(fds[1], F_GETFD), -1);
	table.close_taken();
}

TEST_F(CmsgTest, WhenNoDescriptorIsKeptThereIsNoMessage)
{
	int fd = new_fd();

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fd);
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	table.refused = { fd };
	ASSERT_EQ(encode(), 0);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(messages[0]->type, IP_TTL);
	EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

/* The fixture counts descriptors: each of these would leak some. */
TEST_F(CmsgTest, OwnedDescriptorsAreClosedWhereRightsAreRefused)
{
	int fds[2] = { new_fd(), new_fd() };
	cmsg_rights r = { nullptr, true, nullptr, nullptr };

	add(SOL_SOCKET, SCM_RIGHTS, fds);
	EXPECT_EQ(encode(r), -EINVAL);
}

TEST_F(CmsgTest, OwnedDescriptorsAreClosedWhenALaterMessageIsMalformed)
{
	int fds[2] = { new_fd(), new_fd() };
	size_t at;

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	at = control.size();
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	reinterpret_cast<cmsghdr *>(&control[at])->cmsg_len = 3;
	EXPECT_EQ(encode(), -EINVAL);
	EXPECT_TRUE(table.taken.empty());
}

struct scarce {
	int left;
};

void *scarce_alloc(void *data, size_t size)
{
	return static_cast<scarce *>(data)->left-- > 0 ? malloc(size) : nullptr;
}

void scarce_free(void *, void *piece)
{
	free(piece);
}

TEST_F(CmsgTest, WhenMemoryIsOutOwnedDescriptorsAreClosedAndNoneWasTaken)
{
	int done = 0;

	for (int left = 0; left < 20 && !done; left++) {
		int fds[2] = { new_fd(), new_fd() };
		scarce s = { left };
		ProtobufCAllocator a = { scarce_alloc, scarce_free, &s };
		msghdr in{};

		owned = true;
		cmsg_rights r = rights();
		control.clear();
		add(SOL_SOCKET, SCM_RIGHTS, fds);
		add(IPPROTO_IP, IP_TTL, int{ 64 });
		in.msg_control = control.data();
		in.msg_controllen = control.size();
		if (cmsg_encode(&in, &r, &a, &n, &messages, nullptr) == -ENOMEM) {
			EXPECT_TRUE(table.taken.empty());
			continue;
		}
		done = left;
		table.close_taken();
		for (size_t i = 0; i < n; i++)
			sockbroker__v1__control_message__free_unpacked(messages[i], &a);
		free(messages);
	}
	EXPECT_GE(done, 4);
}

TEST_F(CmsgTest, AForeignHandleIsBadF)
{
	uint32_t handles[] = { 5 };
	Sockbroker__V1__ControlMessage__Rights r = SOCKBROKER__V1__CONTROL_MESSAGE__RIGHTS__INIT;
	Message *m = make(SOL_SOCKET, SCM_RIGHTS);

	r.n_handles = 1;
	r.handles = handles;
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	m->rights = &r;
	EXPECT_EQ(decode(64), -EBADF);
}

TEST_F(CmsgTest, MoreHandlesThanTheKernelPassesAreInvalid)
{
	std::vector<uint32_t> handles(254, 100);
	Sockbroker__V1__ControlMessage__Rights r = SOCKBROKER__V1__CONTROL_MESSAGE__RIGHTS__INIT;
	Message *m = make(SOL_SOCKET, SCM_RIGHTS);

	r.n_handles = 254;
	r.handles = handles.data();
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	m->rights = &r;
	EXPECT_EQ(decode(4096), -EINVAL);
	r.n_handles = 253;
	EXPECT_EQ(decode(4096), 0);
}

/* The kernel itself is asked: whatever room a program gives, what it sees from
 * us is what it would have seen. */
TEST_F(CmsgTest, WhateverTheRoomItIsCutAsTheKernelCuts)
{
	int pair[2], on = 1;
	char full[256], cut[256];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	for (size_t room = 0; room <= CMSG_SPACE(sizeof(ucred)) + 8; room++) {
		iovec iov = { full, 1 };
		msghdr whole{}, kernel{};

		ASSERT_EQ(send(pair[0], "x", 1, 0), 1);
		whole.msg_iov = kernel.msg_iov = &iov;
		whole.msg_iovlen = kernel.msg_iovlen = 1;
		whole.msg_control = full;
		whole.msg_controllen = sizeof(full);
		ASSERT_EQ(recvmsg(pair[1], &whole, MSG_PEEK), 1);
		control.assign(full, full + whole.msg_controllen);
		memset(cut, 0, sizeof(cut));
		kernel.msg_control = cut;
		kernel.msg_controllen = room;
		iov.iov_base = cut + 200;
		ASSERT_EQ(recvmsg(pair[1], &kernel, 0), 1);

		ASSERT_EQ(encode(), 0);
		ASSERT_EQ(decode(room), 0);
		EXPECT_EQ(decoded.msg_flags & MSG_CTRUNC, kernel.msg_flags & MSG_CTRUNC) << room;
		EXPECT_EQ(decoded.msg_controllen, kernel.msg_controllen) << room;
		EXPECT_TRUE(std::equal(cut, cut + kernel.msg_controllen,
				       reinterpret_cast<char *>(out.data()))) << room;
	}
	close(pair[0]);
	close(pair[1]);
}

TEST_F(CmsgTest, DescriptorsAreCutAsTheKernelCuts)
{
	int pair[2], fds[3];
	alignas(cmsghdr) char buffer[256];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int &fd : fds)
		fd = new_fd();
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	ASSERT_EQ(encode(), 0);
	for (size_t room = 0; room <= control.size() + 8; room++) {
		char byte = 'x';
		iovec iov = { &byte, 1 };
		msghdr sent{}, kernel{};

		sent.msg_iov = kernel.msg_iov = &iov;
		sent.msg_iovlen = kernel.msg_iovlen = 1;
		sent.msg_control = control.data();
		sent.msg_controllen = control.size();
		ASSERT_EQ(sendmsg(pair[0], &sent, 0), 1);
		kernel.msg_control = buffer;
		kernel.msg_controllen = room;
		ASSERT_EQ(recvmsg(pair[1], &kernel, 0), 1);
		ASSERT_EQ(decode(room), 0);
		EXPECT_EQ(decoded.msg_flags & MSG_CTRUNC, kernel.msg_flags & MSG_CTRUNC) << room;
		EXPECT_EQ(decoded.msg_controllen, kernel.msg_controllen) << room;
		cmsghdr *theirs = CMSG_FIRSTHDR(&kernel), *ours = CMSG_FIRSTHDR(&decoded);
		ASSERT_EQ(theirs == nullptr, ours == nullptr) << room;
		if (!theirs)
			continue;
		EXPECT_EQ(ours->cmsg_len, theirs->cmsg_len) << room;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= theirs->cmsg_len; i++)
			close(reinterpret_cast<int *>(CMSG_DATA(theirs))[i]);
	}
	for (int fd : { fds[0], fds[1], fds[2], pair[0], pair[1] })
		close(fd);
}

TEST_F(CmsgTest, NoRoomAtAllIsTruncation)
{
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	ASSERT_EQ(encode(), 0);
	cmsg_rights r = rights();
	msghdr none{};
	ASSERT_EQ(cmsg_decode(messages, n, &r, &none), 0);
	EXPECT_EQ(none.msg_flags, MSG_CTRUNC);
	EXPECT_EQ(none.msg_controllen, 0u);
}

} // namespace
