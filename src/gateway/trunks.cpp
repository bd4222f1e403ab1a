#include "gateway/trunks.h"

#include <algorithm>

#include "base/log.h"
#include "gateway/json.h"
#include "gateway/sip_call_headers.h"

namespace parley::gateway {
namespace {

const base::Logger trunksLog{"trunks"};
constexpr std::size_t kMaxAddresses = 8;

/// Up to a tenth earlier, so that many servers are not pinged in one moment.
base::Millis spread(base::Millis interval, base::Random& random) {
  const auto tenth = static_cast<std::uint64_t>(interval.count() / 10);
  return tenth == 0 ? interval : interval - base::Millis{random.u64() % tenth};
}

}  // namespace

std::string_view toString(TrunkState state) {
  switch (state) {
    case TrunkState::unknown:
      return "unknown";
    case TrunkState::up:
      return "up";
    case TrunkState::down:
      return "down";
  }
  return "";
}

Trunks::Trunks(base::Random& random, TrunkTimes times) : random_(random), times_(times) {
  auto& metrics = base::Metrics::instance();
  up_ = metrics.gauge("parley_trunks", "Outbound SIP servers by state.", {{"state", "up"}});
  down_ = metrics.gauge("parley_trunks", "Outbound SIP servers by state.", {{"state", "down"}});
  changes_ = metrics.counter("parley_trunk_changes_total", "Outbound SIP servers that went up or down.");
}

void Trunks::setServers(const std::vector<std::string>& uris, base::Instant now) {
  std::vector<Trunk> next;
  for (const std::string& uri : uris) {
    if (next.size() == kMaxServers) break;
    if (std::ranges::any_of(next, [&](const Trunk& each) { return each.uri == uri; })) continue;
    if (Trunk* old = find(uri)) {
      next.push_back(std::move(*old));
      old->uri.clear();
      continue;
    }
    Trunk fresh;
    fresh.uri = uri;
    fresh.nextPing = now;
    next.push_back(std::move(fresh));
  }
  servers_ = std::move(next);
  count();
}

std::vector<std::string> Trunks::order() {
  struct Ranked {
    int rank;
    std::uint32_t lot;
    const std::string* uri;
  };
  std::vector<Ranked> ranked;
  for (const Trunk& trunk : servers_) {
    const int rank = trunk.state == TrunkState::up ? 0 : trunk.state == TrunkState::unknown ? 1 : 2;
    ranked.push_back({rank, random_.u32(), &trunk.uri});
  }
  std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.lot < b.lot;
  });
  std::vector<std::string> out;
  out.reserve(ranked.size());
  for (const Ranked& each : ranked) out.push_back(*each.uri);
  return out;
}

std::vector<std::string> Trunks::takeDuePings(base::Instant now) {
  std::vector<std::string> due;
  for (Trunk& trunk : servers_) {
    if (trunk.pinging || trunk.nextPing > now) continue;
    trunk.pinging = true;
    ++trunk.pings;
    due.push_back(trunk.uri);
  }
  return due;
}

base::Instant Trunks::nextPing() const {
  base::Instant next = base::Instant::max();
  for (const Trunk& trunk : servers_) {
    if (!trunk.pinging) next = std::min(next, trunk.nextPing);
  }
  return next;
}

void Trunks::onPinged(std::string_view uri, const Outcome& outcome, base::Instant now, base::WallTime wall) {
  Trunk* trunk = find(uri);
  if (trunk == nullptr) return;
  trunk->pinging = false;
  if (outcome.status != 0) ++trunk->pingsAnswered;
  trunk->rttMs = outcome.rttMs;
  settle(*trunk, outcome, now, wall);
  schedule(*trunk, now);
}

void Trunks::onRequest(std::string_view uri, const Outcome& outcome, base::Instant now, base::WallTime wall) {
  Trunk* trunk = find(uri);
  if (trunk == nullptr) return;
  if (!outcome.again) ++trunk->requests;
  if (outcome.status == 0 || outcome.status == kServiceUnavailable) ++trunk->failures;
  const TrunkState before = trunk->state;
  settle(*trunk, outcome, now, wall);
  if (trunk->state != before) schedule(*trunk, now);
}

void Trunks::setAddresses(std::string_view uri, const std::vector<Resolved>& resolved) {
  Trunk* trunk = find(uri);
  if (trunk == nullptr) return;
  std::vector<TrunkAddress> now;
  for (const Resolved& each : resolved) {
    if (now.size() == kMaxAddresses) break;
    if (std::ranges::find(now, each.address, &TrunkAddress::text) != now.end()) continue;
    const auto known = std::ranges::find(trunk->addresses, each.address, &TrunkAddress::text);
    TrunkState state = known == trunk->addresses.end() ? TrunkState::unknown : known->state;
    if (each.silent) state = TrunkState::down;
    now.push_back({each.address, state});
  }
  trunk->addresses = std::move(now);
}

void Trunks::settle(Trunk& trunk, const Outcome& outcome, base::Instant, base::WallTime wall) {
  const bool good = outcome.status != 0 && outcome.status != kServiceUnavailable;
  if (!good) trunk.lastReason = outcome.status != 0 ? std::to_string(outcome.status) : outcome.reason;
  const TrunkState next = good ? TrunkState::up : TrunkState::down;
  if (!outcome.address.empty()) {
    auto at = std::ranges::find(trunk.addresses, outcome.address, &TrunkAddress::text);
    if (at == trunk.addresses.end()) {
      if (trunk.addresses.size() == kMaxAddresses) trunk.addresses.erase(trunk.addresses.begin());
      at = trunk.addresses.insert(trunk.addresses.end(), {outcome.address});
    }
    at->state = next;
  }
  if (next == trunk.state) return;
  trunk.state = next;
  trunk.since = wall;
  changes_.add();
  count();
  if (good) {
    trunksLog.info("outbound SIP server is up", {{"server", trunk.uri}});
  } else {
    trunksLog.warn("outbound SIP server is down", {{"server", trunk.uri}, {"reason", trunk.lastReason}});
  }
}

void Trunks::schedule(Trunk& trunk, base::Instant now) {
  if (!trunk.pinging) trunk.nextPing = pingAfter(trunk, now);
}

base::Instant Trunks::pingAfter(const Trunk& trunk, base::Instant now) {
  return now + spread(trunk.state == TrunkState::up ? times_.pingUp : times_.pingDown, random_);
}

void Trunks::setTimes(const TrunkTimes& times, base::Instant now) {
  times_ = times;
  for (Trunk& trunk : servers_) trunk.nextPing = std::min(trunk.nextPing, pingAfter(trunk, now));
}

Trunk* Trunks::find(std::string_view uri) {
  const auto found = std::ranges::find_if(servers_, [&](const Trunk& each) { return each.uri == uri; });
  return found == servers_.end() ? nullptr : &*found;
}

void Trunks::count() {
  const auto in = [&](TrunkState state) {
    return std::ranges::count_if(servers_, [&](const Trunk& each) { return each.state == state; });
  };
  up_.set(in(TrunkState::up));
  down_.set(in(TrunkState::down));
}

Json Trunks::json() const {
  Json list = Json::array();
  for (const Trunk& trunk : servers_) {
    Json one{
        {"uri", trunk.uri},           {"state", toString(trunk.state)},   {"lastReason", trunk.lastReason},
        {"optionsSent", trunk.pings}, {"optionsOk", trunk.pingsAnswered}, {"requests", trunk.requests},
        {"failures", trunk.failures}, {"addresses", Json::array()}};
    if (trunk.since != base::WallTime{}) one["since"] = base::formatUtc(trunk.since);
    if (trunk.rttMs) one["rttMs"] = *trunk.rttMs;
    for (const TrunkAddress& each : trunk.addresses) {
      one["addresses"].push_back({{"address", each.text}, {"state", toString(each.state)}});
    }
    list.push_back(std::move(one));
  }
  Json out = Json::object();
  out["trunks"] = std::move(list);
  return out;
}

}  // namespace parley::gateway
