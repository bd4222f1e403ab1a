// Subscriptions (RFC 6665), either role: ours to somebody's events, and somebody's to ours. Not the implicit
// ones of REFER, which live in their session.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "sip/agent_core.h"
#include "sip/dialog.h"

namespace parley::sip {

class SubscriptionDesk {
 public:
  explicit SubscriptionDesk(AgentCore& core);
  ~SubscriptionDesk();

  SubscriptionId subscribe(OutgoingSubscription wanted, base::Instant now);
  void unsubscribe(SubscriptionId id, base::Instant now);
  void accept(SubscriptionId id, base::Instant now);
  void refuse(SubscriptionId id, int status, base::Instant now);
  void notify(SubscriptionId id, const std::string& state, const std::string& body,
              const std::string& contentType, base::Instant now);

  /// SUBSCRIBE outside of a dialog, already admitted.
  void incoming(TransactionId transaction, const Message& request, const Source& source, base::Instant now);
  /// SUBSCRIBE or NOTIFY with a tag of ours. False: no subscription has it.
  bool inDialog(TransactionId transaction, const Message& request, const Source& source, base::Instant now);
  /// Does it belong to a subscription, by tag and Call-ID?
  bool knows(const Message& request);
  void onResponse(SubscriptionId id, const Message& response, base::Instant now);
  void onRequestFailed(SubscriptionId id, int status, std::string_view reason, base::Instant now);
  void onLocated(SubscriptionId id, const std::vector<Target>& targets, base::Instant now);
  void endAll(base::Instant now);

  std::size_t size() const { return all_.size(); }

 private:
  struct Subscription;
  Subscription* find(SubscriptionId id);
  Subscription* findByTag(std::string_view tag);
  void add(std::unique_ptr<Subscription> subscription);
  void sendSubscribe(Subscription& subscription, base::Instant now);
  void sendNotify(Subscription& subscription, const std::string& state, const std::string& body,
                  const std::string& contentType, base::Instant now);
  static Asker askerOf(const Subscription& subscription);
  bool sendWithCredentials(Subscription& subscription, const Message& challenge, base::Instant now);
  void tryNext(Subscription& subscription, int status, std::string_view reason, base::Instant now);
  void takeNotify(Subscription& subscription, TransactionId transaction, const Message& request,
                  const Source& source, base::Instant now);
  void takeRefresh(Subscription& subscription, TransactionId transaction, const Message& request,
                   base::Instant now);
  void onDue(Subscription& subscription, base::Instant now);
  void arm(Subscription& subscription);
  void end(Subscription& subscription, int status, std::string_view reason);

  AgentCore& core_;
  std::unordered_map<SubscriptionId, std::unique_ptr<Subscription>> all_;
  std::unordered_map<std::string, SubscriptionId> byTag_;
};

}  // namespace parley::sip
