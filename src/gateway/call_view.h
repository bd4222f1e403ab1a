// A call as a page sees it: the fields of the `call` message (docs/protocols/websocketcall.md). Pure.
#pragma once
#include <string>

#include "gateway/call_state.h"

namespace parley::gateway {

struct CallView {
  std::string state;  ///< ringing, connecting, connected, reconnecting, ended
  std::string peerName, peerAddress;
  PartyKind peerKind = PartyKind::page;
  bool peerLost = false;
  bool peerPageLeft = false;  ///< Lost because the other page was left: the next one may follow.
  bool peerMutedAudio = false, peerMutedVideo = false;
  bool held = false;      ///< By this side.
  bool peerHeld = false;  ///< This side, by the other.
  bool early = false;
  bool peerRings = false;  ///< Somebody rings who is to take the other side's place.
  bool audio = true, video = true;
  std::string transfer, transferText;  ///< State of the transfer that this side asked for.
  std::int64_t answeredAt = 0;
  std::string assist;  ///< The shared session beside the call.
  /// Who is in it, too, by the mixing page of one side; that side also knows through which other call.
  std::string conferenceWith, conferenceCall;
  EndReason reason = EndReason::none;
  friend bool operator==(const CallView&, const CallView&) = default;
};
CallView viewOf(const CallState& state, Side side);
/// What that side is told of the other's name and address: of an agent a customer reads the label (CON-4).
struct ShownParty {
  std::string name, address;
};
ShownParty peerShownTo(const CallState& state, Side side);
/// The fields of the `call` message as a JSON object's text, without type and numbers.
std::string callFields(const CallState& state, Side side);
/// The same for a page that rings; `connecting` once it answered a transferred call.
std::string ringFields(const CallState& state, const RingingPage& page, bool answered = false);
/// The same for a page that has no part in the call any more.
std::string leftFields(const CallState& state, Side place, EndReason reason, EndedBy by);
/// In whose place pages ring.
Side ringSide(const CallState& state);
/// The lane of a ladder diagram.
std::string_view laneOf(const CallState& state, Side side);

}  // namespace parley::gateway
