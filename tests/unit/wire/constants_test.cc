// SPDX-License-Identifier: Apache-2.0
#include "wire/constants.h"

#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace {

TEST(Constants, AreSortedAndEachIsThereOnce) {
  size_t n;
  const struct constant *all = constants_all(&n);
  ASSERT_GT(n, 1500u);
  for (size_t i = 1; i < n; i++) EXPECT_LT(strcmp(all[i - 1].name, all[i].name), 0) << all[i].name;
}

TEST(Constants, EachIsFoundByItsWholeName) {
  size_t n;
  const struct constant *all = constants_all(&n);
  for (size_t i = 0; i < n; i++) EXPECT_EQ(&all[i], constant_find(all[i].name));
  for (const char *name : {"", "SO_", "SO_REUSEADD", "SO_REUSEADDRX", "so_reuseaddr", "ZZZ", "A"})
    EXPECT_EQ(nullptr, constant_find(name)) << name;
  EXPECT_EQ(2, constant_find("SO_REUSEADDR")->value);
  EXPECT_EQ(0xffffffffLL, constant_find("INADDR_BROADCAST")->value);
  EXPECT_EQ(-2, constant_find("EAI_NONAME")->value);
  EXPECT_EQ(0x98000001LL, constant_find("SIO_RCVALL")->value);
}

TEST(Constants, OfNamesWithOneValueThePlainOneIsTold) {
  EXPECT_STREQ("SO_REUSEADDR", constant_name("SO_", SO_REUSEADDR));
  EXPECT_STREQ("SO_RCVTIMEO", constant_name("SO_", SO_RCVTIMEO));
  EXPECT_STREQ("AF_UNIX", constant_name("AF_", AF_UNIX));
  EXPECT_STREQ("AF_NETLINK", constant_name("AF_", AF_NETLINK));
  EXPECT_STREQ("SOCK_STREAM", constant_name("SOCK_", SOCK_STREAM));
  EXPECT_STREQ("IPPROTO_IP", constant_name("IPPROTO_", IPPROTO_IP));
  EXPECT_STREQ("IP_TTL", constant_name("IP_", IP_TTL));
  EXPECT_STREQ("TCP_NODELAY", constant_name("TCP_", 1));
  EXPECT_STREQ("EAGAIN", constant_name("E", EAGAIN));
  EXPECT_STREQ("MSG_DONTROUTE", constant_name("MSG_", MSG_DONTROUTE));
  EXPECT_EQ(nullptr, constant_name("SO_", 1234567));
  EXPECT_EQ(nullptr, constant_name("NO_SUCH_", 1));
}

// CPython's list is the longest that others keep.
TEST(Constants, PythonsAreAllThereWithTheirValues) {
  if (access("/usr/bin/python3", X_OK)) GTEST_SKIP() << "python3 is not installed";
  FILE *python = popen("/usr/bin/python3 -c '\n"
                       "import _socket\n"
                       "for name, value in vars(_socket).items():\n"
                       "    if name.isupper() and type(value) is int: print(name, value)'", "r");
  ASSERT_NE(nullptr, python);
  char name[100];
  long long value;
  int n = 0;
  for (; fscanf(python, "%99s %lld", name, &value) == 2; n++) {
    const struct constant *c = constant_find(name);
    ASSERT_NE(nullptr, c) << name;
    EXPECT_EQ(value, c->value) << name;
  }
  EXPECT_EQ(0, pclose(python));
  EXPECT_GT(n, 300);
}

TEST(Constants, WindowsRequestsAreThereToo) {
  for (const char *name : {"SIO_RCVALL", "SIO_KEEPALIVE_VALS", "SIO_LOOPBACK_FAST_PATH", "RCVALL_OFF",
                           "RCVALL_ON", "RCVALL_SOCKETLEVELONLY", "RCVALL_IPLEVEL", "RCVALL_MAX"})
    EXPECT_TRUE(constant_find(name)) << name;
}

}  // namespace
