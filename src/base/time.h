// Time as it is passed to engines: they never ask a clock themselves.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace parley::base {

using namespace std::chrono_literals;

using Instant = std::chrono::steady_clock::time_point;   ///< Monotonic; what timers and engines use.
using WallTime = std::chrono::system_clock::time_point;  ///< For people, tokens and NTP stamps.
using Millis = std::chrono::milliseconds;
using Micros = std::chrono::microseconds;

inline Instant steadyNow() { return std::chrono::steady_clock::now(); }
inline WallTime wallNow() { return std::chrono::system_clock::now(); }
inline std::int64_t millisOf(WallTime t) {
  return std::chrono::duration_cast<Millis>(t.time_since_epoch()).count();
}

/// RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.123Z
std::string formatUtc(WallTime t);

/// 64-bit NTP time stamp (RFC 3550 section 4): seconds since 1900 and a fraction of 2^32.
std::uint64_t ntpOf(WallTime t);

}  // namespace parley::base
