// SPDX-License-Identifier: Apache-2.0
//
// The descriptor socket, and what passes by SCM_RIGHTS: wrong packets, descriptors of all kinds, others'
// tickets, those who do not read, and closes that do not return.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "integration/hostile.h"
#include "support/raw_desk.h"
#include "support/slow_file.h"

using namespace sb_test;

namespace {

// A connection that lingers for an hour when it is closed: the other end does not read. One who
// has it may close it at once by closing the other end.
class Lingerer {
 public:
  Lingerer() {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
    sockaddr_in name = {};
    socklen_t len = sizeof(name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, reinterpret_cast<sockaddr *>(&name), len) || listen(listener, 1) ||
        getsockname(listener, reinterpret_cast<sockaddr *>(&name), &len) ||
        connect(fd_, reinterpret_cast<sockaddr *>(&name), len))
      abort();
    other_ = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    close(listener);
    const std::string much(1 << 16, 'm');
    while (send(fd_, much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    const linger hour = {1, 3600};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour));
  }
  ~Lingerer() {
    const linger reset = {1, 0};
    LetGo();
    setsockopt(other_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(other_);
    closing_.join();
  }
  Lingerer(const Lingerer &) = delete;
  Lingerer &operator=(const Lingerer &) = delete;
  int fd() const { return fd_; }
  // By a thread: it might be the last, and linger itself.
  void LetGo() {
    if (fd_ >= 0) closing_ = std::thread([fd = fd_] { close(fd); });
    fd_ = -1;
  }

 private:
  int fd_ = -1, other_ = -1;
  std::thread closing_;
};

class HostileDescriptors : public Hostile {
 protected:
  void SetUp() override {
    bound_ms_ = 5000;
    Hostile::SetUp();
  }
  std::string Ticket() {  // of a socket that has gone from the session
    const RawReply r = session_.Do(kGetDescriptor, Pb().V(1, session_.Socket(AF_INET, SOCK_STREAM)).V(2, 1));
    EXPECT_EQ(0, r.error());
    return PbBytes(r.body, 2);
  }
  // What was given goes at once, and not when its time is up.
  void Dispose(const std::string &ticket) {
    const RawReply r = session_.Do(kFromShare, Pb().B(1, ticket));
    EXPECT_EQ(0, r.error());
    EXPECT_EQ(0, session_.Do(kClose, Pb().V(1, r.handle())).error());
  }
  // The session goes on.
  void ExpectGoesOn() {
    const uint32_t s = session_.Socket(AF_INET, SOCK_STREAM);
    EXPECT_NE(0u, s);
    session_.Do(kClose, Pb().V(1, s));
  }
  // The desk serves others, now.
  void ExpectServes() {
    RawDesk desk(address());
    RawPacket r = desk.Do(Pb().B(1, "x"));
    EXPECT_EQ(ENOENT, r.error());
  }

  RawClient client_{address()};
  RawSession session_{client_};
};

constexpr char kForged[] = "0123456789abcdef0123456789abcdef";

// ---- packets ----------------------------------------------------------------------

TEST_F(HostileDescriptors, WhatIsNoRequestEndsTheConnection) {
  for (const std::string &packet :
       {std::string("\xff\xff\xff\xff"), std::string(128, '\0'), std::string(129, 'x'), std::string(4000, '\n'),
        std::string(Pb().V(2, 0)), std::string(Pb().V(7, 1)), std::string("\x0a\x7f" "abc"),
        std::string(Pb().B(1, std::string(300, 'a')))}) {
    RawDesk desk(address());
    EXPECT_EQ(EBADMSG, desk.Do(packet).error()) << packet.size();
    EXPECT_EQ(-1, desk.Receive().error()) << "it has ended";
  }
  RawDesk empty(address());
  EXPECT_EQ(-1, empty.Do("").error());
  ExpectServes();
}

TEST_F(HostileDescriptors, NoneOrTooManyAreInvalid) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  RawDesk desk(address());
  for (size_t n : {size_t{0}, size_t{2}, size_t{253}})
    EXPECT_EQ(EINVAL, desk.Do(Pb().V(2, 1), std::vector<int>(n, fd)).error()) << n;
  Dispose(desk.Give(fd).ticket());  // the connection lives
  RawDesk taker(address());
  EXPECT_EQ(EBADMSG, taker.Do(Pb().B(1, kForged), {fd}).error()) << "who takes gives none";
  close(fd);
}

TEST_F(HostileDescriptors, CredentialsBesideItAreNotTheBrokersToHear) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const ucred own = {getpid(), getuid(), getgid()};
  std::string control(CMSG_SPACE(sizeof(own)), '\0');
  cmsghdr header = {};
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_CREDENTIALS;
  header.cmsg_len = CMSG_LEN(sizeof(own));
  memcpy(control.data(), &header, sizeof(header));
  memcpy(control.data() + CMSG_LEN(0), &own, sizeof(own));
  RawDesk desk(address());
  ASSERT_TRUE(desk.Send(Pb().V(2, 1), {fd}, control));
  Dispose(desk.Receive().ticket());
  close(fd);
}

// ---- tickets ----------------------------------------------------------------------

TEST_F(HostileDescriptors, ForgedAndUsedTicketsAreNone) {
  const std::string ticket = Ticket();
  std::string upper = ticket, longer = ticket + "0", shorter = ticket.substr(1), nul = ticket;
  for (char &c : upper) c = static_cast<char>(toupper(c));
  nul[31] = '\0';
  RawDesk desk(address());
  for (const std::string &forged : {std::string(kForged), std::string(), longer, shorter, nul})
    EXPECT_EQ(ENOENT, desk.Take(forged).error()) << forged;
  if (upper != ticket) { EXPECT_EQ(ENOENT, desk.Take(upper).error()); }
  EXPECT_EQ(0, desk.Take(ticket).error());
  EXPECT_EQ(ENOENT, desk.Take(ticket).error());
}

void TakeAnothers(const std::string &argument, int out) {
  const size_t space = argument.find(' ');
  RawDesk desk(argument.substr(0, space));
  Say(out, std::to_string(desk.Take(argument.substr(space + 1)).error()));
}

TEST_F(HostileDescriptors, AnothersTicketIsNone) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  const std::string ticket = Ticket();
  OtherProcess thief(kNobody, TakeAnothers, address() + " " + ticket);
  EXPECT_EQ(std::to_string(ENOENT) + "\n", thief.Line());
  RawDesk desk(address());
  EXPECT_EQ(0, desk.Take(ticket).error()) << "it is still the user's";
}

TEST_F(HostileDescriptors, GuessingIsToldOfAndNotTooOften) {
  RawDesk desk(address());
  for (int i = 0; i < 500; i++) ASSERT_EQ(ENOENT, desk.Take(kForged).error());
  const std::string log = broker_.Log(), line = "no descriptor for that ticket";
  size_t lines = 0;
  for (size_t at = 0; (at = log.find(line, at)) != std::string::npos; at++) lines++;
  EXPECT_LE(1u, lines);
  EXPECT_GE(200u, lines);
}

// ---- those who do not read ------------------------------------------------------------

TEST_F(HostileDescriptors, WhoDiesBeforeItComesLosesIt) {
  for (int i = 0; i < 100; i++) {
    RawDesk desk(address());
    ASSERT_TRUE(desk.Send(Pb().B(1, Ticket())));
  }
  ExpectServes();
}

TEST_F(HostileDescriptors, WhoNeverReadsIsEnded) {
  RawDesk desk(address());
  std::vector<std::string> tickets;
  bool ended = false;
  for (int i = 0; i < 2000 && !ended; i++) {
    tickets.push_back(Ticket());
    ended = !desk.Send(Pb().B(1, tickets.back()));
    pollfd p = {desk.fd(), POLLOUT, 0};
    if (!ended && poll(&p, 1, kPatienceMs) != 1) break;
    ended = ended || (p.revents & POLLHUP);
  }
  EXPECT_TRUE(ended);
  RawDesk other(address());  // those that were not looked at any more would stay for a minute
  for (const std::string &ticket : tickets) (void)other.Take(ticket);
}

// ---- floods -----------------------------------------------------------------------

void OneExchange(const std::string &argument, int out) {
  RawDesk desk(argument);
  Say(out, std::to_string(desk.Do(Pb().B(1, "x")).error()));
}

TEST_F(HostileDescriptors, ConnectionsAreBoundedForEachUser) {
  std::deque<RawDesk> desks;
  int served = 0;
  for (int i = 0; i < 300; i++) {
    desks.emplace_back(address());
    served += desks.back().connected() && desks.back().Do(Pb().B(1, "x")).error() == ENOENT;
  }
  EXPECT_LE(1, served);
  EXPECT_GE(64, served);
  if (geteuid() != 0) return;
  OtherProcess other(kNobody, OneExchange, address());
  EXPECT_EQ(std::to_string(ENOENT) + "\n", other.Line()) << "there is room for others";
}

TEST_F(HostileDescriptors, GivesAreBoundedForEachUser) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::vector<std::string> tickets;
  RawDesk desk(address());
  for (int i = 0; i < 64; i++) tickets.push_back(desk.Give(fd).ticket());
  EXPECT_EQ(EMFILE, desk.Give(fd).error());
  close(fd);
  for (const std::string &t : tickets) Dispose(t);
}

// ---- kinds ------------------------------------------------------------------------

int IoUring() {
  char parameters[256] = {};
  return static_cast<int>(syscall(__NR_io_uring_setup, 1, parameters));
}

TEST_F(HostileDescriptors, WhatIsNeitherSocketNorFileIsRefused) {
  sigset_t none;
  sigemptyset(&none);
  const std::pair<const char *, int> kinds[] = {
      {"epoll", epoll_create1(EPOLL_CLOEXEC)}, {"eventfd", eventfd(0, EFD_CLOEXEC)},
      {"timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)}, {"signalfd", signalfd(-1, &none, SFD_CLOEXEC)},
      {"inotify", inotify_init1(IN_CLOEXEC)}, {"io_uring", IoUring()},
      {"pidfd", static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))},
      {"symlink", open("/proc/self/exe", O_PATH | O_NOFOLLOW | O_CLOEXEC)}};
  RawDesk desk(address());
  for (const auto &[name, fd] : kinds) {
    if (fd < 0) continue;  // the kernel has none such, or does not give it to us
    if (desk.Send(Pb().V(2, 1), {fd})) {  // newer kernels do not let io_uring's pass at all
      EXPECT_EQ(ENOTSOCK, desk.Receive().error()) << name;
    }
    close(fd);
  }
}

TEST_F(HostileDescriptors, UnixSocketsAreRefused) {
  int ends[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  RawDesk desk(address());
  EXPECT_EQ(EOPNOTSUPP, desk.Give(ends[0]).error());
  EXPECT_EQ(EOPNOTSUPP, desk.Give(desk.fd()).error()) << "itself least of all";
  for (int fd : ends) close(fd);
}

TEST_F(HostileDescriptors, ASocketOfAnotherNetworkIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to make a network namespace";
  int there = -1;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }).join();
  ASSERT_LE(0, there);
  RawDesk desk(address());
  EXPECT_EQ(EXDEV, desk.Give(there).error());
  close(there);
}

// ---- closes that do not return ---------------------------------------------------------

TEST_F(HostileDescriptors, AGivenConnectionThatLingersHoldsUpNobody) {
  Lingerer lingerers[6];
  RawDesk desk(address());
  for (Lingerer &l : lingerers) {
    const RawReply r = session_.Do(kFromShare, Pb().B(1, desk.Give(l.fd()).ticket()));
    ASSERT_EQ(0, r.error());
    l.LetGo();
    session_.Put(kClose, Pb().V(1, r.handle()));
  }
  session_.Flush();
  ExpectGoesOn();
  ExpectServes();
  EXPECT_EQ("", watcher_->Complaint(bound_ms_));
}

TEST_F(HostileDescriptors, NorOneThatWasRefused) {
  for (int i = 0; i < 6; i++) {
    Lingerer l;
    RawDesk desk(address());
    ASSERT_TRUE(desk.Send("no packet", {l.fd()}));
    l.LetGo();
    EXPECT_EQ(EBADMSG, desk.Receive().error());
    ExpectServes();
  }
}

TEST_F(HostileDescriptors, NorOneThatLiesInTheDeskUnread) {
  Lingerer lingerers[6];
  for (Lingerer &l : lingerers) {
    RawDesk desk(address());
    desk.Send("no packet");
    desk.Send(Pb().V(2, 1), {l.fd()});  // behind it, if that has not been read yet
    l.LetGo();
  }
  ExpectServes();
}

// One end of a UNIX connection is ours, and the other the session's.
class Received : public HostileDescriptors {
 protected:
  void SetUp() override {
    HostileDescriptors::SetUp();
    int ends[2];
    const std::string path = broker_.folder() + "/s";
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, path.size());
    ends[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(0, bind(ends[0], reinterpret_cast<sockaddr *>(&name), sizeof(name)));
    ASSERT_EQ(0, listen(ends[0], 1));
    theirs_ = session_.Socket(AF_UNIX, SOCK_STREAM);
    chmod(path.c_str(), 0666);
    ASSERT_EQ(0, session_.Do(kConnect, Pb().V(1, theirs_).B(2, UnixAddress(path))).error());
    ours_ = accept4(ends[0], nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_LE(0, ours_);
    close(ends[0]);
  }
  void TearDown() override {
    if (ours_ >= 0) close(ours_);
    session_.Put(kClose, Pb().V(1, theirs_));
    session_.Flush();
    HostileDescriptors::TearDown();
  }
  void Pass(int fd) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    char c = 'x';
    iovec iov = {&c, 1};
    msghdr m = {};
    m.msg_iov = &iov;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof(control);
    cmsghdr *header = CMSG_FIRSTHDR(&m);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    ASSERT_EQ(1, sendmsg(ours_, &m, MSG_NOSIGNAL));
  }
  int ours_ = -1;
  uint32_t theirs_ = 0;
};

TEST_F(Received, AConnectionThatLingersWithoutRoomForItHoldsUpNobody) {
  Lingerer lingerers[6];
  for (Lingerer &l : lingerers) {
    Pass(l.fd());
    l.LetGo();
    const RawReply r = session_.Do(kRecv, Pb().V(1, theirs_).V(2, 1));
    EXPECT_EQ("x", PbBytes(r.body, 2));
    EXPECT_EQ(static_cast<uint64_t>(MSG_CTRUNC), PbNumber(r.body, 3)) << "as from the kernel";
  }
  EXPECT_EQ("", watcher_->Complaint(bound_ms_));
}

TEST_F(Received, NorOneThatNobodyReceives) {
  Lingerer l;
  Pass(l.fd());
  l.LetGo();
  session_.Put(kClose, Pb().V(1, theirs_));
  session_.Flush();
  ExpectGoesOn();
  EXPECT_EQ("", watcher_->Complaint(bound_ms_));
}

TEST_F(Received, AsManyAsFitAreHandedOn) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (const auto &[room, cut] : {std::pair<size_t, bool>{CMSG_LEN(sizeof(int)), false},
                                  {CMSG_LEN(0), true}, {CMSG_LEN(3), true}, {5, true}, {0, true}}) {
    Pass(fd);
    const RawReply r = session_.Do(kRecv, Pb().V(1, theirs_).V(2, 1).V(5, room));
    EXPECT_EQ(cut ? static_cast<uint64_t>(MSG_CTRUNC) : 0, PbNumber(r.body, 3)) << room;
    EXPECT_EQ(cut, PbBytes(r.body, 6).empty()) << room;
    const std::string packed = PbBytes(PbBytes(PbBytes(r.body, 6), 4), 1);
    uint64_t handle = 0;
    for (size_t i = 0; i < packed.size(); i++) handle |= static_cast<uint64_t>(packed[i] & 0x7f) << (7 * i);
    if (!cut) { EXPECT_EQ(0, session_.Do(kClose, Pb().V(1, handle)).error()); }
  }
  close(fd);
}

// ---- files of a file system that does not answer -----------------------------------------

void CloseAFewThings(const std::string &address, int out) {
  RawClient client(address);
  RawSession session(client);
  RawDesk desk(address);
  uint32_t a = 0, b = 0;
  bool good = true;
  for (int i = 0; i < 8 && good; i++) {
    const int file = memfd_create("file", MFD_CLOEXEC);
    const RawReply r = session.Do(kFromShare, Pb().B(1, desk.Give(file).ticket()));
    good = r.error() == 0 && session.Do(kClose, Pb().V(1, r.handle())).error() == 0 &&
           MakePair(session, SOCK_SEQPACKET, &a, &b) && session.Do(kClose, Pb().V(1, a)).error() == 0;
    close(file);
  }
  Say(out, good ? "good" : "bad");
}

class SlowFiles : public HostileDescriptors {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to mount";
    HostileDescriptors::SetUp();
    slow_.reset(new SlowFile(broker_.folder() + "/slow"));
    if (!slow_->mounted()) GTEST_SKIP() << "no FUSE here";
  }
  void TearDown() override {
    if (!watcher_) return;
    if (slow_) slow_->Release();
    HostileDescriptors::TearDown();
    slow_.reset();
  }
  int Open() {
    files_.push_back(slow_->Open());
    EXPECT_LE(0, files_.back()) << strerror(errno);
    return files_.back();
  }
  void AwaitWaiting(int n) {
    for (int i = 0; i < 500 && slow_->Waiting() < n; i++) poll(nullptr, 0, 10);
    EXPECT_LE(n, slow_->Waiting());
  }
  void ExpectOthersAreServed() {
    OtherProcess other(kNobody, CloseAFewThings, address());
    EXPECT_EQ("good\n", other.Line(bound_ms_ > 0 ? 20000 : 0));
    ExpectServes();
    EXPECT_EQ("", watcher_->Complaint(bound_ms_));
  }
  std::unique_ptr<SlowFile> slow_;
  std::vector<int> files_;
};

TEST_F(SlowFiles, ClosingThemHoldsUpNobodyElse) {
  RawDesk desk(address());
  for (int i = 0; i < 8; i++) {
    const RawReply r = session_.Do(kFromShare, Pb().B(1, desk.Give(Open()).ticket()));
    ASSERT_EQ(0, r.error());
    session_.Put(kClose, Pb().V(1, r.handle()));
  }
  session_.Flush();
  AwaitWaiting(4);
  ExpectOthersAreServed();
  ExpectGoesOn();
  slow_->Release();
  for (int fd : files_) close(fd);
}

TEST_F(SlowFiles, NorDoesItThatTheyAreRefused) {
  for (int i = 0; i < 8; i++) {
    RawDesk desk(address());
    EXPECT_EQ(EBADMSG, desk.Do("no packet", {Open()}).error());
  }
  AwaitWaiting(4);
  ExpectOthersAreServed();
  slow_->Release();
  for (int fd : files_) close(fd);
}

}  // namespace
