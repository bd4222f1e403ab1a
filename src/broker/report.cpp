#include "broker/report.h"

#include <nlohmann/json.hpp>

namespace parley::broker {
namespace {

using Json = nlohmann::ordered_json;

Json jsonOf(const rtc::StreamStats& stream) {
  return {{"packets", stream.packets},    {"bytes", stream.bytes},
          {"lost", stream.lost},          {"fractionLost", stream.fractionLost},
          {"jitterMs", stream.jitterMs},  {"bitrate", stream.bitrate},
          {"nacks", stream.nacks},        {"retransmitted", stream.retransmitted},
          {"plis", stream.plis},          {"firs", stream.firs},
          {"keyFrames", stream.keyFrames}};
}

Json jsonOf(const rtc::SectionStats& section, const std::vector<std::string>& mids) {
  const std::string& codec = section.fromPeer.codec.empty() ? section.toPeer.codec : section.fromPeer.codec;
  return {{"index", section.index},
          {"kind", section.kind == rtc::MediaKind::audio ? "audio" : "video"},
          {"mid", section.index < mids.size() ? mids[section.index] : ""},
          {"codec", codec},
          {"fromPeer", jsonOf(section.fromPeer)},
          {"toPeer", jsonOf(section.toPeer)}};
}

Json jsonOf(const rtc::DropCounts& drops) {
  Json result = Json::object();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    if (drops[i] > 0) result[std::string(rtc::toString(static_cast<rtc::DropReason>(i)))] = drops[i];
  }
  return result;
}

Json jsonOf(const LegReport& leg) {
  Json result{{"id", leg.id}, {"kind", toString(leg.kind)}};
  if (leg.kind == rtc::LegKind::webrtc) {
    result["ice"] = toString(leg.ice);
    result["dtls"] = leg.dtls ? toString(*leg.dtls) : "new";
  } else {
    result["security"] = toString(leg.security);
    result["rtp"] = leg.connected ? "connected" : "waiting";
  }
  result["srtp"] = leg.srtp;
  result["remb"] = leg.stats.remb;
  result["held"] = leg.held;
  result["holds"] = leg.holds;
  if (!leg.peer.empty()) result["peer"] = leg.peer;
  if (!leg.remote.empty()) result["selected"] = {{"remote", leg.remote}, {"local", leg.local}};
  if (leg.stats.rttMs) result["rttMs"] = *leg.stats.rttMs;
  result["sections"] = Json::array();
  for (const rtc::SectionStats& section : leg.stats.sections)
    result["sections"].push_back(jsonOf(section, leg.mids));
  result["drops"] = jsonOf(leg.stats.drops);
  return result;
}

/// Texts in there can come from a peer (an alert's text, say): never let one break the stream.
std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string_view toString(rtc::IceState state) {
  switch (state) {
    case rtc::IceState::waiting:
      return "waiting";
    case rtc::IceState::connected:
      return "connected";
    case rtc::IceState::disconnected:
      return "disconnected";
    case rtc::IceState::expired:
      return "expired";
  }
  return "";
}

std::string_view toString(rtc::DtlsState state) {
  switch (state) {
    case rtc::DtlsState::idle:
      return "new";
    case rtc::DtlsState::handshaking:
      return "handshaking";
    case rtc::DtlsState::connected:
      return "connected";
    case rtc::DtlsState::closed:
      return "closed";
    case rtc::DtlsState::failed:
      return "failed";
  }
  return "";
}

std::string_view toString(rtc::LegKind kind) { return kind == rtc::LegKind::rtp ? "rtp" : "webrtc"; }

std::string_view toString(rtc::RtpSecurity security) {
  switch (security) {
    case rtc::RtpSecurity::none:
      return "none";
    case rtc::RtpSecurity::sdes:
      return "sdes";
    case rtc::RtpSecurity::sdesPreferred:
      return "sdes-preferred";
  }
  return "";
}

std::string toJson(const CallReport& report) {
  Json result{{"call", report.call}, {"worker", report.worker}, {"ageSeconds", report.ageSeconds}};
  result["legs"] = Json::array();
  for (const LegReport& leg : report.legs) result["legs"].push_back(jsonOf(leg));
  return dumped(result);
}

std::string toJson(const LegReport& report) { return dumped(jsonOf(report)); }

std::string toJson(const LegEvent& event) {
  Json detail = Json::object();
  for (const auto& [name, value] : event.detail) detail[name] = value;
  return dumped({{"event", "leg"},
                 {"call", event.call},
                 {"leg", event.leg},
                 {"what", event.what},
                 {"at", base::formatUtc(event.at)},
                 {"detail", std::move(detail)}});
}

std::string toJson(const CallEnded& event) {
  return dumped({{"event", "call"},
                 {"call", event.call},
                 {"what", "ended"},
                 {"at", base::formatUtc(event.at)},
                 {"detail", {{"reason", event.reason}}}});
}

}  // namespace parley::broker
