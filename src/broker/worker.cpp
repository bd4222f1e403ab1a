#include "broker/worker.h"

#include <algorithm>

#include "base/log.h"
#include "proto/classify.h"

namespace parley::broker {
namespace {

const base::Logger workerLogger{"worker"};

constexpr base::Millis kTick{1000};
/// Statistics of the bridges are gathered for the metrics every so many ticks.
constexpr unsigned kDropTicks = 5;

Pair pairOf(const net::Datagram& datagram) { return {addressOf(datagram.remote), addressOf(datagram.local)}; }

base::Instant roundUp(base::Instant at) {
  if (at > base::Instant::max() - Worker::kTimerGrain) return at;
  const auto grain = std::chrono::duration_cast<base::Instant::duration>(Worker::kTimerGrain);
  const auto since = at.time_since_epoch();
  return base::Instant((since + grain - base::Instant::duration{1}) / grain * grain);
}

}  // namespace

using rtc::DropReason;

std::size_t Worker::PairHash::operator()(const Pair& pair) const noexcept {
  const std::size_t remote = net::EndpointHash{}(endpointOf(pair.remote));
  return remote ^ (net::EndpointHash{}(endpointOf(pair.local)) * 0x9e3779b97f4a7c15u);
}

base::Result<std::unique_ptr<Worker>> Worker::open(net::EventLoop& loop, WorkerOptions options,
                                                   EmitEvent emit) {
  std::unique_ptr<Worker> worker(new Worker(loop, std::move(options), std::move(emit)));
  if (auto bound = worker->bind(); !bound) return std::unexpected(bound.error());
  return worker;
}

base::Error Worker::unknownCall(std::string_view call) {
  return {"call.unknown", "there is no call \"" + std::string(call) + "\""};
}

Worker::Worker(net::EventLoop& loop, WorkerOptions options, EmitEvent emit)
    : loop_(loop),
      options_(std::move(options)),
      emit_(std::move(emit)),
      rtpPorts_(loop, options_.rtp),
      timer_(loop),
      tickTimer_(loop),
      metrics_(options_.index) {
  tickTimer_.startEvery(kTick, [this] { tick(loop_.now()); });
}

Worker::~Worker() { calls_.clear(); }  // Legs leave the tables, which must still be there.

base::Result<void> Worker::bind() {
  net::UdpOptions udp;
  udp.dscp = options_.dscp;
  for (const net::Endpoint& wanted : options_.bind) {
    // With "any free port" all further addresses take the first one's.
    const net::Endpoint endpoint = wanted.port() == 0 ? wanted.withPort(port_) : wanted;
    auto socket = net::UdpSocket::open(
        loop_, endpoint, udp,
        [this](std::span<net::Datagram> batch, base::Instant now) { onBatch(batch, now); });
    if (!socket) return std::unexpected(socket.error());
    port_ = (*socket)->localEndpoint().port();
    sockets_.push_back(std::move(*socket));
  }
  transport_.fingerprint = options_.certificate->fingerprint();
  for (const net::Endpoint& address : options_.advertised) {
    transport_.candidates.push_back(addressOf(address.withPort(port_)));
  }
  return {};
}

// --- datagrams ------------------------------------------------------------------------------------------

void Worker::onBatch(std::span<net::Datagram> batch, base::Instant now) {
  affinity_.assertHere();
  for (net::Datagram& datagram : batch) onDatagram(datagram, now);
  rescheduleTouched();
  // With several sockets a packet may leave by another one than it came by, and its slot ends with the batch.
  if (sockets_.size() > 1 || !queuedSockets_.empty()) flush();
}

void Worker::onDatagram(net::Datagram& datagram, base::Instant now) {
  metrics_.countBytes(datagram.data.size());
  switch (proto::classify(datagram.data)) {
    case proto::PacketKind::rtp:
      return onMedia(datagram, false, now);
    case proto::PacketKind::rtcp:
      return onMedia(datagram, true, now);
    case proto::PacketKind::stun:
      return onStun(datagram, now);
    case proto::PacketKind::dtls:
      return onDtls(datagram);
    case proto::PacketKind::turnChannel:
    case proto::PacketKind::unknown:
      return drop(DropReason::notClassified);
  }
}

void Worker::onStun(const net::Datagram& datagram, base::Instant now) {
  const auto user = rtc::IceLiteAgent::usernameOf(datagram.data);
  if (!user) return drop(user.error());
  const auto at = ufrags_.find(*user);
  if (at == ufrags_.end()) return drop(DropReason::stunUnknownUser);
  WebrtcLeg& leg = *at->second;
  const Pair pair = pairOf(datagram);
  // A check with valid credentials of another leg must not take a living pair away (its source may be
  // forged).
  const WebrtcLeg* owner = legAt(pair);
  if (owner != nullptr && owner != &leg && owner->holds(pair)) return leg.drop(DropReason::stunAddressTaken);
  leg.onStun(datagram.data, *user, pair, now);
  touch(leg.call());
}

/// Only queued here: a handshake step costs as much as hundreds of media packets.
void Worker::onDtls(const net::Datagram& datagram) {
  const Pair pair = pairOf(datagram);
  WebrtcLeg* leg = legAt(pair);
  if (leg == nullptr) return drop(DropReason::dtlsUncheckedAddress);
  if (const auto refused = leg->refuseDtls()) return leg->drop(*refused);
  if (*leg->queuedDtls >= kMaxQueuedDtlsPerLeg || dtlsQueue_.size() >= kMaxQueuedDtls) {
    return leg->drop(DropReason::dtlsQueueFull);
  }
  ++*leg->queuedDtls;
  dtlsQueue_.push_back({pair, base::Buffer(datagram.data.begin(), datagram.data.end()), leg->queuedDtls});
  if (std::exchange(dtlsPosted_, true)) return;
  loop_.post(guard_.wrap([this] { runDtls(); }));
}

void Worker::onMedia(net::Datagram& datagram, bool rtcp, base::Instant now) {
  WebrtcLeg* leg = legAt(pairOf(datagram));
  if (leg == nullptr) return drop(DropReason::mediaUncheckedAddress);
  const auto offset = static_cast<std::size_t>(datagram.data.data() - datagram.storage.data());
  proto::Packet packet{datagram.storage, offset, datagram.data.size()};
  if (!(rtcp ? leg->unprotectRtcp(packet) : leg->unprotectRtp(packet))) return;
  Call& call = leg->call();
  if (rtcp) {
    call.onRtcp(*leg, packet, now);
  } else {
    call.onRtp(*leg, packet, now);
  }
  touch(call);
}

/// One slice of handshake work; the rest comes after the socket was looked at.
void Worker::runDtls() {
  affinity_.assertHere();
  dtlsPosted_ = false;
  const base::Instant start = loop_.now();
  while (!dtlsQueue_.empty()) {
    const QueuedDtls next = std::move(dtlsQueue_.front());
    dtlsQueue_.pop_front();
    --*next.count;
    WebrtcLeg* leg = legAt(next.from);
    if (leg == nullptr) {
      drop(DropReason::callClosed);
      continue;
    }
    leg->onDtls(next.datagram, next.from, loop_.now());
    touch(leg->call());
    if (loop_.now() - start >= kDtlsSlice) break;
  }
  rescheduleTouched();
  flush();
  if (dtlsQueue_.empty()) return;
  dtlsPosted_ = true;
  loop_.post(guard_.wrap([this] { runDtls(); }));
}

WebrtcLeg* Worker::legAt(const Pair& pair) {
  const auto at = pairs_.find(pair);
  return at == pairs_.end() ? nullptr : at->second;
}

// --- timers ---------------------------------------------------------------------------------------------

void Worker::touch(Call& call) {
  if (std::exchange(call.touched, true)) return;
  touched_.push_back(&call);
}

void Worker::rescheduleTouched() {
  for (Call* call : touched_) {
    call->touched = false;
    schedule(*call);
  }
  touched_.clear();
  armTimer();
}

void Worker::schedule(Call& call) {
  const base::Instant due = roundUp(call.nextTimer());
  if (due == call.scheduledAt) return;
  // A later time is not worth the move: the early call finds nothing to do and schedules anew.
  if (call.scheduledAt != base::Instant::max() && due > call.scheduledAt) return;
  if (call.scheduledAt == base::Instant::max()) {
    timers_.emplace(due, &call);
  } else {
    auto node = timers_.extract({call.scheduledAt, &call});
    node.value().first = due;
    timers_.insert(std::move(node));
  }
  call.scheduledAt = due;
}

void Worker::unschedule(Call& call) {
  if (call.scheduledAt != base::Instant::max()) timers_.erase({call.scheduledAt, &call});
  call.scheduledAt = base::Instant::max();
}

void Worker::armTimer() {
  const base::Instant next = timers_.empty() ? base::Instant::max() : timers_.begin()->first;
  if (next == timerAt_) return;
  timerAt_ = next;
  if (next == base::Instant::max()) return timer_.stop();
  const auto wait = std::chrono::ceil<base::Millis>(next - loop_.now());
  timer_.start(std::max(base::Millis{0}, wait), [this] { onTimer(loop_.now()); });
}

void Worker::onTimer(base::Instant now) {
  affinity_.assertHere();
  timerAt_ = base::Instant::max();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Call& call = *timers_.begin()->second;
    unschedule(call);
    call.onTimer(now);
    // Never due again at once, whatever an engine says: a turn of the loop lies between.
    const base::Instant due = call.nextTimer();
    if (due == base::Instant::max()) continue;
    call.scheduledAt = roundUp(std::max(due, now + base::Millis{1}));
    timers_.emplace(call.scheduledAt, &call);
  }
  armTimer();
  flush();
}

void Worker::flush() {
  for (const auto& socket : sockets_) socket->flush();
  for (net::UdpSocket* socket : queuedSockets_) socket->flush();
  queuedSockets_.clear();
}

/// Bounded by a batch: it ends with a flush.
void Worker::queued(net::UdpSocket& socket) {
  if (queuedSockets_.empty() || queuedSockets_.back() != &socket) queuedSockets_.push_back(&socket);
}

void Worker::forget(const net::UdpSocket& socket) {
  const auto at = std::ranges::find(queuedSockets_, &socket);
  if (at == queuedSockets_.end()) return;
  (*at)->flush();
  std::erase(queuedSockets_, *at);
}

void Worker::batchDone(Call& call) {
  affinity_.assertHere();
  touch(call);
  rescheduleTouched();
  flush();
}

void Worker::tick(base::Instant now) {
  affinity_.assertHere();
  std::vector<Call*> idle;
  const bool gather = ++ticks_ % kDropTicks == 0;
  for (const auto& [id, call] : calls_) {
    call->onSecond(now);
    if (gather) {
      const rtc::DropCounts fresh = call->newBridgeDrops(now);
      for (std::size_t i = 0; i < fresh.size(); ++i) drops_[i] += fresh[i];
    }
    if (call->idle(now)) idle.push_back(call.get());
  }
  for (Call* call : idle) {
    workerLogger.warn("call removed: neither media nor requests", {{"call", call->spec().id}});
    emit_(CallEnded{call->spec().id, call->spec().serial, "call.idle", base::wallNow()});
    erase(*call, now);
  }
  flush();
  metrics_.beat();
  net::UdpStats total = rtpPorts_.stats;
  for (const auto& socket : sockets_) {
    const net::UdpStats& each = socket->stats();
    total.received += each.received;
    total.sent += each.sent;
    total.truncated += each.truncated;
    total.sendErrors += each.sendErrors;
    total.sendDropped += each.sendDropped;
  }
  metrics_.publish(total, drops_, calls_.size(), legs_);
}

// --- requests -------------------------------------------------------------------------------------------

Call* Worker::find(std::string_view call) {
  affinity_.assertHere();
  const auto at = calls_.find(call);
  return at == calls_.end() ? nullptr : at->second.get();
}

base::Result<void> Worker::create(CallSpec spec) {
  if (find(spec.id) != nullptr) return base::fail("call.exists", "there is a call \"" + spec.id + "\"");
  if (calls_.size() >= options_.maxCalls) {
    return base::fail("broker.full", "the worker has " + std::to_string(calls_.size()) + " calls");
  }
  std::string id = spec.id;
  auto call = std::make_unique<Call>(*this, options_.index, std::move(spec), transport_, options_.certificate,
                                     random_, loop_.now());
  legs_ += call->legCount();
  calls_.emplace(std::move(id), std::move(call));
  return {};
}

base::Result<std::string> Worker::offer(std::string_view call, std::string_view from, std::string_view sdp,
                                        std::string_view to) {
  return change(call, [&](Call& c, base::Instant now) { return c.offer(from, sdp, to, now); });
}

base::Result<std::string> Worker::answer(std::string_view call, std::string_view from, std::string_view sdp) {
  auto answer = change(call, [&](Call& c, base::Instant now) { return c.answer(from, sdp, now); });
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->sdp);
}

base::Result<std::string> Worker::answerLocally(std::string_view call, std::string_view from,
                                                std::string_view sdp) {
  auto answer = change(call, [&](Call& c, base::Instant now) { return c.answerLocally(from, sdp, now); });
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->sdp);
}

base::Result<void> Worker::rollback(std::string_view call, std::string_view from) {
  return change(call, [&](Call& c, base::Instant now) { return c.rollback(from, "", now); });
}

base::Result<CallReport> Worker::report(std::string_view call) {
  Call* found = find(call);
  if (found == nullptr) return std::unexpected(unknownCall(call));
  found->touch(loop_.now());
  return found->report(loop_.now());
}

base::Result<CallReport> Worker::remove(std::string_view call) {
  Call* found = find(call);
  if (found == nullptr) return std::unexpected(unknownCall(call));
  return erase(*found, loop_.now());
}

void Worker::removeAll(std::string_view reason) {
  while (!calls_.empty()) {
    Call& call = *calls_.begin()->second;
    emit_(CallEnded{call.spec().id, call.spec().serial, reason, base::wallNow()});
    erase(call, loop_.now());
  }
}

CallReport Worker::erase(Call& call, base::Instant now) {
  CallReport report = call.report(now);
  const rtc::DropCounts fresh = call.newBridgeDrops(now);
  for (std::size_t i = 0; i < fresh.size(); ++i) drops_[i] += fresh[i];
  call.close(now);
  flush();
  unschedule(call);
  std::erase(touched_, &call);
  legs_ -= call.legCount();
  calls_.erase(calls_.find(call.spec().id));
  armTimer();
  return report;
}

// --- tables ---------------------------------------------------------------------------------------------

void Worker::addUfrag(const std::string& ufrag, WebrtcLeg& leg) { ufrags_.insert_or_assign(ufrag, &leg); }

void Worker::removeUfrag(const std::string& ufrag, const WebrtcLeg& leg) {
  if (const auto at = ufrags_.find(ufrag); at != ufrags_.end() && at->second == &leg) ufrags_.erase(at);
}

void Worker::addPair(const Pair& pair, WebrtcLeg& leg) { pairs_.insert_or_assign(pair, &leg); }

void Worker::removePair(const Pair& pair, const WebrtcLeg& leg) {
  if (const auto at = pairs_.find(pair); at != pairs_.end() && at->second == &leg) pairs_.erase(at);
}

net::UdpSocket& Worker::socketFor(const net::Endpoint& local) {
  for (const auto& socket : sockets_) {
    if (socket->localEndpoint() == local) return *socket;
  }
  return *sockets_.front();
}

void Worker::countHandshake(bool connected, std::string_view reason) {
  metrics_.countHandshake(connected, reason);
}

Worker::Sizes Worker::sizes() const {
  return {calls_.size(),     legs_,           ufrags_.size(), pairs_.size(), timers_.size(),
          dtlsQueue_.size(), rtpPorts_.used()};
}

}  // namespace parley::broker
