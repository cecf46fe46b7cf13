/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and handles: who has them, and who closes them. */
#include "cmsg_test.h"

#include <algorithm>

namespace {

TEST_F(CmsgTest, SentDescriptorsBecomeHandlesAndStayTheCallers)
{
	int fds[2] = { new_fd(), new_fd() };

	add(SOL_SOCKET, SCM_RIGHTS, fds);
	expect_round_trip();
	ASSERT_EQ(messages[0]->rights->n_handles, 2u);
	EXPECT_EQ(messages[0]->rights->handles[1], static_cast<uint32_t>(fds[1]) + 100);
	EXPECT_EQ(close(fds[0]), 0);
	EXPECT_EQ(close(fds[1]), 0);
}

TEST_F(CmsgTest, ADescriptorThatCannotBeSentIsTheAnswer)
{
	int fd = new_fd();

	add(SOL_SOCKET, SCM_RIGHTS, fd);
	table.refused = { fd };
	EXPECT_EQ(encode(), -ENOTSOCK);
	EXPECT_EQ(close(fd), 0); /* still the caller's */
}

TEST_F(CmsgTest, AReceivedDescriptorThatIsRefusedIsClosedAndTheOthersKept)
{
	int fds[3] = { new_fd(), new_fd(), new_fd() };

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	table.refused = { fds[1] };
	ASSERT_EQ(encode(), 0);
	EXPECT_TRUE(truncated);
	ASSERT_EQ(messages[0]->rights->n_handles, 2u);
	EXPECT_EQ(messages[0]->rights->handles[1], static_cast<uint32_t>(fds[2]) + 100);
	EXPECT_EQ(fcntl(fds[1], F_GETFD), -1);
	table.close_taken();
}

TEST_F(CmsgTest, WhenNoDescriptorIsKeptThereIsNoMessage)
{
	int fd = new_fd();

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fd);
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	table.refused = { fd };
	ASSERT_EQ(encode(), 0);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(messages[0]->type, IP_TTL);
	EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

/* The fixture counts descriptors: each of these would leak some. */
TEST_F(CmsgTest, OwnedDescriptorsAreClosedWhereRightsAreRefused)
{
	int fds[2] = { new_fd(), new_fd() };
	cmsg_rights r = { nullptr, true, nullptr, nullptr, nullptr, nullptr };

	add(SOL_SOCKET, SCM_RIGHTS, fds);
	EXPECT_EQ(encode(r), -EINVAL);
}

TEST_F(CmsgTest, OwnedDescriptorsAreClosedWhenALaterMessageIsMalformed)
{
	int fds[2] = { new_fd(), new_fd() };
	size_t at;

	owned = true;
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	at = control.size();
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	reinterpret_cast<cmsghdr *>(&control[at])->cmsg_len = 3;
	EXPECT_EQ(encode(), -EINVAL);
	EXPECT_TRUE(table.taken.empty());
}

TEST_F(CmsgTest, HandlesOfFilesAreMarkedWhereThereAreAny)
{
	int fds[2] = { new_fd(), new_fd() };
	static uint32_t file;
	cmsg_rights r = rights();

	add(SOL_SOCKET, SCM_RIGHTS, fds);
	ASSERT_EQ(encode(r), 0);
	ASSERT_EQ(messages[0]->rights->n_handles, 2u);
	EXPECT_EQ(messages[0]->rights->n_files, 0u);
	file = messages[0]->rights->handles[1];
	r.is_file = [](void *, uint32_t handle) { return handle == file; };
	ASSERT_EQ(encode(r), 0);
	ASSERT_EQ(messages[0]->rights->n_files, 2u);
	EXPECT_FALSE(messages[0]->rights->files[0]);
	EXPECT_TRUE(messages[0]->rights->files[1]);
	for (int fd : fds)
		close(fd);
}

/* Whoever is given them closes them when he likes. */
TEST_F(CmsgTest, WhatIsRefusedIsClosedByWhomeverWeSay)
{
	static std::vector<int> given;
	int fd = new_fd();
	cmsg_rights r = { nullptr, true, nullptr, nullptr, nullptr, nullptr };

	given.clear();
	r.close_aside = [](void *, int refused) { given.push_back(refused); };
	add(SOL_SOCKET, SCM_RIGHTS, fd);
	EXPECT_EQ(encode(r), -EINVAL);
	EXPECT_EQ(given, std::vector<int>{ fd });
	EXPECT_EQ(close(fd), 0);
}

struct scarce {
	int left;
};

void *scarce_alloc(void *data, size_t size)
{
	return static_cast<scarce *>(data)->left-- > 0 ? malloc(size) : nullptr;
}

void scarce_free(void *, void *piece)
{
	free(piece);
}

TEST_F(CmsgTest, WhenMemoryIsOutOwnedDescriptorsAreClosedAndNoneWasTaken)
{
	int done = 0;

	for (int left = 0; left < 20 && !done; left++) {
		int fds[2] = { new_fd(), new_fd() };
		scarce s = { left };
		ProtobufCAllocator a = { scarce_alloc, scarce_free, &s };
		msghdr in{};

		owned = true;
		cmsg_rights r = rights();
		control.clear();
		add(SOL_SOCKET, SCM_RIGHTS, fds);
		add(IPPROTO_IP, IP_TTL, int{ 64 });
		in.msg_control = control.data();
		in.msg_controllen = control.size();
		if (cmsg_encode(&in, &r, &a, &n, &messages, nullptr) == -ENOMEM) {
			EXPECT_TRUE(table.taken.empty());
			continue;
		}
		done = left;
		table.close_taken();
		for (size_t i = 0; i < n; i++)
			sockbroker__v1__control_message__free_unpacked(messages[i], &a);
		free(messages);
	}
	EXPECT_GE(done, 4);
}

/* What a socket gives that somebody else has set SO_PASSPIDFD on. */
TEST_F(CmsgTest, AProcessDescriptorIsClosedAndLeftOut)
{
	owned = true;
	add(SOL_SOCKET, 4 /* SCM_PIDFD */, new_fd());
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	ASSERT_EQ(encode(), 0);
	EXPECT_TRUE(truncated);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(messages[0]->type, IP_TTL);
}

TEST_F(CmsgTest, AForeignHandleIsBadF)
{
	uint32_t handles[] = { 5 };
	Sockbroker__V1__ControlMessage__Rights r = SOCKBROKER__V1__CONTROL_MESSAGE__RIGHTS__INIT;
	Message *m = make(SOL_SOCKET, SCM_RIGHTS);

	r.n_handles = 1;
	r.handles = handles;
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	m->rights = &r;
	EXPECT_EQ(decode(64), -EBADF);
}

TEST_F(CmsgTest, MoreHandlesThanTheKernelPassesAreInvalid)
{
	std::vector<uint32_t> handles(254, 100);
	Sockbroker__V1__ControlMessage__Rights r = SOCKBROKER__V1__CONTROL_MESSAGE__RIGHTS__INIT;
	Message *m = make(SOL_SOCKET, SCM_RIGHTS);

	r.n_handles = 254;
	r.handles = handles.data();
	m->value_case = SOCKBROKER__V1__CONTROL_MESSAGE__VALUE_RIGHTS;
	m->rights = &r;
	EXPECT_EQ(decode(4096), -EINVAL);
	r.n_handles = 253;
	EXPECT_EQ(decode(4096), 0);
}

} // namespace
