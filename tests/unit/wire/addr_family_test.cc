/* SPDX-License-Identifier: Apache-2.0 */
/* TIPC, Bluetooth, AF_ALG, QRTR. */
#include "addr_test.h"

#include <linux/if_alg.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <unistd.h>

#include "wire/bluetooth.h"

namespace {

using Tipc = Sockbroker__V1__Address__Tipc;

sockaddr_tipc tipc_of(unsigned char addrtype, int scope)
{
	sockaddr_tipc sa{};

	sa.family = AF_TIPC;
	sa.addrtype = addrtype;
	sa.scope = static_cast<signed char>(scope);
	sa.addr.nameseq = { 1000, 20, 300 };
	if (addrtype == TIPC_SOCKET_ADDR)
		sa.addr.nameseq.upper = 0; /* an id is two numbers */
	return sa;
}

TEST_F(AddrTest, ATipcAddressSurvivesTheRoundTripInEachOfItsKinds)
{
	expect_round_trip(tipc_of(TIPC_SERVICE_RANGE, TIPC_NODE_SCOPE));
	EXPECT_EQ(message->tipc->range->upper, 300u);
	EXPECT_EQ(message->tipc->scope, TIPC_NODE_SCOPE);
	expect_round_trip(tipc_of(TIPC_SERVICE_ADDR, -TIPC_CLUSTER_SCOPE));
	EXPECT_EQ(message->tipc->name->instance, 20u);
	EXPECT_EQ(message->tipc->name->domain, 300u);
	EXPECT_EQ(message->tipc->scope, -TIPC_CLUSTER_SCOPE);
	expect_round_trip(tipc_of(TIPC_SOCKET_ADDR, 0));
	EXPECT_EQ(message->tipc->id->ref, 1000u);
	EXPECT_EQ(message->tipc->id->node, 20u);
}

TEST_F(AddrTest, AGroupMembersMessageHasTwoTipcAddresses)
{
	sockaddr_tipc pair[2] = { tipc_of(TIPC_SOCKET_ADDR, 0), tipc_of(TIPC_SERVICE_ADDR, 0) };
	Tipc *member;
	struct sock_addr out;

	expect_round_trip(pair);
	member = message->tipc->member;
	EXPECT_EQ(member->name->type, 1000u);
	ASSERT_EQ(addr_decode(message, &out), 0);
	EXPECT_EQ(addr_fit(&out, AF_TIPC, 0), -EINVAL) << "no program says so";
	member->member = member;
	EXPECT_EQ(addr_decode(message, &out), -EINVAL);
	pair[1].family = 0; /* a longer buffer, of which the rest is nothing */
	ASSERT_EQ(encode(pair), 0);
	EXPECT_EQ(message->tipc->member, nullptr);
}

TEST_F(AddrTest, TipcRefusesWhatIsNoAddress)
{
	Tipc m = SOCKBROKER__V1__ADDRESS__TIPC__INIT;
	Sockbroker__V1__Address__Tipc__Id id = SOCKBROKER__V1__ADDRESS__TIPC__ID__INIT;

	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_TIPC, &m, nullptr), -EINVAL);
	m.address_case = SOCKBROKER__V1__ADDRESS__TIPC__ADDRESS_ID;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_TIPC, &m, nullptr), -EINVAL);
	m.id = &id;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_TIPC, &m, nullptr), 0);
	for (int scope : { -129, 128 }) {
		m.scope = scope;
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_TIPC, &m, nullptr), -EINVAL);
	}
	EXPECT_EQ(encode(tipc_of(0, 0)), -EINVAL);
	EXPECT_EQ(encode(tipc_of(TIPC_SERVICE_ADDR, 0), 15), -EINVAL);
}

const bdaddr_t device = { { 0x55, 0x44, 0x33, 0x22, 0x11, 0x00 } };
const std::string printed("\x00\x11\x22\x33\x44\x55", 6);

TEST_F(AddrTest, EachBluetoothProtocolsAddressSurvivesTheRoundTrip)
{
	sockaddr_l2 l2;
	sockaddr_rc rc;

	memset(&l2, 0, sizeof(l2)); /* the padding, too */
	l2.l2_family = AF_BLUETOOTH;
	l2.l2_psm = 0x1001;
	l2.l2_bdaddr = device;
	l2.l2_cid = 0x40;
	l2.l2_bdaddr_type = 2;
	expect_round_trip(l2);
	ASSERT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND_L2CAP);
	EXPECT_EQ(message->l2cap->psm, 0x1001u);
	EXPECT_EQ(message->l2cap->cid, 0x40u);
	EXPECT_EQ(message->l2cap->bdaddr_type, 2u);
	EXPECT_EQ(text(message->l2cap->bdaddr), printed);

	memset(&rc, 0, sizeof(rc));
	rc.rc_family = AF_BLUETOOTH;
	rc.rc_bdaddr = device;
	rc.rc_channel = 30;
	expect_round_trip(rc);
	ASSERT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND_RFCOMM);
	EXPECT_EQ(message->rfcomm->channel, 30u);
	EXPECT_EQ(text(message->rfcomm->bdaddr), printed);

	expect_round_trip(sockaddr_sco{ AF_BLUETOOTH, device });
	ASSERT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND_SCO);
	EXPECT_EQ(text(message->sco->bdaddr), printed);

	expect_round_trip(sockaddr_hci{ AF_BLUETOOTH, HCI_DEV_NONE, 3 });
	ASSERT_EQ(message->kind_case, SOCKBROKER__V1__ADDRESS__KIND_HCI);
	EXPECT_EQ(message->hci->dev, 65535u);
	EXPECT_EQ(message->hci->channel, 3u);
}

TEST_F(AddrTest, ABluetoothAddressOfNoKnownLengthIsRefused)
{
	char zeros[128] = { AF_BLUETOOTH };

	for (size_t len : { 2, 3, 7, 11, 15, 128 })
		EXPECT_EQ(encode(zeros, len), -EINVAL) << len;
}

/* It would be judged as one thing and read by the kernel as another. */
TEST_F(AddrTest, ABluetoothAddressMustBeOfTheSocketsProtocol)
{
	const struct {
		int protocol;
		socklen_t len;
	} protocols[] = { { BTPROTO_L2CAP, 14 }, { BTPROTO_HCI, 6 }, { BTPROTO_SCO, 8 },
			  { BTPROTO_RFCOMM, 10 } };
	char zeros[16] = { AF_BLUETOOTH };
	struct sock_addr out;

	for (const auto &socket : protocols)
		for (const auto &address : protocols) {
			ASSERT_EQ(encode(zeros, address.len), 0);
			ASSERT_EQ(addr_decode(message, &out), 0);
			EXPECT_EQ(addr_fit(&out, AF_BLUETOOTH, socket.protocol),
				  socket.len == address.len ? 0 : -EINVAL);
		}
	EXPECT_EQ(addr_fit(&out, AF_BLUETOOTH, 8), -EAFNOSUPPORT);
	EXPECT_EQ(addr_fit(&out, AF_INET, IPPROTO_TCP), 0) << "the kernel's to refuse";
}

TEST_F(AddrTest, BluetoothRefusesWhatIsOutOfRange)
{
	using L2cap = Sockbroker__V1__Address__L2cap;
	const L2cap none = SOCKBROKER__V1__ADDRESS__L2CAP__INIT;
	L2cap l2cap[4] = { none, none, none, none };
	Sockbroker__V1__Address__Rfcomm rfcomm = SOCKBROKER__V1__ADDRESS__RFCOMM__INIT;
	Sockbroker__V1__Address__Sco sco = SOCKBROKER__V1__ADDRESS__SCO__INIT;
	Sockbroker__V1__Address__Hci hci = SOCKBROKER__V1__ADDRESS__HCI__INIT;

	l2cap[0].psm = l2cap[1].cid = 0x10000;
	l2cap[2].bdaddr_type = 256;
	l2cap[3].bdaddr = bytes("seven!!");
	for (L2cap &each : l2cap)
		EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_L2CAP, &each, nullptr), -EINVAL);
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_SCO, &sco, nullptr), 0) << "BDADDR_ANY";
	rfcomm.channel = 256;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_RFCOMM, &rfcomm, nullptr), -EINVAL);
	sco.bdaddr = bytes("five!");
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_SCO, &sco, nullptr), -EINVAL);
	hci.dev = 0x10000;
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_HCI, &hci, nullptr), -EINVAL);
}

sockaddr_alg alg_of(const std::string &type, const std::string &name)
{
	sockaddr_alg alg{};

	alg.salg_family = AF_ALG;
	alg.salg_feat = 1;
	alg.salg_mask = 2;
	memcpy(alg.salg_type, type.data(), type.size());
	memcpy(alg.salg_name, name.data(), name.size());
	return alg;
}

TEST_F(AddrTest, AnAlgorithmSurvivesTheRoundTrip)
{
	expect_round_trip(alg_of("hash", "sha256"));
	EXPECT_STREQ(message->alg->type, "hash");
	EXPECT_STREQ(message->alg->name, "sha256");
	EXPECT_EQ(message->alg->feat, 1u);
	EXPECT_EQ(message->alg->mask, 2u);
	expect_round_trip(alg_of("thirteen-byte", std::string(63, 'n')));
	EXPECT_EQ(encode(alg_of("hash", ""), 24), -EINVAL);
}

TEST_F(AddrTest, AnAlgorithmsNameMayBeLongerThanTheStructureHasRoom)
{
	Sockbroker__V1__Address__Alg m = SOCKBROKER__V1__ADDRESS__ALG__INIT;
	std::string type(13, 't'), name(103, 'n'), longer(104, 'n');
	struct sock_addr out;

	m.type = type.data();
	m.name = name.data();
	ASSERT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_ALG, &m, &out), 0);
	EXPECT_EQ(out.len, 24 + 103 + 1u);
	expect_round_trip(out.ss, out.len);
	m.name = longer.data();
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_ALG, &m, &out), -EINVAL);
	m.name = name.data();
	type += 't';
	m.type = type.data();
	EXPECT_EQ(decode_kind(SOCKBROKER__V1__ADDRESS__KIND_ALG, &m, &out), -EINVAL);
}

/* The kernel writes a NUL over the last byte of both. */
TEST_F(AddrTest, AnAlgorithmsNamesEndAsTheKernelEndsThem)
{
	ASSERT_EQ(encode(alg_of("fourteen-bytes", std::string(64, 'n'))), 0);
	EXPECT_STREQ(message->alg->type, "fourteen-byte");
	EXPECT_EQ(std::string(message->alg->name), std::string(63, 'n'));
	ASSERT_EQ(encode(alg_of("hash", "sha256"), 24 + 4), 0);
	EXPECT_STREQ(message->alg->name, "sha");
}

TEST_F(AddrTest, TheKernelTakesAnAlgorithmsAddress)
{
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
	sockaddr_alg alg = alg_of("hash", "sha256");
	struct sock_addr out;

	if (fd < 0 && errno == EAFNOSUPPORT)
		GTEST_SKIP() << "this kernel has no AF_ALG";
	alg.salg_feat = alg.salg_mask = 0;
	ASSERT_EQ(encode(alg), 0);
	ASSERT_EQ(addr_decode(message, &out), 0);
	EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&out.ss), out.len), 0);
	close(fd);
}

TEST_F(AddrTest, QrtrSurvivesTheRoundTrip)
{
	sockaddr_qrtr sq;

	memset(&sq, 0, sizeof(sq)); /* the padding, too */
	sq.sq_family = AF_QIPCRTR;
	sq.sq_node = QRTR_NODE_BCAST;
	sq.sq_port = QRTR_PORT_CTRL;
	expect_round_trip(sq);
	EXPECT_EQ(message->qipcrtr->node, QRTR_NODE_BCAST);
	EXPECT_EQ(message->qipcrtr->port, QRTR_PORT_CTRL);
	EXPECT_EQ(encode(sq, 11), -EINVAL);
}

} // namespace
