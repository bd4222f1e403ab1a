// Where pages, agents and calls meet: what a page asks for becomes an event of a call, what a call says goes
// to its pages. Decides who may call whom; what happens to a call is decided by step(). Loop thread only.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "gateway/agents.h"
#include "gateway/calls.h"
#include "gateway/destinations.h"
#include "gateway/sessions.h"
#include "identity/users.h"

namespace parley::gateway {

struct CallDeskOptions {
  DestinationRules destinations;
  CallTimes times;
  std::size_t maxCalls = 2'000;
};

class CallDesk final : public SessionsListener, public CallsListener {
 public:
  CallDesk(net::EventLoop& loop, Sessions& sessions, Calls& calls, CallRecords& records,
           const identity::Users& users, base::Random& random, CallDeskOptions options);
  ~CallDesk() override;

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
  void onSessionReplaced(Session& old, Session& fresh) override;
  void onSessionUp(Session& session, bool isNew) override;
  void onSessionDown(Session& session) override;
  void onSessionGone(Session& session, bool left) override;
  void onMessage(Session& session, const PageMessage& message) override;
  bool mayLeave(const Session& session) override;

  void sendToPage(const std::string& session, std::string object) override;
  void onCallEnded(const CallState& state) override;

 private:
  void onDial(Session& session, const PageMessage& message, const message::Dial& dial);
  void onAvailability(Session& session, const PageMessage& message, bool available);
  EndReason refusalOf(const Session& caller, const Destination& destination) const;
  bool reachable(const std::string& user) const;
  std::string callIdOf(const Session& session) const;
  void onCallRequest(Session& session, const std::string& call, const std::string& request,
                     const std::function<decltype(Event::what)(Side)>& eventOf);
  void onEndedCall(Session& session, const std::string& call, const std::string& request, bool isEnd);
  void sendError(const Session& session, std::string_view reason, std::string_view text,
                 const std::string& request, const std::string& call = {});
  void sendAvailability(const std::string& user);

  net::EventLoop& loop_;
  Sessions& sessions_;
  Calls& calls_;
  CallRecords& records_;
  const identity::Users& users_;
  base::Random& random_;
  CallDeskOptions options_;
  Agents agents_;
  std::map<std::string, std::string> consumerCalls_;  // By session.
  bool draining_ = false;
};

}  // namespace parley::gateway
