// SPDX-License-Identifier: Apache-2.0
//
// What was taken from the kernel, and nobody heard: it comes first for the next one.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "call_fixture.h"
#include "ops/offers.h"

namespace {

using sb_test::Answer;
using sb_test::CallEngine;
using sb_test::Pair;

TEST_F(CallEngine, BytesThatWereNotHeardComeFirstAndAreCutAsAStreamIs) {
  stream_.Write("abcdef");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  ASSERT_EQ(lost->data(), "abcd");
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "abc");
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "d") << "what is left of it";
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "ef");
}

TEST_F(CallEngine, BytesThatWereNotHeardWakeOneWhoWaits) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  Answer *waits = e_.Recv(stream_.handle, 4);
  e_.Undo(lost);
  e_.Free(lost);
  ASSERT_TRUE(e_.RunUntil(waits));
  EXPECT_EQ(waits->data(), "ab");
}

TEST_F(CallEngine, PollSaysThatBytesWhichWereNotHeardCanBeReceived) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  uint32_t handle = stream_.handle, events = POLLIN;
  Answer *poll = e_.Begin<Sockbroker__V1__PollRequest>("Poll", [&](auto *q) {
    q->n_handles = q->n_events = 1;
    q->handles = &handle;
    q->events = &events;
    q->timeout_case = SOCKBROKER__V1__POLL_REQUEST__TIMEOUT_TIMEOUT_NS;
  });
  ASSERT_TRUE(e_.IsDone(poll));
  EXPECT_EQ(poll->reply<Sockbroker__V1__PollReply>()->count, 1u);
  EXPECT_EQ(e_.Recv(stream_.handle, 4)->data(), "ab");
}

TEST_F(CallEngine, ASocketWithBytesThatWereNotHeardIsNotShared) {
  const auto share = [this] {
    return e_.Begin<Sockbroker__V1__ShareRequest>("Share", [this](auto *q) { q->handle = stream_.handle; })
        ->template reply<Sockbroker__V1__ShareReply>()->error;
  };
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(share(), EBUSY);
  EXPECT_EQ(e_.Recv(stream_.handle, 4)->data(), "ab");
  EXPECT_EQ(share(), 0);
  offers_expire(UINT64_MAX);
}

TEST_F(CallEngine, APeekAtBytesThatWereNotHeardLeavesThem) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(stream_.handle, 1, 0, 0, MSG_PEEK)->data(), "a");
  EXPECT_EQ(e_.Recv(stream_.handle, 4)->data(), "ab");
}

TEST_F(CallEngine, ADatagramThatWasNotHeardIsCutAndTheRestIsGone) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  d.Write("abcdef");
  d.Write("next");
  Answer *lost = e_.Recv(d.handle, 10, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  Answer *cut = e_.Recv(d.handle, 3, -1, 0, MSG_TRUNC);
  auto *r = cut->reply<Sockbroker__V1__RecvReply>();
  EXPECT_EQ(cut->data(), "abc");
  EXPECT_EQ(r->length, 6u);
  EXPECT_TRUE(r->flags & MSG_TRUNC);
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "next");
  close(d.fd);
}

TEST_F(CallEngine, AnEmptyDatagramThatWasNotHeardIsGivenBackToo) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  d.Write("");
  d.Write("next");
  Answer *lost = e_.Recv(d.handle, 10, -1, 0, 0, true);
  EXPECT_EQ(lost->data(), "");
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "");
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "next");
  close(d.fd);
}

TEST_F(CallEngine, DatagramsOfARecvManyThatWasNotHeardComeOneByOneInTheirOrder) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  uint32_t lengths[] = {10, 10, 10};
  for (const char *text : {"one", "", "three"}) d.Write(text);
  Answer *lost = e_.Begin<Sockbroker__V1__RecvManyRequest>(
      "RecvMany",
      [&](auto *q) { q->handle = d.handle, q->lengths = lengths, q->n_lengths = 3; }, 0, false,
      true);
  ASSERT_EQ(lost->reply<Sockbroker__V1__RecvManyReply>()->n_sizes, 3u);
  d.Write("four");
  e_.Undo(lost);
  e_.Free(lost);
  for (const char *text : {"one", "", "three", "four"})
    EXPECT_EQ(e_.Recv(d.handle, 10, 0)->data(), text);
  close(d.fd);
}

TEST_F(CallEngine, BytesThatWereNotHeardKeepTheirOrderWhoeverGivesUpFirst) {
  stream_.Write("abcdef");
  Answer *first = e_.Recv(stream_.handle, 2, -1, 0, 0, true);
  Answer *second = e_.Recv(stream_.handle, 2, -1, 0, 0, true);
  e_.Undo(second);
  e_.Free(second);
  e_.Undo(first);
  e_.Free(first);
  Answer *part = e_.Recv(stream_.handle, 1, -1, 0, 0, true);
  ASSERT_EQ(part->data(), "a");
  e_.Undo(part);
  e_.Free(part);
  for (const char *text : {"a", "b", "cd", "ef"}) EXPECT_EQ(e_.Recv(stream_.handle, 2, 0)->data(), text);
}

TEST_F(CallEngine, ARecvManyGetsDatagramsThatWereNotHeard) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  uint32_t lengths[] = {10, 2, 10};
  for (const char *text : {"one", "two"}) d.Write(text);
  Answer *first = e_.Recv(d.handle, 10, -1, 0, 0, true);
  Answer *second = e_.Recv(d.handle, 10, -1, 0, 0, true);
  e_.Undo(second);
  e_.Free(second);
  e_.Undo(first);
  e_.Free(first);
  Answer *many = e_.Begin<Sockbroker__V1__RecvManyRequest>(
      "RecvMany",
      [&](auto *q) {
        q->handle = d.handle, q->lengths = lengths, q->n_lengths = 3, q->want_address = 1;
        q->control_length = 64;
      },
      0, false, true);
  ASSERT_TRUE(e_.IsDone(many));
  auto *r = many->reply<Sockbroker__V1__RecvManyReply>();
  ASSERT_EQ(r->n_sizes, 2u);
  EXPECT_EQ(std::string(reinterpret_cast<char *>(r->data.data), r->data.len), "onetw");
  EXPECT_TRUE(r->flags[1] & MSG_TRUNC);
  EXPECT_EQ(r->n_addresses, 2u);
  EXPECT_EQ(r->n_control, 2u);
  e_.Undo(many);
  e_.Free(many);
  EXPECT_EQ(e_.Recv(d.handle, 10, 0)->data(), "one");
  EXPECT_EQ(e_.Recv(d.handle, 10, 0)->data(), "tw") << "what was cut is gone";
  close(d.fd);
}

TEST_F(CallEngine, AConnectionThatWasNotHeardOfIsTheNextOnesAndItsNumberIsFree) {
  struct sockaddr_in name = {};
  socklen_t len = sizeof(name);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&name), len), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&name), &len), 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr *>(&name), len), 0);
  uint32_t handle = e_.Adopt(listener, AF_INET, SOCK_STREAM);
  auto fill = [&](Sockbroker__V1__AcceptRequest *q) { q->handle = handle, q->new_handle = 50; };

  Answer *lost = e_.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill, 0, false, true);
  ASSERT_EQ(lost->error, 0);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.GetSockName(50)->error, -EBADF);
  Answer *next = e_.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill);
  ASSERT_TRUE(e_.IsDone(next));
  auto *r = next->reply<Sockbroker__V1__AcceptReply>();
  EXPECT_EQ(r->handle, 50u);
  ASSERT_NE(r->address, nullptr);
  EXPECT_EQ(r->address->kind_case, SOCKBROKER__V1__ADDRESS__KIND_INET);
  ASSERT_EQ(send(client, "hi", 2, 0), 2);
  Answer *got = e_.Recv(50, 10);
  ASSERT_TRUE(e_.RunUntil(got));
  EXPECT_EQ(got->data(), "hi");
  close(client);
}

TEST_F(CallEngine, WhatWasNotHeardGoesWithItsSocket) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Close(stream_.handle)->error, 0);
  EXPECT_EQ(e_.session()->account->sockets, 0u);
}

}  // namespace
