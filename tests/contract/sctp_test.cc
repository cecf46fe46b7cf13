// SPDX-License-Identifier: Apache-2.0
//
// SCTP: one-to-one sockets (streams that keep messages), and one-to-many.
#include "support.h"

#include <linux/sctp.h>
#include <netinet/in.h>

using namespace contract;

namespace {

class Sctp : public FamilyContract {
 protected:
  Sctp() : FamilyContract("SCTP", AF_INET, SOCK_STREAM, IPPROTO_SCTP) {}

  Sock Many() const { return Socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP); }
  Sock SctpListener(Sock s, const Addr &at = Addr::Loopback4()) const {
    Sock listener = Bound(std::move(s), at);
    Must(listener.Listen(), "listen");
    return listener;
  }
  Pair Connected() const { return StreamPair(SctpListener(Socket()), Socket()); }
  static void Subscribe(const Sock &s) {
    sctp_event_subscribe events = {};
    events.sctp_data_io_event = 1;
    events.sctp_association_event = 1;
    events.sctp_shutdown_event = 1;
    Must(s.Set(IPPROTO_SCTP, SCTP_EVENTS, events), "SCTP_EVENTS");
  }
};
CONTRACT_FIXTURE(Sctp);

TEST_P(Sctp, AStreamTalksBothWays) {
  const auto [client, server] = Connected();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(2, server.Send("hi"));
  EXPECT_EQ("hi", client.Read());
}

TEST_P(Sctp, MessagesKeepTheirBounds) {
  const auto [client, server] = Connected();
  client.Send("one");
  client.Send(Pattern(20000));
  const Received one = server.ReadMessage();
  EXPECT_EQ("one", one.data);
  EXPECT_EQ(MSG_EOR, one.flags & MSG_EOR);
  EXPECT_EQ(Pattern(20000), server.ReadAll(20000));
}

TEST_P(Sctp, TheRestOfAMessageIsReadNext) {
  const auto [client, server] = Connected();
  client.Send("abcdef");
  const Received begin = server.ReadMessage(0, Received({4}));
  EXPECT_EQ("abcd", begin.data);
  EXPECT_EQ(0, begin.flags & MSG_EOR);
  const Received rest = server.ReadMessage();
  EXPECT_EQ("ef", rest.data);
  EXPECT_EQ(MSG_EOR, rest.flags & MSG_EOR);
}

TEST_P(Sctp, ThePeersAreNamedBothWays) {
  const auto [client, server] = Connected();
  EXPECT_EQ(client.Name(), server.Peer());
  EXPECT_EQ(server.Name(), client.Peer());
  EXPECT_EQ("127.0.0.1", server.Name().ip());
}

TEST_P(Sctp, Inet6CarriesItToo) {
  const Sock listener =
      SctpListener(Socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP), Addr::Loopback6());
  const Sock client = Socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP);
  ASSERT_EQ(0, client.Connect(listener.Name()));
  Addr from;
  const Sock server = listener.Accept(&from);
  EXPECT_EQ("::1", from.ip());
  client.Send("x");
  EXPECT_EQ("x", server.Read());
}

TEST_P(Sctp, AConnectThatMayNotWaitIsInProgress) {
  const Sock listener = SctpListener(Socket()), client = Socket();
  client.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, client.Connect(listener.Name()));
  EXPECT_TRUE(client.Wait(POLLOUT) & POLLOUT);
  EXPECT_EQ(0, client.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(-EISCONN, client.Connect(listener.Name()));
}

TEST_P(Sctp, NobodyAtThePortIsRefused) {
  const Sock taken = Bound(KernelSocket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
  EXPECT_EQ(-ECONNREFUSED, Socket().Connect(taken.Name()));
  EXPECT_EQ(-ECONNREFUSED, Many().Connect(taken.Name()));
}

TEST_P(Sctp, ShutdownEndsTheAssociation) {
  const auto [client, server] = Connected();
  client.Send("last");
  EXPECT_EQ(0, client.Shutdown(SHUT_WR));
  EXPECT_EQ("last", server.Read());
  EXPECT_EQ("", server.Read());
}

TEST_P(Sctp, AnAbortIsAReset) {
  Pair pair = Connected();
  const linger hard = {1, 0};
  EXPECT_EQ(0, pair.first.Set(SOL_SOCKET, SO_LINGER, hard));
  EXPECT_EQ(0, pair.first.Close());
  EXPECT_EQ(-ECONNRESET, pair.second.Recv());
}

TEST_P(Sctp, OptionsAreReadBack) {
  const Sock s = Socket();
  EXPECT_EQ(0, s.Set(IPPROTO_SCTP, SCTP_NODELAY, 1));
  EXPECT_EQ(1, s.Get(IPPROTO_SCTP, SCTP_NODELAY));
  sctp_initmsg init = {3, 4, 5, 600};
  EXPECT_EQ(0, s.Set(IPPROTO_SCTP, SCTP_INITMSG, init));
  EXPECT_EQ(BytesOf(init), BytesOf(s.Get<sctp_initmsg>(IPPROTO_SCTP, SCTP_INITMSG)));
  EXPECT_EQ(0, s.Set(IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, 1));
  EXPECT_EQ(1, s.Get(IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS));
  EXPECT_EQ(0, s.Set(IPPROTO_SCTP, SCTP_RECVRCVINFO, 1));
  EXPECT_EQ(1, s.Get(IPPROTO_SCTP, SCTP_RECVRCVINFO));
}

TEST_P(Sctp, TheStreamsAskedForAreWhatTheAssociationHas) {
  const Sock listener = SctpListener(Socket()), client = Socket();
  const sctp_initmsg init = {7, 9, 0, 0};
  EXPECT_EQ(0, client.Set(IPPROTO_SCTP, SCTP_INITMSG, init));
  ASSERT_EQ(0, client.Connect(listener.Name()));
  const auto status = client.Get<sctp_status>(IPPROTO_SCTP, SCTP_STATUS);
  EXPECT_EQ(7, status.sstat_outstrms);
  EXPECT_EQ(9, status.sstat_instrms);
  EXPECT_EQ(SCTP_ESTABLISHED, status.sstat_state);
  sockaddr_in peer;
  memcpy(&peer, &status.sstat_primary.spinfo_address, sizeof(peer));
  EXPECT_EQ(listener.Name(), Addr::Of(peer));
}

TEST_P(Sctp, OneSocketTalksToMany) {
  const Sock server = SctpListener(Many()), a = Many(), b = Many();
  Addr from;
  EXPECT_EQ(1, a.SendTo("a", server.Name()));
  EXPECT_EQ("a", server.ReadFrom(&from));
  EXPECT_EQ(2, server.SendTo("to", from));
  EXPECT_EQ("to", a.Read());
  EXPECT_EQ(1, b.SendTo("b", server.Name()));
  EXPECT_EQ("b", server.ReadFrom(&from));
  EXPECT_EQ(b.Name().port(), from.port());
}

TEST_P(Sctp, OneOfManyCanBeConnected) {
  const Sock server = SctpListener(Many()), client = Many();
  EXPECT_EQ(0, client.Connect(server.Name()));
  EXPECT_EQ(-EISCONN, client.Connect(server.Name()));
  EXPECT_EQ(-EPIPE, client.Send("to whom?"));
  EXPECT_EQ(5, client.SendTo("hello", server.Name()));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(-EOPNOTSUPP, server.Accept().fd());
}

TEST_P(Sctp, AControlMessageTellsTheStreamAndTheProtocol) {
  const auto [client, server] = Connected();
  EXPECT_EQ(0, server.Set(IPPROTO_SCTP, SCTP_RECVRCVINFO, 1));
  sctp_sndinfo send = {};
  send.snd_sid = 3;
  send.snd_ppid = htonl(0x1234);
  EXPECT_EQ(1, client.SendMessage(Message("x").Control(IPPROTO_SCTP, SCTP_SNDINFO, send)));
  const auto info = server.ReadMessage().Control<sctp_rcvinfo>(IPPROTO_SCTP, SCTP_RCVINFO);
  ASSERT_TRUE(info);
  EXPECT_EQ(3, info->rcv_sid);
  EXPECT_EQ(htonl(0x1234), info->rcv_ppid);
  EXPECT_NE(0, info->rcv_assoc_id);
}

TEST_P(Sctp, TheOldControlMessageDoesSoToo) {
  const Sock server = SctpListener(Many()), client = Many();
  Subscribe(server);
  sctp_sndrcvinfo send = {};
  send.sinfo_stream = 2;
  send.sinfo_ppid = htonl(7);
  EXPECT_EQ(1, client.SendMessage(
                   Message("x").To(server.Name()).Control(IPPROTO_SCTP, SCTP_SNDRCV, send)));
  Received m = server.ReadMessage();
  EXPECT_TRUE(m.flags & MSG_NOTIFICATION);
  m = server.ReadMessage();
  EXPECT_EQ("x", m.data);
  const auto info = m.Control<sctp_sndrcvinfo>(IPPROTO_SCTP, SCTP_SNDRCV);
  ASSERT_TRUE(info);
  EXPECT_EQ(2, info->sinfo_stream);
  EXPECT_EQ(htonl(7), info->sinfo_ppid);
}

TEST_P(Sctp, AStreamThatIsNotThereIsEINVAL) {
  const auto [client, server] = Connected();
  sctp_sndinfo send = {};
  send.snd_sid = 9999;
  EXPECT_EQ(-EINVAL, client.SendMessage(Message("x").Control(IPPROTO_SCTP, SCTP_SNDINFO, send)));
}

TEST_P(Sctp, ComingAndGoingIsNotified) {
  const Sock server = SctpListener(Many()), client = Many();
  Subscribe(server);
  EXPECT_EQ(1, client.SendTo("x", server.Name()));
  Received m = server.ReadMessage();
  EXPECT_EQ(MSG_NOTIFICATION | MSG_EOR, m.flags & (MSG_NOTIFICATION | MSG_EOR));
  const auto up = ValueOf<sctp_assoc_change>(m.data);
  EXPECT_EQ(SCTP_ASSOC_CHANGE, up.sac_type);
  EXPECT_EQ(SCTP_COMM_UP, up.sac_state);
  EXPECT_EQ("x", server.Read());

  sctp_sndinfo end = {};
  end.snd_flags = SCTP_EOF;
  end.snd_assoc_id = up.sac_assoc_id;
  EXPECT_EQ(0, server.SendMessage(Message("").Control(IPPROTO_SCTP, SCTP_SNDINFO, end)));
  const auto down = ValueOf<sctp_assoc_change>(server.ReadMessage().data);
  EXPECT_EQ(SCTP_SHUTDOWN_COMP, down.sac_state);
}

}  // namespace
