// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the CAN protocols share. Frames on a virtual CAN interface
// keep their order and are there when send() has returned: whether a frame is
// *not* delivered is found out by one sent after it.
#ifndef SB_CONTRACT_CAN_H
#define SB_CONTRACT_CAN_H

#include <linux/can.h>
#include <linux/can/raw.h>

#include "support.h"

namespace contract {

class CanContract : public FamilyContract {
 protected:
  CanContract(const char *name, int type, int protocol)
      : FamilyContract(name, AF_CAN, type, protocol) {}
  void SetUp() override {
    FamilyContract::SetUp();
    if (!IsSkipped() && !HasFatalFailure())
      GetVcans();
  }

  static can_frame Frame(canid_t id, std::string_view data = "") {
    can_frame f = {};
    f.can_id = id;
    f.can_dlc = static_cast<__u8>(data.size());
    std::memcpy(f.data, data.data(), data.size());
    return f;
  }
  static std::string DataOf(const can_frame &f) {
    return std::string(reinterpret_cast<const char *>(f.data), f.can_dlc);
  }

  static Addr At(int ifindex) {
    sockaddr_can a = {};
    a.can_family = AF_CAN;
    a.can_ifindex = ifindex;
    return Addr::Of(a);
  }
  static Addr First() { return At(GetVcans().first); }
  static Addr Second() { return At(GetVcans().second); }
  static Addr Everywhere() { return At(0); }

  Sock Raw() const { return Socket(AF_CAN, SOCK_RAW, CAN_RAW); }
  Sock RawAt(const Addr &a) const { return Bound(Raw(), a); }
  static long SendFrame(const Sock &s, const can_frame &f) { return s.Send(BytesOf(f)); }
  static can_frame NextFrame(const Sock &s) {
    return ValueOf<can_frame>(s.Read(sizeof(can_frame)));
  }
  static canid_t NextId(const Sock &s) { return NextFrame(s).can_id; }
};

}  // namespace contract

#endif  // SB_CONTRACT_CAN_H
