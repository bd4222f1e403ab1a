// A phone of which nothing is heard any more, and who may call phones at all.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/call_step.h"
#include "gateway/settings.h"
#include "gateway/test_rig.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using What = decltype(Event::what);

CallState talk() {
  CallState s;
  s.id = "c";
  s.phase = CallPhase::connected;
  s.broker = "b1";
  s.startedAt = s.answeredAt = s.connectedAt = 1000;
  s.consumer.session = "sc";
  s.consumer.leg = "consumer";
  s.consumer.told = s.consumer.iceUp = s.consumer.dtlsUp = true;
  s.agent.kind = PartyKind::phone;
  s.agent.leg = "p1";
  s.agent.dialog = s.agent.called = true;
  return s;
}
What silent(const std::string& leg = "p1") {
  return event::LegChanged{leg, LegChange::silent, "rtp-timeout", "{}", 20'000};
}
What heard(const std::string& leg = "p1") {
  return event::LegChanged{leg, LegChange::heard, "rtp-connected", "{}", 0};
}
std::optional<std::int64_t> begun(const Step& step) {
  for (const Action& action : step.actions) {
    const auto* timer = std::get_if<action::StartTimer>(&action);
    if (timer != nullptr && timer->timer == CallTimer::silence) return timer->millis;
  }
  return std::nullopt;
}
bool stopped(const Step& step) {
  return std::ranges::any_of(step.actions, [](const Action& action) {
    const auto* timer = std::get_if<action::StopTimer>(&action);
    return timer != nullptr && timer->timer == CallTimer::silence;
  });
}
const What kFired = event::TimerFired{CallTimer::silence};

TEST(PhoneSilence, EndsTheCallWhenItsTimeIsOver) {
  const Step told = step(talk(), {100'000, silent()});
  EXPECT_EQ(begun(told), 40'000) << "20 s of the 60 are over";
  const Step ended = step(told.state, {140'000, kFired});
  EXPECT_EQ(ended.state.phase, CallPhase::ended);
  EXPECT_EQ(ended.state.reason, EndReason::phoneSilent);
  EXPECT_EQ(ended.state.by, EndedBy::system);
}

TEST(PhoneSilence, AShortOneIsForgotten) {
  const Step told = step(talk(), {100'000, silent()});
  const Step back = step(told.state, {110'000, heard()});
  EXPECT_TRUE(stopped(back));
  EXPECT_EQ(step(back.state, {140'000, kFired}).state.phase, CallPhase::connected) << "a timer that crossed";
}

TEST(PhoneSilence, OnHoldNobodyNeedBeHeard) {
  const Step told = step(talk(), {100'000, silent()});
  const Step held = step(told.state, {110'000, event::HoldAsked{"sc", true, ""}});
  EXPECT_TRUE(stopped(held));
  EXPECT_EQ(step(held.state, {140'000, kFired}).state.phase, CallPhase::connected);
  EXPECT_FALSE(begun(step(held.state, {150'000, silent()}))) << "a word that crossed the hold";
  const Step resumed = step(held.state, {200'000, event::HoldAsked{"sc", false, ""}});
  EXPECT_EQ(begun(step(resumed.state, {220'000, silent()})), 40'000) << "it is counted anew";
}

TEST(PhoneSilence, OffWhereItIsSetSo) {
  CallState state = talk();
  state.times.silence = 0;
  const Step told = step(state, {100'000, silent()});
  EXPECT_FALSE(begun(told));
  EXPECT_EQ(step(told.state, {500'000, kFired}).state.phase, CallPhase::connected);
}

TEST(PhoneSilence, APageThatIsSilentIsNoPhone) {
  EXPECT_FALSE(begun(step(talk(), {100'000, silent("consumer")})));
}

TEST(PhoneSilence, OfTwoPhonesTheOneThatIsSilentLonger) {
  CallState state = talk();
  state.consumer = state.agent;
  state.consumer.leg = "p0";
  const Step first = step(state, {100'000, silent("p0")});
  const Step second = step(first.state, {110'000, silent("p1")});
  EXPECT_FALSE(begun(second));
  const Step back = step(second.state, {115'000, heard("p0")});
  EXPECT_EQ(begun(back), 35'000) << "p1 is silent since 90 s";
}

TEST(PhoneSilence, GoesOnInAnotherProcess) {
  const Step told = step(talk(), {100'000, silent()});
  const auto stored = deserialise(serialise(told.state));
  ASSERT_TRUE(stored);
  EXPECT_EQ(*stored, told.state);
  EXPECT_EQ(begun(step(*stored, {120'000, event::TakenOver{}})), 20'000);
}

class PhoneRights : public ::testing::Test {
 protected:
  void make(CallDeskOptions desk) {
    page_.reset();
    rig_ = std::make_unique<rig::Rig>(rig::RigOptions{.sessions = {}, .desk = std::move(desk)});
  }
  void TearDown() override { page_.reset(); }
  /// "" when the phone was called, else why not.
  std::string dial(const identity::CallToken& token, const std::string& destination) {
    page_ = rig_->consumer(token);
    if (!page_->hello()) return "no welcome";
    rig_->phones.invited = {};
    page_->send("dial", {{"destination", destination}, {"sdp", "v=0"}});
    const Json call =
        page_->expect("call", [](const Json& c) { return c["state"] == "ringing" || c["state"] == "ended"; });
    if (call.is_null()) return "nothing";
    const std::string end = call["state"] == "ended" ? call["reason"].get<std::string>() : "";
    if (end.empty()) {
      EXPECT_TRUE(rig_->until([&] { return !rig_->phones.invited.leg.empty(); }));
      page_->send("end", {{"call", call["call"]}});
      page_->expectCall("ended");
    } else {
      EXPECT_GT(call["text"].get<std::string>().size(), 10u);
      EXPECT_TRUE(rig_->phones.invited.leg.empty());
    }
    return end;
  }
  std::unique_ptr<rig::Rig> rig_;
  std::unique_ptr<rig::Page> page_;
};

TEST_F(PhoneRights, AStrangersPageCallsNoPhones) {
  make({});
  EXPECT_EQ(dial({}, "2001"), "phones_not_allowed");
  EXPECT_EQ(dial({}, "sip:2001@pbx.example"), "phones_not_allowed");
  EXPECT_EQ(dial({.destination = "2001"}, ""), "phones_not_allowed")
      << "it may have asked for that token itself";
  EXPECT_EQ(dial({.phonesAllowed = true}, "2001"), "") << "an application with an id";
  EXPECT_EQ(dial({.destination = "2001", .phonesAllowed = true}, ""), "");
}

TEST_F(PhoneRights, TheDefaultDestinationMayBeAPhone) {
  CallDeskOptions desk;
  desk.destinations.fallback = "2001";
  make(desk);
  EXPECT_EQ(dial({}, ""), "");
  EXPECT_EQ(dial({}, "2002"), "phones_not_allowed");
}

TEST_F(PhoneRights, AnAdministratorAllowsIt) {
  base::Settings settings;
  declareSettings(settings);
  EXPECT_FALSE(callDeskOptions(settings).destinations.phones);
  EXPECT_FALSE(settings.setText("gateway.consumer_access_number_regex", "20\\d\\d"));
  make(callDeskOptions(settings));
  EXPECT_EQ(dial({}, "2001"), "");
  EXPECT_EQ(dial({}, "2101"), "destination_refused");
  EXPECT_FALSE(settings.setText("gateway.consumer_access_number_regex", " "));
  EXPECT_FALSE(callDeskOptions(settings).destinations.phones);
  EXPECT_FALSE(settings.setText("gateway.anonymous_phone_calls", "true"));
  EXPECT_TRUE(callDeskOptions(settings).destinations.phones);
}

}  // namespace
}  // namespace parley::gateway
