/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer that is too short: cut as the kernel cuts. */
#include "cmsg_test.h"

#include <algorithm>
#include <cstdlib>

namespace {

/* The kernel itself is asked: whatever room a program gives, what it sees from
 * us is what it would have seen. */
TEST_F(CmsgTest, WhateverTheRoomItIsCutAsTheKernelCuts)
{
	int pair[2], on = 1;
	char full[256], cut[256];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	for (size_t room = 0; room <= CMSG_SPACE(sizeof(ucred)) + 8; room++) {
		iovec iov = { full, 1 };
		msghdr whole{}, kernel{};

		ASSERT_EQ(send(pair[0], "x", 1, 0), 1);
		whole.msg_iov = kernel.msg_iov = &iov;
		whole.msg_iovlen = kernel.msg_iovlen = 1;
		whole.msg_control = full;
		whole.msg_controllen = sizeof(full);
		ASSERT_EQ(recvmsg(pair[1], &whole, MSG_PEEK), 1);
		control.assign(full, full + whole.msg_controllen);
		memset(cut, 0, sizeof(cut));
		kernel.msg_control = cut;
		kernel.msg_controllen = room;
		iov.iov_base = cut + 200;
		ASSERT_EQ(recvmsg(pair[1], &kernel, 0), 1);

		ASSERT_EQ(encode(), 0);
		ASSERT_EQ(decode(room), 0);
		EXPECT_EQ(decoded.msg_flags & MSG_CTRUNC, kernel.msg_flags & MSG_CTRUNC) << room;
		EXPECT_EQ(decoded.msg_controllen, kernel.msg_controllen) << room;
		EXPECT_TRUE(std::equal(cut, cut + kernel.msg_controllen,
				       reinterpret_cast<char *>(out.data()))) << room;
	}
	close(pair[0]);
	close(pair[1]);
}

TEST_F(CmsgTest, DescriptorsAreCutAsTheKernelCuts)
{
	int pair[2], fds[3];
	alignas(cmsghdr) char buffer[256];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int &fd : fds)
		fd = new_fd();
	add(SOL_SOCKET, SCM_RIGHTS, fds);
	ASSERT_EQ(encode(), 0);
	for (size_t room = 0; room <= control.size() + 8; room++) {
		char byte = 'x';
		iovec iov = { &byte, 1 };
		msghdr sent{}, kernel{};

		sent.msg_iov = kernel.msg_iov = &iov;
		sent.msg_iovlen = kernel.msg_iovlen = 1;
		sent.msg_control = control.data();
		sent.msg_controllen = control.size();
		ASSERT_EQ(sendmsg(pair[0], &sent, 0), 1);
		kernel.msg_control = buffer;
		kernel.msg_controllen = room;
		ASSERT_EQ(recvmsg(pair[1], &kernel, 0), 1);
		ASSERT_EQ(decode(room), 0);
		EXPECT_EQ(decoded.msg_flags & MSG_CTRUNC, kernel.msg_flags & MSG_CTRUNC) << room;
		EXPECT_EQ(decoded.msg_controllen, kernel.msg_controllen) << room;
		cmsghdr *theirs = CMSG_FIRSTHDR(&kernel), *ours = CMSG_FIRSTHDR(&decoded);
		ASSERT_EQ(theirs == nullptr, ours == nullptr) << room;
		if (!theirs)
			continue;
		EXPECT_EQ(ours->cmsg_len, theirs->cmsg_len) << room;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= theirs->cmsg_len; i++)
			close(reinterpret_cast<int *>(CMSG_DATA(theirs))[i]);
	}
	for (int fd : { fds[0], fds[1], fds[2], pair[0], pair[1] })
		close(fd);
}

TEST_F(CmsgTest, NoRoomAtAllIsTruncation)
{
	add(IPPROTO_IP, IP_TTL, int{ 64 });
	ASSERT_EQ(encode(), 0);
	cmsg_rights r = rights();
	msghdr none{};
	ASSERT_EQ(cmsg_decode(messages, n, &r, &none), 0);
	EXPECT_EQ(none.msg_flags, MSG_CTRUNC);
	EXPECT_EQ(none.msg_controllen, 0u);
}

} // namespace
