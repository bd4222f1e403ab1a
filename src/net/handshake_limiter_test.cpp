#include "net/handshake_limiter.h"

#include <gtest/gtest.h>

#include <vector>

namespace parley::net {
namespace {

using Refusal = HandshakeLimiter::Refusal;

Endpoint peerAt(const char* address, std::uint16_t port = 1) { return *Endpoint::parse(address, port); }

TEST(HandshakeLimiter, OneNetworkDoesNotTakeAll) {
  HandshakeLimiter limiter({.total = 4, .perNetwork = 2});
  Refusal refusal{};
  auto first = limiter.admit(peerAt("192.0.2.1", 1000), refusal);
  const auto second = limiter.admit(peerAt("192.0.2.1", 1001), refusal);
  EXPECT_TRUE(first.held() && second.held());
  EXPECT_FALSE(limiter.admit(peerAt("192.0.2.1", 1002), refusal).held());
  EXPECT_EQ(refusal, Refusal::perNetwork);
  EXPECT_EQ(HandshakeLimiter::reasonOf(refusal), "handshakes_per_network");
  EXPECT_TRUE(limiter.admit(peerAt("192.0.2.2"), refusal).held());
  EXPECT_EQ(refusal, Refusal::none);

  first.release();
  first.release();
  EXPECT_EQ(limiter.running(peerAt("192.0.2.1")), 1u);
  EXPECT_TRUE(limiter.admit(peerAt("192.0.2.1", 1002), refusal).held());
}

TEST(HandshakeLimiter, TheAddressesOfOneSubscriberAreOneNetwork) {
  HandshakeLimiter limiter({.total = 10, .perNetwork = 1});
  Refusal refusal{};
  const auto held = limiter.admit(peerAt("2001:db8:1:2::1"), refusal);
  EXPECT_FALSE(limiter.admit(peerAt("2001:db8:1:2::ffff"), refusal).held());
  EXPECT_TRUE(limiter.admit(peerAt("2001:db8:1:3::1"), refusal).held());
}

TEST(HandshakeLimiter, TheTotalHolds) {
  HandshakeLimiter limiter({.total = 2, .perNetwork = 2});
  Refusal refusal{};
  const auto a = limiter.admit(peerAt("192.0.2.1"), refusal);
  const auto b = limiter.admit(peerAt("192.0.2.2"), refusal);
  EXPECT_FALSE(limiter.admit(peerAt("192.0.2.3"), refusal).held());
  EXPECT_EQ(refusal, Refusal::total);
  EXPECT_EQ(HandshakeLimiter::reasonOf(refusal), "handshakes");
  limiter.setLimits({.total = 3, .perNetwork = 2});
  EXPECT_TRUE(limiter.admit(peerAt("192.0.2.3"), refusal).held());
}

TEST(HandshakeLimiter, ASlotMayMoveAndOutliveItsLimiter) {
  std::vector<HandshakeLimiter::Slot> slots;
  {
    HandshakeLimiter limiter({.total = 100, .perNetwork = 100});
    Refusal refusal{};
    for (int i = 0; i < 20; ++i) slots.push_back(limiter.admit(peerAt("192.0.2.1"), refusal));
    EXPECT_EQ(limiter.running(), 20u);
    slots.resize(5);
    EXPECT_EQ(limiter.running(), 5u);
    slots.front() = std::move(slots.back());
    EXPECT_EQ(limiter.running(), 4u);
  }
  slots.clear();
}

}  // namespace
}  // namespace parley::net
