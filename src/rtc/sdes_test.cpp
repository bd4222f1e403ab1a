#include "rtc/sdes.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "rtc/negotiator_test_rtp.h"
#include "rtc/srtp_oracle.h"

namespace parley::rtc {
namespace {

using testing::HasSubstr;
using testing::Not;

// RFC 4568 section 4.1's example, and the suites that it does not know.
const std::string kKey = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

TEST(Sdes, WhatIsTakenAndWhatIsNot) {
  struct Case {
    std::string value;
    bool taken;
  };
  const Case cases[] = {
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey, true},
      {"1 AES_CM_128_HMAC_SHA1_32 " + kKey + "|2^20", true},
      {"1 AES_CM_128_HMAC_SHA1_80  " + kKey + " WSH=128 KDR=0 -UNKNOWN=1", true},
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey + "|2^20|1:4", false},  // MKI
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey + "|1:4", false},
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey + ";" + kKey, false},
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey + " UNENCRYPTED_SRTP", false},
      {"1 AES_CM_128_HMAC_SHA1_80 " + kKey + " KDR=4", false},
      {"1 F8_128_HMAC_SHA1_80 " + kKey, false},
      {"1 AEAD_AES_128_GCM " + kKey, false},  // Too long a key.
      {"x AES_CM_128_HMAC_SHA1_80 " + kKey, false},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", false},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:****", false},
      {"1 AES_CM_128_HMAC_SHA1_80", false},
      {"", false},
  };
  for (const Case& each : cases) EXPECT_EQ(parseSdes(each.value).has_value(), each.taken) << each.value;
}

TEST(Sdes, WrittenIsRead) {
  base::FakeRandom random;
  for (const SrtpProfile profile : sdesProfiles()) {
    const SdesLine line{7, profile, newSdesKey(profile, random)};
    const auto read = parseSdes(writeSdes(line));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->tag, 7u);
    EXPECT_EQ(read->profile, profile);
    EXPECT_EQ(read->key.reveal(), line.key.reveal());
  }
}

class SdesNegotiation : public RtpFixture {
 protected:
  static std::string crypto(int tag = 1) {
    return "a=crypto:" + std::to_string(tag) + " AES_CM_128_HMAC_SHA1_80 " + kKey;
  }
  std::string offerToPhone() { return good(negotiator_->offer(kA, browser().offer(), kPhone)); }
};

/// What each kind of leg offers, and what it makes of each answer and each offer.
TEST_F(SdesNegotiation, SecurityOfALegDecides) {
  struct Case {
    RtpSecurity security;
    const char* offered;
    const char* protocol;
    bool withKey;
    const char* answer;  ///< "plain", "srtp" or the reason.
    const char* offer;   ///< The same for an offer of the device.
  };
  using enum RtpSecurity;
  const Case cases[] = {
      {none, "RTP/AVP", "RTP/AVP", false, "plain", "plain"},
      {none, "RTP/AVP", "RTP/AVP", true, "plain", "plain"},
      {none, "RTP/AVP", "RTP/SAVP", true, "sdp.security_required", "sdp.security_required"},
      {sdes, "RTP/SAVP", "RTP/SAVP", true, "srtp", "srtp"},
      {sdes, "RTP/SAVP", "RTP/SAVPF", true, "srtp", "srtp"},
      {sdes, "RTP/SAVP", "RTP/SAVP", false, "sdp.security_required", "sdp.security_required"},
      {sdes, "RTP/SAVP", "RTP/AVP", false, "sdp.security_required", "sdp.security_required"},
      {sdesPreferred, "RTP/AVP", "RTP/AVP", false, "plain", "plain"},
      {sdesPreferred, "RTP/AVP", "RTP/AVP", true, "srtp", "srtp"},
      {sdesPreferred, "RTP/AVP", "RTP/SAVP", true, "srtp", "srtp"},
      {sdesPreferred, "RTP/AVP", "RTP/SAVP", false, "sdp.security_required", "sdp.security_required"},
  };
  for (const Case& each : cases) {
    const std::string device = phone("0", each.withKey ? crypto(2) : "", each.protocol);
    const auto outcome = [&] { return section(kPhone, 0).rtp.keys ? "srtp" : "plain"; };
    use({}, each.security);
    const std::string offer = offerToPhone();
    EXPECT_THAT(offer, HasSubstr(each.offered));
    EXPECT_EQ(offer.find("a=crypto:1 ") != std::string::npos, each.security != none);
    const auto answered = negotiator_->answer(kPhone, device);
    EXPECT_EQ(answered ? outcome() : answered.error().reason, each.answer) << device;

    use({}, each.security);
    const auto taken = negotiator_->offer(kPhone, device, kA);
    if (!taken) {
      EXPECT_EQ(taken.error().reason, each.offer) << device;
      continue;
    }
    const std::string answer = good(negotiator_->answer(kA, browser().answer(*taken)));
    EXPECT_EQ(std::string(outcome()), each.offer) << device;
    EXPECT_EQ(answer.find("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:") != std::string::npos,
              std::string(each.offer) == "srtp");
    EXPECT_THAT(answer, HasSubstr(std::string(each.protocol) + " "));
  }
}

TEST_F(SdesNegotiation, AnAnswerThatNamesNoOfferedTagIsRefused) {
  use({}, RtpSecurity::sdes);
  offerToPhone();
  EXPECT_EQ(reason(negotiator_->answer(kPhone, phone("0", crypto(9), "RTP/SAVP"))), "sdp.security_required");
  EXPECT_EQ(reason(negotiator_->answer(kPhone, phone("0", crypto(1), "RTP/SAVP"))),
            "sdp.security_required");  // Tag 1 is another suite.
  good(negotiator_->answer(kPhone, phone("0", crypto(2), "RTP/SAVP")));
}

TEST_F(SdesNegotiation, KeysStayOverReoffersAndBothSidesHaveThem) {
  use({}, RtpSecurity::sdes);
  const std::string offer = offerToPhone();
  good(negotiator_->answer(kPhone, phone("0", crypto(2), "RTP/SAVP")));
  const SdesKeys keys = *section(kPhone, 0).rtp.keys;
  EXPECT_EQ(base::base64Encode(base::asBytes(keys.peers.reveal())), kKey.substr(7));
  EXPECT_THAT(offer, HasSubstr("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" +
                               base::base64Encode(base::asBytes(keys.ours.reveal()))));
  good(negotiator_->answerLocally(kPhone, phone("0", crypto(2) + "\r\na=sendonly", "RTP/SAVP")));
  EXPECT_EQ(section(kPhone, 0).rtp.keys->ours.reveal(), keys.ours.reveal());
}

TEST_F(SdesNegotiation, ABrowserIsToldNothingOfKeys) {
  use({}, RtpSecurity::sdes);
  const std::string offered = good(negotiator_->offer(kPhone, phone("0", crypto(), "RTP/SAVP"), kA));
  EXPECT_THAT(offered, Not(HasSubstr("crypto")));
  EXPECT_THAT(offered, Not(HasSubstr(kKey.substr(7))));
}

/// A packet that `ours` protects is what it was to libsrtp2 with the same key.
void expectOracleReads(SrtpContext& ours, SrtpProfile profile, base::Bytes key) {
  base::Buffer slot(128, 0x5a);
  slot[0] = 0x80;
  slot[1] = 0;
  const base::Buffer plain(slot.begin(), slot.begin() + 60);
  proto::Packet packet{slot, 0, plain.size()};
  ASSERT_TRUE(ours.rtp(packet));
  SrtpOracle oracle(SrtpContext::Direction::unprotect, profile, key.first(srtpKeyBytes(profile)),
                    key.subspan(srtpKeyBytes(profile)));
  ASSERT_TRUE(oracle.rtp(packet));
  EXPECT_EQ(base::Buffer(packet.data().begin(), packet.data().end()), plain);
}

/// libsrtp2, keyed from our SDP, reads what a context with the same keys writes.
TEST(SdesOracle, AKeyInSdpIsTheKeyOfTheStream) {
  base::FakeRandom random;
  for (const SrtpProfile profile : sdesProfiles()) {
    const auto line = parseSdes(writeSdes({1, profile, newSdesKey(profile, random)}));
    ASSERT_TRUE(line);
    const base::Bytes key = base::asBytes(line->key.reveal());
    auto ours = SrtpContext::create(SrtpContext::Direction::protect, profile,
                                    key.first(srtpKeyBytes(profile)), key.subspan(srtpKeyBytes(profile)));
    ASSERT_TRUE(ours);
    ASSERT_NO_FATAL_FAILURE(expectOracleReads(**ours, profile, key)) << toString(profile);
  }
}

}  // namespace
}  // namespace parley::rtc
