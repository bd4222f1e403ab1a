#include "gateway/calls.h"

#include <array>
#include <deque>

#include "base/check.h"
#include "base/log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

const base::Logger log{"gateway"};
/// A store that does not acknowledge in this time holds a call up no longer: it goes on, and the gap counts.
constexpr base::Millis kStorePatience{1'000};
constexpr std::size_t kMaxStored = 50'000;
constexpr std::size_t kMaxBrokerQueue = 64;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::int64_t nowMillis() { return base::millisOf(base::wallNow()); }

}  // namespace

struct Calls::Running {
  Running(net::EventLoop& loop, CallState initial) : state(std::move(initial)), storeTimer(loop) {
    for (auto& timer : timers) timer = std::make_unique<net::Timer>(loop);
  }
  /// What one step wants done, and whether its state is stored.
  struct Batch {
    std::uint64_t number;
    bool stored;
    std::vector<Action> actions;
  };
  struct BrokerRequest {
    BrokerWork work;
    BrokerDone done;
  };
  CallState state;
  Timeline timeline;
  std::array<std::unique_ptr<net::Timer>, kCallTimers> timers;
  std::deque<Batch> batches;
  std::uint64_t batchNumber = 0;
  bool releasing = false;
  net::Timer storeTimer;
  std::deque<BrokerRequest> brokerQueue;
  bool brokerBusy = false;
  std::string broker;  // Also known when the call ended before the state learned it.
  std::string media = "null";
  bool finished = false;
};

Calls::Calls(net::EventLoop& loop, store::Store& store, MediaBrokers& brokers, CallRecords& records)
    : loop_(loop),
      brokers_(brokers),
      records_(records),
      bucket_(store.bucket("calls", {base::Millis{0}, false, kMaxStored})) {
  auto& metrics = base::Metrics::instance();
  liveGauge_ = metrics.gauge("parley_gateway_calls", "Calls that have not ended.");
  gaps_ = metrics.counter("parley_gateway_store_gaps_total",
                          "States of calls that went on without being stored.");
  ringTime_ = metrics.histogram("parley_gateway_ring_seconds", "From dialling to ringing at the agent.");
  answerTime_ =
      metrics.histogram("parley_gateway_setup_seconds", "From the agent's answer to media on both legs.");
  brokers_.setListener(this);
}

Calls::~Calls() { brokers_.setListener(nullptr); }

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
  const Event event{nowMillis(), std::move(what)};
  if (auto entry = entryOf(event)) running.timeline.add(std::move(*entry));
  Step next = step(running.state, event);
  observe(running.state, next.state);
  const bool changed = next.state != running.state;
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
  liveGauge_.add((after.live() ? 1 : 0) - (before.live() ? 1 : 0));
  const auto seconds = [](std::int64_t from) { return static_cast<double>(nowMillis() - from) / 1000; };
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
  const auto stored = [this, id = running.state.id, number = running.batchNumber](bool ok) {
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
    bucket_->remove(running.state.id, guard_.wrap([stored](base::Result<void> result) {
      stored(result || result.error().reason == "store.not_found");
    }));
  } else {
    bucket_->put(running.state.id, serialise(running.state),
                 guard_.wrap([stored](base::Result<store::Revision> result) { stored(result.has_value()); }));
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

/// Carries out, in order, what may leave.
void Calls::release(Running& running) {
  if (running.releasing) return;
  running.releasing = true;
  const std::string id = running.state.id;
  while (!running.batches.empty() && running.batches.front().stored) {
    const auto batch = std::move(running.batches.front());
    running.batches.pop_front();
    for (const Action& action : batch.actions) carryOut(running, action);
  }
  if (running.batches.empty()) running.storeTimer.stop();
  running.releasing = false;
  forgetIfDone(id);
}

void Calls::carryOut(Running& running, const Action& action) {
  if (auto entry = entryOf(action, running.state, nowMillis())) running.timeline.add(std::move(*entry));
  const std::string& id = running.state.id;
  const auto report = [this, id](auto make) {
    return [this, id, make](base::Result<std::string> result) { deliver(id, make(std::move(result))); };
  };
  std::visit(
      Overloaded{
          [](const action::Persist&) {},
          [&](const action::BrokerCreate&) {
            askBroker(
                running, [this, id](BrokerDone done) { brokers_.create(id, done); },
                [this, id](base::Result<std::string> result) {
                  if (const auto at = running_.find(id); result && at != running_.end()) {
                    at->second->broker = *result;
                  }
                  deliver(id, event::BrokerCreated{std::move(result)});
                });
          },
          [&](const action::BrokerOffer& a) {
            askBroker(
                running,
                [this, &running, a](BrokerDone done) {
                  brokers_.offer(running.broker, running.state.id, Side::consumer, a.sdp, done);
                },
                report([](auto result) { return event::BrokerOffered{std::move(result)}; }));
          },
          [&](const action::BrokerAnswer& a) {
            askBroker(
                running,
                [this, &running, a](BrokerDone done) {
                  brokers_.answer(running.broker, running.state.id, Side::agent, a.sdp, done);
                },
                report([](auto result) { return event::BrokerAnswered{std::move(result)}; }));
          },
          [&](const action::BrokerAnswerLocally& a) {
            askBroker(
                running,
                [this, &running, a](BrokerDone done) {
                  brokers_.answerLocally(running.broker, running.state.id, a.side, a.sdp, done);
                },
                report([side = a.side, request = a.request](auto result) {
                  return event::BrokerAnsweredLocally{side, request, std::move(result)};
                }));
          },
          [&](const action::BrokerDelete&) { removeAtBroker(running); },
          [&](const action::SendCall& a) { send(running, a); },
          [&](const action::SendSdp& a) {
            Json out = {{"type", "sdp"}, {"call", id}, {"kind", "answer"}, {"sdp", a.sdp}};
            if (!a.request.empty()) out["request"] = a.request;
            listener_->sendToPage(running.state.party(a.side).session, dumpJson(out));
          },
          [&](const action::SendDtmf& a) {
            listener_->sendToPage(running.state.party(a.side).session,
                                  dumpJson({{"type", "dtmf"}, {"call", id}, {"digits", a.digits}}));
          },
          [&](const action::SendError& a) {
            Json out = {
                {"type", "error"}, {"fatal", false}, {"call", id}, {"reason", a.reason}, {"text", a.text}};
            if (!a.request.empty()) out["request"] = a.request;
            listener_->sendToPage(running.state.party(a.side).session, dumpJson(out));
          },
          [&](const action::StartTimer& a) {
            if (running.state.phase == CallPhase::ended) return;
            running.timers[static_cast<std::size_t>(a.timer)]->start(
                base::Millis{a.millis},
                [this, id, timer = a.timer] { deliver(id, event::TimerFired{timer}); });
          },
          [&](const action::StopTimer& a) { running.timers[static_cast<std::size_t>(a.timer)]->stop(); },
          [&](const action::Finish&) { finish(running); }},
      action);
}

void Calls::send(Running& running, const action::SendCall& a) {
  std::string fields = callFields(running.state, a.side);
  std::string head = a.incoming ? "{\"type\":\"incoming\"," : "{\"type\":\"call\",";
  if (!a.request.empty()) head += "\"request\":" + dumpJson(a.request) + ",";
  if (a.incoming) {
    if (running.state.offerForAgent.empty()) return;  // Answered or over before this could leave.
    head += "\"sdp\":" + dumpJson(running.state.offerForAgent) + ",";
  }
  listener_->sendToPage(running.state.party(a.side).session, head + fields.substr(1));
}

void Calls::askBroker(Running& running, BrokerWork work, BrokerDone done) {
  if (running.finished) return;
  if (running.brokerQueue.size() >= kMaxBrokerQueue) {
    loop_.post(
        guard_.wrap([done] { done(base::fail("rate.exceeded", "Too many requests for this call.")); }));
    return;
  }
  running.brokerQueue.push_back({std::move(work), std::move(done)});
  nextBrokerRequest(running);
}

void Calls::nextBrokerRequest(Running& running) {
  if (running.brokerBusy || running.brokerQueue.empty()) return;
  auto request = std::move(running.brokerQueue.front());
  running.brokerQueue.pop_front();
  running.brokerBusy = true;
  const std::string id = running.state.id;
  request.work(guard_.wrap([this, id, done = std::move(request.done)](base::Result<std::string> result) {
    const auto at = running_.find(id);
    if (at == running_.end()) return;
    at->second->brokerBusy = false;
    done(std::move(result));
    // The entry may be gone by now.
    if (const auto after = running_.find(id); after != running_.end()) nextBrokerRequest(*after->second);
    forgetIfDone(id);
  }));
}

/// What is still queued is dropped; a request under way is waited for, so that nothing comes after this.
void Calls::removeAtBroker(Running& running) {
  running.brokerQueue.clear();
  const std::string id = running.state.id;
  askBroker(
      running,
      [this, &running](BrokerDone done) {
        if (running.broker.empty()) return done(base::fail("call.unknown", "No broker has it."));
        brokers_.remove(running.broker, running.state.id, std::move(done));
      },
      [this, id](base::Result<std::string> result) {
        const auto at = running_.find(id);
        if (at == running_.end() || !result) return;
        const auto json = parseJson(*result);
        if (json && json->is_object()) at->second->media = dumpJson(*json);
      });
}

void Calls::finish(Running& running) {
  for (auto& timer : running.timers) timer->stop();
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

std::size_t Calls::live() const {
  std::size_t count = 0;
  for (const auto& [id, running] : running_) count += running->state.live() ? 1 : 0;
  return count;
}

void Calls::onLegChanged(const std::string& call, event::LegChanged change) {
  deliver(call, std::move(change));
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
        const auto side = sideOf(stringAt(leg, "id").value_or(""));
        const auto ice = stringAt(leg, "ice").value_or("");
        if (!side || ice == "waiting") continue;
        const bool dtls = stringAt(leg, "dtls").value_or("") == "connected";
        const auto change = ice != "connected" ? event::LegChange::iceDown
                            : dtls             ? event::LegChange::dtlsUp
                                               : event::LegChange::iceUp;
        deliver(id, event::LegChanged{*side, change, "asked-again", ""});
      }
    }));
  }
}

}  // namespace parley::gateway
