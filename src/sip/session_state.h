// The values an InviteSession is made of (invite_session.h).
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/dialog.h"
#include "sip/transaction.h"
#include "sip/transaction_state.h"
#include "sip/user_agent_types.h"

namespace parley::sip {

enum class SessionPhase : std::uint8_t {
  calling,    ///< Caller: no final response yet.
  answering,  ///< Caller: 2xx with their offer; our answer goes into the ACK.
  ringing,    ///< Callee: no final response yet.
  answered,   ///< Callee: 2xx sent, no ACK yet.
  confirmed,
  ended,
};

enum class Refresher : std::uint8_t { none, us, them };

/// What lasts, and what is saved.
struct SessionState {
  DialogState dialog;
  std::string contactUser;
  bool peerUpdates = false;    ///< Their Allow has UPDATE.
  bool peerTimer = false;      ///< Their Supported has timer.
  std::uint32_t interval = 0;  ///< Session-Expires in seconds; 0: no session timer.
  Refresher refresher = Refresher::none;
  std::uint32_t minSe = 0;  ///< The longest Min-SE that was asked for in this call; 0: none.
  /// The last descriptions, where a refresh needs them (the peer has no UPDATE).
  std::string localSdp, remoteSdp;
  friend bool operator==(const SessionState&, const SessionState&) = default;
};
std::string serialise(const SessionState& state);
/// Nothing for what is not a whole confirmed session of this version.
std::optional<SessionState> deserialiseSession(std::string_view text);

struct Attempt {
  Uri uri;
  Target target;
};

/// One phone that rings of perhaps several (forking).
struct EarlyDialog {
  DialogState dialog;
  std::uint32_t rseq = 0;
  std::string sdp;        ///< The answer, or what it is going to be.
  bool answered = false;  ///< It came reliably: the exchange is done.
  bool offered = false;   ///< Theirs, in a reliable 1xx (we sent none).
  bool changed = false;   ///< By an UPDATE: `sdp` is not what holds any more.
};

struct CallerSetup {
  OutgoingCall call;
  Uri uri;  ///< The current request URI.
  std::deque<Attempt> attempts;
  Target target;
  TransactionId invite;
  Message request;
  std::vector<EarlyDialog> forks;
  std::uint32_t cseq = 0;
  std::uint32_t interval = 0, minSe = 0;
  int redirects = 0, tried = 0, authTries = 0;
  int lastStatus = 503;
  std::string lastReason = "sip.no_target", lastText;
  bool heard = false;  ///< Any response to the current INVITE.
  /// The last refusal was no "not now" but asked for more (401, 407, 422) or led on (3xx): who says nothing
  /// to the INVITE that was made of it is not away.
  bool answered = false;
  bool locating = false;
  base::Instant ringUntil = kNever, targetUntil = kNever;
};
constexpr std::size_t kMaxForks = 10;

struct CalleeSetup {
  TransactionId invite;
  bool offered = false;  ///< Their INVITE had an offer.
  bool supports100rel = false, requires100rel = false;
  bool unacknowledged = false;  ///< A reliable provisional response waits for its PRACK …
  bool withSdp = false;         ///< … and has SDP.
  std::uint32_t rseq = 0;
  std::uint32_t cseq = 0;
  std::string earlySdp;    ///< Sent reliably or not.
  bool exchanged = false;  ///< Offer and answer are done before the 2xx.
  struct Queued {
    int status = 0;
    std::string sdp;
    Headers headers;
  };
  std::optional<Queued> queuedRing, queuedAnswer;
  int rings = 0;  ///< Status of the last provisional response but 100; it is said again at:
  base::Instant ringAgainAt = kNever;
  base::Instant ringUntil = kNever;
  base::Instant expiresAt = kNever;  ///< Expires of their INVITE; no more once the owner has answered.
};

/// How an offer came. `refresh`: a refresh of ours was answered with another description than before, so that
/// our offer is wanted again.
enum class OfferCarrier : std::uint8_t { reinvite, update, prack, answer2xx, provisional, refresh };

struct QueuedOffer {
  std::string sdp;
  Headers headers;
};

struct Pending {
  enum class Purpose : std::uint8_t {
    reinvite,
    update,
    refreshInvite,
    refreshUpdate,
    prack,
    message,
    refer,
    notify
  };
  TransactionId transaction;
  Purpose purpose{};
  Message request;
  int tries = 0;
};
constexpr std::size_t kMaxPending = 32;

/// A request that leaves when the one before it has its final response: over UDP it would be overtaken by
/// what was sent after it, and then be refused as too old (RFC 3261 section 12.2.2).
struct Waiting {
  Pending::Purpose purpose{};
  Method method{};
  Headers headers{};
  std::string body{}, contentType{};
};
constexpr std::size_t kMaxWaiting = 64;

/// What is under way in a call.
struct Activity {
  struct Incoming {
    TransactionId transaction;
    OfferCarrier carrier{};
    bool wantsOurs = false;  ///< It had no SDP: our answer is the offer.
    base::Instant until = kNever;
    std::string fork;        ///< Before the call stands: whose; the tag.
    std::uint32_t cseq = 0;  ///< answer2xx: of the INVITE.
  };
  std::optional<Incoming> incoming;
  std::optional<QueuedOffer> queued;  ///< Ours, waits for its turn.
  std::optional<QueuedOffer> sent;    ///< Ours, in flight: for another try after glare.
  int glares = 0;
  base::Instant retryAt = kNever;
  /// Our 2xx waits for its ACK.
  TransactionId awaitingAck;
  std::uint32_t ackCSeq = 0;
  bool ackHasAnswer = false;
  bool ackOfFirst = false;
  // REFER. One each way.
  bool referring = false;
  base::Instant referUntil = kNever;
  bool referred = false;
  bool referredSilently = false;  ///< Refer-Sub: false.
  std::uint32_t referredCSeq = 0;
  std::deque<Waiting> waiting;

  bool idle() const {
    return waiting.empty() && !incoming && !queued && !sent && awaitingAck == TransactionId{} && !referring &&
           !referred;
  }
};

}  // namespace parley::sip
