#include "gateway/call_state.h"

#include <algorithm>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr int kFormat = 3;
constexpr std::int64_t kMaxMillis = std::int64_t{1} << 42;  // Year 2109: formatting stays in range.
constexpr std::size_t kMaxList = 4096;

std::optional<CallPhase> phaseOf(std::string_view name) {
  for (std::size_t i = 0; i < kCallPhases; ++i) {
    if (toString(static_cast<CallPhase>(i)) == name) return static_cast<CallPhase>(i);
  }
  return std::nullopt;
}

/// One list of members for writing and reading, so that neither forgets one.
template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, Party> {
  a("session", s.session);
  a("user", s.user);
  a("name", s.name);
  a("address", s.address);
  a.choice("kind", s.kind, 2);
  a("leg", s.leg);
  a("number", s.number);
  a("agent", s.agent);
  a("called", s.called);
  a("told", s.told);
  a("dialog", s.dialog);
  a("sessionUp", s.sessionUp);
  a("iceUp", s.iceUp);
  a("dtlsUp", s.dtlsUp);
  a("awaitingMedia", s.awaitingMedia);
  a.optional("pageLeft", s.pageLeft);
  a("mutedAudio", s.mutedAudio);
  a("mutedVideo", s.mutedVideo);
  a("holds", s.holds);
  a.optional("conference", s.conference);
  a.optional("conferenceWith", s.conferenceWith);
  a("video", s.video);
  a("telephoneEvent", s.telephoneEvent);
  a("silentSince", s.silentSince);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, RingingPage> {
  a("user", s.user);
  a("name", s.name);
  a("session", s.session);
  a("sessionUp", s.sessionUp);
  a("autoAnswer", s.autoAnswer);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, Hunt> {
  a("group", s.group);
  a("oneByOne", s.oneByOne);
  a("memberMillis", s.memberMillis);
  a("tried", s.tried);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, Negotiation> {
  a.choice("kind", s.kind, 4);
  a.choice("stage", s.stage, 3);
  a("from", s.from);
  a("to", s.to);
  a("request", s.request);
  a("sdp", s.sdp);
  a("video", s.video);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, Transfer> {
  a.choice("stage", s.stage, kTransferStages);
  a.choice("by", s.by, 2);
  a("target", s.target);
  a("to", s.to);
  a("text", s.text);
  a("otherCall", s.otherCall);
  a("replaces", s.replaces);
  a("sdp", s.sdp);
  a("byRefer", s.byRefer);
  a("pickup", s.pickup);
  a("alerted", s.alerted);
  a("held", s.held);
  a("legMade", s.legMade);
  a("byGone", s.byGone);
  a("described", s.described);
  a("early", s.early);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, CallTimes> {
  a("ring", s.ring);
  a("media", s.media);
  a("lost", s.lost);
  a("offer", s.offer);
  a("silence", s.silence);
}

template <class Archive, class S>
void members(Archive& a, S& s) requires std::same_as<std::remove_const_t<S>, CallState> {
  a("id", s.id);
  a.named("phase", s.phase, phaseOf);
  a("broker", s.broker);
  a("consumer", s.consumer);
  a("agent", s.agent);
  a.named("caller", s.caller, sideOf);
  a("audio", s.audio);
  a("video", s.video);
  a("offer", s.offer);
  a("ringOffer", s.ringOffer);
  a("ringing", s.ringing);
  a("hunt", s.hunt);
  a("early", s.early);
  a("delayedOffer", s.delayedOffer);
  a("negotiation", s.negotiation);
  a("wanted", s.wanted);
  a("transfer", s.transfer);
  a("transferredBy", s.transferredBy);
  a("agents", s.agents);
  a("mayRefer", s.mayRefer);
  a("legs", s.legs);
  a("uui", s.uui);
  a.optional("uuiElement", s.uuiElement);
  a("correlationId", s.correlationId);
  a.optional("assist", s.assist);
  a.optional("agentLabel", s.agentLabel);
  a("times", s.times);
  a("startedAt", s.startedAt);
  a("answeredAt", s.answeredAt);
  a("connectedAt", s.connectedAt);
  a("endedAt", s.endedAt);
  a.named("reason", s.reason, endReasonOf);
  a.named("by", s.by, endedByOf);
}

class Writer {
 public:
  template <class T>
  void operator()(const char* key, const T& value) {
    if constexpr (requires { Json(value); } && !std::is_class_v<T>) {
      json[key] = value;
    } else {
      json[key] = jsonOf(value);
    }
  }
  template <class T>
  void optional(const char* key, const T& value) {
    (*this)(key, value);
  }
  template <class E>
  void choice(const char* key, E value, std::size_t) {
    json[key] = static_cast<int>(value);
  }
  template <class E, class F>
  void named(const char* key, E value, F) {
    json[key] = toString(value);
  }
  Json json = Json::object();

 private:
  static Json jsonOf(const std::string& text) { return text; }
  template <class T>
  static Json jsonOf(const std::vector<T>& list) {
    Json out = Json::array();
    for (const T& item : list) out.push_back(jsonOf(item));
    return out;
  }
  template <class T>
  static Json jsonOf(const T& value) {
    Writer inner;
    members(inner, value);
    return std::move(inner.json);
  }
};

/// One that is absent or wrong fails the whole.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json), ok_(json.is_object()) {}
  void operator()(const char* key, std::string& out) { take(ok_ ? stringAt(json_, key) : std::nullopt, out); }
  /// What states of before did not have.
  template <class T>
  void optional(const char* key, T& out) {
    if (ok_ && json_.contains(key)) (*this)(key, out);
  }
  void operator()(const char* key, bool& out) { take(ok_ ? boolAt(json_, key) : std::nullopt, out); }
  void operator()(const char* key, std::int64_t& out) {
    const auto value = ok_ ? integerAt(json_, key) : std::nullopt;
    take(value && *value >= 0 && *value < kMaxMillis ? value : std::nullopt, out);
  }
  template <class T>
  void operator()(const char* key, std::vector<T>& out) {
    const auto at = ok_ ? json_.find(key) : json_.end();
    if (!ok_ || at == json_.end() || !at->is_array() || at->size() > kMaxList) return fail();
    for (const Json& item : *at) {
      T& made = out.emplace_back();
      if constexpr (std::same_as<T, std::string>) {
        if (!item.is_string()) return fail();
        made = item.get<std::string>();
      } else {
        nested(item, made);
      }
    }
  }
  template <class T>
  void operator()(const char* key, T& out) {
    const auto at = ok_ ? json_.find(key) : json_.end();
    if (!ok_ || at == json_.end()) return fail();
    nested(*at, out);
  }
  template <class E>
  void choice(const char* key, E& out, std::size_t count) {
    std::int64_t value = 0;
    (*this)(key, value);
    if (value >= static_cast<std::int64_t>(count)) return fail();
    out = static_cast<E>(value);
  }
  template <class E, class F>
  void named(const char* key, E& out, F find) {
    std::string name;
    (*this)(key, name);
    take(ok_ ? find(name) : std::nullopt, out);
  }
  bool ok() const { return ok_; }

 private:
  template <class T>
  void nested(const Json& json, T& out) {
    Reader inner(json);
    members(inner, out);
    ok_ = ok_ && inner.ok();
  }
  template <class T>
  void take(const std::optional<T>& value, T& out) {
    if (!value) return fail();
    out = *value;
  }
  void fail() { ok_ = false; }
  const Json& json_;
  bool ok_;
};

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
  Writer writer;
  members(writer, s);
  writer.json["format"] = kFormat;
  return dumpJson(writer.json);
}

std::optional<CallState> deserialise(std::string_view text) {
  const auto json = parseJson(text);
  if (!json || !json->is_object() || integerAt(*json, "format") != kFormat) return std::nullopt;
  CallState s;
  Reader reader(*json);
  members(reader, s);
  if (!reader.ok() || s.id.empty()) return std::nullopt;
  return s;
}

std::vector<std::string> phoneLegs(const CallState& s) {
  std::vector<std::string> out;
  for (const Party* party : {&s.consumer, &s.agent, &s.transfer.target}) {
    if (!party->isPhone() || !party->dialog || party->leg.empty()) continue;
    if (std::ranges::find(out, party->leg) == out.end()) out.push_back(party->leg);
  }
  return out;
}

}  // namespace parley::gateway
