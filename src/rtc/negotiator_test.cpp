// Calls as browsers make them, and what is written to them.
#include "rtc/negotiator.h"

#include <cstdlib>
#include <filesystem>

#include "rtc/negotiator_test_fixture.h"

namespace parley::rtc {
namespace {

using proto::SdpDirection;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class NegotiatorTest : public NegotiatorFixture {};

/// Both browsers took what is in tests/data/sdp/calls/*/2-offered and 4-answered (setRemoteDescription).
/// PARLEY_UPDATE_GOLDEN=1 writes them anew: then show them to browsers again.
TEST_F(NegotiatorTest, CallsBetweenBrowsersStayAsTheBrowsersTookThem) {
  const auto folder = std::filesystem::path(PARLEY_SOURCE_DIR) / "tests/data/sdp/calls";
  std::size_t calls = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = "calls/" + entry.path().filename().string() + "/";
    SCOPED_TRACE(name);
    ++calls;
    random_ = base::FakeRandom();
    use({});
    const auto offered = good(negotiator_->offer(kA, load(name + "1-offer"), kB));
    const auto answered = good(negotiator_->answer(kB, load(name + "3-answer")));
    if (std::getenv("PARLEY_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(entry.path() / "2-offered.sdp", std::ios::binary) << offered;
      std::ofstream(entry.path() / "4-answered.sdp", std::ios::binary) << answered;
    }
    EXPECT_EQ(offered, load(name + "2-offered"));
    EXPECT_EQ(answered, load(name + "4-answered"));
    EXPECT_FALSE(negotiator_->pending());
    for (const auto& leg : {kA, kB})
      for (const auto& section : description(leg).sections) {
        EXPECT_FALSE(section.rejected);
        EXPECT_FALSE(section.codecs.empty());
        EXPECT_NE(section.extensions.mid, 0);
        EXPECT_TRUE(!section.peerSends || section.peerSsrcs.size() == 1);
      }
    for (std::size_t i = 0; i < description(kA).sections.size(); ++i) {
      EXPECT_EQ(section(kA, i).codecs.size(), section(kB, i).codecs.size());
      EXPECT_NE(section(kA, i).ourSsrc, section(kB, i).ourSsrc);
    }
  }
  EXPECT_GE(calls, 9u);
}

/// Every SDP of a browser is either answered or refused with a reason, and offers are taken.
TEST_F(NegotiatorTest, EveryCapturedOfferIsOfferedOn) {
  std::size_t offers = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(PARLEY_SOURCE_DIR) / "tests/data/sdp")) {
    const auto name = entry.path().stem().string();
    if (name.find("offer") == std::string::npos) continue;
    SCOPED_TRACE(name);
    ++offers;
    use({});
    const auto offered = read(good(negotiator_->offer(kA, load(name), kB)));
    for (const auto& media : offered.media) {
      for (const auto& fb : media.rtcpFbs)
        EXPECT_THAT(media.formats, Contains(std::to_string(fb.payloadType.value_or(200))));
      for (const auto& map : media.rtpmaps)
        EXPECT_THAT(map.name, testing::AnyOf("opus", "G722", "PCMU", "PCMA", "telephone-event", "VP8", "H264",
                                             "VP9", "AV1", "rtx"));
    }
    EXPECT_FALSE(good(negotiator_->answer(kB, FakePeer(2).answer(proto::writeSdp(offered)))).empty());
  }
  EXPECT_GE(offers, 20u);
}

TEST_F(NegotiatorTest, ACallEndToEnd) {
  const auto round = call(FakePeer(1), FakePeer(2));
  const auto offered = read(round.offered);
  EXPECT_TRUE(offered.iceLite);
  EXPECT_THAT(offered.groups, ElementsAre(proto::SdpGroup{"BUNDLE", {"0", "1"}}));
  ASSERT_EQ(offered.media.size(), 2u);
  EXPECT_THAT(mapsOf(offered.media[0]), ElementsAre("opus:111", "PCMU:0", "telephone-event:126"));
  EXPECT_THAT(mapsOf(offered.media[1]), ElementsAre("VP8:96", "rtx:97", "H264:102", "rtx:103"));
  EXPECT_EQ(offered.media[0].port, 16000);
  EXPECT_EQ(offered.media[0].connections[0].address, "192.0.2.7");
  EXPECT_EQ(offered.media[0].transport.setup, proto::SdpSetup::actpass);
  const auto& candidates = offered.media[1].transport.candidates;
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].address, "192.0.2.7");
  EXPECT_EQ(candidates[1].address, "2001:db8::7");
  EXPECT_GT(candidates[0].priority, candidates[1].priority);
  EXPECT_NE(candidates[0].foundation, candidates[1].foundation);
  EXPECT_TRUE(offered.media[1].transport.endOfCandidates);
  EXPECT_TRUE(offered.media[1].rtcpRsize);
  EXPECT_FALSE(offered.media[0].rtcpRsize);
  ASSERT_EQ(offered.media[1].ssrcGroups.size(), 1u);
  EXPECT_EQ(offered.media[0].msids[0].stream, offered.media[1].msids[0].stream);
  EXPECT_NE(offered.media[0].msids[0].track, offered.media[1].msids[0].track);

  const auto answered = read(round.answered);
  EXPECT_EQ(answered.media[0].transport.setup, proto::SdpSetup::passive);
  EXPECT_NE(answered.media[0].transport.iceUfrag, offered.media[0].transport.iceUfrag);

  for (const auto& leg : {kA, kB}) {
    const auto& d = description(leg);
    EXPECT_EQ(d.ourDtlsRole, DtlsRole::server);
    EXPECT_EQ(d.remoteIce.ufrag, leg == kA ? "peer1" : "peer2");
    EXPECT_EQ(d.iceGeneration + d.dtlsGeneration, 0u);
    ASSERT_EQ(d.sections.size(), 2u);
    EXPECT_TRUE(d.sections[1].peerSends && d.sections[1].peerReceives);
    EXPECT_TRUE(d.sections[1].reducedRtcp);
    ASSERT_EQ(d.sections[1].codecs.size(), 2u);
    EXPECT_EQ(d.sections[1].codecs[0].rtx, PayloadType{97});
    EXPECT_TRUE(d.sections[1].codecs[0].nack && d.sections[1].codecs[0].remb);
  }
  EXPECT_EQ(section(kA, 1).peerSsrcs, std::vector<Ssrc>{Ssrc{2001}});
  EXPECT_EQ(section(kA, 1).peerRtx.at(Ssrc{2002}), Ssrc{2001});
  const auto ssrc = answered.media[1].ssrcs.at(0).ssrc;
  EXPECT_EQ(section(kA, 1).ourSsrc.value(), ssrc);
}

TEST_F(NegotiatorTest, WhatIsNotCarriedIsNotOfferedOn) {
  FakePeer peer(1);
  peer.lines = {audioLine(), videoLine()};
  peer.lines[0].codecs.push_back({63, "red/48000/2", "111/111"});
  peer.lines[0].codecs.push_back({13, "CN/8000"});
  peer.lines[0].codecs.push_back({105, "iLBC/8000"});
  peer.lines[1].codecs.push_back({110, "red/90000", "", 112});
  peer.lines[1].codecs.push_back({116, "ulpfec/90000"});
  peer.lines[1].codecs.push_back({117, "flexfec-03/90000"});
  peer.lines[1].codecs.push_back({118, "H265/90000", "", 119});
  const auto offered = good(negotiator_->offer(kA, peer.offer(), kB));
  for (const char* gone : {"red", "CN/", "iLBC", "ulpfec", "flexfec", "H265", ":112", ":119"})
    EXPECT_THAT(offered, Not(HasSubstr(gone)));
}

TEST_F(NegotiatorTest, OptionsDecideCodecsAndOrder) {
  use({.audioCodecs = {"PCMU", "OPUS", "red"}, .videoCodecs = {"H264", "VP8"}, .keepOffererOrder = false});
  const auto offered = read(good(negotiator_->offer(kA, FakePeer(1).offer(), kB)));
  EXPECT_THAT(mapsOf(offered.media[0]), ElementsAre("PCMU:0", "opus:111"));
  EXPECT_THAT(mapsOf(offered.media[1]), ElementsAre("H264:102", "rtx:103", "VP8:96", "rtx:97"));

  use({.videoCodecs = {}});
  const auto audioOnly = read(good(negotiator_->offer(kA, FakePeer(1).offer(), kB)));
  ASSERT_EQ(audioOnly.media.size(), 1u);
  const auto answered = read(good(negotiator_->answer(kB, FakePeer(2).answer(proto::writeSdp(audioOnly)))));
  ASSERT_EQ(answered.media.size(), 2u);
  EXPECT_EQ(answered.media[1].port, 0);
  EXPECT_THAT(answered.groups[0].mids, ElementsAre("0"));
}

TEST_F(NegotiatorTest, FeedbackOfAbsentPayloadTypesAndOfAll) {
  auto session = FakePeer(1).offerSession();
  session.media[0].rtcpFbs.push_back({std::uint8_t{99}, "nack"});
  session.media[1].rtcpFbs = {{std::nullopt, "nack pli"},
                              {std::uint8_t{50}, "ccm fir"},
                              {std::uint8_t{96}, "nack"},
                              {std::uint8_t{96}, "rrtr"}};
  const auto offered = read(good(negotiator_->offer(kA, proto::writeSdp(session), kB)));
  EXPECT_THAT(offered.media[1].rtcpFbs, ElementsAre(proto::SdpRtcpFb{std::uint8_t{96}, "nack"},
                                                    proto::SdpRtcpFb{std::uint8_t{96}, "nack pli"},
                                                    proto::SdpRtcpFb{std::uint8_t{102}, "nack pli"}));
}

TEST_F(NegotiatorTest, StaticPayloadTypesNeedNoRtpmap) {
  auto session = FakePeer(1).offerSession();
  session.media.resize(1);
  session.media[0].formats = {"8", "0", "18", "77"};
  session.media[0].rtpmaps.clear();
  const auto offered = read(good(negotiator_->offer(kA, proto::writeSdp(session), kB)));
  EXPECT_THAT(mapsOf(offered.media[0]), ElementsAre("PCMA:8", "PCMU:0"));
}

TEST_F(NegotiatorTest, ExtensionsPerHopAndEndToEnd) {
  FakePeer a(1);
  a.lines[1].extensions = {{1, "urn:ietf:params:rtp-hdrext:sdes:mid"},
                           {2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"},
                           {3, "urn:3gpp:video-orientation"},
                           {4, "urn:ietf:params:rtp-hdrext:toffset"},
                           {5, "urn:example:unknown"},
                           {200, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"}};
  const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
  EXPECT_EQ(read(offered).media[1].extmaps.size(), 4u);
  auto answer = FakePeer(2).answerSession(offered);
  std::erase_if(answer.media[1].extmaps, [](const auto& e) { return e.id != 3; });  // Only orientation.
  const auto answered = read(good(negotiator_->answer(kB, proto::writeSdp(answer))));
  std::vector<int> ids;
  for (const auto& e : answered.media[1].extmaps) ids.push_back(e.id);
  EXPECT_THAT(ids, testing::UnorderedElementsAre(1, 2, 3));  // toffset needs both sides.
  EXPECT_EQ(section(kA, 1).extensions.mid, 1);
  EXPECT_EQ(section(kA, 1).extensions.absSendTime, 2);
  EXPECT_EQ(section(kA, 1).extensions.toffset, 0);
  EXPECT_EQ(section(kB, 1).extensions.mid, 0);
  EXPECT_EQ(section(kB, 1).extensions.videoOrientation, 3);
}

TEST_F(NegotiatorTest, ExtensionDirectionIsMirroredInTheAnswer) {
  auto session = FakePeer(1).offerSession();
  session.media[1].extmaps = {
      {6, SdpDirection::recvonly, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", ""}};
  const auto offered = good(negotiator_->offer(kA, proto::writeSdp(session), kB));
  EXPECT_EQ(read(offered).media[1].extmaps.at(0).direction, SdpDirection::recvonly);
  auto answer = FakePeer(2).answerSession(offered);
  answer.media[1].extmaps[0].direction = SdpDirection::sendonly;
  const auto answered = read(good(negotiator_->answer(kB, proto::writeSdp(answer))));
  EXPECT_EQ(answered.media[1].extmaps.at(0).direction, SdpDirection::sendonly);
}

TEST_F(NegotiatorTest, OtherSectionsAreRejectedAndNotOfferedOn) {
  auto session = FakePeer(1).offerSession();
  proto::SdpMedia data;
  data.kind = "application";
  data.port = 9;
  data.protocol = "UDP/DTLS/SCTP";
  data.formats = {"webrtc-datachannel"};
  data.mid = "data";
  session.media.insert(session.media.begin() + 1, data);
  data.kind = "holo";
  data.protocol = "UDP/TLS/RTP/SAVPF";
  data.formats = {"96"};
  data.mid = "holo";
  session.media.push_back(data);
  session.media.push_back(session.media[2]);
  session.media.back().mid = "2";
  session.media.back().protocol = "RTP/AVP";  // In the clear: not for a browser leg.
  const auto offered = good(negotiator_->offer(kA, proto::writeSdp(session), kB));
  ASSERT_EQ(read(offered).media.size(), 2u);
  const auto answered = read(good(negotiator_->answer(kB, FakePeer(2).answer(offered))));
  ASSERT_EQ(answered.media.size(), 5u);
  const std::uint16_t ports[] = {16000, 0, 16000, 0, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(answered.media[i].port, ports[i]) << i;
    EXPECT_EQ(answered.media[i].mid, session.media[i].mid);
    EXPECT_EQ(answered.media[i].kind, session.media[i].kind);
    EXPECT_EQ(answered.media[i].protocol, session.media[i].protocol);
  }
  EXPECT_THAT(answered.groups[0].mids, ElementsAre("0", "1"));
  EXPECT_EQ(section(kA, 1).mid, "1");
  EXPECT_EQ(section(kB, 1).mid, "1");
}

TEST_F(NegotiatorTest, BundleOnlySectionsAreInUseInAnOffer) {
  auto session = FakePeer(1).offerSession();
  session.media[1].port = 0;
  session.media[1].bundleOnly = true;
  session.media[1].transport = {};  // Stands in the first section.
  const auto offered = good(negotiator_->offer(kA, proto::writeSdp(session), kB));
  EXPECT_EQ(read(offered).media.at(1).port, 16000);
}

TEST_F(NegotiatorTest, TransportAtSessionLevelServesAll) {
  auto session = FakePeer(1).offerSession();
  session.transport = session.media[0].transport;
  for (auto& media : session.media) media.transport = {};
  EXPECT_FALSE(good(negotiator_->offer(kA, proto::writeSdp(session), kB)).empty());
}

TEST_F(NegotiatorTest, TheAnswerersOrderIsTheOrderOfBothLegs) {
  FakePeer b(2);
  b.codecsTaken = {"H264", "VP8", "PCMU", "opus"};
  const auto round = call(FakePeer(1), b);
  EXPECT_THAT(namesOf(section(kA, 1)), ElementsAre("H264:102", "VP8:96"));
  EXPECT_THAT(namesOf(section(kB, 1)), ElementsAre("H264:102", "VP8:96"));
  EXPECT_THAT(namesOf(section(kA, 0)), ElementsAre("PCMU:0", "opus:111"));
  // RTX is agreed with each alone: B took none.
  EXPECT_EQ(section(kA, 1).codecs[0].rtx, PayloadType{103});
  EXPECT_EQ(section(kB, 1).codecs[0].rtx, std::nullopt);
  EXPECT_THAT(mapsOf(read(round.answered).media[1]), ElementsAre("H264:102", "rtx:103", "VP8:96", "rtx:97"));
}

TEST_F(NegotiatorTest, ARejectedFirstSectionLeavesTheBundleToTheNext) {
  FakePeer b(2);
  b.linesRejected = {0};
  const auto answered = read(call(FakePeer(1), b).answered);
  EXPECT_EQ(answered.media[0].port, 0);
  EXPECT_THAT(answered.groups[0].mids, ElementsAre("1"));
  EXPECT_FALSE(answered.media[1].transport.candidates.empty());
  EXPECT_TRUE(section(kA, 0).rejected);
  EXPECT_TRUE(section(kB, 0).rejected);
  EXPECT_FALSE(section(kB, 1).rejected);
}

TEST_F(NegotiatorTest, BitrateLimitsAreTheLowestOfAll) {
  use({.maxVideoBitrate = 1'000'000});
  auto session = FakePeer(1).offerSession();
  session.media[0].bandwidths = {{"AS", 64}};
  session.media[1].bandwidths = {{"AS", 300}, {"TIAS", 500'000}};
  const auto offered = good(negotiator_->offer(kA, proto::writeSdp(session), kB));
  EXPECT_THAT(read(offered).media[0].bandwidths,
              ElementsAre(proto::SdpBandwidth{"AS", 64}, proto::SdpBandwidth{"TIAS", 64'000}));
  EXPECT_THAT(read(offered).media[1].bandwidths,
              ElementsAre(proto::SdpBandwidth{"AS", 500}, proto::SdpBandwidth{"TIAS", 500'000}));
  auto answer = FakePeer(2).answerSession(offered);
  answer.media[1].bandwidths = {{"TIAS", 18'446'744'073'709'551'615u}};
  const auto answered = read(good(negotiator_->answer(kB, proto::writeSdp(answer))));
  EXPECT_THAT(answered.media[0].bandwidths, IsEmpty());
  EXPECT_THAT(answered.media[1].bandwidths, Contains(proto::SdpBandwidth{"TIAS", 1'000'000}));
  EXPECT_EQ(section(kA, 1).maxBitrate, 500'000u);
  EXPECT_EQ(section(kB, 1).maxBitrate, 4'294'967'295u);
}

TEST_F(NegotiatorTest, WithoutCandidatesTheDiscardPortStandsThere) {
  LocalTransport transport = testTransport();
  transport.candidates.clear();
  negotiator_->removeLeg(kB);
  negotiator_->addLeg(kB, LegKind::webrtc, transport);
  const auto offered = read(good(negotiator_->offer(kA, FakePeer(1).offer(), kB)));
  EXPECT_EQ(offered.media[0].port, 9);
  EXPECT_EQ(offered.media[0].connections[0].address, "0.0.0.0");
}

TEST_F(NegotiatorTest, TableOfPeerSsrcsIsBounded) {
  auto session = FakePeer(1).offerSession();
  for (std::uint32_t i = 0; i < 40; ++i) {
    session.media[1].ssrcs.push_back({5000 + i, {"cname", "x"}});
    session.media[1].ssrcGroups.push_back({"FID", {5000 + i, 6000 + i}});
  }
  session.media[1].ssrcGroups.push_back({"FID", {7, 7}});
  session.media[1].ssrcGroups.push_back({"FID", {7}});
  session.media[1].ssrcGroups.push_back({"SIM", {5000, 5001}});
  const auto offered = good(negotiator_->offer(kA, proto::writeSdp(session), kB));
  good(negotiator_->answer(kB, FakePeer(2).answer(offered)));
  EXPECT_EQ(section(kA, 1).peerSsrcs.size(), 8u);
  EXPECT_EQ(section(kA, 1).peerRtx.size(), 8u);
}

}  // namespace
}  // namespace parley::rtc
