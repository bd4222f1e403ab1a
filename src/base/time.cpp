#include "base/time.h"

#include <fmt/format.h>

namespace parley::base {
namespace {

constexpr std::int64_t kNtpEpochOffset = 2'208'988'800;  // Seconds from 1900 to 1970.

}  // namespace

std::string formatUtc(WallTime t) {
  const auto ms = std::chrono::floor<Millis>(t);
  const auto day = std::chrono::floor<std::chrono::days>(ms);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{ms - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::uint64_t ntpOf(WallTime t) {
  const auto sinceEpoch = t.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(sinceEpoch);
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(sinceEpoch - seconds).count();
  const auto fraction = (static_cast<std::uint64_t>(nanos) << 32) / 1'000'000'000;
  // The seconds wrap in 2036 (era 1), as they do on the wire.
  return static_cast<std::uint64_t>(seconds.count() + kNtpEpochOffset) << 32 | fraction;
}

}  // namespace parley::base
