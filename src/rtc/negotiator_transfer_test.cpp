// Offers of our own: transfer, hold, refresh, and legs that no longer understand each other.
#include "rtc/negotiator_test_rtp.h"

namespace parley::rtc {
namespace {

using proto::SdpDirection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class OwnOffer : public RtpFixture {
 protected:
  /// The browser speaks with the phone in the codec of this number.
  void connect(const std::string& formats, const std::string& lines = "") {
    good(negotiator_->offer(kA, browser().offer(), kPhone));
    good(negotiator_->answer(kPhone, phone(formats, lines)));
  }
  std::string make(const LegId& to, std::optional<LegId> towards = {}) {
    return good(negotiator_->makeOffer(to, towards));
  }
  static SdpDirection directionOf(const std::string& sdp) {
    return read(sdp).media.at(0).direction.value_or(SdpDirection::sendrecv);
  }
};

TEST_F(OwnOffer, ATransferWithinOneCodecNeedsNothingOfTheBrowser) {
  connect("0");
  const auto offered = read(make(kPhone2, kA));
  // What is settled comes first, what else the browser speaks after it.
  EXPECT_EQ(mapsOf(offered.media[0]).front(), "PCMU:0");
  EXPECT_THAT(mapsOf(offered.media[0]), testing::Contains("opus:111"));
  EXPECT_EQ(offered.media[0].port, 17100);
  const std::string before = dump(negotiator_->description(kA));
  EXPECT_EQ(good(negotiator_->answer(kPhone2, phone("0", ""))), "");
  negotiator_->join(kA, kPhone2);
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
  EXPECT_EQ(dump(negotiator_->description(kA)), before);
}

TEST_F(OwnOffer, ATransferToADeviceWithAnotherCodecReoffersTheBrowser) {
  connect("111", "a=rtpmap:111 opus/48000/2");
  make(kPhone2, kA);
  good(negotiator_->answer(kPhone2, phone("0 126", "a=rtpmap:126 telephone-event/8000")));
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());  // They do not hear each other yet.
  negotiator_->join(kA, kPhone2);
  ASSERT_THAT(negotiator_->renegotiate(), ElementsAre(kA));
  const std::string offer = make(kA);
  EXPECT_THAT(mapsOf(read(offer).media[0]), ElementsAre("PCMU:0", "telephone-event:126"));
  EXPECT_EQ(read(offer).media[0].protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(*read(offer).media[0].mid, "0");
  EXPECT_EQ(good(negotiator_->answer(kA, browser().answer(offer))), "");
  EXPECT_THAT(namesOf(section(kA, 0)), ElementsAre("PCMU:0", "telephone-event:126"));
  EXPECT_EQ(section(kA, 0).ourSsrc, section(kA, 0).ourSsrc);
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
}

TEST_F(OwnOffer, WhatTheBrowserDoesNotTakeTheDeviceMustDrop) {
  connect("111", "a=rtpmap:111 opus/48000/2");
  make(kPhone2, kA);
  good(negotiator_->answer(kPhone2, phone("0 8", "")));
  negotiator_->join(kA, kPhone2);
  ASSERT_THAT(negotiator_->renegotiate(), ElementsAre(kA));
  auto picky = browser();
  picky.codecsTaken = {"PCMA"};
  good(negotiator_->answer(kA, picky.answer(make(kA))));
  ASSERT_THAT(negotiator_->renegotiate(), ElementsAre(kPhone2));
  EXPECT_THAT(mapsOf(read(make(kPhone2)).media[0]), ElementsAre("PCMA:8"));
  good(negotiator_->answer(kPhone2, phone("8", "")));
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
}

TEST_F(OwnOffer, TwoDevicesAreBroughtTogether) {
  connect("0 8");
  make(kPhone2, kA);
  good(negotiator_->answer(kPhone2, phone("8", "")));
  negotiator_->join(kPhone, kPhone2);
  ASSERT_THAT(negotiator_->renegotiate(), ElementsAre(kPhone));
  EXPECT_THAT(mapsOf(read(make(kPhone)).media[0]), ElementsAre("PCMA:8"));
  good(negotiator_->answer(kPhone, phone("8", "")));
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
}

TEST_F(OwnOffer, HoldAndResumeByUs) {
  connect("0");
  const std::string refresh = make(kPhone);
  EXPECT_EQ(directionOf(refresh), SdpDirection::sendrecv);
  EXPECT_THAT(mapsOf(read(refresh).media[0]), ElementsAre("PCMU:0"));
  good(negotiator_->answer(kPhone, phone("0", "")));

  negotiator_->setHeld(kPhone, true);
  EXPECT_EQ(directionOf(make(kPhone)), SdpDirection::sendonly);
  good(negotiator_->answer(kPhone, phone("0", "a=recvonly")));
  EXPECT_FALSE(section(kPhone, 0).peerSends);
  EXPECT_FALSE(negotiator_->peerHolds(kPhone));
  // Its own refresh meanwhile does not end our hold.
  EXPECT_EQ(directionOf(good(negotiator_->answerLocally(kPhone, phone("0", "")))), SdpDirection::sendonly);

  negotiator_->setHeld(kPhone, false);
  EXPECT_EQ(directionOf(make(kPhone)), SdpDirection::sendrecv);
  good(negotiator_->answer(kPhone, phone("0", "")));
  EXPECT_TRUE(section(kPhone, 0).peerSends && section(kPhone, 0).peerReceives);
}

TEST_F(OwnOffer, AnInviteWithoutOfferGetsOneThatEveryBrowserCanFollow) {
  const std::string offer = make(kPhone);
  EXPECT_THAT(mapsOf(read(offer).media[0]), testing::IsSupersetOf({"opus:111", "PCMU:0", "PCMA:8"}));
  EXPECT_EQ(good(negotiator_->answer(kPhone, phone("8", ""))), "");
  const std::string toBrowser = make(kA);
  EXPECT_THAT(mapsOf(read(toBrowser).media[0]), ElementsAre("PCMA:8"));
  good(negotiator_->answer(kA, browser().answer(toBrowser)));
  EXPECT_THAT(negotiator_->renegotiate(), IsEmpty());
  EXPECT_TRUE(section(kA, 0).peerSends && section(kPhone, 0).peerReceives);
}

TEST_F(OwnOffer, OffersOfDifferentLegsDoNotStandInEachOthersWay) {
  connect("0");
  const std::string consultation = make(kPhone2, kA);  // Rings for long …
  const auto added = browser(true);
  const std::string forwarded = good(negotiator_->offer(kA, added.offer(), kPhone));  // … meanwhile video.
  EXPECT_EQ(reason(negotiator_->offer(kA, added.offer(), kPhone2)), "sdp.glare");
  EXPECT_EQ(reason(negotiator_->makeOffer(kPhone, kA)), "sdp.glare");
  good(negotiator_->answer(kPhone, phone("0", "") + "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"));
  EXPECT_FALSE(section(kPhone, 1).rejected);
  EXPECT_TRUE(negotiator_->pending(kPhone2));
  good(negotiator_->answer(kPhone2, phone("0", "")));
  EXPECT_FALSE(negotiator_->pending());
  EXPECT_FALSE(section(kPhone, 1).rejected);
}

TEST_F(OwnOffer, IsForgottenByRollbackAndRepeatable) {
  connect("0");
  const std::string before = dumpAll();
  make(kPhone2, kA);
  EXPECT_TRUE(negotiator_->pending(kPhone2));
  negotiator_->rollback(kPhone2);  // It is no offer of that leg.
  EXPECT_TRUE(negotiator_->pending(kPhone2));
  negotiator_->rollbackTo(kPhone2);
  EXPECT_EQ(dumpAll(), before);
  EXPECT_EQ(reason(negotiator_->answer(kPhone2, phone("0", ""))), "sdp.no_offer");
  const std::string one = make(kPhone2, kA);
  EXPECT_EQ(make(kPhone2, kA), one);
  EXPECT_EQ(reason(negotiator_->makeOffer(kPhone2, LegId("nobody"))), "sdp.unknown_leg");
}

TEST_F(OwnOffer, ABrowsersCameraWaitsWhileItSpeaksWithSomebodyWithout) {
  good(negotiator_->offer(kA, browser(true).offer(), kPhone));
  good(negotiator_->answer(kPhone, phone("111", "a=rtpmap:111 opus/48000/2") +
                                       "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"));
  make(kPhone2, kA);
  good(negotiator_->answer(kPhone2, phone("0", "") + "m=video 0 RTP/AVP 96\r\n"));
  negotiator_->join(kA, kPhone2);
  const auto offer = read(make(kA));
  ASSERT_EQ(offer.media.size(), 2u);
  EXPECT_NE(offer.media[1].port, 0);
  EXPECT_EQ(offer.media[1].direction, SdpDirection::inactive);
}

TEST_F(OwnOffer, ABrowsersRefreshKeepsItsPeerConnection) {
  connect("0");
  const auto before = description(kA);
  const auto peer = browser();
  good(negotiator_->answer(kA, peer.answer(make(kA))));
  EXPECT_EQ(description(kA).dtlsGeneration, before.dtlsGeneration);
  EXPECT_EQ(description(kA).iceGeneration, before.iceGeneration);
  EXPECT_EQ(description(kA).localIce, before.localIce);
}

}  // namespace
}  // namespace parley::rtc
