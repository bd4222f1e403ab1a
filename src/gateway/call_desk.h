// Where pages, phones, agents and calls meet: what one asks for becomes an event of a call, what a call says
// goes to its pages. Decides who may call whom; what happens to a call is decided by step(). Loop thread
// only.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "gateway/agents.h"
#include "gateway/calls.h"
#include "gateway/destinations.h"
#include "gateway/hunt_groups.h"
#include "gateway/sessions.h"
#include "identity/users.h"
#include "link/rate_limiter.h"

namespace parley::gateway {

struct CallDeskOptions {
  DestinationRules destinations;
  CallTimes times;
  std::size_t maxCalls = 2'000;
  std::vector<HuntGroup> groups;
  std::set<std::string> autoAnswer;   ///< Agents whose page answers by itself.
  std::int64_t dialsPerMinute = 120;  ///< By consumers' pages of one network address.
  std::string agentLabel;             ///< As CallState::agentLabel.
  bool referPhones = true;            ///< Ask a phone to do a transfer itself first (RFC 3515).
};

class CallDesk final : public SessionsListener, public CallsListener {
 public:
  CallDesk(net::EventLoop& loop, Sessions& sessions, Calls& calls, CallRecords& records, Phones& phones,
           const identity::Users& users, base::Random& random, CallDeskOptions options);
  ~CallDesk() override;

  /// Told the shared session of a call whose customer was taken back from hold.
  void onRetrieved(std::function<void(const std::string& cid)> told) { retrieved_ = std::move(told); }
  void setOptions(CallDeskOptions options) { options_ = std::move(options); }
  const CallDeskOptions& options() const { return options_; }
  const Agents& agents() const { return agents_; }

  /// From now on no new call and no new session (INST-3).
  void drain() { draining_ = true; }
  bool draining() const { return draining_; }
  /// Ends every call with server_stopping.
  void stopCalls();

  std::vector<std::string> callsOf(const Session& session) override;
  std::string refusalOf(const identity::CallToken& token) override;
  void onSessionReplaced(const Session& old, const Session& fresh) override;
  void onSessionUp(const Session& session, bool isNew) override;
  void onSessionDown(const Session& session, bool leaves) override;
  void onSessionGone(const Session& session, bool left) override;
  void onMessage(const Session& session, const PageMessage& message) override;
  bool mayLeave(const Session& session) override;

  void sendToPage(const std::string& session, std::string object, const std::string& key) override;
  void onPartiesChanged(const CallState& state) override;
  void onCallEnded(const CallState& state) override;
  void onNextMember(const CallState& state) override;
  void onPhoneCall(const IncomingPhoneCall& call) override;
  void onPhoneRefer(const CallState& state, const std::string& leg, const std::string& target,
                    const std::string& replaces, const std::string& replacesLeg) override;
  std::string saveSession(const std::string& session) override;
  void onRecovered(const CallState& state, const std::vector<std::string>& sessions) override;

 private:
  using What = decltype(Event::what);
  bool mayCallPhones(const Session& session, const message::Dial& dial) const;
  /// Whom a destination means, and whether that one can be called.
  struct Callee {
    EndReason refusal = EndReason::none;
    Party party;
    std::vector<RingingPage> ringing;
    Hunt hunt;
    std::int64_t ringMillis = 0;
    std::vector<std::string> agents;  ///< For their histories.
  };

  void onDial(const Session& session, const PageMessage& message, const message::Dial& dial);
  std::string refusalOfDial(const Session& session, const message::Dial& dial);
  Party callerOf(const Session& session, const message::Dial& dial) const;
  bool holdFirstCall(const Session& session);
  void addContext(CallState& state, const Session& session, const message::Dial& dial);
  void begin(CallState state, const Callee& callee, const std::string& request);
  Callee findCallee(const std::string& address, const std::string& caller, bool mayGoOut);
  void findAgent(Callee& out, const identity::User& user);
  void findMembers(Callee& out, const HuntGroup& group, const std::string& caller);
  void findPhone(Callee& out, const std::string& address);
  RingingPage ringingPage(const std::string& user, bool autoAnswer);
  EndReason refusalOfAgent(const std::string& user) const;
  const identity::User* agentUser(std::string_view nameOrNumber) const;

  void onTransfer(const Session& session, const PageMessage& message, const message::Transfer& transfer);
  void onConsult(const Session& session, const std::string& request, const CallState& state,
                 const CallState& other);
  void transfer(const CallState& state, event::TransferAsked asked, const std::string& destination);
  void joinCalls(const CallState& state, Side by, const CallState& other, Side otherBy,
                 event::TransferAsked asked);

  void onConference(const Session& session, const PageMessage& message,
                    const message::Conference& conference);
  void endConference(const CallState& ended);
  void shareAssist(const Session& session, const std::string& call);
  const CallState* pageOf(const std::string& correlationId) const;
  std::string assistOf(const std::string& correlationId) const;
  void tellRetrieved(const Session& session, const std::string& call);
  void onAvailability(const Session& session, const PageMessage& message, bool available);
  bool reachable(const std::string& user) const;
  std::vector<std::string> callIdsOf(const Session& session) const;
  void onCallRequest(const Session& session, const std::string& call, const std::string& request, What what);
  void onEndedCall(const Session& session, const std::string& call, const std::string& request, bool isEnd);
  void sendError(const Session& session, std::string_view reason, std::string_view text,
                 const std::string& request, const std::string& call = {});
  void sendAvailability(const std::string& user);
  void release(const std::string& user, const std::string& call);

  net::EventLoop& loop_;
  Sessions& sessions_;
  Calls& calls_;
  CallRecords& records_;
  Phones& phones_;
  const identity::Users& users_;
  base::Random& random_;
  CallDeskOptions options_;
  Agents agents_;
  link::RateLimiter dials_;
  std::map<std::string, std::string> consumerCalls_;  // By session.
  std::function<void(const std::string&)> retrieved_;
  bool draining_ = false;
};

/// Whether the session is at an end of the call, or rings for it.
bool knowsCall(const CallState& state, const std::string& session);

}  // namespace parley::gateway
