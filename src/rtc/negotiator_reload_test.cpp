// Reloaded pages: other m-lines, numbers and mids on one leg only.
#include "rtc/negotiator_test_fixture.h"

namespace parley::rtc {
namespace {

using proto::SdpDirection;
using testing::ElementsAre;

class NegotiatorReloadTest : public NegotiatorFixture {};

FakePeer reloaded() {
  FakePeer peer(5);
  FakeLine video = videoLine("v");
  video.codecs = {{120, "H264/90000", "profile-level-id=42e01f;packetization-mode=1", 121, {"nack"}},
                  {122, "VP8/90000", "max-fs=12288", 123, {"nack"}}};
  video.extensions = {{9, "urn:ietf:params:rtp-hdrext:sdes:mid"}};
  FakeLine audio = audioLine("s");
  audio.codecs = {{109, "opus/48000/2", "stereo=1"}, {101, "telephone-event/8000"}};
  peer.lines = {video, audio};
  return peer;
}

TEST_F(NegotiatorReloadTest, AReloadIsAnsweredHereByKindAndOrder) {
  const FakePeer b(2);
  FakePeer first(1);
  first.lines[1].extensions = {{1, "urn:ietf:params:rtp-hdrext:sdes:mid"}};
  const auto before = call(first, b);
  const auto beforeB = dump(negotiator_->description(kB));
  FakePeer page = reloaded();
  page.lines.push_back(audioLine("more"));
  const auto answered = read(good(negotiator_->answerLocally(kA, page.offer())));
  ASSERT_EQ(answered.media.size(), 3u);
  EXPECT_EQ(answered.media[2].port, 0);  // Nobody is there for a second voice.
  EXPECT_THAT(answered.groups[0].mids, ElementsAre("v", "s"));
  EXPECT_THAT(mapsOf(answered.media[0]), ElementsAre("VP8:122", "rtx:123", "H264:120", "rtx:121"));
  EXPECT_THAT(mapsOf(answered.media[1]), ElementsAre("opus:109", "telephone-event:101"));
  EXPECT_EQ(answered.media[1].fmtps[0].parameters, "minptime=10;useinbandfec=1");  // As B said.

  const auto& d = description(kA);
  EXPECT_EQ(d.iceGeneration, 1u);
  EXPECT_EQ(d.dtlsGeneration, 1u);
  ASSERT_EQ(d.sections.size(), 2u);
  EXPECT_EQ(d.sections[0].kind, MediaKind::audio);
  EXPECT_EQ(d.sections[0].mid, "s");
  EXPECT_EQ(d.sections[1].mid, "v");
  EXPECT_EQ(d.sections[1].extensions.mid, 9);
  EXPECT_EQ(d.sections[1].codecs[0].payloadType, PayloadType{122});
  EXPECT_EQ(dump(negotiator_->description(kB)), beforeB);
  EXPECT_EQ(d.sections[1].ourSsrc.value(), read(before.answered).media[1].ssrcs[0].ssrc);
}

TEST_F(NegotiatorReloadTest, AReloadMayLackASectionAndGetItBackLater) {
  const FakePeer b(2);
  call(FakePeer(1), b);
  FakePeer page = reloaded();
  page.lines = {page.lines[1]};
  good(negotiator_->answerLocally(kA, page.offer()));
  EXPECT_FALSE(section(kA, 0).rejected);
  EXPECT_TRUE(section(kA, 1).rejected);
  EXPECT_FALSE(section(kB, 1).rejected);
  page.lines.push_back(videoLine("late"));
  const auto round = call(page, b);
  EXPECT_EQ(read(round.offered).media.size(), 2u);
  EXPECT_EQ(read(round.offered).media[1].mid, "1");  // B's m-line was in use all the time.
  EXPECT_EQ(section(kA, 1).mid, "late");
}

TEST_F(NegotiatorReloadTest, AfterAReloadNumbersAreMappedBothWays) {
  const FakePeer b(2);
  call(FakePeer(1), b);
  FakePeer page = reloaded();
  page.lines[0].codecs.push_back({96, "VP9/90000", "profile-id=0", 97, {}});  // 96 is VP8 at B.
  good(negotiator_->answerLocally(kA, page.offer()));
  auto round = call(page, b);
  auto video = read(round.offered).media.at(1);
  ASSERT_EQ(read(round.offered).media.size(), 2u);
  EXPECT_EQ(video.mid, "1");
  const auto maps = mapsOf(video);
  ASSERT_EQ(maps.size(), 6u);
  EXPECT_THAT(std::vector(maps.begin(), maps.begin() + 4),
              ElementsAre("H264:102", "rtx:103", "VP8:96", "rtx:97"));
  EXPECT_EQ(maps[4], "VP9:98");
  EXPECT_EQ(maps[5], "rtx:99");
  EXPECT_EQ(video.fmtps.back(), (proto::SdpFmtp{99, "apt=98"}));
  EXPECT_THAT(namesOf(section(kA, 1)), ElementsAre("H264:120", "VP8:122", "VP9:96"));
  EXPECT_THAT(namesOf(section(kB, 1)), ElementsAre("H264:102", "VP8:96", "VP9:98"));
  // B offers by its own numbers.
  FakePeer asB(2);
  asB.lines[1].codecs.push_back({98, "VP9/90000", "profile-id=0", 99, {}});
  round = call(asB, page, kB, kA);
  EXPECT_EQ(read(round.offered).media[0].mid, "v");
  EXPECT_THAT(mapsOf(read(round.offered).media[0]),
              ElementsAre("VP8:122", "rtx:123", "H264:120", "rtx:121", "VP9:96", "rtx:97"));
}

TEST_F(NegotiatorReloadTest, ExtensionIdsGiveWayToo) {
  FakePeer a(1), b(2);
  a.lines[0].extensions = a.lines[1].extensions = {{1, "urn:ietf:params:rtp-hdrext:sdes:mid"}};
  call(a, b);
  b.lines[0].extensions = {{1, "urn:ietf:params:rtp-hdrext:sdes:mid"}, {2, "urn:example:theirs"}};
  call(b, a, kB, kA);
  a.lines[1].extensions.emplace_back(2, "urn:3gpp:video-orientation");  // 2 has a meaning at B.
  const auto offered = read(call(a, b).offered);
  ASSERT_EQ(offered.media[1].extmaps.size(), 2u);
  EXPECT_EQ(offered.media[1].extmaps[0].id, 1);
  EXPECT_EQ(offered.media[1].extmaps[1].id, 3);
  EXPECT_EQ(section(kA, 1).extensions.videoOrientation, 2);
  EXPECT_EQ(section(kB, 1).extensions.videoOrientation, 3);
}

TEST_F(NegotiatorReloadTest, NumbersRunOut) {
  FakePeer a(1), b(2);
  call(a, b);
  for (int n = 35; n < 64; ++n) b.lines[1].codecs.push_back({n, fmt::format("X{}/90000", n)});
  for (int n = 98; n < 128; ++n)
    if (n != 111 && n != 126 && n != 102 && n != 103)
      b.lines[1].codecs.push_back({n, fmt::format("X{}/90000", n)});
  call(b, a, kB, kA);
  a.lines[1].codecs.push_back({98, "VP9/90000", "profile-id=0", 99});
  const auto round = call(a, b);
  EXPECT_THAT(mapsOf(read(round.offered).media[1]), ElementsAre("VP8:96", "rtx:97", "H264:102", "rtx:103"));
  a.lines[1].codecs = {{98, "VP9/90000", "profile-id=0", 99}};
  const auto audioOnly = call(a, b);
  EXPECT_EQ(read(audioOnly.offered).media[1].port, 0);
  EXPECT_TRUE(section(kA, 1).rejected);
  EXPECT_FALSE(section(kA, 0).rejected);
}

TEST_F(NegotiatorReloadTest, AnswerLocallyKeepsToWhatTheOtherSideDoes) {
  FakePeer a(1), b(2);
  b.answerDirection = SdpDirection::recvonly;
  b.codecsTaken = {"opus", "VP8"};
  call(a, b);
  a.lines[0].direction = SdpDirection::recvonly;
  const auto answered = read(good(negotiator_->answerLocally(kA, a.offer())));
  EXPECT_EQ(answered.media[0].direction, SdpDirection::inactive);  // B does not send.
  EXPECT_EQ(answered.media[1].direction, SdpDirection::recvonly);
  EXPECT_THAT(mapsOf(answered.media[1]), ElementsAre("VP8:96", "rtx:97"));
  EXPECT_FALSE(section(kA, 0).peerSends || section(kA, 0).peerReceives);
  FakePeer other(6);
  other.lines[1].codecs = {{102, "H264/90000", "packetization-mode=1;profile-level-id=42e01f"}};
  EXPECT_EQ(read(good(negotiator_->answerLocally(kA, other.offer()))).media[1].port, 0);
  other.lines[0].codecs = {{0, "PCMU/8000"}};
  EXPECT_EQ(reason(negotiator_->answerLocally(kA, other.offer())), "sdp.no_common_codec");
}

TEST_F(NegotiatorReloadTest, AnswerLocallyGoesOnWhenTheOtherLegIsGone) {
  call(FakePeer(1), FakePeer(2));
  negotiator_->removeLeg(kB);
  FakePeer page = reloaded();
  const auto answered = read(good(negotiator_->answerLocally(kA, page.offer())));
  EXPECT_EQ(answered.media[0].direction, SdpDirection::sendrecv);
  EXPECT_THAT(namesOf(section(kA, 0)), ElementsAre("opus:109", "telephone-event:101"));
}

}  // namespace
}  // namespace parley::rtc
