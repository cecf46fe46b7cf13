/* SPDX-License-Identifier: Apache-2.0 */
#include "addr_test.h"

#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <net/if.h>

#include <vector>

#include "wire/bluetooth.h"

namespace {

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
	EXPECT_EQ(print(can, 8), "can:#2147483647");
	EXPECT_EQ(print(other), "unspec");
	other.sa_family = 77;
	EXPECT_EQ(print(other), "family:77");
	EXPECT_EQ(print(other, 0), "none");
	EXPECT_EQ(print(inet_of("127.0.0.1", 80), 8), "malformed");
}

TEST_F(AddrTest, ACanAddressIsPrintedWithWhatItsProtocolHas)
{
	sockaddr_can can{};

	can.can_family = AF_CAN;
	can.can_addr.tp = { 0x123, 0x80000456 };
	EXPECT_EQ(print(can, 8), "can:*");
	EXPECT_EQ(print(can, 16), "can:*:rx=0x123:tx=0x80000456");
	can.can_addr.j1939 = { 0x1f, 0x1f000, 0x20 };
	EXPECT_EQ(print(can), "can:*:name=0x1f:pgn=0x1f000:addr=0x20");
	can.can_addr.j1939 = { J1939_NO_NAME, J1939_NO_PGN, J1939_NO_ADDR };
	EXPECT_EQ(print(can), "can:*");
}

TEST_F(AddrTest, TipcIsPrintedByItsKind)
{
	sockaddr_tipc pair[2]{};

	pair[0].family = pair[1].family = AF_TIPC;
	pair[0].addrtype = TIPC_SERVICE_ADDR;
	pair[0].addr.name.name = { 1000, 17 };
	EXPECT_EQ(print(pair[0]), "tipc:name:1000:17");
	pair[0].addr.name.domain = 0x1001001;
	EXPECT_EQ(print(pair[0]), "tipc:name:1000:17:domain=0x1001001");
	pair[0].addrtype = TIPC_SERVICE_RANGE;
	pair[0].addr.nameseq = { 1000, 0, 99 };
	EXPECT_EQ(print(pair[0]), "tipc:range:1000:0-99");
	pair[0].scope = -TIPC_NODE_SCOPE;
	EXPECT_EQ(print(pair[0]), "tipc:-range:1000:0-99");
	pair[0].scope = 0;
	pair[0].addrtype = TIPC_SOCKET_ADDR;
	pair[0].addr.id = { 12345, 678 };
	EXPECT_EQ(print(pair[0]), "tipc:id:678:12345");
	pair[1].addrtype = TIPC_SERVICE_ADDR;
	pair[1].addr.name.name = { 4711, 1 };
	EXPECT_EQ(print(pair), "tipc:id:678:12345/name:4711:1");
	pair[0].addrtype = 9;
	EXPECT_EQ(print(pair[0]), "tipc:malformed");
}

TEST_F(AddrTest, BluetoothIsPrintedByItsProtocol)
{
	const bdaddr_t device = { { 0x55, 0x44, 0x33, 0x22, 0x11, 0x00 } };
	sockaddr_l2 l2 = { AF_BLUETOOTH, 25, device, 0, 0 };

	EXPECT_EQ(print(l2), "l2cap:00:11:22:33:44:55:25");
	l2.l2_cid = 4;
	l2.l2_bdaddr_type = 1;
	EXPECT_EQ(print(l2), "l2cap:00:11:22:33:44:55:25:cid=0x4:type=0x1");
	EXPECT_EQ(print(sockaddr_rc{ AF_BLUETOOTH, device, 3 }), "rfcomm:00:11:22:33:44:55:3");
	EXPECT_EQ(print(sockaddr_sco{ AF_BLUETOOTH, device }), "sco:00:11:22:33:44:55");
	EXPECT_EQ(print(sockaddr_hci{ AF_BLUETOOTH, 0, 1 }), "hci:0:1");
	EXPECT_EQ(print(sockaddr_hci{ AF_BLUETOOTH, HCI_DEV_NONE, 3 }), "hci:none:3");
	EXPECT_EQ(print(sockaddr_hci{ AF_BLUETOOTH, 0, 1 }, 3), "malformed");
}

TEST_F(AddrTest, AlgorithmsAndQrtrPortsArePrinted)
{
	sockaddr_alg alg{};

	alg.salg_family = AF_ALG;
	memcpy(alg.salg_type, "skcipher\n", 9);
	memcpy(alg.salg_name, "cbc(aes)", 8);
	EXPECT_EQ(print(alg), "alg:skcipher\\x0a:cbc(aes)");
	memset(alg.salg_name, 'n', sizeof(alg.salg_name));
	EXPECT_EQ(print(alg), "alg:skcipher\\x0a:" + std::string(64, 'n'));
	EXPECT_EQ(print(sockaddr_qrtr{ AF_QIPCRTR, 1, 16384 }), "qipcrtr:1:16384");
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
