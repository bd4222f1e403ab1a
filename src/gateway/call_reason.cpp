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
    case EndReason::answeredElsewhere:
      return "answered_elsewhere";
    case EndReason::transferred:
      return "transferred";
    case EndReason::phoneBusy:
      return "phone_busy";
    case EndReason::phoneUnreachable:
      return "phone_unreachable";
    case EndReason::phoneDeclined:
      return "phone_declined";
    case EndReason::phoneNotFound:
      return "phone_not_found";
    case EndReason::trunkDown:
      return "trunk_down";
    case EndReason::noTrunk:
      return "no_trunk";
    case EndReason::numberRefused:
      return "number_refused";
    case EndReason::sessionExpired:
      return "session_expired";
    case EndReason::sipError:
      return "sip_error";
    case EndReason::mediaIncompatible:
      return "media_incompatible";
    case EndReason::phonesNotAllowed:
      return "phones_not_allowed";
    case EndReason::phoneSilent:
      return "phone_silent";
  }
  return "";
}

EndReason endReasonOfSip(int status, std::string_view token) {
  if (token == "sip.trunk_down") return EndReason::trunkDown;
  if (token == "sip.no_trunk") return EndReason::noTrunk;
  switch (status) {
    case 486:
    case 600:
      return EndReason::phoneBusy;
    case 603:
    case 607:  // RFC 8197
    case 608:  // RFC 8688
      return EndReason::phoneDeclined;
    case 403:
    case 433:  // RFC 5079
      return EndReason::numberRefused;
    case 404:
    case 410:
    case 416:
    case 484:
    case 485:
    case 604:
      return EndReason::phoneNotFound;
    case 408:
    case 430:  // RFC 5626
    case 480:
    case 487:
    case 504:
      return EndReason::phoneUnreachable;
    case 415:
    case 488:
    case 606:
      return EndReason::mediaIncompatible;
    case 500:
    case 502:
    case 503:
      return EndReason::trunkDown;
    default:
      return EndReason::sipError;
  }
}

int sipStatusOf(EndReason reason) {
  switch (reason) {
    case EndReason::busy:
    case EndReason::agentAway:
    case EndReason::phoneBusy:
    // One agent's "no" is not that of everybody: a 6xx would end a server's hunt for another (RFC 3261
    // sections 16.7, 21.6).
    case EndReason::rejected:
      return 486;
    case EndReason::phoneDeclined:
      return 603;
    case EndReason::destinationUnknown:
    case EndReason::phoneNotFound:
      return 404;
    case EndReason::destinationRefused:
    case EndReason::numberRefused:
    case EndReason::phonesNotAllowed:
      return 403;
    case EndReason::sdpRefused:
    case EndReason::mediaIncompatible:
      return 488;
    case EndReason::brokerDown:
    case EndReason::brokerLost:
    case EndReason::brokerOverloaded:
    case EndReason::serverStopping:
    case EndReason::tooManyCalls:
    case EndReason::trunkDown:
    case EndReason::noTrunk:
      return 503;
    default:  // Not signed in, no answer, gone: somebody is there, but not now.
      return 480;
  }
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
    case EndReason::answeredElsewhere:
      return "A colleague answered the call.";
    case EndReason::transferred:
      return "The call was transferred.";
    case EndReason::phoneBusy:
      return who + " is busy.";
    case EndReason::phoneUnreachable:
      return who + " cannot be reached at the moment.";
    case EndReason::phoneDeclined:
      return who + " declined the call.";
    case EndReason::phoneNotFound:
      return "This number is not in use.";
    case EndReason::trunkDown:
      return "The telephone network cannot be reached. Please try again later.";
    case EndReason::noTrunk:
      return "Calls to telephones are not set up here.";
    case EndReason::numberRefused:
      return "This number cannot be called from here. In an emergency, please use a telephone.";
    case EndReason::sessionExpired:
      return "The telephone did not respond any more.";
    case EndReason::sipError:
      return "The telephone network refused the call.";
    case EndReason::mediaIncompatible:
      return "The telephone and the media service have no way to exchange voice in common.";
    case EndReason::phonesNotAllowed:
      return "Telephones cannot be called from this page.";
    case EndReason::phoneSilent:
      return "Nothing was heard of the telephone any more.";
  }
  return "";
}

}  // namespace parley::gateway
