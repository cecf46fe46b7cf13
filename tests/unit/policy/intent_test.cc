/* SPDX-License-Identifier: Apache-2.0 */
/* Intents in words, both ways. */
#include <cstring>

#include "policy_helper.h"

namespace {

class RoundTrip : public testing::TestWithParam<const char *> {};
TEST_P(RoundTrip, PrintsAsItWasWritten) {
  struct intent in = Words(GetParam());
  char text[INTENT_TEXT_BYTES];
  EXPECT_STREQ(GetParam(), intent_print(&in, text, sizeof(text)));
}
INSTANTIATE_TEST_SUITE_P(
    Intents, RoundTrip,
    testing::Values("socket inet raw icmp", "socket inet6 stream default", "socket unix stream",
                    "socket 45 raw 7", "bind inet stream tcp 127.0.0.1:8080",
                    "connect inet6 stream tcp [::1]:80", "connect inet6 stream tcp [fe80::1%1]:80",
                    "send inet dgram udp 10.0.0.1:53", "listen inet stream tcp unbound",
                    "bind packet raw all packet:lo", "bind packet raw all packet:*",
                    "bind unix stream unix:/run/x.sock", "bind unix dgram unix:@a\\x00b",
                    "bind unix dgram unix:", "connect inet dgram udp unspec",
                    "send netlink raw route netlink:0", "bind netlink raw route netlink:7:0x11",
                    "bind can raw raw can:lo", "connect vsock stream vsock:2:1000",
                    "connect inet stream tcp www.example.org:443", "send rds seqpacket 192.0.2.1:4000",
                    "connect tipc stream tipc:name:18888:17", "bind tipc rdm tipc:range:1000:5-9",
                    "send tipc rdm tipc:id:16781313:77", "bind tipc rdm tipc:-name:1000:5",
                    "send tipc rdm tipc:name:1:2:domain=0x1001001",
                    "connect bluetooth seqpacket l2cap l2cap:00:11:22:33:44:55:25",
                    "connect bluetooth seqpacket l2cap l2cap:00:11:22:33:44:55:0:cid=0x4:type=0x1",
                    "bind bluetooth stream rfcomm rfcomm:00:11:22:33:44:55:7",
                    "connect bluetooth seqpacket sco sco:00:11:22:33:44:55",
                    "bind bluetooth raw hci hci:0:0", "bind bluetooth raw hci hci:none:2",
                    "bind alg seqpacket alg:hash:sha256", "send qipcrtr dgram qipcrtr:1:16384",
                    "socket tipc rdm", "socket bluetooth stream rfcomm", "socket smc stream smc6",
                    "option inet stream tcp SO_MARK 7", "option inet stream tcp SO_REUSEADDR",
                    "option inet6 stream tcp 9999:1", "ioctl inet dgram udp SIOCGIFINDEX",
                    "ioctl inet dgram udp 0x9999", "inspect",
                    "resolve www.example.org", "resolve 192.0.2.1", "resolve 2001:db8::1",
                    "sethostname", "direct inet raw icmp", "direct packet raw all",
                    "direct unix stream", "files"));

class Refused : public testing::TestWithParam<std::pair<const char *, const char *>> {};
TEST_P(Refused, WithASentence) {
  std::istringstream words(GetParam().first);
  std::vector<std::string> list;
  std::vector<char *> argv;
  struct intent ret = {};
  char error[256] = "";
  for (std::string w; words >> w;) list.push_back(w);
  for (auto &w : list) argv.push_back(w.data());
  EXPECT_EQ(-EINVAL,
            intent_parse(static_cast<int>(argv.size()), argv.data(), &ret, error, sizeof(error)));
  EXPECT_NE(nullptr, strstr(error, GetParam().second)) << error;
  EXPECT_EQ(0, ret.family) << "the result is untouched";
}
INSTANTIATE_TEST_SUITE_P(
    Words, Refused,
    testing::Values(std::pair("", "an action is missing"), std::pair("sockte", "unknown action"),
                    std::pair("socket", "a family is missing"),
                    std::pair("socket inet4 stream", "did you mean inet?"),
                    std::pair("socket inet strem", "did you mean stream?"),
                    std::pair("socket inet raw icmpp", "did you mean icmp?"),
                    std::pair("connect inet stream tcp", "no address"),
                    std::pair("resolve", "a name or an address is missing"),
                    std::pair("connect inet stream tcp 1.2.3:80", "no address"),
                    std::pair("connect inet stream tcp 1.2.3.4:70000", "no address"),
                    std::pair("connect inet6 stream tcp [::1]80", "no address"),
                    std::pair("connect inet6 stream tcp [::1", "no address"),
                    std::pair("bind unix stream relative", "no address"),
                    std::pair("bind unix stream /a\\xzz", "no address"),
                    std::pair("bind packet raw all nosuchif0", "no address"),
                    std::pair("bind xdp raw 0 x", "have no text"),
                    std::pair("option inet stream tcp SO_NONE", "unknown option"),
                    std::pair("ioctl inet dgram udp SIOCNONE", "unknown ioctl"),
                    std::pair("socket inet raw icmp more", "'more' is too much"),
                    std::pair("direct", "a family is missing"),
                    std::pair("direct inet raw icmp 127.0.0.1", "'127.0.0.1' is too much"),
                    std::pair("files here", "'here' is too much")));

TEST(Intent, PrintsWithinItsBuffer) {
  struct intent in = Words("connect inet6 stream tcp [2001:db8::1]:80");
  for (size_t size = 1; size < 48; size++) {
    std::string room(size, 'x');
    intent_print(&in, room.data(), size);
    EXPECT_LT(strlen(room.data()), size);
  }
}

TEST(Intent, HasAWordForEachAction) {
  for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++) {
    enum action found = ACTION_NONE;
    EXPECT_TRUE(action_find(action_name(static_cast<enum action>(a)), &found));
    EXPECT_EQ(a, found);
  }
  EXPECT_STREQ("unknown", action_name(ACTION_COUNT));
}

}  // namespace
