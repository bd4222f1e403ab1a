#include "gateway/strangers.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr base::Millis kMinute{60'000};
constexpr std::size_t kMaxMethod = 32;

}  // namespace

bool Strangers::add(std::string_view address, std::string_view method, base::WallTime now) {
  ++refused_;
  const auto known = std::ranges::find(seen_, address, &Seen::address);
  Seen one;
  if (known != seen_.end()) {
    one = std::move(*known);
    seen_.erase(known);
  } else if (seen_.size() == kKept) {
    seen_.pop_back();
  }
  one.address = address;
  one.method = base::printable(method, kMaxMethod);
  ++one.count;
  one.lastAt = now;
  if (now - minute_ >= kMinute || now < minute_) {
    minute_ = now;
    lines_ = 0;
  }
  const bool worth = lines_ < kLinesPerMinute && (one.count == 1 || now - one.loggedAt >= kMinute);
  if (worth) {
    ++lines_;
    one.loggedAt = now;
  }
  seen_.push_front(std::move(one));
  return worth;
}

Json Strangers::json() const {
  Json addresses = Json::array();
  for (const Seen& one : seen_) {
    addresses.push_back({{"address", one.address},
                         {"method", one.method},
                         {"count", one.count},
                         {"lastAt", base::formatUtc(one.lastAt)}});
  }
  return {{"refused", refused_}, {"addresses", std::move(addresses)}};
}

}  // namespace parley::gateway
