// What is refused, with which reason, and that nothing changes by it.
#include <functional>

#include "rtc/negotiator_codecs.h"
#include "rtc/negotiator_test_fixture.h"

namespace parley::rtc {
namespace {

using proto::SdpSession;
using proto::SdpSetup;

class NegotiatorRefusalTest : public NegotiatorFixture {};

struct Refusal {
  const char* what;
  const char* reason;
  std::function<void(SdpSession&)> change;
};

void eachMedia(SdpSession& session, const std::function<void(proto::SdpMedia&)>& change) {
  for (auto& media : session.media) change(media);
}

const std::vector<Refusal>& badDescriptions() {  // As offer and as answer.
  static const std::vector<Refusal> kAll{
      {"no ufrag", "sdp.no_ice",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.transport.iceUfrag.reset(); }); }},
      {"no password", "sdp.no_ice",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.transport.icePwd.reset(); }); }},
      {"two ICE-lite agents", "sdp.no_ice", [](SdpSession& s) { s.iceLite = true; }},
      {"no fingerprint", "sdp.no_fingerprint",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.transport.fingerprints.clear(); }); }},
      {"weak hash only", "sdp.no_fingerprint",
       [](SdpSession& s) { eachMedia(s, [](auto& m) {
                             m.transport.fingerprints = {{"md5", "00:11"}};
                           }); }},
      {"many fingerprints", "sdp.too_large",
       [](SdpSession& s) {
         auto& all = s.media[0].transport.fingerprints;
         all.resize(9, all[0]);
       }},
      {"no BUNDLE", "sdp.bundle_required", [](SdpSession& s) { s.groups.clear(); }},
      {"half BUNDLE", "sdp.bundle_required", [](SdpSession& s) { s.groups[0].mids.pop_back(); }},
      {"other group", "sdp.bundle_required", [](SdpSession& s) { s.groups[0].semantics = "LS"; }},
      {"no mux", "sdp.mux_required", [](SdpSession& s) { s.media[1].rtcpMux = false; }},
      {"holdconn", "sdp.malformed",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.transport.setup = SdpSetup::holdconn; }); }},
      {"one mid twice", "sdp.malformed", [](SdpSession& s) { s.media[1].mid = s.media[0].mid; }},
      {"one number, two codecs", "sdp.malformed",
       [](SdpSession& s) {
         s.media[1].formats.front() = "111";
         s.media[1].rtpmaps.front().payloadType = 111;
       }},
      {"many sections", "sdp.too_many_sections",
       [](SdpSession& s) {
         while (s.media.size() < 9) s.media.push_back(s.media[0]);
       }},
  };
  return kAll;
}

const std::vector<Refusal>& badOffers() {
  static const std::vector<Refusal> kAll{
      {"no sections", "sdp.no_media", [](SdpSession& s) { s.media.clear(); }},
      {"all closed", "sdp.no_media", [](SdpSession& s) { eachMedia(s, [](auto& m) { m.port = 0; }); }},
      {"only data", "sdp.no_media",
       [](SdpSession& s) {
         s.media.resize(1);
         s.media[0].kind = "application";
       }},
      {"in the clear", "sdp.no_media",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.protocol = "RTP/AVP"; }); }},
      {"no codec of ours", "sdp.no_common_codec",
       [](SdpSession& s) {
         eachMedia(s, [](auto& m) {
           for (auto& map : m.rtpmaps) map.name = "speex";
         });
       }},
      {"keys only", "sdp.no_common_codec",
       [](SdpSession& s) {
         s.media.resize(1);
         s.media[0].formats = {"126"};
       }},
      {"no mid in a group", "sdp.bundle_required", [](SdpSession& s) { s.media[1].mid.reset(); }},
  };
  return kAll;
}

const std::vector<Refusal>& badAnswers() {
  static const std::vector<Refusal> kAll{
      {"a section less", "sdp.answer_mismatch", [](SdpSession& s) { s.media.pop_back(); }},
      {"a section more", "sdp.answer_mismatch",
       [](SdpSession& s) {
         s.media.push_back(s.media[0]);
         s.media[2].mid = "new";
         s.media[2].port = 0;
       }},
      {"sections turned round", "sdp.answer_mismatch",
       [](SdpSession& s) { std::swap(s.media[0], s.media[1]); }},
      {"another mid", "sdp.answer_mismatch",
       [](SdpSession& s) {
         s.media[0].mid = "x";
         s.groups[0].mids[0] = "x";
       }},
      {"actpass", "sdp.answer_mismatch",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.transport.setup = SdpSetup::actpass; }); }},
      {"a codec that was not offered", "sdp.answer_mismatch",
       [](SdpSession& s) {
         s.media[1].formats.emplace_back("98");
         s.media[1].rtpmaps.push_back({98, "VP9", 90000, 1});
       }},
      {"a number without a name", "sdp.answer_mismatch",
       [](SdpSession& s) { s.media[1].formats.emplace_back("99"); }},
      {"a number with another meaning", "sdp.answer_mismatch",
       [](SdpSession& s) { s.media[1].rtpmaps[0].name = "AV1"; }},
      {"another clock", "sdp.answer_mismatch", [](SdpSession& s) { s.media[0].rtpmaps[0].channels = 1; }},
      {"all rejected", "sdp.no_common_codec",
       [](SdpSession& s) { eachMedia(s, [](auto& m) { m.port = 0; }); }},
  };
  return kAll;
}

TEST_F(NegotiatorRefusalTest, OffersRefusedLeaveNothingBehind) {
  std::vector<Refusal> all = badDescriptions();
  all.insert(all.end(), badOffers().begin(), badOffers().end());
  const FakePeer a(1), b(2), again(3);
  for (const auto& refusal : all) {
    SCOPED_TRACE(refusal.what);
    use({});
    auto session = again.offerSession();
    refusal.change(session);
    const auto bad = proto::writeSdp(session);
    auto before = dumpAll();
    EXPECT_EQ(reason(negotiator_->offer(kA, bad, kB)), refusal.reason);
    EXPECT_EQ(dumpAll(), before);
    call(a, b);
    before = dumpAll();
    EXPECT_EQ(reason(negotiator_->offer(kA, bad, kB)), refusal.reason);
    EXPECT_EQ(reason(negotiator_->answerLocally(kA, bad)), refusal.reason);
    EXPECT_EQ(dumpAll(), before);
    EXPECT_EQ(read(call(a, b).offered).origin.version, 1u);
  }
}

TEST_F(NegotiatorRefusalTest, AnswersRefusedLeaveTheOfferPending) {
  std::vector<Refusal> all = badDescriptions();
  all.insert(all.end(), badAnswers().begin(), badAnswers().end());
  const FakePeer a(1), b(2);
  for (const auto& refusal : all) {
    SCOPED_TRACE(refusal.what);
    use({});
    const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
    auto session = b.answerSession(offered);
    refusal.change(session);
    const auto before = dumpAll();
    EXPECT_EQ(reason(negotiator_->answer(kB, proto::writeSdp(session))), refusal.reason);
    EXPECT_EQ(dumpAll(), before);
    EXPECT_TRUE(negotiator_->pending());
    EXPECT_EQ(read(good(negotiator_->answer(kB, b.answer(offered)))).origin.version, 1u);
  }
}

TEST_F(NegotiatorRefusalTest, AClosedSectionCannotBeAnswered) {
  FakePeer a(1);
  const FakePeer b(2);
  call(a, b);
  a.lines[1].rejected = true;
  const auto offered = good(negotiator_->offer(kA, a.offer(), kB));
  auto answer = b.answerSession(offered);
  answer.media[1] = b.answerSession(FakePeer(4).offer()).media[1];
  answer.groups[0].mids = {"0", "1"};
  EXPECT_EQ(reason(negotiator_->answer(kB, proto::writeSdp(answer))), "sdp.answer_mismatch");
}

TEST_F(NegotiatorRefusalTest, ReoffersThatBreakTheSession) {
  FakePeer a(1);
  const FakePeer b(2);
  call(a, b);
  const auto before = dumpAll();
  a.lines.pop_back();
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), kB)), "sdp.malformed");
  a.lines = {videoLine("0"), audioLine("1")};
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), kB)), "sdp.malformed");
  EXPECT_EQ(reason(negotiator_->answerLocally(kA, a.offer())), "sdp.malformed");
  EXPECT_EQ(dumpAll(), before);
}

TEST_F(NegotiatorRefusalTest, LegsAndOrder) {
  const FakePeer a(1);
  EXPECT_EQ(reason(negotiator_->offer(LegId{"x"}, a.offer(), kB)), "sdp.unknown_leg");
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), LegId{"x"})), "sdp.unknown_leg");
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), kA)), "sdp.unknown_leg");
  EXPECT_EQ(reason(negotiator_->answer(LegId{"x"}, a.offer())), "sdp.unknown_leg");
  EXPECT_EQ(reason(negotiator_->answerLocally(LegId{"x"}, a.offer())), "sdp.unknown_leg");
  EXPECT_EQ(reason(negotiator_->answer(kA, a.offer())), "sdp.no_offer");
  EXPECT_EQ(reason(negotiator_->answerLocally(kA, a.offer())), "sdp.no_offer");
  negotiator_->addLeg(LegId{"sip"}, LegKind::rtp, testTransport());
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), LegId{"sip"})), "sdp.no_ports");
  EXPECT_EQ(reason(negotiator_->offer(LegId{"sip"}, a.offer(), kA)), "sdp.no_media");
  EXPECT_EQ(reason(negotiator_->answerLocally(LegId{"sip"}, a.offer())), "sdp.no_offer");
  EXPECT_EQ(negotiator_->description(LegId{"x"}), nullptr);
  negotiator_->rollback(LegId{"x"});
  negotiator_->removeLeg(LegId{"x"});
}

TEST_F(NegotiatorRefusalTest, SizeAndForm) {
  const FakePeer a(1);
  use({.maxSdpBytes = a.offer().size()});
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer() + "\n", kB)), "sdp.too_large");
  EXPECT_EQ(reason(negotiator_->offer(kA, "", kB)), "sdp.malformed");
  EXPECT_EQ(reason(negotiator_->offer(kA, "hello", kB)), "sdp.malformed");
  EXPECT_EQ(reason(negotiator_->offer(kA, a.offer(), kB)), "accepted");
}

Codec codec(std::string name, std::string fmtp, std::uint32_t channels = 1) {
  Codec c;
  c.name = std::move(name);
  c.clockRate = 90000;
  c.channels = channels;
  c.fmtp = std::move(fmtp);
  return c;
}

TEST(SameCodecTest, ByNameAndWhatChangesTheStream) {
  const auto h264 = [](std::string fmtp) { return codec("H264", std::move(fmtp)); };
  EXPECT_TRUE(sameCodec(codec("vp8", "max-fs=1"), codec("VP8", "")));
  EXPECT_FALSE(sameCodec(codec("VP8", ""), codec("VP8", "", 2)));
  EXPECT_TRUE(sameCodec(h264("profile-level-id=42e01f;packetization-mode=1"),
                        h264("packetization-mode=1; Profile-Level-Id=42C034")));
  EXPECT_TRUE(sameCodec(h264("profile-level-id=42e01f"), h264("profile-level-id=4d8015")));
  EXPECT_FALSE(sameCodec(h264("profile-level-id=42e01f"), h264("profile-level-id=42001f")));
  EXPECT_FALSE(sameCodec(h264("profile-level-id=4d001f"), h264("profile-level-id=64001f")));
  EXPECT_FALSE(sameCodec(h264("profile-level-id=640c1f"), h264("profile-level-id=64001f")));
  EXPECT_FALSE(sameCodec(h264("packetization-mode=1"), h264("")));
  EXPECT_TRUE(sameCodec(h264("packetization-mode=0"), h264("profile-level-id=42000a")));
  EXPECT_FALSE(sameCodec(h264("profile-level-id=zz"), h264("")));
  EXPECT_TRUE(sameCodec(h264("profile-level-id=zz"), h264("profile-level-id=zz")));
  EXPECT_TRUE(sameCodec(codec("VP9", ""), codec("VP9", "profile-id=0")));
  EXPECT_FALSE(sameCodec(codec("VP9", "profile-id=2"), codec("VP9", "profile-id=0")));
  EXPECT_FALSE(sameCodec(codec("AV1", "profile=1"), codec("AV1", "")));
}

}  // namespace
}  // namespace parley::rtc
