/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ioctls.h"

#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "wire_test.h"

namespace {

using Value = Sockbroker__V1__IoctlValue;

class IoctlsTest : public WireTest {
protected:
	static const struct ioctl_row *row(const char *text)
	{
		const struct ioctl_row *r = ioctl_find_text(text);

		EXPECT_NE(r, nullptr) << text;
		return r;
	}

	int encode(const char *text) { return ioctl_encode(row(text), &arg, allocator(), &value); }
	int decode(const char *text) { return ioctl_decode(row(text), value, &back); }

	void name(const char *s) { memcpy(arg.ifreq.ifr_name, s, strlen(s) + 1); }

	Sockbroker__V1__IoctlValue__Interface *question(const char *s)
	{
		own = SOCKBROKER__V1__IOCTL_VALUE__INIT;
		interface = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__INIT;
		asked = s;
		interface.name = asked.data();
		own.kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACE;
		own.interface = &interface;
		value = &own;
		return &interface;
	}

	/* Asks the kernel about lo, after a trip over the wire and back. */
	void ask(const char *request)
	{
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		name("lo");
		ASSERT_EQ(encode(request), 0);
		ASSERT_EQ(decode(request), 0);
		ASSERT_EQ(ioctl(fd, row(request)->request, &back.ifreq), 0) << request;
		arg = back;
		close(fd);
		ASSERT_EQ(encode(request), 0);
		ASSERT_EQ(decode(request), 0);
		EXPECT_EQ(memcmp(&back.ifreq, &arg.ifreq, IFNAMSIZ + sizeof(sockaddr)), 0) << request;
	}

	union ioctl_argument arg = {}, back = {};
	Value own, *value = nullptr;
	Sockbroker__V1__IoctlValue__Interface interface;
	std::string asked;
};

TEST_F(IoctlsTest, EachTextIsFoundAndItsNumberToo)
{
	for (const char *each : { "FIONREAD", "SIOCINQ", "SIOCOUTQ", "SIOCATMARK", "SIOCGSTAMP",
				  "SIOCGSTAMPNS", "SIOCGIFNAME", "SIOCGIFINDEX", "SIOCGIFFLAGS",
				  "SIOCGIFADDR", "SIOCGIFDSTADDR", "SIOCGIFBRDADDR", "SIOCGIFNETMASK",
				  "SIOCGIFMTU", "SIOCGIFMETRIC", "SIOCGIFHWADDR", "SIOCGIFTXQLEN",
				  "SIOCSIFFLAGS", "SIOCSIFADDR", "SIOCSIFDSTADDR", "SIOCSIFBRDADDR",
				  "SIOCSIFNETMASK", "SIOCSIFMTU", "SIOCSIFMETRIC", "SIOCSIFHWADDR",
				  "SIOCSIFTXQLEN" }) {
		ASSERT_NE(ioctl_find_text(each), nullptr) << each;
		EXPECT_EQ(ioctl_find(row(each)->request)->request, row(each)->request);
		EXPECT_EQ(row(each)->named, strncmp(each, "SIOCGIF", 7) == 0 ||
			  strncmp(each, "SIOCSIF", 7) == 0) << each;
	}
	EXPECT_STREQ(ioctl_find(FIONREAD)->text, "FIONREAD");
}

TEST_F(IoctlsTest, WhatIsNotInTheTableIsNotFound)
{
	EXPECT_EQ(ioctl_find(SIOCSIFNAME), nullptr);
	EXPECT_EQ(ioctl_find(SIOCGSKNS), nullptr) << "answers with a descriptor";
	EXPECT_EQ(ioctl_find(SIOCETHTOOL), nullptr) << "points to what its first word tells";
	EXPECT_EQ(ioctl_find(0), nullptr);
	EXPECT_EQ(ioctl_find_text("FIONBIO"), nullptr);
}

TEST_F(IoctlsTest, ANumberComesOut)
{
	arg.integer = -5;
	ASSERT_EQ(encode("FIONREAD"), 0);
	ASSERT_EQ(decode("FIONREAD"), 0);
	EXPECT_EQ(back.integer, -5);
	value->integer = 1ll << 31;
	EXPECT_EQ(decode("FIONREAD"), -EINVAL);
	value = nullptr;
	EXPECT_EQ(decode("FIONREAD"), 0); /* nothing goes in */
	EXPECT_EQ(decode("SIOCGIFMTU"), -EINVAL);
}

TEST_F(IoctlsTest, WhatTheKernelSaysAboutAnInterfaceSurvivesTheRoundTrip)
{
	for (const char *each : { "SIOCGIFINDEX", "SIOCGIFFLAGS", "SIOCGIFMTU", "SIOCGIFMETRIC",
				  "SIOCGIFTXQLEN", "SIOCGIFHWADDR", "SIOCGIFADDR", "SIOCGIFNETMASK",
				  "SIOCGIFMAP" })
		ask(each);
}

/* The program's list, the question, the broker's list, the answer. */
TEST_F(IoctlsTest, TheListOfInterfacesIsWhatTheKernelSays)
{
	ifreq theirs[64], ours[64], expected[64];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ifconf direct{};

	memset(expected, 0, sizeof(expected));
	memset(theirs, 0, sizeof(theirs));
	memset(ours, 0, sizeof(ours));
	direct.ifc_len = sizeof(expected);
	direct.ifc_req = expected;
	ASSERT_EQ(ioctl(fd, SIOCGIFCONF, &direct), 0);
	arg.ifconf.ifc_len = sizeof(ours);
	arg.ifconf.ifc_req = ours;
	ASSERT_EQ(encode("SIOCGIFCONF"), 0);
	ASSERT_EQ(decode("SIOCGIFCONF"), 0);
	ASSERT_EQ(back.ifconf.ifc_len, static_cast<int>(sizeof(ours)));
	back.ifconf.ifc_req = theirs;
	ASSERT_EQ(ioctl(fd, SIOCGIFCONF, &back.ifconf), 0);
	close(fd);
	ASSERT_EQ(ioctl_conf_encode(&back.ifconf, allocator(), &value), 0);
	ASSERT_EQ(ioctl_conf_decode(value, &arg.ifconf), 0);
	ASSERT_EQ(arg.ifconf.ifc_len, direct.ifc_len);
	ASSERT_GE(arg.ifconf.ifc_len, static_cast<int>(sizeof(ifreq)));
	EXPECT_EQ(memcmp(ours, expected, static_cast<size_t>(direct.ifc_len)), 0);

	arg.ifconf.ifc_len = sizeof(ifreq) - 1;
	ASSERT_EQ(ioctl_conf_decode(value, &arg.ifconf), 0);
	EXPECT_EQ(arg.ifconf.ifc_len, 0) << "no room for one";
}

TEST_F(IoctlsTest, WithoutABufferTheSizeIsAsked)
{
	arg.ifconf.ifc_len = 77;
	ASSERT_EQ(encode("SIOCGIFCONF"), 0);
	ASSERT_EQ(decode("SIOCGIFCONF"), 0);
	EXPECT_EQ(back.ifconf.ifc_len, -1);
	back.ifconf.ifc_len = 80;
	ASSERT_EQ(ioctl_conf_encode(&back.ifconf, allocator(), &value), 0);
	ASSERT_EQ(ioctl_conf_decode(value, &arg.ifconf), 0);
	EXPECT_EQ(arg.ifconf.ifc_len, 80);
	EXPECT_EQ(ioctl_conf_decode(nullptr, &arg.ifconf), -EINVAL);
}

TEST_F(IoctlsTest, AListHasAddressesOfIPv4Alone)
{
	Sockbroker__V1__Address__L2cap l2cap = SOCKBROKER__V1__ADDRESS__L2CAP__INIT;
	Sockbroker__V1__Address address = SOCKBROKER__V1__ADDRESS__INIT;
	ifreq one{};

	strcpy(one.ifr_name, "lo");
	one.ifr_addr.sa_family = AF_INET;
	back.ifconf.ifc_len = sizeof(one);
	back.ifconf.ifc_req = &one;
	ASSERT_EQ(ioctl_conf_encode(&back.ifconf, allocator(), &value), 0);
	arg.ifconf = back.ifconf;
	ASSERT_EQ(ioctl_conf_decode(value, &arg.ifconf), 0);
	address.kind_case = SOCKBROKER__V1__ADDRESS__KIND_L2CAP;
	address.l2cap = &l2cap;
	value->interfaces->interfaces[0]->address = &address;
	EXPECT_EQ(ioctl_conf_decode(value, &arg.ifconf), -EINVAL);
}

TEST_F(IoctlsTest, TheRoomForAListIsBounded)
{
	char buffer;

	arg.ifconf.ifc_len = INT_MAX;
	arg.ifconf.ifc_buf = &buffer;
	ASSERT_EQ(encode("SIOCGIFCONF"), 0);
	ASSERT_EQ(decode("SIOCGIFCONF"), 0);
	EXPECT_EQ(back.ifconf.ifc_len, IOCTL_CONF_BYTES_MAX);
	arg.ifconf.ifc_len = -1;
	ASSERT_EQ(encode("SIOCGIFCONF"), 0);
	ASSERT_EQ(decode("SIOCGIFCONF"), 0);
	EXPECT_EQ(back.ifconf.ifc_len, 0);
}

TEST_F(IoctlsTest, WinsocksRequestsHaveItsNumbersAndValues)
{
	EXPECT_EQ(row("SIO_RCVALL")->request, 0x98000001u);
	EXPECT_TRUE(row("SIO_RCVALL")->named);
	EXPECT_EQ(row("SIO_LOOPBACK_FAST_PATH")->request, 0x98000010u);
	EXPECT_EQ(row("SIO_KEEPALIVE_VALS")->request, 0x98000004u);
	EXPECT_FALSE(row("SIO_KEEPALIVE_VALS")->named);
	arg.integer = RCVALL_IPLEVEL;
	ASSERT_EQ(encode("SIO_RCVALL"), 0);
	ASSERT_EQ(decode("SIO_RCVALL"), 0);
	EXPECT_EQ(back.integer, 3);
	arg.keep_alive = { 1, 10000, 3000 };
	ASSERT_EQ(encode("SIO_KEEPALIVE_VALS"), 0);
	EXPECT_TRUE(value->keep_alive->on);
	ASSERT_EQ(decode("SIO_KEEPALIVE_VALS"), 0);
	EXPECT_EQ(back.keep_alive.time_ms, 10000u);
	EXPECT_EQ(back.keep_alive.interval_ms, 3000u);
	EXPECT_EQ(decode("SIO_RCVALL"), -EINVAL) << "another kind of value";
}

TEST_F(IoctlsTest, AnIndexIsTurnedIntoItsName)
{
	memset(arg.ifreq.ifr_name, 'x', IFNAMSIZ); /* whatever was on the caller's stack */
	arg.ifreq.ifr_ifindex = 1;
	ASSERT_EQ(encode("SIOCGIFNAME"), 0);
	EXPECT_STREQ(value->interface->name, "");
	ASSERT_EQ(decode("SIOCGIFNAME"), 0);
	EXPECT_EQ(back.ifreq.ifr_ifindex, 1);
	EXPECT_EQ(back.ifreq.ifr_name[0], '\0');
}

TEST_F(IoctlsTest, ANameHasAtMostFifteenBytes)
{
	memset(arg.ifreq.ifr_name, 'x', IFNAMSIZ);
	EXPECT_EQ(encode("SIOCGIFMTU"), -EINVAL);
	question("sixteen-letters!");
	EXPECT_EQ(decode("SIOCGIFMTU"), -EINVAL);
	question("fifteen-letters");
	ASSERT_EQ(decode("SIOCGIFMTU"), 0);
	EXPECT_STREQ(back.ifreq.ifr_name, "fifteen-letters");
}

TEST_F(IoctlsTest, ToSetAValueNeedsOne)
{
	question("lo");
	EXPECT_EQ(decode("SIOCGIFFLAGS"), 0);
	EXPECT_EQ(decode("SIOCSIFFLAGS"), -EINVAL);
	interface.value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_NUMBER;
	interface.number = 0x8043;
	ASSERT_EQ(decode("SIOCSIFFLAGS"), 0);
	EXPECT_EQ(static_cast<uint16_t>(back.ifreq.ifr_flags), 0x8043);
	interface.number = 65536;
	EXPECT_EQ(decode("SIOCSIFFLAGS"), -EINVAL);
	interface.number = 1ll << 31;
	EXPECT_EQ(decode("SIOCSIFMTU"), -EINVAL);
	EXPECT_EQ(decode("SIOCSIFADDR"), -EINVAL); /* not a number */
}

TEST_F(IoctlsTest, AnAddressMustFitAnIfreq)
{
	Sockbroker__V1__Address a = SOCKBROKER__V1__ADDRESS__INIT;
	Sockbroker__V1__Address__Inet inet = SOCKBROKER__V1__ADDRESS__INET__INIT;
	Sockbroker__V1__Address__Inet6 inet6 = SOCKBROKER__V1__ADDRESS__INET6__INIT;

	question("lo");
	interface.value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_ADDRESS;
	EXPECT_EQ(decode("SIOCSIFADDR"), -EINVAL); /* NULL */
	interface.address = &a;
	a.kind_case = SOCKBROKER__V1__ADDRESS__KIND_INET;
	a.inet = &inet;
	inet.ip = bytes("abcd");
	EXPECT_EQ(decode("SIOCSIFADDR"), 0);
	a.kind_case = SOCKBROKER__V1__ADDRESS__KIND_INET6;
	a.inet6 = &inet6;
	inet6.ip = bytes(std::string(16, 'x'));
	EXPECT_EQ(decode("SIOCSIFADDR"), -EINVAL);
}

TEST_F(IoctlsTest, AHardwareAddressHasTheLengthOfItsType)
{
	Sockbroker__V1__IoctlValue__Interface__HardwareAddress h =
		SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__HARDWARE_ADDRESS__INIT;

	name("eth0");
	arg.ifreq.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	ASSERT_EQ(encode("SIOCGIFHWADDR"), 0);
	EXPECT_EQ(value->interface->hardware->address.len, 6u);
	question("eth0");
	interface.value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_HARDWARE;
	EXPECT_EQ(decode("SIOCSIFHWADDR"), -EINVAL); /* NULL */
	interface.hardware = &h;
	h.address = bytes(std::string(15, 'x'));
	EXPECT_EQ(decode("SIOCSIFHWADDR"), -EINVAL);
	h.address = bytes(std::string(14, 'x'));
	EXPECT_EQ(decode("SIOCSIFHWADDR"), 0);
	h.type = 65536;
	EXPECT_EQ(decode("SIOCSIFHWADDR"), -EINVAL);
}

TEST_F(IoctlsTest, AQuestionFullOfWhateverWasThereIsStillAQuestion)
{
	memset(&arg, 0xa5, sizeof(arg));
	name("lo");
	ASSERT_EQ(encode("SIOCGIFADDR"), 0);
	EXPECT_EQ(value->interface->value_case,
		  SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE__NOT_SET);
	EXPECT_EQ(decode("SIOCGIFADDR"), 0);
}

TEST_F(IoctlsTest, TimesKeepTheirPrecision)
{
	arg.timeval = { 5, 999999 };
	ASSERT_EQ(encode("SIOCGSTAMP"), 0);
	EXPECT_EQ(value->timestamp->nanoseconds, 999999000);
	ASSERT_EQ(decode("SIOCGSTAMP"), 0);
	EXPECT_EQ(back.timeval.tv_usec, 999999);
	arg.timespec = { 6, 999999999 };
	ASSERT_EQ(encode("SIOCGSTAMPNS"), 0);
	ASSERT_EQ(decode("SIOCGSTAMPNS"), 0);
	EXPECT_EQ(back.timespec.tv_nsec, 999999999);
	value->timestamp->nanoseconds = 1000000000;
	EXPECT_EQ(decode("SIOCGSTAMPNS"), -EINVAL);
	arg.timeval = { 5, 1000000 };
	EXPECT_EQ(encode("SIOCGSTAMP"), -EINVAL);
}

} // namespace
