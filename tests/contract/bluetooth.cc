// SPDX-License-Identifier: Apache-2.0
//
// An emulated controller of Bluetooth 1.1: as little as the kernel is content with.
// Its thread reads what the kernel sends, and writes events, also to the other
// controllers, which are found by their addresses ("the air"): a call, its answer,
// and data both ways. All of it under one lock; writing to /dev/vhci does not block.
#include "bluetooth.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "root.h"
#include "support.h"

namespace contract {
namespace {

constexpr unsigned long kHciDevUp = _IOW('H', 201, int);
constexpr uint8_t kVendorPacket = 0xff;
// How long data is on the air, and how long one is called who is not there (a real
// controller is patient for 5 s). So long that connect(2) waits by then: the kernel
// does not hear of an end that came before.
constexpr int kFlightMs = 5, kPageMs = 100;

std::mutex air_lock;
std::map<BdAddr, Controller *> air;

std::string Le16(unsigned value) {
  return {static_cast<char>(value & 0xff), static_cast<char>(value >> 8 & 0xff)};
}
uint16_t Le16At(const std::string &bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes.at(at)) |
                               static_cast<uint8_t>(bytes.at(at + 1)) << 8);
}
std::string Bytes(const BdAddr &a) { return std::string(a.begin(), a.end()); }
BdAddr AddressAt(const std::string &bytes, size_t at) {
  return ValueOf<BdAddr>(std::string_view(bytes).substr(at, 6));
}
const std::string kOk(1, '\0');

}  // namespace

Controller::Controller(const BdAddr &address) : address_(address) {
  char answer[16];
  fd_ = static_cast<int>(Must(Result(RootOpen("/dev/vhci", O_RDWR)), "/dev/vhci"));
  stop_ = static_cast<int>(Must(Result(eventfd(0, EFD_CLOEXEC)), "eventfd"));
  const std::lock_guard<std::mutex> lock(air_lock);
  air[address_] = this;
  Write(kVendorPacket, std::string(1, '\0'));  // make a device of the primary kind
  const long n = Must(Result(read(fd_, answer, sizeof(answer))), "vhci");
  index_ = Le16At(std::string(answer, static_cast<size_t>(n)), 2);
  thread_ = std::thread([this] { Run(); });
}

Controller::~Controller() {
  const uint64_t one = 1;
  static_cast<void>(!write(stop_, &one, sizeof(one)));
  thread_.join();
  {
    const std::lock_guard<std::mutex> lock(air_lock);
    air.erase(address_);
  }
  close(fd_);
  close(stop_);
}

long Controller::PowerOn() {
  const Sock s(KernelApi(), KernelApi().socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, kHci));
  const long r = RootCall(SYS_ioctl, {RootArgument::Descriptor(s.fd()), kHciDevUp, index_});
  return r == -EALREADY ? 0 : r;
}

// ---- to and from the kernel ----

void Controller::Run() {
  pollfd fds[2] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
  while (poll(fds, 2, called_.empty() ? -1 : kPageMs) >= 0 && !fds[1].revents) {
    if (!fds[0].revents) {
      NobodyAnswers();
      continue;
    }
    std::string packet(2048, '\0');
    const ssize_t n = read(fd_, packet.data(), packet.size());
    if (n < 4)
      continue;
    packet.resize(static_cast<size_t>(n));
    if (packet[0] == kHciAcl)
      poll(&fds[1], 1, kFlightMs);
    const std::lock_guard<std::mutex> lock(air_lock);
    if (packet[0] == kHciCommand)
      OnCommand(Le16At(packet, 1), packet.substr(4));
    else
      OnData(static_cast<uint8_t>(packet[0]), packet.substr(1));
  }
}

void Controller::Write(uint8_t packet, const std::string &bytes) {
  const std::string all = std::string(1, static_cast<char>(packet)) + bytes;
  static_cast<void>(!write(fd_, all.data(), all.size()));
}

void Controller::Event(uint8_t code, const std::string &params) {
  Write(kHciEvent, std::string{static_cast<char>(code), static_cast<char>(params.size())} + params);
}

void Controller::Complete(uint16_t opcode, const std::string &result) {
  Event(0x0e, "\x01" + Le16(opcode) + result);
}

void Controller::Status(uint16_t opcode, uint8_t status) {
  Event(0x0f, std::string{static_cast<char>(status), 1} + Le16(opcode));
}

void Controller::Connected(uint8_t status, uint16_t handle, const BdAddr &peer, uint8_t type) {
  Event(0x03, std::string(1, static_cast<char>(status)) + Le16(handle) + Bytes(peer) +
                  std::string{static_cast<char>(type), 0});
}

void Controller::OnCommand(uint16_t opcode, const std::string &params) {
  const uint16_t handle = params.size() < 2 ? 0 : Le16At(params, 0) & 0xfff;
  switch (opcode) {
    case 0x0405:  // Create Connection
      Status(opcode, 0);
      return Call(AddressAt(params, 0), 1);
    case 0x0406:  // Disconnect
      Status(opcode, 0);
      return HangUp(handle, static_cast<uint8_t>(params.at(2)));
    case 0x0407:  // Add SCO Connection
      Status(opcode, 0);
      if (links_.count(handle))
        Call(links_[handle].peer->address(), 0);
      return;
    case 0x0409:  // Accept Connection Request
      Status(opcode, 0);
      return Answer(AddressAt(params, 0), 0);
    case 0x040a:  // Reject Connection Request
      Status(opcode, 0);
      return Answer(AddressAt(params, 0), static_cast<uint8_t>(params.at(6)));
    case 0x0419:  // Remote Name Request
      Status(opcode, 0);
      return Event(0x07, kOk + params.substr(0, 6) + std::string(248, '\0'));
    case 0x041b:  // Read Remote Supported Features
      Status(opcode, 0);
      return Event(0x0b, kOk + Le16(handle) + std::string(8, '\0'));
    case 0x041d:  // Read Remote Version Information
      Status(opcode, 0);
      return Event(0x0c, kOk + Le16(handle) + std::string(5, '\0'));
    case 0x1001:  // Read Local Version Information: 1.1
      return Complete(opcode, kOk + std::string("\x01\0\0\x01\0\0\0\0", 8));
    case 0x1003:  // Read Local Supported Features: SCO
      return Complete(opcode, kOk + std::string("\0\x08\0\0\0\0\0\0", 8));
    case 0x1005:  // Read Buffer Size: of 1000 bytes 8, and of 60 bytes 8
      return Complete(opcode, kOk + Le16(1000) + std::string(1, 60) + Le16(8) + Le16(8));
    case 0x1009:  // Read BD_ADDR
      return Complete(opcode, kOk + Bytes(address_));
    case 0x0c14:  // Read Local Name
      return Complete(opcode, kOk + std::string("emulated").append(240, '\0'));
    case 0x0c25:  // Read Voice Setting
      return Complete(opcode, kOk + Le16(0x60));
    default:  // done; whatever is asked is zero
      return Complete(opcode, kOk + std::string(16, '\0'));
  }
}

// Data of either kind goes to the other end under its number there, and is
// counted as sent.
void Controller::OnData(uint8_t packet, const std::string &bytes) {
  const uint16_t head = Le16At(bytes, 0), handle = head & 0xfff;
  const auto link = links_.find(handle);
  if (link == links_.end())
    return;
  unsigned flags = head & 0xf000u;
  if (packet == kHciAcl && (flags & 0x3000) == 0)
    flags |= 0x2000;  // the beginning of a message, as it is told to a host
  link->second.peer->Write(packet, Le16(link->second.peer_handle | flags) + bytes.substr(2));
  if (packet == kHciAcl)
    Event(0x13, "\x01" + Le16(handle) + Le16(1));
}

// ---- through the air ----

uint16_t Controller::NewLink(Controller *peer, uint8_t type) {
  const uint16_t handle = next_handle_++;
  links_[handle] = {peer, 0, type};
  return handle;
}

void Controller::Call(const BdAddr &to, uint8_t type) {
  const auto found = air.find(to);
  if (found == air.end()) {
    called_[to] = type;
    return;
  }
  found->second->callers_[address_] = type;
  found->second->Event(0x04, Bytes(address_) + std::string(3, '\0') +
                                 std::string(1, static_cast<char>(type)));
}

void Controller::NobodyAnswers() {
  for (const auto &[to, type] : called_)
    Connected(0x04, 0, to, type);  // page timeout
  called_.clear();
}

void Controller::Answer(const BdAddr &caller, uint8_t status) {
  const auto waiting = callers_.find(caller);
  const auto found = air.find(caller);
  if (waiting == callers_.end() || found == air.end())
    return;
  const uint8_t type = waiting->second;
  Controller *peer = found->second;
  callers_.erase(waiting);
  if (status) {
    Connected(status, 0, caller, type);
    return peer->Connected(status, 0, address_, type);
  }
  const uint16_t here = NewLink(peer, type), there = peer->NewLink(this, type);
  links_[here].peer_handle = there;
  peer->links_[there].peer_handle = here;
  Connected(0, here, caller, type);
  peer->Connected(0, there, address_, type);
}

void Controller::HangUp(uint16_t handle, uint8_t reason) {
  const auto link = links_.find(handle);
  if (link == links_.end())
    return;
  Controller *peer = link->second.peer;
  const uint16_t there = link->second.peer_handle;
  links_.erase(link);
  peer->links_.erase(there);
  Event(0x05, kOk + Le16(handle) + "\x16");  // by the local host
  peer->Event(0x05, kOk + Le16(there) + std::string(1, static_cast<char>(reason)));
}

}  // namespace contract
