#include "proto/rtcp_transport_cc.h"

#include <algorithm>
#include <array>
#include <limits>

namespace parley::proto {
namespace {

constexpr std::uint8_t kNotReceived = 0, kSmallDelta = 1, kLargeDelta = 2;
constexpr std::int64_t kTicksPerReference = 256;
constexpr std::size_t kFixed = 16;
constexpr std::size_t kMaxRun = 0x1fff;

std::int64_t floorDiv(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/// What one message will say: the symbol per sequence number, found before anything is written.
struct Plan {
  std::array<std::uint8_t, kMaxTransportCcStatuses> symbols;
  std::size_t statuses = 0;
  std::size_t arrivals = 0;
  std::size_t deltaBytes = 0;
};

Plan plan(std::uint16_t baseSequence, std::int64_t reference, std::size_t space,
          std::span<const TransportCcArrival> arrivals) {
  Plan out;
  std::int64_t last = reference * kTicksPerReference;
  for (const TransportCcArrival& arrival : arrivals) {
    const std::size_t at = static_cast<std::uint16_t>(arrival.sequence - baseSequence);
    const std::int64_t delta = arrival.ticks - last;
    if (at < out.statuses || at >= kMaxTransportCcStatuses) break;
    if (delta < std::numeric_limits<std::int16_t>::min() || delta > std::numeric_limits<std::int16_t>::max())
      break;
    const bool small = delta >= 0 && delta <= 255;
    // Worst case of chunks: one for each 7 statuses.
    const std::size_t size = kFixed + 2 * ((at + 1 + 6) / 7) + out.deltaBytes + (small ? 1 : 2) + 3;
    if (size > space) break;
    std::fill(out.symbols.begin() + static_cast<std::ptrdiff_t>(out.statuses),
              out.symbols.begin() + static_cast<std::ptrdiff_t>(at), kNotReceived);
    out.symbols[at] = small ? kSmallDelta : kLargeDelta;
    out.statuses = at + 1;
    out.deltaBytes += small ? 1 : 2;
    ++out.arrivals;
    last = arrival.ticks;
  }
  return out;
}

void writeChunks(base::ByteWriter& to, std::span<const std::uint8_t> symbols) {
  for (std::size_t i = 0; i < symbols.size();) {
    const std::uint8_t symbol = symbols[i];
    std::size_t run = 1;
    while (i + run < symbols.size() && symbols[i + run] == symbol && run < kMaxRun) ++run;
    const bool toTheEnd = i + run == symbols.size();
    if (run >= 14 || toTheEnd || (symbol == kLargeDelta && run >= 7)) {
      to.u16(static_cast<std::uint16_t>(symbol << 13 | run));
      i += run;
      continue;
    }
    const auto ahead = symbols.subspan(i, std::min<std::size_t>(14, symbols.size() - i));
    const bool oneBit = std::find(ahead.begin(), ahead.end(), kLargeDelta) == ahead.end();
    const std::size_t room = oneBit ? 14 : 7;
    std::uint16_t chunk = oneBit ? 0x8000 : 0xc000;
    for (std::size_t k = 0; k < std::min(room, ahead.size()); ++k)
      chunk = static_cast<std::uint16_t>(chunk | ahead[k] << (oneBit ? 13 - k : 12 - 2 * k));
    to.u16(chunk);
    i += std::min(room, ahead.size());
  }
}

}  // namespace

std::size_t writeTransportCc(RtcpWriter& to, std::uint32_t senderSsrc, std::uint32_t mediaSsrc,
                             std::uint16_t baseSequence, std::uint8_t feedbackCount,
                             std::span<const TransportCcArrival> arrivals) {
  constexpr std::size_t kMaxMessage = 2048;
  if (arrivals.empty() || to.space() < 4) return 0;
  const std::int64_t reference = floorDiv(arrivals.front().ticks, kTicksPerReference);
  const Plan planned = plan(baseSequence, reference, std::min(kMaxMessage, to.space() - 4), arrivals);
  if (planned.arrivals == 0) return 0;

  std::array<std::uint8_t, kMaxMessage> buffer;
  base::ByteWriter body(buffer);
  body.u32(senderSsrc);
  body.u32(mediaSsrc);
  body.u16(baseSequence);
  body.u16(static_cast<std::uint16_t>(planned.statuses));
  body.u24(static_cast<std::uint32_t>(reference) & 0xffffff);
  body.u8(feedbackCount);
  writeChunks(body, std::span(planned.symbols).first(planned.statuses));
  std::int64_t last = reference * kTicksPerReference;
  for (const TransportCcArrival& arrival : arrivals.first(planned.arrivals)) {
    const std::int64_t delta = arrival.ticks - last;
    last = arrival.ticks;
    if (delta >= 0 && delta <= 255)
      body.u8(static_cast<std::uint8_t>(delta));
    else
      body.u16(static_cast<std::uint16_t>(delta));
  }
  body.zeros((4 - body.size() % 4) % 4);
  to.block(RtcpType::transportFeedback, kFmtTransportCc, body.written());
  return to.ok() ? planned.arrivals : 0;
}

std::optional<RtcpTransportCc> parseTransportCc(const RtcpBlock& block) {
  if (block.type != RtcpType::transportFeedback || block.count != kFmtTransportCc) return std::nullopt;
  base::ByteReader in(block.body);
  RtcpTransportCc out;
  out.senderSsrc = in.u32();
  out.mediaSsrc = in.u32();
  out.baseSequence = in.u16();
  out.statusCount = in.u16();
  out.referenceTime = static_cast<std::int32_t>(in.u24() << 8) >> 8;
  out.feedbackCount = in.u8();
  if (!in.ok()) return std::nullopt;
  out.chunks = in.rest();
  return out;
}

TransportCcReader::TransportCcReader(const RtcpTransportCc& feedback)
    : chunks_(feedback.chunks),
      deltas_(feedback.chunks),
      sequence_(feedback.baseSequence),
      left_(feedback.statusCount),
      ticks_(feedback.referenceTime * kTicksPerReference) {
  // Deltas start where the chunks have spoken for every status.
  base::ByteReader scan(feedback.chunks);
  for (std::uint32_t covered = 0; covered < left_ && scan.ok();) {
    const std::uint16_t chunk = scan.u16();
    covered += (chunk & 0x8000) == 0   ? std::max<std::uint32_t>(1, chunk & kMaxRun)
               : (chunk & 0x4000) == 0 ? 14u
                                       : 7u;
  }
  ok_ = scan.ok();
  deltas_.skip(scan.position());
}

bool TransportCcReader::nextChunk() {
  chunk_ = chunks_.u16();
  if ((chunk_ & 0x8000) == 0)
    chunkLeft_ = std::max<std::uint32_t>(1, chunk_ & kMaxRun);  // A run of 0 must not stall the reader.
  else
    chunkLeft_ = (chunk_ & 0x4000) == 0 ? 14 : 7;
  return chunks_.ok();
}

std::optional<TransportCcStatus> TransportCcReader::next() {
  if (!ok_ || left_ == 0) return std::nullopt;
  if (chunkLeft_ == 0 && !nextChunk()) {
    ok_ = false;
    return std::nullopt;
  }
  --chunkLeft_;
  --left_;
  std::uint8_t symbol = static_cast<std::uint8_t>(chunk_ >> 13 & 3);
  if ((chunk_ & 0x8000) != 0)
    symbol = (chunk_ & 0x4000) == 0 ? static_cast<std::uint8_t>(chunk_ >> chunkLeft_ & 1)
                                    : static_cast<std::uint8_t>(chunk_ >> (2 * chunkLeft_) & 3);
  TransportCcStatus status{sequence_++, std::nullopt};
  if (symbol == kNotReceived) return status;
  if (symbol == kSmallDelta)
    ticks_ += deltas_.u8();
  else if (symbol == kLargeDelta)
    ticks_ += static_cast<std::int16_t>(deltas_.u16());
  if (symbol > kLargeDelta || !deltas_.ok()) {
    ok_ = false;
    return std::nullopt;
  }
  status.ticks = ticks_;
  return status;
}

}  // namespace parley::proto
