// Stored calls that are damaged or hostile: what deserialises must serialise to the same call, and step()
// must bear it in any state.
#include <cstdlib>

#include "gateway/call_step.h"

using namespace parley::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto state = deserialise({reinterpret_cast<const char*>(data), size});
  if (!state) return 0;
  // Bytes that are not UTF-8 cannot come out of a parse, so the round trip is exact.
  if (deserialise(serialise(*state)) != *state) std::abort();
  static_cast<void>(callFields(*state, Side::consumer));
  static_cast<void>(callFields(*state, Side::agent));
  static_cast<void>(ringFields(*state, {}, true));
  const std::string& session = state->consumer.session;
  const std::string& leg = state->agent.leg;
  event::BrokerDone done;
  done.asked.op = BrokerOp::bridge;
  done.asked.leg = state->consumer.leg;
  done.reply = BrokerReply{"v=0", false, {leg, session, leg}};
  const Event events[] = {{1, event::HungUp{session, "r"}},
                          {2, event::SessionBack{state->agent.session, "s", true}},
                          {3, event::LegChanged{leg, event::LegChange::dtlsUp, "x", "{}", 0}},
                          {4, event::TimerFired{CallTimer::ring}},
                          {5, event::TimerFired{CallTimer::transfer}},
                          {6, event::ServerStopping{}},
                          {7, event::PhoneEnded{leg, "sip.bye", ""}},
                          {8, event::PhoneOffer{leg, "m=video 1 RTP/AVP 96\r\n"}},
                          {9, event::Answered{session, "v=0", "r"}},
                          {10, event::MemberChosen{}},
                          {11, event::TransferCancelled{session, "r"}},
                          {12, event::HoldAsked{session, true, "r"}},
                          {13, event::TakenOver{{leg}}},
                          {14, event::Absorbed{leg}},
                          {15, done},
                          {16, event::ConferenceSet{session, "c", leg, "r"}},
                          {17, event::AssistShared{session}}};
  for (const Event& event : events) {
    const Step next = step(*state, event);
    if (deserialise(serialise(next.state)) != next.state) std::abort();
    if (next.state.phase == CallPhase::ended && state->phase != CallPhase::ended &&
        !phoneLegs(next.state).empty()) {
      std::abort();
    }
  }
  return 0;
}
