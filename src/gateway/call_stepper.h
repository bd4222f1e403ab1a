// One step of a call, inside: the working state of step(). Its functions are in call_step*.cpp, by topic.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "gateway/call_step.h"

namespace parley::gateway {

class Stepper {
 public:
  Stepper(const CallState& before, const Event& event) : before_(before), s_(before), event_(event) {}
  Step run();

 private:
  template <class T>
  const T* is() const {
    return std::get_if<T>(&event_.what);
  }
  template <class T>
  void act(T action) {
    actions_.push_back(std::move(action));
  }
  bool fired(CallTimer timer) const;
  void start(CallTimer timer, std::int64_t millis) { act(action::StartTimer{timer, millis}); }
  void stop(CallTimer timer) { act(action::StopTimer{timer}); }
  void broker(BrokerOp op, std::string leg, std::string other = {}, std::string sdp = {},
              std::string tag = {});
  void brokerFlag(BrokerOp op, std::string leg, bool flag);
  void phone(PhoneOp op, const std::string& leg, std::string sdp = {}, int status = 0, std::string text = {});

  // call_step.cpp: who is who, what means the same in every phase, the end.
  std::optional<std::pair<std::string, std::string>> pageRequest() const;
  bool knows(const std::string& session) const;
  std::optional<Side> sideOfSession(const std::string& session) const;
  std::optional<Side> sideOfLeg(const std::string& leg) const;
  RingingPage* ringingPage(const std::string& session);
  bool isTarget(const std::string& session) const;
  Side callee() const { return otherSide(s_.caller); }
  void inAnyLive();
  void inEnded();
  void onHungUp(const event::HungUp& e);
  void onMuted(const event::Muted& e);
  void onRestarted(const event::Restarted& e);
  void onDtmf(const event::DtmfSent& e);
  void onSessionLost(const event::SessionLost& e);
  void onSessionBack(const event::SessionBack& e);
  void onSessionGone(const event::SessionGone& e);
  void onLegChanged(const event::LegChanged& e);
  void onBrokerDone(const event::BrokerDone& e);
  void onAnsweredLocally(const event::BrokerDone& e);
  void onTimer(const event::TimerFired& e);
  void onTakenOver(const event::TakenOver& e);
  void refuse(const std::string& session, const char* reason, const std::string& request);
  void endByBroker(std::string_view reason) { end(endReasonOfBrokerError(reason), EndedBy::system); }
  void end(EndReason reason, EndedBy by, bool brokerHasIt = true);
  void dropPhone(Party& party, Side side);
  void settleMedia();
  static std::int64_t silentFrom(const CallState& s);
  void settleSilence();
  void sendChangedViews();

  // call_step_setup.cpp: from dialling to the answer.
  void inIdle();
  void inAllocating();
  void inOffering();
  void inRinging();
  void inAnswering();
  void inConnecting();
  void beginRinging(std::string offer);
  void ringPages();
  void memberOut(const std::string& session, EndReason reason, EndedBy by, const std::string& request);
  void ringersGone(EndReason reason, EndedBy by);
  void onMemberChosen(const event::MemberChosen& e);
  void endRinging(const std::string& except, EndReason reason);
  void onPageAnswers(const event::Answered& e);
  void onPhoneAnswers(const event::PhoneAnswered& e);
  void onEarly(const event::BrokerDone& e);
  void answerCaller(const std::string& sdp);

  // call_step_phone.cpp: what phones tell.
  void onPhoneProgress(const event::PhoneProgress& e);
  void onPhoneAnswered(const event::PhoneAnswered& e);
  void onPhoneFailed(const event::PhoneFailed& e);
  void onPhoneOffer(const event::PhoneOffer& e);
  void onEarlyOffer(const event::PhoneOffer& e);
  void onPhoneOfferAnswered(const event::PhoneOfferAnswered& e);
  void onPhoneOfferFailed(const event::PhoneOfferFailed& e);
  void onPhoneDtmf(const event::PhoneDtmf& e);
  void onPhoneEnded(const event::PhoneEnded& e);
  void takeSdp(Party& party, const std::string& sdp);

  // call_step_offer.cpp: hold, what goes on beside the call, and offers in an answered call.
  void onHold(const event::HoldAsked& e);
  void onAssist(const event::AssistOpened& e);
  void onConference(const event::ConferenceSet& e);
  void onOffer(const event::OfferMade& e);
  void want(const std::string& leg);
  void nextOffer();
  void startMade(const std::string& leg, OfferKind kind);
  void carry(Side from, std::string sdp, bool video, std::string request);
  bool onOfferBroker(const event::BrokerDone& e);
  void offerReady(const std::string& sdp);
  bool onOfferAnswer(const std::string& leg, const std::string& sdp);
  void offerDone(const event::BrokerDone& e);
  void abortOffer(const char* reason, const char* text);

  // call_step_transfer.cpp
  void onTransfer(const event::TransferAsked& e);
  void onCancelTransfer(const event::TransferCancelled& e);
  void onPickup(const event::PhoneReplaces& e);
  void beginTransfer();
  bool onTransferBroker(const event::BrokerDone& e);
  void offerTarget(const std::string& offer);
  void targetAlerted();
  void targetEarly(const std::string& sdp);
  void onTargetEarly(const event::BrokerDone& e);
  void leaveTarget();
  void targetRings();
  bool targetDescribed() const;
  void targetAnswers(const std::string& sdp);
  bool targetMediaUp();
  void bridge();
  void finishTransfer();
  void failTransfer(const std::string& text, int status = 480);
  void failTransfer(EndReason reason);
  void transferRefused(const event::TransferAsked& e, Side by);
  void onReferred(const event::PhoneReferred& e);
  void referFailed();
  void referProgress(int status);
  Party& customer() { return s_.party(otherSide(s_.transfer.by)); }
  bool isTargetLeg(const std::string& leg) const {
    return s_.transfer.running() && !leg.empty() && s_.transfer.target.leg == leg;
  }

  const CallState& before_;
  CallState s_;
  const Event& event_;
  std::vector<Action> actions_;
  bool finished_ = false;
  bool timersLost_ = false;  ///< Another process had them.
};

}  // namespace parley::gateway
