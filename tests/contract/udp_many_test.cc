// SPDX-License-Identifier: Apache-2.0
//
// sendmmsg and recvmmsg: many datagrams in one call.
#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(UdpMany);

// Headers of several messages to send, kept with what they point to.
class Outgoing {
 public:
  explicit Outgoing(std::vector<Message> messages) : messages_(std::move(messages)) {
    for (Message &m : messages_)
      headers_.push_back({m.Header(), 0});
  }
  long Send(const Sock &s, int flags = 0) {
    const auto n = static_cast<unsigned>(headers_.size());
    return Result(s.api().sendmmsg(s.fd(), headers_.data(), n, flags));
  }
  unsigned sent(size_t i) const { return headers_[i].msg_len; }

 private:
  std::vector<Message> messages_;
  std::vector<mmsghdr> headers_;
};

// Room for n messages of `size` bytes.
class Incoming {
 public:
  explicit Incoming(size_t n, size_t size = 100, size_t control = 256)
      : messages(n, Received({size}, control)) {}
  long Receive(const Sock &s, int flags = 0, timespec *timeout = nullptr) {
    std::vector<mmsghdr> headers;
    for (Received &m : messages)
      headers.push_back({m.Header(), 0});
    const auto n = static_cast<unsigned>(headers.size());
    const long got = Result(s.api().recvmmsg(s.fd(), headers.data(), n, flags, timeout));
    for (long i = 0; i < got; i++) {
      const mmsghdr &h = headers[static_cast<size_t>(i)];
      messages[static_cast<size_t>(i)].Take(h.msg_hdr, h.msg_len);
    }
    return got;
  }
  std::vector<Received> messages;
};

std::vector<Message> Numbered(int n) {
  std::vector<Message> all;
  for (int i = 0; i < n; i++)
    all.push_back(Message({"message ", std::to_string(i)}));
  return all;
}

TEST_P(UdpMany, SixtyFourDatagramsGoInOneCall) {
  const auto [a, b] = UdpPair();
  Outgoing out(Numbered(64));
  EXPECT_EQ(64, out.Send(a));
  EXPECT_EQ(9u, out.sent(0));
  EXPECT_EQ(10u, out.sent(63));
  Incoming in(64);
  EXPECT_EQ(64, in.Receive(b));
  for (int i = 0; i < 64; i++)
    EXPECT_EQ("message " + std::to_string(i), in.messages[static_cast<size_t>(i)].data);
}

TEST_P(UdpMany, EachDatagramHasItsOwnReceiver) {
  const Sock a = BoundUdp(), b = BoundUdp(), c = BoundUdp();
  Outgoing out({Message("to b").To(b.Name()), Message("to c").To(c.Name()),
                Message("b again").To(b.Name())});
  EXPECT_EQ(3, out.Send(a));
  EXPECT_EQ("to b", b.Read());
  EXPECT_EQ("b again", b.Read());
  EXPECT_EQ("to c", c.Read());
}

TEST_P(UdpMany, EachDatagramTellsItsSender) {
  const Sock a = BoundUdp(), b = BoundUdp(), c = BoundUdp();
  a.SendTo("from a", c.Name());
  b.SendTo("from b", c.Name());
  Incoming in(2);
  EXPECT_EQ(2, in.Receive(c));
  EXPECT_EQ(a.Name(), in.messages[0].from);
  EXPECT_EQ(b.Name(), in.messages[1].from);
}

TEST_P(UdpMany, DontwaitTakesWhatThereIs) {
  const auto [a, b] = UdpPair();
  a.Send("one");
  a.Send("two");
  Incoming in(8);
  EXPECT_EQ(2, in.Receive(b, MSG_DONTWAIT));
  EXPECT_EQ("two", in.messages[1].data);
  EXPECT_EQ(-EAGAIN, in.Receive(b, MSG_DONTWAIT));
}

TEST_P(UdpMany, WaitforoneWaitsForTheFirstOnly) {
  const auto pair = UdpPair();
  Incoming in(8);
  auto receiver = InBackground([&] { return in.Receive(pair.second, MSG_WAITFORONE); });
  EXPECT_EQ(3, pair.first.Send("one"));
  EXPECT_EQ(1, receiver.get());
  EXPECT_EQ("one", in.messages[0].data);
}

TEST_P(UdpMany, ABlockingCallWaitsForAll) {
  const auto pair = UdpPair();
  Incoming in(3);
  auto receiver = InBackground([&] { return in.Receive(pair.second); });
  for (const char *text : {"one", "two", "three"}) {
    pair.first.Send(text);
    pair.first.Wait(POLLIN, 10);  // let the receiver see a part
  }
  EXPECT_EQ(3, receiver.get());
  EXPECT_EQ("three", in.messages[2].data);
}

TEST_P(UdpMany, TheTimeoutIsLookedAtAfterADatagram) {
  const auto [a, b] = UdpPair();
  a.Send("one");
  Incoming in(2);
  timespec none = {0, 0};
  EXPECT_EQ(1, in.Receive(b, 0, &none));
}

TEST_P(UdpMany, ATimeoutThatIsNoTimeIsEINVAL) {
  const auto [a, b] = UdpPair();
  a.Send("one");
  Incoming in(1);
  timespec wrong = {0, 2000000000};
  EXPECT_EQ(-EINVAL, in.Receive(b, 0, &wrong));
  EXPECT_EQ("one", b.Read());
}

TEST_P(UdpMany, TheTimeLeftIsGivenBack) {
  const auto [a, b] = UdpPair();
  a.Send("one");
  Incoming in(1);
  timespec minute = {60, 0};
  EXPECT_EQ(1, in.Receive(b, 0, &minute));
  EXPECT_LE(50, minute.tv_sec);
  EXPECT_GE(60, minute.tv_sec);
}

TEST_P(UdpMany, TheReceiveTimeoutEndsWithWhatCame) {
  const auto [a, b] = UdpPair();
  b.SetTimeout(SO_RCVTIMEO, 150);
  a.Send("one");
  Incoming in(3);
  EXPECT_EQ(1, in.Receive(b));
  EXPECT_EQ(-EAGAIN, in.Receive(b));
}

TEST_P(UdpMany, EachCutDatagramIsMarked) {
  const auto [a, b] = UdpPair();
  Outgoing({Message("short"), Message("much too long"), Message("fits")}).Send(a);
  Incoming in(3, 5);
  EXPECT_EQ(3, in.Receive(b));
  EXPECT_EQ(0, in.messages[0].flags);
  EXPECT_EQ(MSG_TRUNC, in.messages[1].flags);
  EXPECT_EQ(5, in.messages[1].result);
  EXPECT_EQ(0, in.messages[2].flags);
}

TEST_P(UdpMany, TruncTellsEachRealLength) {
  const auto [a, b] = UdpPair();
  Outgoing({Message("short"), Message("much too long")}).Send(a);
  Incoming in(2, 5);
  EXPECT_EQ(2, in.Receive(b, MSG_TRUNC));
  EXPECT_EQ(5, in.messages[0].result);
  EXPECT_EQ(13, in.messages[1].result);
}

TEST_P(UdpMany, EmptyDatagramsCount) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(3, Outgoing({Message("x"), Message(""), Message("y")}).Send(a));
  Incoming in(3);
  EXPECT_EQ(3, in.Receive(b));
  EXPECT_EQ(0, in.messages[1].result);
  EXPECT_EQ("y", in.messages[2].data);
}

TEST_P(UdpMany, EachDatagramHasItsControlMessages) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, b.Set(IPPROTO_IP, IP_RECVTTL, 1));
  Outgoing({Message("x").Control(IPPROTO_IP, IP_TTL, 7),
            Message("y").Control(IPPROTO_IP, IP_TTL, 9)})
      .Send(a);
  Incoming in(2);
  EXPECT_EQ(2, in.Receive(b));
  EXPECT_EQ(7, in.messages[0].Control<int>(IPPROTO_IP, IP_TTL));
  EXPECT_EQ(9, in.messages[1].Control<int>(IPPROTO_IP, IP_TTL));
}

TEST_P(UdpMany, AnErrorEndsTheCallAfterWhatWasSent) {
  const auto [a, b] = UdpPair();
  Outgoing out({Message("fine"), Message({std::string(70000, 'x')}), Message("never")});
  EXPECT_EQ(1, out.Send(a));
  EXPECT_EQ("fine", b.Read());
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT));
}

TEST_P(UdpMany, AnErrorInTheFirstIsTheCalls) {
  const auto [a, b] = UdpPair();
  Outgoing out({Message({std::string(70000, 'x')}), Message("never")});
  EXPECT_EQ(-EMSGSIZE, out.Send(a));
  EXPECT_EQ(-EDESTADDRREQ, Outgoing({Message("nowhere")}).Send(BoundUdp()));
}

TEST_P(UdpMany, NoMessagesAreNoError) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, Outgoing({}).Send(a));
  EXPECT_EQ(0, Incoming(0).Receive(b));
}

TEST_P(UdpMany, AtMost1024GoInOneCall) {
  const Sock a = UdpSocket(), b = BoundUdp();
  a.Connect(b.Name());
  EXPECT_EQ(1024, Outgoing(Numbered(1100)).Send(a));
}

TEST_P(UdpMany, LargeDatagramsGoTogether) {
  const auto [a, b] = UdpPair();
  b.Set(SOL_SOCKET, SO_RCVBUF, 1 << 20);
  const std::string large = Pattern(30000);
  EXPECT_EQ(4, Outgoing({Message({large}), Message({large}), Message({large}), Message({large})})
                   .Send(a));
  Incoming in(4, 40000);
  EXPECT_EQ(4, in.Receive(b));
  for (const Received &m : in.messages)
    EXPECT_TRUE(large == m.data);
}

TEST_P(UdpMany, UnixDatagramsGoTogetherToo) {
  const auto [a, b] = UnixPair(SOCK_DGRAM);
  EXPECT_EQ(5, Outgoing(Numbered(5)).Send(a));
  Incoming in(9);
  EXPECT_EQ(5, in.Receive(b, MSG_DONTWAIT));
  EXPECT_EQ("message 4", in.messages[4].data);
}

TEST_P(UdpMany, AStreamsMessagesAreItsBytes) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(3, Outgoing({Message("ab"), Message("cd"), Message("ef")}).Send(a));
  EXPECT_EQ("abcdef", b.ReadAll(6));
}

}  // namespace
