// The European ringing tone (ITU-T E.180: 425 Hz, 1 s of 5) as G.711 (ITU-T G.711, RFC 3551 section 4.5.14),
// for a telephone that waits. Constant data, any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace parley::rtc {

enum class G711 : std::uint8_t { mu, a };

/// The nearest code of a 16 bit sample.
std::uint8_t g711Of(G711 law, std::int16_t sample);

constexpr std::size_t kTonePacketSamples = 160;  ///< 20 ms at 8 kHz.
/// The samples of the nth packet: the pattern begins with the tone and comes again after 5 s.
base::Bytes ringingTone(G711 law, std::uint64_t packet);

}  // namespace parley::rtc
