#include "gateway/call_reason.h"

#include <fmt/format.h>

namespace parley::gateway {

std::string_view toString(Side side) { return side == Side::consumer ? "consumer" : "agent"; }

std::optional<Side> sideOf(std::string_view name) {
  if (name == "consumer") return Side::consumer;
  if (name == "agent") return Side::agent;
  return std::nullopt;
}

std::string_view toString(EndReason reason) {
  switch (reason) {
    case EndReason::none:
      return "";
    case EndReason::hungUp:
      return "hung_up";
    case EndReason::rejected:
      return "rejected";
    case EndReason::busy:
      return "busy";
    case EndReason::noAnswer:
      return "no_answer";
    case EndReason::agentNotSignedIn:
      return "agent_not_signed_in";
    case EndReason::agentAway:
      return "agent_away";
    case EndReason::destinationRefused:
      return "destination_refused";
    case EndReason::destinationUnknown:
      return "destination_unknown";
    case EndReason::consumerLeft:
      return "consumer_left";
    case EndReason::agentLeft:
      return "agent_left";
    case EndReason::consumerLost:
      return "consumer_lost";
    case EndReason::agentLost:
      return "agent_lost";
    case EndReason::mediaFailed:
      return "media_failed";
    case EndReason::brokerDown:
      return "broker_down";
    case EndReason::brokerLost:
      return "broker_lost";
    case EndReason::brokerOverloaded:
      return "broker_overloaded";
    case EndReason::sdpRefused:
      return "sdp_refused";
    case EndReason::serverStopping:
      return "server_stopping";
    case EndReason::cancelled:
      return "cancelled";
    case EndReason::tooManyCalls:
      return "too_many_calls";
  }
  return "";
}

std::optional<EndReason> endReasonOf(std::string_view token) {
  for (std::size_t i = 0; i < kEndReasons; ++i) {
    if (toString(static_cast<EndReason>(i)) == token) return static_cast<EndReason>(i);
  }
  return std::nullopt;
}

std::string_view toString(EndedBy by) {
  switch (by) {
    case EndedBy::system:
      return "system";
    case EndedBy::consumer:
      return "consumer";
    case EndedBy::agent:
      return "agent";
  }
  return "";
}

std::optional<EndedBy> endedByOf(std::string_view token) {
  for (const EndedBy by : {EndedBy::system, EndedBy::consumer, EndedBy::agent}) {
    if (toString(by) == token) return by;
  }
  return std::nullopt;
}

std::string endText(EndReason reason, EndedBy by, Side viewer, std::string_view peer) {
  const bool self = by == endedBy(viewer);
  const bool isConsumer = viewer == Side::consumer;
  const std::string_view fallback = isConsumer ? "The agent" : "The caller";
  const std::string who(peer.empty() ? fallback : peer);
  switch (reason) {
    case EndReason::none:
      return "";
    case EndReason::hungUp:
      return self ? "You ended the call." : who + " ended the call.";
    case EndReason::rejected:
      return self ? "You declined the call." : who + " declined the call.";
    case EndReason::busy:
      return self ? "You declined the call as busy." : who + " is busy in another call.";
    case EndReason::noAnswer:
      return isConsumer ? who + " did not answer." : "The call was not answered in time.";
    case EndReason::agentNotSignedIn:
      return "The agent is not signed in.";
    case EndReason::agentAway:
      return "The agent is away.";
    case EndReason::destinationRefused:
      return "Calls to this destination are not allowed.";
    case EndReason::destinationUnknown:
      return "There is nobody with this name or number.";
    case EndReason::consumerLeft:
      return self ? "You left the page." : who + " left the page.";
    case EndReason::agentLeft:
      return self ? "You signed out." : who + " signed out.";
    case EndReason::consumerLost:
      return isConsumer ? "Your connection was lost for too long."
                        : "The connection to " + who + " was lost.";
    case EndReason::agentLost:
      return isConsumer ? "The connection to " + who + " was lost."
                        : "Your connection was lost for too long.";
    case EndReason::mediaFailed:
      return "Voice and video could not be connected.";
    case EndReason::brokerDown:
      return "The media service cannot be reached. Please try again later.";
    case EndReason::brokerLost:
      return "The media service failed during the call.";
    case EndReason::brokerOverloaded:
      return "All lines are in use. Please try again later.";
    case EndReason::sdpRefused:
      return "This browser and the media service have no way to exchange voice in common.";
    case EndReason::serverStopping:
      return "The service is being restarted. Please call again in a moment.";
    case EndReason::cancelled:
      return self ? "You ended the call before it was answered."
                  : who + " gave up before the call was answered.";
    case EndReason::tooManyCalls:
      return "There are too many calls at the moment. Please try again later.";
  }
  return "";
}

}  // namespace parley::gateway
