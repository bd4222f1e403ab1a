// What brokers and phones tell, and what another process left behind, as events of calls.
#include <algorithm>

#include "base/log.h"
#include "gateway/calls_running.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {

void Calls::onLegChanged(const std::string& call, event::LegChanged change) {
  deliver(call, std::move(change));
}

void Calls::onLegKey(const std::string& call, const std::string& leg, char key, std::int64_t millis) {
  deliverKeys(call, {leg, std::string(1, key), true, millis});
}

/// INFO of a phone whose media may bring the same key to another phone by itself.
bool Calls::mayComeInMedia(const CallState& state, const event::PhoneDtmf& keys) {
  if (keys.inMedia) return false;
  for (const Side side : {Side::consumer, Side::agent}) {
    const Party &from = state.party(side), &to = state.party(otherSide(side));
    if (from.leg == keys.leg) return to.isPhone() && from.telephoneEvent && to.telephoneEvent;
  }
  return false;
}

void Calls::deliverKeys(const std::string& call, event::PhoneDtmf keys) {
  const auto at = running_.find(call);
  if (at == running_.end()) return;
  Running& running = *at->second;
  auto heard = running.heardKeys.hear(keys.leg, keys.digits, keys.inMedia,
                                      mayComeInMedia(running.state, keys), base::steadyNow());
  watchKeys(running);
  if (heard.digits.empty() && heard.repeats == 0) return;
  keys.repeats = heard.repeats;
  keys.digits = std::move(heard.digits);
  deliver(call, std::move(keys));
}

/// Sends what was held back and did not come in the media.
void Calls::watchKeys(Running& running) {
  const base::Instant next = running.heardKeys.nextDue();
  if (next == base::Instant::max()) return running.keysTimer.stop();
  const auto wait =
      std::chrono::ceil<base::Millis>(std::max(next - base::steadyNow(), base::Instant::duration::zero()));
  running.keysTimer.start(wait, [this, &running] {
    const auto due = running.heardKeys.due(base::steadyNow());
    const std::string call = running.state.id;
    watchKeys(running);
    for (const auto& each : due) deliver(call, event::PhoneDtmf{each.leg, each.digits});
  });
}

void Calls::onCallRemoved(const std::string& call) {
  deliver(call, event::BrokerGone{EndReason::mediaFailed});
}

void Calls::onBrokerLost(const std::string& broker) {
  for (const std::string& id : ids()) {
    const auto at = running_.find(id);
    if (at == running_.end() || at->second->broker != broker) continue;
    deliver(id, event::BrokerGone{EndReason::brokerLost});
  }
}

/// Events are not repeated: a leg that came up while they could not be heard would otherwise be taken for
/// one without media.
void Calls::onBrokerBack(const std::string& broker) {
  for (const std::string& id : ids()) {
    const auto at = running_.find(id);
    if (at == running_.end() || at->second->broker != broker || !at->second->state.live()) continue;
    brokers_.report(broker, id, guard_.wrap([this, id](base::Result<std::string> report) {
      if (!report && report.error().reason == "call.unknown") {
        return deliver(id, event::BrokerGone{EndReason::brokerLost});
      }
      const auto json = report ? parseJson(*report) : base::Result<Json>(Json(nullptr));
      if (!json || !json->is_object() || !json->contains("legs") || !(*json)["legs"].is_array()) return;
      for (const Json& leg : (*json)["legs"]) {
        if (!leg.is_object()) continue;
        const auto name = stringAt(leg, "id").value_or("");
        const auto ice = stringAt(leg, "ice").value_or("");
        if (name.empty() || ice.empty() || ice == "waiting") continue;
        const auto dtls = stringAt(leg, "dtls").value_or("");
        const auto change = ice != "connected"    ? event::LegChange::iceDown
                            : dtls == "connected" ? event::LegChange::dtlsUp
                                                  : event::LegChange::iceUp;
        deliver(id, event::LegChanged{name, change, "asked-again", "", 0});
        // One that is under way may be up by now, and its event may have overtaken this report.
        if (change == event::LegChange::iceUp && (dtls == "failed" || dtls == "closed")) {
          deliver(id, event::LegChanged{name, event::LegChange::dtlsDown, "asked-again", "", 0});
        }
      }
    }));
  }
}

void Calls::onPhoneCall(const IncomingPhoneCall& call) {
  if (listener_ != nullptr) listener_->onPhoneCall(call);
}

void Calls::deliverToLeg(const std::string& leg, decltype(Event::what) what) {
  deliver(callOfLeg(leg), std::move(what));
}

void Calls::onPhoneProgress(const std::string& leg, int status, const std::string& sdp) {
  deliverToLeg(leg, event::PhoneProgress{leg, status, sdp});
}

void Calls::onPhoneAnswered(const std::string& leg, const std::string& sdp) {
  deliverToLeg(leg, event::PhoneAnswered{leg, sdp});
}

void Calls::onPhoneFailed(const std::string& leg, int status, const std::string& reason,
                          const std::string& text) {
  deliverToLeg(leg, event::PhoneFailed{leg, status, reason, text});
}

void Calls::onPhoneOffer(const std::string& leg, const std::string& sdp) {
  const std::string call = callOfLeg(leg);
  // An end that crosses it answers nothing more; Phones ends the leg anyway.
  if (!call.empty()) deliver(call, event::PhoneOffer{leg, sdp});
}

void Calls::onPhoneOfferAnswered(const std::string& leg, const std::string& sdp) {
  deliverToLeg(leg, event::PhoneOfferAnswered{leg, sdp});
}

void Calls::onPhoneOfferFailed(const std::string& leg, int status, const std::string& reason) {
  deliverToLeg(leg, event::PhoneOfferFailed{leg, status, reason});
}

void Calls::onPhoneDtmf(const std::string& leg, const std::string& digits) {
  deliverKeys(callOfLeg(leg), {leg, digits});
}

void Calls::onPhoneRefer(const std::string& leg, const std::string& target, const std::string& replaces,
                         const std::string& replacesLeg) {
  const CallState* state = find(callOfLeg(leg));
  if (state == nullptr || !state->live() || listener_ == nullptr) return phones_.referProgress(leg, 481);
  listener_->onPhoneRefer(*state, leg, target, replaces, replacesLeg);
}

void Calls::onReferProgress(const std::string& leg, int status) {
  deliverToLeg(leg, event::PhoneReferred{leg, status});
}

/// A consult's phone is in two calls while these are being joined: both lose it.
void Calls::onPhoneEnded(const std::string& leg, const std::string& reason, const std::string& text) {
  const auto at = legCalls_.find(leg);
  if (at == legCalls_.end()) return;
  const std::set<std::string> calls = at->second;
  for (const std::string& call : calls) deliver(call, event::PhoneEnded{leg, reason, text});
}

void Calls::onPhoneChanged(const std::string& leg) {
  if (const auto at = running_.find(callOfLeg(leg)); at != running_.end()) saveSoon(*at->second);
}

void Calls::onPhoneTrace(const std::string& leg, bool outgoing, const std::string& what,
                         const std::string& detailJson) {
  const auto at = running_.find(callOfLeg(leg));
  if (at == running_.end()) return;
  Running& running = *at->second;
  const CallState& s = running.state;
  std::string lane = "trunk";
  for (const Side side : {Side::consumer, Side::agent}) {
    if (s.party(side).leg == leg) lane = laneOf(s, side);
  }
  if (s.transfer.running() && s.transfer.target.leg == leg) lane = "agent phone";
  TimelineEntry entry;
  entry.at = base::millisOf(base::wallNow());
  entry.from = outgoing ? "gateway" : lane;
  entry.to = outgoing ? lane : "gateway";
  entry.what = what;
  if (parseJson(detailJson)) entry.detail = detailJson;
  running.timeline.add(std::move(entry));
}

void Calls::recover(std::function<void(std::size_t)> done) {
  bucket_->list("", guard_.wrap([this, done](base::Result<std::vector<store::Entry>> found) {
    std::size_t count = 0;
    if (found) {
      for (const store::Entry& entry : *found) count += recoverOne(entry.key, entry.value) ? 1 : 0;
    } else {
      log.error("stored calls cannot be read", {{"reason", found.error().reason}});
    }
    if (count != 0) log.info("calls taken over", {{"calls", count}});
    done(count);
  }));
}

void Calls::dropStored(const std::string& key) {
  log.warn("stored call is not understood and dropped", {{"call", key}});
  bucket_->remove(key, [](base::Result<void>) {});
}

bool Calls::recoverOne(const std::string& key, const std::string& value) {
  const auto json = parseJson(value);
  if (!json || !json->is_object() || !json->contains("state")) return dropStored(key), false;
  auto state = deserialise(dumpJson((*json)["state"]));
  if (!state || !state->live() || running_.contains(state->id)) return dropStored(key), false;
  const base::LogContext context("call", state->id);
  const auto phones = json->find("phones");
  std::vector<std::string> lost;
  for (const std::string& leg : phoneLegs(*state)) {
    const bool saved = phones != json->end() && phones->is_object();
    const auto dialog = saved ? stringAt(*phones, leg.c_str()) : std::nullopt;
    if (!dialog || !phones_.restore(leg, *dialog)) lost.push_back(leg);
  }
  std::vector<std::string> sessions;
  if (const auto pages = json->find("pages"); pages != json->end() && pages->is_array()) {
    for (const Json& page : *pages) {
      if (page.is_string()) sessions.push_back(page.get<std::string>());
    }
  }
  const std::string id = state->id;
  auto running = std::make_unique<Running>(loop_, std::move(*state));
  running->broker = running->state.broker;
  index(id, CallState{}, running->state);
  liveGauge_.add(1);
  running_.emplace(id, std::move(running));
  listener_->onRecovered(running_.at(id)->state, sessions);
  deliver(id, event::TakenOver{std::move(lost)});
  const CallState* now = find(id);
  return now != nullptr && now->live();
}

}  // namespace parley::gateway
