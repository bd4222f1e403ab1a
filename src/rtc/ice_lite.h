// ICE-lite agent (RFC 8445 section 2.5, RFC 8863) of one transport: answers checks, learns addresses that
// passed one, follows nomination, knows whether consent is fresh (RFC 7675). No sockets, no clock.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "proto/address.h"
#include "proto/stun.h"
#include "rtc/drop_reason.h"
#include "rtc/media_config.h"

namespace parley::rtc {

enum class IceState {
  waiting,       ///< No valid check yet.
  connected,     ///< A pair is selected and checks keep coming.
  disconnected,  ///< No check for kDisconnectedAfter: the network is gone or about to be.
  expired,       ///< No check for kConsentLifetime: sending has stopped.
};

class IceLiteAgent {
 public:
  static constexpr std::size_t kMaxPairs = 16;  ///< Per transport; the least recently checked gives way.
  static constexpr base::Millis kDisconnectedAfter{7'000};
  static constexpr base::Millis kConsentLifetime{30'000};
  static constexpr std::size_t kMaxResponseBytes = 128;
  /// Checks that are remembered: one that comes again from elsewhere is a copy (more than 40 minutes at one
  /// each 2.5 s).
  static constexpr std::size_t kMaxRemembered = 1024;

  /// A remote address and the local address it was reached at.
  struct Pair {
    proto::TransportAddress remote, local;
    friend bool operator==(const Pair&, const Pair&) = default;
  };

  struct CheckResult {
    std::size_t responseSize = 0;       ///< 0: send nothing. Success (or a 4xx) to send to `pair.remote`.
    std::optional<DropReason> dropped;  ///< Set when the check was refused.
    bool pairAdded = false;             ///< First valid check from there.
    std::optional<Pair> pairRemoved;    ///< Gave way to a new one, or nobody checked it any more.
    bool selectedChanged = false;       ///< selected() is new (first, or nominated).
  };

  explicit IceLiteAgent(IceParameters local);
  /// New credentials (ICE restart). Checks with the old ones are still answered until the first valid check
  /// with the new ones; media keeps flowing on the selected pair until a check with the new ones nominates
  /// another. Forgets the remote ufrag: call setRemoteUfrag afterwards.
  void restart(IceParameters local);
  void setRemoteUfrag(std::string ufrag);  ///< "" = not known yet: any is taken.

  /// A STUN message whose USERNAME names this agent (see usernameOf). Writes the response.
  CheckResult onCheck(base::Bytes message, const Pair& pair, base::Instant now, base::MutableBytes response);

  bool isChecked(const proto::TransportAddress& remote) const;
  const std::optional<Pair>& selected() const;
  const std::vector<Pair>& pairs() const;
  IceState state(base::Instant now) const;
  const IceParameters& local() const;
  std::optional<base::Instant> lastCheck() const;

  /// The local ufrag that a binding request asks for (part before ':'), without checking integrity.
  /// Errors: stunMalformed, stunNotRequest, stunUnknownUser (no USERNAME).
  static std::expected<std::string_view, DropReason> usernameOf(base::Bytes message);

 private:
  /// Which credentials a request was made with.
  enum class Credentials { none, current, previous };
  Credentials credentialsOf(std::string_view username) const;
  /// All that is checked before a valid check changes anything: the refusal and its response, if any.
  std::optional<DropReason> refuse(const proto::StunMessage& message, Credentials credentials,
                                   base::MutableBytes response, std::size_t& responseSize) const;
  void accept(const proto::StunMessage& message, const Pair& pair, base::Instant now, CheckResult& result);
  std::size_t indexOf(const Pair& pair) const;  ///< pairs_.size() when it is not there.
  /// Whether this check was seen with another pair. Remembers it.
  bool isCopy(const proto::StunTransactionId& id, const Pair& pair);
  std::size_t leastRecent() const;  ///< Never the selected pair; pairs_.size() when no other.
  void removePair(std::size_t index, CheckResult& result);

  IceParameters local_;
  std::optional<IceParameters> previous_;
  std::string remoteUfrag_;
  std::vector<Pair> pairs_;
  std::vector<base::Instant> checkedAt_;  ///< Parallel to pairs_.
  std::optional<Pair> selected_;
  std::optional<base::Instant> lastCheck_;
  struct Seen {
    std::uint64_t transaction = 0;  ///< 64 of its 96 random bits.
    std::uint64_t pair = 0;         ///< Tells pairs apart.
  };
  std::vector<Seen> seen_;  ///< A ring once it is full.
  std::size_t nextSeen_ = 0;
};

}  // namespace parley::rtc
