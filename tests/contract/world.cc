// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "root.h"
#include "support.h"

namespace contract {
namespace {

// Those of a test program before this one, where the network is not private.
void DropInterfaces() {
  static_cast<void>(!system("for i in /sys/class/net/sb*; do"
                            " test ! -e $i || ip link del ${i##*/} 2>/dev/null; done"));
}

void SetUpLoopback() {
  const Sock s(KernelApi(), KernelApi().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq ifr = {};
  strcpy(ifr.ifr_name, "lo");
  Must(s.Ioctl(SIOCGIFFLAGS, &ifr), "SIOCGIFFLAGS");
  ifr.ifr_flags = static_cast<short>(ifr.ifr_flags | IFF_UP | IFF_MULTICAST);
  Must(s.Ioctl(SIOCSIFFLAGS, &ifr), "lo up");
}

}  // namespace

std::string MakeWorld() {
  // A machine of our own needs no second namespace, and Bluetooth is in the first only.
  if (InMachine())
    DropInterfaces();
  else
    Must(Result(unshare(CLONE_NEWNET)), "unshare(CLONE_NEWNET), which needs root");
  SetUpLoopback();
  // Whoever wants may have a ping socket, as on most systems.
  std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 2147483647\n";

  char made[] = "/tmp/sb-contract.XXXXXX";
  if (mkdtemp(made) == nullptr)
    throw std::runtime_error("mkdtemp");
  Must(Result(chmod(made, 01777)), "chmod");
  return made;
}

void EndWorld(const std::string &folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

bool InMachine() { return getenv("VMTEST") != nullptr; }

int InterfaceIndex(const std::string &name) {
  const Sock s(KernelApi(), KernelApi().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq ifr = {};
  name.copy(ifr.ifr_name, sizeof(ifr.ifr_name) - 1);
  return s.Ioctl(SIOCGIFINDEX, &ifr) == 0 ? ifr.ifr_ifindex : 0;
}

const Veth &GetVeth() {
  static const Veth veth = [] {
    // No address of IPv6's own making: its packets would be met by the tests.
    if (RootCommand("ip link add sbva type veth peer name sbvb"
                    " && ip link set sbva addrgenmode none up"
                    " && ip link set sbvb addrgenmode none up"))
      throw std::runtime_error("cannot make a veth pair");
    return Veth{"sbva", "sbvb", InterfaceIndex("sbva"), InterfaceIndex("sbvb")};
  }();
  return veth;
}

const Vcans &GetVcans() {
  static const Vcans vcans = [] {
    if (RootCommand("ip link add sbcan0 mtu 72 type vcan && ip link set sbcan0 up"
                    " && ip link add sbcan1 mtu 72 type vcan && ip link set sbcan1 up"))
      throw std::runtime_error("cannot make virtual CAN interfaces");
    return Vcans{InterfaceIndex("sbcan0"), InterfaceIndex("sbcan1")};
  }();
  return vcans;
}

}  // namespace contract
