#include "gateway/performance_log.h"

#include <algorithm>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr std::int64_t kMinuteMillis = 60'000;
constexpr std::int64_t kSecondMillis = 1'000;

Json jsonOf(const PerformanceSample& sample) {
  return {{"at", utcOf(sample.at)},
          {"sessions", sample.sessions},
          {"calls", sample.calls},
          {"started", sample.started},
          {"ended", sample.ended},
          {"failed", sample.failed},
          {"sipIn", sample.sipIn},
          {"sipOut", sample.sipOut},
          {"sipServersUp", sample.sipServersUp},
          {"sipServersDown", sample.sipServersDown},
          {"brokerLoad", sample.brokerLoad}};
}

/// A total that fell (a part began anew) counts from zero.
std::uint64_t grown(std::uint64_t now, std::uint64_t before) { return now >= before ? now - before : now; }

}  // namespace

void PerformanceLog::add(const PerformanceSample& totals) {
  PerformanceSample second = totals;
  second.at -= second.at % kSecondMillis;
  if (any_) {
    second.started = grown(totals.started, last_.started);
    second.ended = grown(totals.ended, last_.ended);
    second.failed = grown(totals.failed, last_.failed);
    second.sipIn = grown(totals.sipIn, last_.sipIn);
    second.sipOut = grown(totals.sipOut, last_.sipOut);
  }
  last_ = totals;
  any_ = true;
  seconds_.push_back(second);
  if (seconds_.size() > kSeconds) seconds_.pop_front();
  intoMinute(second);
}

void PerformanceLog::intoMinute(const PerformanceSample& second) {
  const std::int64_t at = second.at - second.at % kMinuteMillis;
  if (minutes_.empty() || minutes_.back().at != at) {
    minutes_.push_back(second);
    minutes_.back().at = at;
    if (minutes_.size() > kMinutes) minutes_.pop_front();
    return;
  }
  PerformanceSample& minute = minutes_.back();
  minute.sessions = std::max(minute.sessions, second.sessions);
  minute.calls = std::max(minute.calls, second.calls);
  minute.sipServersUp = std::min(minute.sipServersUp, second.sipServersUp);
  minute.sipServersDown = std::max(minute.sipServersDown, second.sipServersDown);
  for (const auto& [broker, load] : second.brokerLoad) {
    int& most = minute.brokerLoad[broker];
    most = std::max(most, load);
  }
  minute.started += second.started;
  minute.ended += second.ended;
  minute.failed += second.failed;
  minute.sipIn += second.sipIn;
  minute.sipOut += second.sipOut;
}

std::string PerformanceLog::json(std::size_t minutes) const {
  Json out{{"seconds", Json::array()}, {"minutes", Json::array()}};
  const std::size_t skip = minutes_.size() > minutes ? minutes_.size() - minutes : 0;
  for (std::size_t i = skip; i < minutes_.size(); ++i) out["minutes"].push_back(jsonOf(minutes_[i]));
  const std::size_t wanted = std::min(kSeconds, minutes * 60);
  const std::size_t from = seconds_.size() > wanted ? seconds_.size() - wanted : 0;
  for (std::size_t i = from; i < seconds_.size(); ++i) out["seconds"].push_back(jsonOf(seconds_[i]));
  return dumpJson(out);
}

}  // namespace parley::gateway
