#include "proto/stun.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/random.h"
#include "base/text.h"

namespace parley::proto {
namespace {

using base::Buffer;
using base::Bytes;

Sha1Digest hmac(Bytes key, std::span<const Bytes> parts) {
  Buffer all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  Sha1Digest out{};
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), all.data(), all.size(), out.data(), nullptr);
  return out;
}

Buffer hex(std::string_view text) {
  std::string packed;
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed), [](char c) { return c != ' '; });
  return base::hexDecode(packed).value();
}

constexpr StunTransactionId kId{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
const std::string kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

// RFC 5769 sections 2.1 to 2.3
const Buffer kRequest =
    hex("00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74"
        "00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020"
        "00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf");
const Buffer kResponse4 =
    hex("0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220"
        "00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96");
const Buffer kResponse6 =
    hex("01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220"
        "00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"
        "00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c");

/// With the transaction id of the vectors; the caller adds attributes.
template <class Fill>
Buffer message(StunClass kind, Fill fill, std::size_t space = 1500) {
  Buffer out(space);
  StunWriter writer(out, kind, kStunBinding, kId);
  fill(writer);
  EXPECT_TRUE(writer.ok());
  out.resize(writer.size());
  return out;
}

std::optional<StunError> errorOf(const Buffer& bytes) {
  const auto parsed = StunMessage::parse(bytes);
  return parsed ? std::nullopt : std::optional(parsed.error());
}

TEST(StunTest, Rfc5769Request) {
  const auto m = StunMessage::parse(kRequest);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->kind, StunClass::request);
  EXPECT_EQ(m->method, kStunBinding);
  EXPECT_EQ(m->transactionId, kId);
  EXPECT_EQ(m->software, "STUN test client");
  EXPECT_EQ(m->username, "evtj:h6vY");
  EXPECT_EQ(m->priority, 0x6e0001ffu);
  EXPECT_EQ(m->iceControlled, 0x932ff9b151263b36u);
  EXPECT_FALSE(m->iceControlling);
  EXPECT_FALSE(m->useCandidate);
  EXPECT_TRUE(m->hasFingerprint);
  EXPECT_EQ(m->unknownRequiredCount, 0u);
  EXPECT_TRUE(m->verifyIntegrity(base::asBytes(kPassword), hmac));
  EXPECT_FALSE(m->verifyIntegrity(base::asBytes("VOkJxbRl1RmTxUk/WvJxBT"), hmac));
}

TEST(StunTest, Rfc5769Responses) {
  const auto v4 = StunMessage::parse(kResponse4);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->kind, StunClass::success);
  EXPECT_EQ(v4->software, "test vector");
  ASSERT_TRUE(v4->mappedAddress);
  EXPECT_EQ(base::hexEncode(v4->mappedAddress->ip), "00000000000000000000ffffc0000201");
  EXPECT_EQ(v4->mappedAddress->port, 32853);
  EXPECT_TRUE(v4->verifyIntegrity(base::asBytes(kPassword), hmac));
  const auto v6 = StunMessage::parse(kResponse6);
  ASSERT_TRUE(v6 && v6->mappedAddress);
  EXPECT_EQ(base::hexEncode(v6->mappedAddress->ip), "20010db8123456780011223344556677");
  EXPECT_EQ(v6->mappedAddress->port, 32853);
  EXPECT_TRUE(v6->verifyIntegrity(base::asBytes(kPassword), hmac));
}

TEST(StunTest, WritesTheVectors) {
  // The vectors pad with spaces, which we cannot be asked to do: the parts without padding are equal.
  TransportAddress address{
      .ip = {0x20, 1, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77},
      .port = 32853};
  const Buffer ours = message(StunClass::success, [&](StunWriter& w) { w.xorMappedAddress(address); });
  EXPECT_TRUE(std::equal(ours.begin() + 20, ours.end(), kResponse6.begin() + 36));
  EXPECT_TRUE(std::equal(ours.begin() + 4, ours.begin() + 20, kResponse6.begin() + 4));
}

TEST(StunTest, RoundTripOfEverything) {
  const Buffer bytes = message(StunClass::request, [](StunWriter& w) {
    w.username("a:bc");
    w.software("x");
    w.priority(7);
    w.useCandidate();
    w.iceControlling(0x0102030405060708);
    w.iceControlled(9);
    w.errorCode(487, "Role Conflict");
    const std::array<std::uint16_t, 3> types{1, 2, 0x7FFF};
    w.unknownAttributes(types);
    w.attribute(0x0003, Buffer{1});
    w.attribute(0x8003, Buffer{1, 2, 3, 4, 5});
    w.integrity(base::asBytes("pw"), hmac);
    w.fingerprint();
  });
  const auto m = StunMessage::parse(bytes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->username, "a:bc");
  EXPECT_EQ(m->software, "x");
  EXPECT_EQ(m->priority, 7u);
  EXPECT_TRUE(m->useCandidate);
  EXPECT_EQ(m->iceControlling, 0x0102030405060708u);
  EXPECT_EQ(m->iceControlled, 9u);
  EXPECT_EQ(m->errorCode->code, 487);
  EXPECT_EQ(m->errorCode->reason, "Role Conflict");
  EXPECT_EQ(base::hexEncode(m->unknownAttributes), "000100027fff");
  EXPECT_EQ(m->unknownRequiredCount, 1u);
  EXPECT_EQ(m->unknownRequired[0], 3);
  EXPECT_TRUE(m->verifyIntegrity(base::asBytes("pw"), hmac));
  EXPECT_TRUE(m->hasFingerprint);
}

TEST(StunTest, ClassesAndMethods) {
  for (const auto kind : {StunClass::request, StunClass::indication, StunClass::success, StunClass::error}) {
    for (const std::uint16_t method : {0x000, 0x001, 0x003, 0x00F, 0x010, 0x070, 0x080, 0xF80, 0xFFF}) {
      Buffer out(20);
      StunWriter writer(out, kind, method, kId);
      const auto m = StunMessage::parse(out);
      ASSERT_TRUE(m);
      EXPECT_EQ(m->kind, kind);
      EXPECT_EQ(m->method, method);
    }
  }
}

TEST(StunTest, EveryPrefixAndEveryLengthIsRefused) {
  for (std::size_t size = 0; size < kRequest.size(); ++size) {
    const Buffer cut(kRequest.begin(), kRequest.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(errorOf(cut)) << size;
  }
  for (unsigned length = 0; length < 0x10000; ++length) {
    Buffer changed = kRequest;
    base::storeU16(&changed[2], static_cast<std::uint16_t>(length));
    if (length != kRequest.size() - 20) {
      EXPECT_EQ(errorOf(changed), StunError::badLength) << length;
    }
  }
}

TEST(StunTest, EveryChangedByteIsNoticed) {
  for (std::size_t i = 0; i < kRequest.size(); ++i) {
    Buffer changed = kRequest;
    changed[i] ^= 0x20;
    const auto m = StunMessage::parse(changed);
    const bool noticed = !m || !m->hasFingerprint || !m->verifyIntegrity(base::asBytes(kPassword), hmac);
    EXPECT_TRUE(noticed) << i;
  }
}

TEST(StunTest, NotStun) {
  Buffer cookie = kRequest, bits = kRequest;
  cookie[4] ^= 1;
  bits[0] |= 0x80;
  EXPECT_EQ(errorOf(cookie), StunError::notStun);
  EXPECT_EQ(errorOf(bits), StunError::notStun);
  EXPECT_EQ(errorOf({}), StunError::notStun);
}

TEST(StunTest, AttributesOfTheWrongSize) {
  using A = StunAttribute;
  const std::pair<A, std::size_t> bad[] = {{A::username, 514},
                                           {A::software, 764},
                                           {A::priority, 3},
                                           {A::priority, 5},
                                           {A::useCandidate, 1},
                                           {A::iceControlled, 4},
                                           {A::iceControlling, 12},
                                           {A::messageIntegrity, 19},
                                           {A::messageIntegrity, 24},
                                           {A::fingerprint, 8},
                                           {A::xorMappedAddress, 3},
                                           {A::mappedAddress, 8},
                                           {A::errorCode, 3},
                                           {A::errorCode, 4},
                                           {A::unknownAttributes, 3},
                                           {A::messageIntegritySha256, 12},
                                           {A::messageIntegritySha256, 36}};
  for (const auto& [type, size] : bad) {
    const Buffer bytes = message(StunClass::request, [&, t = type, s = size](StunWriter& w) {
      w.attribute(static_cast<std::uint16_t>(t), Buffer(s));
    });
    EXPECT_TRUE(errorOf(bytes)) << static_cast<int>(type) << " of " << size;
  }
}

TEST(StunTest, AttributeThatRunsPastTheEnd) {
  Buffer bytes = message(StunClass::request, [](StunWriter& w) { w.username("abcd"); });
  for (const std::uint16_t size : {5, 8, 0xFFFC, 0xFFFF}) {
    base::storeU16(&bytes[22], size);
    EXPECT_EQ(errorOf(bytes), StunError::badAttribute) << size;
  }
}

TEST(StunTest, AfterTheIntegrityNothingCounts) {
  const Buffer bytes = message(StunClass::request, [](StunWriter& w) {
    w.username("me:you");
    w.integrity(base::asBytes("pw"), hmac);
    w.useCandidate();
    w.username("other:you");
    w.attribute(0x7000, {});
    w.integrity(base::asBytes("else"), hmac);
    w.fingerprint();
  });
  const auto m = StunMessage::parse(bytes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->username, "me:you");
  EXPECT_FALSE(m->useCandidate);
  EXPECT_EQ(m->unknownRequiredCount, 0u);
  EXPECT_TRUE(m->verifyIntegrity(base::asBytes("pw"), hmac));
  EXPECT_FALSE(m->verifyIntegrity(base::asBytes("else"), hmac));
}

TEST(StunTest, FirstOfRepeatedAttributesCounts) {
  const Buffer bytes = message(StunClass::request, [](StunWriter& w) {
    w.username("one");
    w.username("two");
    w.priority(1);
    w.priority(2);
  });
  const auto m = StunMessage::parse(bytes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->username, "one");
  EXPECT_EQ(m->priority, 1u);
}

TEST(StunTest, XorAddressWinsOverThePlainOne) {
  const TransportAddress a{.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}, .port = 5};
  for (const bool plainFirst : {true, false}) {
    const Buffer bytes = message(StunClass::success, [&](StunWriter& w) {
      const Buffer plain{0, 1, 0, 9, 9, 9, 9, 9};
      if (plainFirst) w.attribute(0x0001, plain);
      w.xorMappedAddress(a);
      if (!plainFirst) w.attribute(0x0001, plain);
    });
    EXPECT_EQ(StunMessage::parse(bytes)->mappedAddress, a);
  }
}

TEST(StunTest, FingerprintMustBeRightAndLast) {
  Buffer wrong = kRequest;
  wrong.back() ^= 1;
  EXPECT_EQ(errorOf(wrong), StunError::badFingerprint);
  const Buffer notLast = message(StunClass::request, [](StunWriter& w) {
    w.fingerprint();
    w.useCandidate();
  });
  EXPECT_EQ(errorOf(notLast), StunError::badFingerprint);
}

TEST(StunTest, UnknownAttributesAreKeptUpToALimit) {
  const Buffer bytes = message(StunClass::request, [](StunWriter& w) {
    for (std::uint16_t i = 0; i < 300; ++i) w.attribute(static_cast<std::uint16_t>(0x7000 + i), {});
    for (std::uint16_t i = 0; i < 10; ++i) w.attribute(static_cast<std::uint16_t>(0x9000 + i), {});
  });
  const auto m = StunMessage::parse(bytes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->unknownRequiredCount, 300u);
  EXPECT_EQ(m->unknownRequired[StunMessage::kMaxUnknown - 1], 0x7007);
}

TEST(StunTest, NoIntegrityIsNeverRight) {
  const Buffer bytes = message(StunClass::request, [](StunWriter& w) { w.username("a"); });
  EXPECT_FALSE(StunMessage::parse(bytes)->verifyIntegrity({}, hmac));
}

TEST(StunTest, TooSmallABuffer) {
  const auto fill = [](StunWriter& w) {
    w.xorMappedAddress({});
    w.errorCode(420, "Unknown Attribute");
    w.integrity(base::asBytes("pw"), hmac);
    w.fingerprint();
  };
  const std::size_t whole = message(StunClass::error, fill).size();
  for (std::size_t size = 0; size < whole; ++size) {
    Buffer out(size);
    StunWriter writer(out, StunClass::error, kStunBinding, kId);
    fill(writer);
    EXPECT_FALSE(writer.ok()) << size;
  }
}

TEST(StunTest, RandomBytesDoNoHarm) {
  base::FakeRandom random(3);
  for (int i = 0; i < 20'000; ++i) {
    Buffer bytes = kRequest;
    for (unsigned n = random.u32() % 6; n > 0; --n)
      bytes[20 + random.u32() % (bytes.size() - 20)] = static_cast<std::uint8_t>(random.u32());
    const auto m = StunMessage::parse(bytes);
    if (m) {
      (void)m->verifyIntegrity(base::asBytes(kPassword), hmac);
    }
  }
}

}  // namespace
}  // namespace parley::proto
