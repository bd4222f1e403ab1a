#include "gateway/sip_phones.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace parley::gateway {
namespace {

using base::Millis;
using sip::Message;
using sip::Method;
using testing::ElementsAre;
using testing::HasSubstr;

proto::TransportAddress address(std::string_view text) {
  const auto endpoint = net::Endpoint::parse(text, 5060);
  return {endpoint->bytes(), 5060};
}

/// What left, as messages, and where to.
struct Wire final : sip::Transport {
  struct Sent {
    Message message;
    sip::Target target;
  };
  void send(std::string bytes, const sip::Target& target, sip::SendToken) override {
    auto message = Message::parse(bytes);
    ASSERT_TRUE(message) << bytes;
    sent.push_back({std::move(*message), target});
  }
  std::string sentBy(const sip::Target&) const override { return "192.0.2.1:5060"; }
  std::vector<Sent> sent;
};

struct Heard final : PhonesListener {
  void onPhoneCall(const IncomingPhoneCall& call) override {
    calls.push_back(call);
    said.push_back("call " + call.to);
  }
  void onPhoneProgress(const std::string& leg, int status, const std::string& sdp) override {
    said.push_back(leg + " progress " + std::to_string(status) + (sdp.empty() ? "" : " sdp"));
  }
  void onPhoneAnswered(const std::string& leg, const std::string& sdp) override {
    said.push_back(leg + " answered" + (sdp.empty() ? "" : " sdp"));
  }
  void onPhoneFailed(const std::string& leg, int status, const std::string& reason,
                     const std::string&) override {
    said.push_back(leg + " failed " + std::to_string(status) + " " + reason);
  }
  void onPhoneOffer(const std::string& leg, const std::string&) override { said.push_back(leg + " offer"); }
  void onPhoneOfferAnswered(const std::string& leg, const std::string&) override {
    said.push_back(leg + " offer answered");
  }
  void onPhoneOfferFailed(const std::string& leg, int status, const std::string&) override {
    said.push_back(leg + " offer failed " + std::to_string(status));
  }
  void onPhoneDtmf(const std::string& leg, const std::string& digits) override {
    said.push_back(leg + " dtmf " + digits);
  }
  void onPhoneRefer(const std::string& leg, const std::string& target, const std::string&,
                    const std::string&) override {
    said.push_back(leg + " refer " + target);
  }
  void onReferProgress(const std::string&, int) override {}
  void onPhoneEnded(const std::string& leg, const std::string& reason, const std::string&) override {
    said.push_back(leg + " ended " + reason);
  }
  void onPhoneTrace(const std::string&, bool, const std::string&, const std::string&) override {}
  std::vector<IncomingPhoneCall> calls;
  std::vector<std::string> said;
};

constexpr auto kOffer = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

class SipPhonesTest : public testing::Test {
 protected:
  void make(std::vector<std::string> servers, Millis patience = Millis{3'000}) {
    options_.servers = std::move(servers);
    options_.times.server = patience;
    phones_ = std::make_unique<SipPhones>(
        loop_, wire_, random_,
        [this](const sip::Uri& uri, SipPhones::Located located) {
          std::vector<sip::Target> targets;
          if (uri.host == "tls.example") {
            targets.push_back({sip::TransportKind::tls, address("192.0.2.85"), uri.host, {}});
          } else if (uri.host == "pair.example") {  // A name with two addresses.
            for (const char* each : {"192.0.2.83", "192.0.2.84"})
              targets.push_back({sip::TransportKind::udp, address(each), uri.host, {}});
          } else if (const auto endpoint = net::Endpoint::parse(uri.host, uri.port.value_or(5060))) {
            targets.push_back({sip::TransportKind::udp, {endpoint->bytes(), endpoint->port()}, uri.host, {}});
          }
          loop_.post([targets, located = std::move(located)] { located(targets); });
        },
        agentOptions_, options_, &account_);
    phones_->setListener(&heard_);
    phones_->start();
  }

  /// The next message of this method to this address that was not taken yet.
  Message take(Method method, std::string_view to = {}) {
    Message out;
    const bool came = loop_.runUntil(
        [&] {
          const auto found = std::ranges::find_if(wire_.sent, [&](const Wire::Sent& each) {
            return each.message.isRequest() && each.message.method() == method &&
                   (to.empty() || each.target.address.ip == address(to).ip);
          });
          if (found == wire_.sent.end()) return false;
          out = found->message;
          last_ = found->target;
          wire_.sent.erase(found);
          return true;
        },
        Millis{10'000});
    EXPECT_TRUE(came) << "no " << sip::toString(method) << " to " << to;
    return out;
  }
  void answer(const Message& request, int status, const std::string& sdp = {}) {
    Message response = Message::responseTo(request, status, "far");
    response.set(sip::HeaderId::contact, "<sip:phone@192.0.2.81>");
    if (!sdp.empty()) response.setBody(sdp, "application/sdp");
    phones_->receive(response, sourceOf(last_));
  }
  static sip::Source sourceOf(const sip::Target& target) {
    return {target.kind, target.address, address("192.0.2.1"), {}, false, {}};
  }
  bool heard(const std::string& what) {
    return loop_.runUntil([&] { return std::ranges::find(heard_.said, what) != heard_.said.end(); },
                          Millis{10'000});
  }
  void pingsAnswered(std::initializer_list<const char*> servers) {
    for (const char* server : servers) answer(take(Method::options, server), 200);
    loop_.runUntil(
        [&] {
          return std::ranges::all_of(phones_->trunks().all(),
                                     [](const Trunk& each) { return each.state != TrunkState::unknown; });
        },
        Millis{5'000});
  }
  PhoneInvite inviteTo(const std::string& number) {
    PhoneInvite invite;
    invite.leg = "p1";
    invite.call = "c1";
    invite.destination = number;
    invite.fromAddress = "+4989123";
    invite.fromName = "Ada";
    invite.sdp = kOffer;
    return invite;
  }
  Message inviteFrom(std::string_view number, const std::string& sdp = kOffer) {
    Message request =
        Message::request(Method::invite, *sip::Uri::parse("sip:" + std::string(number) + "@192.0.2.1"));
    request.pushVia(*sip::Via::parse("SIP/2.0/UDP 192.0.2.81:5060;branch=z9hG4bK" + random_.alphanumeric(8)));
    request.from() = *sip::NameAddr::parse("\"Ada\" <sip:+4989123@192.0.2.81>;tag=far");
    request.to() = *sip::NameAddr::parse("<sip:8000@192.0.2.1>");
    request.setCallId(random_.alphanumeric(10));
    request.setCSeq(1, Method::invite);
    request.setMaxForwards(70);
    request.set(sip::HeaderId::contact, "<sip:ada@192.0.2.81>");
    if (!sdp.empty()) request.setBody(sdp, "application/sdp");
    return request;
  }
  int statusSent() {
    int status = 0;
    loop_.runUntil(
        [&] {
          for (const auto& each : wire_.sent) {
            if (each.message.isResponse() && each.message.status() >= 200) status = each.message.status();
          }
          return status != 0;
        },
        Millis{2'000});
    return status;
  }

  struct Account final : sip::Authenticator {
    std::optional<Message> answer(const Message&, const Message& request, sip::Asker&) override {
      Message again = request;
      again.set(sip::HeaderId::authorization, "Digest x");
      return again;
    }
  };

  /// The phone p1 was called through the only server, and answered.
  void inACall() {
    make({"sip:192.0.2.81"});
    pingsAnswered({"192.0.2.81"});
    phones_->invite(inviteTo("2001"));
    answer(take(Method::invite), 200, kOffer);
    ASSERT_TRUE(heard("p1 answered sdp"));
    take(Method::ack);
  }

  net::EventLoop loop_{"test"};
  Account account_;
  base::SystemRandom random_;
  Wire wire_;
  Heard heard_;
  sip::UserAgentOptions agentOptions_;
  SipPhonesOptions options_;
  std::unique_ptr<SipPhones> phones_;
  sip::Target last_;
};

TEST_F(SipPhonesTest, CallsThroughTheServerAndHangsUp) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  const Message invite = take(Method::invite);
  EXPECT_EQ(invite.requestUri().toString(), "sip:2001@192.0.2.81");
  EXPECT_EQ(invite.from().uri.toString(), "sip:+4989123@192.0.2.1;user=phone");
  EXPECT_THAT(std::string(invite.header(sip::HeaderId::pAssertedIdentity).value_or("")),
              HasSubstr("+4989123"));
  answer(invite, 180);
  EXPECT_TRUE(heard("p1 progress 180"));
  answer(invite, 200, kOffer);
  EXPECT_TRUE(heard("p1 answered sdp"));
  take(Method::ack);
  EXPECT_FALSE(phones_->save("p1").empty());
  phones_->hangUp("p1", EndReason::hungUp);
  const Message bye = take(Method::bye);
  EXPECT_EQ(bye.header(sip::HeaderId::reason), "Q.850;cause=16;text=\"Normal call clearing\"");
  answer(bye, 200);
  EXPECT_EQ(phones_->legs(), 0u);
}

TEST_F(SipPhonesTest, APhoneThatIsPassedOnReadsWhomItTalksWithNow) {
  ASSERT_NO_FATAL_FAILURE(inACall());
  const auto offered = [&](const PhoneOffer& offer) {
    phones_->offer(offer);
    const Message invite = take(Method::invite);
    answer(invite, 200, kOffer);
    take(Method::ack);
    return invite;
  };
  const PhoneOffer joined{.leg = "p1",
                          .sdp = kOffer,
                          .tells = true,
                          .fromAddress = "+49301",
                          .fromName = "Grace",
                          .uui = "beef",
                          .correlationId = "c-77"};
  Message invite = offered(joined);
  EXPECT_EQ(invite.header(sip::HeaderId::pAssertedIdentity), "\"Grace\" <sip:+49301@192.0.2.1;user=phone>");
  EXPECT_EQ(invite.header(sip::HeaderId::userToUser), "62656566;encoding=hex");
  EXPECT_EQ(invite.header("X-Correlation-ID"), "c-77");
  // The same with nobody's number: nothing is asserted, or what is set.
  PhoneOffer nameless = joined;
  nameless.fromAddress.clear();
  EXPECT_FALSE(offered(nameless).has(sip::HeaderId::pAssertedIdentity));
  options_.callerWithoutNumber = "8000";
  phones_->setOptions(options_);
  EXPECT_EQ(offered(nameless).header(sip::HeaderId::pAssertedIdentity),
            "\"Grace\" <sip:8000@192.0.2.1;user=phone>");
  invite = offered({.leg = "p1", .sdp = kOffer});
  EXPECT_FALSE(invite.has(sip::HeaderId::pAssertedIdentity)) << "nothing has changed";
  EXPECT_FALSE(invite.has(sip::HeaderId::userToUser));
}

/// RFC 3323 section 4.1.1.3, RFC 3325 section 9.1: without an address nothing is asserted.
TEST_F(SipPhonesTest, WhoCallsWithoutANumberIsAnonymousOrWhatIsSet) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  PhoneInvite nameless = inviteTo("2001");
  nameless.fromAddress.clear();
  phones_->invite(nameless);
  Message invite = take(Method::invite);
  EXPECT_EQ(invite.from().uri.toString(), "sip:anonymous@anonymous.invalid");
  EXPECT_EQ(invite.from().display, "Ada");
  EXPECT_FALSE(invite.has(sip::HeaderId::pAssertedIdentity));
  answer(invite, 486);
  ASSERT_TRUE(heard("p1 failed 486 sip.busy"));
  options_.callerWithoutNumber = "8000";
  phones_->setOptions(options_);
  phones_->invite(nameless);
  invite = take(Method::invite);
  EXPECT_EQ(invite.from().uri.toString(), "sip:8000@192.0.2.1;user=phone");
  EXPECT_THAT(std::string(invite.header(sip::HeaderId::pAssertedIdentity).value_or("")), HasSubstr("8000"));
  answer(invite, 486);
}

TEST_F(SipPhonesTest, APhoneThatRangInVainIsToldWhy) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  answer(take(Method::invite), 180);
  ASSERT_TRUE(heard("p1 progress 180"));
  phones_->hangUp("p1", EndReason::answeredElsewhere);
  EXPECT_EQ(take(Method::cancel).header(sip::HeaderId::reason),
            "SIP;cause=200;text=\"Call completed elsewhere\"");
}

TEST_F(SipPhonesTest, ASilentServerIsLeftForTheNextOne) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"}, Millis{300});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  take(Method::invite);  // One of them, which says nothing.
  const std::string silent = last_.host;
  const std::string other = silent == "192.0.2.81" ? "192.0.2.82" : "192.0.2.81";
  const Message second = take(Method::invite, other);
  EXPECT_EQ(second.requestUri().host, other);
  answer(second, 200, kOffer);
  EXPECT_TRUE(heard("p1 answered sdp"));
  for (const Trunk& trunk : phones_->trunks().all()) {
    EXPECT_EQ(trunk.state, trunk.uri == "sip:" + silent ? TrunkState::down : TrunkState::up) << trunk.uri;
  }
}

/// It is there: its state stays. But the call goes on.
TEST_F(SipPhonesTest, AServerThatIsSilentAfterItsChallengeIsLeftForTheNextOne) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"}, Millis{300});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  answer(take(Method::invite), 401);
  const std::string silent = last_.host;
  EXPECT_TRUE(take(Method::invite, silent).has(sip::HeaderId::authorization));  // … and then nothing
  const Message second = take(Method::invite, silent == "192.0.2.81" ? "192.0.2.82" : "192.0.2.81");
  answer(second, 200, kOffer);
  EXPECT_TRUE(heard("p1 answered sdp"));
  for (const Trunk& trunk : phones_->trunks().all()) EXPECT_EQ(trunk.state, TrunkState::up) << trunk.uri;
}

TEST_F(SipPhonesTest, ASilentAddressOfAServerIsLeftForTheNextOne) {
  make({"sip:pair.example"}, Millis{200});
  take(Method::options, "192.0.2.83");  // Says nothing from the beginning.
  answer(take(Method::options, "192.0.2.84"), 200);
  ASSERT_TRUE(
      loop_.runUntil([&] { return phones_->trunks().all()[0].state == TrunkState::up; }, Millis{5'000}));
  wire_.sent.clear();
  phones_->invite(inviteTo("2001"));
  const Message invite = take(Method::invite);
  EXPECT_EQ(last_.address.ip, address("192.0.2.84").ip) << "the one that answers, at once";
  answer(invite, 200, kOffer);
  EXPECT_TRUE(heard("p1 answered sdp"));
}

TEST_F(SipPhonesTest, EachAddressOfAServerHasItsTime) {
  make({"sip:pair.example"}, Millis{200});
  answer(take(Method::options, "192.0.2.83"), 200);
  ASSERT_TRUE(
      loop_.runUntil([&] { return phones_->trunks().all()[0].state == TrunkState::up; }, Millis{5'000}));
  phones_->invite(inviteTo("2001"));
  take(Method::invite, "192.0.2.83");  // Silent by now.
  const Message invite = take(Method::invite, "192.0.2.84");
  answer(invite, 100);
  answer(invite, 486);
  EXPECT_TRUE(heard("p1 failed 486 sip.busy"));
  EXPECT_EQ(phones_->trunks().all()[0].state, TrunkState::up);
  EXPECT_THAT(phones_->trunks().all()[0].addresses,
              ElementsAre(TrunkAddress{"192.0.2.83:5060", TrunkState::down},
                          TrunkAddress{"192.0.2.84:5060", TrunkState::up}));
}

TEST_F(SipPhonesTest, AServerWhoseAddressesAreAllSilentIsLeftForTheNextServer) {
  make({"sip:pair.example", "sip:192.0.2.81"}, Millis{200});
  answer(take(Method::options, "192.0.2.83"), 200);
  take(Method::options, "192.0.2.81");  // Silent, so the name comes first.
  ASSERT_TRUE(loop_.runUntil(
      [&] {
        return phones_->trunks().all()[0].state == TrunkState::up &&
               phones_->trunks().all()[1].state == TrunkState::down;
      },
      Millis{5'000}));
  phones_->invite(inviteTo("2001"));
  take(Method::invite, "192.0.2.83");
  take(Method::invite, "192.0.2.84");
  answer(take(Method::invite, "192.0.2.81"), 486);
  EXPECT_TRUE(heard("p1 failed 486 sip.busy"));
  EXPECT_EQ(phones_->trunks().all()[0].state, TrunkState::down);
  EXPECT_EQ(phones_->trunks().all()[1].state, TrunkState::up);
}

TEST_F(SipPhonesTest, AServerThatIsAtItIsWaitedFor) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"}, Millis{100});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  const Message invite = take(Method::invite);
  answer(invite, 100);
  wire_.sent.clear();
  EXPECT_FALSE(loop_.runUntil([&] { return !wire_.sent.empty(); }, Millis{400})) << "100 is an answer, too";
  answer(invite, 486);
  EXPECT_TRUE(heard("p1 failed 486 sip.busy"));
}

TEST_F(SipPhonesTest, A503GoesToTheNextOneAndBusyDoesNot) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  answer(take(Method::invite), 503);
  const Message second = take(Method::invite);
  answer(second, 486);
  EXPECT_TRUE(heard("p1 failed 486 sip.busy"));
  EXPECT_EQ(phones_->legs(), 0u);
}

TEST_F(SipPhonesTest, WhereARedirectLeadsToSaysNothingOfTheServer) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"}, Millis{200});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  for (const bool silent : {false, true}) {  // in this order: the silent one goes on being asked
    heard_.said.clear();
    phones_->invite(inviteTo("2001"));
    Message moved = Message::responseTo(take(Method::invite), 302, "far");
    const std::string other = last_.host == "192.0.2.81" ? "192.0.2.82" : "192.0.2.81";
    moved.set(sip::HeaderId::contact, "<sip:200@" + other + ">");
    phones_->receive(moved, sourceOf(last_));
    const Message invite = take(Method::invite, other);
    EXPECT_EQ(invite.requestUri().toString(), "sip:200@" + other);
    if (!silent) answer(invite, 503);
    EXPECT_TRUE(heard(silent ? "p1 failed 408 sip.timeout" : "p1 failed 503 sip.server_unavailable"));
    for (const Trunk& trunk : phones_->trunks().all()) EXPECT_EQ(trunk.state, TrunkState::up) << trunk.uri;
    wire_.sent.clear();
  }
}

/// GW-4: with its host or without, the call goes through the server that was asked.
TEST_F(SipPhonesTest, ARedirectLeadsToTheServersOnly) {
  for (const bool rewrite : {true, false}) {
    options_.rewriteUris = rewrite;
    make({"sip:192.0.2.81"});
    pingsAnswered({"192.0.2.81"});
    phones_->invite(inviteTo("2001"));
    Message moved = Message::responseTo(take(Method::invite), 302, "far");
    moved.set(sip::HeaderId::contact, "<sip:200@203.0.113.9;maddr=203.0.113.8>");
    phones_->receive(moved, sourceOf(last_));
    const Message invite = take(Method::invite, "192.0.2.81");
    EXPECT_EQ(invite.requestUri().toString(),
              rewrite ? "sip:200@192.0.2.81" : "sip:200@203.0.113.9;maddr=203.0.113.8");
    answer(invite, 200, kOffer);
    EXPECT_TRUE(heard("p1 answered sdp"));
    heard_.said.clear();
  }
}

TEST_F(SipPhonesTest, ARedirectFindsTheServerByItsDefaultPortAndByItsAddress) {
  make({"sip:192.0.2.81", "sip:192.0.2.82"});
  pingsAnswered({"192.0.2.82", "192.0.2.81"});
  const auto movedTo = [&](const std::string& contact) {
    heard_.said.clear();
    wire_.sent.clear();
    phones_->invite(inviteTo("2001"));
    Message moved = Message::responseTo(take(Method::invite), 302, "far");
    const std::string first = last_.host, other = first == "192.0.2.81" ? "192.0.2.82" : "192.0.2.81";
    moved.set(sip::HeaderId::contact, fmt::format(fmt::runtime(contact), other));
    phones_->receive(moved, sourceOf(last_));
    const Message invite = take(Method::invite, other);
    answer(invite, 486);
    EXPECT_TRUE(heard("p1 failed 486 sip.busy")) << contact;
  };
  movedTo("<sip:200@{}:5060>");
  movedTo("<sip:200@{};transport=udp>");
  movedTo("<sip:200@{}:5070>");  // Another port of its: it is asked where it was found.
}

/// GW-13 binds who is called, too.
TEST_F(SipPhonesTest, ARedirectToARefusedNumberIsTheEnd) {
  options_.refused = {*NumberPattern::compile("112|0900.*")};
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  for (const char* contact :
       {"sip:112@192.0.2.81", "sip:0900-123@203.0.113.9", "sips:%31%312;x=y@pbx.example"}) {
    heard_.said.clear();
    phones_->invite(inviteTo("2001"));
    Message moved = Message::responseTo(take(Method::invite), 302, "far");
    moved.set(sip::HeaderId::contact, "<" + std::string(contact) + ">");
    phones_->receive(moved, sourceOf(last_));
    EXPECT_TRUE(heard("p1 failed 403 sip.redirect_refused")) << contact;
    EXPECT_EQ(phones_->legs(), 0u);
    EXPECT_TRUE(std::ranges::none_of(wire_.sent, [](const Wire::Sent& each) {
      return each.message.isRequest() && each.message.method() == Method::invite;
    })) << contact;
  }
  EXPECT_EQ(endReasonOfSip(403, "sip.redirect_refused"), EndReason::numberRefused);
}

TEST_F(SipPhonesTest, OurOwnFullTablesSayNothingOfTheServer) {
  agentOptions_.maxSessions = 0;
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  EXPECT_TRUE(heard("p1 failed 503 sip.sessions_full"));
  EXPECT_EQ(phones_->trunks().all()[0].state, TrunkState::up);
}

TEST_F(SipPhonesTest, NobodyAnswers) {
  make({"sip:192.0.2.81"}, Millis{200});
  phones_->invite(inviteTo("2001"));
  take(Method::invite);
  EXPECT_TRUE(heard("p1 failed 408 sip.trunk_down"));
  EXPECT_EQ(phones_->trunks().all()[0].state, TrunkState::down);
}

TEST_F(SipPhonesTest, WithoutServersThereIsNoTrunk) {
  make({});
  EXPECT_FALSE(phones_->available());
  phones_->invite(inviteTo("2001"));
  EXPECT_TRUE(heard_.said.empty()) << "never inside the call";
  EXPECT_TRUE(heard("p1 failed 503 sip.no_trunk"));
}

TEST_F(SipPhonesTest, AHangUpBeforeTheServerIsFoundIsTheEnd) {
  make({"sip:192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  phones_->hangUp("p1", EndReason::hungUp);
  EXPECT_FALSE(loop_.runUntil([&] { return !heard_.said.empty(); }, Millis{100}));
  EXPECT_EQ(phones_->legs(), 0u);
}

TEST_F(SipPhonesTest, AServerMayCall) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->receive(inviteFrom("8000"), sourceOf(last_));
  ASSERT_TRUE(heard("call 8000"));
  const IncomingPhoneCall call = heard_.calls.front();
  EXPECT_EQ(call.fromAddress, "+4989123");
  EXPECT_EQ(call.trunk, "sip:192.0.2.81");
  phones_->ring(call.leg, "");
  phones_->answer(call.leg, kOffer);
  EXPECT_EQ(statusSent(), 200);
}

TEST_F(SipPhonesTest, AnIncomingCallMayBeRefused) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->receive(inviteFrom("8000"), sourceOf(last_));
  ASSERT_TRUE(heard("call 8000"));
  phones_->reject(heard_.calls.front().leg, 480, "not signed in");
  EXPECT_EQ(statusSent(), 480);
  EXPECT_EQ(phones_->legs(), 0u);
}

TEST_F(SipPhonesTest, AFullGatewaySaysWhenToComeBack) {
  options_.maxLegs = 0;
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->receive(inviteFrom("8000"), sourceOf(last_));
  EXPECT_EQ(statusSent(), 503);
  EXPECT_EQ(wire_.sent.back().message.header(sip::HeaderId::retryAfter), "10");
}

/// Connections come from any port; a certificate says whose they are.
TEST_F(SipPhonesTest, AServerThatProvedItsNameOwnsItsConnection) {
  make({"sip:tls.example;transport=tls"});
  answer(take(Method::options), 200);
  using Kind = sip::TransportKind;
  const auto at = [](const char* host, std::uint16_t port) {
    auto where = address(host);
    where.port = port;
    return where;
  };
  const sip::FlowId theirs{7};
  const auto asks = [&](Kind kind, std::uint16_t port, const sip::Neighbour& neighbour) -> std::string {
    const auto server =
        phones_->serverAsking({{kind, at("192.0.2.85", port), "tls.example", theirs}, &neighbour});
    if (!server) return std::string(server.error().reason);
    return server->overFlow ? "over its connection" : "over a new one";
  };
  const sip::Neighbour proved{Kind::tls, at("192.0.2.85", 40'123), "TLS.example"};
  EXPECT_EQ(asks(Kind::tls, 5060, proved), "over its connection");
  EXPECT_EQ(asks(Kind::tls, 5081, proved), "over its connection") << "another port in its Contact";
  EXPECT_EQ(asks(Kind::udp, 5081, proved), "sip.auth_other_port") << "what no certificate proves";
  EXPECT_EQ(asks(Kind::tcp, 5081, proved), "sip.auth_other_port");
  for (const sip::Neighbour& other : {sip::Neighbour{Kind::tls, at("192.0.2.85", 40'123)},
                                      sip::Neighbour{Kind::tls, at("192.0.2.85", 40'123), "other.example"},
                                      sip::Neighbour{Kind::tls, at("192.0.2.99", 40'123), "tls.example"},
                                      sip::Neighbour{Kind::tcp, at("192.0.2.85", 40'123), "tls.example"}}) {
    EXPECT_EQ(asks(Kind::tls, 5060, other), "over a new one") << "to the server's own port";
    EXPECT_EQ(asks(Kind::tls, 5081, other), "sip.auth_other_port");
  }
}

TEST_F(SipPhonesTest, AStrangerIsRefused) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  const sip::Target stranger{sip::TransportKind::udp, address("203.0.113.9"), {}, {}};
  phones_->receive(inviteFrom("8000"), sourceOf(stranger));
  EXPECT_EQ(statusSent(), 403);
  EXPECT_TRUE(heard_.calls.empty());
  ASSERT_EQ(phones_->strangers().seen().size(), 1u);
  EXPECT_EQ(phones_->strangers().seen()[0].address, "203.0.113.9");
  EXPECT_EQ(phones_->strangers().seen()[0].method, "INVITE");
}

TEST_F(SipPhonesTest, AStrangerMayHearNothingAtAll) {
  options_.silentToStrangers = true;
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  wire_.sent.clear();
  phones_->receive(inviteFrom("8000"), sourceOf({sip::TransportKind::udp, address("203.0.113.9"), {}, {}}));
  EXPECT_FALSE(loop_.runUntil([&] { return !wire_.sent.empty(); }, Millis{300}));
}

TEST_F(SipPhonesTest, WhatTheEngineRefusesIsCounted) {
  const auto count = [](const std::string& reason) {
    const std::string name = "\nparley_sip_refused_total{reason=\"" + reason + "\"} ";
    const std::string text = base::Metrics::instance().expose();
    const auto at = text.find(name);
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + name.size()));
  };
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  const int before = count("too_many_hops"), strangers = count("forbidden");
  ASSERT_GE(before, 0);
  Message tired = inviteFrom("8000");
  tired.setMaxForwards(0);
  phones_->receive(tired, sourceOf(last_));
  EXPECT_EQ(statusSent(), 483);
  EXPECT_EQ(count("too_many_hops"), before + 1);
  phones_->receive(inviteFrom("8000"), sourceOf({sip::TransportKind::udp, address("203.0.113.9"), {}, {}}));
  EXPECT_EQ(count("forbidden"), strangers + 1);
  const int malformed = count("malformed");
  phones_->onMalformed({}, sourceOf(last_));
  EXPECT_EQ(count("malformed"), malformed + 1);
}

TEST_F(SipPhonesTest, AllowedPeersMayCall) {
  options_.allowedPeers = {*parseAllowedPeer("203.0.113.0/24")};
  make({});
  phones_->receive(inviteFrom("8000"), sourceOf({sip::TransportKind::udp, address("203.0.113.9"), {}, {}}));
  EXPECT_TRUE(heard("call 8000"));
}

TEST_F(SipPhonesTest, AnotherProcessGoesOnWithACall) {
  ASSERT_NO_FATAL_FAILURE(inACall());
  const std::string saved = phones_->save("p1");
  ASSERT_FALSE(saved.empty());

  make({"sip:192.0.2.81"});  // The process begins anew.
  ASSERT_TRUE(phones_->restore("p1", saved));
  EXPECT_FALSE(phones_->restore("p1", saved)) << "twice";
  EXPECT_FALSE(phones_->restore("p2", "nonsense"));
  phones_->hangUp("p1", EndReason::hungUp);
  const Message bye = take(Method::bye);
  EXPECT_EQ(bye.to().tag(), "far");
}

TEST_F(SipPhonesTest, ATextInTheCallIsNotTakenAndNotThrownAway) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->receive(inviteFrom("8000"), sourceOf(last_));
  ASSERT_TRUE(heard("call 8000"));
  phones_->answer(heard_.calls.front().leg, kOffer);
  ASSERT_EQ(statusSent(), 200);
  const Message ok = wire_.sent.back().message;
  EXPECT_TRUE(ok.lists(sip::HeaderId::allow, "INFO"));
  EXPECT_FALSE(ok.lists(sip::HeaderId::allow, "MESSAGE"));
  Message text = inviteFrom("8000", {});
  Message message = Message::request(Method::message, text.requestUri());
  message.pushVia(*text.topVia());
  message.from() = ok.from();
  message.to() = ok.to();
  message.setCallId(ok.callId());
  message.setCSeq(2, Method::message);
  message.setMaxForwards(70);
  message.setBody("hello", "text/plain");
  wire_.sent.clear();
  phones_->receive(std::move(message), sourceOf(last_));
  EXPECT_EQ(statusSent(), 405);
}

TEST_F(SipPhonesTest, AReferCarriesWhatBelongsToTheCase) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  answer(take(Method::invite), 200, kOffer);
  ASSERT_TRUE(heard("p1 answered sdp"));
  phones_->refer(
      {.leg = "p1", .target = "2002", .replacesLeg = {}, .uui = "order 4711", .correlationId = "case-7"});
  const std::string target(take(Method::refer).header(sip::HeaderId::referTo).value());
  EXPECT_THAT(target, HasSubstr("sip:2002@192.0.2.81?User-to-User=6f726465722034373131%3Bencoding%3Dhex"));
  EXPECT_THAT(target, HasSubstr("&X-Correlation-ID=case-7"));
}

TEST_F(SipPhonesTest, DigitsGoOneByOne) {
  make({"sip:192.0.2.81"});
  pingsAnswered({"192.0.2.81"});
  phones_->invite(inviteTo("2001"));
  answer(take(Method::invite), 200, kOffer);
  ASSERT_TRUE(heard("p1 answered sdp"));
  phones_->sendDtmf("p1", "5#");
  const Message first = take(Method::info);
  EXPECT_THAT(first.body(), HasSubstr("Signal=5"));
  EXPECT_FALSE(loop_.runUntil(
      [&] {
        return std::ranges::any_of(wire_.sent, [](const Wire::Sent& each) {
          return each.message.isRequest() && each.message.method() == Method::info &&
                 each.message.body().contains("Signal=#");
        });
      },
      Millis{50}))
      << "not before the first one was answered";
  answer(first, 200);
  EXPECT_THAT(take(Method::info).body(), HasSubstr("Signal=#"));
}

}  // namespace
}  // namespace parley::gateway
