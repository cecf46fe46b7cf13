/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_test.h"

#include "sockbroker/v1/types.pb-c.h"

TEST_F(WireTest, EveryPieceIsAlignedForAnyType)
{
	for (size_t n = 0; n < 100; n++)
		EXPECT_EQ(reinterpret_cast<uintptr_t>(arena_alloc(&arena, n)) % 16, 0u) << n;
}

TEST_F(WireTest, AFewPiecesNeedNoHeap)
{
	for (int i = 0; i < ARENA_INLINE_BYTES / 16; i++)
		ASSERT_NE(arena_alloc(&arena, 16), nullptr);
	EXPECT_EQ(arena.heap_bytes, 0u);
	ASSERT_NE(arena_alloc(&arena, 1), nullptr);
	EXPECT_GT(arena.heap_bytes, 0u);
}

TEST_F(WireTest, PiecesDoNotOverlapWhileItGrows)
{
	uint8_t *pieces[500];

	for (int i = 0; i < 500; i++) {
		pieces[i] = static_cast<uint8_t *>(arena_alloc(&arena, static_cast<size_t>(i)));
		memset(pieces[i], i & 0xff, static_cast<size_t>(i));
	}
	for (int i = 0; i < 500; i++)
		for (int j = 0; j < i; j++)
			ASSERT_EQ(pieces[i][j], i & 0xff);
}

TEST_F(WireTest, APieceLargerThanAChunkIsWhole)
{
	size_t n = 1 << 20;
	void *piece = arena_zalloc(&arena, n);

	ASSERT_NE(piece, nullptr);
	memset(piece, 7, n);
	EXPECT_GE(arena.heap_bytes, n);
}

TEST_F(WireTest, ASizeThatWouldWrapIsRefused)
{
	EXPECT_EQ(arena_alloc(&arena, SIZE_MAX), nullptr);
	EXPECT_EQ(arena_alloc(&arena, SIZE_MAX - 15), nullptr);
	EXPECT_EQ(arena_zalloc(&arena, SIZE_MAX / 2 + 1), nullptr);
	EXPECT_NE(arena_alloc(&arena, 16), nullptr);
}

TEST_F(WireTest, ZallocGivesZerosWhereOtherBytesWere)
{
	memset(arena_alloc(&arena, 256), 0xff, 256);
	arena_reset(&arena);
	auto *piece = static_cast<uint8_t *>(arena_zalloc(&arena, 256));

	for (int i = 0; i < 256; i++)
		ASSERT_EQ(piece[i], 0);
}

TEST_F(WireTest, ResetGivesTheInlineBytesAgain)
{
	void *first = arena_alloc(&arena, 16);

	arena_alloc(&arena, 100000);
	arena_reset(&arena);
	EXPECT_EQ(arena.heap_bytes, 0u);
	EXPECT_EQ(arena_alloc(&arena, 16), first);
}

TEST_F(WireTest, AMessageIsUnpackedIntoIt)
{
	/* Address { vsock { cid: 2 port: 80 } } */
	const uint8_t packed[] = { 0x3a, 4, 0x08, 2, 0x10, 80 };
	auto *m = sockbroker__v1__address__unpack(allocator(), sizeof(packed), packed);

	ASSERT_NE(m, nullptr);
	ASSERT_EQ(m->kind_case, SOCKBROKER__V1__ADDRESS__KIND_VSOCK);
	EXPECT_EQ(m->vsock->port, 80u);
	sockbroker__v1__address__free_unpacked(m, allocator()); /* does nothing, and may be called */
}
