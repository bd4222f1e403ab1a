// What happens to a call: step(state, event) → {state, actions}. Pure: no clock, no I/O, no memory of its
// own. Whoever runs it (calls.h) carries the actions out in order, after the new state was stored.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gateway/call_event.h"
#include "gateway/call_state.h"
#include "gateway/call_view.h"

namespace parley::gateway {

enum class PhoneOp {
  invite,
  ring,
  answer,
  reject,
  hangUp,
  offer,
  answerOffer,
  refuseOffer,
  dtmf,
  refer,
  referProgress
};
std::string_view toString(PhoneOp op);

namespace action {
/// The state changed: store it before anything after it leaves.
struct Persist {};
struct Broker {
  BrokerRequest request;
};
/// After it nothing is asked of the broker for this call.
struct BrokerDelete {};
/// What is asked of a phone (phones.h).
struct Phone {
  PhoneOp op{};
  std::string leg;
  std::string sdp;     ///< invite, ring, answer, offer, answerOffer
  int status = 0;      ///< reject, refuseOffer, referProgress
  std::string text;    ///< reject; hangUp: cause; dtmf: digits; refer: target
  std::string other;   ///< refer: the leg in whose place; invite: the leg that asked
  std::string number;  ///< invite: the destination.
  std::string replaces;
};
/// The `call` message as it is when this leaves.
struct SendCall {
  Side side{};
  std::string request;
};
struct SendSdp {
  Side side{};
  bool offer = false;
  std::string sdp, request;
  bool video = false;  ///< offer
};
struct SendDtmf {
  Side side{};
  std::string digits;
};
struct SendError {
  std::string session, reason, text, request;
};
/// A message to a page that is no party: it rings, or is out of it. `fields` as from ringFields().
struct SendPage {
  std::string session;
  std::string type;  ///< incoming, call
  std::string fields, sdp, request;
};
/// The hunt group's next one, please: event::MemberChosen follows.
struct NextMember {};
/// The other call of a consult: it ends (event::Absorbed), or its leg needs our offer again after a transfer
/// that did not come about (event::Renegotiate).
struct OtherCall {
  std::string call, leg;
  bool absorb = true;
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
    std::variant<action::Persist, action::Broker, action::BrokerDelete, action::Phone, action::SendCall,
                 action::SendSdp, action::SendDtmf, action::SendError, action::SendPage, action::NextMember,
                 action::OtherCall, action::StartTimer, action::StopTimer, action::Finish>;

struct Step {
  CallState state;
  std::vector<Action> actions;
};
Step step(const CallState& state, const Event& event);

/// The reason for a broker's refusal or failure ("sdp.no_common_codec", "net.timeout", …).
EndReason endReasonOfBrokerError(std::string_view reason);

/// What the gateway has to know of a description, by its m= and a= lines only; the broker reads it in full.
bool hasVideo(std::string_view sdp);
bool hasTelephoneEvent(std::string_view sdp);

}  // namespace parley::gateway
