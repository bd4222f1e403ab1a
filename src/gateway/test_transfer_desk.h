// For tests: what stories of hunt groups, consults, transfers and a server that dies share.
#pragma once
#include <string>
#include <utility>

#include "gateway/call_view.h"
#include "gateway/test_desk.h"

namespace parley::gateway::rig {

class TransferTest : public DeskTest {
 protected:
  TransferTest() : DeskTest({.second = true}) {}
  /// The agent calls a phone: a consult if it has a call. Gives call and leg.
  std::pair<std::string, std::string> agentToPhone() {
    phones().invited = {};
    agent_->send("dial", {{"destination", "3001"}, {"sdp", "v=0 consult"}});
    sees([&] { return !phones().invited.leg.empty(); });
    const std::string leg = phones().invited.leg;
    const std::string call = phones().invited.call;
    phones().answers(leg, kPhoneSdp);
    brokers().leg(call, Side::agent, event::LegChange::dtlsUp);
    sees([&] {
      const auto* state = rig_->calls->find(call);
      return state != nullptr && state->phase == CallPhase::connected;
    });
    return {call, leg};
  }
  static Json withTransfer(Page& page, const std::string& state) {
    return page.expect(
        "call", [&](const Json& c) { return c.contains("transfer") && c["transfer"]["state"] == state; });
  }
  const CallState& stateOf(const std::string& id) {
    static const CallState none;
    const auto* state = rig_->calls->find(id);
    EXPECT_NE(state, nullptr);
    return state != nullptr ? *state : none;
  }
  static Rig::Options withGroup(HuntStrategy strategy) {
    Rig::Options options;
    options.desk.groups.push_back({.name = "support",
                                   .number = "9000",
                                   .label = "Support",
                                   .members = {"agent1", "agent2"},
                                   .strategy = strategy,
                                   .memberMillis = 500,
                                   .overflowMillis = 5'000,
                                   .autoAnswer = true});
    return options;
  }
};

}  // namespace parley::gateway::rig
