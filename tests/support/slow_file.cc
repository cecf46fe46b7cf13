// SPDX-License-Identifier: Apache-2.0
#include "support/slow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace sb_test {
namespace {

void Answer(int device, uint64_t unique, int error, const void *body = nullptr, size_t length = 0) {
  char bytes[512];
  fuse_out_header header = {};
  header.len = static_cast<uint32_t>(sizeof(header) + length);
  header.error = -error;
  header.unique = unique;
  memcpy(bytes, &header, sizeof(header));
  if (length) memcpy(bytes + sizeof(header), body, length);
  (void)!write(device, bytes, sizeof(header) + length);
}

fuse_attr_out Attributes() {
  fuse_attr_out a = {};
  a.attr_valid = 1;
  a.attr.ino = 1;
  a.attr.mode = S_IFREG | 0644;
  a.attr.nlink = 1;
  return a;
}

fuse_init_out Initial() {
  fuse_init_out i = {};
  i.major = FUSE_KERNEL_VERSION;
  i.minor = FUSE_KERNEL_MINOR_VERSION;
  i.max_write = 4096;
  i.max_background = 64;
  return i;
}

}  // namespace

SlowFile::SlowFile(const std::string &at) : at_(at) {
  void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  shared_ = new (memory) Shared{};
  close(open(at.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return;
  const std::string options = "fd=" + std::to_string(device) + ",rootmode=100000,user_id=0,group_id=0,allow_other";
  mounted_ = mount("slow", at.c_str(), "fuse", MS_NODEV | MS_NOSUID, options.c_str()) == 0;
  server_ = fork();
  if (server_ == 0) Serve(device, shared_);
  close(device);
}

// With the server goes whatever waits for it.
SlowFile::~SlowFile() {
  Release();
  if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  if (server_ > 0) {
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }
  munmap(shared_, sizeof(Shared));
}

int SlowFile::Open() const { return open(at_.c_str(), O_RDONLY | O_CLOEXEC); }

void SlowFile::Serve(int device, Shared *shared) {
  static char bytes[1 << 17];
  static uint64_t flushing[1024];
  int n_flushing = 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    pollfd p = {device, POLLIN, 0};
    const bool some = poll(&p, 1, 20) == 1;
    while (shared->released && n_flushing > 0) Answer(device, flushing[--n_flushing], 0);
    shared->waiting = n_flushing;
    if (!some) continue;
    const ssize_t n = read(device, bytes, sizeof(bytes));
    if (n < 0 && errno == ENODEV) _exit(0);
    if (n < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
    fuse_in_header in;
    memcpy(&in, bytes, sizeof(in));
    const fuse_attr_out attributes = Attributes();
    const fuse_init_out initial = Initial();
    const fuse_open_out opened = {};
    switch (in.opcode) {
      case FUSE_INIT: Answer(device, in.unique, 0, &initial, sizeof(initial)); break;
      case FUSE_GETATTR: Answer(device, in.unique, 0, &attributes, sizeof(attributes)); break;
      case FUSE_OPEN: Answer(device, in.unique, 0, &opened, sizeof(opened)); break;
      case FUSE_FLUSH:
        if (n_flushing < 1024) flushing[n_flushing++] = in.unique;
        break;
      case FUSE_RELEASE: Answer(device, in.unique, 0); break;
      case FUSE_INTERRUPT: case FUSE_FORGET: case FUSE_BATCH_FORGET: break;
      default: Answer(device, in.unique, ENOSYS);
    }
    shared->waiting = n_flushing;
  }
}

}  // namespace sb_test
