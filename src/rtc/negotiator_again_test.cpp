// What comes after the first offer and answer: directions, roles, restarts, rollbacks, sections.
#include "rtc/negotiator_test_fixture.h"

namespace parley::rtc {
namespace {

using proto::SdpDirection;
using proto::SdpSetup;
using testing::ElementsAre;

class NegotiatorAgainTest : public NegotiatorFixture {
 protected:
  std::uint64_t versionOf(const std::string& sdp) { return read(sdp).origin.version; }
  std::string ufragOf(const std::string& sdp) {
    return read(sdp).media.at(0).transport.iceUfrag.value_or("");
  }
};

struct DirectionCase {
  SdpDirection offer, willing;  ///< Of the offerer; what the answerer would do if it could.
  SdpDirection answer;          ///< What it comes to, as the answerer sees it, and what the offerer is told.
};

TEST_F(NegotiatorAgainTest, Directions) {
  using enum SdpDirection;
  const DirectionCase cases[] = {
      {sendrecv, sendrecv, sendrecv}, {sendrecv, sendonly, sendonly}, {sendrecv, recvonly, recvonly},
      {sendrecv, inactive, inactive}, {sendonly, sendrecv, recvonly}, {sendonly, sendonly, inactive},
      {sendonly, recvonly, recvonly}, {sendonly, inactive, inactive}, {recvonly, sendrecv, sendonly},
      {recvonly, sendonly, sendonly}, {recvonly, recvonly, inactive}, {recvonly, inactive, inactive},
      {inactive, sendrecv, inactive}, {inactive, sendonly, inactive}, {inactive, recvonly, inactive},
      {inactive, inactive, inactive},
  };
  const auto sends = [](SdpDirection d) { return d == sendrecv || d == sendonly; };
  const auto receives = [](SdpDirection d) { return d == sendrecv || d == recvonly; };
  FakePeer a(1), b(2);
  for (const auto& c : cases) {  // One call: each is a re-offer after the one before.
    SCOPED_TRACE(fmt::format("{} {}", proto::toString(c.offer), proto::toString(c.willing)));
    for (auto& line : a.lines) line.direction = c.offer;
    b.answerDirection = c.willing;
    const auto round = call(a, b);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto offered = read(round.offered).media.at(i);
      const auto answered = read(round.answered).media.at(i);
      EXPECT_EQ(offered.direction, c.offer);
      EXPECT_EQ(answered.direction, c.answer);
      EXPECT_EQ(offered.ssrcs.empty(), !sends(c.offer));
      EXPECT_EQ(answered.ssrcs.empty(), !sends(c.answer));
      EXPECT_EQ(section(kB, i).peerSends, sends(c.answer));
      EXPECT_EQ(section(kB, i).peerReceives, receives(c.answer));
      EXPECT_EQ(section(kA, i).peerSends, receives(c.answer));
      EXPECT_EQ(section(kA, i).peerReceives, sends(c.answer));
      EXPECT_FALSE(section(kA, i).rejected);
    }
  }
}

TEST_F(NegotiatorAgainTest, AnAnswerBeyondTheOfferIsCutToIt) {
  FakePeer a(1), b(2);
  for (auto& line : a.lines) line.direction = SdpDirection::sendonly;
  const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
  auto answer = b.answerSession(offered);
  for (auto& media : answer.media) media.direction = SdpDirection::sendrecv;
  const auto answered = read(good(negotiator_->answer(kB, proto::writeSdp(answer))));
  EXPECT_EQ(answered.media[0].direction, SdpDirection::recvonly);
  EXPECT_FALSE(section(kB, 0).peerSends);
  EXPECT_TRUE(section(kB, 0).peerReceives);
}

struct RoleCase {
  std::optional<SdpSetup> offer, answer;
  SdpSetup ourAnswer;
  DtlsRole towardsA, towardsB;
};

TEST_F(NegotiatorAgainTest, DtlsRoles) {
  using enum SdpSetup;
  const RoleCase cases[] = {
      {actpass, active, passive, DtlsRole::server, DtlsRole::server},
      {actpass, passive, passive, DtlsRole::server, DtlsRole::client},
      {active, active, passive, DtlsRole::server, DtlsRole::server},
      {passive, active, SdpSetup::active, DtlsRole::client, DtlsRole::server},
      {std::nullopt, std::nullopt, passive, DtlsRole::server, DtlsRole::server},
  };
  for (const auto& c : cases) {
    use({});
    FakePeer a(1), b(2);
    a.offerSetup = c.offer;
    b.answerSetup = c.answer;
    const auto round = call(a, b);
    EXPECT_EQ(read(round.offered).media[0].transport.setup, actpass);
    EXPECT_EQ(read(round.answered).media[0].transport.setup, c.ourAnswer);
    EXPECT_EQ(description(kA).ourDtlsRole, c.towardsA);
    EXPECT_EQ(description(kB).ourDtlsRole, c.towardsB);
    // A re-offer leaves the roles as they are, whoever makes it (RFC 8842 section 4).
    a.offerSetup = b.offerSetup = actpass;
    const auto again = call(b, a, kB, kA);
    EXPECT_EQ(read(again.answered).media[0].transport.setup,
              c.towardsB == DtlsRole::client ? SdpSetup::active : passive);
    EXPECT_EQ(description(kB).ourDtlsRole, c.towardsB);
    EXPECT_EQ(description(kB).dtlsGeneration, 0u);
  }
}

TEST_F(NegotiatorAgainTest, TheSameOfferAgainChangesNothing) {
  const FakePeer a(1), b(2);
  const auto first = call(a, b);
  const auto before = dumpAll();
  const auto second = call(a, b);
  EXPECT_EQ(second.offered, first.offered);
  EXPECT_EQ(second.answered, first.answered);
  EXPECT_EQ(dumpAll(), before);
  EXPECT_EQ(good(negotiator_->answerLocally(kA, a.offer())), first.answered);
  EXPECT_EQ(dumpAll(), before);
}

TEST_F(NegotiatorAgainTest, VersionRisesByOneForEachChange) {
  FakePeer a(1);
  const FakePeer b(2);
  const auto first = call(a, b);
  EXPECT_EQ(versionOf(first.offered), 1u);
  EXPECT_EQ(versionOf(first.answered), 1u);
  a.lines[0].direction = SdpDirection::sendonly;
  const auto second = call(a, b);
  EXPECT_EQ(versionOf(second.offered), 2u);
  EXPECT_EQ(versionOf(second.answered), 2u);
  EXPECT_EQ(read(second.offered).origin.sessionId, read(first.offered).origin.sessionId);
  EXPECT_NE(read(second.offered).origin.sessionId, read(second.answered).origin.sessionId);
  const auto third = call(b, a, kB, kA);
  EXPECT_EQ(versionOf(third.offered), 3u);   // To A.
  EXPECT_EQ(versionOf(third.answered), 3u);  // To B.
}

TEST_F(NegotiatorAgainTest, ASectionKeepsItsSsrcsWhateverHappens) {
  FakePeer a(1);
  const FakePeer b(2);
  call(a, b);
  const auto ssrc = section(kB, 1).ourSsrc;
  const auto rtx = section(kB, 1).ourRtxSsrc;
  a.lines[1].rejected = true;
  call(a, b);
  EXPECT_TRUE(section(kB, 1).rejected);
  a.lines[1] = videoLine("9");
  call(a, b);
  call(b, a, kB, kA);
  EXPECT_FALSE(section(kB, 1).rejected);
  EXPECT_EQ(section(kB, 1).ourSsrc, ssrc);
  EXPECT_EQ(section(kB, 1).ourRtxSsrc, rtx);
}

TEST_F(NegotiatorAgainTest, IceRestartGivesNewCredentialsToThatLegOnly) {
  FakePeer a(1);
  const FakePeer b(2);
  const auto first = call(a, b);
  const auto beforeB = dump(negotiator_->description(kB));
  a.ufrag = "anew";
  const auto answered = good(negotiator_->answerLocally(kA, a.offer()));
  EXPECT_NE(ufragOf(answered), ufragOf(first.answered));
  EXPECT_EQ(description(kA).localIce.ufrag, ufragOf(answered));
  EXPECT_EQ(description(kA).remoteIce.ufrag, "anew");
  EXPECT_EQ(description(kA).iceGeneration, 1u);
  EXPECT_EQ(description(kA).dtlsGeneration, 0u);
  EXPECT_EQ(dump(negotiator_->description(kB)), beforeB);

  a.pwd = "anotherpasswordof22chars";  // By the password alone, and through an offer.
  const auto second = call(a, b);
  EXPECT_EQ(description(kA).iceGeneration, 2u);
  EXPECT_NE(ufragOf(second.answered), ufragOf(answered));
  EXPECT_EQ(ufragOf(second.offered), ufragOf(first.offered));
  EXPECT_EQ(description(kB).iceGeneration, 0u);
}

TEST_F(NegotiatorAgainTest, WhatMakesANewDtlsAssociation) {
  const FakePeer b(2);
  FakePeer a(1);
  call(a, b);
  a.tlsId = "01234567890123456789";
  call(a, b);  // A new tls-id alone is not one.
  EXPECT_EQ(description(kA).dtlsGeneration, 0u);
  a.tlsId = "01234567890123456789x";
  a.ufrag = "anew";
  call(a, b);
  EXPECT_EQ(description(kA).dtlsGeneration, 1u);
  a.ufrag = "again";  // ICE alone is not.
  call(a, b);
  EXPECT_EQ(description(kA).dtlsGeneration, 1u);
  a.fingerprintByte = 7;
  call(a, b);
  EXPECT_EQ(description(kA).dtlsGeneration, 2u);
  a.offerSetup = SdpSetup::passive;  // Another role is.
  call(a, b);
  EXPECT_EQ(description(kA).dtlsGeneration, 3u);
  EXPECT_EQ(description(kA).ourDtlsRole, DtlsRole::client);
  a.ufrag = "third";  // And a peer connection that kept its certificate.
  a.sessionId = 99;
  call(a, b);
  EXPECT_EQ(description(kA).dtlsGeneration, 4u);
  EXPECT_EQ(description(kB).dtlsGeneration, 0u);
}

TEST_F(NegotiatorAgainTest, AnAnswererWithANewPeerConnection) {
  const FakePeer a(1);
  call(a, FakePeer(2));
  const auto ice = description(kB).localIce;
  call(a, FakePeer(3));
  EXPECT_EQ(description(kB).dtlsGeneration, 1u);
  EXPECT_EQ(description(kB).remoteIce.ufrag, "peer3");
  EXPECT_EQ(description(kB).localIce, ice);  // They stood in the offer.
  EXPECT_EQ(description(kB).iceGeneration, 0u);
}

TEST_F(NegotiatorAgainTest, RollbackAndOfferAgain) {
  FakePeer a(1);
  const FakePeer b(2);
  const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
  const auto* early = negotiator_->description(kB);
  ASSERT_NE(early, nullptr);
  EXPECT_EQ(early->localIce.ufrag, ufragOf(offered));
  EXPECT_TRUE(early->sections.empty());
  EXPECT_EQ(negotiator_->description(kA), nullptr);
  negotiator_->rollback(kB);  // Not B's offer.
  EXPECT_TRUE(negotiator_->pending());
  negotiator_->rollback(kA);
  EXPECT_FALSE(negotiator_->pending());
  EXPECT_EQ(negotiator_->description(kB), nullptr);
  EXPECT_EQ(reason(negotiator_->answer(kB, b.answer(offered))), "sdp.no_offer");

  EXPECT_EQ(good(negotiator_->offer(kA, a.offer(), kB)), offered);  // Nothing changed: the same.
  negotiator_->rollback(kA);
  call(a, b);
  const auto settled = dumpAll();
  a.ufrag = "anew";
  a.lines[0].direction = SdpDirection::inactive;
  good(negotiator_->offer(kA, a.offer(), kB));
  negotiator_->rollback(kA);
  EXPECT_EQ(dumpAll(), settled);
  const auto again = call(a, b);
  EXPECT_EQ(description(kA).iceGeneration, 1u);
  EXPECT_EQ(section(kA, 0).peerSends, false);
  EXPECT_EQ(versionOf(again.offered), 2u);  // The text with version 2 that was rolled back, again.
}

TEST_F(NegotiatorAgainTest, OnePendingOfferAtATime) {
  const FakePeer a(1), b(2);
  const LegId c{"c"};
  negotiator_->addLeg(c, LegKind::webrtc, testTransport());
  const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
  EXPECT_EQ(reason(negotiator_->offer(kB, b.offer(), kA)), "sdp.glare");
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), c)), "sdp.glare");
  EXPECT_EQ(reason(negotiator_->offer(kA, FakePeer(3).offer(), kB)), "sdp.glare");
  EXPECT_EQ(good(negotiator_->offer(kA, a.offer(), kB)), offered);
  EXPECT_EQ(reason(negotiator_->answer(kA, b.answer(offered))), "sdp.no_offer");
  EXPECT_EQ(reason(negotiator_->answer(c, b.answer(offered))), "sdp.no_offer");
  negotiator_->removeLeg(kB);
  EXPECT_FALSE(negotiator_->pending());
}

TEST_F(NegotiatorAgainTest, AThirdLegMayRestartWhileAnOfferIsPending) {
  FakePeer a(1), b(2);
  call(a, b);
  const LegId c{"c"};
  negotiator_->addLeg(c, LegKind::webrtc, testTransport());
  const auto offered = good(negotiator_->offer(kA, a.offer(), c));
  b.ufrag = "anew";
  good(negotiator_->answerLocally(kB, b.offer()));
  EXPECT_EQ(description(kB).iceGeneration, 1u);
  EXPECT_FALSE(good(negotiator_->answer(c, FakePeer(3).answer(offered))).empty());
  EXPECT_EQ(description(kB).iceGeneration, 1u);
  EXPECT_EQ(description(c).remoteIce.ufrag, "peer3");
}

TEST_F(NegotiatorAgainTest, TheOfferedLegRestartsWhileTheOfferIsPending) {
  FakePeer a(1), b(2);
  const auto first = call(a, b);
  a.lines[1].direction = SdpDirection::sendonly;
  const auto stale = good(negotiator_->offer(kA, a.offer(), kB));
  EXPECT_EQ(reason(negotiator_->answerLocally(kA, a.offer())), "sdp.glare");
  b.ufrag = "anew";
  const auto restarted = good(negotiator_->answerLocally(kB, b.offer()));
  EXPECT_TRUE(negotiator_->pending());
  EXPECT_EQ(reason(negotiator_->answer(kB, b.answer(stale))), "sdp.glare");
  const auto fresh = good(negotiator_->offer(kA, a.offer(), kB));
  EXPECT_EQ(ufragOf(fresh), ufragOf(restarted));
  EXPECT_NE(ufragOf(fresh), ufragOf(stale));
  EXPECT_FALSE(good(negotiator_->answer(kB, b.answer(fresh))).empty());
  EXPECT_EQ(description(kB).iceGeneration, 1u);
  EXPECT_FALSE(section(kA, 1).peerReceives);
}

TEST_F(NegotiatorAgainTest, DescriptionsStayAtTheirPlace) {
  const FakePeer a(1), b(2);
  good(negotiator_->offer(kA, a.offer(), kB));
  const auto* early = negotiator_->description(kB);
  negotiator_->rollback(kA);
  call(a, b);
  const auto* settled = negotiator_->description(kB);
  call(a, b);
  EXPECT_EQ(negotiator_->description(kB), settled);
  EXPECT_EQ(early, settled);
}

TEST_F(NegotiatorAgainTest, SectionsComeAndGo) {
  FakePeer a(1);
  const FakePeer b(2);
  a.lines.resize(1);
  call(a, b);
  a.lines.push_back(videoLine("1"));
  EXPECT_EQ(read(call(a, b).offered).media.size(), 2u);
  a.lines[1].rejected = true;  // Stopped.
  const auto stopped = read(call(a, b).offered);
  EXPECT_EQ(stopped.media[1].port, 0);
  EXPECT_EQ(stopped.media[1].mid, "1");
  EXPECT_THAT(stopped.groups[0].mids, ElementsAre("0"));
  EXPECT_TRUE(section(kA, 1).rejected && section(kB, 1).rejected);
  a.lines[1] = videoLine("2");  // The m-line is used again.
  const auto again = read(call(a, b).offered);
  EXPECT_EQ(again.media[1].mid, "2");
  EXPECT_FALSE(section(kB, 1).rejected);
  a.lines[1].rejected = true;
  call(a, b);
  a.lines[1] = audioLine("3");  // And for another kind: a new section.
  const auto other = read(call(a, b).offered);
  ASSERT_EQ(other.media.size(), 3u);
  EXPECT_EQ(other.media[1].port, 0);
  EXPECT_EQ(other.media[2].kind, "audio");
  EXPECT_EQ(description(kA).sections.size(), 3u);
  EXPECT_EQ(section(kA, 2).mid, "3");
}

TEST_F(NegotiatorAgainTest, SectionsOfACallAreBounded) {
  use({.maxSections = 3});
  FakePeer a(1);
  const FakePeer b(2);
  const char* kinds[] = {"video", "audio"};
  a.lines.resize(1);
  std::string last;
  for (int i = 0; i < 8 && last.empty(); ++i) {  // One m-line that is recycled again and again.
    a.lines.resize(1);
    a.lines.push_back(kinds[i % 2] == std::string("video") ? videoLine("n" + std::to_string(i))
                                                           : audioLine("n" + std::to_string(i)));
    const auto offered = negotiator_->offer(kA, a.offer(), kB);
    if (!offered) {
      last = offered.error().reason;
      break;
    }
    good(negotiator_->answer(kB, b.answer(*offered)));
    a.lines[1].rejected = true;
    call(a, b);
  }
  EXPECT_EQ(last, "");  // A section of the kind is free again each time.
  EXPECT_EQ(description(kA).sections.size(), 3u);
  a.lines = {audioLine("0"), videoLine("x"), videoLine("y")};
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), kB)), "sdp.too_many_sections");
}

}  // namespace
}  // namespace parley::rtc
