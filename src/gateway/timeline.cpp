#include "gateway/timeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/overloaded.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

using Entry = std::optional<TimelineEntry>;
constexpr std::int64_t kMaxSpanMillis = std::int64_t{366} * 86'400'000;  // No call is longer than a year.

TimelineEntry line(std::string_view from, std::string_view to, std::string what, std::string level = "info",
                   const Json& detail = Json::object()) {
  return {0, std::string(from), std::string(to), std::move(what), std::move(level), dumpJson(detail)};
}

Json bytes(const std::string& sdp) { return {{"sdpBytes", sdp.size()}}; }

bool isTrouble(const event::LegChanged& e) {
  return e.change == event::LegChange::iceDown || e.change == event::LegChange::dtlsDown;
}

/// Ended where it began: no broker was asked, nobody rang.
bool isRefused(const CallState& s) {
  return s.phase == CallPhase::ended && s.broker.empty() && !s.answered();
}

Json personJson(const Party& party) {
  Json out = {{"name", party.name}, {"address", party.address}, {"kind", party.isPhone() ? "phone" : "page"}};
  if (!party.user.empty() && party.agent) out["user"] = party.user;
  if (!party.number.empty()) out["number"] = party.number;
  return out;
}

Json partyJson(const Party& party) {
  return {{"user", party.user},
          {"name", party.name},
          {"address", party.address},
          {"kind", party.isPhone() ? "phone" : "page"},
          {"number", party.number},
          {"leg", party.leg},
          {"holds", party.holds},
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
              {"consumer", personJson(s.consumer)},
              {"agent", personJson(s.agent)},
              {"caller", toString(s.caller)},
              {"media", {{"audio", s.audio}, {"video", s.video}}},
              {"broker", s.broker},
              {"correlationId", s.correlationId}};
  if (!s.hunt.group.empty()) out["group"] = s.hunt.group;
  if (!s.transferredBy.empty()) out["transferredBy"] = s.transferredBy;
  if (!out["agent"].contains("user")) out["agent"]["user"] = s.agent.user;
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

Timeline Timeline::parse(std::string_view text, std::int64_t start) {
  Timeline out;
  const auto json = parseJson(text);
  if (!json || !json->is_array()) return out;
  for (const Json& item : *json) {
    const auto ms = item.is_object() ? integerAt(item, "ms") : std::nullopt;
    if (!ms || *ms < 0 || *ms > kMaxSpanMillis) continue;
    TimelineEntry entry = line(stringAt(item, "from").value_or(""), stringAt(item, "to").value_or(""),
                               stringAt(item, "what").value_or(""), stringAt(item, "level").value_or("info"));
    entry.at = start + *ms;
    if (const auto detail = item.find("detail"); detail != item.end() && detail->is_object()) {
      entry.detail = dumpJson(*detail);
    }
    out.add(std::move(entry));
  }
  return out;
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

namespace {

std::string laneOfSession(const CallState& s, const std::string& session) {
  for (const Side side : {Side::consumer, Side::agent}) {
    if (!session.empty() && s.party(side).session == session) return std::string(laneOf(s, side));
  }
  return "agent";  // A page that rings, or the target of a transfer.
}

std::string laneOfLeg(const CallState& s, const std::string& leg) {
  for (const Side side : {Side::consumer, Side::agent}) {
    if (s.party(side).leg == leg) return std::string(laneOf(s, side));
  }
  return s.transfer.target.isPhone() ? "agent phone" : "agent";
}

/// The entry of each event.
class EventLine {
 public:
  explicit EventLine(const CallState& before) : s_(before) {}

  Entry operator()(const event::Dialled& e) const {
    const auto lane = laneOf(s_, s_.caller);
    if (e.refusal == EndReason::none) return line(lane, "gateway", "dial");
    return line(lane, "gateway", "dial", "warn", {{"refused", toString(e.refusal)}});
  }
  Entry operator()(const event::Answered& e) const { return page(e.session, "answer", bytes(e.sdp)); }
  Entry operator()(const event::Rejected& e) const {
    return line(laneOfSession(s_, e.session), "gateway", "reject", "warn",
                {{"reason", e.busy ? "busy" : "declined"}});
  }
  Entry operator()(const event::HungUp& e) const { return page(e.session, "end"); }
  Entry operator()(const event::Muted& e) const {
    return page(e.session, "mute", {{"audio", e.audio}, {"video", e.video}});
  }
  Entry operator()(const event::Restarted& e) const { return page(e.session, "restart", bytes(e.sdp)); }
  // Which digits is nobody's business: they may be a card's number.
  Entry operator()(const event::DtmfSent& e) const {
    return page(e.session, "dtmf", {{"count", e.digits.size()}});
  }
  Entry operator()(const event::AssistOpened& e) const {
    return page(e.session, e.cid.empty() ? "shared session closed" : "shared session", {{"cid", e.cid}});
  }
  Entry operator()(const event::AssistShared& e) const {
    return line("gateway", "agent", e.cid.empty() ? "shared session closed" : "shared session", "info",
                {{"cid", e.cid}, {"by", "correlation id"}});
  }
  Entry operator()(const event::HoldAsked& e) const { return page(e.session, e.held ? "hold" : "resume"); }
  Entry operator()(const event::ConferenceSet& e) const {
    if (e.other.empty()) return page(e.session, "conference over");
    return page(e.session, "conference", {{"with", e.with}, {"call", e.other}});
  }
  Entry operator()(const event::OfferMade& e) const {
    return page(e.session, "offer", {{"sdpBytes", e.sdp.size()}, {"video", e.video}});
  }
  Entry operator()(const event::StatsReported& e) const {
    TimelineEntry stats = line(laneOfSession(s_, e.session), "gateway", "stats");
    stats.detail = e.report;
    return stats;
  }
  Entry operator()(const event::TransferAsked& e) const {
    Json detail = {{"to", e.to}, {"consult", !e.otherCall.empty()}};
    if (e.refusal != EndReason::none) detail["refused"] = toString(e.refusal);
    const std::string lane = e.leg.empty() ? laneOfSession(s_, e.session) : laneOfLeg(s_, e.leg);
    return line(lane, "gateway", "transfer", e.refusal == EndReason::none ? "info" : "warn", detail);
  }
  Entry operator()(const event::TransferCancelled& e) const { return page(e.session, "cancel transfer"); }
  Entry operator()(const event::SessionLost& e) const {
    return note(e.session, e.leaves ? "page left" : "connection lost", e.leaves ? "info" : "warn");
  }
  Entry operator()(const event::SessionBack& e) const {
    return note(e.before, e.fresh ? "new page" : "connection resumed", "info");
  }
  Entry operator()(const event::SessionGone& e) const {
    return note(e.session, e.left ? "left" : "connection given up", "warn");
  }
  Entry operator()(const event::MemberChosen& e) const {
    if (e.pages.empty()) return line("gateway", "gateway", "nobody left in the group", "warn");
    return line("gateway", "gateway", "next in the group", "info", {{"agent", e.pages.front().user}});
  }
  Entry operator()(const event::PhoneProgress& e) const { return status(e.leg, "progress", e.status, e.sdp); }
  Entry operator()(const event::PhoneAnswered& e) const { return status(e.leg, "answered", 200, e.sdp); }
  Entry operator()(const event::PhoneFailed& e) const {
    return line(laneOfLeg(s_, e.leg), "gateway", "failed", "warn",
                {{"status", e.status}, {"reason", e.reason}, {"text", e.text}});
  }
  Entry operator()(const event::PhoneOffer& e) const { return status(e.leg, "offer", 0, e.sdp); }
  Entry operator()(const event::PhoneOfferAnswered& e) const {
    return status(e.leg, "offer answered", 0, e.sdp);
  }
  Entry operator()(const event::PhoneOfferFailed& e) const {
    return line(laneOfLeg(s_, e.leg), "gateway", "offer refused", "warn",
                {{"status", e.status}, {"reason", e.reason}});
  }
  Entry operator()(const event::PhoneDtmf& e) const {
    Json detail = {{"count", e.digits.size() + e.repeats}, {"by", e.inMedia ? "rfc4733" : "info"}};
    if (e.inMedia) detail["millis"] = e.millis;
    if (e.repeats != 0) detail["repeats"] = e.repeats;
    return line(laneOfLeg(s_, e.leg), "gateway", "dtmf", "info", detail);
  }
  Entry operator()(const event::PhoneReferred& e) const { return status(e.leg, "refer", e.status, ""); }
  Entry operator()(const event::PhoneEnded& e) const {
    return line(laneOfLeg(s_, e.leg), "gateway", "ended", "info", {{"reason", e.reason}, {"text", e.text}});
  }
  Entry operator()(const event::PhoneReplaces& e) const {
    return line("trunk", "gateway", "takes the place of a phone", "info", {{"leg", e.replaced}});
  }
  Entry operator()(const event::BrokerDone& e) const {
    const std::string what = std::string(toString(e.asked.op)) + ": done";
    Json detail = Json::object();
    if (!e.asked.leg.empty()) detail["leg"] = e.asked.leg;
    if (e.reply) return line("broker", "gateway", what, "info", detail);
    detail["reason"] = e.reply.error().reason;
    detail["text"] = e.reply.error().text;
    return line("broker", "gateway", std::string(toString(e.asked.op)) + " failed", "error", detail);
  }
  Entry operator()(const event::LegChanged& e) const {
    TimelineEntry leg = line("broker", laneOfLeg(s_, e.leg), e.what, isTrouble(e) ? "warn" : "info");
    if (!e.detail.empty()) leg.detail = e.detail;
    return leg;
  }
  Entry operator()(const event::Renegotiate& e) const {
    return line("gateway", "gateway", "new offer needed", "info", {{"leg", e.leg}});
  }
  Entry operator()(const event::BrokerGone& e) const {
    return line("broker", "broker", "gone", "error", {{"reason", toString(e.reason)}});
  }
  Entry operator()(const event::Absorbed&) const {
    return line("gateway", "gateway", "joined with another call");
  }
  Entry operator()(const event::TakenOver& e) const {
    return line("gateway", "gateway", "taken over after a restart", "warn",
                {{"lostPhones", e.lostLegs.size()}});
  }
  Entry operator()(const event::TimerFired& e) const {
    return line("gateway", "gateway", std::string(toString(e.timer)) + " time is over", "warn");
  }
  Entry operator()(const event::ServerStopping&) const {
    return line("gateway", "gateway", "stopping", "warn");
  }

 private:
  Entry page(const std::string& session, std::string what, const Json& detail = Json::object()) const {
    return line(laneOfSession(s_, session), "gateway", std::move(what), "info", detail);
  }
  Entry note(const std::string& session, std::string what, std::string level) const {
    const std::string lane = laneOfSession(s_, session);
    return line(lane, lane, std::move(what), std::move(level));
  }
  Entry status(const std::string& leg, std::string what, int status, const std::string& sdp) const {
    Json detail = {{"leg", leg}};
    if (status != 0) detail["status"] = status;
    if (!sdp.empty()) detail["sdpBytes"] = sdp.size();
    return line(laneOfLeg(s_, leg), "gateway", std::move(what), "info", detail);
  }
  const CallState& s_;
};

}  // namespace

Entry entryOf(const Event& event, const CallState& before) {
  Entry entry = std::visit([&](const auto& e) { return EventLine(before)(e); }, event.what);
  if (entry) entry->at = event.at;
  return entry;
}

Entry entryOf(const Action& action, const CallState& state, std::int64_t at) {
  const auto side = [&](Side s) { return laneOf(state, s); };
  const auto ofSession = [&](const std::string& session) { return laneOfSession(state, session); };
  Entry entry = std::visit(
      base::Overloaded{
          [&](const action::Broker& a) -> Entry {
            const BrokerRequest& r = a.request;
            Json detail = Json::object();
            if (!r.leg.empty()) detail["leg"] = r.leg;
            if (!r.other.empty()) detail["other"] = r.other;
            if (!r.sdp.empty()) detail["sdpBytes"] = r.sdp.size();
            if (r.op == BrokerOp::hold) detail["held"] = r.flag;
            return line("gateway", "broker", std::string(toString(r.op)), "info", detail);
          },
          [](const action::BrokerDelete&) -> Entry { return line("gateway", "broker", "remove call"); },
          [&](const action::Phone& a) -> Entry {
            Json detail = {{"leg", a.leg}};
            if (!a.sdp.empty()) detail["sdpBytes"] = a.sdp.size();
            if (a.status != 0) detail["status"] = a.status;
            return line("gateway", laneOfLeg(state, a.leg), "phone: " + std::string(toString(a.op)), "info",
                        detail);
          },
          [&](const action::SendCall& a) -> Entry {
            Json detail = {{"state", viewOf(state, a.side).state}};
            if (state.reason != EndReason::none) detail["reason"] = toString(state.reason);
            return line("gateway", side(a.side), "call", "info", detail);
          },
          [&](const action::SendPage& a) -> Entry { return line("gateway", ofSession(a.session), a.type); },
          [&](const action::SendSdp& a) -> Entry {
            return line("gateway", side(a.side), a.offer ? "sdp offer" : "sdp answer", "info", bytes(a.sdp));
          },
          [&](const action::SendDtmf& a) -> Entry { return line("gateway", side(a.side), "dtmf"); },
          [&](const action::SendError& a) -> Entry {
            return line("gateway", ofSession(a.session), "error", "warn",
                        {{"reason", a.reason}, {"text", a.text}});
          },
          [](const auto&) -> Entry { return std::nullopt; }},
      action);
  if (entry) entry->at = at;
  return entry;
}

void CallRecords::setKeeper(std::function<void(const CallRecord&)> added,
                            std::function<void(const std::string&)> removed) {
  added_ = std::move(added);
  removed_ = std::move(removed);
}

void CallRecords::remove(std::deque<CallRecord>::iterator record) {
  if (removed_) removed_(record->state.id);
  records_.erase(record);
}

void CallRecords::add(CallRecord record) {
  if (isRefused(record.state) && std::ranges::count_if(records_, isRefused, &CallRecord::state) >=
                                     static_cast<std::ptrdiff_t>(kMaxRefused)) {
    const auto oldest =
        std::ranges::find_if(records_.rbegin(), records_.rend(), isRefused, &CallRecord::state);
    remove(std::next(oldest).base());
  }
  records_.push_front(std::move(record));
  if (added_) added_(records_.front());
  if (records_.size() > kMaxRecords) remove(std::prev(records_.end()));
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
    if (calls.size() >= kMaxHistory) break;
    const bool dialled = s.party(s.caller).agent && s.party(s.caller).user == agent;
    if (!dialled && std::ranges::find(s.agents, agent) == s.agents.end()) continue;
    // Who was called, or for whom the call was.
    const Side own = dialled                                        ? s.caller
                     : s.consumer.agent && s.consumer.user == agent ? Side::consumer
                                                                    : Side::agent;
    const Party& peer = s.party(otherSide(own));
    Json item = {{"call", s.id}, {"peer", personJson(peer)}, {"direction", dialled ? "out" : "in"}};
    addTimes(item, s);
    calls.push_back(std::move(item));
  }
  return dumpJson({{"calls", std::move(calls)}});
}

std::string summaryJson(const CallState& state) { return dumpJson(summary(state)); }

std::string detailJson(const CallState& s, const Timeline& timeline, std::string_view media) {
  Json out = summary(s);
  out.erase("media");  // Here it is the broker's report.
  out["video"] = s.video;
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
