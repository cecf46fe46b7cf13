// SPDX-License-Identifier: Apache-2.0
//
// The command line tool, run as a user runs it.
#include <gtest/gtest.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <sockbroker.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/broker.h"

namespace {

struct Ran {
  int status;
  std::string out, err;
};

std::string ReadFile(const std::string &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

bool Has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

// A folder for each test, and the tool run in it.
class Cli : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(nullptr, mkdtemp(folder_)); }
  void TearDown() override {
    for (const char *name : {"out", "err", "policy.yaml"}) unlink(Path(name).c_str());
    rmdir(folder_);
  }

  std::string Path(const char *name) const { return std::string(folder_) + "/" + name; }
  std::string Policy(const std::string &text) const {
    std::ofstream(Path("policy.yaml")) << text;
    return Path("policy.yaml");
  }

  Ran Run(std::vector<std::string> args) const {
    args.insert(args.begin(), SOCKBROKER_CLI);
    std::vector<char *> argv;
    for (auto &a : args) argv.push_back(a.data());
    argv.push_back(nullptr);

    pid_t pid = fork();
    if (pid == 0) {
      unsetenv("SOCKBROKER_ADDRESS");
      if (freopen(Path("out").c_str(), "w", stdout) && freopen(Path("err").c_str(), "w", stderr))
        execv(argv[0], argv.data());
      _exit(127);
    }
    int status = -1;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(Path("out")),
            ReadFile(Path("err"))};
  }

 private:
  char folder_[32] = "/tmp/cli_test.XXXXXX";
};

const char kPolicy[] = R"(version: 1
rules:
  - name: ping
    who: {user: nobody}
    may: [socket, send]
    lends: [CAP_NET_RAW]
    family: inet
    type: raw
    protocol: icmp
    to: 127.0.0.0/8
)";

// ---- What can be said without a broker ----

TEST_F(Cli, WithoutACommandItSaysHowToUseIt) {
  const Ran ran = Run({});
  EXPECT_EQ(2, ran.status);
  EXPECT_EQ("", ran.out);
  EXPECT_TRUE(Has(ran.err, "--help")) << ran.err;
}

TEST_F(Cli, UnknownCommandIsNamed) {
  const Ran ran = Run({"frobnicate"});
  EXPECT_EQ(2, ran.status);
  EXPECT_TRUE(Has(ran.err, "'frobnicate'")) << ran.err;
}

TEST_F(Cli, UnknownOptionIsAUsageError) { EXPECT_EQ(2, Run({"sockets", "--frobnicate"}).status); }

TEST_F(Cli, VersionIsTheLibrarys) {
  const Ran ran = Run({"--version"});
  EXPECT_EQ(0, ran.status);
  EXPECT_EQ("sockbroker " SB_VERSION "\n", ran.out);
}

const std::vector<std::vector<std::string>> kCommands = {
    {"policy", "check"}, {"policy", "explain"}, {"sockets"}, {"sessions"}, {"status"}};

TEST_F(Cli, HelpListsEveryCommand) {
  const Ran ran = Run({"--help"});
  EXPECT_EQ(0, ran.status);
  for (const auto &words : kCommands) EXPECT_TRUE(Has(ran.out, words.back())) << words.back();
}

TEST_F(Cli, EveryCommandHasItsOwnHelp) {
  for (auto words : kCommands) {
    std::string usage = "Usage: sockbroker";
    for (const auto &w : words) usage += " " + w;
    words.push_back("--help");
    const Ran ran = Run(words);
    EXPECT_EQ(0, ran.status) << usage;
    EXPECT_EQ(0u, ran.out.find(usage)) << ran.out;
  }
}

TEST_F(Cli, PolicyCheckCountsTheRulesOfAGoodFile) {
  const Ran ran = Run({"policy", "check", Policy(kPolicy)});
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "1 rule\n")) << ran.out;
}

TEST_F(Cli, PolicyCheckTellsLineAndColumnOfAMistake) {
  const std::string path = Policy("version: 1\nrulez: []\n");
  const Ran ran = Run({"policy", "check", path});
  EXPECT_EQ(1, ran.status);
  EXPECT_EQ("", ran.out);
  EXPECT_TRUE(Has(ran.err, path + ":2:1: ")) << ran.err;
}

TEST_F(Cli, PolicyCheckOfNoFileNamesIt) {
  const Ran ran = Run({"policy", "check", "/nonexistent/policy.yaml"});
  EXPECT_EQ(1, ran.status);
  EXPECT_TRUE(Has(ran.err, "/nonexistent/policy.yaml")) << ran.err;
}

TEST_F(Cli, ExplainPrintsTheRuleThatAllowsAndWhatItLends) {
  const Ran ran = Run({"policy", "explain", "--policy", Policy(kPolicy), "--user", "nobody",
                       "socket", "inet", "raw", "icmp"});
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "allowed")) << ran.out;
  EXPECT_TRUE(Has(ran.out, "'ping'")) << ran.out;
  EXPECT_TRUE(Has(ran.out, "CAP_NET_RAW")) << ran.out;
}

TEST_F(Cli, ExplainExitsWithOneIfItIsDenied) {
  const Ran ran = Run({"policy", "explain", "--policy", Policy(kPolicy), "--user", "nobody",
                       "socket", "inet", "stream", "tcp"});
  EXPECT_EQ(1, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "denied")) << ran.out;
}

TEST_F(Cli, ExplainJudgesAUserByNumber) {
  EXPECT_EQ(1, Run({"policy", "explain", "--policy", Policy(kPolicy), "--user", "54321", "socket",
                    "inet", "raw", "icmp"}).status);
}

const char kNames[] = R"(version: 1
rules:
  - { name: example, who: everyone, may: [resolve, connect], family: inet, type: stream, protocol: tcp,
      names: ["*.example.org"], to: resolved, to_ports: 443 }
)";

TEST_F(Cli, ExplainJudgesALookUp) {
  const std::string file = Policy(kNames);
  const Ran ran = Run({"policy", "explain", "-p", file, "resolve", "www.Example.org"});
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "asks    resolve www.Example.org\n")) << ran.out;
  EXPECT_EQ(1, Run({"policy", "explain", "-p", file, "resolve", "evilexample.org"}).status);
  EXPECT_EQ(1, Run({"policy", "explain", "-p", file, "resolve", "192.0.2.1"}).status);
}

TEST_F(Cli, ExplainOfANameForAnAddressSupposesThatItWasAskedFor) {
  const std::string file = Policy(kNames);
  auto connect = [&](const char *to) {
    return Run({"policy", "explain", "-p", file, "connect", "inet", "stream", "tcp", to});
  };
  const Ran ran = connect("www.example.org:443");
  EXPECT_EQ(0, ran.status) << ran.out << ran.err;
  EXPECT_TRUE(Has(ran.out, "asks    connect inet stream tcp www.example.org:443\nas if ")) << ran.out;
  EXPECT_EQ(1, connect("www.example.org:80").status);
  EXPECT_EQ(1, connect("evilexample.org:443").status);
  EXPECT_EQ(1, connect("192.0.2.1:443").status);
}

TEST_F(Cli, ExplainOfAnUnknownUserIsAUsageError) {
  const Ran ran = Run({"policy", "explain", "--policy", Policy(kPolicy), "--user", "nobody-here",
                       "socket", "inet", "raw", "icmp"});
  EXPECT_EQ(2, ran.status);
  EXPECT_TRUE(Has(ran.err, "nobody-here")) << ran.err;
}

TEST_F(Cli, ExplainOfAnUnknownActionIsAUsageError) {
  const Ran ran = Run({"policy", "explain", "--policy", Policy(kPolicy), "frobnicate"});
  EXPECT_EQ(2, ran.status);
  EXPECT_TRUE(Has(ran.err, "frobnicate")) << ran.err;
}

TEST_F(Cli, WithoutABrokerItSaysWhereItLooked) {
  const Ran ran = Run({"--address", "unix:/nonexistent/broker.sock", "sockets"});
  EXPECT_EQ(1, ran.status);
  EXPECT_TRUE(Has(ran.err, "/nonexistent/broker.sock")) << ran.err;
}

TEST_F(Cli, AddressThatIsNotUnixIsAUsageError) {
  EXPECT_EQ(2, Run({"status", "--address", "tcp:localhost:1"}).status);
}

// ---- What a broker tells ----

class CliOfBroker : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    ASSERT_TRUE(broker_.Started()) << broker_.Log();
    client_ = sb_connect_broker(broker_.address().c_str(), SB_TRANSPORT_STREAM);
    ASSERT_NE(nullptr, client_) << sb_error_message();
    listener_ = sb_socket_at(client_, AF_INET, SOCK_STREAM, 0);
    sockaddr_in a = {};
    socklen_t length = sizeof a;
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(0, sb_bind(listener_, reinterpret_cast<sockaddr *>(&a), length))
        << sb_error_message();
    ASSERT_EQ(0, sb_listen(listener_, 5)) << sb_error_message();
    ASSERT_EQ(0, sb_getsockname(listener_, reinterpret_cast<sockaddr *>(&a), &length));
    name_ = "127.0.0.1:" + std::to_string(ntohs(a.sin_port));
  }
  void TearDown() override {
    if (listener_ >= 0) sb_close(listener_);
    sb_disconnect_broker(client_);
    Cli::TearDown();
  }

  Ran Ask(const char *command, std::vector<std::string> more = {}) const {
    std::vector<std::string> args = {command, "--address", broker_.address()};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }
  using Json = std::unique_ptr<json_object, int (*)(json_object *)>;
  Json AskJson(const char *command) const {
    const Ran ran = Ask(command, {"--json"});
    EXPECT_EQ(0, ran.status) << ran.err;
    Json json(json_tokener_parse(ran.out.c_str()), json_object_put);
    if (json_object_is_type(json.get(), json_type_array)) return json;
    ADD_FAILURE() << "not an array: " << ran.out;
    return Json(json_object_new_array(), json_object_put);
  }

  static std::string Text(json_object *object, const char *key) {
    json_object *value = json_object_object_get(object, key);
    return value ? json_object_get_string(value) : "(no " + std::string(key) + ")";
  }

  // Whoever runs the tests may listen on loopback.
  static std::string ListenPolicy() {
    return "version: 1\n"
           "rules:\n"
           "  - name: listen\n"
           "    who: { uid: " + std::to_string(geteuid()) + " }\n" +
           "    may: [socket, bind, listen]\n"
           "    family: inet\n"
           "    type: stream\n"
           "    protocol: tcp\n"
           "    from: [127.0.0.1]\n"
           "    from_ports: ephemeral\n";
  }

  sb_test::Broker broker_{{"--user", "daemon"}, ListenPolicy()};
  sb_broker *client_ = nullptr;
  int listener_ = -1;
  std::string name_;  // of the listener
};

TEST_F(CliOfBroker, SocketsShowsAListenerWithItsAddress) {
  const Ran ran = Ask("sockets");
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "LISTEN")) << ran.out;
  EXPECT_TRUE(Has(ran.out, name_)) << ran.out;
}

TEST_F(CliOfBroker, SocketsTableIsAligned) {
  std::istringstream lines(Ask("sockets").out);
  std::string head, line;
  ASSERT_TRUE(std::getline(lines, head));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(head.find("STATE"), line.find("LISTEN")) << head << "\n" << line;
}

TEST_F(CliOfBroker, SocketsAsJsonSaysTheSame) {
  const Json json = AskJson("sockets");
  ASSERT_EQ(1u, json_object_array_length(json.get()));
  json_object *socket = json_object_array_get_idx(json.get(), 0);
  EXPECT_EQ("LISTEN", Text(socket, "state"));
  EXPECT_EQ("inet", Text(socket, "family"));
  EXPECT_EQ(name_, Text(socket, "local"));
  EXPECT_EQ(std::to_string(getuid()), Text(socket, "uid"));
}

TEST_F(CliOfBroker, SocketsIsEmptyAfterClose) {
  sb_close(listener_);
  listener_ = -1;
  EXPECT_EQ(0u, json_object_array_length(AskJson("sockets").get()));
}

TEST_F(CliOfBroker, SessionsShowsThisOneAndItsOwn) {
  const Json json = AskJson("sessions");
  ASSERT_EQ(2u, json_object_array_length(json.get()));
  std::string pids = ";";
  for (size_t i = 0; i < 2; i++)
    pids += Text(json_object_array_get_idx(json.get(), i), "pid") + ";";
  EXPECT_TRUE(Has(pids, ";" + std::to_string(getpid()) + ";")) << pids;
}

TEST_F(CliOfBroker, SessionsHasAHeadingAndALineForEach) {
  const Ran ran = Ask("sessions");
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_EQ(0u, ran.out.find("SESSION")) << ran.out;
  EXPECT_EQ(3, std::count(ran.out.begin(), ran.out.end(), '\n')) << ran.out;
}

TEST_F(CliOfBroker, StatusTellsTheDaemonsProcess) {
  const Json json = AskJson("status");
  ASSERT_EQ(1u, json_object_array_length(json.get()));
  json_object *status = json_object_array_get_idx(json.get(), 0);
  EXPECT_EQ(std::to_string(broker_.pid()), Text(status, "pid"));
  EXPECT_EQ(SB_VERSION, Text(status, "version"));
  EXPECT_EQ("1", Text(status, "sockets"));
}

TEST_F(CliOfBroker, StatusIsALineForEachFact) {
  const Ran ran = Ask("status");
  EXPECT_EQ(0, ran.status) << ran.err;
  EXPECT_TRUE(Has(ran.out, "version")) << ran.out;
  EXPECT_TRUE(Has(ran.out, std::to_string(broker_.pid()))) << ran.out;
}

}  // namespace
