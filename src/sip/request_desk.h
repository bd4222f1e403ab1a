// Requests outside of sessions, both ways: those that were asked for with UserAgent::request() (and the last
// BYE of a session that is gone) until their response, and those that came in and wait for respond().
#pragma once
#include <deque>
#include <memory>
#include <unordered_map>

#include "sip/agent_core.h"

namespace parley::sip {

class RequestDesk {
 public:
  explicit RequestDesk(AgentCore& core);
  ~RequestDesk();

  RequestId send(OutgoingRequest request, base::Instant now);
  void sendSilently(Message request, const DialogState& dialog, base::Instant now);
  void onResponse(RequestId id, const Message& response, base::Instant now);
  void onRequestFailed(RequestId id, int status, std::string_view reason, base::Instant now);
  void onLocated(RequestId id, const std::vector<Target>& targets, base::Instant now);

  /// Hands it to the listener; 405 if that does not want it.
  void incoming(TransactionId transaction, const Message& request, const Source& source, base::Instant now);
  void respond(RequestId id, int status, base::Instant now, const Headers& headers, const std::string& body,
               const std::string& contentType);
  void onGone(TransactionId transaction);

  std::size_t size() const { return outgoing_.size() + incoming_.size(); }

 private:
  struct Outgoing final : Timed {
    explicit Outgoing(RequestDesk& desk_) : desk(desk_) {}
    void onDue(base::Instant now) override;  ///< The Locator took too long.
    RequestDesk& desk;
    RequestId id;
    Message request;
    std::deque<Target> targets;
    Target target;
    std::optional<Neighbour> neighbour;  ///< Of the dialog whose last request this is.
    std::optional<base::Millis> timeout;
    base::Instant sentAt;
    int tries = 0;
    bool silent = false;
    bool heard = false;  ///< Any response from the current target.
  };
  void tryNext(Outgoing& request, int status, std::string_view reason, base::Instant now);
  void transmit(Outgoing& request, base::Instant now);
  void done(Outgoing& request, RequestResult result);
  static Asker askerOf(const Outgoing& request) {
    return {request.target, request.neighbour ? &*request.neighbour : nullptr};
  }

  AgentCore& core_;
  std::unordered_map<RequestId, std::unique_ptr<Outgoing>> outgoing_;
  std::unordered_map<RequestId, TransactionId> incoming_;
  std::unordered_map<TransactionId, RequestId> byTransaction_;
};

}  // namespace parley::sip
