#include "rtc/negotiator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "proto/sdp.h"

namespace parley::rtc {
namespace {

const LegId kA{"a"};
const LegId kB{"b"};

std::string load(const std::string& name) {
  std::ifstream in(std::string(PARLEY_SOURCE_DIR) + "/tests/data/sdp/" + name + ".sdp", std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

LocalTransport transport() {
  LocalTransport t;
  t.fingerprint = {"sha-256", "01:23"};
  for (std::size_t i = 0; i < 32; ++i) t.fingerprint.value.replace(0, 0, i < 30 ? "AB:" : "");
  proto::TransportAddress v4;
  v4.ip[10] = v4.ip[11] = 0xff;
  v4.ip[12] = 192, v4.ip[14] = 2, v4.ip[15] = 7;
  v4.port = 16000;
  t.candidates.push_back(v4);
  return t;
}

class NegotiatorTest : public testing::Test {
 protected:
  NegotiatorTest() {
    negotiator_.addLeg(kA, LegKind::webrtc, transport());
    negotiator_.addLeg(kB, LegKind::webrtc, transport());
  }
  base::FakeRandom random_;
  Negotiator negotiator_{NegotiatorOptions{}, random_};
};

TEST_F(NegotiatorTest, OfferAndAnswerOfChromium) {
  const auto offer = negotiator_.offer(kA, load("chromium_offer_av"), kB);
  ASSERT_TRUE(offer.has_value()) << offer.error().text;
  const auto answer = negotiator_.answer(kB, load("chromium_answer_to_chromium_av"));
  EXPECT_FALSE(answer.has_value());  // It takes red and others that were not offered on.
  EXPECT_EQ(answer.error().reason, "sdp.answer_mismatch");
}

}  // namespace
}  // namespace parley::rtc
