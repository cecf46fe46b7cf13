/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table against the system's headers: whatever looks like the name of an
 * option is in the table, or here with the reason why not.
 */
#include "sockopt_test.h"

#include <fstream>
#include <regex>
#include <set>

namespace {

/* Where names of options stand, and what they begin with. */
const struct {
	const char *path, *names;
} headers[] = {
	{ "/usr/include/asm-generic/socket.h", "SO" },
	{ "/usr/include/linux/in.h", "IP|MCAST" },
	{ "/usr/include/linux/in6.h", "IPV6" },
	{ "/usr/include/netinet/tcp.h", "TCP" },
	{ "/usr/include/linux/udp.h", "UDP" },
	{ "/usr/include/linux/if_packet.h", "PACKET" },
	{ "/usr/include/linux/netlink.h", "NETLINK" },
	{ "/usr/include/linux/vm_sockets.h", "SO_VM_SOCKETS" },
	{ "/usr/include/linux/can/raw.h", "CAN_RAW" },
	{ "/usr/include/linux/can/isotp.h", "CAN_ISOTP" },
	{ "/usr/include/linux/can/j1939.h", "SO_J1939" },
	{ "/usr/include/linux/tipc.h", "TIPC" },
	{ "/usr/include/linux/rds.h", "RDS|SO_RDS" },
	{ "/usr/include/linux/sctp.h", "SCTP" },
	{ "/usr/include/linux/mptcp.h", "MPTCP" },
	{ "/usr/include/linux/if_alg.h", "ALG_SET" },
};

const struct {
	const char *names, *reason;
} left_out[] = {
	/* what is an option */
	{ "SO_ATTACH_BPF|SO_ATTACH_REUSEPORT_EBPF", "their value is a descriptor" },
	{ "SO_GET_FILTER|SO_DETACH_BPF|IP_RECVRETOPTS|IP_PMTUDISC|IP_ORIGDSTADDR|IPV6_RECVORIGDSTADDR|"
	  "IPV6_RX(HOP|DST)OPTS|TCP_CM_INQ|SCTP_DELAYED_(ACK|SACK)|SCTP_EXPOSE_PF_STATE|"
	  "SCTP_BINDX_.*|TIPC_ADDR_.*|SO_(VM_SOCKETS_CONNECT_TIMEOUT|RCVTIMEO|SNDTIMEO|"
	  "TIMESTAMP|TIMESTAMPNS|TIMESTAMPING)_OLD", "another name of what is there" },
	{ "SO_SECURITY_.*|IPV6_(NEXTHOP|AUTHHDR|USE_MIN_MTU)|IP_RECVOPTS_.*|TCP_COOKIE_.*|"
	  "PACKET_RECV_OUTPUT", "Linux does nothing with it" },
	{ "(IP|IPV6)_(IPSEC|XFRM)_POLICY", "IPsec is the host's configuration" },
	{ "IP_PKTOPTIONS|IPV6_2292PKTOPTIONS", "control messages, which recvmsg gives" },
	{ "IPV6_HOPLIMIT|PACKET_TX_TIMESTAMP|ALG_SET_(IV|OP|AEAD_ASSOCLEN)|TIPC_(ERRINFO|RETDATA|"
	  "DESTNAME)|RDS_CMSG_.*", "a control message" },
	{ "IPV6_FLOWLABEL_MGR", "setsockopt writes the label into its argument" },
	{ "TCP_ZEROCOPY_RECEIVE|RDS_GET_MR|RDS_GET_MR_FOR_DEST|RDS_FREE_MR",
	  "points into the caller's memory" },
	{ "(PACKET|NETLINK)_[RT]X_RING|PACKET_TX_HAS_OFF", "memory shared with the kernel" },
	{ "SO_VM_SOCKETS_(PEER_HOST_VM_ID|TRUSTED|NONBLOCK_TXRX)", "VMware's transport only" },
	{ "RDS_INFO_.*", "tells of other programs' sockets" },
	{ "SCTP_SOCKOPT_PEELOFF(_FLAGS)?", "answers with a descriptor" },
	{ "SCTP_SOCKOPT_(BINDX|CONNECTX).*|SCTP_SENDMSG_CONNECT",
	  "binds or connects where Bind and Connect are judged" },
	/* what is none */
	{ "(IP|IPV6)_PMTUDISC_.*|IP_DEFAULT_.*|IP_MAX_MEMBERSHIPS|IP_MSFILTER_SIZE|"
	  "MCAST_(EXCLUDE|INCLUDE)|IPV6_(FL|OPT|PREFER|PRIORITY|TLV)_.*|IPV6_FLOWINFO_(FLOWLABEL|PRIORITY)|"
	  "IPV6_MIN_MTU|IPV6_SRCRT_.*|IPV6_RTHDR_.*", "a value" },
	{ "TCP_(MAXWIN|MAX_WINSHIFT|MSS.*|MD5SIG_(FLAG_.*|MAXKEYLEN)|S_DATA_.*|REPAIR_(ON|OFF.*)|"
	  "ESTABLISHED|SYN_.*|FIN_.*|TIME_WAIT|CLOS.*|LAST_ACK|LISTEN|CA_.*|NO_QUEUE|RECV_QUEUE|"
	  "SEND_QUEUE|QUEUES_NR|RECEIVE_ZEROCOPY_FLAG_.*|COOKIE_.*)", "a value" },
	{ "UDP_ENCAP_.*", "a value" },
	{ "PACKET_(HOST|BROADCAST|MULTICAST|OTHERHOST|OUTGOING|LOOPBACK|USER|KERNEL|FASTROUTE|MR_.*|"
	  "FANOUT_(HASH|LB|CPU|ROLLOVER|RND|QM|CBPF|EBPF|FLAG_.*))", "a value" },
	{ "NETLINK_(ROUTE|UNUSED|USERSOCK|FIREWALL|SOCK_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|"
	  "FIB_LOOKUP|CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|"
	  "ECRYPTFS|RDMA|CRYPTO|SMC|INET_DIAG|UNCONNECTED|CONNECTED)", "a protocol or a state" },
	{ "CAN_ISOTP_(DEFAULT|CHK|SF|CF|FORCE)_.*|CAN_ISOTP_(LISTEN_MODE|EXTEND_ADDR|TX_PADDING|"
	  "RX_PADDING|HALF_DUPLEX|RX_EXT_ADDR|WAIT_TX_DONE|FRAME_TXTIME_ZERO)", "a value" },
	{ "TIPC_(NODE_STATE|TOP_SRV|LINK_STATE|RESERVED_TYPES|.*_SCOPE|MAX_.*|.*_IMPORTANCE|OK|ERR_.*|"
	  "CONN_SHUTDOWN|SUB_.*|WAIT_FOREVER|PUBLISHED|WITHDRAWN|SUBSCR_TIMEOUT|SERVICE_.*|"
	  "SOCKET_ADDR|GROUP_LOOPBACK|GROUP_MEMBER_EVTS|NODEID_LEN|AEAD_.*|REKEYING_NOW|CFG_SRV|"
	  "(NODE|CLUSTER|ZONE)_(BITS|OFFSET|SIZE|MASK|CLUSTER_MASK))", "a value" },
	{ "RDS_(IB_.*|TRANS_.*|CONG_MONITOR_.*|MAX_ZCOOKIES|RDMA_.*|RX_MAX_TRACES|MSG_RX_.*)",
	  "a value" },
	{ "SCTP_(PR_(SCTP|INDEX|POLICY|SET_POLICY|TTL_ENABLED|RTX_ENABLED|PRIO_ENABLED).*|"
	  "(FUTURE|CURRENT|ALL)_ASSOC|ENABLE_(RESET|CHANGE|STRRESET)_.*|STREAM_RESET_.*|"
	  "STREAM_CHANGE_.*|ASSOC_(RESET|CHANGE).*|SN_TYPE_.*|DATA_IO_EVENT|PEER_ADDR_CHANGE|"
	  "REMOTE_ERROR|SEND_FAILED.*|SHUTDOWN_EVENT|SHUTDOWN_COMP|PARTIAL_DELIVERY_(EVENT|ABORTED)|"
	  "ADAPTATION_INDICATION|AUTHENTICATION_.*|SENDER_DRY_EVENT|AUTH_(NEWKEY|NEW_KEY|FREE_KEY|"
	  "NO_AUTH)|ADDR_.*|PF|POTENTIALLY_FAILED|UNCONFIRMED|INACTIVE|ACTIVE|UNKNOWN|EMPTY|CLOSED|"
	  "COOKIE_.*|ESTABLISHED|SHUTDOWN_.*|COMM_.*|RESTART|CANT_.*|DATA_.*|UNORDERED|ABORT|"
	  "SACK_IMMEDIATELY|SENDALL|NOTIFICATION|EOF|SS_.*|AUTH_HMAC_.*|FAILED_THRESHOLD|"
	  "HEARTBEAT_SUCCESS|INTERNAL_ERROR|PEER_FAULTY|RECEIVED_SACK|RESPONSE_TO_USER_REQ)", "a value" },
	{ "SCTP_(INIT|SNDRCV|SNDINFO|RCVINFO|NXTINFO|PRINFO|AUTHINFO|DSTADDRV4|DSTADDRV6)",
	  "a control message" },
	{ "MPTCP_(ATTR|PM|SUBFLOW_(FLAG|ATTR)|RST|INFO_FLAG|EVENT)_.*", "a value" },
};

std::set<std::string> names_in(const std::string &path, const std::string &prefix)
{
	const std::regex name("^\\s*(?:#\\s*define\\s+)?((?:" + prefix + ")_\\w+)(?:\\s|=|,|\\(|$)");
	std::set<std::string> names;
	std::ifstream file(path);
	std::smatch found;

	for (std::string line; std::getline(file, line);)
		if (std::regex_search(line, found, name))
			names.insert(found[1]);
	return names;
}

std::vector<std::regex> left_out_patterns()
{
	std::vector<std::regex> patterns;

	for (const auto &each : left_out)
		patterns.emplace_back(each.names, std::regex::optimize);
	return patterns;
}

TEST(SockoptHeaders, EachOptionOfTheHeadersIsInTheTableOrLeftOutForAReason)
{
	const std::vector<std::regex> patterns = left_out_patterns();
	std::vector<bool> of_use(patterns.size());
	size_t known = 0;

	for (const auto &header : headers) {
		std::set<std::string> names = names_in(header.path, header.names);

		EXPECT_FALSE(names.empty()) << header.path;
		for (const std::string &name : names) {
			bool explained = false;

			if (sockopt_find_text(name.c_str())) {
				known++;
				continue;
			}
			for (size_t i = 0; i < patterns.size(); i++)
				if (std::regex_match(name, patterns[i]))
					explained = of_use[i] = true;
			EXPECT_TRUE(explained) << name << " of " << header.path;
		}
	}
	for (size_t i = 0; i < patterns.size(); i++)
		EXPECT_TRUE(of_use[i]) << "explains nothing: " << left_out[i].names;
	EXPECT_GT(known, 280u);
}

TEST(SockoptHeaders, WhatIsLeftOutIsNotInTheTable)
{
	const std::vector<std::regex> patterns = left_out_patterns();
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < patterns.size(); k++)
			EXPECT_FALSE(std::regex_match(rows[i].text, patterns[k]))
				<< rows[i].text << ": " << left_out[k].reason;
}

} // namespace
