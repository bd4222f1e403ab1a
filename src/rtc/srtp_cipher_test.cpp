// Published vectors of key derivation and ciphers; indexes and windows at the ends of their ranges.
#include "rtc/srtp_cipher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "rtc/srtp_window.h"

namespace parley::rtc {
namespace {

using Direction = SrtpContext::Direction;
using base::Buffer;

Buffer hex(std::string_view text) {
  std::string packed;
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed), [](char c) { return c != ' '; });
  return base::hexDecode(packed).value();
}

const Buffer kKey128 = hex("000102030405060708090a0b0c0d0e0f");
const Buffer kKey256 = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const Buffer kGcmSalt = hex("517569642070726f2071756f");

TEST(SrtpCipherTest, Rfc3711B3KeyDerivation) {
  const auto keys =
      deriveSrtpKeys(SrtpProfile::aes128CmSha1_80, false, hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
                     hex("0EC675AD498AFEEBB6960B3AABE6"));
  EXPECT_EQ(keys.encryption, hex("C61E7A93744F39EE10734AFE3FF7A087"));
  EXPECT_EQ(keys.salt, hex("30CBBC08863D8C85D49DB34A9AE1"));
  EXPECT_EQ(keys.authentication, hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

TEST(SrtpCipherTest, Rfc3711B2KeyStream) {
  const SrtpSessionKeys keys{hex("2B7E151628AED2A6ABF7158809CF4F3C"), Buffer(20),
                             hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD")};
  const auto cipher = SrtpCipher::create(SrtpProfile::aes128CmSha1_80, Direction::protect, false, keys);
  Buffer packet(12 + 48 + 10);
  ASSERT_TRUE(cipher->sealRtp(base::MutableBytes(packet).first(60), 12, 0, 0));
  EXPECT_EQ(
      base::hexEncode(base::Bytes(packet).subspan(12, 48)),
      "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0");
}

TEST(SrtpCipherTest, Rfc7714Srtp) {
  const Buffer plain =
      hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 "
          "61727465 73207472"
          "6573");
  const std::pair<SrtpProfile, Buffer> cases[] = {
      {SrtpProfile::aeadAes128Gcm, hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca "
                                       "be633bd5 0d294e6f 42a5f47a 51c7d19b"
                                       "36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce")},
      {SrtpProfile::aeadAes256Gcm, hex("8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa "
                                       "b1801238 9a58e2f3 b50b2a02 76ffae0f"
                                       "1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13")}};
  for (const auto& [profile, wire] : cases) {
    const SrtpSessionKeys keys{profile == SrtpProfile::aeadAes128Gcm ? kKey128 : kKey256, {}, kGcmSalt};
    Buffer packet = plain;
    packet.resize(plain.size() + 16);
    const base::MutableBytes view(packet);
    ASSERT_TRUE(SrtpCipher::create(profile, Direction::protect, false, keys)
                    ->sealRtp(view.first(plain.size()), 12, 0x5501a0b2, 0xf17b));
    EXPECT_EQ(packet, wire);
    ASSERT_TRUE(SrtpCipher::create(profile, Direction::unprotect, false, keys)
                    ->openRtp(view, 12, 0x5501a0b2, 0xf17b));
    EXPECT_TRUE(std::equal(plain.begin(), plain.end(), packet.begin()));
  }
}

TEST(SrtpCipherTest, Rfc7714Srtcp) {
  const Buffer plain =
      hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef "
          "deadbeef deadbeef"
          "deadbeef");
  const std::pair<SrtpProfile, Buffer> cases[] = {
      {SrtpProfile::aeadAes128Gcm, hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 "
                                       "6c06f32d c676a5f1 730d6fda 4ce09b46"
                                       "86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4")},
      {SrtpProfile::aeadAes256Gcm, hex("81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d "
                                       "bffe0a50 a2eaa5c1 110555be 8415f658"
                                       "c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4")}};
  for (const auto& [profile, wire] : cases) {
    const SrtpSessionKeys keys{profile == SrtpProfile::aeadAes128Gcm ? kKey128 : kKey256, {}, kGcmSalt};
    Buffer packet = plain;
    packet.resize(plain.size() + 20);
    const base::MutableBytes view(packet);
    ASSERT_TRUE(SrtpCipher::create(profile, Direction::protect, true, keys)
                    ->sealRtcp(view.first(plain.size()), 0x4d617273, 0x5d4));
    EXPECT_EQ(base::hexEncode(packet), base::hexEncode(wire));
    ASSERT_TRUE(SrtpCipher::create(profile, Direction::unprotect, true, keys)->openRtcp(view, 0x4d617273));
    EXPECT_TRUE(std::equal(plain.begin(), plain.end(), packet.begin()));
  }
}

TEST(SrtpIndexTest, EstimateIsTheNearest) {
  struct Case {
    std::optional<std::uint64_t> highest;
    std::uint16_t sequence;
    std::optional<std::uint64_t> expected;
  };
  const Case cases[] = {
      {std::nullopt, 0, 0},
      {std::nullopt, 65'535, 65'535},
      {5, 6, 6},
      {5, 5, 5},
      {5, 65'530, 65'530},  // nothing before 0
      {65'535, 0, 65'536},
      {65'535, 65'534, 65'534},
      {0x1'0000, 0xFFFF, 0xFFFF},  // late from before the wrap
      {0x1'0005, 0x8005, 0x1'8005},
      {0x1'0005, 0x8006, 0x8006},
      {0x1'7FFF, 0xFFFF, 0x1'FFFF},
      {0x1'8000, 0, 0x1'0000},
      {0x1'8001, 0, 0x2'0000},
      {0x1'FFFF, 0x7FFE, 0x2'7FFE},
      {0x1'FFFF, 0x7FFF, 0x1'7FFF},
      {kMaxRtpIndex, 0xFFFF, kMaxRtpIndex},
      {kMaxRtpIndex, 0xFFF0, kMaxRtpIndex - 15},
      {kMaxRtpIndex, 0, std::nullopt},  // the key is used up
      {kMaxRtpIndex - 1, 100, std::nullopt},
  };
  for (const Case& c : cases)
    EXPECT_EQ(estimateRtpIndex(c.highest, c.sequence), c.expected)
        << c.highest.value_or(0) << " " << c.sequence;
}

TEST(SrtpIndexTest, WindowAgainstAModel) {
  using Window = ReplayWindow<128>;
  Window window;
  std::vector<std::uint64_t> accepted;
  std::uint64_t highest = 0, state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t jump = (state >> 40) % 100 == 0 ? (state >> 33) % 1'000 : (state >> 33) % 4;
    const std::uint64_t back = (state >> 20) % 3 == 0 ? (state >> 50) % 160 : 0;
    const std::uint64_t index = std::max(highest + jump, back) - back;
    const bool seen = std::find(accepted.begin(), accepted.end(), index) != accepted.end();
    const bool old = !accepted.empty() && index + 128 <= highest;
    const auto expected = old    ? Window::Verdict::tooOld
                          : seen ? Window::Verdict::seen
                                 : Window::Verdict::fresh;
    ASSERT_EQ(window.check(index), expected) << i << ": " << index << " after " << highest;
    if (expected != Window::Verdict::fresh) continue;
    window.accept(index);
    accepted.push_back(index);
    if (accepted.size() > 400) accepted.erase(accepted.begin(), accepted.begin() + 100);
    highest = std::max(highest, index);
  }
}

TEST(SrtpIndexTest, WindowStaysSmall) { EXPECT_LE(sizeof(ReplayWindow<1024>), 144u); }

}  // namespace
}  // namespace parley::rtc
