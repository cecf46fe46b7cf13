/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as the kernel gives them: through the wire and back, to the byte and
 * to the length. What this kernel lacks is tested where it is there. */
#include "addr_test.h"

#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <unistd.h>

#include <vector>

#include "wire/bluetooth.h"

namespace {

template <typename T> std::vector<char> raw(const T &sa)
{
	const char *begin = reinterpret_cast<const char *>(&sa);

	return std::vector<char>(begin, begin + sizeof(sa));
}

template <typename T> T zeros()
{
	T t;

	memset(&t, 0, sizeof(t)); /* the padding, too */
	return t;
}

std::vector<char> can_of(uint32_t rx, uint32_t tx)
{
	auto can = zeros<sockaddr_can>();

	can.can_family = AF_CAN;
	can.can_ifindex = static_cast<int>(if_nametoindex("vcan0"));
	can.can_addr.tp.rx_id = rx;
	can.can_addr.tp.tx_id = tx;
	return raw(can);
}

std::vector<char> j1939_of(uint64_t name, uint8_t addr)
{
	auto can = zeros<sockaddr_can>();

	can.can_family = AF_CAN;
	can.can_ifindex = static_cast<int>(if_nametoindex("vcan0"));
	can.can_addr.j1939.name = name;
	can.can_addr.j1939.pgn = 0x40000; /* J1939_NO_PGN */
	can.can_addr.j1939.addr = addr;
	return raw(can);
}

std::vector<char> tipc_of(unsigned char addrtype)
{
	auto sa = zeros<sockaddr_tipc>();

	sa.family = AF_TIPC;
	sa.addrtype = addrtype;
	sa.scope = TIPC_NODE_SCOPE;
	sa.addr.nameseq = { 0x12345, 7, addrtype == TIPC_SERVICE_RANGE ? 9u : 0u };
	return raw(sa);
}

std::vector<char> inet_raw(const char *ip)
{
	return raw(inet_of(ip, 0));
}

std::vector<char> hci_raw()
{
	auto hci = zeros<sockaddr_hci>();

	hci.hci_family = AF_BLUETOOTH;
	hci.hci_dev = HCI_DEV_NONE;
	hci.hci_channel = 3; /* HCI_CHANNEL_CONTROL */
	return raw(hci);
}

template <typename T> std::vector<char> any_device()
{
	auto sa = zeros<T>();
	const sa_family_t family = AF_BLUETOOTH;

	memcpy(&sa, &family, sizeof(family));
	return raw(sa);
}

struct Bound {
	const char *name;
	int family, type, protocol;
	std::vector<char> (*address)();
	socklen_t answer; /* getsockname's length; 0: it has no answer */
};

void PrintTo(const Bound &bound, std::ostream *out)
{
	*out << bound.name;
}

class KernelAddress : public AddrTest, public ::testing::WithParamInterface<Bound> {};

TEST_P(KernelAddress, ComesBackAsItWas)
{
	const Bound &p = GetParam();
	const std::vector<char> address = p.address();
	struct sock_addr to, name = { {}, sizeof(sockaddr_storage) };
	int fd = socket(p.family, p.type, p.protocol);

	if (fd < 0)
		GTEST_SKIP() << "the kernel, or who runs the test, lacks this socket";
	ASSERT_EQ(addr_encode(reinterpret_cast<const sockaddr *>(address.data()),
			      static_cast<socklen_t>(address.size()), allocator(), &message), 0);
	ASSERT_EQ(addr_decode(message, &to), 0);
	ASSERT_EQ(addr_fit(&to, p.family, p.protocol), 0);
	int r = bind(fd, reinterpret_cast<sockaddr *>(&to.ss), to.len) < 0 ? errno : 0;
	if (r == EAFNOSUPPORT || r == ENODEV || r == EADDRNOTAVAIL) {
		close(fd);
		GTEST_SKIP() << "nothing to bind to: " << strerror(r);
	}
	EXPECT_EQ(r, 0) << strerror(r);
	r = getsockname(fd, reinterpret_cast<sockaddr *>(&name.ss), &name.len) < 0 ? errno : 0;
	close(fd);
	ASSERT_EQ(r, p.answer ? 0 : EBADFD);
	if (!p.answer)
		return; /* it was bound, and tells no name */
	EXPECT_EQ(name.len, p.answer);
	expect_round_trip(name.ss, name.len);
	EXPECT_EQ(addr_fit(&name, p.family, p.protocol), 0);
	EXPECT_EQ(name.len, p.answer) << "what the kernel gives, fits";
}

INSTANTIATE_TEST_SUITE_P(
	Of, KernelAddress,
	::testing::Values(
		Bound{ "Inet", AF_INET, SOCK_DGRAM, 0, [] { return inet_raw("127.0.0.1"); }, 16 },
		Bound{ "Inet6", AF_INET6, SOCK_DGRAM, 0, [] { return raw(inet6_of("::1", 0)); }, 28 },
		Bound{ "CanRaw", AF_CAN, SOCK_RAW, CAN_RAW, [] { return can_of(0, 0); }, 8 },
		Bound{ "CanIsotp", AF_CAN, SOCK_DGRAM, CAN_ISOTP, [] { return can_of(0x123, 0x456); }, 16 },
		Bound{ "CanJ1939", AF_CAN, SOCK_DGRAM, CAN_J1939, [] { return j1939_of(0, 0x20); }, 24 },
		Bound{ "CanJ1939Name", AF_CAN, SOCK_DGRAM, CAN_J1939,
		       [] { return j1939_of(0x1122334455667788, 0xff); }, 24 },
		Bound{ "TipcName", AF_TIPC, SOCK_RDM, 0, [] { return tipc_of(TIPC_SERVICE_ADDR); }, 16 },
		Bound{ "TipcRange", AF_TIPC, SOCK_SEQPACKET, 0,
		       [] { return tipc_of(TIPC_SERVICE_RANGE); }, 16 },
		Bound{ "Rds", AF_RDS, SOCK_SEQPACKET, 0, [] { return inet_raw("127.0.0.1"); }, 16 },
		Bound{ "Vsock", AF_VSOCK, SOCK_STREAM, 0,
		       [] {
			       auto vm = zeros<sockaddr_vm>();
			       vm.svm_family = AF_VSOCK;
			       vm.svm_cid = VMADDR_CID_ANY;
			       vm.svm_port = VMADDR_PORT_ANY;
			       return raw(vm);
		       }, 16 },
		Bound{ "L2cap", AF_BLUETOOTH, SOCK_SEQPACKET, BTPROTO_L2CAP, any_device<sockaddr_l2>, 14 },
		Bound{ "Rfcomm", AF_BLUETOOTH, SOCK_STREAM, BTPROTO_RFCOMM, any_device<sockaddr_rc>, 10 },
		Bound{ "Sco", AF_BLUETOOTH, SOCK_SEQPACKET, BTPROTO_SCO, any_device<sockaddr_sco>, 8 },
		Bound{ "HciControl", AF_BLUETOOTH, SOCK_RAW, BTPROTO_HCI, hci_raw, 0 },
		Bound{ "Qipcrtr", AF_QIPCRTR, SOCK_DGRAM, 0,
		       [] {
			       auto sq = zeros<sockaddr_qrtr>();
			       sq.sq_family = AF_QIPCRTR;
			       sq.sq_node = 1;
			       return raw(sq);
		       }, 12 }),
	[](const auto &test) { return test.param.name; });

} // namespace
