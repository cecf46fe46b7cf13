// SPDX-License-Identifier: Apache-2.0
//
// Bluetooth controllers that exist in this program alone: the kernel talks to them
// by /dev/vhci as to any, and they hear each other.
#ifndef SB_CONTRACT_BLUETOOTH_H
#define SB_CONTRACT_BLUETOOTH_H

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include <sys/socket.h>

namespace contract {

// What linux/ has no header for; least significant byte first, as all of Bluetooth.
using BdAddr = std::array<uint8_t, 6>;
struct L2capAddr {  // sockaddr_l2
  sa_family_t family;
  uint16_t psm;
  BdAddr bdaddr;
  uint16_t cid;
  uint8_t bdaddr_type;
};
struct RfcommAddr {  // sockaddr_rc
  sa_family_t family;
  BdAddr bdaddr;
  uint8_t channel;
};
struct ScoAddr {  // sockaddr_sco
  sa_family_t family;
  BdAddr bdaddr;
};
struct HciAddr {  // sockaddr_hci
  sa_family_t family;
  uint16_t dev;
  uint16_t channel;
};
struct HciFilter {
  uint32_t types;
  uint32_t events[2];
  uint16_t opcode;
};
enum { kL2cap = 0, kHci = 1, kSco = 2, kRfcomm = 3 };  // BTPROTO_*
enum { kSolHci = 0, kSolL2cap = 6, kSolSco = 17, kSolRfcomm = 18, kSolBluetooth = 274 };
enum { kHciDataDir = 1, kHciFilter = 2, kHciTimeStamp = 3 };
enum { kHciCommand = 1, kHciAcl = 2, kHciSco = 3, kHciEvent = 4 };

class Controller {
 public:
  explicit Controller(const BdAddr &address);
  ~Controller();
  Controller(const Controller &) = delete;
  Controller &operator=(const Controller &) = delete;

  int index() const { return index_; }  // of hci0, hci1 …
  const BdAddr &address() const { return address_; }
  // ioctl HCIDEVUP, and what it said.
  long PowerOn();

 private:
  struct Link {
    Controller *peer;
    uint16_t peer_handle;
    uint8_t type;  // 0 SCO, 1 ACL
  };

  void Run();
  void OnCommand(uint16_t opcode, const std::string &params);
  void OnData(uint8_t packet, const std::string &bytes);

  void Write(uint8_t packet, const std::string &bytes);
  void Event(uint8_t code, const std::string &params);
  void Complete(uint16_t opcode, const std::string &result);
  void Status(uint16_t opcode, uint8_t status);
  void Connected(uint8_t status, uint16_t handle, const BdAddr &peer, uint8_t type);

  void Call(const BdAddr &to, uint8_t type);
  void NobodyAnswers();
  void Answer(const BdAddr &caller, uint8_t status);
  void HangUp(uint16_t handle, uint8_t reason);
  uint16_t NewLink(Controller *peer, uint8_t type);

  const BdAddr address_;
  int fd_ = -1, stop_ = -1;
  int index_ = -1;
  uint16_t next_handle_ = 1;
  std::map<uint16_t, Link> links_;
  std::map<BdAddr, uint8_t> called_;   // nobody who answers, and the link's type
  std::map<BdAddr, uint8_t> callers_;  // who waits for an answer, and the link's type
  std::thread thread_;
};

}  // namespace contract

#endif  // SB_CONTRACT_BLUETOOTH_H
