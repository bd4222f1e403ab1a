// Browsers with SIP devices: what each is offered and told, and hold.
#include "rtc/negotiator_test_rtp.h"

namespace parley::rtc {
namespace {

using proto::SdpDirection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using RtpNegotiation = RtpFixture;

TEST_F(RtpNegotiation, ADeviceIsOfferedAllThatTheBrowserSpeaksAndTheBrowserIsToldWhatItTook) {
  const std::string offer = good(negotiator_->offer(kA, browser().offer(), kPhone));
  const auto session = read(offer);
  ASSERT_EQ(session.media.size(), 1u);
  const auto& audio = session.media[0];
  EXPECT_EQ(audio.protocol, "RTP/AVP");
  EXPECT_EQ(audio.port, 17000);
  EXPECT_THAT(mapsOf(audio),
              ElementsAre("opus:111", "PCMU:0", "PCMA:8", "telephone-event:110", "telephone-event:126"));
  EXPECT_EQ(session.connection->address, "192.0.2.9");
  EXPECT_EQ(session.origin.address, "192.0.2.9");
  for (const char* foreign : {"a=ice", "a=fingerprint", "a=mid", "BUNDLE", "a=rtcp-fb", "a=ssrc", "a=extmap",
                              "a=msid", "a=candidate", "a=crypto"})
    EXPECT_THAT(offer, Not(HasSubstr(foreign)));

  const std::string answer =
      good(negotiator_->answer(kPhone, phone("0 126", "a=rtpmap:126 telephone-event/8000")));
  EXPECT_THAT(mapsOf(read(answer).media[0]), ElementsAre("PCMU:0", "telephone-event:126"));
  EXPECT_THAT(namesOf(section(kA, 0)), ElementsAre("PCMU:0", "telephone-event:126"));
  EXPECT_THAT(namesOf(section(kPhone, 0)), ElementsAre("PCMU:0", "telephone-event:126"));
  EXPECT_EQ(section(kPhone, 0).rtp.remote.port, 40000);
  EXPECT_EQ(section(kPhone, 0).rtp.remoteRtcp.port, 40001);
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
}

TEST_F(RtpNegotiation, EventsGoWithTheClockOfTheVoice) {
  good(negotiator_->offer(kA, browser().offer(), kPhone));
  const std::string both =
      "a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n"
      "a=rtpmap:126 telephone-event/8000";
  good(negotiator_->answer(kPhone, phone("111 110 126", both)));
  EXPECT_THAT(namesOf(section(kA, 0)), ElementsAre("opus:111", "telephone-event:110"));
  EXPECT_THAT(namesOf(section(kPhone, 0)), ElementsAre("opus:111", "telephone-event:110"));
}

TEST_F(RtpNegotiation, StaticNumbersNeedNoMapAndNumbersMayDifferOnBothSides) {
  const std::string offer =
      phone("8 0 96", "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=maxptime:40");
  const std::string offered = good(negotiator_->offer(kPhone, offer, kA));
  const auto audio = read(offered).media[0];
  EXPECT_EQ(audio.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_THAT(mapsOf(audio), ElementsAre("PCMA:8", "PCMU:0", "telephone-event:96"));
  EXPECT_THAT(offered, HasSubstr("a=ptime:20"));
  EXPECT_THAT(offered, HasSubstr("a=maxptime:40"));
  EXPECT_TRUE(audio.mid.has_value());
  auto taker = browser();
  taker.codecsTaken = {"PCMA", "telephone-event"};
  const std::string answer = good(negotiator_->answer(kA, taker.answer(offered)));
  EXPECT_THAT(mapsOf(read(answer).media[0]), ElementsAre("PCMA:8", "telephone-event:96"));
  EXPECT_EQ(read(answer).media[0].protocol, "RTP/AVP");
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
}

TEST_F(RtpNegotiation, AnAnswerMayRenumberAddAndLeaveOutLines) {
  const std::string offer = good(negotiator_->offer(kA, browser(true).offer(), kPhone));
  EXPECT_EQ(read(offer).media.size(), 2u);
  // One line for two, opus under another number, and one that nobody offered.
  const std::string answer =
      good(negotiator_->answer(kPhone, phone("96 18", "a=rtpmap:96 opus/48000/2\r\na=rtpmap:18 G729/8000")));
  const auto session = read(answer);
  ASSERT_EQ(session.media.size(), 2u);
  EXPECT_THAT(mapsOf(session.media[0]), ElementsAre("opus:111"));
  EXPECT_EQ(session.media[1].port, 0);
  ASSERT_EQ(section(kPhone, 0).codecs.size(), 1u);
  EXPECT_EQ(section(kPhone, 0).codecs[0].payloadType.value(), 96);
  EXPECT_EQ(section(kPhone, 0).codecs[0].received->value(), 111);
}

TEST_F(RtpNegotiation, VideoIsOfferedWithKeyFrameFeedbackAndNothingOfRepair) {
  const auto video = read(good(negotiator_->offer(kA, browser(true).offer(), kPhone))).media[1];
  EXPECT_THAT(mapsOf(video), ElementsAre("VP8:96", "H264:102"));
  std::vector<std::string> feedback;
  for (const auto& each : video.rtcpFbs) feedback.push_back(each.value);
  EXPECT_THAT(feedback, ElementsAre("ccm fir", "nack pli", "ccm fir", "nack pli"));
  EXPECT_EQ(video.port, 17002);
}

/// A device with one H264 takes each of a mode for it: it would answer with one number and send with another.
TEST_F(RtpNegotiation, ADeviceIsOfferedOneH264ProfileInEachMode) {
  std::string offer = browser(true).offer();
  const auto h264 = [](int number, const char* profile, int mode) {
    return fmt::format(
        "a=rtpmap:{0} H264/90000\r\na=fmtp:{0} packetization-mode={2};profile-level-id={1}\r\n", number,
        profile, mode);
  };
  const auto at = offer.find(" 102 103");
  ASSERT_NE(at, std::string::npos) << offer;
  offer.insert(at, " 112 113 114 115 116");
  offer += h264(112, "42001f", 1) + h264(113, "42001f", 0) + h264(114, "42e01f", 0) + h264(115, "4d001f", 1) +
           h264(116, "4d001f", 0);
  const auto video = read(good(negotiator_->offer(kA, offer, kPhone))).media[1];
  EXPECT_THAT(mapsOf(video), ElementsAre("VP8:96", "H264:102", "H264:114"));
  const std::string answer = good(negotiator_->answer(
      kPhone, phone("0", "") + "m=video 40002 RTP/AVP 114\r\na=rtpmap:114 H264/90000\r\n"
                               "a=fmtp:114 packetization-mode=0;profile-level-id=42e01f\r\n"));
  EXPECT_THAT(mapsOf(read(answer).media[1]), ElementsAre("H264:114"));
  EXPECT_THAT(namesOf(section(kPhone, 1)), ElementsAre("H264:114"));
}

TEST_F(RtpNegotiation, ABrowserIsOfferedRepairAndFeedbackForADevicesVideo) {
  const std::string offer = phone("0", "") +
                            "m=video 40002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
                            "a=fmtp:97 profile-level-id=42801F;packetization-mode=1\r\n";
  const auto video = read(good(negotiator_->offer(kPhone, offer, kA))).media[1];
  EXPECT_THAT(mapsOf(video), ElementsAre("H264:97", "rtx:98"));
  std::vector<std::string> feedback;
  for (const auto& each : video.rtcpFbs) feedback.push_back(each.value);
  EXPECT_THAT(feedback, ElementsAre("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"));
  EXPECT_EQ(video.extmaps.size(), 3u);
}

TEST_F(RtpNegotiation, LinesOfKindsThatNobodyKnowsAreAnsweredWithPort0) {
  const std::string offer = phone("0", "") +
                            "m=image 40002 udptl t38\r\na=T38FaxVersion:0\r\n"
                            "m=application 40004 UDP/BFCP *\r\nm=audio 40006 RTP/AVP 18\r\n";
  const std::string offered = good(negotiator_->offer(kPhone, offer, kA));
  EXPECT_EQ(read(offered).media.size(), 1u);
  const auto answered = read(good(negotiator_->answer(kA, browser().answer(offered))));
  ASSERT_EQ(answered.media.size(), 4u);
  EXPECT_EQ(answered.media[1].kind, "image");
  for (std::size_t i : {1u, 2u, 3u}) EXPECT_EQ(answered.media[i].port, 0) << i;
}

TEST_F(RtpNegotiation, AddressesOfAllForms) {
  struct Case {
    const char* session;
    const char* media;
    const char* expected;  ///< Remote RTP and RTCP port, or the reason.
  };
  const Case cases[] = {
      {"c=IN IP4 198.51.100.7\r\n", "", "40000 40001"},
      {"", "c=IN IP4 198.51.100.7\r\n", "40000 40001"},
      {"c=IN IP4 203.0.113.1\r\n", "c=IN IP6 2001:db8::7\r\n", "40000 40001"},
      {"c=IN IP4 198.51.100.7\r\n", "a=rtcp:50000\r\n", "40000 50000"},
      {"c=IN IP4 198.51.100.7\r\n", "a=rtcp:50000 IN IP4 198.51.100.8\r\n", "40000 50000"},
      {"c=IN IP4 198.51.100.7\r\n", "a=rtcp-mux\r\n", "40000 40000"},
      {"c=IN IP4 0.0.0.0\r\n", "", "0 0"},
      {"c=IN IP6 ::\r\n", "", "0 0"},
      {"c=IN IP4 phone.example\r\n", "", "sdp.bad_address"},
      {"", "", "sdp.bad_address"},
  };
  for (const Case& each : cases) {
    use();
    const std::string sdp = std::string("v=0\r\no=p 1 1 IN IP4 198.51.100.7\r\ns=-\r\n") + each.session +
                            "t=0 0\r\nm=audio 40000 RTP/AVP 0\r\n" + each.media;
    const auto offered = negotiator_->offer(kPhone, sdp, kA);
    if (!offered) {
      EXPECT_EQ(offered.error().reason, each.expected) << sdp;
      continue;
    }
    good(negotiator_->answer(kA, browser().answer(*offered)));
    const RtpPath& path = section(kPhone, 0).rtp;
    EXPECT_EQ(fmt::format("{} {}", path.remote.port, path.remoteRtcp.port), each.expected) << sdp;
  }
}

TEST_F(RtpNegotiation, AnAnswerIsInTheFamilyOfTheOffer) {
  const std::string offer =
      "v=0\r\no=p 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\n"
      "m=audio 40000 RTP/AVP 0\r\n";
  const std::string offered = good(negotiator_->offer(kPhone, offer, kA));
  const auto answer = read(good(negotiator_->answer(kA, browser().answer(offered))));
  EXPECT_EQ(answer.connection->addressType, "IP6");
  EXPECT_EQ(answer.connection->address, "2001:db8::9");
}

/// RFC 3264 sections 6.1 and 8.4: every direction that a device may ask for in the middle of a call.
TEST_F(RtpNegotiation, HoldAndResumeByADevice) {
  struct Case {
    const char* attribute;
    const char* answered;
    bool holds, peerSends, peerReceives;
  };
  const Case cases[] = {
      {"a=sendonly", "recvonly", true, true, false},
      {"a=inactive", "inactive", true, false, false},
      {"a=recvonly", "sendonly", false, false, true},
      {"a=sendrecv", "sendrecv", false, true, true},
      {"", "sendrecv", false, true, true},
      {"c=IN IP4 0.0.0.0", "recvonly", true, true, false},
      {"c=IN IP4 0.0.0.0\r\na=inactive", "inactive", true, false, false},
      {"a=sendrecv", "sendrecv", false, true, true},
  };
  good(negotiator_->offer(kA, browser().offer(), kPhone));
  good(negotiator_->answer(kPhone, phone("0", "")));
  const std::string before = dump(negotiator_->description(kA));
  for (const Case& each : cases) {
    const auto answer = read(good(negotiator_->answerLocally(kPhone, phone("0", each.attribute))));
    EXPECT_EQ(proto::toString(answer.media[0].direction.value_or(SdpDirection::sendrecv)), each.answered)
        << each.attribute;
    EXPECT_EQ(negotiator_->peerHolds(kPhone), each.holds) << each.attribute;
    EXPECT_EQ(section(kPhone, 0).peerSends, each.peerSends) << each.attribute;
    EXPECT_EQ(section(kPhone, 0).peerReceives, each.peerReceives) << each.attribute;
    EXPECT_EQ(dump(negotiator_->description(kA)), before);  // The browser never hears of it.
    EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
  }
}

struct HoldCase {
  bool held;              ///< By us.
  const char* attribute;  ///< In the device's description.
  const char* answered;   ///< By us, where it offers.
  bool holds, peerSends, peerReceives;
};

/// Who holds whom, by every description, as the device's offer and as its answer to ours.
TEST_F(RtpNegotiation, HoldByUsAndByADeviceInEveryDirection) {
  const HoldCase cases[] = {
      {false, "", "sendrecv", false, true, true},
      {false, "a=sendrecv", "sendrecv", false, true, true},
      {false, "a=sendonly", "recvonly", true, true, false},
      {false, "a=recvonly", "sendonly", false, false, true},
      {false, "a=inactive", "inactive", true, false, false},
      {false, "c=IN IP4 0.0.0.0", "recvonly", true, true, false},
      {true, "", "sendonly", false, false, true},
      {true, "a=sendrecv", "sendonly", false, false, true},
      {true, "a=sendonly", "inactive", true, false, false},
      {true, "a=recvonly", "sendonly", false, false, true},
      {true, "a=inactive", "inactive", true, false, false},
      {true, "c=IN IP4 0.0.0.0", "inactive", true, false, false},
  };
  const auto directionIn = [](const std::string& sdp) {
    return proto::toString(read(sdp).media[0].direction.value_or(SdpDirection::sendrecv));
  };
  for (const HoldCase& each : cases) {
    for (const bool offers : {true, false}) {
      SCOPED_TRACE(fmt::format("{} \"{}\" {}", each.held ? "held" : "not held", each.attribute,
                               offers ? "offered" : "answered"));
      use();
      good(negotiator_->offer(kA, browser().offer(), kPhone));
      good(negotiator_->answer(kPhone, phone("0", "")));
      negotiator_->setHeld(kPhone, each.held);
      if (offers) {
        EXPECT_EQ(directionIn(good(negotiator_->answerLocally(kPhone, phone("0", each.attribute)))),
                  each.answered);
      } else {
        EXPECT_EQ(directionIn(good(negotiator_->makeOffer(kPhone, std::nullopt))),
                  each.held ? "sendonly" : "sendrecv");
        good(negotiator_->answer(kPhone, phone("0", each.attribute)));
      }
      EXPECT_EQ(negotiator_->peerHolds(kPhone), each.holds);
      EXPECT_EQ(section(kPhone, 0).peerSends, each.peerSends);
      EXPECT_EQ(section(kPhone, 0).peerReceives, each.peerReceives);
      EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
    }
  }
}

TEST_F(RtpNegotiation, ADeviceThatAnswersOnHoldLeavesTheBrowserReadyForTheResume) {
  good(negotiator_->offer(kA, browser().offer(), kPhone));
  const auto answer = read(good(negotiator_->answer(kPhone, phone("0", "a=inactive"))));
  EXPECT_EQ(answer.media[0].direction, SdpDirection::sendrecv);
  EXPECT_TRUE(negotiator_->peerHolds(kPhone));
  good(negotiator_->answerLocally(kPhone, phone("0", "a=sendrecv")));
  EXPECT_TRUE(section(kPhone, 0).peerSends && section(kPhone, 0).peerReceives);
  EXPECT_TRUE(section(kA, 0).peerSends && section(kA, 0).peerReceives);
}

TEST_F(RtpNegotiation, ADeviceMayComeBackWithOtherLinesAndAnotherAddress) {
  good(negotiator_->offer(kA, browser(true).offer(), kPhone));
  good(negotiator_->answer(kPhone, phone("0", "") + "m=video 0 RTP/AVP 96\r\n"));
  const std::string other =
      "v=0\r\no=other 9 9 IN IP4 198.51.100.99\r\ns=-\r\nc=IN IP4 198.51.100.99\r\n"
      "t=0 0\r\nm=audio 50000 RTP/AVP 8 0\r\n";
  const auto answer = read(good(negotiator_->answerLocally(kPhone, other)));
  ASSERT_EQ(answer.media.size(), 1u);
  EXPECT_THAT(mapsOf(answer.media[0]), ElementsAre("PCMU:0"));
  EXPECT_EQ(section(kPhone, 0).rtp.remote.port, 50000);
}

TEST_F(RtpNegotiation, EveryAnswerOfADeviceCountsUntilTheNext) {
  good(negotiator_->offer(kA, browser().offer(), kPhone));
  good(negotiator_->answer(kPhone, phone("0", "")));  // 183
  std::string other = phone("0", "");
  other.replace(other.find("40000"), 5, "41000");
  EXPECT_EQ(good(negotiator_->answer(kPhone, other)), "");  // 200
  EXPECT_EQ(section(kPhone, 0).rtp.remote.port, 41000);
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
  EXPECT_EQ(good(negotiator_->answer(kPhone, phone("8", ""))), "");  // Another device of a fork.
  EXPECT_THAT(negotiator_->renegotiate(), ElementsAre(kA));
  EXPECT_EQ(reason(negotiator_->answer(kA, browser().offer())), "sdp.no_offer");  // A browser may not.
}

TEST_F(RtpNegotiation, OrdersAndBans) {
  NegotiatorOptions options;
  options.sipOrder = {"pcma", "PCMU"};
  options.webrtcOrder = {"G722"};
  options.bannedCodecs = {"opus"};
  use(options);
  const auto toSip = read(good(negotiator_->offer(kA, browser().offer(), kPhone)));
  EXPECT_THAT(mapsOf(toSip.media[0]),
              ElementsAre("PCMA:8", "PCMU:0", "telephone-event:110", "telephone-event:126"));
  negotiator_->rollback(kA);
  const auto toBrowser = read(good(negotiator_->offer(kPhone, phone("0 9 8", ""), kA)));
  EXPECT_THAT(mapsOf(toBrowser.media[0]), ElementsAre("G722:9", "PCMU:0", "PCMA:8"));
}

TEST_F(RtpNegotiation, TheLargestPictureIsTold) {
  NegotiatorOptions options;
  options.maxFrameBlocks = 1200;
  use(options);
  const std::string offer = good(negotiator_->offer(kA, browser(true).offer(), kPhone));
  EXPECT_THAT(offer, HasSubstr("a=fmtp:96 max-fs=1200"));
  EXPECT_THAT(offer, HasSubstr("profile-level-id=42e015"));
}

TEST_F(RtpNegotiation, WhenNoPortIsFreeNothingChanges) {
  freePorts_ = 0;
  const std::string before = dumpAll();
  EXPECT_EQ(reason(negotiator_->offer(kA, browser().offer(), kPhone)), "sdp.no_ports");
  EXPECT_EQ(dumpAll(), before);
}

}  // namespace
}  // namespace parley::rtc
