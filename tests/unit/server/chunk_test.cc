// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "c_headers.h"

namespace {

class ChunkFrame : public testing::Test {
 protected:
  static void SetUpTestSuite() { grpc_init(); }
  static void TearDownTestSuite() { grpc_shutdown(); }
};

// As protobuf writes it.
std::string Packed(const std::string &data, bool large_numbers = false) {
  Sockbroker__V1__Chunk c = SOCKBROKER__V1__CHUNK__INIT;
  c.handle = large_numbers ? UINT32_MAX : 5;
  c.kind = SOCKBROKER__V1__CHUNK__KIND__SEND;
  c.id = large_numbers ? UINT64_MAX : 9;
  c.flags = large_numbers ? UINT32_MAX : 0;
  c.count = large_numbers ? UINT64_MAX : 0;
  c.more = true;
  c.timeout_case = SOCKBROKER__V1__CHUNK__TIMEOUT_TIMEOUT_NS;
  c.timeout_ns = large_numbers ? UINT64_MAX : 1;
  c.data = {data.size(), reinterpret_cast<uint8_t *>(const_cast<char *>(data.data()))};
  std::string bytes(sockbroker__v1__chunk__get_packed_size(&c), '\0');
  sockbroker__v1__chunk__pack(&c, reinterpret_cast<uint8_t *>(bytes.data()));
  return bytes;
}

grpc_byte_buffer *Buffer(const std::vector<std::string> &parts) {
  std::vector<grpc_slice> slices;
  for (auto &p : parts) slices.push_back(grpc_slice_from_copied_buffer(p.data(), p.size()));
  grpc_byte_buffer *b = grpc_raw_byte_buffer_create(slices.data(), slices.size());
  for (auto &s : slices) grpc_slice_unref(s);
  return b;
}

std::string DataOf(const struct chunk *c) {
  std::string data;
  for (size_t i = 0; i < c->n_pieces; i++)
    data.append(static_cast<char *>(c->pieces[i].iov_base), c->pieces[i].iov_len);
  return data;
}

void ExpectRead(const std::vector<std::string> &parts, const std::string &data) {
  struct chunk *c = chunk_read(Buffer(parts));
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->header->kind, SOCKBROKER__V1__CHUNK__KIND__SEND);
  EXPECT_TRUE(c->header->more);
  EXPECT_EQ(c->length, data.size());
  EXPECT_EQ(DataOf(c), data);
  chunk_free(c);
}

void ExpectMalformed(const std::vector<std::string> &parts) {
  struct chunk *c = chunk_read(Buffer(parts));
  EXPECT_EQ(c, nullptr);
  chunk_free(c);
}

TEST_F(ChunkFrame, IsReadWhereverItIsCutIntoTwoSlices) {
  for (bool large : {false, true}) {
    std::string bytes = Packed("the data of one piece", large);
    for (size_t cut = 0; cut <= bytes.size(); cut++)
      ExpectRead({bytes.substr(0, cut), bytes.substr(cut)}, "the data of one piece");
  }
}

TEST_F(ChunkFrame, IsReadWhereverItIsCutIntoThreeSlices) {
  std::string bytes = Packed("0123456789");
  for (size_t a = 0; a <= bytes.size(); a++)
    for (size_t b = a; b <= bytes.size(); b++)
      ExpectRead({bytes.substr(0, a), bytes.substr(a, b - a), bytes.substr(b)}, "0123456789");
}

TEST_F(ChunkFrame, CutIntoSingleBytesItIsPutTogetherAgain) {
  std::string data(3 * CHUNK_PIECES_MAX, '\0');
  for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<char>(i * 7);
  std::string bytes = Packed(data);
  std::vector<std::string> crumbs;
  for (char c : bytes) crumbs.emplace_back(1, c);
  ExpectRead(crumbs, data);
}

TEST_F(ChunkFrame, WithoutDataItHasNoPieces) {
  struct chunk *c = chunk_read(Buffer({Packed("")}));
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->n_pieces, 0u);
  EXPECT_EQ(c->length, 0u);
  EXPECT_EQ(c->header->handle, 5u);
  chunk_free(c);
}

TEST_F(ChunkFrame, AnEmptyMessageIsAChunkThatSaysNothing) {
  struct chunk *c = chunk_read(Buffer({}));
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->header->kind, SOCKBROKER__V1__CHUNK__KIND__NONE);
  chunk_free(c);
}

TEST_F(ChunkFrame, LessDataThanItSaysIsMalformed) {
  std::string bytes = Packed("0123456789");
  for (size_t cut = 1; cut <= 10; cut++) ExpectMalformed({bytes.substr(0, bytes.size() - cut)});
}

TEST_F(ChunkFrame, MoreDataThanItSaysIsMalformed) {
  ExpectMalformed({Packed("0123456789") + "x"});
  ExpectMalformed({Packed("0123456789"), "x"});
}

TEST_F(ChunkFrame, AFieldBehindTheDataIsMalformed) {
  ExpectMalformed({Packed("0123456789") + std::string("\x20\x09", 2)});
}

TEST_F(ChunkFrame, AHugeLengthIsMalformed) {
  ExpectMalformed({std::string("\x7a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01zz", 13)});
  ExpectMalformed({std::string("\x7a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 13)});
}

TEST_F(ChunkFrame, AnotherLengthDelimitedFieldIsMalformed) {
  ExpectMalformed({std::string("\x12\x01z", 3)});
  ExpectMalformed({std::string("\xa2\x06\x01z", 4)});
}

TEST_F(ChunkFrame, AHeaderThatDoesNotEndIsMalformed) {
  std::string endless;
  for (int i = 0; i < 200; i++) endless += std::string("\x20\x09", 2);
  ExpectMalformed({endless});
  ExpectMalformed({endless + Packed("x")});
}

TEST_F(ChunkFrame, NoBytesMakeItReadBeyondTheEnd) {
  std::mt19937 random(11);
  std::string good = Packed("0123456789", true);
  int read = 0;
  for (int i = 0; i < 20000; i++) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (int k = 0; k < 2 && !bytes.empty(); k++)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    size_t cut = random() % (bytes.size() + 1);
    struct chunk *c = chunk_read(Buffer({bytes.substr(0, cut), bytes.substr(cut)}));
    if (c) {
      read++;
      EXPECT_EQ(DataOf(c).size(), c->length);
    }
    chunk_free(c);
  }
  EXPECT_GT(read, 0);
}

TEST_F(ChunkFrame, WhatIsWrittenIsReadAgainAndIsWhatProtobufWrites) {
  for (size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 262144u}) {
    std::string data(size, 'd');
    Sockbroker__V1__Chunk header = SOCKBROKER__V1__CHUNK__INIT;
    header.id = 9;
    header.count = size;
    header.more = true;
    grpc_byte_buffer *b =
        chunk_write(&header, grpc_slice_from_copied_buffer(data.data(), data.size()));
    struct flat flat;
    ASSERT_TRUE(flat_init(&flat, grpc_byte_buffer_copy(b)));
    auto *whole = sockbroker__v1__chunk__unpack(nullptr, flat.length, flat.data);
    flat_done(&flat);
    ASSERT_NE(whole, nullptr);
    EXPECT_EQ(whole->data.len, size);
    sockbroker__v1__chunk__free_unpacked(whole, nullptr);

    struct chunk *c = chunk_read(b);
    ASSERT_NE(c, nullptr) << size;
    EXPECT_EQ(c->header->id, 9u);
    EXPECT_EQ(c->header->count, size);
    EXPECT_EQ(DataOf(c), data);
    chunk_free(c);
  }
}

}  // namespace
