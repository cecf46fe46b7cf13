// SPDX-License-Identifier: Apache-2.0
//
// A client of the descriptor socket (descriptor.proto) that is not our library, and may be hostile:
// it sends any packet with any descriptors and any control messages.
//
//   RawDesk desk(broker.address());
//   RawPacket r = desk.Take(PbBytes(session.Do(kGetDescriptor, Pb().V(1, handle)).body, 2));
//   if (r.error() == 0) ... r.fd()
#ifndef SB_TESTS_SUPPORT_RAW_DESK_H
#define SB_TESTS_SUPPORT_RAW_DESK_H

#include <string>
#include <vector>

#include "support/raw_client.h"

namespace sb_test {

// What came; its descriptors are closed with it.
class RawPacket {
 public:
  RawPacket() = default;
  ~RawPacket();
  RawPacket(RawPacket &&);
  RawPacket(const RawPacket &) = delete;
  RawPacket &operator=(const RawPacket &) = delete;
  // -1: none came, the connection has ended.
  int error() const { return came_ ? static_cast<int>(PbNumber(body_, 1)) : -1; }
  std::string ticket() const { return PbBytes(body_, 2); }
  // Borrowed; -1: not exactly one.
  int fd() const { return fds_.size() == 1 ? fds_[0] : -1; }
  int TakeFd();

 private:
  friend class RawDesk;
  bool came_ = false;
  std::string body_;
  std::vector<int> fds_;
};

class RawDesk {
 public:
  explicit RawDesk(const std::string &broker_address);
  ~RawDesk();
  RawDesk(const RawDesk &) = delete;
  RawDesk &operator=(const RawDesk &) = delete;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // `control`: SCM_RIGHTS with `fds` is added before it. False: errno.
  bool Send(const std::string &packet, const std::vector<int> &fds = {}, const std::string &control = "");
  RawPacket Receive(int timeout_ms = kPatienceMs);
  RawPacket Do(const std::string &packet, const std::vector<int> &fds = {});
  // And the second reply, if there is to be one.
  RawPacket Take(const std::string &ticket);
  RawPacket Give(int fd) { return Do(Pb().V(2, 1), {fd}); }

 private:
  int fd_ = -1;
};

}  // namespace sb_test

#endif
