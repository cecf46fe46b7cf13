// SPDX-License-Identifier: Apache-2.0
//
// A host of the test's own: a network with a loopback interface and nothing else, a host
// name, an /etc/hosts, and a name server on 127.0.0.1 that the test tells what to say,
// when, or never. Whoever the test starts is on that host too.
//
//   static NameService *names = NameService::Enter();   // in main(), before any thread
//   names->Add("www.test", "192.0.2.1");
//
// /etc/hosts has localhost, and files.test (192.0.2.10, 2001:db8::10) with the aliases
// alias.test and files. Link the target sb_test_names, which has such a main().
#ifndef SB_TESTS_SUPPORT_NAME_SERVICE_H
#define SB_TESTS_SUPPORT_NAME_SERVICE_H

#include <netinet/in.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sb_test {

class NameService {
 public:
  // Once. NULL: not root, or the kernel has no such namespaces; Get() tells it again.
  static NameService *Enter();
  static NameService *Get();
  ~NameService();
  NameService(const NameService &) = delete;
  NameService &operator=(const NameService &) = delete;

  // An address of a name, and the name of the address; more than one: in that order.
  void Add(const std::string &name, const std::string &address);
  void AddAlias(const std::string &name, const std::string &canonical);
  void AddEmpty(const std::string &name);  // it is there, and has no address
  void AddBroken(const std::string &name); // SERVFAIL
  // Below this domain nothing is answered ...
  void Hang(const std::string &domain);
  // ... until this; then there are no such names.
  void Release();
  // Waits until that many different names below hanging domains have been asked for. False: not
  // within 20 s.
  bool AwaitHanging(size_t names);

 private:
  struct Query {
    std::string packet;
    sockaddr_in from;
  };
  NameService();
  void Run();
  void Handle(const Query &query);
  std::string Answer(const std::string &packet, const std::string &name, unsigned type);

  int fd_ = -1, stop_[2] = {-1, -1};
  std::mutex lock_;
  std::condition_variable changed_;
  std::map<std::string, std::map<unsigned, std::vector<std::string>>> records_;
  std::set<std::string> broken_, hanging_, asked_;
  std::vector<Query> held_;
  std::thread thread_;
};

}  // namespace sb_test

#endif
