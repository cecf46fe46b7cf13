// SPDX-License-Identifier: Apache-2.0
//
// A file whose close(2) does not return until the test says so: a FUSE file system of one file,
// whose server is a process of its own: who dies with the file open needs it. Needs root and
// /dev/fuse.
#ifndef SB_TESTS_SUPPORT_SLOW_FILE_H
#define SB_TESTS_SUPPORT_SLOW_FILE_H

#include <sys/types.h>

#include <atomic>
#include <string>

namespace sb_test {

class SlowFile {
 public:
  // `at`: an ordinary file, which is covered.
  explicit SlowFile(const std::string &at);
  ~SlowFile();  // Release()s
  SlowFile(const SlowFile &) = delete;
  SlowFile &operator=(const SlowFile &) = delete;

  bool mounted() const { return mounted_; }
  int Open() const;
  // How many close(2) wait now.
  int Waiting() const { return shared_->waiting; }
  // They return, and later ones at once.
  void Release() { shared_->released = true; }

 private:
  struct Shared {
    std::atomic<bool> released;
    std::atomic<int> waiting;
  };
  static void Serve(int device, Shared *shared);
  std::string at_;
  bool mounted_ = false;
  pid_t server_ = -1;
  Shared *shared_;
};

}  // namespace sb_test

#endif
