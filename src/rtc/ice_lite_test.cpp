#include "rtc/ice_lite.h"

#include <gtest/gtest.h>

#include <array>

#include "rtc/hmac_sha1.h"

namespace parley::rtc {
namespace {

using namespace std::chrono_literals;
using base::Buffer;
using proto::StunClass;
using proto::StunMessage;
using proto::StunWriter;

const IceParameters kLocal{"ours", "our-password-of-22-char"};
const IceParameters kSecond{"next", "the-next-password-22ch"};

IceLiteAgent::Pair pairOf(std::uint8_t n) {
  IceLiteAgent::Pair pair;
  pair.remote = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, n}, .port = 5'000};
  pair.local = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1}, .port = 16'000};
  return pair;
}

struct Check {
  std::string username = "ours:them";
  std::optional<std::string> password = kLocal.pwd;
  bool nominate = false, controlled = false, withUsername = true;
  std::vector<std::uint16_t> unknown = {};
  StunClass kind = StunClass::request;
  std::uint16_t method = proto::kStunBinding;
  std::uint8_t number = 0;  ///< Of the transaction; 0: a new one.

  Buffer bytes() const {
    Buffer out(1500);
    static std::uint32_t last = 1000;
    proto::StunTransactionId id{0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12};
    base::storeU32(id.data(), number != 0 ? number : ++last);
    StunWriter writer(out, kind, method, id);
    if (withUsername) writer.username(username);
    writer.priority(1);
    controlled ? writer.iceControlled(5) : writer.iceControlling(5);
    if (nominate) writer.useCandidate();
    for (const std::uint16_t type : unknown) writer.attribute(type, Buffer(4));
    if (password) writer.integrity(base::asBytes(*password), hmacSha1);
    writer.fingerprint();
    EXPECT_TRUE(writer.ok());
    out.resize(writer.size());
    return out;
  }
};

class IceLiteTest : public testing::Test {
 protected:
  IceLiteAgent::CheckResult check(const Check& check, std::uint8_t from = 1) {
    response_.fill(0);
    const auto result = agent_.onCheck(check.bytes(), pairOf(from), now_, response_);
    size_ = result.responseSize;
    return result;
  }
  StunMessage response() const {
    const auto message = StunMessage::parse(base::Bytes(response_).first(size_));
    EXPECT_TRUE(message.has_value());
    return message.value_or(StunMessage{});
  }
  void expectError(std::uint16_t code, const std::string& signedWith) {
    const StunMessage m = response();
    EXPECT_EQ(m.kind, StunClass::error);
    ASSERT_TRUE(m.errorCode);
    EXPECT_EQ(m.errorCode->code, code);
    EXPECT_EQ(m.hasIntegrity(), !signedWith.empty());
    if (!signedWith.empty()) {
      EXPECT_TRUE(m.verifyIntegrity(base::asBytes(signedWith), hmacSha1));
    }
    EXPECT_EQ(agent_.state(now_), IceState::waiting);
    EXPECT_TRUE(agent_.pairs().empty());
  }

  IceLiteAgent agent_{kLocal};
  base::Instant now_{1h};
  std::array<std::uint8_t, IceLiteAgent::kMaxResponseBytes> response_{};
  std::size_t size_ = 0;
};

TEST_F(IceLiteTest, ACapturedCheckFromElsewhereChangesNothing) {
  const Check captured{.nominate = true, .number = 7};
  EXPECT_TRUE(check(captured, 1).selectedChanged);
  now_ += 1s;
  const auto copy = check(captured, 2);
  EXPECT_EQ(copy.dropped, DropReason::stunReplay);
  EXPECT_EQ(copy.responseSize, 0u);
  EXPECT_FALSE(copy.pairAdded || copy.selectedChanged);
  EXPECT_EQ(agent_.selected(), pairOf(1));
  // Not after many others either; and a repetition from the same place is answered as ever.
  for (std::size_t i = 0; i < IceLiteAgent::kMaxRemembered - 1; ++i) check({}, 1);
  EXPECT_EQ(check(captured, 2).dropped, DropReason::stunReplay);
  EXPECT_GT(check(captured, 1).responseSize, 0u);
  EXPECT_TRUE(check({.nominate = true}, 2).selectedChanged);
}

TEST_F(IceLiteTest, FirstCheckSelectsAndIsAnswered) {
  EXPECT_EQ(agent_.state(now_), IceState::waiting);
  const auto result = check({});
  EXPECT_FALSE(result.dropped);
  EXPECT_TRUE(result.pairAdded);
  EXPECT_TRUE(result.selectedChanged);
  const StunMessage m = response();
  EXPECT_EQ(m.kind, StunClass::success);
  EXPECT_EQ(m.mappedAddress, pairOf(1).remote);
  EXPECT_EQ(m.transactionId[11], 12);
  EXPECT_TRUE(m.hasFingerprint);
  EXPECT_TRUE(m.verifyIntegrity(base::asBytes(kLocal.pwd), hmacSha1));
  EXPECT_TRUE(agent_.isChecked(pairOf(1).remote));
  EXPECT_FALSE(agent_.isChecked(pairOf(2).remote));
  EXPECT_EQ(agent_.selected(), pairOf(1));
  EXPECT_EQ(agent_.state(now_), IceState::connected);
  EXPECT_EQ(agent_.lastCheck(), now_);
  const auto again = check({});
  EXPECT_FALSE(again.pairAdded || again.selectedChanged);
}

TEST_F(IceLiteTest, Ipv6IsMapped) {
  IceLiteAgent::Pair pair = pairOf(1);
  pair.remote.ip[0] = 0x20;
  const auto result = agent_.onCheck(Check{}.bytes(), pair, now_, response_);
  size_ = result.responseSize;
  EXPECT_EQ(response().mappedAddress, pair.remote);
}

TEST_F(IceLiteTest, TheNominatedPairIsSelected) {
  check({}, 1);
  EXPECT_FALSE(check({}, 2).selectedChanged);
  EXPECT_TRUE(check({.nominate = true}, 2).selectedChanged);
  EXPECT_EQ(agent_.selected(), pairOf(2));
  EXPECT_FALSE(check({.nominate = true}, 2).selectedChanged);
  EXPECT_FALSE(check({}, 1).selectedChanged);
  EXPECT_TRUE(check({.nominate = true}, 1).selectedChanged);  // the last nomination wins
  EXPECT_EQ(agent_.pairs().size(), 2u);
}

TEST_F(IceLiteTest, AnotherPairServesWhenTheSelectedOneIsSilent) {
  check({.nominate = true}, 1);
  now_ += 5s;
  EXPECT_FALSE(check({}, 2).selectedChanged);
  now_ += 2s;
  EXPECT_TRUE(check({}, 2).selectedChanged);
  EXPECT_EQ(agent_.selected(), pairOf(2));
}

TEST_F(IceLiteTest, ConsentRunsOut) {
  check({});
  now_ += IceLiteAgent::kDisconnectedAfter - 1ms;
  EXPECT_EQ(agent_.state(now_), IceState::connected);
  now_ += 1ms;
  EXPECT_EQ(agent_.state(now_), IceState::disconnected);
  now_ += IceLiteAgent::kConsentLifetime - IceLiteAgent::kDisconnectedAfter;
  EXPECT_EQ(agent_.state(now_), IceState::expired);
  check({});
  EXPECT_EQ(agent_.state(now_), IceState::connected);
}

TEST_F(IceLiteTest, RefusedChecksKeepNoConsent) {
  check({});
  now_ += 29s;
  check({.password = "wrong"});
  now_ += 1s;
  EXPECT_EQ(agent_.state(now_), IceState::expired);
}

TEST_F(IceLiteTest, WrongPassword) {
  EXPECT_EQ(check({.password = "wrong"}).dropped, DropReason::stunBadIntegrity);
  expectError(401, "");
}

TEST_F(IceLiteTest, NoIntegrity) {
  EXPECT_EQ(check({.password = std::nullopt}).dropped, DropReason::stunBadIntegrity);
  expectError(400, "");
}

TEST_F(IceLiteTest, NoUsername) {
  EXPECT_EQ(check({.withUsername = false}).dropped, DropReason::stunUnknownUser);
  expectError(400, "");
  EXPECT_EQ(IceLiteAgent::usernameOf(Check{.withUsername = false}.bytes()).error(),
            DropReason::stunUnknownUser);
}

TEST_F(IceLiteTest, UnknownUser) {
  for (const char* name : {"other:them", "ours", "", ":", "oursx:them", "our:s:them"}) {
    EXPECT_EQ(check({.username = name}).dropped, DropReason::stunUnknownUser) << name;
    expectError(401, "");
  }
}

TEST_F(IceLiteTest, RemoteUfragMustMatchOnceKnown) {
  agent_.setRemoteUfrag("them");
  EXPECT_EQ(check({.username = "ours:others"}).dropped, DropReason::stunUnknownUser);
  expectError(401, "");
  EXPECT_FALSE(check({}).dropped);
}

TEST_F(IceLiteTest, UnknownRequiredAttributes) {
  EXPECT_EQ(check({.unknown = {0x7001, 0x9001, 0x0033}}).dropped, DropReason::stunUnknownAttribute);
  expectError(420, kLocal.pwd);
  const StunMessage m = response();
  ASSERT_EQ(m.unknownAttributes.size(), 4u);
  EXPECT_EQ(base::loadU16(&m.unknownAttributes[0]), 0x7001);
  EXPECT_EQ(base::loadU16(&m.unknownAttributes[2]), 0x0033);
}

TEST_F(IceLiteTest, ManyUnknownAttributesStillFitTheResponse) {
  std::vector<std::uint16_t> many(100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::uint16_t>(0x7000 + i);
  check({.unknown = many});
  EXPECT_GT(size_, 0u);
  expectError(420, kLocal.pwd);
}

TEST_F(IceLiteTest, UnknownOptionalAttributesAreIgnored) {
  EXPECT_FALSE(check({.unknown = {0xC001, 0xC057, 0x9001}}).dropped);
}

TEST_F(IceLiteTest, RoleConflict) {
  EXPECT_EQ(check({.controlled = true}).dropped, DropReason::stunRoleConflict);
  expectError(487, kLocal.pwd);
}

TEST_F(IceLiteTest, NotARequest) {
  for (const auto kind : {StunClass::indication, StunClass::success, StunClass::error}) {
    EXPECT_EQ(check({.kind = kind}).dropped, DropReason::stunNotRequest);
    EXPECT_EQ(size_, 0u);
    EXPECT_EQ(IceLiteAgent::usernameOf(Check{.kind = kind}.bytes()).error(), DropReason::stunNotRequest);
  }
  EXPECT_EQ(check({.method = 3}).dropped, DropReason::stunNotRequest);
}

TEST_F(IceLiteTest, MalformedIsNotAnswered) {
  Buffer bytes = Check{}.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = agent_.onCheck(base::Bytes(bytes).first(size), pairOf(1), now_, response_);
    EXPECT_EQ(result.dropped, DropReason::stunMalformed);
    EXPECT_EQ(result.responseSize, 0u);
  }
  bytes.back() ^= 1;
  EXPECT_EQ(agent_.onCheck(bytes, pairOf(1), now_, response_).dropped, DropReason::stunBadIntegrity);
  EXPECT_EQ(IceLiteAgent::usernameOf(bytes).error(), DropReason::stunBadIntegrity);
}

TEST_F(IceLiteTest, TooSmallAResponseBufferSendsNothing) {
  std::array<std::uint8_t, 40> small{};
  const auto result = agent_.onCheck(Check{}.bytes(), pairOf(1), now_, small);
  EXPECT_EQ(result.responseSize, 0u);
}

TEST_F(IceLiteTest, UsernameOf) {
  EXPECT_EQ(IceLiteAgent::usernameOf(Check{}.bytes()), "ours");
  EXPECT_EQ(IceLiteAgent::usernameOf(Check{.username = "alone"}.bytes()), "alone");
  EXPECT_EQ(IceLiteAgent::usernameOf(Check{.username = ":x"}.bytes()), "");
  EXPECT_EQ(IceLiteAgent::usernameOf({}).error(), DropReason::stunMalformed);
}

TEST_F(IceLiteTest, FullTableDropsTheLeastRecent) {
  for (std::uint8_t n = 1; n <= IceLiteAgent::kMaxPairs; ++n) {
    EXPECT_TRUE(check({}, n).pairAdded);
    now_ += 10ms;
  }
  check({}, 2);  // the second is recent again, the first is selected: the third goes
  const auto result = check({}, 100);
  EXPECT_TRUE(result.pairAdded);
  EXPECT_EQ(result.pairRemoved, pairOf(3));
  EXPECT_EQ(agent_.pairs().size(), IceLiteAgent::kMaxPairs);
  EXPECT_FALSE(agent_.isChecked(pairOf(3).remote));
  for (int n = 101; n < 250; ++n) {
    now_ += 1ms;
    check({}, static_cast<std::uint8_t>(n));
  }
  EXPECT_EQ(agent_.pairs().size(), IceLiteAgent::kMaxPairs);
  EXPECT_TRUE(agent_.isChecked(pairOf(1).remote));
  EXPECT_EQ(agent_.selected(), pairOf(1));
}

TEST_F(IceLiteTest, PairsThatNobodyChecksGo) {
  check({}, 1);
  check({}, 2);
  std::optional<IceLiteAgent::Pair> removed;
  for (int i = 0; i < 30; ++i) {
    now_ += 1s;
    const auto result = check({}, 1);
    if (result.pairRemoved) removed = result.pairRemoved;
  }
  EXPECT_EQ(removed, pairOf(2));
  EXPECT_EQ(agent_.pairs().size(), 1u);
}

TEST_F(IceLiteTest, RestartTakesBothUntilTheNewOnesAreUsed) {
  agent_.setRemoteUfrag("them");
  check({.nominate = true}, 1);
  agent_.restart(kSecond);
  EXPECT_EQ(agent_.local(), kSecond);
  EXPECT_FALSE(check({}, 1).dropped);
  EXPECT_TRUE(response().verifyIntegrity(base::asBytes(kLocal.pwd), hmacSha1));
  EXPECT_EQ(check({.password = kSecond.pwd}, 1).dropped, DropReason::stunBadIntegrity);

  // New credentials from a new address: valid, but media stays until it is nominated.
  Check fresh{.username = "next:themtoo", .password = kSecond.pwd};
  const auto result = check(fresh, 2);
  EXPECT_FALSE(result.dropped);
  EXPECT_FALSE(result.selectedChanged);
  EXPECT_TRUE(response().verifyIntegrity(base::asBytes(kSecond.pwd), hmacSha1));
  fresh.nominate = true;
  EXPECT_TRUE(check(fresh, 2).selectedChanged);
  EXPECT_EQ(agent_.selected(), pairOf(2));

  EXPECT_EQ(check({}, 1).dropped, DropReason::stunUnknownUser);  // the old ones are over
  agent_.setRemoteUfrag("themtoo");
  EXPECT_FALSE(check(fresh, 2).dropped);
}

TEST_F(IceLiteTest, RestartAfterTheNetworkWasGone) {
  check({.nominate = true}, 1);
  now_ += 20s;
  agent_.restart(kSecond);
  EXPECT_EQ(agent_.state(now_), IceState::disconnected);
  EXPECT_TRUE(check({.username = "next:them", .password = kSecond.pwd}, 2).selectedChanged);
  EXPECT_EQ(agent_.state(now_), IceState::connected);
}

TEST_F(IceLiteTest, RestartWithTheSameCredentialsIsNone) {
  agent_.setRemoteUfrag("them");
  agent_.restart(kLocal);
  EXPECT_EQ(check({.username = "ours:other"}).dropped, DropReason::stunUnknownUser);
}

}  // namespace
}  // namespace parley::rtc
