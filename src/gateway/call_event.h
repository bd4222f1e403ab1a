// What may happen to a call. Pages are known by their session, phones and legs by the leg's id.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "gateway/call_state.h"
#include "gateway/media_brokers.h"

namespace parley::gateway {

enum class CallTimer { ring, member, media, consumerMedia, agentMedia, offer, transfer, silence };
constexpr std::size_t kCallTimers = static_cast<std::size_t>(CallTimer::silence) + 1;
std::string_view toString(CallTimer timer);

namespace event {
/// The caller dials. `refusal` other than none: a rule or the agent's presence forbids it.
struct Dialled {
  std::string request;
  EndReason refusal = EndReason::none;
};
// ---- what pages ask for ----
/// Takes the call, or answers an offer made in it.
struct Answered {
  std::string session, sdp, request;
};
struct Rejected {
  std::string session;
  bool busy = false;
  std::string request;
};
struct HungUp {
  std::string session, request;
};
struct Muted {
  std::string session;
  bool audio = false, video = false;
  std::string request;
};
/// A new offer of a side that goes on in the same call: ICE restart or a new peer connection.
struct Restarted {
  std::string session, sdp, request;
};
enum class DtmfMethod { unsaid, media, info, both };
struct DtmfSent {
  std::string session, digits, request;
  DtmfMethod method{};
};
/// The customer's page has opened a shared session beside the call, or has closed it (empty).
struct AssistOpened {
  std::string session, cid, request;
};
/// The same, in the call with which an exchange brought the customer back to us (CallDesk::shareAssist).
struct AssistShared {
  std::string cid;
};
struct HoldAsked {
  std::string session;
  bool held = false;
  std::string request;
};
/// An agent's page mixes this call with another one of its own, or does so no longer (`other` is empty).
struct ConferenceSet {
  std::string session, other;
  std::string with;  ///< For people: who is at the other call's far end.
  std::string request;
};
/// An offer for the other side, in an answered call.
struct OfferMade {
  std::string session, sdp;
  bool audio = true, video = true;
  std::string request;
};
/// The page's own view of the call, for the timeline only. `report` is JSON.
struct StatsReported {
  std::string session, report;
};
/// From a page (`session`) or by a phone's REFER (`leg`). What the destination means was looked up before.
struct TransferAsked {
  std::string session, leg, request;
  std::string to;  ///< For people.
  EndReason refusal = EndReason::none;
  Party target;
  std::vector<RingingPage> ringing;
  Hunt hunt;
  std::string otherCall, replaces;
};
struct TransferCancelled {
  std::string session, request;
};
// ---- sessions ----
struct SessionLost {
  std::string session;
  bool leaves = false;  ///< Its page was left: another may follow.
};
/// `fresh`: a new page (reload, other window) that knows nothing of the call yet.
struct SessionBack {
  std::string before, session;
  bool fresh = false;
};
struct SessionGone {
  std::string session;
  bool left = false;  ///< Said so itself; else its time ran out.
};
// ---- hunt groups ----
/// The next one to ring; nothing: nobody is left.
struct MemberChosen {
  std::vector<RingingPage> pages;
};
// ---- phones (phones.h) ----
struct PhoneProgress {
  std::string leg;
  int status = 0;
  std::string sdp;
};
struct PhoneAnswered {
  std::string leg, sdp;
};
struct PhoneFailed {
  std::string leg;
  int status = 0;
  std::string reason, text;
};
struct PhoneOffer {
  std::string leg, sdp;
};
struct PhoneOfferAnswered {
  std::string leg, sdp;
};
struct PhoneOfferFailed {
  std::string leg;
  int status = 0;
  std::string reason;
};
struct PhoneDtmf {
  std::string leg, digits;
  bool inMedia = false;     ///< RFC 4733, found by the broker, which passes it on, too; else INFO.
  std::int64_t millis = 0;  ///< inMedia: how long the key was down.
  std::size_t repeats = 0;  ///< Keys that were heard the other way before; not among `digits`.
};
struct PhoneReferred {
  std::string leg;
  int status = 0;
};
struct PhoneEnded {
  std::string leg, reason, text;
};
/// An INVITE with Replaces (RFC 3891) of `replaced`.
struct PhoneReplaces {
  std::string replaced;
  Party phone;
  std::string sdp;
};
// ---- the broker ----
struct BrokerDone {
  BrokerRequest asked;
  base::Result<BrokerReply> reply;
};
enum class LegChange { iceUp, iceDown, dtlsUp, dtlsDown, silent, heard, other };
struct LegChanged {
  std::string leg;
  LegChange change{};
  std::string what;               ///< The broker's word, for the timeline.
  std::string detail;             ///< JSON, for the timeline.
  std::int64_t silentMillis = 0;  ///< silent: for how long already.
};
/// The leg's settled description does not fit any more: it needs an offer of ours.
struct Renegotiate {
  std::string leg;
};
/// The broker went away, began anew, or removed the call by itself.
struct BrokerGone {
  EndReason reason = EndReason::brokerLost;
};
// ---- the server ----
/// The other call of a consult took over: this one ends. `leg` lives on there.
struct Absorbed {
  std::string leg;
};
/// Another process had the call. `lostLegs`: phones whose dialog cannot be used any more.
struct TakenOver {
  std::vector<std::string> lostLegs;
};
struct ServerStopping {};
struct TimerFired {
  CallTimer timer{};
};
}  // namespace event

struct Event {
  std::int64_t at = 0;  ///< Milliseconds since 1970.
  std::variant<event::Dialled, event::Answered, event::Rejected, event::HungUp, event::Muted,
               event::Restarted, event::DtmfSent, event::AssistOpened, event::AssistShared, event::HoldAsked,
               event::ConferenceSet, event::OfferMade, event::StatsReported, event::TransferAsked,
               event::TransferCancelled, event::SessionLost, event::SessionBack, event::SessionGone,
               event::MemberChosen, event::PhoneProgress, event::PhoneAnswered, event::PhoneFailed,
               event::PhoneOffer, event::PhoneOfferAnswered, event::PhoneOfferFailed, event::PhoneDtmf,
               event::PhoneReferred, event::PhoneEnded, event::PhoneReplaces, event::BrokerDone,
               event::LegChanged, event::Renegotiate, event::BrokerGone, event::Absorbed, event::TakenOver,
               event::TimerFired, event::ServerStopping>
      what;
};

}  // namespace parley::gateway
