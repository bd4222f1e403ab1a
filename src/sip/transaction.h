// The SIP transaction layer: RFC 3261 section 17 as corrected by RFC 6026, with what sections 8.2.2.2
// (merged requests), 9.2 (CANCEL), 18.2 (received, rport: RFC 3581) and 18.1.1 (large requests) put beside
// it.
//
// Engine: messages come in, bytes leave through Transport, timers stand in the owner's heap. The user is
// called inside receive(), onSendFailed() and timers, never inside an operation; it may call operations.
//
// What waits longest is small: a finished transaction over UDP keeps, for 32 s, its key and the bytes of its
// final response. Tables are hashed with a secret key and bounded; the last tenth of the server's is kept for
// requests inside dialogs and CANCEL, so that calls can end when no more may begin.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "sip/message.h"
#include "sip/refusal.h"
#include "sip/timer_heap.h"
#include "sip/transport.h"

namespace parley::sip {

using TransactionId = base::StrongId<struct TransactionTag, std::uint64_t>;

struct TransactionOptions {
  base::Millis t1{500}, t2{4'000}, t4{5'000};
  base::Millis tryingAfter{200};         ///< 100 by itself (RFC 3261 section 17.2.1).
  base::Millis longestInvite{240'000};   ///< From the first provisional response to the final one.
  std::size_t maxTransactions = 80'000;  ///< Each way.
  std::size_t udpMaxBytes = 1'300;       ///< 0: no limit.
  /// A request that is too large for UDP waits so long for a TCP connection, and then goes as a datagram.
  base::Millis streamPatience{1'000};
  /// To an address without TCP nothing is tried over TCP for so long.
  base::Millis streamlessTime{60'000};
};

class TransactionUser {
 public:
  virtual ~TransactionUser() = default;
  /// Asked before anything is kept of a new request (never ACK; CANCEL only where it fits no INVITE). False:
  /// it was answered without a transaction, or gets no answer at all; the next copy of it is asked about
  /// again.
  virtual bool admits(const Message& request, const Source& source) = 0;
  /// A new request that was admitted. respond() follows, at once or later.
  /// `request` lives as requestOf() says.
  virtual void onRequest(TransactionId id, const Message& request, const Source& source) = 0;
  /// The INVITE was cancelled before its final response; the CANCEL has its 200. Answer the INVITE with 487.
  virtual void onCancel(TransactionId invite, const Message& cancel) = 0;
  /// ACK of a 2xx (or one that fits nothing).
  virtual void onAck(const Message& ack, const Source& source) = 0;
  /// Each provisional response, the final one, and each 2xx to an INVITE that was not acknowledged yet.
  virtual void onResponse(TransactionId id, const Message& response, const Source& source) = 0;
  /// No final response comes any more: 408 (timer B, F, or after CANCEL), 503 (transport).
  virtual void onRequestFailed(TransactionId id, int status, std::string_view reason) = 0;
  /// Our final response did not arrive: no ACK (timers H, L), no PRACK, transport. sip.no_ack, sip.no_prack,
  /// sip.transport_…
  virtual void onResponseFailed(TransactionId id, std::string_view reason) = 0;
  /// The last of a transaction, after everything else about it. The one call that may come inside an
  /// operation.
  virtual void onGone(TransactionId id) = 0;
};

class TransactionLayer {
 public:
  TransactionLayer(TransactionOptions options, Transport& transport, base::Random& random, TimerHeap& timers,
                   RefusalCounts& refusals);
  ~TransactionLayer();
  void setUser(TransactionUser* user);

  void receive(Message message, const Source& source, base::Instant now);
  void onSendFailed(SendToken token, std::string_view reason, base::Instant now);

  // Client side.
  /// Adds our Via and sends. 0: the table is full. `firstResponse`: instead of 64*T1 for timers B and F until
  /// anything is heard.
  TransactionId request(Message request, const Target& target, base::Instant now,
                        std::optional<base::Millis> firstResponse = std::nullopt);
  /// ACK of a 2xx: its To tag names which. Gets the credentials of its INVITE, is sent, and repeated for each
  /// repeated 2xx, by the layer. The rule for large requests holds for it, too.
  void acknowledge(TransactionId invite, Message ack, const Target& target, base::Instant now);
  /// CANCEL once a provisional response was there (RFC 3261 section 9.1). The INVITE ends with its final
  /// response or, 64*T1 later, in onRequestFailed. `reason`: a Reason value or empty.
  void cancel(TransactionId invite, std::string reason, base::Instant now);
  /// Nobody is told of this one any more. It goes on absorbing what comes.
  void forget(TransactionId id);

  /// For INVITEs that are answered provisionally from now on.
  void setLongestInvite(base::Millis longest);

  // Server side.
  /// The request, until its final response was given.
  const Message* requestOf(TransactionId id) const;
  /// The tag that our side of the dialog gets: the same in every response, also in that to CANCEL.
  std::string_view localTag(TransactionId id) const;
  /// Sends. False: the transaction is not there or has its final response. A 2xx to INVITE is repeated until
  /// acknowledged() or 64*T1; so is a provisional one with `reliable` until provisionalAcknowledged().
  bool respond(TransactionId id, const Message& response, base::Instant now, bool reliable = false);
  void acknowledged(TransactionId invite, base::Instant now);
  void provisionalAcknowledged(TransactionId invite, base::Instant now);

  /// Outside of transactions. A request (ACK) gets our Via; a response goes where its request came from.
  void send(Message message, const Target& target);
  /// An answer without a transaction (strangers, bad requests, overload), one for each copy of the request,
  /// with a tag that is the same each time (RFC 3261 section 8.2.7) and without Server, which is of use only
  /// to who looks for old versions. The ACK of it is absorbed.
  void answerStateless(const Message& request, const Source& source, int status,
                       std::span<const Header> extra = {});

  std::size_t serverSize() const;
  std::size_t clientSize() const;
  /// Transactions that wait for the other side or for us, not only for their timers to run out.
  std::size_t waiting() const;
  const TransactionOptions& options() const;

 private:
  struct Server;
  struct Client;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::sip
