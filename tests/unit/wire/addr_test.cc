/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "wire_test.h"

namespace {

using Address = Sockbroker__V1__Address;
constexpr size_t UN_OFFSET = offsetof(struct sockaddr_un, sun_path);

class AddrTest : public WireTest {
protected:
	template <typename T> int encode(const T &sa, size_t len = sizeof(T))
	{
		message = nullptr;
		return addr_encode(reinterpret_cast<const sockaddr *>(&sa),
				   static_cast<socklen_t>(len), allocator(), &message);
	}

	/* Kernel -> wire -> kernel gives the same bytes and the same length. */
	template <typename T> void expect_round_trip(const T &sa, size_t len = sizeof(T))
	{
		struct sock_addr back;

		ASSERT_EQ(encode(sa, len), 0);
		ASSERT_EQ(addr_decode(message, &back), 0);
		ASSERT_EQ(back.len, len);
		EXPECT_EQ(memcmp(&back.ss, &sa, len), 0);
	}

	int decode_un_path(const std::string &path, struct sock_addr *out)
	{
		Sockbroker__V1__Address__Unix un = SOCKBROKER__V1__ADDRESS__UNIX__INIT;

		un.name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_PATH;
		un.path = bytes(path);
		return decode_kind(SOCKBROKER__V1__ADDRESS__KIND_UN, &un, out);
	}

	int decode_un_abstract(const std::string &name, struct sock_addr *out)
	{
		Sockbroker__V1__Address__Unix un = SOCKBROKER__V1__ADDRESS__UNIX__INIT;

		un.name_case = SOCKBROKER__V1__ADDRESS__UNIX__NAME_ABSTRACT;
		un.abstract = bytes(name);
		return decode_kind(SOCKBROKER__V1__ADDRESS__KIND_UN, &un, out);
	}

	/* The members of the oneof are pointers that share one place. */
	static int decode_kind(Sockbroker__V1__Address__KindCase kind, void *value,
			       struct sock_addr *out)
	{
		Address m = SOCKBROKER__V1__ADDRESS__INIT;
		struct sock_addr unused;

		m.kind_case = kind;
		m.inet = static_cast<Sockbroker__V1__Address__Inet *>(value);
		return addr_decode(&m, out ? out : &unused);
	}

	template <typename T> std::string print(const T &sa, size_t len = sizeof(T))
	{
		char text[ADDR_TEXT_BYTES];

		return addr_print(reinterpret_cast<const sockaddr *>(&sa),
				  static_cast<socklen_t>(len), text, sizeof(text));
	}

	Address *message = nullptr;
};

sockaddr_in inet_of(const char *ip, uint16_t port)
{
	sockaddr_in sin{};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

sockaddr_in6 inet6_of(const char *ip, uint16_t port)
{
	sockaddr_in6 sin6{};

	sin6.sin6_family = AF_INET6;
	sin6.sin6_port = htons(port);
	inet_pton(AF_INET6, ip, &sin6.sin6_addr);
	return sin6;
}

sockaddr_un un_of(const std::string &path)
{
	sockaddr_un sun{};

	sun.sun_family = AF_UNIX;
	memcpy(sun.sun_path, path.data(), path.size());
	return sun;
}

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
	EXPECT_EQ(encode(sll, 18), 0); /* as long as its address, as getsockname(2) answers */
	EXPECT_EQ(encode(sll, 17), -EINVAL);
	EXPECT_EQ(encode(sll, 11), -EINVAL);
	sll.sll_halen = 9;
	EXPECT_EQ(encode(sll), -EINVAL);
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
	m[4].hardware_address = bytes(std::string(9, 'x'));
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

TEST_F(AddrTest, CanWithoutAProtocolHasAUnionOfZeros)
{
	sockaddr_can can{};

	can.can_family = AF_CAN;
	can.can_ifindex = 3;
	expect_round_trip(can);
	EXPECT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL__NOT_SET);
	EXPECT_EQ(encode(can, 8), 0); /* as CAN_RAW answers */
	EXPECT_EQ(encode(can, 7), -EINVAL);
}

TEST_F(AddrTest, TheLengthOfACanAddressTellsItsProtocol)
{
	sockaddr_can can{};

	can.can_family = AF_CAN;
	can.can_addr.tp.rx_id = 0x123;
	can.can_addr.tp.tx_id = 0x80000456;
	expect_round_trip(can, 16);
	ASSERT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_TP);
	EXPECT_EQ(message->can->tp->tx_id, 0x80000456u);

	expect_round_trip(can); /* told as j1939, and nothing is lost */
	EXPECT_EQ(message->can->protocol_case, SOCKBROKER__V1__ADDRESS__CAN__PROTOCOL_J1939);

	can.can_addr.j1939.name = 0x1122334455667788;
	can.can_addr.j1939.pgn = 0x3ffff;
	can.can_addr.j1939.addr = 0xfe;
	expect_round_trip(can);
	EXPECT_EQ(message->can->j1939->pgn, 0x3ffffu);
	message->can->j1939->addr = 256;
	struct sock_addr out;
	EXPECT_EQ(addr_decode(message, &out), -EINVAL);
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

TEST_F(AddrTest, AddressesArePrintedAsPeopleWriteThem)
{
	sockaddr_in6 scoped = inet6_of("fe80::1", 80);
	sockaddr_ll sll{};
	sockaddr_nl snl{};
	sockaddr_vm svm{};
	sockaddr_can can{};
	sockaddr other{};

	scoped.sin6_scope_id = 2;
	sll.sll_family = AF_PACKET;
	snl.nl_family = AF_NETLINK;
	snl.nl_pid = 12;
	svm.svm_family = AF_VSOCK;
	svm.svm_cid = 2;
	svm.svm_port = 1024;
	can.can_family = AF_CAN;
	can.can_ifindex = 0x7fffffff;
	EXPECT_EQ(print(inet_of("127.0.0.1", 80)), "127.0.0.1:80");
	EXPECT_EQ(print(inet6_of("::1", 80)), "[::1]:80");
	EXPECT_EQ(print(scoped), "[fe80::1%2]:80");
	EXPECT_EQ(print(un_of("/run/x")), "unix:/run/x");
	EXPECT_EQ(print(un_of(std::string("\0name", 5)), UN_OFFSET + 5), "unix:@name");
	EXPECT_EQ(print(un_of(""), UN_OFFSET), "unix:");
	EXPECT_EQ(print(sll), "packet:*");
	sll.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
	EXPECT_EQ(print(sll), "packet:lo");
	EXPECT_EQ(print(snl), "netlink:12");
	EXPECT_EQ(print(svm), "vsock:2:1024");
	EXPECT_EQ(print(can), "can:#2147483647");
	EXPECT_EQ(print(other), "unspec");
	other.sa_family = 77;
	EXPECT_EQ(print(other), "family:77");
	EXPECT_EQ(print(other, 0), "none");
	EXPECT_EQ(print(inet_of("127.0.0.1", 80), 8), "malformed");
}

TEST_F(AddrTest, NoUnprintableByteComesOut)
{
	EXPECT_EQ(print(un_of("/a\nb\x1b[2J\\\xc3\xa4")), "unix:/a\\x0ab\\x1b[2J\\x5c\\xc3\\xa4");
	EXPECT_EQ(print(un_of(std::string("\0\0n", 3)), UN_OFFSET + 3), "unix:@\\x00n");
}

TEST_F(AddrTest, TheTextIsNeverLongerThanItsRoom)
{
	sockaddr_un sun = un_of("/run/\n\n\n");

	for (size_t size = 0; size < 40; size++) {
		std::vector<char> text(size + 1, '#');

		addr_print(reinterpret_cast<sockaddr *>(&sun), sizeof(sun), text.data(), size);
		EXPECT_EQ(text[size], '#');
		EXPECT_TRUE(size == 0 || memchr(text.data(), 0, size));
	}
}

} // namespace
