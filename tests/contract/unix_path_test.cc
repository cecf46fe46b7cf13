// SPDX-License-Identifier: Apache-2.0
//
// AF_UNIX names: files and abstract names.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.h"

using namespace contract;

namespace {

class UnixPath : public contract::Contract {
 protected:
  Sock Stream() const { return Socket(AF_UNIX, SOCK_STREAM); }
  Sock Datagram() const { return Socket(AF_UNIX, SOCK_DGRAM); }
};
INSTANTIATE_TEST_SUITE_P(Contract, UnixPath, testing::ValuesIn(AllApis()), ApiName);

TEST_P(UnixPath, BindMakesASocketFile) {
  const std::string path = FreshPath();
  const Sock s = Stream();
  EXPECT_EQ(0, s.Bind(Addr::Path(path)));
  struct stat st = {};
  ASSERT_EQ(0, lstat(path.c_str(), &st));
  EXPECT_TRUE(S_ISSOCK(st.st_mode));
  EXPECT_EQ(Addr::Path(path), s.Name());
}

TEST_P(UnixPath, ConnectByPathAndTalk) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    Sock listener = Bound(Socket(AF_UNIX, type), Addr::Path(FreshPath()));
    EXPECT_EQ(0, listener.Listen());
    const Addr at = listener.Name();
    const auto [client, server] = StreamPair(std::move(listener), Socket(AF_UNIX, type));
    EXPECT_EQ(at, client.Peer());
    EXPECT_EQ(at, server.Name());
    EXPECT_EQ(Addr::Family(AF_UNIX), server.Peer()) << "the client is unnamed";
    client.Send("hello");
    EXPECT_EQ("hello", server.Read());
  }
}

TEST_P(UnixPath, AKernelClientConnectsByPath) {
  const auto [client, server] =
      StreamPair(Listener(Addr::Path(FreshPath())), KernelSocket(AF_UNIX, SOCK_STREAM));
  client.Send("hello");
  EXPECT_EQ("hello", server.Read());
}

TEST_P(UnixPath, AClientConnectsToTheKernelsPath) {
  Sock listener = Bound(KernelSocket(AF_UNIX, SOCK_STREAM), Addr::Path(FreshPath()));
  Must(chmod(listener.Name().name().c_str(), 0777), "chmod");
  listener.Listen();
  const auto [client, server] = StreamPair(std::move(listener), Stream());
  client.Send("hello");
  EXPECT_EQ("hello", server.Read());
}

TEST_P(UnixPath, AcceptTellsTheClientsName) {
  const Sock listener = Listener(Addr::Path(FreshPath()));
  const Sock client = Bound(Stream(), Addr::Path(FreshPath()));
  EXPECT_EQ(0, client.Connect(listener.Name()));
  Addr from;
  EXPECT_TRUE(listener.Accept(&from));
  EXPECT_EQ(client.Name(), from);
}

TEST_P(UnixPath, ConnectToNoFileIsENOENT) {
  EXPECT_EQ(-ENOENT, Stream().Connect(Addr::Path(FreshPath())));
  EXPECT_EQ(-ENOENT, Datagram().SendTo("x", Addr::Path(FreshPath())));
}

TEST_P(UnixPath, ConnectToADeadSocketFileIsRefused) {
  const Addr at = Addr::Path(FreshPath());
  Sock s = Stream();
  s.Bind(at);
  EXPECT_EQ(-ECONNREFUSED, Stream().Connect(at)) << "it does not listen";
  s.Close();
  EXPECT_EQ(-ECONNREFUSED, Stream().Connect(at)) << "nobody holds it";
}

TEST_P(UnixPath, ConnectToAnOrdinaryFileIsRefused) {
  const std::string path = FreshPath();
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  ASSERT_LE(0, file);
  close(file);
  EXPECT_EQ(-ECONNREFUSED, Stream().Connect(Addr::Path(path)));
}

TEST_P(UnixPath, ConnectToAnotherTypeIsEPROTOTYPE) {
  const Sock datagram = Bound(Datagram(), Addr::Path(FreshPath()));
  EXPECT_EQ(-EPROTOTYPE, Stream().Connect(datagram.Name()));
  const Sock listener = Listener(Addr::Path(FreshPath()));
  EXPECT_EQ(-EPROTOTYPE, Datagram().Connect(listener.Name()));
}

TEST_P(UnixPath, AnExistingFileIsEADDRINUSE) {
  Sock s = Bound(Stream(), Addr::Path(FreshPath()));
  const Addr at = s.Name();
  EXPECT_EQ(-EADDRINUSE, Stream().Bind(at));
  s.Close();
  EXPECT_EQ(-EADDRINUSE, Stream().Bind(at)) << "the file outlives the socket";
  const std::string name = at.name();
  EXPECT_EQ(0, unlink(name.c_str()));
  EXPECT_EQ(0, Stream().Bind(at));
}

TEST_P(UnixPath, BindingTwiceIsEINVAL) {
  const Sock s = Bound(Stream(), Addr::Path(FreshPath()));
  EXPECT_EQ(-EINVAL, s.Bind(Addr::Path(FreshPath())));
}

TEST_P(UnixPath, NamesNeedNotBeUtf8) {
  const Addr at = Addr::Path(FreshPath() + "\xff\xfe\x80 name");
  const Sock s = Bound(Stream(), at);
  EXPECT_EQ(at, s.Name());
  EXPECT_EQ(0, s.Listen());
  EXPECT_EQ(0, Stream().Connect(at));
}

TEST_P(UnixPath, TheLongestPathHasNoNul) {
  std::string path = FreshPath();
  path.resize(sizeof(sockaddr_un::sun_path), 'x');
  const Sock s = Stream();
  EXPECT_EQ(0, s.Bind(Addr::Path(path)));
  EXPECT_EQ(path, s.Name().name().substr(0, path.size()));
  EXPECT_EQ(0, s.Listen());
  EXPECT_EQ(0, Stream().Connect(Addr::Path(path)));
}

TEST_P(UnixPath, APathGivenWithItsWholeRoomIsCutAtTheNul) {
  const std::string path = FreshPath();
  Addr at = Addr::Path(path);
  at.len = sizeof(sockaddr_un);
  const Sock s = Bound(Stream(), at);
  EXPECT_EQ(Addr::Path(path), s.Name());
}

TEST_P(UnixPath, AnAddressLongerThanSockaddrUnIsEINVAL) {
  Addr at = Addr::Path(FreshPath());
  at.len = sizeof(sockaddr_un) + 1;
  EXPECT_EQ(-EINVAL, Stream().Bind(at));
}

TEST_P(UnixPath, DatagramsAreAnsweredByName) {
  const Sock a = Bound(Datagram(), Addr::Path(FreshPath()));
  const Sock b = Bound(Datagram(), Addr::Path(FreshPath()));
  EXPECT_EQ(4, a.SendTo("ping", b.Name()));
  Addr from;
  EXPECT_EQ("ping", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
  EXPECT_EQ(4, b.SendTo("pong", from));
  EXPECT_EQ("pong", a.ReadFrom(&from));
  EXPECT_EQ(b.Name(), from);
}

TEST_P(UnixPath, AnUnnamedSenderHasNoAddress) {
  const Sock b = Bound(Datagram(), Addr::Path(FreshPath()));
  EXPECT_EQ(1, Datagram().SendTo("x", b.Name()));
  Addr from;
  EXPECT_EQ("x", b.ReadFrom(&from));
  EXPECT_EQ(0u, from.len);
}

TEST_P(UnixPath, AConnectedDatagramSocketNeedsNoAddress) {
  const Sock b = Bound(Datagram(), Addr::Path(FreshPath()));
  const Sock a = Datagram();
  EXPECT_EQ(0, a.Connect(b.Name()));
  EXPECT_EQ(b.Name(), a.Peer());
  EXPECT_EQ(2, a.Send("hi"));
  EXPECT_EQ("hi", b.Read());
}

TEST_P(UnixPath, AbstractNamesHaveNoFile) {
  const Addr at = Addr::Abstract(FreshName());
  Sock listener = Listener(at);
  EXPECT_EQ(at, listener.Name());
  const auto [client, server] = StreamPair(std::move(listener), Stream());
  EXPECT_EQ(at, client.Peer());
  client.Send("hello");
  EXPECT_EQ("hello", server.Read());
}

TEST_P(UnixPath, AbstractNamesMayHoldAnyBytes) {
  const Addr at = Addr::Abstract(std::string("n\0\xff\0", 4) + FreshName());
  const Sock listener = Listener(at);
  EXPECT_EQ(at, listener.Name());
  EXPECT_EQ(0, Stream().Connect(at));
  Addr shorter = at;
  shorter.len--;
  EXPECT_EQ(-ECONNREFUSED, Stream().Connect(shorter)) << "every byte counts";
}

TEST_P(UnixPath, ATakenAbstractNameIsEADDRINUSEWhileItsSocketLives) {
  const Addr at = Addr::Abstract(FreshName());
  Sock s = Bound(Stream(), at);
  EXPECT_EQ(-EADDRINUSE, Stream().Bind(at));
  s.Close();
  EXPECT_EQ(0, Stream().Bind(at));
}

TEST_P(UnixPath, AnAbstractNameOfNobodyIsRefused) {
  EXPECT_EQ(-ECONNREFUSED, Stream().Connect(Addr::Abstract(FreshName())));
}

TEST_P(UnixPath, BindingToNoNameGetsAnAbstractOne) {
  const Sock s = Stream();
  EXPECT_EQ(0, s.Bind(Addr::Family(AF_UNIX)));
  const std::string name = s.Name().name();
  ASSERT_EQ(6u, name.size());
  EXPECT_EQ('\0', name[0]);
  EXPECT_EQ(0, s.Listen());
  EXPECT_EQ(0, Stream().Connect(s.Name()));
}

TEST_P(UnixPath, AFullQueueIsEAGAIN) {
  const Sock listener = Listener(Addr::Path(FreshPath()), 0);
  const Sock first = Stream(), second = Stream();
  EXPECT_EQ(0, first.Connect(listener.Name()));
  second.SetNonBlocking();
  EXPECT_EQ(-EAGAIN, second.Connect(listener.Name()));
  EXPECT_TRUE(listener.Accept());
  EXPECT_EQ(0, second.Connect(listener.Name()));
}

TEST_P(UnixPath, AConnectWaitsWhileTheQueueIsFull) {
  const Sock listener = Listener(Addr::Path(FreshPath()), 0);
  const Sock first = Stream(), second = Stream();
  EXPECT_EQ(0, first.Connect(listener.Name()));
  auto connected = InBackground([&] { return second.Connect(listener.Name()); });
  EXPECT_TRUE(listener.Accept());
  EXPECT_EQ(0, connected.get());
  EXPECT_TRUE(listener.Accept());
}

TEST_P(UnixPath, AConnectThatWaitsIsUpAfterTheSendTimeout) {
  const Sock listener = Listener(Addr::Path(FreshPath()), 0);
  const Sock first = Stream(), second = Stream();
  EXPECT_EQ(0, first.Connect(listener.Name()));
  second.SetTimeout(SO_SNDTIMEO, 150);
  const Stopwatch watch;
  EXPECT_EQ(-EAGAIN, second.Connect(listener.Name()));
  EXPECT_LE(145, watch.ms());
  EXPECT_GT(5000, watch.ms());
}

TEST_P(UnixPath, ListenWithoutANameIsEINVAL) {
  EXPECT_EQ(-EINVAL, Stream().Listen());
  EXPECT_EQ(-EOPNOTSUPP, Bound(Datagram(), Addr::Abstract(FreshName())).Listen());
}

TEST_P(UnixPath, ConnectTwiceIsEISCONN) {
  const Sock listener = Listener(Addr::Path(FreshPath()));
  const Sock s = Stream();
  EXPECT_EQ(0, s.Connect(listener.Name()));
  EXPECT_EQ(-EISCONN, s.Connect(listener.Name()));
}

}  // namespace
