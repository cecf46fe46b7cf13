// SPDX-License-Identifier: Apache-2.0
//
// AF_ALG, the kernel's ciphers: a socket is bound to an algorithm, and what it
// accepts is one operation. The values are from the standards.
#include <linux/if_alg.h>

#include "support.h"

using namespace contract;

namespace {

std::string Hex(std::string_view bytes) {
  std::string text;
  for (unsigned char c : bytes) {
    text += "0123456789abcdef"[c >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

std::string Unhex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  return bytes;
}

class Alg : public FamilyContract {
 protected:
  Alg() : FamilyContract("AF_ALG", AF_ALG, SOCK_SEQPACKET) {}

  static Addr Named(const char *type, const char *name) {
    sockaddr_alg a = {};
    a.salg_family = AF_ALG;
    strncpy(reinterpret_cast<char *>(a.salg_type), type, sizeof(a.salg_type) - 1);
    strncpy(reinterpret_cast<char *>(a.salg_name), name, sizeof(a.salg_name) - 1);
    return Addr::Of(a);
  }
  static long Key(const Sock &s, std::string_view key) {
    return Result(s.api().setsockopt(s.fd(), SOL_ALG, ALG_SET_KEY, key.data(),
                                     static_cast<socklen_t>(key.size())));
  }
  static Sock Operation(const Sock &s) {
    Sock operation = s.Accept();
    Must(operation.fd(), "accept");
    return operation;
  }
  static Message Ask(std::string_view data, uint32_t operation, std::string_view iv = "") {
    Message m({std::string(data)});
    m.Control(SOL_ALG, ALG_SET_OP, operation);
    if (!iv.empty()) {
      const auto length = static_cast<uint32_t>(iv.size());
      const std::string value = BytesOf(length) + std::string(iv);
      m.AddControl(SOL_ALG, ALG_SET_IV, value.data(), value.size());
    }
    return m;
  }
};
CONTRACT_FIXTURE(Alg);

constexpr const char kAbcSha256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_P(Alg, AHashIsSentToAndRead) {
  const Sock hash = Operation(Bound(Socket(), Named("hash", "sha256")));
  EXPECT_EQ(3, hash.Send("abc"));
  EXPECT_EQ(kAbcSha256, Hex(hash.Read(32)));
}

TEST_P(Alg, AHashMayComeInPieces) {
  const Sock hash = Operation(Bound(Socket(), Named("hash", "sha256")));
  EXPECT_EQ(1, hash.Send("a", MSG_MORE));
  EXPECT_EQ(1, hash.Send("b", MSG_MORE));
  EXPECT_EQ(1, hash.Send("c"));
  EXPECT_EQ(kAbcSha256, Hex(hash.Read(32)));
}

TEST_P(Alg, AnOperationCanBeUsedAgain) {
  const Sock hash = Operation(Bound(Socket(), Named("hash", "sha256")));
  for (int i = 0; i < 2; i++) {
    hash.Send("abc");
    EXPECT_EQ(kAbcSha256, Hex(hash.Read(32)));
  }
}

TEST_P(Alg, AHashThatWasBegunIsCopiedByAccept) {
  const Sock hash = Operation(Bound(Socket(), Named("hash", "sha256")));
  hash.Send("ab", MSG_MORE);
  const Sock copy = Operation(hash);
  hash.Send("x");
  copy.Send("c");
  EXPECT_EQ(kAbcSha256, Hex(copy.Read(32)));
}

TEST_P(Alg, AKeyedHashWantsItsKey) {
  const Sock s = Bound(Socket(), Named("hash", "hmac(sha256)"));
  EXPECT_EQ(-ENOKEY, Operation(s).Send("x"));
  EXPECT_EQ(0, Key(s, "Jefe"));
  const Sock hash = Operation(s);
  hash.Send("what do ya want for nothing?");
  EXPECT_EQ("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            Hex(hash.Read(32)));
}

TEST_P(Alg, ACipherEncryptsAndDecrypts) {
  const Sock s = Bound(Socket(), Named("skcipher", "cbc(aes)"));
  const std::string iv = Unhex("3dafba429d9eb430b422da802c9fac41");
  EXPECT_EQ(0, Key(s, Unhex("06a9214036b8a15b512e03d534120006")));
  const Sock cipher = Operation(s);
  EXPECT_EQ(16, cipher.SendMessage(Ask("Single block msg", ALG_OP_ENCRYPT, iv)));
  const std::string secret = cipher.Read(16);
  EXPECT_EQ("e353779c1079aeb82708942dbe77181a", Hex(secret));
  EXPECT_EQ(16, cipher.SendMessage(Ask(secret, ALG_OP_DECRYPT, iv)));
  EXPECT_EQ("Single block msg", cipher.Read(16));
}

TEST_P(Alg, ACiphersMessageMayComeInPieces) {
  const Sock s = Bound(Socket(), Named("skcipher", "cbc(aes)"));
  const std::string iv(16, 'i'), text = Pattern(64);
  EXPECT_EQ(0, Key(s, std::string(16, 'k')));
  const Sock whole = Operation(s), pieces = Operation(s);
  whole.SendMessage(Ask(text, ALG_OP_ENCRYPT, iv));
  EXPECT_EQ(32, pieces.SendMessage(Ask(text.substr(0, 32), ALG_OP_ENCRYPT, iv), MSG_MORE));
  EXPECT_EQ(32, pieces.Send(text.substr(32)));
  EXPECT_EQ(whole.Read(64), pieces.Read(64));
}

TEST_P(Alg, ACipherWithNothingToDoWaits) {
  const Sock s = Bound(Socket(), Named("skcipher", "ecb(aes)"));
  EXPECT_EQ(0, Key(s, std::string(16, 'k')));
  const Sock cipher = Operation(s);
  EXPECT_EQ(-EAGAIN, cipher.Recv(16, MSG_DONTWAIT));
  auto read = InBackground([&] { return cipher.Read(16); });
  EXPECT_EQ(16, cipher.SendMessage(Ask(std::string(16, 't'), ALG_OP_ENCRYPT)));
  EXPECT_EQ(16u, read.get().size());
}

TEST_P(Alg, AnAeadKnowsAForgery) {
  const Sock s = Bound(Socket(), Named("aead", "gcm(aes)"));
  const std::string iv(12, 'n'), head = "head", text = "some secret text";
  EXPECT_EQ(0, Key(s, std::string(16, 'k')));
  EXPECT_EQ(0, Result(api().setsockopt(s.fd(), SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, 16)));
  const Sock aead = Operation(s);
  const auto head_size = static_cast<uint32_t>(head.size());
  auto ask = [&](const std::string &data, uint32_t operation) {
    return aead.SendMessage(
        Ask(head + data, operation, iv).Control(SOL_ALG, ALG_SET_AEAD_ASSOCLEN, head_size));
  };
  EXPECT_EQ(static_cast<long>(head.size() + text.size()), ask(text, ALG_OP_ENCRYPT));
  std::string sealed = aead.Read(head.size() + text.size() + 16);
  ASSERT_EQ(head.size() + text.size() + 16, sealed.size());
  sealed = sealed.substr(head.size());
  ask(sealed, ALG_OP_DECRYPT);
  EXPECT_EQ(text, aead.Read(head.size() + text.size()).substr(head.size()));
  sealed[3] ^= 1;
  ask(sealed, ALG_OP_DECRYPT);
  EXPECT_EQ(-EBADMSG, aead.Recv(head.size() + text.size()));
}

TEST_P(Alg, RandomBytesAreRead) {
  const Sock s = Bound(Socket(), Named("rng", "stdrng"));
  EXPECT_EQ(0, Key(s, std::string(48, 's'))) << "its seed";
  const Sock rng = Operation(s);
  const std::string a = rng.Read(32), b = rng.Read(32);
  EXPECT_EQ(32u, a.size());
  EXPECT_NE(a, b);
}

TEST_P(Alg, AnAlgorithmThatIsNoneIsENOENT) {
  EXPECT_EQ(-ENOENT, Socket().Bind(Named("hash", "no-such-hash")));
  EXPECT_EQ(-ENOENT, Socket().Bind(Named("no-such", "sha256")));
}

TEST_P(Alg, ItHasNoNameAndNoPeer) {
  const Sock s = Bound(Socket(), Named("hash", "sha256"));
  Addr a;
  a.len = sizeof(sockaddr_storage);
  EXPECT_EQ(-EOPNOTSUPP, Result(api().getsockname(s.fd(), a.get(), &a.len)));
  EXPECT_EQ(-EOPNOTSUPP, s.PeerResult());
  EXPECT_EQ(-EINVAL, Socket().Accept().fd()) << "of an algorithm that was not named";
}

}  // namespace
