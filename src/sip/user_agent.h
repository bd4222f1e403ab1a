// The SIP user agent: calls both ways, what happens in them, and requests outside of them. Owns the
// transactions (transaction_layer.h), the sessions (invite_session.h) and the subscriptions.
//
// Engine: no sockets, no clock. Messages come in by receive(), leave through Transport; time comes with each
// call. Names are resolved by the Locator, credentials come from the Authenticator, strangers are judged by
// the Admission.
//
// Events: the listener is called from receive(), onSendFailed(), onLocated() and onTimer() only, after the
// engine's state is whole; it may call any operation. No operation calls back: what it causes at once (a call
// that cannot be sent) waits, and nextTimer() says "now". So the owner does after each call of anything:
// arm its timer for nextTimer().
//
// One loop thread. Nothing here throws; an operation that does not fit the session's state does nothing.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "sip/hooks.h"
#include "sip/refusal.h"
#include "sip/user_agent_types.h"

namespace parley::sip {

class UserAgentListener {
 public:
  virtual ~UserAgentListener() = default;

  virtual void onCall(const IncomingCall& call) = 0;
  /// The first word of this target to our INVITE, 100 included. Again where a call goes on to another one.
  virtual void onReached(SessionId session, const Target& target) = 0;
  virtual void onProgress(SessionId session, const Progress& progress, const Message& response) = 0;
  /// 2xx to our INVITE. `sdp`: its answer (that of a reliable 1xx, where it came before; empty where an
  /// UPDATE has changed it since). If the call was made without our offer it is theirs: call answerOffer(),
  /// which sends the ACK.
  virtual void onAnswered(SessionId session, const std::string& sdp, const Message& response) = 0;
  /// The ACK of our 2xx came; `sdp` is the answer in it where our 2xx offered, else empty.
  virtual void onConfirmed(SessionId session, const std::string& sdp) = 0;
  /// Re-INVITE, UPDATE, or an offer in a reliable 1xx or PRACK. Empty: our offer is asked for. Answer with
  /// answerOffer() or refuseOffer() within answerTimeout.
  virtual void onOffer(SessionId session, const std::string& sdp) = 0;
  /// The answer to offer(), or to the offer that answerOffer() made.
  virtual void onOfferAnswered(SessionId session, const std::string& sdp) = 0;
  /// The session goes on as it was.
  virtual void onOfferFailed(SessionId session, int status, const std::string& reason) = 0;
  virtual void onDtmf(SessionId session, const DtmfSignal& signal) = 0;
  /// MESSAGE or INFO of another kind in the session; answered with 200 already. Only with takesMessages.
  virtual void onSessionMessage(SessionId session, const Message& request) = 0;
  virtual void onRefer(const IncomingRefer& refer) = 0;
  /// How our REFER goes: 100…199 under way, 200…299 done, else failed; the last has `done`.
  virtual void onReferProgress(SessionId session, int status, bool done) = 0;
  /// The last event of a session, exactly once unless hangUp() or reject() ended it.
  virtual void onEnded(SessionId session, const Ending& ending) = 0;
  /// What is saved of the session changed: a dialog was made, a number in it moved on.
  virtual void onChanged(SessionId session) = 0;
  /// A line for the call's ladder: "INVITE sip:2001@pbx", "180 Ringing". Never a body.
  virtual void onTrace(SessionId session, bool outgoing, const std::string& what) = 0;

  /// A request outside of sessions that was admitted and the engine does not answer itself (it answers
  /// OPTIONS). True: respond() follows. False: it gets 405.
  virtual bool onRequest(RequestId request, const Message& message, const Source& source) = 0;
  virtual void onRequestDone(RequestId request, const RequestResult& result) = 0;

  /// True: acceptSubscription() or refuseSubscription() follows. False: 489 Bad Event.
  virtual bool onSubscribe(const IncomingSubscription& subscription) = 0;
  virtual void onNotify(const Notification& notification) = 0;
  /// Either role: it expired, was ended or refused. Exactly once.
  virtual void onSubscriptionEnded(SubscriptionId subscription, int status, const std::string& reason) = 0;
};

struct UserAgentParts {
  Transport& transport;
  base::Random& random;
  UserAgentListener& listener;
  Admission* admission = nullptr;          ///< Null: everyone may.
  Authenticator* authenticator = nullptr;  ///< Null: a challenge is a failure.
  Locator* locator = nullptr;              ///< Null: only literal addresses are found.
  RedirectPolicy* redirects = nullptr;     ///< Null: a 3xx is followed wherever it leads.
};

class UserAgent {
 public:
  UserAgent(UserAgentOptions options, UserAgentParts parts);
  ~UserAgent();

  // What the owner tells.
  void receive(std::string_view bytes, const Source& source, base::Instant now);
  /// What a transport has parsed already.
  void receive(Message message, const Source& source, base::Instant now);
  /// A transport got what does not parse, and answers it by itself. True: who sent it may hear why; else it
  /// is to hear nothing, as the Admission says.
  bool onMalformed(const ParseFailure& failure, const Source& source);
  void onSendFailed(SendToken token, std::string_view reason, base::Instant now);
  void onLocated(LocateId id, std::vector<Target> targets, base::Instant now);
  void onTimer(base::Instant now);
  /// Whole milliseconds, rounded up. Instant::max(): nothing to do; not after `now`: at once.
  base::Instant nextTimer() const;

  /// In place of what the options say.
  void setCallTimes(const CallTimes& times);

  // Calls.
  /// Ends in onAnswered or onEnded.
  SessionId invite(OutgoingCall call, base::Instant now);
  /// 180, or with SDP 183 (reliably where possible). May be repeated.
  void ring(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers = {});
  /// The answer, or our offer if the call came without one.
  void answer(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers = {});
  void reject(SessionId session, int status, base::Instant now, const Headers& headers = {});
  /// Send an incoming call elsewhere: 302 with this Contact.
  void redirect(SessionId session, const Uri& contact, base::Instant now);
  /// CANCEL, BYE or 480, as its state wants. `cause` is a Reason value (RFC 3326), may be empty. No event of
  /// this session comes afterwards.
  void hangUp(SessionId session, const std::string& cause, base::Instant now);

  // In a call.
  /// Re-INVITE (UPDATE before the call is answered). Glare is tried again by itself. One at a time: a second
  /// waits for the first.
  void offer(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers = {});
  void answerOffer(SessionId session, const std::string& sdp, base::Instant now);
  void refuseOffer(SessionId session, int status, base::Instant now);
  void sendDtmf(SessionId session, const DtmfSignal& signal, base::Instant now,
                DtmfBody form = DtmfBody::dtmfRelay);
  /// INFO or MESSAGE with any body.
  void sendMessage(SessionId session, Method method, std::string body, const std::string& contentType,
                   base::Instant now);
  void refer(SessionId session, const OutgoingRefer& refer, base::Instant now);
  /// Tells the phone that sent REFER: 100…199 any number of times, then one final status.
  void referProgress(SessionId session, int status, base::Instant now);

  // A confirmed session as text, for another process. Empty: there is nothing to save (not confirmed, or no
  // such session).
  std::string save(SessionId session) const;
  /// Goes on with a saved session. Nothing: it is no text of save(), or there is no room.
  std::optional<SessionId> restore(std::string_view saved, base::Instant now);

  // Outside of calls.
  RequestId request(OutgoingRequest request, base::Instant now);  ///< Ends in onRequestDone.
  void respond(RequestId request, int status, base::Instant now, const Headers& headers = {},
               const std::string& body = {}, const std::string& contentType = {});
  SubscriptionId subscribe(OutgoingSubscription subscription, base::Instant now);
  void unsubscribe(SubscriptionId subscription, base::Instant now);
  void acceptSubscription(SubscriptionId subscription, base::Instant now);
  void refuseSubscription(SubscriptionId subscription, int status, base::Instant now);
  /// Ours to notify: an accepted one. `state`: "active", "pending" or "terminated".
  void notify(SubscriptionId subscription, const std::string& state, const std::string& body,
              const std::string& contentType, base::Instant now);

  /// No new calls from now on (503, OPTIONS too); running ones go on.
  void drain();
  /// drain(), and hangs up all calls. Done when idle().
  void shutDown(base::Instant now);
  bool idle() const;  ///< No session, subscription or transaction that still waits for the other side.

  struct Sizes {
    std::size_t sessions = 0, dialogs = 0, subscriptions = 0, requests = 0;
    std::size_t serverTransactions = 0, clientTransactions = 0, timers = 0, locating = 0;
    friend bool operator==(const Sizes&, const Sizes&) = default;
  };
  Sizes sizes() const;
  const RefusalCounts& refusals() const;
  /// It said nothing when it was asked last, and is tried last for a time.
  bool isSilent(const Target& target, base::Instant now) const;
  /// Call-ID, local tag, remote tag of a session's dialog: as Replaces (RFC 3891) from the other side's view.
  std::optional<Replaces> dialogOf(SessionId session) const;
  std::optional<SessionId> findDialog(const Replaces& replaces) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::sip
