// Names and small readings around step().
#include <algorithm>

#include "base/text.h"
#include "gateway/call_step.h"

namespace parley::gateway {

std::string_view toString(CallTimer timer) {
  switch (timer) {
    case CallTimer::ring:
      return "ring";
    case CallTimer::member:
      return "member's ring";
    case CallTimer::media:
      return "media";
    case CallTimer::consumerMedia:
      return "consumer media";
    case CallTimer::agentMedia:
      return "agent media";
    case CallTimer::offer:
      return "offer";
    case CallTimer::transfer:
      return "transfer";
    case CallTimer::silence:
      return "silence";
  }
  return "";
}

EndReason endReasonOfBrokerError(std::string_view reason) {
  if (reason == "broker.overloaded" || reason == "broker.draining" || reason == "broker.full") {
    return EndReason::brokerOverloaded;
  }
  if (reason.starts_with("sdp.")) return EndReason::sdpRefused;
  if (reason == "call.unknown" || reason == "leg.unknown") return EndReason::brokerLost;
  return EndReason::brokerDown;
}

std::string_view toString(PhoneOp op) {
  switch (op) {
    case PhoneOp::invite:
      return "invite";
    case PhoneOp::ring:
      return "ring";
    case PhoneOp::answer:
      return "answer";
    case PhoneOp::reject:
      return "reject";
    case PhoneOp::hangUp:
      return "hang up";
    case PhoneOp::offer:
      return "offer";
    case PhoneOp::answerOffer:
      return "answer the offer";
    case PhoneOp::refuseOffer:
      return "refuse the offer";
    case PhoneOp::dtmf:
      return "dtmf";
    case PhoneOp::refer:
      return "refer";
    case PhoneOp::referProgress:
      return "tell of the transfer";
  }
  return "";
}

std::string_view toString(BrokerOp op) {
  switch (op) {
    case BrokerOp::create:
      return "make call";
    case BrokerOp::offer:
      return "offer";
    case BrokerOp::answer:
      return "answer";
    case BrokerOp::answerLocally:
      return "restart";
    case BrokerOp::makeOffer:
      return "make offer";
    case BrokerOp::rollback:
      return "rollback";
    case BrokerOp::bridge:
      return "bridge";
    case BrokerOp::hold:
      return "hold";
    case BrokerOp::ringback:
      return "ringing tone";
    case BrokerOp::addLeg:
      return "add leg";
    case BrokerOp::removeLeg:
      return "remove leg";
  }
  return "";
}

/// A video section that is neither refused (port 0) nor switched off.
bool hasVideo(std::string_view sdp) {
  bool inVideo = false;
  bool found = false;
  for (std::string_view line : base::split(sdp, '\n')) {
    line = base::trim(line);
    if (line.starts_with("m=")) {
      if (inVideo && found) return true;
      inVideo = line.starts_with("m=video ");
      found = inVideo && !line.starts_with("m=video 0 ");
    } else if (inVideo && line == "a=inactive") {
      found = false;
    }
  }
  return inVideo && found;
}

bool hasTelephoneEvent(std::string_view sdp) {
  return std::ranges::any_of(base::split(sdp, '\n'), [](std::string_view line) {
    return line.starts_with("a=rtpmap:") &&
           base::toLower(line).find(" telephone-event/") != std::string::npos;
  });
}

}  // namespace parley::gateway
