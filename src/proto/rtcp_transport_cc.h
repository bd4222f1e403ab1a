// Transport-wide congestion control feedback: which packets came and when
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1). Read and written without allocation.
//
//   | sender SSRC 32 | media SSRC 32 | base sequence 16 | packet status count 16 |
//   | reference time 24, signed, 64 ms | feedback packet count 8 |
//   | packet chunks, 16 bits each … | receive deltas, 8 or 16 bits each, 250 µs … | zero padding |
//
//   run length chunk:    |0| symbol 2 | run length 13 |
//   status vector chunk: |1|0| 14 symbols of 1 bit |   or   |1|1| 7 symbols of 2 bits |
//   symbols: 0 not received, 1 small delta (0…255), 2 large or negative delta (16 bits, signed)
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "proto/rtcp.h"

namespace parley::proto {

struct TransportCcArrival {
  std::uint16_t sequence;  // Without initialisers: arrays of it are filled on the media path.
  std::int64_t ticks;      ///< Arrival in units of 250 µs since any fixed moment.
};

/// Statuses in one message; a greater gap between two packets starts another message.
constexpr std::size_t kMaxTransportCcStatuses = 1024;

/// Appends one feedback message that starts at `baseSequence` and covers `arrivals` (ascending modulo 2^16,
/// no repeats, none before baseSequence). Returns how many of them it could cover: fewer when a gap or a
/// time difference is too great or the space ends; then call again with the rest and its first sequence
/// as the base. 0: not even one fits.
std::size_t writeTransportCc(RtcpWriter& to, std::uint32_t senderSsrc, std::uint32_t mediaSsrc,
                             std::uint16_t baseSequence, std::uint8_t feedbackCount,
                             std::span<const TransportCcArrival> arrivals);

struct RtcpTransportCc {
  std::uint32_t senderSsrc = 0, mediaSsrc = 0;
  std::uint16_t baseSequence = 0;
  std::uint16_t statusCount = 0;
  std::int32_t referenceTime = 0;  ///< 64 ms units, 24 bits signed.
  std::uint8_t feedbackCount = 0;
  base::Bytes chunks;  ///< Chunks and deltas.
};
std::optional<RtcpTransportCc> parseTransportCc(const RtcpBlock& block);

struct TransportCcStatus {
  std::uint16_t sequence = 0;
  std::optional<std::int64_t> ticks;  ///< Of 250 µs, on the sender-of-feedback's clock; nothing: lost.
};

/// Walks the statuses of a message; stops (ok() false) when chunks or deltas end early or use symbol 3.
class TransportCcReader {
 public:
  explicit TransportCcReader(const RtcpTransportCc& feedback);
  std::optional<TransportCcStatus> next();
  bool ok() const { return ok_; }

 private:
  bool nextChunk();
  base::ByteReader chunks_, deltas_;
  std::uint16_t sequence_ = 0;
  std::uint32_t left_ = 0;       // Statuses in the message.
  std::uint32_t chunkLeft_ = 0;  // Symbols in this chunk.
  std::uint16_t chunk_ = 0;
  std::int64_t ticks_ = 0;
  bool ok_ = true;
};

}  // namespace parley::proto
