// SPDX-License-Identifier: Apache-2.0
//
// AF_TIPC, on one node: the three kinds of address, all socket types, what is
// returned, groups, and the topology service.
#include <linux/tipc.h>

#include <atomic>

#include "support.h"

using namespace contract;

namespace {

class Tipc : public FamilyContract {
 protected:
  Tipc() : FamilyContract("AF_TIPC", AF_TIPC, SOCK_RDM) {}

  static Addr Service(uint32_t type, uint32_t instance, uint32_t domain = 0) {
    sockaddr_tipc a = {};
    a.family = AF_TIPC;
    a.addrtype = TIPC_ADDR_NAME;
    a.addr.name.name = {type, instance};
    a.addr.name.domain = domain;
    return Addr::Of(a);
  }
  static Addr Range(uint32_t type, uint32_t lower, uint32_t upper, int scope = TIPC_NODE_SCOPE) {
    sockaddr_tipc a = {};
    a.family = AF_TIPC;
    a.addrtype = TIPC_ADDR_NAMESEQ;
    a.scope = static_cast<signed char>(scope);
    a.addr.nameseq = {type, lower, upper};
    return Addr::Of(a);
  }
  // A service type that no other test uses.
  static uint32_t FreshType() {
    static std::atomic<uint32_t> next{0x10000};
    return next++;
  }
  Sock Server(int type, uint32_t service, uint32_t lower = 1, uint32_t upper = 9) const {
    return Bound(Socket(AF_TIPC, type), Range(service, lower, upper));
  }
  Sock TipcListener(int type, uint32_t service) const {
    Sock s = Server(type, service);
    Must(s.Listen(), "listen");
    return s;
  }
  Pair Connected(int type) const {
    const uint32_t service = FreshType();
    Sock listener = TipcListener(type, service);
    Sock client = Socket(AF_TIPC, type);
    // A connection is made when it is accepted.
    auto connected = InBackground([&] { return client.Connect(Service(service, 5)); });
    Sock server = listener.Accept();
    Must(server.fd(), "accept");
    Must(connected.get(), "connect");
    return {std::move(client), std::move(server)};
  }
  static sockaddr_tipc Of(const Addr &a) { return a.as<sockaddr_tipc>(); }
};
CONTRACT_FIXTURE(Tipc);

TEST_P(Tipc, AStreamTalksBothWays) {
  const auto [client, server] = Connected(SOCK_STREAM);
  const std::string much = Pattern(100000);
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
  auto sent = InBackground([&] { return server.Send(much); });
  EXPECT_EQ(much, client.ReadAll(much.size()));
  EXPECT_EQ(100000, sent.get());
}

TEST_P(Tipc, ASeqpacketKeepsItsBounds) {
  const auto [client, server] = Connected(SOCK_SEQPACKET);
  client.Send("one");
  client.Send("two");
  EXPECT_EQ("one", server.Read());
  EXPECT_EQ("two", server.Read());
}

TEST_P(Tipc, TheEndOfAConnectionIsReadAsSuch) {
  const auto [client, server] = Connected(SOCK_STREAM);
  client.Send("last");
  EXPECT_EQ(0, client.Shutdown(SHUT_RDWR));
  EXPECT_EQ("last", server.Read());
  EXPECT_EQ("", server.Read());
  EXPECT_EQ(-EPIPE, server.Send("x"));
}

TEST_P(Tipc, APeerThatIsClosedIsECONNRESET) {
  Pair pair = Connected(SOCK_STREAM);
  pair.first.Send("last");
  EXPECT_EQ(0, pair.first.Close());
  EXPECT_EQ("last", pair.second.Read());
  EXPECT_EQ(-ECONNRESET, pair.second.Recv());
}

TEST_P(Tipc, ShutdownEndsBothDirections) {
  const auto [client, server] = Connected(SOCK_SEQPACKET);
  EXPECT_EQ(-EINVAL, client.Shutdown(SHUT_WR)) << "there are no half connections";
  EXPECT_EQ(0, client.Shutdown(SHUT_RDWR));
  EXPECT_EQ("", server.Read());
  EXPECT_TRUE(server.Now(POLLIN) & POLLHUP);
  EXPECT_EQ(-EPIPE, client.Send("x"));
}

TEST_P(Tipc, BothEndsAreNamedByTheirIds) {
  const auto [client, server] = Connected(SOCK_STREAM);
  EXPECT_EQ(TIPC_ADDR_ID, Of(client.Name()).addrtype);
  EXPECT_NE(0u, Of(client.Name()).addr.id.ref);
  EXPECT_EQ(Of(client.Name()).addr.id.ref, Of(server.Peer()).addr.id.ref);
  EXPECT_EQ(Of(server.Name()).addr.id.ref, Of(client.Peer()).addr.id.ref);
  EXPECT_EQ(sizeof(sockaddr_tipc), client.Name().len);
  EXPECT_EQ(-ENOTCONN, Socket().PeerResult());
}

TEST_P(Tipc, AcceptTellsWhoCalls) {
  const uint32_t service = FreshType();
  const Sock listener = TipcListener(SOCK_STREAM, service), client = Socket(AF_TIPC, SOCK_STREAM);
  EXPECT_EQ(-EAGAIN, [&] {
    listener.SetNonBlocking();
    return listener.Accept().fd();
  }());
  listener.SetNonBlocking(false);
  auto connected = InBackground([&] { return client.Connect(Service(service, 1)); });
  Addr from;
  const Sock server = listener.Accept(&from);
  ASSERT_TRUE(server);
  EXPECT_EQ(0, connected.get());
  EXPECT_EQ(TIPC_ADDR_ID, Of(from).addrtype);
  EXPECT_EQ(Of(client.Name()).addr.id.ref, Of(from).addr.id.ref);
}

TEST_P(Tipc, AConnectWaitsForTheAcceptAndNotLongerThanItMay) {
  const uint32_t service = FreshType();
  const Sock listener = TipcListener(SOCK_STREAM, service), client = Socket(AF_TIPC, SOCK_STREAM);
  client.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, client.Connect(Service(service, 1)));
  EXPECT_EQ(-EALREADY, client.Connect(Service(service, 1)));
  const Sock server = listener.Accept();
  EXPECT_EQ(POLLOUT, client.Wait(POLLOUT));
  EXPECT_EQ(0, client.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(-EISCONN, client.Connect(Service(service, 1)));
}

TEST_P(Tipc, NobodyWithTheNameIsEHOSTUNREACH) {
  EXPECT_EQ(-EHOSTUNREACH, Socket(AF_TIPC, SOCK_STREAM).Connect(Service(FreshType(), 1)));
  EXPECT_EQ(-EHOSTUNREACH, Socket().SendTo("x", Service(FreshType(), 1)));
}

TEST_P(Tipc, AConnectionIsOpenedByItsFirstMessage) {
  const uint32_t service = FreshType();
  const Sock listener = TipcListener(SOCK_SEQPACKET, service);
  const Sock client = Socket(AF_TIPC, SOCK_SEQPACKET);
  auto sent = InBackground([&] { return client.SendTo("hello", Service(service, 3)); });
  const Sock server = listener.Accept();
  EXPECT_EQ(5, sent.get());
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(2, server.Send("hi"));
  EXPECT_EQ("hi", client.Read());
}

TEST_P(Tipc, ADatagramFindsItsServiceByName) {
  for (int type : {SOCK_RDM, SOCK_DGRAM}) {
    const uint32_t service = FreshType();
    const Sock server = Server(type, service), client = Socket(AF_TIPC, type);
    Addr from;
    EXPECT_EQ(8, client.SendTo("question", Service(service, 7)));
    EXPECT_EQ("question", server.ReadFrom(&from));
    EXPECT_EQ(TIPC_ADDR_ID, Of(from).addrtype);
    EXPECT_EQ(6, server.SendTo("answer", from)) << "by its id";
    EXPECT_EQ("answer", client.Read());
  }
}

TEST_P(Tipc, AConnectedDatagramSocketKeepsItsDestination) {
  const uint32_t service = FreshType();
  const Sock server = Server(SOCK_RDM, service), client = Socket();
  EXPECT_EQ(0, client.Connect(Service(service, 1)));
  EXPECT_EQ(3, client.Send("one"));
  EXPECT_EQ("one", server.Read());
  EXPECT_EQ(0, client.Connect(Addr::Family(AF_UNSPEC)));
  EXPECT_EQ(-EDESTADDRREQ, client.Send("two"));
}

TEST_P(Tipc, ARangeReachesEachOfItsServers) {
  const uint32_t service = FreshType();
  const Sock a = Server(SOCK_RDM, service, 1, 4), b = Server(SOCK_RDM, service, 5, 9);
  const Sock client = Socket();
  EXPECT_EQ(3, client.SendTo("all", Range(service, 1, 9)));
  EXPECT_EQ("all", a.Read());
  EXPECT_EQ("all", b.Read());
  client.SendTo("second", Service(service, 6));
  EXPECT_EQ("second", b.Read());
  EXPECT_EQ(0, a.Now(POLLIN));
}

TEST_P(Tipc, EachScopeCanBeBound) {
  for (int scope : {TIPC_ZONE_SCOPE, static_cast<int>(TIPC_CLUSTER_SCOPE),
                    static_cast<int>(TIPC_NODE_SCOPE)}) {
    const uint32_t service = FreshType();
    const Sock server = Bound(Socket(), Range(service, 1, 2, scope)), client = Socket();
    EXPECT_EQ(1, client.SendTo("x", Service(service, 1))) << scope;
    EXPECT_EQ("x", server.Read());
  }
}

TEST_P(Tipc, ASingleNameCanBeBound) {
  const uint32_t service = FreshType();
  sockaddr_tipc name = Of(Service(service, 42));
  name.scope = TIPC_NODE_SCOPE;
  const Sock server = Bound(Socket(), Addr::Of(name)), client = Socket();
  EXPECT_EQ(1, client.SendTo("x", Service(service, 42)));
  EXPECT_EQ("x", server.Read());
  EXPECT_EQ(-EHOSTUNREACH, client.SendTo("x", Service(service, 43)));
}

TEST_P(Tipc, ASecondNameCanBeBoundAndOneTakenBack) {
  const uint32_t one = FreshType(), two = FreshType();
  const Sock server = Bound(Socket(), Range(one, 1, 1)), client = Socket();
  EXPECT_EQ(0, server.Bind(Range(two, 1, 1)));
  EXPECT_EQ(1, client.SendTo("a", Service(one, 1)));
  EXPECT_EQ(1, client.SendTo("b", Service(two, 1)));
  EXPECT_EQ(0, server.Bind(Range(one, 1, 1, -TIPC_NODE_SCOPE)));
  EXPECT_EQ(-EHOSTUNREACH, client.SendTo("c", Service(one, 1)));
  EXPECT_EQ(1, client.SendTo("d", Service(two, 1)));
  EXPECT_EQ("a", server.Read());
  EXPECT_EQ("b", server.Read());
  EXPECT_EQ("d", server.Read());
}

TEST_P(Tipc, AReservedNameIsEACCES) { EXPECT_EQ(-EACCES, Socket().Bind(Range(1, 1, 1))); }

TEST_P(Tipc, AControlMessageTellsTheNameThatWasSentTo) {
  const uint32_t service = FreshType();
  const Sock server = Server(SOCK_RDM, service, 1, 9), client = Socket();
  client.SendTo("x", Service(service, 7));
  const auto name = server.ReadMessage().Control<tipc_name_seq>(SOL_TIPC, TIPC_DESTNAME);
  ASSERT_TRUE(name);
  EXPECT_EQ(service, name->type);
  EXPECT_EQ(7u, name->lower);
  EXPECT_EQ(7u, name->upper);
}

TEST_P(Tipc, AMessageThatCannotBeDeliveredComesBack) {
  const Sock client = Socket();
  Sock server = Socket();
  const Addr id = server.Name();
  EXPECT_EQ(0, server.Close());
  EXPECT_EQ(0, client.Set(SOL_TIPC, TIPC_DEST_DROPPABLE, 0));
  EXPECT_EQ(4, client.SendTo("lost", id));
  const Received m = client.ReadMessage();
  EXPECT_EQ(0, m.result) << "nothing but control messages";
  const auto info = m.Control<std::array<uint32_t, 2>>(SOL_TIPC, TIPC_ERRINFO);
  ASSERT_TRUE(info);
  EXPECT_EQ(static_cast<uint32_t>(TIPC_ERR_NO_PORT), (*info)[0]);
  EXPECT_EQ(4u, (*info)[1]);
  EXPECT_EQ("lost", m.Control(SOL_TIPC, TIPC_RETDATA));
}

TEST_P(Tipc, OptionsAreReadBack) {
  const Sock s = Socket(AF_TIPC, SOCK_STREAM);
  EXPECT_EQ(TIPC_LOW_IMPORTANCE, s.Get(SOL_TIPC, TIPC_IMPORTANCE));
  EXPECT_EQ(0, s.Set(SOL_TIPC, TIPC_IMPORTANCE, TIPC_CRITICAL_IMPORTANCE));
  EXPECT_EQ(TIPC_CRITICAL_IMPORTANCE, s.Get(SOL_TIPC, TIPC_IMPORTANCE));
  EXPECT_EQ(-EINVAL, s.Set(SOL_TIPC, TIPC_IMPORTANCE, 17));
  EXPECT_EQ(8000, s.Get(SOL_TIPC, TIPC_CONN_TIMEOUT));
  EXPECT_EQ(0, s.Set(SOL_TIPC, TIPC_CONN_TIMEOUT, 1234));
  EXPECT_EQ(1234, s.Get(SOL_TIPC, TIPC_CONN_TIMEOUT));
  EXPECT_EQ(0, s.Set(SOL_TIPC, TIPC_DEST_DROPPABLE, 1));
  EXPECT_EQ(1, s.Get(SOL_TIPC, TIPC_DEST_DROPPABLE));
  EXPECT_EQ(-ENOPROTOOPT, s.Set(SOL_TIPC, TIPC_SRC_DROPPABLE, 1)) << "of a stream";
  EXPECT_EQ(0, s.Set(SOL_TIPC, TIPC_NODELAY, 1));
}

TEST_P(Tipc, TheQueuesDepthIsTold) {
  const uint32_t service = FreshType();
  const Sock server = Server(SOCK_RDM, service), client = Socket();
  EXPECT_EQ(0, server.Get(SOL_TIPC, TIPC_SOCK_RECVQ_DEPTH));
  client.SendTo("x", Service(service, 1));
  client.SendTo("y", Service(service, 1));
  EXPECT_EQ(2, server.Get(SOL_TIPC, TIPC_SOCK_RECVQ_DEPTH));
  EXPECT_LT(0, server.Get(SOL_TIPC, TIPC_SOCK_RECVQ_USED));
}

TEST_P(Tipc, MembersOfAGroupHearEachOther) {
  const uint32_t group = FreshType();
  const Sock a = Socket(), b = Socket();
  tipc_group_req join = {group, 1, TIPC_NODE_SCOPE, TIPC_GROUP_MEMBER_EVTS};
  EXPECT_EQ(0, a.Set(SOL_TIPC, TIPC_GROUP_JOIN, join));
  join.instance = 2;
  join.flags = 0;
  EXPECT_EQ(0, b.Set(SOL_TIPC, TIPC_GROUP_JOIN, join));
  const Received event = a.ReadMessage();
  EXPECT_EQ(0, event.result) << "a member came";
  EXPECT_EQ(MSG_OOB, event.flags & (MSG_OOB | MSG_EOR));
  // A socket that has joined addresses the group by sending to nobody.
  EXPECT_EQ(5, a.Send("hello"));
  const Received m = b.ReadMessage();
  EXPECT_EQ("hello", m.data);
  // The address tells the sender twice: its id, and as which member.
  ASSERT_LE(2 * sizeof(sockaddr_tipc), m.from.len);
  const auto member = m.from.as<std::array<sockaddr_tipc, 2>>()[1];
  EXPECT_EQ(group, member.addr.name.name.type);
  EXPECT_EQ(1u, member.addr.name.name.instance);
  ASSERT_EQ(0, Result(api().setsockopt(b.fd(), SOL_TIPC, TIPC_GROUP_LEAVE, nullptr, 0)));
  const Received left = a.ReadMessage();
  EXPECT_EQ(MSG_OOB | MSG_EOR, left.flags & (MSG_OOB | MSG_EOR)) << "it has gone";
}

TEST_P(Tipc, TheTopologyServiceTellsWhoComesAndGoes) {
  const uint32_t service = FreshType();
  const Sock topology = Socket(AF_TIPC, SOCK_SEQPACKET);
  ASSERT_EQ(0, topology.Connect(Service(TIPC_TOP_SRV, TIPC_TOP_SRV)));
  tipc_subscr subscription = {{service, 0, ~0u}, static_cast<uint32_t>(TIPC_WAIT_FOREVER),
                              TIPC_SUB_PORTS, "handle"};
  EXPECT_EQ(static_cast<long>(sizeof(subscription)), topology.Send(BytesOf(subscription)));
  Sock server = Server(SOCK_RDM, service, 3, 4);
  auto event = ValueOf<tipc_event>(topology.Read());
  EXPECT_EQ(static_cast<uint32_t>(TIPC_PUBLISHED), event.event);
  EXPECT_EQ(3u, event.found_lower);
  EXPECT_EQ(4u, event.found_upper);
  EXPECT_EQ(Of(server.Name()).addr.id.ref, event.port.ref);
  EXPECT_STREQ("handle", event.s.usr_handle);
  EXPECT_EQ(0, server.Close());
  event = ValueOf<tipc_event>(topology.Read());
  EXPECT_EQ(static_cast<uint32_t>(TIPC_WITHDRAWN), event.event);
}

TEST_P(Tipc, APairIsConnected) {
  int sv[2];
  ASSERT_EQ(0, Result(api().socketpair(AF_TIPC, SOCK_STREAM, 0, sv)));
  const Sock a(api(), sv[0]), b(api(), sv[1]);
  a.Send("x");
  EXPECT_EQ("x", b.Read());
}

TEST_P(Tipc, AMessageTooLongIsEMSGSIZE) {
  const uint32_t service = FreshType();
  const Sock server = Server(SOCK_RDM, service), client = Socket();
  EXPECT_EQ(-EMSGSIZE, client.SendTo(Pattern(TIPC_MAX_USER_MSG_SIZE + 1), Service(service, 1)));
  EXPECT_EQ(static_cast<long>(TIPC_MAX_USER_MSG_SIZE),
            client.SendTo(Pattern(TIPC_MAX_USER_MSG_SIZE), Service(service, 1)));
  EXPECT_EQ(Pattern(TIPC_MAX_USER_MSG_SIZE), server.Read(70000));
}

}  // namespace
