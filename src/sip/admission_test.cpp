// Who may ask anything of us, and what everybody else gets.
#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using rig::Agent;
using rig::FakeNet;
using rig::RawPeer;

struct Policy final : Admission {
  Verdict verdict = Verdict::allowed();
  const rig::Node* known = nullptr;  ///< May, whatever the verdict.
  Verdict admit(const Message&, const Source& source) override {
    return known != nullptr && source.remote.ip == known->address().ip ? Verdict::allowed() : verdict;
  }
};

class AdmissionTest : public ::testing::Test {
 protected:
  FakeNet net;
  Policy policy;
  Agent us{net, "10.0.0.1", {}, &policy};
  RawPeer peer{net, "10.0.0.9"};

  /// The status that the peer got; 0: nothing. `got` is the response.
  int ask(const Message& message) {
    peer.received.clear();
    peer.send(message, us.target());
    net.run(base::Millis{50});
    std::erase_if(peer.received, [&](const Message& one) { return one.callId() != message.callId(); });
    got = peer.received.empty() ? Message{} : peer.received.back();
    return got.status();
  }
  Message got;
  std::uint64_t refused(Refusal why) const { return us.ua.refusals()[static_cast<std::size_t>(why)]; }
};

TEST_F(AdmissionTest, AStrangerIsRefused) {
  policy.verdict = Verdict::refused(403);
  for (const Method method :
       {Method::invite, Method::options, Method::message, Method::subscribe, Method::bye}) {
    EXPECT_EQ(ask(peer.request(method, us)), 403);
    EXPECT_FALSE(got.has(HeaderId::server)) << "no version for who scans";
  }
  EXPECT_EQ(refused(Refusal::forbidden), 5U);
  EXPECT_TRUE(us.calls.empty());
}

TEST_F(AdmissionTest, AStrangerHearsNothingWhateverItSends) {
  policy.verdict = Verdict::silent();
  const Message invite = peer.request(Method::invite, us, "offer");
  EXPECT_EQ(ask(invite), 0);
  EXPECT_EQ(ask(invite), 0);
  Message other = invite;
  other.topVia()->params.set("branch", "z9hG4bK-other");
  EXPECT_EQ(ask(other), 0);
  for (const Method method :
       {Method::options, Method::bye, Method::cancel, Method::registration, Method::ack})
    EXPECT_EQ(ask(peer.request(method, us)), 0);
  Message guess = peer.request(Method::bye, us);
  guess.to().params.set("tag", "guess");
  EXPECT_EQ(ask(guess), 0);
  peer.send(std::string("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\n\r\n"),
            us.target());
  net.run(base::Millis{50});
  EXPECT_TRUE(peer.received.empty());
  net.run(base::Millis{1'000});  // no 100, either
  EXPECT_TRUE(peer.received.empty());
  EXPECT_GE(refused(Refusal::silenced), 7U);
  net.run(base::Millis{40'000});
  EXPECT_TRUE(us.empty());
}

TEST_F(AdmissionTest, AFloodOfStrangersLeavesNothing) {
  constexpr std::size_t kFlood = 2'000;
  UserAgentOptions options;
  options.maxTransactions = 100;
  Agent small(net, "10.0.0.3", options, &policy);
  RawPeer trunk(net, "10.0.0.8");
  policy.known = &trunk;
  const Source source{TransportKind::udp, peer.address(), small.address(), {}, false, {}};
  Message invite = peer.request(Method::invite, small, "offer");
  std::size_t sent = 0;
  net.filter = [&](const std::string&, const rig::Node&) { return ++sent, false; };
  for (const bool silent : {false, true}) {
    policy.verdict = silent ? Verdict::silent() : Verdict::refused(403);
    sent = 0;
    for (std::size_t i = 0; i < kFlood; ++i) {
      invite.topVia()->params.set("branch", "z9hG4bK-flood-" + std::to_string(i));
      invite.setCallId("flood-" + std::to_string(i));
      small.ua.receive(invite, source, net.now);
    }
    EXPECT_EQ(sent, silent ? 0U : kFlood) << "one answer for each at most";
    EXPECT_TRUE(small.empty());
  }
  net.run(base::Millis{40'000});
  EXPECT_EQ(sent, 0U) << "and nothing again";
  EXPECT_EQ(small.ua.refusals()[static_cast<std::size_t>(Refusal::forbidden)], kFlood);
  EXPECT_EQ(small.ua.refusals()[static_cast<std::size_t>(Refusal::silenced)], kFlood);
  net.filter = nullptr;
  trunk.send(trunk.request(Method::invite, small, "offer"), small.target());
  net.run(base::Millis{50});
  EXPECT_EQ(small.calls.size(), 1U);
}

TEST_F(AdmissionTest, ARefusalIsTheSameForEachCopyAndItsAckIsAbsorbed) {
  policy.verdict = Verdict::refused(403);
  const Message invite = peer.request(Method::invite, us, "offer");
  EXPECT_EQ(ask(invite), 403);
  const std::string tag(got.to().tag());
  EXPECT_FALSE(tag.empty());
  EXPECT_EQ(ask(invite), 403);
  EXPECT_EQ(got.to().tag(), tag);
  Message ack = Message::request(Method::ack, invite.requestUri());
  ack.pushVia(*invite.topVia());
  ack.from() = invite.from();
  ack.to() = got.to();
  ack.setCallId(invite.callId());
  ack.setCSeq(1, Method::ack);
  EXPECT_EQ(ask(ack), 0);
  EXPECT_EQ(refused(Refusal::strayAck), 0U);
  ack.to().params.set("tag", "made-up");
  EXPECT_EQ(ask(ack), 0);
  EXPECT_EQ(refused(Refusal::strayAck), 1U);
  Message cancel = Message::request(Method::cancel, invite.requestUri());
  cancel.pushVia(*invite.topVia());
  cancel.from() = invite.from();
  cancel.to() = invite.to();
  cancel.setCallId(invite.callId());
  cancel.setCSeq(1, Method::cancel);
  EXPECT_EQ(ask(cancel), 0) << "RFC 3261 section 8.2.7";
  EXPECT_EQ(refused(Refusal::silenced), 1U);
  std::string malformed = cancel.write();
  peer.send(malformed.replace(malformed.find("SIP/2.0"), 7, "SIP/7.0"), us.target());
  net.run(base::Millis{50});
  EXPECT_EQ(refused(Refusal::malformed), 1U);
  EXPECT_TRUE(peer.received.empty());
  EXPECT_TRUE(us.empty());
}

TEST_F(AdmissionTest, OnlyWhoIsInADialogNeedsNoAdmission) {
  const Message invite = peer.request(Method::invite, us, "offer");
  peer.send(invite, us.target());
  net.run(base::Millis{50});
  us.ua.answer(us.calls.back().session, "answer", net.now);
  net.run(base::Millis{50});
  const Message ok = peer.received.back();
  ASSERT_EQ(ok.status(), 200);
  policy.verdict = Verdict::refused(403);
  const auto inDialog = [&](Method method, std::uint32_t cseq, std::string_view tag) {
    Message message = peer.request(method, us);
    message.from() = invite.from();
    message.to() = ok.to();
    message.to().params.set("tag", std::string(tag));
    message.setCallId(invite.callId());
    message.setCSeq(cseq, method);
    return message;
  };
  EXPECT_EQ(ask(inDialog(Method::ack, 1, ok.to().tag())), 0);
  const auto before = us.ua.sizes();
  EXPECT_EQ(ask(inDialog(Method::bye, 2, "guess")), 403);
  EXPECT_EQ(ask(inDialog(Method::invite, 3, "guess")), 403);
  Message other = inDialog(Method::bye, 4, ok.to().tag());
  other.setCallId("another");
  EXPECT_EQ(ask(other), 403);
  EXPECT_EQ(us.ua.sizes(), before) << "nothing is kept of these";
  EXPECT_EQ(ask(inDialog(Method::bye, 5, ok.to().tag())), 200);
  EXPECT_TRUE(us.has("ended 0 sip.bye"));
}

TEST_F(AdmissionTest, AChallengeCarriesItsHeader) {
  policy.verdict =
      Verdict::refused(401, {{HeaderId::wwwAuthenticate, {}, "Digest realm=\"x\", nonce=\"1\""}});
  EXPECT_EQ(ask(peer.request(Method::invite, us, "offer")), 401);
  EXPECT_TRUE(got.has(HeaderId::wwwAuthenticate));
  EXPECT_EQ(refused(Refusal::challenged), 1U);
}

TEST_F(AdmissionTest, ADescriptionAmongOtherPartsOfTheBodyIsTheOffer) {
  const auto invite = [&](const std::string& handling, const std::string& end = "--b--\r\n") {
    Message message = peer.request(Method::invite, us);
    message.setBody(
        "--b\r\nContent-Type: application/isup\r\nContent-Disposition: signal;handling=" + handling +
            "\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n" + end,
        "multipart/mixed;boundary=b");
    return message;
  };
  EXPECT_EQ(ask(invite("optional")), 0);
  ASSERT_EQ(us.calls.size(), 1u);
  EXPECT_EQ(us.calls.back().sdp, "v=0\r\n");
  EXPECT_EQ(ask(invite("required")), 415);
  EXPECT_EQ(ask(invite("optional", "")), 400) << "it has no end";
  EXPECT_EQ(us.calls.size(), 1u);
  EXPECT_EQ(refused(Refusal::badBody), 2U);
}

TEST_F(AdmissionTest, BadRequestsHaveTheirAnswers) {
  const auto invite = [&] { return peer.request(Method::invite, us, "offer"); };
  Message message = invite();
  message.setMaxForwards(0);
  EXPECT_EQ(ask(message), 483);
  message = peer.request(Method::options, us);
  message.setMaxForwards(0);
  EXPECT_EQ(ask(message), 200);
  message = invite();
  message.set(HeaderId::require, "100rel, gruu");
  EXPECT_EQ(ask(message), 420);
  EXPECT_EQ(got.header(HeaderId::unsupported), "gruu");
  message = invite();
  message.setBody("x", "text/plain");
  EXPECT_EQ(ask(message), 415);
  EXPECT_EQ(got.list(HeaderId::accept),
            (std::vector<std::string_view>{"application/sdp", "multipart/mixed"}));
  message = invite();
  message.set(HeaderId::contentEncoding, "gzip");
  EXPECT_EQ(ask(message), 415);
  EXPECT_EQ(ask(peer.request(Method::invite, us, std::string(70'000, 'x'))), 413);
  message = invite();
  message.remove(HeaderId::contact);
  EXPECT_EQ(ask(message), 400);
  message = invite();
  message.set(HeaderId::replaces, "broken");
  EXPECT_EQ(ask(message), 400);
  message = invite();
  message.set(HeaderId::sessionExpires, "soon");
  EXPECT_EQ(ask(message), 400);
  for (const Method method :
       {Method::bye, Method::info, Method::prack, Method::update, Method::notify, Method::cancel})
    EXPECT_EQ(ask(peer.request(method, us)), 481);
  message = peer.request(Method::subscribe, us);
  EXPECT_EQ(ask(message), 489);
  EXPECT_EQ(ask(peer.request(Method::registration, us)), 405);
  EXPECT_TRUE(us.calls.empty());
  net.run(base::Millis{60'000});
  EXPECT_TRUE(us.empty());
}

TEST_F(AdmissionTest, MalformedRequestsAreAnsweredWhereTheyCanBe) {
  peer.send(
      std::string(
          "INVITE sip:a@10.0.0.1 SIP/7.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKx\r\n"
          "From: <sip:a@b.example>;tag=1\r\nTo: <sip:c@d.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"),
      us.target());
  net.run(base::Millis{50});
  ASSERT_EQ(peer.received.size(), 1U);
  EXPECT_EQ(peer.received[0].status(), 505);
  peer.send(std::string("nonsense\r\n\r\n"), us.target());
  peer.send(std::string(), us.target());
  net.run(base::Millis{50});
  EXPECT_EQ(peer.received.size(), 1U);
  EXPECT_EQ(refused(Refusal::malformed), 3U);
  EXPECT_TRUE(us.empty());
}

TEST_F(AdmissionTest, MoreCallsThanThereIsRoomForAreRefused) {
  UserAgentOptions options;
  options.maxSessions = 3;
  Agent small(net, "10.0.0.3", options);
  for (int i = 0; i < 5; ++i) peer.send(peer.request(Method::invite, small, "offer"), small.target());
  net.run(base::Millis{50});
  EXPECT_EQ(small.calls.size(), 3U);
  EXPECT_EQ(peer.countStatus(503), 2U);
  small.dial(peer);
  net.run(base::Millis{10});
  EXPECT_TRUE(small.has("ended 503 sip.sessions_full"));
}

}  // namespace
}  // namespace parley::sip
