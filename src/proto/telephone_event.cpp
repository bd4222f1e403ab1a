#include "proto/telephone_event.h"

#include <string_view>

namespace parley::proto {
namespace {

constexpr std::uint8_t kEndBit = 0x80;
constexpr std::uint8_t kVolume = 0x3f;
constexpr std::string_view kKeys = "0123456789*#ABCD";

}  // namespace

std::optional<TelephoneEvent> parseTelephoneEvent(base::Bytes payload) {
  if (payload.size() < kTelephoneEventBytes) return std::nullopt;
  TelephoneEvent out;
  out.event = payload[0];
  out.end = (payload[1] & kEndBit) != 0;
  out.volume = payload[1] & kVolume;
  out.duration = base::loadU16(payload.data() + 2);
  return out;
}

std::array<std::uint8_t, kTelephoneEventBytes> writeTelephoneEvent(const TelephoneEvent& event) {
  const unsigned flags = (event.end ? kEndBit : 0u) | (event.volume & kVolume);
  return {event.event, static_cast<std::uint8_t>(flags), static_cast<std::uint8_t>(event.duration >> 8),
          static_cast<std::uint8_t>(event.duration & 0xff)};
}

char keyOf(const TelephoneEvent& event) { return event.event < kKeys.size() ? kKeys[event.event] : '\0'; }

}  // namespace parley::proto
