// Why a call ended, who ended it, and the sentence each side reads (docs/protocols/websocketcall.md).
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace parley::gateway {

enum class Side { consumer, agent };
constexpr Side otherSide(Side side) { return side == Side::consumer ? Side::agent : Side::consumer; }
std::string_view toString(Side side);
std::optional<Side> sideOf(std::string_view name);

enum class EndReason {
  none,  ///< Not ended.
  hungUp,
  rejected,
  busy,
  noAnswer,
  agentNotSignedIn,
  agentAway,
  destinationRefused,
  destinationUnknown,
  consumerLeft,
  agentLeft,
  consumerLost,
  agentLost,
  mediaFailed,
  brokerDown,
  brokerLost,
  brokerOverloaded,
  sdpRefused,
  serverStopping,
  cancelled,
  tooManyCalls,
  answeredElsewhere,  ///< Told to a page that rang with others.
  transferred,
  phoneBusy,
  phoneUnreachable,
  phoneDeclined,
  phoneNotFound,
  trunkDown,
  noTrunk,
  numberRefused,
  sessionExpired,
  sipError,
  mediaIncompatible,
  phonesNotAllowed,  ///< A consumer's page may not call telephones here.
  phoneSilent,       ///< Nothing was heard of a phone for too long.
};
constexpr std::size_t kEndReasons = static_cast<std::size_t>(EndReason::phoneSilent) + 1;
std::string_view toString(EndReason reason);  ///< The protocol's token; empty for none.
std::optional<EndReason> endReasonOf(std::string_view token);

enum class EndedBy { system, consumer, agent };
std::string_view toString(EndedBy by);
std::optional<EndedBy> endedByOf(std::string_view token);
constexpr EndedBy endedBy(Side side) { return side == Side::consumer ? EndedBy::consumer : EndedBy::agent; }

/// What a final SIP status to our INVITE means, with the token that Phones gives beside it.
EndReason endReasonOfSip(int status, std::string_view token);
/// The status with which a phone that calls us is refused.
int sipStatusOf(EndReason reason);

/// The sentence for `viewer`. `peer` is the other side's name; may be empty.
std::string endText(EndReason reason, EndedBy by, Side viewer, std::string_view peer);

}  // namespace parley::gateway
