// One INVITE usage: from the first INVITE to the end of its dialog (RFC 3261 sections 13 to 15, RFC 3262,
// 3311, 3515, 4028, 6337). The lasting part is a value (SessionState) that can be saved; the rest is what is
// under way at this moment and is dropped when it is done, so that a quiet call is small.
//
// Owned by the user agent's core; tells its events through the core's queue. It may retire itself in any
// member: callers do not touch it afterwards.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sip/agent_core.h"
#include "sip/dialog.h"
#include "sip/session_state.h"

namespace parley::sip {

class InviteSession final : public Timed {
 public:
  InviteSession(AgentCore& core, SessionId id);
  ~InviteSession() override;

  SessionId id() const { return id_; }
  const SessionState& state() const { return state_; }
  SessionPhase phase() const { return phase_; }
  const std::string& localTag() const { return state_.dialog.localTag; }

  /// Before incoming(): the dialog that the INVITE makes.
  void takeDialog(DialogState dialog) { state_.dialog = std::move(dialog); }

  // Operations (user_agent.h says what they mean).
  void call(OutgoingCall call, base::Instant now);
  void incoming(TransactionId invite, const Message& request, const Source& source,
                std::optional<SessionId> replaces, base::Instant now);
  void ring(const std::string& sdp, const Headers& headers, base::Instant now);
  void answer(const std::string& sdp, const Headers& headers, base::Instant now);
  void reject(int status, const Headers& headers, base::Instant now);
  void hangUp(const std::string& cause, base::Instant now);
  void offer(const std::string& sdp, const Headers& headers, base::Instant now);
  void answerOffer(const std::string& sdp, base::Instant now);
  void refuseOffer(int status, base::Instant now, bool mayComeAgain = true);
  void sendMessage(Method method, std::string body, const std::string& contentType, base::Instant now);
  void refer(const OutgoingRefer& refer, base::Instant now);
  void referProgress(int status, base::Instant now);
  std::string save() const;
  void restore(SessionState state, base::Instant now);

  // What the core tells.
  void onRequest(TransactionId id, const Message& request, base::Instant now);
  void onCancel(TransactionId invite, const Message& cancel, base::Instant now);
  void onAck(const Message& ack, base::Instant now);
  void onResponse(TransactionId id, const Message& response, const Source& source, base::Instant now);
  void onRequestFailed(TransactionId id, int status, std::string_view reason, base::Instant now);
  void onResponseFailed(TransactionId id, std::string_view reason, base::Instant now);
  void onLocated(std::vector<Target> targets, base::Instant now);
  void onDue(base::Instant now) override;

  /// After changes, when no member is on the stack: lets go of what a quiet call does not need.
  void settle();

  /// Does a Replaces that came to us name this dialog? `request` tags are ours and theirs.
  bool isNamedBy(const Replaces& replaces) const;

 private:
  // Caller (session_caller.cpp).
  void findTargets(const Uri& uri, base::Instant now);
  void tryNext(base::Instant now);
  void sendInvite(base::Instant now);
  Message makeInvite() const;
  void onInviteResponse(const Message& response, const Source& source, base::Instant now);
  void onInviteProvisional(const Message& response, const Source& source, base::Instant now);
  void onInviteAccepted(const Message& response, const Source& source, base::Instant now);
  bool updates(const EarlyDialog& fork) const;
  void onInviteRefused(const Message& response, base::Instant now);
  void confirmAsCaller(const Message& response, std::string sdp, bool theirOffer, base::Instant now);
  bool followRedirect(const Message& response, base::Instant now);
  bool raiseInterval(const Message& response, base::Instant now);
  EarlyDialog* forkOf(const Message& response, const Source& source);
  void onReliableProvisional(EarlyDialog& fork, const Message& response, base::Instant now);
  void sendPrack(EarlyDialog& fork, const std::string& sdp, base::Instant now);
  void failCall(int status, std::string_view reason, std::string text, base::Instant now);
  void sendAckOf2xx(TransactionId invite, std::uint32_t cseq, const std::string& sdp, base::Instant now);

  // Callee (session_callee.cpp).
  void sendProvisional(int status, const std::string& sdp, const Headers& headers, base::Instant now);
  void sendAnswer(const std::string& sdp, const Headers& headers, base::Instant now);
  void ringAgain(base::Instant now);
  void onPrack(TransactionId id, const Message& request, base::Instant now);
  void sendQueued(base::Instant now);

  // Offers (session_offers.cpp).
  bool mayOffer() const;
  void tryOffer(base::Instant now);
  void sendOffer(const QueuedOffer& offer, base::Instant now);
  void onOfferResponse(const Pending& pending, const Message& response, base::Instant now);
  void onOfferRefused(const Pending& pending, int status, const Message* response, base::Instant now);
  void onReinvite(TransactionId id, const Message& request, base::Instant now);
  void onUpdate(TransactionId id, const Message& request, base::Instant now);
  bool refuseCrossing(TransactionId id, bool withOffer, base::Instant now);
  bool refuseEarlyOffer(TransactionId id, const Message& request, base::Instant now);
  EarlyDialog* forkWith(std::string_view tag);  ///< Null: none, or the call stands.
  Header retryAfter() const;
  void dropLostOffer(base::Instant now);
  void takeOffer(TransactionId id, OfferCarrier carrier, const std::string& sdp, base::Instant now);
  void dropIncomingOffer(int status, base::Instant now, const Headers& headers = {});
  void remember(const std::string& local, const std::string& remote);
  void onRefreshAnswer(const std::string& sdp, base::Instant now);

  // Session timers (session_timer.cpp).
  void askForTimer(Message& request) const;
  void agreeAsServer(const Message& request, Message& response, base::Instant now);
  void agreeAsClient(const Message& response, base::Instant now);
  void startTimer(base::Instant now);
  void refresh(base::Instant now);

  // In the dialog (session_requests.cpp, session_refer.cpp).
  Message makeRequest(Method method, DialogState& dialog);
  TransactionId sendRequest(Message request, const Target& hop, Pending::Purpose purpose, base::Instant now);
  bool retryWithCredentials(Pending& pending, const Message& challenge, base::Instant now);
  void onPendingDone(Pending pending, int status, const Message* response, std::string_view reason,
                     base::Instant now);
  DialogState* dialogFor(const Message& request);
  DialogState& dialogOf(const Message& request);
  void onBye(TransactionId id, const Message& request, base::Instant now);
  void onInfo(TransactionId id, const Message& request, base::Instant now);
  void onReferRequest(TransactionId id, const Message& request, base::Instant now);
  void onNotify(TransactionId id, const Message& request, base::Instant now);
  void sendReferNotify(int status, base::Instant now);
  void sendInTurn(Waiting wanted, base::Instant now);
  bool sendWaiting(const Waiting& wanted, base::Instant now);
  void sendNextWaiting(base::Instant now);
  void finishRefer(int status, base::Instant now);

  // Ends.
  void sendBye(const std::string& cause, base::Instant now);
  /// Answers what still waits of theirs, tells the owner, retires.
  void end(Ending ending, base::Instant now);
  void endByLoss(std::string_view reason, std::string text, base::Instant now);  ///< BYE, then end.

  template <class F>
  void tell(F event) {
    if (!silent_) core_.emit(std::move(event));
  }
  void trace(bool outgoing, std::string what);
  void changed();
  void arm();
  void chooseHop(DialogState& dialog, const Target& peer);
  void retarget(DialogState& dialog, const Message& message);

  AgentCore& core_;
  SessionId id_;
  SessionState state_;
  SessionPhase phase_ = SessionPhase::calling;
  bool silent_ = false;      ///< The owner hung up: it hears nothing more.
  bool localOffer_ = false;  ///< An offer of ours waits for its answer.
  bool hangUpWhenAcked_ = false;
  bool touched_ = false;
  static constexpr std::uint8_t kMaxRaises = 3;
  std::uint8_t raises_ = 0;  ///< Answers in a row that wanted a longer session interval (422).
  std::string hangUpCause_;
  std::unique_ptr<CallerSetup> caller_;
  std::unique_ptr<CalleeSetup> callee_;
  std::unique_ptr<Activity> activity_;
  Activity& activity();
  std::vector<Pending> pending_;
  base::Instant refreshAt_ = kNever, expireAt_ = kNever;
};

}  // namespace parley::sip
