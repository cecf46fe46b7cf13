/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files. Those in good/, packaging/ and docs/examples/ must be taken; those in bad/
 * must be refused with what their first line says: `# expect: LINE:COLUMN: words`.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "policy_helper.h"

namespace {

std::vector<std::string> Files(const std::string &folder, const std::string &begin = "") {
  std::vector<std::string> files;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".yaml" &&
        entry.path().filename().string().rfind(begin, 0) == 0)
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string TestName(const testing::TestParamInfo<std::string> &info) {
  std::string name = std::filesystem::path(info.param).stem();
  for (char &c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

class Good : public testing::TestWithParam<std::string> {};
TEST_P(Good, IsTaken) {
  char error[512] = "";
  PolicyPtr p(policy_load(GetParam().c_str(), error, sizeof(error)));
  EXPECT_TRUE(p) << error;
}
INSTANTIATE_TEST_SUITE_P(Corpus, Good, testing::ValuesIn(Files(SB_POLICY_CASES "/good")), TestName);
INSTANTIATE_TEST_SUITE_P(Examples, Good, testing::ValuesIn(Files(SB_EXAMPLES)), TestName);
INSTANTIATE_TEST_SUITE_P(Packaging, Good, testing::ValuesIn(Files(SB_PACKAGING, "policy")),
                         TestName);

class Bad : public testing::TestWithParam<std::string> {};
TEST_P(Bad, IsRefusedWithItsMessage) {
  std::string first, expect = "# expect: ";
  std::getline(std::ifstream(GetParam()) >> std::ws, first);
  ASSERT_EQ(0u, first.find(expect)) << "the first line says what to expect";
  char error[512] = "";
  PolicyPtr p(policy_load(GetParam().c_str(), error, sizeof(error)));
  ASSERT_FALSE(p);
  std::string begin = GetParam() + ":" + first.substr(expect.size());
  EXPECT_EQ(0u, std::string(error).find(begin)) << "told: " << error << "\nwant: " << begin;
  EXPECT_NE(nullptr, strpbrk(error + GetParam().size(), ";?")) << "says what to do: " << error;
}
INSTANTIATE_TEST_SUITE_P(Corpus, Bad, testing::ValuesIn(Files(SB_POLICY_CASES "/bad")), TestName);

std::string Refusal(const std::string &text) {
  std::string error;
  EXPECT_FALSE(Parse(text, &error));
  return error;
}

TEST(Quickstart, AllowsItsFourJobsAndNoMore) {
  char error[512] = "";
  PolicyPtr p(policy_load(SB_PACKAGING "/policy-quickstart.yaml", error, sizeof(error)));
  ASSERT_TRUE(p) << error;
  struct subject nobody = {65534, 65534, nullptr, 0};
  auto judge = [&](const char *words) {
    struct intent in = Words(words);
    return policy_judge(p.get(), &nobody, &in, nullptr, 0).error;
  };
  for (const char *words :
       {"socket inet raw icmp", "send inet raw icmp 127.0.0.1:0", "socket inet stream 0",
        "bind inet stream tcp 127.0.0.1:80", "listen inet stream tcp 127.0.0.1:80",
        "bind inet stream tcp 127.0.0.1:0", "connect inet stream tcp 127.0.0.1:80",
        "socket packet raw all", "bind packet raw all lo"})
    EXPECT_EQ(0, judge(words)) << words;
  for (const char *words :
       {"send inet raw icmp 192.0.2.1:0", "socket inet raw tcp", "bind inet stream tcp 0.0.0.0:80",
        "bind inet stream tcp 127.0.0.1:81", "connect inet stream tcp 192.0.2.1:80",
        "bind packet raw all any", "send packet raw all lo", "socket inet dgram udp",
        "connect unix stream /run/docker.sock", "socket netlink raw route"})
    EXPECT_EQ(-EACCES, judge(words)) << words;
  EXPECT_FALSE(policy_knows(p.get(), &kSomebody));
}

/* Whom the recipes are for need not exist here. */
std::string WithoutNames(std::string text) {
  text = std::regex_replace(text, std::regex("\\buser: [a-z-]+"), "uid: 1");
  return std::regex_replace(text, std::regex("\\bgroup: [a-z-]+"), "gid: 1");
}

/* All that begin as a list of rules does. */
TEST(Manual, ItsRulesAreTaken) {
  std::ifstream in(SB_MANUAL);
  const std::regex name("^- (\\{ )?name: [a-zA-Z ]+");
  std::string line, text = "version: 1\nrules:\n";
  bool yaml = false, rules = false;
  size_t n = 0;
  while (std::getline(in, line)) {
    if (line.rfind("```", 0) == 0) {
      yaml = line == "```yaml" && std::getline(in, line);
      rules = yaml && line.rfind("- ", 0) == 0;
    }
    if (!rules) continue;
    /* a file of one's own has no two of a name */
    std::string own = std::regex_replace(line, name, "- $1name: r" + std::to_string(n));
    n += own != line;
    text += own + "\n";
  }
  PolicyPtr p = Parse(WithoutNames(text));
  ASSERT_TRUE(p);
  EXPECT_LT(20u, n);
  EXPECT_EQ(n, policy_rule_count(p.get()));
}

TEST(File, ThatIsNotThereIsAnError) {
  char error[256];
  EXPECT_EQ(nullptr, policy_load("/nonexistent/policy.yaml", error, sizeof(error)));
  EXPECT_STREQ("/nonexistent/policy.yaml:1:1: No such file or directory", error);
  EXPECT_EQ(nullptr, policy_load("/dev/null", error, sizeof(error)));
  EXPECT_NE(nullptr, strstr(error, "not a regular file"));
}

TEST(File, ThatEverybodyMayWriteIsRefused) {
  char path[] = "/tmp/sb-policy-XXXXXX", error[256];
  int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(21, write(fd, "version: 1\nrules: []\n", 21));
  EXPECT_TRUE(PolicyPtr(policy_load(path, error, sizeof(error)))) << error;
  ASSERT_EQ(0, fchmod(fd, 0666));
  EXPECT_FALSE(PolicyPtr(policy_load(path, error, sizeof(error))));
  EXPECT_NE(nullptr, strstr(error, "chmod o-w"));
  close(fd);
  unlink(path);
}

TEST(File, HasABoundOnItsSize) {
  std::string text = "version: 1\nrules: []\n";
  text += "#" + std::string((1 << 20) - text.size() - 1, 'x');
  EXPECT_TRUE(Parse(text));
  EXPECT_EQ("test.yaml:1:1: the file is too large; at most 1048576 bytes are allowed",
            Refusal(text + "x"));
}

TEST(File, HasABoundOnItsRules) {
  std::string text = "version: 1\nrules:\n";
  for (int i = 0; i < 4096; i++)
    text += "- { name: r" + std::to_string(i) + ", who: everyone, may: inspect }\n";
  PolicyPtr p = Parse(text);
  EXPECT_EQ(4096u, policy_rule_count(p.get()));
  EXPECT_NE(std::string::npos,
            Refusal(text + "- { name: last, who: everyone, may: inspect }\n").find("at most 4096"));
}

TEST(File, CutAnywhereIsAnErrorOrAPolicyAndNeverACrash) {
  std::ifstream in(SB_PACKAGING "/policy-quickstart.yaml");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  for (size_t n = 0; n <= text.size(); n++) {
    std::string error;
    PolicyPtr p = Parse(text.substr(0, n), &error);
    EXPECT_NE(p == nullptr, error.empty()) << n;
    EXPECT_EQ(std::string::npos, error.find('\n'));
  }
}

TEST(Message, FitsItsBuffer) {
  for (size_t size = 0; size < 40; size++) {
    std::string room(size + 1, 'x');
    EXPECT_EQ(nullptr, policy_parse("version: 2", 10, "test.yaml", room.data(), size));
    EXPECT_EQ('x', room[size]);
  }
}

TEST(Message, IsOneLineWhateverTheFileHolds) {
  std::string error = Refusal("version: 1\n\"a\\nb\\e\": 1\n");
  EXPECT_EQ(std::string::npos, error.find_first_of("\n\e"));
}

TEST(Text, WithANulByteIsRefused) {
  EXPECT_NE(std::string::npos, Refusal("version: 1\nrules: \"\\0\"\n").find("NUL"));
}

}  // namespace
