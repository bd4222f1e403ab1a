// Payload of telephone events in RTP (RFC 4733 section 2.3): parse and write.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |     event     |E|R| volume    |          duration             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace parley::proto {

struct TelephoneEvent {
  std::uint8_t event = 0;  ///< 0…9, 10 is *, 11 is #, 12…15 are A…D, 16 is flash (RFC 4733 table 3).
  bool end = false;
  std::uint8_t volume = 0;     ///< dBm0 without its sign, 0…63.
  std::uint16_t duration = 0;  ///< So far, in units of the RTP time stamp.
  friend bool operator==(const TelephoneEvent&, const TelephoneEvent&) = default;
};

constexpr std::size_t kTelephoneEventBytes = 4;

/// Nothing when there are not at least its four bytes. What follows them is not looked at: some devices pad.
std::optional<TelephoneEvent> parseTelephoneEvent(base::Bytes payload);
std::array<std::uint8_t, kTelephoneEventBytes> writeTelephoneEvent(const TelephoneEvent& event);

/// The key, "0…9*#A…D"; '\0' for events that are none.
char keyOf(const TelephoneEvent& event);

}  // namespace parley::proto
