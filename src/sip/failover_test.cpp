// Several targets for one request (RFC 3263 section 4.3): who is silent gives way to the next, and is tried
// last for a time.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::PairTest;
using rig::RawPeer;

class FailoverTest : public PairTest {
 protected:
  RawPeer first{net, "10.0.0.8"}, second{net, "10.0.0.9"};

  SessionId dialBoth(std::optional<Millis> timeout = std::nullopt) {
    for (const RawPeer* peer : {&first, &second})
      for (const Message& message : peer->received) before.emplace(message.callId());
    OutgoingCall call = alice.callTo(first);
    call.targets = {first.target(), second.target()};
    call.targetTimeout = timeout;
    return alice.ua.invite(std::move(call), net.now);
  }
  void askBoth(std::optional<Millis> timeout = std::nullopt) {
    OutgoingRequest ping;
    ping.to = Uri::sip({}, "pbx.example");
    ping.from.uri = Uri::sip("alice", alice.ip());
    ping.targets = {first.target(), second.target()};
    ping.timeout = timeout;
    alice.ua.request(std::move(ping), net.now);
  }
  void refuse(RawPeer& peer, int status, const Headers& headers = {}, std::string_view method = "INVITE") {
    peer.send(peer.respond(method, status, "t", {}, headers), alice.target());
    run(50);
  }
  /// Was each invited to the call dialled last? (An INVITE to who is silent goes on being repeated.)
  bool invited(const RawPeer& peer) const {
    return std::ranges::any_of(peer.received, [&](const Message& message) {
      return message.method() == Method::invite && message.isRequest() &&
             !before.contains(std::string(message.callId()));
    });
  }
  std::pair<bool, bool> invited() const { return {invited(first), invited(second)}; }
  std::set<std::string> before;
};

TEST_F(FailoverTest, WhoWasSilentIsTriedLastForATime) {
  dialBoth();
  run(2'900);
  EXPECT_EQ(invited(), std::pair(true, false));
  run(200);
  EXPECT_EQ(invited(), std::pair(true, true));
  refuse(second, 486);

  dialBoth();
  run(50);
  EXPECT_EQ(invited(), std::pair(false, true)) << "the second one at once";
  run(3'100);
  EXPECT_EQ(invited(), std::pair(true, true)) << "the first one still is a way out";
  run(120'000);

  dialBoth();
  run(50);
  EXPECT_EQ(invited(), std::pair(true, false)) << "that is long ago";
}

TEST_F(FailoverTest, AWordClearsIt) {
  dialBoth();
  run(3'050);
  refuse(second, 486);
  OutgoingRequest ping;
  ping.to = Uri::sip({}, "pbx.example");
  ping.from.uri = Uri::sip("alice", alice.ip());
  ping.targets = {first.target()};
  alice.ua.request(std::move(ping), net.now);
  run(50);
  refuse(first, 404, {}, "OPTIONS");
  dialBoth();
  run(50);
  EXPECT_EQ(invited(), std::pair(true, false));
}

TEST_F(FailoverTest, RequestsAndCallsKnowTheSame) {
  askBoth(Millis{400});
  run(450);
  EXPECT_EQ(first.count("OPTIONS"), 1U);
  ASSERT_EQ(second.count("OPTIONS"), 1U);
  refuse(second, 200, {}, "OPTIONS");
  EXPECT_TRUE(alice.has("done 200 sip.answered"));
  EXPECT_EQ(alice.results.back().target.address, second.address());
  dialBoth();
  run(50);
  EXPECT_EQ(invited(), std::pair(false, true));
  askBoth(Millis{400});
  run(50);
  EXPECT_EQ(first.count("OPTIONS"), 1U);
  EXPECT_EQ(second.count("OPTIONS"), 2U);
}

TEST_F(FailoverTest, A503IsBelievedAsLongAsItSays) {
  dialBoth();
  run(50);
  refuse(first, 503, {{HeaderId::retryAfter, {}, "20 (soon)"}});
  EXPECT_EQ(invited(), std::pair(true, true));
  refuse(second, 486);
  dialBoth();
  run(50);
  EXPECT_EQ(invited(), std::pair(false, true));
  refuse(second, 486);
  run(20'000);
  for (int i = 0; i < 2; ++i) {  // without Retry-After it is a refusal of this call
    dialBoth();
    run(50);
    EXPECT_EQ(invited(), std::pair(true, false));
    refuse(first, 503);
    refuse(second, 486);
  }
}

TEST_F(FailoverTest, TheCallersOwnPatienceIsForTheLastTargetToo) {
  const SessionId session = dialBoth(Millis{300});
  run(650);
  ASSERT_TRUE(alice.endings.contains(session.value()));
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.timeout");
  EXPECT_TRUE(alice.endings.at(session.value()).unheard);
  EXPECT_EQ(invited(), std::pair(true, true));
}

struct AnyPassword final : Authenticator {
  std::optional<Message> answer(const Message&, const Message& request, Asker&) override {
    Message again = request;
    again.set(HeaderId::authorization, "Digest x");
    return again;
  }
};

TEST_F(FailoverTest, SilenceAfterARedirectIsNotTheServers) {
  const SessionId session = dialBoth(Millis{300});
  run(50);
  refuse(first, 302, {{HeaderId::contact, {}, "<sip:200@10.9.9.9>"}});
  run(400);
  ASSERT_TRUE(alice.endings.contains(session.value()));
  const Ending& ending = alice.endings.at(session.value());
  EXPECT_EQ(ending.reason, "sip.timeout");
  EXPECT_FALSE(ending.unheard);
  EXPECT_TRUE(ending.redirected);
  EXPECT_EQ(invited(), std::pair(true, false));
}

TEST_F(FailoverTest, ARefusalAfterARedirectIsNotTheServers) {
  const SessionId plain = dialBoth();
  run(50);
  refuse(first, 503);
  refuse(second, 503);
  EXPECT_FALSE(alice.endings.at(plain.value()).redirected);
  RawPeer phone(net, "10.0.0.7");
  const SessionId session = dialBoth();
  run(50);
  refuse(first, 302, {{HeaderId::contact, {}, "<sip:200@10.0.0.7>"}});
  refuse(phone, 503);
  EXPECT_EQ(alice.endings.at(session.value()).status, 503);
  EXPECT_TRUE(alice.endings.at(session.value()).redirected);
}

/// Nobody is sent to "no"; the rest goes to `way`, by a number of its own.
struct OneWay final : RedirectPolicy {
  Target way;
  std::vector<std::string> asked;
  Onward onRedirect(SessionId, const Uri& contact) override {
    asked.push_back(contact.toString());
    if (contact.user == "no") return {contact, {}, 403, "sip.redirect_refused", "never"};
    return {Uri::sip("x" + contact.user, "way.example"), {way}, 0, {}, {}};
  }
};

TEST_F(FailoverTest, WhereARedirectLeadsIsDecidedByThePolicy) {
  OneWay policy;
  policy.way = second.target();
  rig::Agent carol(net, "10.0.0.3", {}, nullptr, nullptr, nullptr, &policy);
  const auto redirected = [&](const char* contact) {
    const SessionId session = carol.dial(first);
    run(50);
    first.send(first.respond("INVITE", 302, "t", {}, {{HeaderId::contact, {}, contact}}), carol.target());
    run(50);
    return session;
  };
  RawPeer lure(net, "10.0.0.7");
  SessionId session = redirected("<sip:no@10.0.0.7>, <sip:no@lure.example>;q=0.1");
  ASSERT_TRUE(carol.endings.contains(session.value()));
  const Ending refused = carol.endings.at(session.value());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.reason, "sip.redirect_refused");
  EXPECT_EQ(refused.text, "never");
  EXPECT_TRUE(refused.redirected);
  EXPECT_THAT(policy.asked, testing::ElementsAre("sip:no@10.0.0.7", "sip:no@lure.example"));

  session = redirected("<sip:no@10.0.0.7>, <sip:5@10.0.0.7?Subject=x>;q=0.1");
  ASSERT_EQ(second.count("INVITE"), 1U);
  EXPECT_EQ(second.last("INVITE")->requestUri().toString(), "sip:x5@way.example");
  // Who is asked next may send it on again, and is asked about again.
  second.send(second.respond("INVITE", 302, "t", {}, {{HeaderId::contact, {}, "<sip:no@10.0.0.7>"}}),
              carol.target());
  run(50);
  EXPECT_EQ(carol.endings.at(session.value()).reason, "sip.redirect_refused");
  EXPECT_EQ(lure.count("INVITE"), 0U);
}

TEST_F(FailoverTest, WhoAskedForAPasswordIsThere) {
  AnyPassword password;
  rig::Agent carol(net, "10.0.0.3", {}, nullptr, &password);
  OutgoingCall call = carol.callTo(first);
  call.targets = {first.target()};
  call.targetTimeout = Millis{300};
  const SessionId asked = carol.ua.invite(call, net.now);
  run(50);
  first.send(first.respond("INVITE", 401, "t"), carol.target());
  run(400);
  EXPECT_EQ(first.last("INVITE")->header(HeaderId::authorization), "Digest x");
  EXPECT_EQ(carol.endings.at(asked.value()).reason, "sip.timeout");
  EXPECT_FALSE(carol.endings.at(asked.value()).unheard);

  run(120'000);
  call.targets = {first.target(), second.target()};
  const SessionId refused = carol.ua.invite(call, net.now);
  run(50);
  for (const int status : {401, 503}) {  // "not now", and the next address is away
    first.send(first.respond("INVITE", status, "t"), carol.target());
    run(50);
  }
  run(400);
  EXPECT_GE(second.count("INVITE"), 1U);
  EXPECT_TRUE(carol.endings.at(refused.value()).unheard);
}

TEST_F(FailoverTest, OurOwnFullTableIsNobodysSilence) {
  UserAgentOptions options;
  options.maxTransactions = 0;
  rig::Agent small(net, "10.0.0.3", options);
  const SessionId session = small.dial(first);
  run(50);
  EXPECT_EQ(small.endings.at(session.value()).reason, "sip.table_full");
  EXPECT_TRUE(small.endings.at(session.value()).byUs);
  EXPECT_FALSE(small.endings.at(session.value()).unheard);
}

TEST_F(FailoverTest, ATargetThatSaidTryingIsWaitedFor) {
  const SessionId session = dialBoth(Millis{300});
  run(50);
  refuse(first, 100);
  ASSERT_EQ(alice.reached.size(), 1U);
  EXPECT_EQ(alice.reached[0].address, first.address());
  run(10'000);
  EXPECT_EQ(invited(), std::pair(true, false));
  EXPECT_FALSE(alice.endings.contains(session.value()));
}

TEST_F(FailoverTest, OfManyTargetsTenAreTried) {
  OutgoingCall call = alice.callTo(first);
  call.targets.clear();
  for (std::uint16_t port = 6'000; port < 6'032; ++port) {
    Target target = first.target();
    target.address.port = port;
    call.targets.push_back(target);
  }
  call.targetTimeout = Millis{100};
  OutgoingRequest ping;
  ping.to = call.to;
  ping.from = call.from;
  ping.targets = call.targets;
  ping.timeout = Millis{100};
  alice.ua.invite(std::move(call), net.now);
  run(5'000);
  EXPECT_EQ(std::ranges::count(alice.traces, "> INVITE " + Uri::sip("bob", first.ip()).toString()), 10);
  alice.ua.request(std::move(ping), net.now);
  run(5'000);
  EXPECT_EQ(net.count(" OPTIONS "), 10U);
  EXPECT_TRUE(alice.has("done 408 sip.timeout"));
}

}  // namespace
}  // namespace parley::sip
