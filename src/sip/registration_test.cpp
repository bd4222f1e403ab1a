#include "sip/registration.h"

#include <gmock/gmock.h>

#include "sip/digest_server.h"

using namespace parley;
using namespace parley::sip;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

/// Values of one header in an outgoing request.
std::vector<std::string> valuesOf(const OutgoingRequest& request, HeaderId id) {
  std::vector<std::string> out;
  for (const Header& header : request.headers) {
    if (header.id == id) out.push_back(header.value);
  }
  return out;
}

struct RegistrationTest : testing::Test {
  RegistrationTest() {
    options.registrar = Uri::sip({}, "example.com");
    options.address.uri = Uri::sip("bob", "example.com");
    options.contacts = {{Uri::sip("bob", "192.0.2.4", 5060), {}, {}}};
  }
  Registration& make() { return registration.emplace(options, digest, random); }

  OutgoingRequest sent() {
    auto request = registration->poll(now);
    EXPECT_TRUE(request.has_value()) << "no request at " << toString(registration->state().phase);
    EXPECT_FALSE(registration->poll(now)) << "one at a time";
    return request.value_or(OutgoingRequest{});
  }
  /// A response to what was sent last, as the registrar makes it.
  Message response(int status) const {
    Message message = Message::response(status);
    message.setCSeq(registration->state().cseq, Method::registration);
    return message;
  }
  void result(Message message) {
    const int status = message.status();
    registration->onResult(
        {.status = status, .reason = "sip.answered", .response = std::move(message), .target = {}}, now);
  }
  void silence(std::string reason = "sip.timeout", int status = 408) {
    registration->onResult({.status = status, .reason = std::move(reason), .response = {}, .target = {}},
                           now);
  }
  /// Accepts what was asked for, with all its contacts.
  Message accepting(const OutgoingRequest& request, int expires = 3600) const {
    Message message = response(200);
    for (const auto& contact : valuesOf(request, HeaderId::contact)) {
      if (contact.find("expires=0") == std::string::npos) {
        message.add(HeaderId::contact, contact + ";expires=" + std::to_string(expires));
      }
    }
    return message;
  }
  void registerNow() {
    make().start(now);
    result(accepting(sent()));
    ASSERT_EQ(registration->state().phase, RegistrationPhase::registered);
  }
  base::Millis untilWake() const {
    return std::chrono::duration_cast<base::Millis>(registration->nextTimer() - now);
  }

  base::FakeRandom random;
  base::Instant now{base::Millis{1'000'000}};
  RegistrationOptions options;
  DigestClient digest{{{"", "bob", base::Secret("zanzibar")}}, random};
  std::optional<Registration> registration;
};

TEST_F(RegistrationTest, TheFirstRequestAndItsAnswer) {
  make();
  EXPECT_EQ(registration->nextTimer(), base::Instant::max());
  registration->start(now);
  EXPECT_LE(registration->nextTimer(), now);
  const auto request = sent();
  EXPECT_EQ(request.method, "REGISTER");
  EXPECT_EQ(request.to.toString(), "sip:example.com");
  EXPECT_EQ(request.from.uri.toString(), "sip:bob@example.com");
  EXPECT_EQ(request.toHeader->uri.toString(), "sip:bob@example.com");
  EXPECT_THAT(valuesOf(request, HeaderId::contact), ElementsAre("<sip:bob@192.0.2.4:5060>"));
  EXPECT_THAT(valuesOf(request, HeaderId::expires), ElementsAre("3600"));
  EXPECT_THAT(valuesOf(request, HeaderId::supported), ElementsAre("path"));
  EXPECT_FALSE(registration->registered(now));
  Message answer = accepting(request, 600);
  answer.add(HeaderId::contact, "<sip:bob@203.0.113.1>;expires=10");  // Somebody else's phone.
  answer.add(HeaderId::serviceRoute, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>");
  result(std::move(answer));
  const auto& state = registration->state();
  EXPECT_EQ(state.phase, RegistrationPhase::registered);
  EXPECT_EQ(state.granted, 600U);
  EXPECT_THAT(state.serviceRoute, ElementsAre("<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"));
  EXPECT_TRUE(registration->registered(now + 599s));
  EXPECT_FALSE(registration->registered(now + 600s));
  EXPECT_FALSE(registration->poll(now));
}

TEST_F(RegistrationTest, RefreshesBetweenHalfAndNineTenths) {
  registerNow();
  base::Millis least = 1h, most{0};
  for (int i = 0; i < 300; ++i) {
    const auto wait = untilWake();
    least = std::min(least, wait);
    most = std::max(most, wait);
    now += wait;
    const auto request = sent();
    EXPECT_EQ(request.cseq, static_cast<std::uint32_t>(i + 2));
    EXPECT_EQ(request.callId, registration->state().callId);
    result(accepting(request));
  }
  EXPECT_GE(least, 1800s);
  EXPECT_LE(most, 3240s);
  EXPECT_LT(least, 1900s);
  EXPECT_GT(most, 3140s);
}

TEST_F(RegistrationTest, AChallengeIsAnsweredAndTheNextRefreshIsAuthorisedBeforehand) {
  DigestServer server({.realm = "example.com"}, base::Secret(std::string(32, 'k')), random);
  const base::WallTime wall{1'800'000'000s};
  const auto stored = StoredDigest::make("bob", "example.com", base::Secret("zanzibar"),
                                         {DigestHash::sha256, DigestHash::md5});
  const auto check = [&](const OutgoingRequest& request) {
    Message message = Message::request(request.method, request.to);
    for (const auto& header : request.headers) message.add(header.id, header.value);
    return server.check(
        message, false, [&](std::string_view, bool, DigestHash) { return std::optional(stored); }, wall);
  };
  make().start(now);
  EXPECT_EQ(check(sent()).refusal, AuthRefusal::missing);
  Message challenge = response(401);
  for (auto& header : server.challenge(false, false, wall)) challenge.add(header.id, header.value);
  result(std::move(challenge));
  const auto second = sent();
  EXPECT_EQ(second.cseq, 2U);
  EXPECT_TRUE(check(second));
  result(accepting(second));
  now = registration->nextTimer();
  const auto refresh = sent();
  EXPECT_TRUE(check(refresh));
  EXPECT_EQ(valuesOf(refresh, HeaderId::authorization).size(), 1U);
}

TEST_F(RegistrationTest, ARegistrarThatChallengesForEverIsLeftForAWhile) {
  for (const bool stale : {true, false}) {
    make().start(now);
    int requests = 0;
    // Each time another nonce, and another realm where the old one is not called stale.
    for (; requests < 100 && registration->poll(now); ++requests) {
      Message challenge = response(401);
      const std::string n = std::to_string(requests);
      challenge.add(HeaderId::wwwAuthenticate, "Digest realm=\"" + (stale ? "r" : n) +
                                                   "\", qop=\"auth\", nonce=\"" + n +
                                                   (stale ? "\", stale=true" : "\""));
      result(std::move(challenge));
    }
    EXPECT_LE(requests, Registration::kMaxRounds);
    EXPECT_GE(requests, 3);
    EXPECT_EQ(registration->state().phase, RegistrationPhase::waiting);
    EXPECT_EQ(registration->state().reason, stale ? "sip.auth_rejected" : "sip.register_rounds");
    EXPECT_GE(untilWake(), 15s);
    digest.forget();
  }
}

TEST_F(RegistrationTest, AWrongPasswordIsTriedOnceAndThenRarely) {
  make().start(now);
  for (int i = 0; i < 2; ++i) {
    sent();
    Message challenge = response(401);
    challenge.add(HeaderId::wwwAuthenticate,
                  "Digest realm=\"r\", qop=\"auth\", nonce=\"" + std::to_string(i) + "\"");
    result(std::move(challenge));
  }
  EXPECT_EQ(registration->state().reason, "sip.auth_rejected");
  EXPECT_EQ(registration->state().phase, RegistrationPhase::waiting);
  EXPECT_GE(untilWake(), 900s);
}

TEST_F(RegistrationTest, A423AsksForMore) {
  make().start(now);
  sent();
  Message answer = response(423);
  answer.add(HeaderId::minExpires, "7200");
  result(answer);
  const auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::expires), ElementsAre("7200"));
  result(accepting(request, 7200));
  EXPECT_EQ(registration->state().granted, 7200U);
  // Less than was asked for, or out of all bounds, makes no loop.
  for (const char* wrong : {"60", "7200", "4294967295", "99999999999", "-1", ""}) {
    make().start(now);
    sent();
    Message bad = response(423);
    bad.add(HeaderId::minExpires, wrong);
    if (std::string_view(wrong) == "7200") {
      result(bad);
      sent();
      bad.setCSeq(registration->state().cseq, Method::registration);
    }
    result(bad);
    EXPECT_EQ(registration->state().reason, "sip.register_interval") << wrong;
  }
}

TEST_F(RegistrationTest, AMissingContactIsAFailure) {
  make().start(now);
  sent();
  Message answer = response(200);
  answer.add(HeaderId::contact, "<sip:alice@192.0.2.9>;expires=60, garbage <<");
  result(answer);
  EXPECT_EQ(registration->state().reason, "sip.register_not_bound");
  EXPECT_FALSE(registration->registered(now));
}

TEST_F(RegistrationTest, TheExpiryMayStandInEitherPlace) {
  make().start(now);
  sent();
  Message answer = response(200);
  answer.add(HeaderId::contact, "<sip:bob@192.0.2.4:5060>");
  answer.add(HeaderId::expires, "120");
  result(answer);
  EXPECT_EQ(registration->state().granted, 120U);
  make().start(now);
  sent();
  answer.remove(HeaderId::expires);
  answer.setCSeq(1, Method::registration);
  result(answer);
  EXPECT_EQ(registration->state().granted, 3600U);
  make().start(now);
  sent();
  answer.set(HeaderId::contact, "<sip:bob@192.0.2.4:5060>;expires=4000000000");
  result(answer);
  EXPECT_EQ(registration->state().granted, 7U * 86'400);
}

TEST_F(RegistrationTest, BackoffDoublesUpToItsMaximumAndJitters) {
  make().start(now);
  base::Millis last{0};
  for (int i = 1; i < 12; ++i) {
    sent();
    silence();
    EXPECT_EQ(registration->state().reason, "sip.register_timeout");
    EXPECT_EQ(registration->state().failures, i);
    const auto most = std::min<base::Millis>(30s * (1 << i), 1800s);
    EXPECT_GE(untilWake(), most / 2) << i;
    EXPECT_LE(untilWake(), most) << i;
    EXPECT_NE(untilWake(), last);
    last = untilWake();
    EXPECT_FALSE(registration->poll(registration->nextTimer() - 1ms));
    now = registration->nextTimer();
  }
  // With another flow up there is more time.
  registration->setOtherFlowUp(true);
  make();
  registration->setOtherFlowUp(true);
  registration->start(now);
  sent();
  silence("sip.transport_refused", 503);
  EXPECT_EQ(registration->state().reason, "sip.register_transport");
  EXPECT_GE(untilWake(), 90s);
  EXPECT_LE(untilWake(), 180s);
}

TEST_F(RegistrationTest, RetryAfterIsHeededWithinBounds) {
  make().start(now);
  sent();
  Message busy = response(503);
  busy.add(HeaderId::retryAfter, "300 (maintenance);duration=3600");
  result(busy);
  EXPECT_EQ(registration->state().reason, "sip.register_server");
  EXPECT_EQ(untilWake(), 300s);
  now = registration->nextTimer();
  sent();
  busy = response(503);
  busy.add(HeaderId::retryAfter, "4000000000");
  result(busy);
  EXPECT_LE(untilWake(), 1800s);
}

TEST_F(RegistrationTest, AFailedRefreshKeepsTheBindingUntilItExpires) {
  registerNow();
  const auto expires = registration->state().expiresAt;
  now = registration->nextTimer();
  sent();
  silence();
  EXPECT_EQ(registration->state().phase, RegistrationPhase::waiting);
  EXPECT_TRUE(registration->registered(now));
  EXPECT_FALSE(registration->registered(expires));
  now = registration->nextTimer();
  result(accepting(sent()));
  EXPECT_EQ(registration->state().failures, 0);
  EXPECT_EQ(registration->state().reason, "");
}

TEST_F(RegistrationTest, DeregistersOnlyItsOwn) {
  registerNow();
  registration->stop(now);
  const auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::contact), ElementsAre("<sip:bob@192.0.2.4:5060>;expires=0"));
  EXPECT_THAT(valuesOf(request, HeaderId::expires), ElementsAre("0"));
  Message challenge = response(401);
  challenge.add(HeaderId::wwwAuthenticate, R"(Digest realm="r", nonce="1", qop="auth")");
  result(challenge);
  sent();
  result(response(200));
  EXPECT_EQ(registration->state().phase, RegistrationPhase::stopped);
  EXPECT_FALSE(registration->registered(now));
  EXPECT_EQ(registration->nextTimer(), base::Instant::max());
  registration->start(now);
  EXPECT_THAT(valuesOf(sent(), HeaderId::expires), ElementsAre("3600"));
}

TEST_F(RegistrationTest, StoppingEndsWhateverHappens) {
  make().start(now);
  registration->stop(now);  // Nothing was sent yet.
  EXPECT_EQ(registration->state().phase, RegistrationPhase::stopped);
  EXPECT_FALSE(registration->poll(now));
  // Under way: its result decides whether there is something to remove.
  make().start(now);
  auto request = sent();
  registration->stop(now);
  result(accepting(request));
  EXPECT_THAT(valuesOf(sent(), HeaderId::expires), ElementsAre("0"));
  silence();
  EXPECT_EQ(registration->state().phase, RegistrationPhase::stopped);
  make().start(now);
  sent();
  registration->stop(now);
  silence();
  EXPECT_EQ(registration->state().phase, RegistrationPhase::stopped);
  // Started again while it removes: registers afterwards.
  registerNow();
  registration->stop(now);
  sent();
  registration->start(now);
  result(response(200));
  EXPECT_THAT(valuesOf(sent(), HeaderId::expires), ElementsAre("3600"));
}

TEST_F(RegistrationTest, AResultThatNeverComesIsATimeout) {
  make().start(now);
  sent();
  EXPECT_EQ(registration->nextTimer(), now + 64s);
  now += 64s;
  EXPECT_FALSE(registration->poll(now));
  EXPECT_EQ(registration->state().reason, "sip.register_timeout");
  now = registration->nextTimer();
  const auto request = sent();
  Message late = accepting(request);
  late.setCSeq(1, Method::registration);
  result(late);  // Of the first one.
  EXPECT_EQ(registration->state().phase, RegistrationPhase::registering);
}

TEST_F(RegistrationTest, RedirectsAreFollowedButNotForEver) {
  make().start(now);
  sent();
  Message moved = response(302);
  moved.add(HeaderId::contact, "<mailto:bob@example.com>, <sip:r2.example.com>");
  result(moved);
  const auto request = sent();
  EXPECT_EQ(request.to.toString(), "sip:r2.example.com");
  EXPECT_EQ(request.toHeader->uri.toString(), "sip:bob@example.com");
  result(accepting(request));
  EXPECT_EQ(registration->state().phase, RegistrationPhase::registered);
  now = registration->nextTimer();
  EXPECT_EQ(sent().to.toString(), "sip:r2.example.com");

  make().start(now);
  int followed = 0;
  for (; followed < 20 && registration->state().phase == RegistrationPhase::registering; ++followed) {
    sent();
    Message again = response(302);
    again.add(HeaderId::contact, "<sip:r" + std::to_string(followed % 2) + ".example.com>");
    result(again);
  }
  EXPECT_EQ(followed, 6);
  EXPECT_EQ(registration->state().reason, "sip.register_redirects");
  // A sips: registrar cannot be left for a sip: one.
  options.registrar.scheme = UriScheme::sips;
  make().start(now);
  sent();
  result(moved);
  EXPECT_EQ(registration->state().reason, "sip.register_redirects");
}

TEST_F(RegistrationTest, OutboundFlows) {
  options.instance = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF";
  options.regId = 1;
  options.gruu = true;
  make().start(now);
  const auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::contact).at(0),
              testing::AllOf(HasSubstr("+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\""),
                             HasSubstr("reg-id=1")));
  EXPECT_THAT(valuesOf(request, HeaderId::supported), ElementsAre("path, outbound, gruu"));
  Message answer = response(200);
  // What a NAT made of the contact's address does not matter: instance and reg-id are ours.
  answer.add(
      HeaderId::contact,
      "<sip:bob@203.0.113.7:1024>;reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-aabbccddeeff>\""
      ";pub-gruu=\"sip:bob@example.com;gr=x\";temp-gruu=\"sip:t@example.com;gr\";expires=300");
  answer.add(HeaderId::require, "outbound");
  answer.add(HeaderId::flowTimer, "25");
  result(answer);
  const auto& state = registration->state();
  EXPECT_TRUE(state.outbound);
  EXPECT_EQ(state.flowTimer, 25U);
  EXPECT_EQ(state.publicGruu, "sip:bob@example.com;gr=x");
  EXPECT_EQ(state.temporaryGruu, "sip:t@example.com;gr");
  // The flow breaks: a new one at once, and when that breaks at once too, it waits.
  registration->onFlowFailed(now);
  EXPECT_FALSE(registration->registered(now));
  sent();
  answer.setCSeq(registration->state().cseq, Method::registration);
  result(answer);
  EXPECT_TRUE(registration->registered(now));
  registration->onFlowFailed(now);
  EXPECT_EQ(registration->state().phase, RegistrationPhase::waiting);
  EXPECT_FALSE(registration->poll(now));
  EXPECT_GE(untilWake(), 30s);
}

TEST_F(RegistrationTest, AFirstHopWithoutOutboundIsUsedWithoutIt) {
  options.instance = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF";
  options.regId = 1;
  make().start(now);
  sent();
  result(response(439));
  const auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::contact).at(0), Not(HasSubstr("reg-id")));
  result(accepting(request));
  EXPECT_EQ(registration->state().phase, RegistrationPhase::registered);
  EXPECT_FALSE(registration->state().outbound);
}

TEST_F(RegistrationTest, NewContactsReplaceTheOldOnes) {
  registerNow();
  registration->setContacts({{Uri::sip("bob", "198.51.100.9", 5060), {}, {}}}, now);
  const auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::contact),
              ElementsAre("<sip:bob@192.0.2.4:5060>;expires=0", "<sip:bob@198.51.100.9:5060>"));
  result(accepting(request));
  EXPECT_EQ(registration->state().phase, RegistrationPhase::registered);
  now = registration->nextTimer();
  EXPECT_THAT(valuesOf(sent(), HeaderId::contact), ElementsAre("<sip:bob@198.51.100.9:5060>"));
}

TEST_F(RegistrationTest, SeveralContactsAreAllBoundOrItIsAFailure) {
  options.contacts.push_back({Uri::sip("bob", "192.0.2.5"), "0.5", {}});
  make().start(now);
  auto request = sent();
  EXPECT_THAT(valuesOf(request, HeaderId::contact),
              ElementsAre("<sip:bob@192.0.2.4:5060>", "<sip:bob@192.0.2.5>;q=0.5"));
  Message answer = response(200);
  answer.add(HeaderId::contact, "<sip:bob@192.0.2.4:5060>;expires=60");
  result(answer);
  EXPECT_EQ(registration->state().reason, "sip.register_not_bound");
  now = registration->nextTimer();
  request = sent();
  answer.setCSeq(registration->state().cseq, Method::registration);
  answer.add(HeaderId::contact, "<sip:bob@192.0.2.5>;expires=30");
  result(answer);
  EXPECT_EQ(registration->state().granted, 30U) << "the shortest counts";
}

TEST_F(RegistrationTest, ADifferentServersTroubleHasItsOwnReason) {
  const std::map<int, const char*> reasons{{403, "sip.register_refused"}, {404, "sip.register_refused"},
                                           {480, "sip.register_refused"}, {408, "sip.register_timeout"},
                                           {500, "sip.register_server"},  {603, "sip.register_refused"}};
  for (const auto& [status, reason] : reasons) {
    make().start(now);
    sent();
    result(response(status));
    EXPECT_EQ(registration->state().reason, reason) << status;
    EXPECT_EQ(registration->state().status, status);
    EXPECT_THAT(registration->state().text, HasSubstr(std::to_string(status)));
  }
  make().start(now);
  sent();
  result(response(401));
  EXPECT_EQ(registration->state().reason, "sip.auth_no_challenge");
}

}  // namespace
