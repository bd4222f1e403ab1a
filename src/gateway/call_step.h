// What happens to a call: step(state, event) → {state, actions}. Pure: no clock, no I/O, no memory of its
// own. Whoever runs it (calls.h) carries the actions out in order, after the new state was stored.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "gateway/call_state.h"

namespace parley::gateway {

namespace event {
/// The consumer dials. `refusal` other than none: a rule or the agent's presence forbids it.
struct Dialled {
  std::string request;
  EndReason refusal = EndReason::none;
};
struct Answered {
  std::string sdp, request;
};
struct Rejected {
  bool busy = false;
  std::string request;
};
struct HungUp {
  Side side{};
  std::string request;
};
struct Muted {
  Side side{};
  bool audio = false, video = false;
  std::string request;
};
/// A new offer of a side that goes on in the same call: ICE restart or a new peer connection.
struct Restarted {
  Side side{};
  std::string sdp, request;
};
struct DtmfSent {
  Side side{};
  std::string digits, request;
};
/// The page's own view of the call, for the timeline only. `report` is JSON.
struct StatsReported {
  Side side{};
  std::string report;
};
struct SessionLost {
  Side side{};
};
/// `fresh`: a new page (reload, other window) that knows nothing of the call yet.
struct SessionBack {
  Side side{};
  std::string session;
  bool fresh = false;
};
struct SessionGone {
  Side side{};
  bool left = false;  ///< Said so itself; else its time ran out.
};
/// Answers of the broker. An error's reason is the broker's or the network's.
struct BrokerCreated {
  base::Result<std::string> broker;
};
struct BrokerOffered {
  base::Result<std::string> offer;
};
struct BrokerAnswered {
  base::Result<std::string> answer;
};
struct BrokerAnsweredLocally {
  Side side{};
  std::string request;
  base::Result<std::string> answer;
};
enum class LegChange { iceUp, iceDown, dtlsUp, dtlsDown, other };
struct LegChanged {
  Side side{};
  LegChange change{};
  std::string what;    ///< The broker's word, for the timeline.
  std::string detail;  ///< JSON, for the timeline.
};
/// The broker went away, began anew, or removed the call by itself.
struct BrokerGone {
  EndReason reason = EndReason::brokerLost;
};
struct ServerStopping {};
}  // namespace event

enum class CallTimer { ring, media, consumerMedia, agentMedia };
constexpr std::size_t kCallTimers = static_cast<std::size_t>(CallTimer::agentMedia) + 1;
std::string_view toString(CallTimer timer);
namespace event {
struct TimerFired {
  CallTimer timer{};
};
}  // namespace event

struct Event {
  std::int64_t at = 0;  ///< Milliseconds since 1970.
  std::variant<event::Dialled, event::Answered, event::Rejected, event::HungUp, event::Muted,
               event::Restarted, event::DtmfSent, event::StatsReported, event::SessionLost,
               event::SessionBack, event::SessionGone, event::BrokerCreated, event::BrokerOffered,
               event::BrokerAnswered, event::BrokerAnsweredLocally, event::LegChanged, event::BrokerGone,
               event::TimerFired, event::ServerStopping>
      what;
};

namespace action {
/// The state changed: store it before anything after it leaves.
struct Persist {};
struct BrokerCreate {};
struct BrokerOffer {
  std::string sdp;
};
struct BrokerAnswer {
  std::string sdp;
};
struct BrokerAnswerLocally {
  Side side{};
  std::string sdp, request;
};
/// After it nothing is asked of the broker for this call.
struct BrokerDelete {};
/// `incoming`: with the offer, the page rings.
struct SendCall {
  Side side{};
  std::string request;
  bool incoming = false;
};
struct SendSdp {
  Side side{};
  std::string sdp, request;
};
struct SendDtmf {
  Side side{};
  std::string digits;
};
struct SendError {
  Side side{};
  std::string reason, text, request;
};
struct StartTimer {
  CallTimer timer{};
  std::int64_t millis = 0;
};
struct StopTimer {
  CallTimer timer{};
};
/// The call is over: all timers stop, the stored state goes, the record stays. Always the last.
struct Finish {};
}  // namespace action

using Action =
    std::variant<action::Persist, action::BrokerCreate, action::BrokerOffer, action::BrokerAnswer,
                 action::BrokerAnswerLocally, action::BrokerDelete, action::SendCall, action::SendSdp,
                 action::SendDtmf, action::SendError, action::StartTimer, action::StopTimer, action::Finish>;

struct Step {
  CallState state;
  std::vector<Action> actions;
};
Step step(const CallState& state, const Event& event);

/// The reason for a broker's refusal or failure ("sdp.no_common_codec", "net.timeout", …).
EndReason endReasonOfBrokerError(std::string_view reason);

}  // namespace parley::gateway
