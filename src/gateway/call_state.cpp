#include "gateway/call_state.h"

#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr int kFormat = 1;
constexpr std::int64_t kMaxMillis = std::int64_t{1} << 42;  // Year 2109: formatting stays in range.

Json toJson(const Party& party) {
  return {{"session", party.session},
          {"user", party.user},
          {"name", party.name},
          {"address", party.address},
          {"sessionUp", party.sessionUp},
          {"iceUp", party.iceUp},
          {"dtlsUp", party.dtlsUp},
          {"awaitingMedia", party.awaitingMedia},
          {"mutedAudio", party.mutedAudio},
          {"mutedVideo", party.mutedVideo}};
}

/// Reads members into fields; one that is absent or wrong fails the whole.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json), ok_(json.is_object()) {}
  void read(const char* key, std::string& out) { take(ok_ ? stringAt(json_, key) : std::nullopt, out); }
  void read(const char* key, bool& out) { take(ok_ ? boolAt(json_, key) : std::nullopt, out); }
  void read(const char* key, std::int64_t& out) {
    const auto value = ok_ ? integerAt(json_, key) : std::nullopt;
    take(value && *value >= 0 && *value < kMaxMillis ? value : std::nullopt, out);
  }
  void read(const char* key, Party& party) {
    const auto at = ok_ ? json_.find(key) : json_.end();
    if (!ok_ || at == json_.end()) return fail();
    Reader inner(*at);
    inner.read("session", party.session);
    inner.read("user", party.user);
    inner.read("name", party.name);
    inner.read("address", party.address);
    inner.read("sessionUp", party.sessionUp);
    inner.read("iceUp", party.iceUp);
    inner.read("dtlsUp", party.dtlsUp);
    inner.read("awaitingMedia", party.awaitingMedia);
    inner.read("mutedAudio", party.mutedAudio);
    inner.read("mutedVideo", party.mutedVideo);
    ok_ = ok_ && inner.ok();
  }
  template <class T>
  void take(const std::optional<T>& value, T& out) {
    if (!value) return fail();
    out = *value;
  }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }

 private:
  const Json& json_;
  bool ok_;
};

std::optional<CallPhase> phaseOf(std::string_view name) {
  for (std::size_t i = 0; i < kCallPhases; ++i) {
    if (toString(static_cast<CallPhase>(i)) == name) return static_cast<CallPhase>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view toString(CallPhase phase) {
  switch (phase) {
    case CallPhase::idle:
      return "idle";
    case CallPhase::allocating:
      return "allocating";
    case CallPhase::offering:
      return "offering";
    case CallPhase::ringing:
      return "ringing";
    case CallPhase::answering:
      return "answering";
    case CallPhase::connecting:
      return "connecting";
    case CallPhase::connected:
      return "connected";
    case CallPhase::ended:
      return "ended";
  }
  return "";
}

std::string serialise(const CallState& s) {
  return dumpJson({{"format", kFormat},
                   {"id", s.id},
                   {"phase", toString(s.phase)},
                   {"broker", s.broker},
                   {"consumer", toJson(s.consumer)},
                   {"agent", toJson(s.agent)},
                   {"audio", s.audio},
                   {"video", s.video},
                   {"offer", s.offer},
                   {"offerForAgent", s.offerForAgent},
                   {"uui", s.uui},
                   {"correlationId", s.correlationId},
                   {"times", {{"ring", s.times.ring}, {"media", s.times.media}, {"lost", s.times.lost}}},
                   {"agentTold", s.agentTold},
                   {"startedAt", s.startedAt},
                   {"answeredAt", s.answeredAt},
                   {"connectedAt", s.connectedAt},
                   {"endedAt", s.endedAt},
                   {"reason", toString(s.reason)},
                   {"by", toString(s.by)}});
}

std::optional<CallState> deserialise(std::string_view text) {
  const auto json = parseJson(text);
  if (!json || !json->is_object() || integerAt(*json, "format") != kFormat) return std::nullopt;
  CallState s;
  Reader reader(*json);
  reader.read("id", s.id);
  reader.take(phaseOf(stringAt(*json, "phase").value_or("?")), s.phase);
  reader.read("broker", s.broker);
  reader.read("consumer", s.consumer);
  reader.read("agent", s.agent);
  reader.read("audio", s.audio);
  reader.read("video", s.video);
  reader.read("offer", s.offer);
  reader.read("offerForAgent", s.offerForAgent);
  reader.read("uui", s.uui);
  reader.read("correlationId", s.correlationId);
  const auto times = json->find("times");
  if (times == json->end()) return std::nullopt;
  Reader timesReader(*times);
  timesReader.read("ring", s.times.ring);
  timesReader.read("media", s.times.media);
  timesReader.read("lost", s.times.lost);
  reader.read("agentTold", s.agentTold);
  reader.read("startedAt", s.startedAt);
  reader.read("answeredAt", s.answeredAt);
  reader.read("connectedAt", s.connectedAt);
  reader.read("endedAt", s.endedAt);
  reader.take(endReasonOf(stringAt(*json, "reason").value_or("?")), s.reason);
  reader.take(endedByOf(stringAt(*json, "by").value_or("?")), s.by);
  if (!reader.ok() || !timesReader.ok() || s.id.empty()) return std::nullopt;
  return s;
}

CallView viewOf(const CallState& s, Side side) {
  const Party& own = s.party(side);
  const Party& peer = s.party(otherSide(side));
  const bool running = s.phase == CallPhase::connected;
  CallView view;
  view.peerLost = s.live() && (!peer.sessionUp || (running && !peer.legGood()));
  view.peerMutedAudio = peer.mutedAudio;
  view.peerMutedVideo = peer.mutedVideo;
  view.answeredAt = s.answeredAt;
  view.reason = s.reason;
  switch (s.phase) {
    case CallPhase::idle:
    case CallPhase::allocating:
    case CallPhase::offering:
    case CallPhase::ringing:
      view.state = "ringing";
      break;
    case CallPhase::answering:
    case CallPhase::connecting:
      view.state = "connecting";
      break;
    case CallPhase::connected:
      view.state = view.peerLost || !own.legGood() ? "reconnecting" : "connected";
      break;
    case CallPhase::ended:
      view.state = "ended";
      break;
  }
  return view;
}

std::string callFields(const CallState& s, Side side) {
  const CallView view = viewOf(s, side);
  const Party& peer = s.party(otherSide(side));
  Json out = {{"call", s.id},
              {"state", view.state},
              {"direction", side == Side::consumer ? "out" : "in"},
              {"peer", {{"name", peer.name}, {"address", peer.address}}},
              {"media", {{"audio", s.audio}, {"video", s.video}}},
              {"peerMuted", {{"audio", view.peerMutedAudio}, {"video", view.peerMutedVideo}}},
              {"peerConnection", view.peerLost ? "lost" : "ok"},
              {"startedAt", utcOf(s.startedAt)}};
  if (s.answeredAt != 0) out["answeredAt"] = utcOf(s.answeredAt);
  if (s.reason != EndReason::none) {
    out["reason"] = toString(s.reason);
    out["text"] = endText(s.reason, s.by, side, peer.name);
    out["by"] = toString(s.by);
  }
  return dumpJson(out);
}

}  // namespace parley::gateway
