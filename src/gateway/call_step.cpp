#include "gateway/call_step.h"

#include <algorithm>

namespace parley::gateway {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

class Stepper {
 public:
  Stepper(const CallState& before, const Event& event) : before_(before), s_(before), event_(event) {}

  Step run() {
    if (const auto* request = requestOfAgent(); request != nullptr && !s_.agentTold) {
      act(action::SendError{Side::agent, "call.unknown", "There is no such call.", *request});
      return {std::move(s_), std::move(actions_)};
    }
    switch (s_.phase) {
      case CallPhase::idle:
        inIdle();
        break;
      case CallPhase::allocating:
        inAllocating();
        break;
      case CallPhase::offering:
        inOffering();
        break;
      case CallPhase::ringing:
        inRinging();
        break;
      case CallPhase::answering:
        inAnswering();
        break;
      case CallPhase::connecting:
        inConnecting();
        break;
      case CallPhase::connected:
        inAnyLive();
        break;
      case CallPhase::ended:
        inEnded();
        break;
    }
    settleMedia();
    sendChangedViews();
    if (s_ != before_) actions_.insert(actions_.begin(), action::Persist{});
    if (finished_) actions_.push_back(action::Finish{});
    return {std::move(s_), std::move(actions_)};
  }

 private:
  template <class T>
  const T* is() const {
    return std::get_if<T>(&event_.what);
  }
  template <class T>
  void act(T action) {
    actions_.push_back(std::move(action));
  }
  bool fired(CallTimer timer) const {
    const auto* expiry = is<event::TimerFired>();
    return expiry != nullptr && expiry->timer == timer;
  }

  /// The request id when the event is a request of the agent's page, else null. An agent cannot know of a
  /// call before it rings.
  const std::string* requestOfAgent() const {
    const auto ofAgent = [](const auto* e) {
      return e != nullptr && e->side == Side::agent ? &e->request : nullptr;
    };
    if (const auto* answered = is<event::Answered>()) return &answered->request;
    if (const auto* rejected = is<event::Rejected>()) return &rejected->request;
    if (const auto* request = ofAgent(is<event::HungUp>())) return request;
    if (const auto* request = ofAgent(is<event::Muted>())) return request;
    if (const auto* request = ofAgent(is<event::Restarted>())) return request;
    return ofAgent(is<event::DtmfSent>());
  }

  void inIdle() {
    const auto* dialled = is<event::Dialled>();
    if (dialled == nullptr) return;
    s_.startedAt = event_.at;
    s_.phase = CallPhase::allocating;
    act(action::SendCall{Side::consumer, dialled->request});
    if (dialled->refusal != EndReason::none) {
      end(dialled->refusal, EndedBy::system, false);
    } else {
      act(action::BrokerCreate{});
    }
  }

  void inAllocating() {
    const auto* created = is<event::BrokerCreated>();
    if (created == nullptr) return inAnyLive();
    if (!created->broker) return endByBroker(created->broker.error().reason);
    s_.broker = *created->broker;
    s_.phase = CallPhase::offering;
    act(action::BrokerOffer{std::move(s_.offer)});
    s_.offer.clear();
  }

  void inOffering() {
    const auto* offered = is<event::BrokerOffered>();
    if (offered == nullptr) return inAnyLive();
    if (!offered->offer) return endByBroker(offered->offer.error().reason);
    s_.offerForAgent = *offered->offer;
    s_.phase = CallPhase::ringing;
    s_.agentTold = true;
    act(action::SendCall{Side::agent, "", true});
    act(action::StartTimer{CallTimer::ring, s_.times.ring});
  }

  void inRinging() {
    if (const auto* answered = is<event::Answered>()) {
      s_.answeredAt = event_.at;
      s_.phase = CallPhase::answering;
      s_.offerForAgent.clear();
      act(action::StopTimer{CallTimer::ring});
      act(action::SendCall{Side::agent, answered->request});
      act(action::BrokerAnswer{answered->sdp});
    } else if (const auto* rejected = is<event::Rejected>()) {
      act(action::SendCall{Side::agent, rejected->request});
      end(rejected->busy ? EndReason::busy : EndReason::rejected, EndedBy::agent);
    } else if (fired(CallTimer::ring)) {
      end(EndReason::noAnswer, EndedBy::system);
    } else {
      inAnyLive();
    }
  }

  void inAnswering() {
    const auto* answered = is<event::BrokerAnswered>();
    if (answered == nullptr) return inAnyLive();
    if (!answered->answer) return endByBroker(answered->answer.error().reason);
    s_.phase = CallPhase::connecting;
    act(action::SendSdp{Side::consumer, *answered->answer, ""});
    act(action::StartTimer{CallTimer::media, s_.times.media});
  }

  void inConnecting() {
    if (fired(CallTimer::media)) return end(EndReason::mediaFailed, EndedBy::system);
    inAnyLive();
  }

  /// What means the same from allocating to connected. What belongs to another phase (a late answer of the
  /// broker, a timer that was stopped meanwhile) falls through without effect.
  void inAnyLive() {
    std::visit(
        Overloaded{[this](const event::HungUp& e) { onHungUp(e); },
                   [this](const event::Muted& e) { onMuted(e); },
                   [this](const event::Restarted& e) { onRestarted(e); },
                   [this](const event::DtmfSent& e) { onDtmf(e); },
                   [this](const event::SessionLost& e) { s_.party(e.side).sessionUp = false; },
                   [this](const event::SessionBack& e) { onSessionBack(e); },
                   [this](const event::SessionGone& e) { onSessionGone(e); },
                   [this](const event::BrokerAnsweredLocally& e) { onAnsweredLocally(e); },
                   [this](const event::LegChanged& e) { onLegChanged(e); },
                   [this](const event::BrokerGone& e) { end(e.reason, EndedBy::system); },
                   [this](const event::TimerFired& e) { onMediaLostForTooLong(e); },
                   [this](const event::ServerStopping&) { end(EndReason::serverStopping, EndedBy::system); },
                   [this](const event::Answered& e) { refuse(Side::agent, "call.wrong_state", e.request); },
                   [this](const event::Rejected& e) { refuse(Side::agent, "call.wrong_state", e.request); },
                   [](const event::StatsReported&) {}, [](const event::Dialled&) {},
                   [](const event::BrokerCreated&) {}, [](const event::BrokerOffered&) {},
                   [](const event::BrokerAnswered&) {}},
        event_.what);
  }

  void inEnded() {
    if (const auto* hungUp = is<event::HungUp>()) {
      act(action::SendCall{hungUp->side, hungUp->request});  // Both ended it at once: no error.
    } else if (const auto* answered = is<event::Answered>()) {
      refuse(Side::agent, "call.ended", answered->request);
    } else if (const auto* rejected = is<event::Rejected>()) {
      act(action::SendCall{Side::agent, rejected->request});
    } else if (const auto* restarted = is<event::Restarted>()) {
      refuse(restarted->side, "call.ended", restarted->request);
    } else if (const auto* muted = is<event::Muted>()) {
      refuse(muted->side, "call.ended", muted->request);
    } else if (const auto* dtmf = is<event::DtmfSent>()) {
      refuse(dtmf->side, "call.ended", dtmf->request);
    }
  }

  void onHungUp(const event::HungUp& e) {
    act(action::SendCall{e.side, e.request});
    if (s_.answeredAt != 0) return end(EndReason::hungUp, endedBy(e.side));
    end(e.side == Side::consumer ? EndReason::cancelled : EndReason::rejected, endedBy(e.side));
  }

  void onMuted(const event::Muted& e) {
    s_.party(e.side).mutedAudio = e.audio;
    s_.party(e.side).mutedVideo = e.video;
    if (!e.request.empty()) act(action::SendCall{e.side, e.request});
  }

  void onRestarted(const event::Restarted& e) {
    if (s_.answeredAt == 0) return refuse(e.side, "call.wrong_state", e.request);
    act(action::BrokerAnswerLocally{e.side, e.sdp, e.request});
  }

  void onDtmf(const event::DtmfSent& e) {
    if (s_.answeredAt == 0) return refuse(e.side, "call.wrong_state", e.request);
    act(action::SendDtmf{otherSide(e.side), e.digits});
    if (!e.request.empty()) act(action::SendCall{e.side, e.request});
  }

  void onSessionBack(const event::SessionBack& e) {
    Party& party = s_.party(e.side);
    party.session = e.session;
    party.sessionUp = true;
    if (!e.fresh) return;
    // Until it restarted the media: nothing of the old page's connection is worth anything.
    if (s_.answeredAt != 0) party.awaitingMedia = true;
    if (s_.phase == CallPhase::ringing && e.side == Side::agent) act(action::SendCall{Side::agent, "", true});
  }

  void onSessionGone(const event::SessionGone& e) {
    s_.party(e.side).sessionUp = false;
    if (e.side == Side::consumer) {
      end(e.left ? EndReason::consumerLeft : EndReason::consumerLost, EndedBy::consumer);
    } else {
      end(e.left ? EndReason::agentLeft : EndReason::agentLost, EndedBy::agent);
    }
    if (!e.left) s_.by = EndedBy::system;
  }

  void onAnsweredLocally(const event::BrokerAnsweredLocally& e) {
    if (e.answer) return act(action::SendSdp{e.side, *e.answer, e.request});
    const std::string& reason = e.answer.error().reason;
    if (reason == "call.unknown") return end(EndReason::brokerLost, EndedBy::system);
    act(action::SendError{e.side, reason, e.answer.error().text, e.request});
  }

  void onLegChanged(const event::LegChanged& e) {
    Party& party = s_.party(e.side);
    switch (e.change) {
      case event::LegChange::iceUp:
        party.iceUp = true;
        party.awaitingMedia = false;
        break;
      case event::LegChange::dtlsUp:
        party.iceUp = party.dtlsUp = true;
        party.awaitingMedia = false;
        break;
      case event::LegChange::iceDown:
        party.iceUp = false;
        break;
      case event::LegChange::dtlsDown:
        party.dtlsUp = false;
        break;
      case event::LegChange::other:
        break;
    }
  }

  void onMediaLostForTooLong(const event::TimerFired& e) {
    if (s_.phase != CallPhase::connected) return;
    for (const Side side : {Side::consumer, Side::agent}) {
      if (e.timer != timerOf(side) || s_.party(side).legGood()) continue;
      if (s_.party(side).sessionUp) return end(EndReason::mediaFailed, EndedBy::system);
      return end(side == Side::consumer ? EndReason::consumerLost : EndReason::agentLost, EndedBy::system);
    }
  }

  void refuse(Side side, const char* reason, const std::string& request) {
    const bool ended = s_.phase == CallPhase::ended;
    act(action::SendError{side, reason,
                          ended ? "The call has already ended." : "The call is in another state.", request});
  }

  void endByBroker(std::string_view reason) { end(endReasonOfBrokerError(reason), EndedBy::system); }

  void end(EndReason reason, EndedBy by, bool brokerHasIt = true) {
    s_.phase = CallPhase::ended;
    s_.reason = reason;
    s_.by = by;
    s_.endedAt = event_.at;
    s_.offer.clear();
    s_.offerForAgent.clear();
    if (brokerHasIt) act(action::BrokerDelete{});
    finished_ = true;
  }

  static CallTimer timerOf(Side side) {
    return side == Side::consumer ? CallTimer::consumerMedia : CallTimer::agentMedia;
  }

  /// Connecting becomes connected when both legs are good; in a connected call a leg that is not good has
  /// its own limited time.
  void settleMedia() {
    if (s_.phase == CallPhase::connecting && s_.consumer.legGood() && s_.agent.legGood()) {
      s_.phase = CallPhase::connected;
      s_.connectedAt = event_.at;
      act(action::StopTimer{CallTimer::media});
    }
    if (s_.phase != CallPhase::connected || before_.phase != CallPhase::connected) return;
    for (const Side side : {Side::consumer, Side::agent}) {
      const bool good = s_.party(side).legGood();
      if (good == before_.party(side).legGood()) continue;
      if (good) {
        act(action::StopTimer{timerOf(side)});
      } else {
        act(action::StartTimer{timerOf(side), s_.times.lost});
      }
    }
  }

  /// Each side is told of every change that it can see, once.
  void sendChangedViews() {
    for (const Side side : {Side::consumer, Side::agent}) {
      if (side == Side::agent && !s_.agentTold) continue;
      const bool told = std::ranges::any_of(actions_, [side](const Action& action) {
        const auto* sent = std::get_if<action::SendCall>(&action);
        return sent != nullptr && sent->side == side;
      });
      if (!told && viewOf(s_, side) != viewOf(before_, side)) act(action::SendCall{side, ""});
    }
  }

  const CallState& before_;
  CallState s_;
  const Event& event_;
  std::vector<Action> actions_;
  bool finished_ = false;
};

}  // namespace

std::string_view toString(CallTimer timer) {
  switch (timer) {
    case CallTimer::ring:
      return "ring";
    case CallTimer::media:
      return "media";
    case CallTimer::consumerMedia:
      return "consumer media";
    case CallTimer::agentMedia:
      return "agent media";
  }
  return "";
}

EndReason endReasonOfBrokerError(std::string_view reason) {
  if (reason == "broker.overloaded" || reason == "broker.draining" || reason == "broker.full") {
    return EndReason::brokerOverloaded;
  }
  if (reason.starts_with("sdp.")) return EndReason::sdpRefused;
  if (reason == "call.unknown" || reason == "leg.unknown") return EndReason::brokerLost;
  return EndReason::brokerDown;
}

Step step(const CallState& state, const Event& event) { return Stepper(state, event).run(); }

}  // namespace parley::gateway
