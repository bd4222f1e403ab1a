// What sessions, requests and subscriptions of one user agent share: options, transactions, timers, the table
// of who owns which transaction, the queue of events. For the sources of the user agent only.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sip/keyed_hash.h"
#include "sip/server_locator.h"
#include "sip/timer_heap.h"
#include "sip/transaction.h"
#include "sip/transaction_state.h"
#include "sip/user_agent.h"

namespace parley::sip {

class InviteSession;
class RequestDesk;
class SubscriptionDesk;

constexpr std::string_view kSupported = "100rel, timer, replaces, norefersub";
constexpr base::Millis kMaxDeadTime{600'000};  ///< What a Retry-After beyond says is not believed.
constexpr int kMaxAuthTries = 3;               ///< A registrar that challenges for ever (stale included).

struct Owner {
  enum class Kind : std::uint8_t { session, request, subscription };
  Kind kind = Kind::session;
  std::uint32_t cseq = 0;  ///< Of an INVITE: the highest number used in an early dialog of it.
  std::uint64_t id = 0;
};

class AgentCore {
 public:
  AgentCore(UserAgentOptions options, UserAgentParts parts);
  ~AgentCore();

  UserAgentOptions options;
  UserAgentParts parts;
  const std::string allow;  ///< What we take and say that we take.
  RefusalCounts refusals{};
  TimerHeap timers;
  TransactionLayer layer;
  std::unique_ptr<RequestDesk> requests;
  std::unique_ptr<SubscriptionDesk> subscriptions;
  bool draining = false;

  void setCallTimes(const CallTimes& times);
  void refuse(Refusal refusal) { ++refusals[static_cast<std::size_t>(refusal)]; }
  std::uint64_t newId() { return ++lastId_; }
  std::string newTag() { return parts.random.alphanumeric(12); }
  std::string newCallId() { return parts.random.alphanumeric(24); }

  // Events wait until the engine is whole again.
  using Event = std::function<void(UserAgentListener&)>;
  void emit(Event event) { events_.push_back(std::move(event)); }
  void deliver();
  bool hasEvents() const { return !events_.empty() || !touched_.empty(); }

  // Sessions.
  InviteSession* find(SessionId id);
  InviteSession* findByTag(std::string_view localTag);
  InviteSession& add(std::unique_ptr<InviteSession> session);
  void retire(InviteSession& session);  ///< Out of the tables now, destroyed by sweep().
  void touch(InviteSession& session);   ///< onChanged follows.
  /// Not while a member of a session is on the stack.
  void sweep();
  const std::unordered_map<SessionId, std::unique_ptr<InviteSession>>& sessions() const { return sessions_; }
  std::vector<SessionId> sessionIds() const;

  // Transactions.
  /// 0: the table is full.
  TransactionId send(const Message& request, const Target& target, Owner owner, base::Instant now,
                     std::optional<base::Millis> firstResponse = std::nullopt);
  void own(TransactionId id, Owner owner) { owners_[id] = owner; }
  /// A request left in an early dialog of this INVITE; a dialog that comes of it later counts on from there.
  void noteCSeq(TransactionId invite, std::uint32_t cseq);
  std::uint32_t lastCSeq(TransactionId invite) const;
  std::optional<Owner> ownerOf(TransactionId id) const;
  void disown(TransactionId id) { owners_.erase(id); }
  /// A 2xx that nobody wants: another fork's, or one that crossed our CANCEL (RFC 3261
  /// sections 9.1, 13.2.2.4).
  void ackAndBye(TransactionId invite, const Message& response, const Target& hop, const std::string& reason,
                 base::Instant now);
  /// The last request of a dialog; whatever becomes of it, nobody waits for it.
  void sendLast(Message request, const DialogState& dialog, base::Instant now);
  /// The request once more with credentials and the next CSeq; nothing: no credentials, or tried enough.
  /// It goes to `from.target` then, which may have lost its connection.
  std::optional<Message> authorise(const Message& challenge, const Message& request, Asker& from, int tries);
  /// Credentials for a new request that nobody has asked for yet, where they are known.
  void preauthorise(Message& request, const Asker& to);
  void onAuthorised(const Message& response, const Message& request, const Asker& from);

  // Writing.
  /// Contact as the peer behind `target` can reach us by.
  std::string contact(const std::string& user, const Target& target, bool secure) const;
  void decorate(Message& message) const;  ///< User-Agent or Server.
  Message responseTo(TransactionId id, int status, std::string_view tag = {}) const;
  /// Answers at once, with what the status asks for (Allow, Accept …).
  void answer(TransactionId id, int status, base::Instant now, const Headers& extra = {});
  static void addHeaders(Message& message, const Headers& headers);

  // Checks that every request passes, in the order of RFC 3261 section 8.2. False: it was answered.
  bool checkExtensions(TransactionId id, const Message& request, base::Instant now);
  /// Session-Expires below our minimum: 422 (RFC 4028 section 9).
  bool checkInterval(TransactionId id, const Message& request, base::Instant now);
  bool checkBody(TransactionId id, const Message& request, base::Instant now);

  /// Asks the Locator; false: there is none.
  bool locate(const Uri& uri, Owner owner);
  std::optional<Owner> takeLocating(LocateId id);
  void stopLocating(Owner owner);
  std::size_t locating() const { return locating_.size(); }

  // Failover (RFC 3263 section 4.3).
  /// Those that are believed alive in their order, then the others; at most maxTargets.
  std::deque<Target> inOrder(const std::vector<Target>& targets, base::Instant now) const;
  /// It said nothing in time, or could not be reached.
  void onSilent(const Target& target, base::Instant now);
  void onHeard(const Target& target, const Message& response, base::Instant now);
  bool isSilent(const Target& target, base::Instant now) const { return dead_.isDead(target, now); }

 private:
  KeyedHash hash_;
  std::uint64_t lastId_ = 0;
  std::deque<Event> events_;
  bool delivering_ = false;
  std::unordered_map<SessionId, std::unique_ptr<InviteSession>> sessions_;
  std::unordered_map<std::string, InviteSession*, KeyedHash, std::equal_to<>> byTag_;
  std::vector<std::unique_ptr<InviteSession>> retired_;
  std::vector<SessionId> touched_;
  std::unordered_map<TransactionId, Owner> owners_;
  std::unordered_map<LocateId, Owner> locating_;
  DeadTargets dead_;
};

/// Reason (RFC 3326) for a phone that rang in vain since another one was faster: no missed call.
constexpr std::string_view kElsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// Bodies that we understand, for Accept.
constexpr std::string_view kAccept = "application/sdp, multipart/mixed";
/// The SDP of a message: its body, or the part of it (multipart.h), that is application/sdp, else empty.
std::string sdpOf(const Message& message);
/// Expires of an INVITE in seconds (RFC 3261 section 13.3.1); nothing: none, or no number of it.
std::optional<std::uint32_t> expiresOf(const Message& invite);
/// The stable token of a final status: 486 → sip.busy.
std::string_view reasonOfStatus(int status);
/// Text of a Reason header's `text` parameter, or its cause.
std::string textOfReason(std::string_view reason);
/// "BYE (Normal call clearing)": for the call's ladder, with what the request's Reason says, if it says
/// something.
std::string withReason(std::string_view what, const Message& request);

}  // namespace parley::sip
