// SPDX-License-Identifier: Apache-2.0
#include <grpc/byte_buffer_reader.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

#include "c_headers.h"

namespace {

class Codec : public testing::Test {
 protected:
  static void SetUpTestSuite() { grpc_init(); }
  static void TearDownTestSuite() { grpc_shutdown(); }
};

// Each length's last value and the next one's first.
std::vector<uint64_t> Boundaries() {
  std::vector<uint64_t> all = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT32_MAX};
  for (unsigned bits = 7; bits < 64; bits += 7) {
    all.push_back((1ull << bits) - 1);
    all.push_back(1ull << bits);
  }
  return all;
}

TEST_F(Codec, AVarintComesBackAtEveryLengthsBoundary) {
  for (uint64_t value : Boundaries()) {
    uint8_t bytes[10];
    uint64_t back = ~value;
    uint8_t *end = varint_put(bytes, value);
    EXPECT_EQ(static_cast<size_t>(end - bytes), varint_size(value)) << value;
    EXPECT_EQ(varint_get(bytes, end, &back), end) << value;
    EXPECT_EQ(back, value);
  }
}

TEST_F(Codec, ACutVarintIsNone) {
  for (uint64_t value : Boundaries()) {
    uint8_t bytes[10];
    uint64_t back;
    uint8_t *end = varint_put(bytes, value);
    for (uint8_t *cut = bytes; cut < end; cut++)
      EXPECT_EQ(varint_get(bytes, cut, &back), nullptr) << value;
  }
}

TEST_F(Codec, AVarintOfMoreThanTenBytesIsNone) {
  uint64_t back;
  const uint8_t endless[16] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                               0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
  EXPECT_EQ(varint_get(endless, endless + sizeof(endless), &back), nullptr);
}

std::string PackBatch() {
  Sockbroker__V1__RequestBatch batch = SOCKBROKER__V1__REQUEST_BATCH__INIT;
  Sockbroker__V1__Request requests[3], *list[3];
  Sockbroker__V1__CloseRequest close = SOCKBROKER__V1__CLOSE_REQUEST__INIT;
  close.handle = 300;
  for (size_t i = 0; i < 3; i++) {
    sockbroker__v1__request__init(&requests[i]);
    requests[i].id = 1000 + i;
    requests[i].op_case = SOCKBROKER__V1__REQUEST__OP_CLOSE;
    requests[i].close = &close;
    list[i] = &requests[i];
  }
  batch.requests = list;
  batch.n_requests = 3;
  std::string bytes(sockbroker__v1__request_batch__get_packed_size(&batch), '\0');
  sockbroker__v1__request_batch__pack(&batch, reinterpret_cast<uint8_t *>(bytes.data()));
  return bytes;
}

// How many elements there are, or -EPROTO. They must lie within the bytes. The bytes are
// copied to a place of just that size, so that a sanitizer sees a read beyond.
int Walk(const std::string &bytes) {
  std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  const uint8_t *at = exact.data(), *end = at + exact.size(), *data = nullptr;
  size_t length = 0;
  int n = 0, r;
  while ((r = batch_next(&at, end, &data, &length)) > 0) {
    EXPECT_LE(data + length, end);
    n++;
  }
  return r < 0 ? r : n;
}

TEST_F(Codec, ABatchOfProtobufsIsWalkedElementByElement) {
  std::string bytes = PackBatch();
  const uint8_t *at = reinterpret_cast<const uint8_t *>(bytes.data()), *end = at + bytes.size();
  const uint8_t *data;
  size_t length;
  for (uint64_t id = 1000; id < 1003; id++) {
    ASSERT_EQ(batch_next(&at, end, &data, &length), 1);
    Sockbroker__V1__Request *r = sockbroker__v1__request__unpack(nullptr, length, data);
    ASSERT_NE(r, nullptr);
    EXPECT_EQ(r->id, id);
    EXPECT_EQ(r->close->handle, 300u);
    sockbroker__v1__request__free_unpacked(r, nullptr);
  }
  EXPECT_EQ(batch_next(&at, end, &data, &length), 0);
}

TEST_F(Codec, AnEmptyBatchHasNoElements) { EXPECT_EQ(Walk(""), 0); }

TEST_F(Codec, ABatchCutWithinAnElementIsAnError) {
  std::string bytes = PackBatch();
  size_t element = bytes.size() / 3;
  for (size_t cut = 1; cut < bytes.size(); cut++) {
    int r = Walk(bytes.substr(0, cut));
    if (cut % element == 0)
      EXPECT_EQ(r, static_cast<int>(cut / element)) << cut;
    else
      EXPECT_EQ(r, -EPROTO) << cut;
  }
}

TEST_F(Codec, AnElementLongerThanTheMessageIsAnError) {
  EXPECT_EQ(Walk(std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)), -EPROTO);
  EXPECT_EQ(Walk(std::string("\x0a\x01", 2)), -EPROTO);
  EXPECT_EQ(Walk(std::string("\x0a\x80\x80\x80\x80\x10zz", 8)), -EPROTO);
}

TEST_F(Codec, AnotherFieldThanOneIsAnError) {
  EXPECT_EQ(Walk(std::string("\x12\x00", 2)), -EPROTO);
  EXPECT_EQ(Walk(std::string("\x08\x01", 2)), -EPROTO);
}

TEST_F(Codec, NoBytesMakeItReadBeyondTheEnd) {
  std::mt19937 random(3);
  for (int i = 0; i < 50000; i++) {
    std::string bytes(random() % 24, '\0');
    for (char &c : bytes) c = static_cast<char>(random() % 4 ? random() : 0x0a);
    int r = Walk(bytes);
    EXPECT_TRUE(r >= 0 || r == -EPROTO);
  }
}

TEST_F(Codec, RepliesAppendedAreTheReplyBatchThatProtobufReads) {
  struct outbuf out = {};
  Sockbroker__V1__RecvReply recv = SOCKBROKER__V1__RECV_REPLY__INIT;
  Sockbroker__V1__CloseReply closed = SOCKBROKER__V1__CLOSE_REPLY__INIT;
  Sockbroker__V1__Welcome welcome = SOCKBROKER__V1__WELCOME__INIT;
  std::string payload(70000, 'p');
  recv.data = {payload.size(), reinterpret_cast<uint8_t *>(payload.data())};
  closed.error = static_cast<Sockbroker__V1__Errno>(EBADF);
  welcome.token = const_cast<char *>("t");
  ASSERT_EQ(reply_append(&out, 1, SOCKBROKER__V1__REPLY__OP_RECV, &recv.base), 0);
  ASSERT_EQ(reply_append(&out, UINT64_MAX, SOCKBROKER__V1__REPLY__OP_CLOSE, &closed.base), 0);
  ASSERT_EQ(reply_append(&out, 128, SOCKBROKER__V1__REPLY__OP_WELCOME, &welcome.base), 0);

  auto *batch = sockbroker__v1__reply_batch__unpack(nullptr, out.length, out.data);
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->n_replies, 3u);
  EXPECT_EQ(batch->replies[0]->id, 1u);
  ASSERT_EQ(batch->replies[0]->op_case, SOCKBROKER__V1__REPLY__OP_RECV);
  EXPECT_EQ(batch->replies[0]->recv->data.len, payload.size());
  EXPECT_EQ(batch->replies[1]->id, UINT64_MAX);
  ASSERT_EQ(batch->replies[1]->op_case, SOCKBROKER__V1__REPLY__OP_CLOSE);
  EXPECT_EQ(batch->replies[1]->close->error, EBADF);
  ASSERT_EQ(batch->replies[2]->op_case, SOCKBROKER__V1__REPLY__OP_WELCOME);
  EXPECT_STREQ(batch->replies[2]->welcome->token, "t");
  sockbroker__v1__reply_batch__free_unpacked(batch, nullptr);
  outbuf_free(&out);
}

TEST_F(Codec, AnOutbufGrowsAndKeepsWhatItHolds) {
  struct outbuf out = {};
  std::string model;
  for (size_t n : {1u, 511u, 1u, 4096u, 0u, 100000u}) {
    uint8_t *at = outbuf_reserve(&out, n);
    ASSERT_NE(at, nullptr);
    memset(at, static_cast<int>('a' + model.size() % 26), n);
    model.append(n, static_cast<char>('a' + model.size() % 26));
    out.length += n;
    ASSERT_GE(out.capacity, out.length);
  }
  EXPECT_EQ(std::string(reinterpret_cast<char *>(out.data), out.length), model);
  outbuf_free(&out);
  EXPECT_EQ(out.capacity, 0u);
}

TEST_F(Codec, AnImpossibleReservationIsRefused) {
  struct outbuf out = {};
  EXPECT_EQ(outbuf_reserve(&out, SIZE_MAX), nullptr);
  EXPECT_EQ(outbuf_reserve(&out, SIZE_MAX / 4 + 1), nullptr);
  outbuf_free(&out);
}

TEST_F(Codec, AnOutbufThatWasTakenIsEmptyAndTheMessageWhole) {
  struct outbuf out = {};
  uint8_t *at = outbuf_reserve(&out, 5);
  memcpy(at, "hello", 5);
  out.length = 5;
  grpc_byte_buffer *message = outbuf_take(&out);
  EXPECT_EQ(out.data, nullptr);
  EXPECT_EQ(out.length, 0u);
  struct flat flat;
  ASSERT_TRUE(flat_init(&flat, message));
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(flat.data), flat.length), "hello");
  flat_done(&flat);
}

TEST_F(Codec, AMessageInSeveralSlicesIsReadInOnePiece) {
  grpc_slice slices[3] = {grpc_slice_from_copied_string("ab"), grpc_empty_slice(),
                          grpc_slice_from_copied_string("cde")};
  grpc_byte_buffer *message = grpc_raw_byte_buffer_create(slices, 3);
  for (auto &s : slices) grpc_slice_unref(s);
  struct flat flat;
  ASSERT_TRUE(flat_init(&flat, message));
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(flat.data), flat.length), "abcde");
  flat_done(&flat);
}

}  // namespace
