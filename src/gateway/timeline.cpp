#include "gateway/timeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

using Entry = std::optional<TimelineEntry>;

TimelineEntry line(std::string_view from, std::string_view to, std::string what, std::string level = "info",
                   const Json& detail = Json::object()) {
  return {0, std::string(from), std::string(to), std::move(what), std::move(level), dumpJson(detail)};
}

Json bytes(const std::string& sdp) { return {{"sdpBytes", sdp.size()}}; }

Entry answerOf(std::string what, const base::Result<std::string>& result) {
  if (result) return line("broker", "gateway", std::move(what));
  return line("broker", "gateway", std::move(what) + " failed", "error",
              {{"reason", result.error().reason}, {"text", result.error().text}});
}

bool isTrouble(const event::LegChanged& e) {
  return e.change == event::LegChange::iceDown || e.change == event::LegChange::dtlsDown;
}

Json partyJson(const Party& party) {
  return {{"user", party.user},
          {"name", party.name},
          {"address", party.address},
          {"session", party.sessionUp ? "ok" : "lost"},
          {"ice", party.iceUp},
          {"dtls", party.dtlsUp},
          {"awaitingMedia", party.awaitingMedia},
          {"muted", {{"audio", party.mutedAudio}, {"video", party.mutedVideo}}}};
}

void addTimes(Json& out, const CallState& s) {
  out["startedAt"] = utcOf(s.startedAt);
  if (s.answeredAt != 0) out["answeredAt"] = utcOf(s.answeredAt);
  if (s.connectedAt != 0) out["connectedAt"] = utcOf(s.connectedAt);
  if (s.endedAt != 0) out["endedAt"] = utcOf(s.endedAt);
  if (s.reason != EndReason::none) {
    out["reason"] = toString(s.reason);
    out["by"] = toString(s.by);
    out["text"] = endText(s.reason, s.by, Side::agent, s.consumer.name);
  }
}

Json summary(const CallState& s) {
  Json out = {{"call", s.id},
              {"state", s.live() || s.phase == CallPhase::ended ? viewOf(s, Side::agent).state : "ringing"},
              {"phase", toString(s.phase)},
              {"consumer", {{"name", s.consumer.name}, {"address", s.consumer.address}}},
              {"agent", {{"name", s.agent.name}, {"address", s.agent.address}, {"user", s.agent.user}}},
              {"media", {{"audio", s.audio}, {"video", s.video}}},
              {"broker", s.broker},
              {"correlationId", s.correlationId}};
  addTimes(out, s);
  return out;
}

}  // namespace

void Timeline::add(TimelineEntry entry) {
  if (detailBytes_ + entry.detail.size() > kMaxDetailBytes) {
    entry.detail = fmt::format("{{\"omittedBytes\":{}}}", entry.detail.size());
  } else if (entry.detail.size() > 2) {
    detailBytes_ += entry.detail.size();
  }
  entries_.push_back(std::move(entry));
  if (entries_.size() <= kMaxEntries) return;
  // Every second entry of the middle half goes: what is left is spread over the whole call.
  std::vector<TimelineEntry> kept;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool middle = i >= kMaxEntries / 4 && i < kMaxEntries * 3 / 4;
    if (middle && i % 2 == 0 && entries_[i].level != "error") {
      ++dropped_;
    } else {
      kept.push_back(std::move(entries_[i]));
    }
  }
  if (kept.size() > kMaxEntries) {  // Nothing but errors.
    kept.erase(kept.begin() + kMaxEntries / 2);
    ++dropped_;
  }
  entries_ = std::move(kept);
}

std::string Timeline::json(std::int64_t start) const {
  std::string out = "[";
  for (const TimelineEntry& entry : entries_) {
    if (out.size() > 1) out += ',';
    Json head = {{"at", utcOf(entry.at)}, {"ms", entry.at - start}, {"from", entry.from},
                 {"to", entry.to},        {"what", entry.what},     {"level", entry.level}};
    std::string text = dumpJson(head);
    text.pop_back();
    out += text + ",\"detail\":" + entry.detail + "}";
  }
  return out + "]";
}

Entry entryOf(const Event& event) {
  const auto side = [](Side s) { return toString(s); };
  Entry entry = std::visit(
      Overloaded{
          [](const event::Dialled& e) -> Entry {
            if (e.refusal == EndReason::none) return line("consumer", "gateway", "dial");
            return line("consumer", "gateway", "dial", "warn", {{"refused", toString(e.refusal)}});
          },
          [](const event::Answered& e) -> Entry {
            return line("agent", "gateway", "answer", "info", bytes(e.sdp));
          },
          [](const event::Rejected& e) -> Entry {
            return line("agent", "gateway", "reject", "warn", {{"reason", e.busy ? "busy" : "declined"}});
          },
          [&](const event::HungUp& e) -> Entry { return line(side(e.side), "gateway", "end"); },
          [&](const event::Muted& e) -> Entry {
            return line(side(e.side), "gateway", "mute", "info", {{"audio", e.audio}, {"video", e.video}});
          },
          [&](const event::Restarted& e) -> Entry {
            return line(side(e.side), "gateway", "restart", "info", bytes(e.sdp));
          },
          // Which digits is nobody's business: they may be a card's number.
          [&](const event::DtmfSent& e) -> Entry {
            return line(side(e.side), "gateway", "dtmf", "info", {{"count", e.digits.size()}});
          },
          [&](const event::StatsReported& e) -> Entry {
            TimelineEntry stats = line(side(e.side), "gateway", "stats");
            stats.detail = e.report;
            return stats;
          },
          [&](const event::SessionLost& e) -> Entry {
            return line(side(e.side), side(e.side), "connection lost", "warn");
          },
          [&](const event::SessionBack& e) -> Entry {
            return line(side(e.side), side(e.side), e.fresh ? "new page" : "connection resumed");
          },
          [&](const event::SessionGone& e) -> Entry {
            return line(side(e.side), side(e.side), e.left ? "left" : "connection given up", "warn");
          },
          [](const event::BrokerCreated& e) -> Entry { return answerOf("call made", e.broker); },
          [](const event::BrokerOffered& e) -> Entry { return answerOf("offer for the agent", e.offer); },
          [](const event::BrokerAnswered& e) -> Entry {
            return answerOf("answer for the consumer", e.answer);
          },
          [](const event::BrokerAnsweredLocally& e) -> Entry {
            return answerOf("restart answered", e.answer);
          },
          [&](const event::LegChanged& e) -> Entry {
            TimelineEntry leg = line("broker", side(e.side), e.what, isTrouble(e) ? "warn" : "info");
            if (!e.detail.empty()) leg.detail = e.detail;
            return leg;
          },
          [](const event::BrokerGone& e) -> Entry {
            return line("broker", "broker", "gone", "error", {{"reason", toString(e.reason)}});
          },
          [](const event::TimerFired& e) -> Entry {
            return line("gateway", "gateway", std::string(toString(e.timer)) + " time is over", "warn");
          },
          [](const event::ServerStopping&) -> Entry {
            return line("gateway", "gateway", "stopping", "warn");
          }},
      event.what);
  if (entry) entry->at = event.at;
  return entry;
}

Entry entryOf(const Action& action, const CallState& state, std::int64_t at) {
  const auto side = [](Side s) { return toString(s); };
  Entry entry = std::visit(
      Overloaded{
          [](const action::Persist&) -> Entry { return std::nullopt; },
          [](const action::BrokerCreate&) -> Entry { return line("gateway", "broker", "make call"); },
          [](const action::BrokerOffer& a) -> Entry {
            return line("gateway", "broker", "offer of the consumer", "info", bytes(a.sdp));
          },
          [](const action::BrokerAnswer& a) -> Entry {
            return line("gateway", "broker", "answer of the agent", "info", bytes(a.sdp));
          },
          [&](const action::BrokerAnswerLocally& a) -> Entry {
            return line("gateway", "broker", fmt::format("restart of the {}", side(a.side)), "info",
                        bytes(a.sdp));
          },
          [](const action::BrokerDelete&) -> Entry { return line("gateway", "broker", "remove call"); },
          [&](const action::SendCall& a) -> Entry {
            Json detail = {{"state", viewOf(state, a.side).state}};
            if (state.reason != EndReason::none) detail["reason"] = toString(state.reason);
            return line("gateway", side(a.side), a.incoming ? "incoming" : "call", "info", detail);
          },
          [&](const action::SendSdp& a) -> Entry {
            return line("gateway", side(a.side), "sdp answer", "info", bytes(a.sdp));
          },
          [&](const action::SendDtmf& a) -> Entry { return line("gateway", side(a.side), "dtmf"); },
          [&](const action::SendError& a) -> Entry {
            return line("gateway", side(a.side), "error", "warn", {{"reason", a.reason}, {"text", a.text}});
          },
          [](const action::StartTimer&) -> Entry { return std::nullopt; },
          [](const action::StopTimer&) -> Entry { return std::nullopt; },
          [](const action::Finish&) -> Entry { return std::nullopt; }},
      action);
  if (entry) entry->at = at;
  return entry;
}

void CallRecords::add(CallRecord record) {
  records_.push_front(std::move(record));
  if (records_.size() > kMaxRecords) records_.pop_back();
}

const CallRecord* CallRecords::find(std::string_view call) const {
  const auto found =
      std::ranges::find_if(records_, [call](const CallRecord& record) { return record.state.id == call; });
  return found == records_.end() ? nullptr : &*found;
}

std::string CallRecords::historyOf(std::string_view agent) const {
  Json calls = Json::array();
  for (const CallRecord& record : records_) {
    const CallState& s = record.state;
    if (s.agent.user != agent || calls.size() >= kMaxHistory) continue;
    Json item = {{"call", s.id}, {"peer", {{"name", s.consumer.name}}}, {"direction", "in"}};
    addTimes(item, s);
    calls.push_back(std::move(item));
  }
  return dumpJson({{"calls", std::move(calls)}});
}

std::string summaryJson(const CallState& state) { return dumpJson(summary(state)); }

std::string detailJson(const CallState& s, const Timeline& timeline, std::string_view media) {
  Json out = summary(s);
  out["legs"] = Json::array();
  for (const Side side : {Side::consumer, Side::agent}) {
    Json leg = partyJson(s.party(side));
    leg["id"] = toString(side);
    out["legs"].push_back(std::move(leg));
  }
  out["dropped"] = timeline.dropped();
  std::string text = dumpJson(out);
  text.pop_back();
  return text + ",\"timeline\":" + timeline.json(s.startedAt) + ",\"media\":" + std::string(media) + "}";
}

}  // namespace parley::gateway
