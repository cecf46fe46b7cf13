// SPDX-License-Identifier: Apache-2.0
//
// The resolver's functions against glibc's own, on one host: whatever is asked, the two
// say the same.
#include <locale.h>
#include <sys/un.h>

#include <sstream>
#include <thread>
#include <vector>

#include "integration/resolve_fixture.h"

using namespace sb_test;

namespace {

const char *const kNodes[] = {
    nullptr, "localhost", "LocalHost", "files.test", "FILES.Test", "alias.test", "files", "two.test",
    "two.test.", "only4.test", "only6.test", "alias.dns.test", "nodata.test", "broken.test",
    "nosuch.test", "127.0.0.1", "127.1", "0x7f.1", "1.2.3.4.5", "256.1.1.1", "::1", "::ffff:1.2.3.4",
    "fe80::1%lo", "fe80::1%1", "::1%nosuch", "fe80::1%", "1:2", "", "localhost:80"};

std::string Text(const sockaddr *sa, socklen_t len) {
  char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
  getnameinfo(sa, len, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
  std::string text = std::string(host) + " " + port;
  if (sa->sa_family == AF_INET6)
    text += " " + std::to_string(reinterpret_cast<const sockaddr_in6 *>(sa)->sin6_scope_id);
  return text;
}

template <typename Ask, typename Free>
std::string Addresses(Ask ask, Free release, const char *node, const char *service, const addrinfo *hints) {
  addrinfo *found = nullptr;
  errno = 0;
  int r = ask(node, service, hints, &found);
  std::ostringstream out;
  out << r << (r == EAI_SYSTEM ? strerror(errno) : "") << "\n";
  for (addrinfo *i = r ? nullptr : found; i; i = i->ai_next)
    out << i->ai_flags << " " << i->ai_family << " " << i->ai_socktype << " " << i->ai_protocol << " "
        << Text(i->ai_addr, i->ai_addrlen) << " " << i->ai_addrlen << " "
        << (i->ai_canonname ? i->ai_canonname : "-") << "\n";
  if (r == 0) release(found);
  return out.str();
}

void SameAddresses(const char *node, const char *service, const addrinfo *hints) {
  EXPECT_EQ(Addresses(getaddrinfo, freeaddrinfo, node, service, hints),
            Addresses(sb_getaddrinfo, sb_freeaddrinfo, node, service, hints))
      << (node ? node : "(no node)") << " " << (service ? service : "(no service)") << " flags "
      << (hints ? hints->ai_flags : -1) << " family " << (hints ? hints->ai_family : -1);
}

class Resolve : public ResolveTest {};

TEST_F(Resolve, NamesOfEachFamilyWithEachFlagAreAsGlibcFindsThem) {
  const int flags[] = {0, AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_ADDRCONFIG, AI_V4MAPPED,
                       AI_V4MAPPED | AI_ALL, AI_CANONNAME | AI_IDN, AI_CANONIDN | AI_CANONNAME, 0x8000};
  for (const char *node : kNodes)
    for (int family : {AF_UNSPEC, AF_INET, AF_INET6})
      for (int flag : flags) {
        addrinfo hints = {};
        hints.ai_family = family;
        hints.ai_flags = flag;
        hints.ai_socktype = SOCK_STREAM;
        SameAddresses(node, "80", &hints);
      }
}

TEST_F(Resolve, ServicesOfEachTypeAreAsGlibcFindsThem) {
  for (const char *service : {(const char *)nullptr, "0", "80", "65535", "65536", "-1", "http", "domain",
                              "nosuch", "", " 80", "0x50"})
    for (int type : {0, (int)SOCK_STREAM, (int)SOCK_DGRAM, (int)SOCK_RAW, (int)SOCK_SEQPACKET})
      for (int protocol : {0, (int)IPPROTO_TCP, (int)IPPROTO_UDP, (int)IPPROTO_ICMP})
        for (int flag : {0, AI_NUMERICSERV}) {
          addrinfo hints = {};
          hints.ai_socktype = type;
          hints.ai_protocol = protocol;
          hints.ai_flags = flag;
          SameAddresses("127.0.0.1", service, &hints);
          SameAddresses(nullptr, service, &hints);
        }
}

TEST_F(Resolve, WithoutHintsAndWithFamiliesThatAreNoneItIsTheSame) {
  SameAddresses("two.test", "80", nullptr);
  SameAddresses(nullptr, "80", nullptr);
  SameAddresses(nullptr, nullptr, nullptr);
  for (int family : {AF_UNIX, AF_PACKET, -1, 12345}) {
    addrinfo hints = {};
    hints.ai_family = family;
    SameAddresses("localhost", nullptr, &hints);
  }
}

TEST_F(Resolve, ANameThatIsTooLongIsNone) {
  addrinfo *found;
  EXPECT_EQ(getaddrinfo(std::string(2000, 'a').c_str(), nullptr, nullptr, &found),
            sb_getaddrinfo(std::string(2000, 'a').c_str(), nullptr, nullptr, &found));
  EXPECT_EQ(getaddrinfo("::1", std::string(2000, 'a').c_str(), nullptr, &found),
            sb_getaddrinfo("::1", std::string(2000, 'a').c_str(), nullptr, &found));
  EXPECT_EQ(nullptr, sb_gethostbyname(std::string(2000, 'a').c_str()));
  EXPECT_EQ(HOST_NOT_FOUND, h_errno);
}

TEST_F(Resolve, ANameInOtherLettersIsLookedUpAsTheDnsHasIt) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_flags = AI_IDN | AI_CANONNAME | AI_CANONIDN;
  hints.ai_socktype = SOCK_STREAM;
  ASSERT_EQ(0, sb_getaddrinfo("B\xc3\xbc" "cher.test", "80", &hints, &found)) << sb_error_message();
  EXPECT_EQ("192.0.2.7 80", Text(found->ai_addr, found->ai_addrlen));
  EXPECT_STREQ("b\xc3\xbc" "cher.test", found->ai_canonname);
  sb_freeaddrinfo(found);
}

TEST_F(Resolve, NamesOfAddressesAreAsGlibcFindsThem) {
  std::vector<std::pair<std::string, sockaddr_storage>> addresses;
  for (const char *text : {"127.0.0.1", "::1", "192.0.2.10", "192.0.2.2", "2001:db8::2", "192.0.2.99",
                           "fe80::1%lo", "::ffff:192.0.2.2", "0.0.0.0"})
    for (const char *port : {"80", "0", "53", "65001"}) {
      addrinfo hints = {}, *found;
      hints.ai_flags = AI_NUMERICHOST;
      hints.ai_socktype = SOCK_STREAM;
      ASSERT_EQ(0, getaddrinfo(text, port, &hints, &found)) << text;
      sockaddr_storage ss = {};
      memcpy(&ss, found->ai_addr, found->ai_addrlen);
      addresses.emplace_back(std::string(text) + " " + port, ss);
      freeaddrinfo(found);
    }
  for (const auto &a : addresses)
    for (int flags : {0, NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_DGRAM, NI_NOFQDN,
                      NI_NAMEREQD | NI_NUMERICHOST, 0x4000})
      for (socklen_t room : std::vector<socklen_t>{0, 1, 4, 9, NI_MAXHOST, 5000}) {
        char host[2][5000] = {"-", "-"}, serv[2][5000] = {"-", "-"};
        auto *sa = reinterpret_cast<const sockaddr *>(&a.second);
        socklen_t len = sa->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        int r = getnameinfo(sa, len, host[0], room, serv[0], room, flags);
        EXPECT_EQ(r, sb_getnameinfo(sa, len, host[1], room, serv[1], room, flags))
            << a.first << " flags " << flags << " room " << room << " " << sb_error_message();
        if (r != 0) continue;
        EXPECT_STREQ(host[0], host[1]) << a.first << " flags " << flags;
        EXPECT_STREQ(serv[0], serv[1]) << a.first << " flags " << flags;
      }
}

TEST_F(Resolve, WhatIsNoAddressHasNoName) {
  char host[2][NI_MAXHOST] = {}, serv[2][NI_MAXSERV] = {};
  auto same = [&](const sockaddr *sa, socklen_t len, int flags) {
    int r = getnameinfo(sa, len, host[0], NI_MAXHOST, serv[0], NI_MAXSERV, flags);
    EXPECT_EQ(r, sb_getnameinfo(sa, len, host[1], NI_MAXHOST, serv[1], NI_MAXSERV, flags)) << len;
    EXPECT_STREQ(host[0], host[1]);
    EXPECT_STREQ(serv[0], serv[1]);
  };
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  for (socklen_t len : {0, 1, 2, 8, 15}) same(reinterpret_cast<sockaddr *>(&sin), len, 0);
  sockaddr_un sun = {};
  sun.sun_family = AF_UNIX;
  strcpy(sun.sun_path, "/tmp/x");
  same(reinterpret_cast<sockaddr *>(&sun), sizeof(sun), 0);
  same(reinterpret_cast<sockaddr *>(&sun), sizeof(sun), NI_NUMERICHOST);
  sockaddr other = {};
  other.sa_family = AF_NETLINK;
  same(&other, sizeof(other), 0);
  EXPECT_EQ(getnameinfo(reinterpret_cast<sockaddr *>(&sin), sizeof(sin), nullptr, 0, nullptr, 0, 0),
            sb_getnameinfo(reinterpret_cast<sockaddr *>(&sin), sizeof(sin), nullptr, 0, nullptr, 0, 0));
}

std::string Text(const hostent *h) {
  if (!h) return "none, " + std::to_string(h_errno);
  std::ostringstream out;
  out << h->h_name << " " << h->h_addrtype << " " << h->h_length << ":";
  for (char **a = h->h_aliases; *a; a++) out << " " << *a;
  out << ":";
  for (char **a = h->h_addr_list; *a; a++) {
    char text[INET6_ADDRSTRLEN] = "";
    out << " " << inet_ntop(h->h_addrtype, *a, text, sizeof(text));
  }
  return out.str();
}

TEST_F(Resolve, HostsByNameAreAsGlibcFindsThem) {
  for (const char *node : kNodes) {
    if (!node) continue;
    EXPECT_EQ(Text(gethostbyname(node)), Text(sb_gethostbyname(node))) << node;
    for (int family : {AF_INET, AF_INET6})
      EXPECT_EQ(Text(gethostbyname2(node, family)), Text(sb_gethostbyname2(node, family))) << node;
  }
}

TEST_F(Resolve, HostsByAddressAreAsGlibcFindsThem) {
  for (const char *text : {"127.0.0.1", "192.0.2.10", "192.0.2.2", "192.0.2.4", "192.0.2.99", "::1",
                           "2001:db8::2", "2001:db8::10", "2001:db8::99", "::ffff:192.0.2.2"}) {
    unsigned char bytes[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    socklen_t len = family == AF_INET ? 4 : 16;
    ASSERT_EQ(1, inet_pton(family, text, bytes));
    EXPECT_EQ(Text(gethostbyaddr(bytes, len, family)), Text(sb_gethostbyaddr(bytes, len, family))) << text;
  }
}

TEST_F(Resolve, AHostByAnAddressThatIsNoneIsRefused) {
  EXPECT_EQ(nullptr, sb_gethostbyaddr("abc", 3, AF_INET));
  EXPECT_EQ(NETDB_INTERNAL, h_errno);
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(nullptr, sb_gethostbyaddr("abcd", 4, AF_UNIX));
  EXPECT_EQ(EAFNOSUPPORT, errno);
  EXPECT_EQ(nullptr, sb_gethostbyname2("localhost", AF_UNIX));
  EXPECT_EQ(EAFNOSUPPORT, errno);
}

std::string Text(const servent *s) {
  if (!s) return "none";
  std::string port = std::to_string(ntohs(static_cast<uint16_t>(s->s_port)));
  std::string out = std::string(s->s_name) + " " + port + "/" + s->s_proto;
  for (char **a = s->s_aliases; *a; a++) out += std::string(" ") + *a;
  return out;
}

TEST_F(Resolve, ServicesAreAsGlibcFindsThem) {
  for (const char *name : {"http", "HTTP", "domain", "www", "ssh", "nosuch", ""})
    for (const char *proto : {(const char *)nullptr, "tcp", "udp", "nosuch"})
      EXPECT_EQ(Text(getservbyname(name, proto)), Text(sb_getservbyname(name, proto))) << name;
  for (int port : {0, 22, 53, 80, 65535})
    for (const char *proto : {(const char *)nullptr, "tcp", "udp", "nosuch"})
      EXPECT_EQ(Text(getservbyport(htons(static_cast<uint16_t>(port)), proto)),
                Text(sb_getservbyport(htons(static_cast<uint16_t>(port)), proto)))
          << port;
  EXPECT_EQ(nullptr, sb_getservbyname("nosuch", nullptr));
  EXPECT_EQ(0, errno);
}

TEST_F(Resolve, ProtocolsAreAsGlibcFindsThem) {
  for (const char *name : {"tcp", "TCP", "udp", "icmp", "ipv6-icmp", "ip", "nosuch", ""}) {
    const protoent *glibc = getprotobyname(name), *ours = sb_getprotobyname(name);
    ASSERT_EQ(!glibc, !ours) << name;
    if (!glibc) continue;
    EXPECT_STREQ(glibc->p_name, ours->p_name);
    EXPECT_EQ(glibc->p_proto, ours->p_proto);
    EXPECT_EQ(!glibc->p_aliases[0], !ours->p_aliases[0]);
  }
}

TEST_F(Resolve, AThreadsResultsAreItsOwn) {
  const servent *mine = sb_getservbyname("http", "tcp");
  const hostent *host = sb_gethostbyname("only4.test");
  ASSERT_NE(nullptr, mine);
  ASSERT_NE(nullptr, host);
  std::thread([] {
    EXPECT_NE(nullptr, sb_getservbyname("domain", "udp"));
    EXPECT_NE(nullptr, sb_gethostbyname("localhost"));
  }).join();
  EXPECT_STREQ("http", mine->s_name);
  EXPECT_STREQ("only4.test", host->h_name);
  EXPECT_NE(nullptr, sb_getprotobyname("udp"));
  EXPECT_STREQ("http", mine->s_name) << "each kind of result is kept";
}

TEST_F(Resolve, InterfacesAreTheBrokersSystems) {
  struct if_nameindex *ours = sb_if_nameindex(), *kernels = if_nameindex();
  ASSERT_NE(nullptr, ours) << sb_error_message();
  size_t i = 0;
  for (; kernels[i].if_index && ours[i].if_index; i++) {
    EXPECT_EQ(kernels[i].if_index, ours[i].if_index);
    EXPECT_STREQ(kernels[i].if_name, ours[i].if_name);
  }
  EXPECT_EQ(kernels[i].if_index, ours[i].if_index) << "as many";
  EXPECT_EQ(nullptr, ours[i].if_name);
  sb_if_freenameindex(ours);
  sb_if_freenameindex(nullptr);
  if_freenameindex(kernels);

  char name[IF_NAMESIZE] = "";
  EXPECT_EQ(1u, sb_if_nametoindex("lo"));
  EXPECT_EQ(name, sb_if_indextoname(1, name));
  EXPECT_STREQ("lo", name);
  EXPECT_EQ(0u, sb_if_nametoindex("nosuch0"));
  EXPECT_EQ(ENODEV, errno);
  EXPECT_EQ(0u, sb_if_nametoindex(std::string(3000, 'x').c_str()));
  EXPECT_EQ(ENODEV, errno);
  EXPECT_EQ(nullptr, sb_if_indextoname(4000000, name));
  EXPECT_EQ(ENXIO, errno);
}

TEST_F(Resolve, TheHostsNameIsTheBrokersHosts) {
  char name[65] = "";
  EXPECT_EQ(0, sb_gethostname(name, sizeof(name))) << sb_error_message();
  EXPECT_STREQ("files.test", name);
  char brief[5] = "....";
  EXPECT_EQ(-1, sb_gethostname(brief, 4));
  EXPECT_EQ(ENAMETOOLONG, errno);
  EXPECT_STREQ("file", brief);
}

TEST_F(Resolve, TheHostsNameIsSetWhereARuleLendsTheCapability) {
  char name[65] = "";
  ASSERT_EQ(0, sb_sethostname("other", 5)) << sb_error_message();
  EXPECT_EQ(0, gethostname(name, sizeof(name)));
  EXPECT_STREQ("other", name);
  EXPECT_EQ(-1, sb_sethostname(std::string(65, 'x').c_str(), 65));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(0, sb_sethostname("files.test", 10));
}

std::string FullName(const char *name) {
  char full[NI_MAXHOST] = "";
  return sb_getfqdn(name, full, sizeof(full)) == 0 ? full : strerror(errno);
}

TEST_F(Resolve, TheFullNameIsTheFirstWithADot) {
  EXPECT_EQ("files.test", FullName(nullptr));
  EXPECT_EQ("files.test", FullName(""));
  EXPECT_EQ("files.test", FullName("0.0.0.0"));
  EXPECT_EQ("files.test", FullName("files"));
  EXPECT_EQ("files.test", FullName("192.0.2.10"));
  EXPECT_EQ("two.test", FullName("192.0.2.2"));
  EXPECT_EQ("nosuch.test", FullName("nosuch.test"));
  EXPECT_EQ("192.0.2.99", FullName("192.0.2.99"));
  EXPECT_EQ("localhost", FullName("127.0.0.1")) << "the official one, as there is none with a dot";
  char little[4];
  EXPECT_EQ(-1, sb_getfqdn("files", little, sizeof(little)));
  EXPECT_EQ(ENAMETOOLONG, errno);
}

TEST_F(Resolve, ALookUpThatHangsEndsWithItsTime) {
  NameService::Get()->Hang("slow.test");
  addrinfo *found;
  EXPECT_EQ(EAI_SYSTEM, sb_getaddrinfo_at(nullptr, "a.slow.test", "80", nullptr, 20000000, &found));
  EXPECT_EQ(ETIMEDOUT, errno);
  EXPECT_EQ(EAI_SYSTEM, sb_getaddrinfo_at(nullptr, "b.slow.test", "80", nullptr, 0, &found));
  EXPECT_EQ(ETIMEDOUT, errno);
  EXPECT_EQ(0, sb_getaddrinfo_at(nullptr, "two.test", "80", nullptr, 20000000000, &found))
      << "others go on meanwhile";
  sb_freeaddrinfo(found);
  NameService::Get()->Release();
}

TEST_F(Resolve, TooManyLookUpsAtOnceAreTriedAgain) {
  NameService::Get()->Hang("hang.test");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back([i] {
      std::string name = "n" + std::to_string(i) + ".hang.test";
      addrinfo *found;
      EXPECT_EQ(EAI_NONAME, sb_getaddrinfo(name.c_str(), nullptr, nullptr, &found));
    });
  ASSERT_TRUE(NameService::Get()->AwaitHanging(8));
  addrinfo *found;
  EXPECT_EQ(EAI_AGAIN, sb_getaddrinfo("two.test", nullptr, nullptr, &found));
  EXPECT_EQ(nullptr, sb_gethostbyname("two.test"));
  EXPECT_EQ(TRY_AGAIN, h_errno);
  char name[65], host[NI_MAXHOST], serv[NI_MAXSERV];
  EXPECT_EQ(0, sb_gethostname(name, sizeof(name))) << "what is not looked up goes on";
  ASSERT_EQ(0, sb_getaddrinfo("192.0.2.2", "80", nullptr, &found));
  EXPECT_EQ(0, sb_getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), serv,
                              sizeof(serv), NI_NUMERICHOST | NI_NUMERICSERV));
  sb_freeaddrinfo(found);
  EXPECT_NE(nullptr, sb_gethostbyname("192.0.2.2"));
  NameService::Get()->Release();
  for (auto &t : threads) t.join();
  EXPECT_NE(nullptr, sb_gethostbyname("two.test"));
}

}  // namespace
