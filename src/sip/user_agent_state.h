// The inside of the user agent: what comes in finds its session, subscription or desk.
#pragma once
#include "sip/agent_core.h"
#include "sip/invite_session.h"
#include "sip/user_agent.h"

namespace parley::sip {

struct UserAgent::State final : TransactionUser {
  State(UserAgentOptions options, UserAgentParts parts) : core(std::move(options), parts) {
    core.layer.setUser(this);
  }
  ~State() override { core.layer.setUser(nullptr); }

  AgentCore core;
  base::Instant now{};  ///< Of the call that is under way: for what the transaction layer tells.

  void receive(std::string_view bytes, const Source& source, base::Instant at);
  void receive(Message message, const Source& source, base::Instant at);
  bool onMalformed(const ParseFailure& failure, const Source& source);
  void onLocated(LocateId id, std::vector<Target> targets, base::Instant at);
  void finish() {
    core.sweep();
    core.deliver();
    core.sweep();
  }
  template <class F>
  void with(SessionId id, F operation) {
    if (InviteSession* session = core.find(id)) operation(*session);
    core.sweep();
  }

  // TransactionUser
  bool admits(const Message& request, const Source& source) override;
  void onRequest(TransactionId id, const Message& request, const Source& source) override;
  void onCancel(TransactionId invite, const Message& cancel) override;
  void onAck(const Message& ack, const Source& source) override;
  void onResponse(TransactionId id, const Message& response, const Source& source) override;
  void onRequestFailed(TransactionId id, int status, std::string_view reason) override;
  void onResponseFailed(TransactionId id, std::string_view reason) override;
  void onGone(TransactionId id) override;

 private:
  void inDialog(TransactionId id, const Message& request, const Source& source);
  void outOfDialog(TransactionId id, const Message& request, const Source& source);
  bool knows(const Message& request);
  void startCall(TransactionId id, const Message& request, const Source& source);
  void refuse(TransactionId id, Refusal why, int status, const Headers& headers = {});
  InviteSession* sessionOf(TransactionId id);
};

}  // namespace parley::sip
