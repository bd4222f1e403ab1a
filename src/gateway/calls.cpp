#include "gateway/calls.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "gateway/calls_running.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

/// A store that does not acknowledge in this time holds a call up no longer: it goes on, and the gap counts.
constexpr base::Millis kStorePatience{1'000};
constexpr std::size_t kMaxStored = 50'000;
/// Refreshes of a dialog are stored together.
constexpr base::Millis kSaveDelay{50};

std::int64_t nowMs() { return base::millisOf(base::wallNow()); }

}  // namespace

Calls::Calls(net::EventLoop& loop, store::Store& store, MediaBrokers& brokers, Phones& phones,
             CallRecords& records)
    : loop_(loop),
      brokers_(brokers),
      phones_(phones),
      records_(records),
      bucket_(store.bucket("calls", {base::Millis{0}, true, kMaxStored})) {
  auto& metrics = base::Metrics::instance();
  liveGauge_ = metrics.gauge("parley_gateway_calls", "Calls that have not ended.");
  gaps_ = metrics.counter("parley_gateway_store_gaps_total",
                          "States of calls that went on without being stored.");
  ringTime_ = metrics.histogram("parley_gateway_ring_seconds", "From dialling to ringing at the agent.");
  answerTime_ =
      metrics.histogram("parley_gateway_setup_seconds", "From the agent's answer to media on both legs.");
  brokers_.setListener(this);
  phones_.setListener(this);
}

Calls::~Calls() {
  brokers_.setListener(nullptr);
  phones_.setListener(nullptr);
}

void Calls::begin(CallState state, event::Dialled dialled) {
  affinity_.assertHere();
  PARLEY_CHECK(!running_.contains(state.id));
  const std::string id = state.id;
  running_.emplace(id, std::make_unique<Running>(loop_, std::move(state)));
  deliver(id, std::move(dialled));
}

void Calls::deliver(const std::string& call, decltype(Event::what) what) {
  affinity_.assertHere();
  const auto at = running_.find(call);
  if (at == running_.end()) return;
  Running& running = *at->second;
  const base::LogContext context("call", running.state.id);
  const Event event{nowMs(), std::move(what)};
  if (auto entry = entryOf(event, running.state)) running.timeline.add(std::move(*entry));
  Step next = step(running.state, event);
  observe(running.state, next.state);
  const bool changed = next.state != running.state;
  if (changed) index(call, running.state, next.state);
  running.state = std::move(next.state);
  if (next.actions.empty()) return;
  running.batches.push_back({++running.batchNumber, !changed, std::move(next.actions)});
  if (changed) write(running);
  release(running);
}

/// Logs and counts what the change of state means.
void Calls::observe(const CallState& before, const CallState& after) {
  if (before.phase == after.phase) return;
  log.info("call is " + std::string(toString(after.phase)));
  if (before.phase == CallPhase::idle) ++totals_.started;
  if (after.phase == CallPhase::ended) {
    ++totals_.ended;
    if (after.connectedAt == 0) ++totals_.failed;
  }
  liveGauge_.add((after.live() ? 1 : 0) - (before.live() ? 1 : 0));
  const auto seconds = [](std::int64_t from) { return static_cast<double>(nowMs() - from) / 1000; };
  if (after.phase == CallPhase::ringing) ringTime_.observe(seconds(after.startedAt));
  if (after.phase == CallPhase::connected) answerTime_.observe(seconds(after.answeredAt));
  if (after.phase != CallPhase::ended) return;
  base::Metrics::instance()
      .counter("parley_gateway_calls_ended_total", "Calls ended, by reason.",
               {{"reason", std::string(toString(after.reason))}})
      .add();
  log.info("call ended", {{"reason", toString(after.reason)}, {"by", toString(after.by)}});
}

/// Stores the state of the newest batch; its actions wait for the answer, but not for ever.
void Calls::write(Running& running) {
  const auto written = [this, id = running.state.id, number = running.batchNumber](bool ok) {
    const auto at = running_.find(id);
    if (at == running_.end()) return;
    for (auto& batch : at->second->batches) {
      if (batch.number != number || batch.stored) continue;
      batch.stored = true;
      if (!ok) gaps_.add();
    }
    release(*at->second);
  };
  if (running.state.phase == CallPhase::ended) {
    bucket_->remove(running.state.id, guard_.wrap([written](base::Result<void> result) {
      written(result || result.error().reason == "store.not_found");
    }));
  } else {
    bucket_->put(
        running.state.id, stored(running),
        guard_.wrap([written](base::Result<store::Revision> result) { written(result.has_value()); }));
  }
  if (running.storeTimer.running()) return;
  running.storeTimer.start(kStorePatience, [this, &running] {
    for (auto& batch : running.batches) {
      if (batch.stored) continue;
      batch.stored = true;
      gaps_.add();
      log.warn("store is slow, the call goes on", {{"call", running.state.id}});
    }
    release(running);
  });
}

/// State, dialogs of the phones and sessions of the pages: what another process needs to go on.
std::string Calls::stored(const Running& running) const {
  Json phones = Json::object();
  for (const std::string& leg : phoneLegs(running.state)) {
    if (std::string dialog = phones_.save(leg); !dialog.empty()) phones[leg] = std::move(dialog);
  }
  std::set<std::string> sessions{running.state.consumer.session, running.state.agent.session};
  for (const RingingPage& page : running.state.ringing) sessions.insert(page.session);
  Json pages = Json::array();
  for (const std::string& id : sessions) {
    if (id.empty() || listener_ == nullptr) continue;
    if (std::string session = listener_->saveSession(id); !session.empty())
      pages.push_back(std::move(session));
  }
  return "{\"state\":" + serialise(running.state) + ",\"phones\":" + dumpJson(phones) +
         ",\"pages\":" + dumpJson(pages) + "}";
}

void Calls::saveSoon(Running& running) {
  if (running.saveTimer.running() || !running.state.live()) return;
  running.saveTimer.start(kSaveDelay, [this, &running] {
    if (!running.state.live()) return;
    bucket_->put(running.state.id, stored(running), [](base::Result<store::Revision>) {});
  });
}

/// Carries out, in order, what may leave.
void Calls::release(Running& running) {
  if (running.releasing) return;
  running.releasing = true;
  const std::string id = running.state.id;
  while (!running.batches.empty() && running.batches.front().stored) {
    const auto batch = std::move(running.batches.front());
    running.batches.pop_front();
    for (const Action& action : batch.actions) carryOut(running, action);
    if (!running.finished) tellParties(running);
  }
  if (running.batches.empty()) running.storeTimer.stop();
  running.releasing = false;
  forgetIfDone(id);
}

/// Who is in it, for those who keep count.
void Calls::tellParties(Running& running) {
  const CallState& s = running.state;
  std::vector<std::string> parties;
  for (const Party* party : {&s.consumer, &s.agent, &s.transfer.target}) {
    parties.push_back(party->user);
    parties.push_back(party->session);
  }
  for (const RingingPage& page : s.ringing) parties.push_back(page.user);
  if (parties == running.parties) return;
  running.parties = std::move(parties);
  listener_->onPartiesChanged(s);
}

void Calls::finish(Running& running) {
  for (auto& timer : running.timers) timer->stop();
  running.saveTimer.stop();
  running.keysTimer.stop();
  running.finished = true;
  listener_->onCallEnded(running.state);
}

/// The record is made when the broker's report is there, or will never be.
void Calls::forgetIfDone(const std::string& call) {
  const auto at = running_.find(call);
  if (at == running_.end()) return;
  Running& running = *at->second;
  if (!running.finished || running.releasing || !running.batches.empty() || running.brokerBusy ||
      !running.brokerQueue.empty()) {
    return;
  }
  const auto gone = std::move(at->second);
  running_.erase(at);
  records_.add({std::move(gone->state), std::move(gone->timeline), std::move(gone->media)});
}

const CallState* Calls::find(const std::string& call) const {
  const auto at = running_.find(call);
  return at == running_.end() ? nullptr : &at->second->state;
}

const Timeline* Calls::timelineOf(const std::string& call) const {
  const auto at = running_.find(call);
  return at == running_.end() ? nullptr : &at->second->timeline;
}

std::vector<std::string> Calls::ids() const {
  std::vector<std::string> out;
  out.reserve(running_.size());
  for (const auto& [id, running] : running_) out.push_back(id);
  return out;
}

std::vector<const CallState*> Calls::correlated(const std::string& correlationId) const {
  std::vector<const CallState*> out;
  if (correlationId.empty()) return out;
  for (const auto& [id, running] : running_) {
    if (running->state.correlationId == correlationId) out.push_back(&running->state);
  }
  return out;
}

std::size_t Calls::live() const {
  std::size_t count = 0;
  for (const auto& [id, running] : running_) count += running->state.live() ? 1 : 0;
  return count;
}

void Calls::index(const std::string& call, const CallState& before, const CallState& after) {
  for (const std::string& leg : phoneLegs(before)) {
    const auto at = legCalls_.find(leg);
    if (at == legCalls_.end()) continue;
    at->second.erase(call);
    if (at->second.empty()) legCalls_.erase(at);
  }
  for (const std::string& leg : phoneLegs(after)) legCalls_[leg].insert(call);
}

std::string Calls::callOfLeg(const std::string& leg) const {
  const auto at = legCalls_.find(leg);
  if (at == legCalls_.end()) return {};
  for (const std::string& call : at->second) {
    const CallState* state = find(call);
    if (state != nullptr && state->transfer.running() && state->transfer.target.leg == leg) return call;
  }
  return *at->second.begin();
}

}  // namespace parley::gateway
