#include "gateway/call_view.h"

#include "gateway/json.h"

namespace parley::gateway {
namespace {

std::string_view transferState(const Transfer& t) {
  switch (t.stage) {
    case TransferStage::none:
      return "";
    case TransferStage::failed:
      return "failed";
    default:
      return t.alerted ? "ringing" : "trying";
  }
}

Json peerJson(const CallState& s, Side place) {
  const Party& peer = s.party(otherSide(place));
  const ShownParty shown = peerShownTo(s, place);
  Json out = {{"name", shown.name}, {"address", shown.address}, {"kind", peer.isPhone() ? "phone" : "page"}};
  if (!peer.number.empty()) out["number"] = peer.number;
  return out;
}

/// What is the same for all who look at the call.
Json commonJson(const CallState& s, Side place) {
  Json out = {{"call", s.id},
              {"direction", s.party(place).called ? "in" : "out"},
              {"peer", peerJson(s, place)},
              {"media", {{"audio", s.audio}, {"video", s.video}}},
              {"startedAt", utcOf(s.startedAt)}};
  if (!s.hunt.group.empty()) out["group"] = s.hunt.group;
  if (!s.correlationId.empty()) out["correlationId"] = s.correlationId;
  if (!s.assist.empty()) out["assist"] = {{"cid", s.assist}};
  return out;
}

/// For agents only: what the token's maker or an exchange says of the customer is none of the page's
/// business.
void addContext(Json& out, const CallState& s) {
  if (!s.uui.empty()) out["uui"] = s.uui;
}

void addReason(Json& out, EndReason reason, EndedBy by, Side viewer, const std::string& peer) {
  out["state"] = "ended";
  out["reason"] = toString(reason);
  out["text"] = endText(reason, by, viewer, peer);
  out["by"] = toString(by);
}

std::string_view stateOf(const CallState& s, const Party& own, bool peerLost) {
  switch (s.phase) {
    case CallPhase::idle:
    case CallPhase::allocating:
    case CallPhase::offering:
    case CallPhase::ringing:
      return "ringing";
    case CallPhase::answering:
    case CallPhase::connecting:
      return "connecting";
    case CallPhase::connected:
      return peerLost || !own.legGood() ? "reconnecting" : "connected";
    case CallPhase::ended:
      return "ended";
  }
  return "";
}

}  // namespace

/// A group that rings has no agent's name yet.
ShownParty peerShownTo(const CallState& s, Side side) {
  const Party& own = s.party(side);
  const Party& peer = s.party(otherSide(side));
  const bool agents = peer.agent && !peer.isPhone() && !peer.user.empty();
  if (s.agentLabel.empty() || own.agent || !agents) return {peer.name, peer.address};
  return {s.agentLabel, "agent"};
}

Side ringSide(const CallState& s) { return s.transfer.running() ? s.transfer.by : otherSide(s.caller); }

std::string_view laneOf(const CallState& s, Side side) {
  if (s.party(side).isPhone()) return side == Side::consumer ? "customer phone" : "agent phone";
  return toString(side);
}

CallView viewOf(const CallState& s, Side side) {
  const Party& own = s.party(side);
  const Party& peer = s.party(otherSide(side));
  const bool running = s.phase == CallPhase::connected;
  const bool peerTransfers = s.transfer.running() && s.transfer.by != side;
  const ShownParty shown = peerShownTo(s, side);
  CallView view;
  view.peerName = shown.name;
  view.peerAddress = shown.address;
  view.peerKind = peer.kind;
  // A phone that went after its REFER is replaced soon: the customer just waits.
  const bool gone = !peer.isPhone() && (!peer.sessionUp || (running && !peer.legGood()));
  view.peerLost = s.live() && gone;
  view.peerPageLeft = view.peerLost && peer.pageLeft;
  view.peerMutedAudio = peer.mutedAudio;
  view.peerMutedVideo = peer.mutedVideo;
  view.held = own.holds;
  view.peerHeld = peer.holds || (peerTransfers && s.transfer.held);
  view.peerRings = peerTransfers && s.transfer.alerted && !s.transfer.described &&
                   s.transfer.stage <= TransferStage::ringing;
  view.early = s.early && s.phase == CallPhase::ringing;
  view.audio = s.audio;
  view.video = s.video;
  if (s.transfer.by == side) {
    view.transfer = transferState(s.transfer);
    view.transferText = s.transfer.text;
  }
  view.answeredAt = s.answeredAt;
  view.assist = s.assist;
  view.conferenceCall = own.conference;
  view.conferenceWith = own.conference.empty() ? peer.conferenceWith : own.conferenceWith;
  view.reason = s.reason;
  view.state = stateOf(s, own, view.peerLost);
  return view;
}

std::string callFields(const CallState& s, Side side) {
  const CallView view = viewOf(s, side);
  const Party& own = s.party(side);
  Json out = commonJson(s, side);
  out["state"] = view.state;
  out["peerMuted"] = {{"audio", view.peerMutedAudio}, {"video", view.peerMutedVideo}};
  out["peerConnection"] = view.peerLost ? "lost" : "ok";
  if (view.peerPageLeft) out["peerPageLeft"] = true;
  out["held"] = view.held;
  out["peerHeld"] = view.peerHeld;
  const bool running = s.answered() && s.live();
  out["can"] = {{"hold", running},
                {"transfer", running && own.agent && !s.transfer.running()},
                {"video", running},
                {"dtmf", running}};
  if (!view.conferenceWith.empty()) out["conference"] = {{"name", view.conferenceWith}};
  if (!view.conferenceCall.empty()) out["conference"]["call"] = view.conferenceCall;
  if (view.early) out["early"] = true;
  if (view.peerRings) out["peerTransfer"] = "ringing";
  if (!s.transferredBy.empty() && own.agent) out["transferredBy"] = s.transferredBy;
  if (own.agent) addContext(out, s);
  if (!view.transfer.empty()) {
    out["transfer"] = {{"state", view.transfer}, {"to", s.transfer.to}, {"text", view.transferText}};
  }
  if (s.answeredAt != 0) out["answeredAt"] = utcOf(s.answeredAt);
  if (s.reason != EndReason::none) addReason(out, s.reason, s.by, side, view.peerName);
  return dumpJson(out);
}

std::string ringFields(const CallState& s, const RingingPage& page, bool answered) {
  const Side place = ringSide(s);
  const Party& peer = s.party(otherSide(place));
  Json out = commonJson(s, place);
  out["state"] = answered ? "connecting" : "ringing";
  out["direction"] = "in";
  out["peerMuted"] = {{"audio", peer.mutedAudio}, {"video", peer.mutedVideo}};
  out["peerConnection"] = !peer.isPhone() && !peer.sessionUp ? "lost" : "ok";
  out["held"] = false;
  out["peerHeld"] = false;
  out["can"] = {{"hold", false}, {"transfer", false}, {"video", false}, {"dtmf", false}};
  addContext(out, s);
  if (page.autoAnswer) out["autoAnswer"] = true;
  if (s.transfer.running()) {
    out["transferredBy"] = s.party(place).name;
    // The page has the target's talk with the transferrer still open: this call goes on in its place.
    if (!s.transfer.otherCall.empty()) out["replaces"] = s.transfer.otherCall;
  }
  return dumpJson(out);
}

std::string leftFields(const CallState& s, Side place, EndReason reason, EndedBy by) {
  Json out = commonJson(s, place);
  out["peerMuted"] = {{"audio", false}, {"video", false}};
  out["peerConnection"] = "ok";
  out["held"] = false;
  out["peerHeld"] = false;
  out["can"] = {{"hold", false}, {"transfer", false}, {"video", false}, {"dtmf", false}};
  if (reason == EndReason::transferred)
    out["transfer"] = {{"state", "done"}, {"to", s.transfer.to}, {"text", ""}};
  addReason(out, reason, by, place, peerShownTo(s, place).name);
  return dumpJson(out);
}

}  // namespace parley::gateway
