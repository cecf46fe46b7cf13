/* SPDX-License-Identifier: Apache-2.0 */
#include "sockopt_test.h"

#include <linux/can.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <unistd.h>

namespace {

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
			/* Bluetooth's kernel code writes the number and leaves the length. */
			std::vector<uint8_t> raw(4096, rows[i].bluetooth ? 0 : 0xaa);
			socklen_t len = asked;

			if (!(rows[i].access & SOCKOPT_GET) || rows[i].kind == SOCKOPT_FILTER ||
			    rows[i].bluetooth != (family == AF_BLUETOOTH && rows[i].level != SOL_SOCKET) ||
			    getsockopt(fd, rows[i].level, rows[i].name, raw.data(), &len) < 0 ||
			    len > asked)
				continue;
			int r = sockopt_encode(&rows[i], raw.data(), len, allocator(), &value);
			if (r == -EINVAL && asked < 16 && rows[i].kind >= SOCKOPT_LINGER)
				continue; /* a piece of a structure */
			ASSERT_EQ(r, 0) << rows[i].text << " " << asked;
			uint32_t length = len;
			ASSERT_EQ(decode_row(&rows[i], &length), 0) << rows[i].text << " " << asked;
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
			  std::array<int, 4>{ AF_CAN, SOCK_RAW, CAN_RAW, 100 },
			  std::array<int, 4>{ AF_CAN, SOCK_DGRAM, CAN_ISOTP, 100 },
			  std::array<int, 4>{ AF_CAN, SOCK_DGRAM, CAN_J1939, 100 },
			  std::array<int, 4>{ AF_INET, SOCK_STREAM, IPPROTO_SCTP, 200 },
			  std::array<int, 4>{ AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, 200 },
			  std::array<int, 4>{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, 200 },
			  std::array<int, 4>{ AF_INET, SOCK_STREAM, 262 /* MPTCP */, 200 },
			  std::array<int, 4>{ AF_TIPC, SOCK_RDM, 0, 100 },
			  std::array<int, 4>{ AF_RDS, SOCK_SEQPACKET, 0, 100 },
			  std::array<int, 4>{ AF_BLUETOOTH, SOCK_SEQPACKET, 0 /* L2CAP */, 100 },
			  std::array<int, 4>{ AF_BLUETOOTH, SOCK_STREAM, 3 /* RFCOMM */, 100 },
			  std::array<int, 4>{ AF_BLUETOOTH, SOCK_RAW, 1 /* HCI */, 100 }),
	[](const auto &test) {
		const auto &p = test.param;
		return "Family" + std::to_string(p[0]) + "Type" + std::to_string(p[1]) + "Protocol" +
		       std::to_string(p[2]);
	});

/* What is attached is read back: both ways through the wire's form. */
TEST_F(SockoptTest, AProgramIsReadBackAsItWasAttached)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	std::vector<sock_filter> code = { { BPF_RET | BPF_K, 0, 0, 0xffff } }, back(2), got(2);
	sock_fprog program = { 1, code.data() };
	socklen_t n = 0;
	size_t read = 0;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(encode("SO_ATTACH_FILTER", program), 0);
	ASSERT_EQ(decode("SO_ATTACH_FILTER"), 0);
	ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, buffer.data(), used), 0);
	ASSERT_EQ(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &n), 0);
	EXPECT_EQ(n, 1u) << "instructions, not bytes";
	n = 2;
	ASSERT_EQ(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got.data(), &n), 0);
	ASSERT_EQ(sockopt_program_encode(got.data(), n, allocator(), &value), 0);
	ASSERT_EQ(sockopt_program_decode(value, back.data(), 2, &read), 0);
	EXPECT_EQ(read, 1u);
	EXPECT_EQ(memcmp(back.data(), got.data(), sizeof(sock_filter)), 0);
	EXPECT_EQ(sockopt_program_decode(value, back.data(), 0, &read), -EINVAL);
	EXPECT_EQ(sockopt_program_encode(got.data(), BPF_MAXINSNS + 1, allocator(), &value), -EINVAL);
	close(fd);
}

} // namespace
