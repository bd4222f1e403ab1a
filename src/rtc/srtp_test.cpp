#include "rtc/srtp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "base/text.h"
#include "rtc/srtp_cipher.h"
#include "rtc/srtp_oracle.h"

namespace parley::rtc {
namespace {

using Direction = SrtpContext::Direction;
using base::Buffer;

constexpr SrtpProfile kProfiles[] = {SrtpProfile::aes128CmSha1_80, SrtpProfile::aes128CmSha1_32,
                                     SrtpProfile::aeadAes128Gcm, SrtpProfile::aeadAes256Gcm};

/// A packet in a slot of its own with exactly `tail` bytes behind, so that ASan sees an overrun.
struct Slot {
  explicit Slot(const Buffer& content, std::size_t tail = SrtpContext::kMaxOverhead) : bytes(content) {
    bytes.resize(content.size() + tail);
    packet = {bytes, 0, content.size()};
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  Buffer content() const { return {packet.data().begin(), packet.data().end()}; }
  Buffer bytes;
  proto::Packet packet;
};

Buffer rtpPacket(std::uint16_t sequence, std::uint32_t ssrc = 0x11223344, std::size_t payload = 40,
                 unsigned csrcs = 0, int extensionWords = -1) {
  Buffer out(12);
  out[0] = static_cast<std::uint8_t>(0x80 | csrcs | (extensionWords >= 0 ? 0x10 : 0));
  out[1] = 111;
  base::storeU16(&out[2], sequence);
  base::storeU32(&out[4], 960u * sequence);
  base::storeU32(&out[8], ssrc);
  for (unsigned i = 0; i < csrcs * 4; ++i) out.push_back(static_cast<std::uint8_t>(i));
  if (extensionWords >= 0) {
    for (const std::uint8_t b : {0xBE, 0xDE, 0x00, extensionWords}) out.push_back(b);
    out.resize(out.size() + 4 * static_cast<std::size_t>(extensionWords), 0x10);
  }
  for (std::size_t i = 0; i < payload; ++i) out.push_back(static_cast<std::uint8_t>(i * 7 + sequence));
  return out;
}

Buffer rtcpPacket(std::uint32_t ssrc = 0x11223344, std::size_t payload = 20) {
  Buffer out{0x80, 200, 0, 6};
  out.resize(8 + payload);
  base::storeU32(&out[4], ssrc);
  std::iota(out.begin() + 8, out.end(), std::uint8_t{1});
  return out;
}

class SrtpTest : public testing::TestWithParam<SrtpProfile> {
 protected:
  SrtpTest() : key_(srtpKeyBytes(GetParam())), salt_(srtpSaltBytes(GetParam())) {
    base::FakeRandom random(static_cast<std::uint64_t>(GetParam()));
    random.fill(key_);
    random.fill(salt_);
    sender_ = context(Direction::protect);
    receiver_ = context(Direction::unprotect);
  }
  std::unique_ptr<SrtpContext> context(Direction direction) const {
    return SrtpContext::create(direction, GetParam(), key_, salt_).value();
  }
  Buffer protectedRtp(const Buffer& plain) {
    Slot slot(plain);
    EXPECT_TRUE(sender_->rtp(slot.packet).has_value());
    return slot.content();
  }
  Buffer protectedRtcp(const Buffer& plain) {
    Slot slot(plain);
    EXPECT_TRUE(sender_->rtcp(slot.packet).has_value());
    return slot.content();
  }
  std::optional<DropReason> receive(const Buffer& wire, const Buffer* expected = nullptr, bool rtcp = false) {
    Slot slot(wire, 0);
    const auto result = rtcp ? receiver_->rtcp(slot.packet) : receiver_->rtp(slot.packet);
    if (!result) return result.error();
    if (expected != nullptr) {
      EXPECT_EQ(slot.content(), *expected);
    }
    return std::nullopt;
  }
  /// All sequence numbers from `first`, `count` of them, through both, unless `lost` says otherwise.
  void run(std::uint16_t first, int count, const std::function<bool(int)>& lost = {}) {
    for (int i = 0; i < count; ++i) {
      const Buffer plain = rtpPacket(static_cast<std::uint16_t>(first + i));
      const Buffer wire = protectedRtp(plain);
      if (lost && lost(i)) continue;
      ASSERT_EQ(receive(wire, &plain), std::nullopt) << "packet " << i;
    }
  }

  Buffer key_, salt_;
  std::unique_ptr<SrtpContext> sender_, receiver_;
};

INSTANTIATE_TEST_SUITE_P(Profiles, SrtpTest, testing::ValuesIn(kProfiles),
                         [](const auto& tested) { return std::string(toString(tested.param)); });

// ---- against libsrtp2, both ways

TEST_P(SrtpTest, OracleReadsWhatWeProtect) {
  SrtpOracle oracle(Direction::unprotect, GetParam(), key_, salt_);
  // Over two wraps of the sequence number, in steps that stay below half the space.
  std::uint16_t sequence = 60'000;
  for (int i = 0; i < 60; ++i, sequence = static_cast<std::uint16_t>(sequence + 3'001)) {
    const Buffer plain = rtpPacket(sequence, 0xCAFE0000, static_cast<std::size_t>(i * 20),
                                   static_cast<unsigned>(i) % 16, i % 5 - 1);
    Slot slot(plain);
    ASSERT_TRUE(sender_->rtp(slot.packet).has_value());
    ASSERT_TRUE(oracle.rtp(slot.packet)) << i;
    ASSERT_EQ(slot.content(), plain);
  }
}

TEST_P(SrtpTest, WeReadWhatOracleProtects) {
  SrtpOracle oracle(Direction::protect, GetParam(), key_, salt_);
  std::uint16_t sequence = 60'000;
  for (int i = 0; i < 60; ++i, sequence = static_cast<std::uint16_t>(sequence + 3'001)) {
    const Buffer plain = rtpPacket(sequence, 0xCAFE0000, static_cast<std::size_t>(i * 20),
                                   static_cast<unsigned>(i) % 16, i % 5 - 1);
    Slot slot(plain, 64);
    ASSERT_TRUE(oracle.rtp(slot.packet));
    ASSERT_EQ(receive(slot.content(), &plain), std::nullopt) << i;
  }
}

TEST_P(SrtpTest, BytesAreThoseOfTheOracle) {
  SrtpOracle oracle(Direction::protect, GetParam(), key_, salt_);
  for (std::uint16_t sequence : {1, 2, 3, 500}) {
    Slot theirs(rtpPacket(sequence), 64);
    ASSERT_TRUE(oracle.rtp(theirs.packet));
    EXPECT_EQ(theirs.content(), protectedRtp(rtpPacket(sequence)));
  }
}

TEST_P(SrtpTest, RtcpBothWaysWithOracle) {
  SrtpOracle out(Direction::protect, GetParam(), key_, salt_),
      in(Direction::unprotect, GetParam(), key_, salt_);
  for (std::size_t size = 0; size < 200; size += 4) {
    const Buffer plain = rtcpPacket(7, size);
    Slot ours(plain);
    ASSERT_TRUE(sender_->rtcp(ours.packet).has_value());
    ASSERT_TRUE(in.rtcp(ours.packet)) << size;
    EXPECT_EQ(ours.content(), plain);
    Slot theirs(plain, 64);
    ASSERT_TRUE(out.rtcp(theirs.packet));
    EXPECT_EQ(receive(theirs.content(), &plain, true), std::nullopt) << size;
  }
}

TEST_P(SrtpTest, ReorderedAndLostAroundTheWrapAsTheOracle) {
  base::FakeRandom random(5);
  SrtpOracle oracle(Direction::unprotect, GetParam(), key_, salt_);
  std::vector<std::pair<Buffer, Buffer>> sent;  // plain, wire
  for (int i = 0; i < 400; ++i) {
    const Buffer plain = rtpPacket(static_cast<std::uint16_t>(65'336 + i));
    sent.emplace_back(plain, protectedRtp(plain));
  }
  for (std::size_t i = 1; i < sent.size(); ++i)  // each up to 40 places late
    std::swap(sent[i], sent[i - std::min<std::size_t>(i, random.u32() % 40)]);
  for (const auto& [plain, wire] : sent) {
    if (random.u32() % 4 == 0) continue;
    Slot theirs(wire);
    const bool accepted = oracle.rtp(theirs.packet);
    EXPECT_EQ(receive(wire, &plain), std::nullopt);
    EXPECT_TRUE(accepted);
  }
}

// ---- indexes and replay

TEST_P(SrtpTest, ManyWraps) {
  run(0, 1);
  for (int i = 1; i < 20; ++i) run(static_cast<std::uint16_t>(i * 20'000), 2);
}

TEST_P(SrtpTest, LossOfTheWholeWrap) {
  run(65'000, 3'000, [](int i) { return i > 300 && i < 2'900; });
}

TEST_P(SrtpTest, LateFromBeforeTheWrap) {
  const Buffer plain = rtpPacket(65'530);
  const Buffer first = protectedRtp(rtpPacket(65'529)), late = protectedRtp(plain),
               after = protectedRtp(rtpPacket(4));
  EXPECT_EQ(receive(first), std::nullopt);
  EXPECT_EQ(receive(after), std::nullopt);
  EXPECT_EQ(receive(late, &plain), std::nullopt);
  EXPECT_EQ(receive(late), DropReason::srtpReplay);
}

TEST_P(SrtpTest, ReplayIsRefusedOnceAndForAll) {
  const Buffer wire = protectedRtp(rtpPacket(10)), rtcp = protectedRtcp(rtcpPacket());
  EXPECT_EQ(receive(wire), std::nullopt);
  EXPECT_EQ(receive(wire), DropReason::srtpReplay);
  EXPECT_EQ(receive(rtcp, nullptr, true), std::nullopt);
  EXPECT_EQ(receive(rtcp, nullptr, true), DropReason::srtpReplay);
}

TEST_P(SrtpTest, OlderThanTheWindow) {
  std::vector<Buffer> wires;
  for (int i = 0; i <= 1'024; ++i) wires.push_back(protectedRtp(rtpPacket(static_cast<std::uint16_t>(i))));
  EXPECT_EQ(receive(wires[1'024]), std::nullopt);
  EXPECT_EQ(receive(wires[0]), DropReason::srtpTooOld);
  EXPECT_EQ(receive(wires[1]), std::nullopt);
  EXPECT_EQ(receive(wires[1]), DropReason::srtpReplay);
  std::vector<Buffer> rtcps;
  for (int i = 0; i <= 128; ++i) rtcps.push_back(protectedRtcp(rtcpPacket()));
  EXPECT_EQ(receive(rtcps[128], nullptr, true), std::nullopt);
  EXPECT_EQ(receive(rtcps[0], nullptr, true), DropReason::srtpTooOld);
  EXPECT_EQ(receive(rtcps[1], nullptr, true), std::nullopt);
}

TEST_P(SrtpTest, ProtectingTheSameAgain) {
  const Buffer first = protectedRtp(rtpPacket(10));
  protectedRtp(rtpPacket(11));
  Slot again(rtpPacket(10));
  const auto result = sender_->rtp(again.packet);
  if (isGcm(GetParam())) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), DropReason::srtpReplay);
    EXPECT_EQ(again.content(), rtpPacket(10));
  } else {
    EXPECT_EQ(again.content(), first);
  }
}

// ---- tampering

TEST_P(SrtpTest, EveryChangedByteIsNoticedAndLeavesNoTrace) {
  const Buffer plain = rtpPacket(10, 0x11223344, 23, 1, 1);
  const Buffer wire = protectedRtp(plain);
  for (std::size_t i = 0; i < wire.size(); ++i) {
    for (const std::uint8_t flip : {0x01, 0x80}) {
      Buffer changed = wire;
      changed[i] ^= flip;
      EXPECT_NE(receive(changed), std::nullopt) << "byte " << i;
    }
  }
  for (std::size_t size = 0; size < wire.size(); ++size)
    EXPECT_NE(receive(Buffer(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size))), std::nullopt);
  EXPECT_EQ(receive(wire, &plain), std::nullopt);
}

TEST_P(SrtpTest, EveryChangedByteOfRtcpIsNoticed) {
  const Buffer plain = rtcpPacket();
  const Buffer wire = protectedRtcp(plain);
  for (std::size_t i = 0; i < wire.size(); ++i) {
    Buffer changed = wire;
    changed[i] ^= 0x40;
    EXPECT_NE(receive(changed, nullptr, true), std::nullopt) << "byte " << i;
    const Buffer cut(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(receive(cut, nullptr, true), std::nullopt) << "cut at " << i;
  }
  EXPECT_EQ(receive(wire, &plain, true), std::nullopt);
}

TEST_P(SrtpTest, ForgedPacketDoesNotMoveTheRoundCounter) {
  run(60'000, 10);
  Buffer forged = protectedRtp(rtpPacket(100));  // a jump over the wrap …
  forged.back() ^= 1;                            // … that is not authentic
  EXPECT_EQ(receive(forged), DropReason::srtpAuthentication);
  Slot next(rtpPacket(60'011));
  auto other = context(Direction::protect);
  ASSERT_TRUE(other->rtp(next.packet).has_value());
  EXPECT_EQ(receive(next.content()), std::nullopt);
}

TEST_P(SrtpTest, UnencryptedRtcpIsTakenWhenAuthentic) {
  // E = 0 (RFC 3711 section 3.4): built by hand with the session keys.
  const SrtpSessionKeys keys = deriveSrtpKeys(GetParam(), true, key_, salt_);
  Buffer wire = rtcpPacket();
  const Buffer plain = wire;
  const Buffer trailer{0, 0, 0, 9};
  if (isGcm(GetParam())) {
    // The tag over everything as associated data: what GCM makes of an empty payload.
    auto iv = keys.salt;
    for (std::size_t i = 0; i < 4; ++i) iv[2 + i] ^= wire[4 + i];
    iv[11] ^= 9;
    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> c(EVP_CIPHER_CTX_new(),
                                                                      &EVP_CIPHER_CTX_free);
    int n = 0;
    Buffer tag(16);
    const auto* cipher = keys.encryption.size() == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    ASSERT_EQ(EVP_EncryptInit_ex(c.get(), cipher, nullptr, keys.encryption.data(), iv.data()), 1);
    ASSERT_EQ(EVP_EncryptUpdate(c.get(), nullptr, &n, wire.data(), static_cast<int>(wire.size())), 1);
    ASSERT_EQ(EVP_EncryptUpdate(c.get(), nullptr, &n, trailer.data(), 4), 1);
    ASSERT_EQ(EVP_EncryptFinal_ex(c.get(), tag.data(), &n), 1);
    ASSERT_EQ(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data()), 1);
    wire.insert(wire.end(), tag.begin(), tag.end());
    wire.insert(wire.end(), trailer.begin(), trailer.end());
  } else {
    wire.insert(wire.end(), trailer.begin(), trailer.end());
    const std::array<base::Bytes, 1> parts{wire};
    const auto tag = hmacSha1(keys.authentication, parts);
    wire.insert(wire.end(), tag.begin(), tag.begin() + 10);
  }
  EXPECT_EQ(receive(wire, &plain, true), std::nullopt);
  wire[12] ^= 1;
  wire[wire.size() - (isGcm(GetParam()) ? 1 : 11)] = 10;  // not a replay either
  EXPECT_EQ(receive(wire, nullptr, true), DropReason::srtpAuthentication);
}

// ---- limits and malformed packets

TEST_P(SrtpTest, StreamTableIsBounded) {
  for (std::uint32_t ssrc = 1; ssrc <= SrtpContext::kMaxStreams; ++ssrc)
    ASSERT_EQ(receive(protectedRtp(rtpPacket(1, ssrc))), std::nullopt);
  Slot one(rtpPacket(1, 9'999));
  EXPECT_EQ(sender_->rtp(one.packet).error(), DropReason::rtpSsrcTableFull);
  Slot two(rtcpPacket(9'999));
  EXPECT_EQ(sender_->rtcp(two.packet).error(), DropReason::rtpSsrcTableFull);
  auto other = context(Direction::protect);
  Slot three(rtpPacket(1, 9'999)), four(rtcpPacket(9'999));
  ASSERT_TRUE(other->rtp(three.packet).has_value());
  ASSERT_TRUE(other->rtcp(four.packet).has_value());
  EXPECT_EQ(receive(three.content()), std::nullopt);  // in the place of the first
  EXPECT_EQ(receive(four.content(), nullptr, true), std::nullopt);
  EXPECT_EQ(receive(protectedRtp(rtpPacket(2, 64))), std::nullopt);  // the known ones go on
}

TEST_P(SrtpTest, AStreamThatMadeRoomComesBackButWhatItSentDoesNot) {
  const Buffer old = protectedRtp(rtpPacket(1000, 1)), oldRtcp = protectedRtcp(rtcpPacket(1));
  const Buffer late = protectedRtp(rtpPacket(1003, 1));
  ASSERT_EQ(receive(old), std::nullopt);
  ASSERT_EQ(receive(oldRtcp, nullptr, true), std::nullopt);
  for (std::uint32_t ssrc = 2; ssrc <= SrtpContext::kMaxStreams + 1; ++ssrc) {
    auto other = context(Direction::protect);  // Its own table is as large.
    Slot slot(rtpPacket(1, ssrc));
    ASSERT_TRUE(other->rtp(slot.packet).has_value());
    ASSERT_EQ(receive(slot.content()), std::nullopt);
  }
  EXPECT_EQ(receive(old), DropReason::srtpTooOld);
  EXPECT_EQ(receive(oldRtcp, nullptr, true), DropReason::srtpTooOld);
  EXPECT_EQ(receive(late), std::nullopt);
  EXPECT_EQ(receive(late), DropReason::srtpReplay);
  EXPECT_EQ(receive(old), DropReason::srtpReplay);
}

TEST_P(SrtpTest, ForgedSourcesTakeNoTableEntries) {
  for (std::uint32_t ssrc = 1; ssrc <= 3 * SrtpContext::kMaxStreams; ++ssrc)
    EXPECT_EQ(receive(rtpPacket(1, ssrc, 60)), DropReason::srtpAuthentication);
  EXPECT_EQ(receive(protectedRtp(rtpPacket(1, 77))), std::nullopt);
}

TEST_P(SrtpTest, MalformedRtp) {
  const std::vector<Buffer> bad{
      {},
      Buffer(11, 0x80),
      [] {
        Buffer b = rtpPacket(1);
        b[0] = 0x40;
        return b;
      }(),  // version 1
      [] {
        Buffer b = rtpPacket(1, 1, 0);
        b[0] |= 1;
        return b;
      }(),  // CSRC past the end
      [] {
        Buffer b = rtpPacket(1, 1, 3);
        b[0] |= 0x10;
        return b;
      }(),  // extension header cut
      [] {
        Buffer b = rtpPacket(1, 1, 8, 0, 0);
        b[15] = 3;
        return b;
      }(),  // extension too long
      [] {
        Buffer b = rtpPacket(1, 1, 8, 0, 0);
        b[14] = b[15] = 0xFF;
        return b;
      }()  // and far too long
  };
  for (const Buffer& b : bad) {
    Slot out(b), in(b, 0);
    EXPECT_EQ(sender_->rtp(out.packet).error(), DropReason::rtpMalformed) << base::hexEncode(b);
    EXPECT_EQ(receiver_->rtp(in.packet).error(), DropReason::rtpMalformed) << base::hexEncode(b);
  }
}

TEST_P(SrtpTest, MalformedRtcp) {
  for (const Buffer& b : {Buffer{}, Buffer(7, 0x80), Buffer(40, 0x00)}) {
    Slot out(b), in(b, 0);
    EXPECT_EQ(sender_->rtcp(out.packet).error(), DropReason::rtcpMalformed);
    EXPECT_EQ(receiver_->rtcp(in.packet).error(), DropReason::rtcpMalformed);
  }
  Slot cut(Buffer(8 + 4 + 9, 0x80), 0);
  EXPECT_EQ(receiver_->rtcp(cut.packet).error(), DropReason::rtcpMalformed);
}

TEST_P(SrtpTest, EmptyPayload) {
  const Buffer plain = rtpPacket(1, 5, 0, 2, 1), report = rtcpPacket(5, 0);
  EXPECT_EQ(receive(protectedRtp(plain), &plain), std::nullopt);
  EXPECT_EQ(receive(protectedRtcp(report), &report, true), std::nullopt);
}

TEST_P(SrtpTest, NoRoomForTheTag) {
  Slot rtp(rtpPacket(1), SrtpContext::kMaxOverhead - 1), rtcp(rtcpPacket(), SrtpContext::kMaxOverhead - 1);
  EXPECT_EQ(sender_->rtp(rtp.packet).error(), DropReason::packetTooLarge);
  EXPECT_EQ(sender_->rtcp(rtcp.packet).error(), DropReason::packetTooLarge);
}

TEST_P(SrtpTest, KeysOfTheWrongLength) {
  Buffer shortKey(key_.begin(), key_.end() - 1), longSalt = salt_;
  longSalt.push_back(0);
  EXPECT_EQ(SrtpContext::create(Direction::protect, GetParam(), shortKey, salt_).error().reason,
            "srtp.bad_key");
  EXPECT_EQ(SrtpContext::create(Direction::protect, GetParam(), key_, longSalt).error().reason,
            "srtp.bad_key");
}

TEST_P(SrtpTest, WrongKey) {
  key_[0] ^= 1;
  receiver_ = context(Direction::unprotect);
  EXPECT_EQ(receive(protectedRtp(rtpPacket(1))), DropReason::srtpAuthentication);
  EXPECT_EQ(receive(protectedRtcp(rtcpPacket()), nullptr, true), DropReason::srtpAuthentication);
}

}  // namespace
}  // namespace parley::rtc
