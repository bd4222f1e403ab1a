#include "proto/rtcp.h"

#include <algorithm>
#include <limits>

namespace parley::proto {
namespace {

constexpr std::size_t kReportBlock = 24;
constexpr std::size_t kSenderInfo = 20;
constexpr std::uint8_t kCname = 1;
constexpr std::uint32_t kRembName = 0x52454d42;  // "REMB"

bool isFeedback(const RtcpBlock& block, RtcpType type, std::uint8_t format) {
  return block.type == type && block.count == format && block.body.size() >= 8;
}

void writeReportBlock(base::ByteWriter& to, const RtcpReportBlock& report) {
  const std::int32_t lost = std::clamp(report.cumulativeLost, -0x800000, 0x7fffff);
  to.u32(report.ssrc);
  to.u8(report.fractionLost);
  to.u24(static_cast<std::uint32_t>(lost) & 0xffffff);
  to.u32(report.highestSequence);
  to.u32(report.jitter);
  to.u32(report.lastSr);
  to.u32(report.delaySinceLastSr);
}

}  // namespace

std::optional<RtcpBlock> RtcpReader::next() {
  if (bytes_.empty() || !ok_) return std::nullopt;
  ok_ = false;
  if (bytes_.size() < 4 || bytes_[0] >> 6 != 2) return std::nullopt;
  const std::size_t size = 4 + std::size_t{4} * base::loadU16(&bytes_[2]);
  if (bytes_.size() < size) return std::nullopt;
  RtcpBlock block{static_cast<RtcpType>(bytes_[1]), static_cast<std::uint8_t>(bytes_[0] & 0x1f),
                  bytes_.subspan(4, size - 4)};
  if ((bytes_[0] & 0x20) != 0) {
    if (block.body.empty()) return std::nullopt;
    const std::size_t padding = block.body.back();
    if (padding == 0 || padding > block.body.size()) return std::nullopt;
    block.body = block.body.first(block.body.size() - padding);
  }
  bytes_ = bytes_.subspan(size);
  ok_ = true;
  return block;
}

RtcpReportBlock RtcpReport::block(std::size_t i) const {
  base::ByteReader in(blocks.subspan(i * kReportBlock, kReportBlock));
  RtcpReportBlock out;
  out.ssrc = in.u32();
  out.fractionLost = in.u8();
  out.cumulativeLost = static_cast<std::int32_t>(in.u24() << 8) >> 8;
  out.highestSequence = in.u32();
  out.jitter = in.u32();
  out.lastSr = in.u32();
  out.delaySinceLastSr = in.u32();
  return out;
}

std::optional<RtcpReport> parseReport(const RtcpBlock& block) {
  const bool sr = block.type == RtcpType::senderReport;
  if (!sr && block.type != RtcpType::receiverReport) return std::nullopt;
  base::ByteReader in(block.body);
  RtcpReport report;
  report.ssrc = in.u32();
  if (sr) {
    RtcpSenderInfo& info = report.sender.emplace();
    info.ntp = in.u64();
    info.rtpTimestamp = in.u32();
    info.packets = in.u32();
    info.octets = in.u32();
  }
  // What follows the blocks is a profile's extension: passed over.
  report.blocks = in.bytes(kReportBlock * block.count);
  if (!in.ok()) return std::nullopt;
  return report;
}

RtcpSdesReader::RtcpSdesReader(const RtcpBlock& block) {
  if (block.type != RtcpType::sdes) return;
  bytes_ = block.body;
  chunks_ = block.count;
}

std::optional<RtcpSdesItem> RtcpSdesReader::next() {
  while (ok_ && (inChunk_ || chunks_ > 0)) {
    ok_ = false;
    if (!inChunk_) {
      if (bytes_.size() - at_ < 4) return std::nullopt;
      ssrc_ = base::loadU32(&bytes_[at_]);
      at_ += 4;
      inChunk_ = true;
      --chunks_;
    }
    if (at_ >= bytes_.size()) return std::nullopt;
    const std::uint8_t type = bytes_[at_];
    if (type == 0) {  // End of the chunk: up to the next 32-bit boundary.
      at_ = std::min(bytes_.size(), (at_ / 4 + 1) * 4);
      inChunk_ = false;
      ok_ = true;
      continue;
    }
    if (bytes_.size() - at_ < 2 || bytes_.size() - at_ - 2 < bytes_[at_ + 1]) return std::nullopt;
    const std::size_t length = bytes_[at_ + 1];
    at_ += 2 + length;
    ok_ = true;
    return RtcpSdesItem{ssrc_, type, base::asText(bytes_.subspan(at_ - length, length))};
  }
  return std::nullopt;
}

std::optional<RtcpSsrcs> parseBye(const RtcpBlock& block) {
  // A reason text may follow; nobody reads it.
  if (block.type != RtcpType::bye || block.body.size() < std::size_t{4} * block.count) return std::nullopt;
  return RtcpSsrcs{block.body.first(std::size_t{4} * block.count)};
}

std::optional<RtcpNack> parseNack(const RtcpBlock& block) {
  if (!isFeedback(block, RtcpType::transportFeedback, kFmtNack)) return std::nullopt;
  if (block.body.size() < 12 || block.body.size() % 4 != 0) return std::nullopt;
  return RtcpNack{base::loadU32(&block.body[0]), base::loadU32(&block.body[4]), block.body.subspan(8)};
}

std::optional<RtcpPli> parsePli(const RtcpBlock& block) {
  if (!isFeedback(block, RtcpType::payloadFeedback, kFmtPli)) return std::nullopt;
  return RtcpPli{base::loadU32(&block.body[0]), base::loadU32(&block.body[4])};
}

std::optional<RtcpFir> parseFir(const RtcpBlock& block) {
  if (!isFeedback(block, RtcpType::payloadFeedback, kFmtFir)) return std::nullopt;
  if (block.body.size() < 16 || block.body.size() % 8 != 0) return std::nullopt;
  return RtcpFir{base::loadU32(&block.body[0]), block.body.subspan(8)};
}

std::optional<RtcpRemb> parseRemb(const RtcpBlock& block) {
  if (!isFeedback(block, RtcpType::payloadFeedback, kFmtApplication)) return std::nullopt;
  base::ByteReader in(block.body);
  RtcpRemb remb;
  remb.senderSsrc = in.u32();
  in.skip(4);
  if (in.u32() != kRembName) return std::nullopt;
  const std::size_t count = in.u8();
  const std::uint32_t rate = in.u24();
  const std::uint32_t exponent = rate >> 18;
  const std::uint64_t mantissa = rate & 0x3ffff;
  const bool overflow = exponent > 45 && mantissa >> (63 - exponent) != 0;
  remb.bitrate = overflow ? std::numeric_limits<std::uint64_t>::max() : mantissa << exponent;
  remb.ssrcs.bytes = in.bytes(4 * count);
  if (!in.ok()) return std::nullopt;
  return remb;
}

base::MutableBytes RtcpWriter::begin(RtcpType type, std::size_t count, std::size_t bodySize) {
  const std::size_t size = 4 + bodySize;
  if (count > 31 || size % 4 != 0 || size > 4 * 65536 || size > space()) {
    ok_ = false;
    return {};
  }
  bytes_[at_] = static_cast<std::uint8_t>(0x80 | count);
  bytes_[at_ + 1] = static_cast<std::uint8_t>(type);
  base::storeU16(&bytes_[at_ + 2], static_cast<std::uint16_t>(size / 4 - 1));
  at_ += size;
  return bytes_.subspan(at_ - bodySize, bodySize);
}

void RtcpWriter::senderReport(std::uint32_t ssrc, const RtcpSenderInfo& info,
                              std::span<const RtcpReportBlock> blocks) {
  base::ByteWriter to(
      begin(RtcpType::senderReport, blocks.size(), 4 + kSenderInfo + kReportBlock * blocks.size()));
  to.u32(ssrc);
  to.u64(info.ntp);
  to.u32(info.rtpTimestamp);
  to.u32(info.packets);
  to.u32(info.octets);
  for (const RtcpReportBlock& report : blocks) writeReportBlock(to, report);
}

void RtcpWriter::receiverReport(std::uint32_t ssrc, std::span<const RtcpReportBlock> blocks) {
  base::ByteWriter to(begin(RtcpType::receiverReport, blocks.size(), 4 + kReportBlock * blocks.size()));
  to.u32(ssrc);
  for (const RtcpReportBlock& report : blocks) writeReportBlock(to, report);
}

void RtcpWriter::cname(std::span<const std::uint32_t> ssrcs, std::string_view text) {
  text = text.substr(0, 255);
  const std::size_t chunk = (4 + 2 + text.size()) / 4 * 4 + 4;  // At least one zero ends the items.
  base::ByteWriter to(begin(RtcpType::sdes, ssrcs.size(), chunk * ssrcs.size()));
  for (const std::uint32_t ssrc : ssrcs) {
    to.u32(ssrc);
    to.u8(kCname);
    to.u8(static_cast<std::uint8_t>(text.size()));
    to.bytes(base::asBytes(text));
    to.zeros(chunk - 6 - text.size());
  }
}

void RtcpWriter::bye(std::span<const std::uint32_t> ssrcs) {
  base::ByteWriter to(begin(RtcpType::bye, ssrcs.size(), 4 * ssrcs.size()));
  for (const std::uint32_t ssrc : ssrcs) to.u32(ssrc);
}

void RtcpWriter::nack(std::uint32_t sender, std::uint32_t media, std::span<const std::uint16_t> sequences) {
  if (sequences.empty()) return;
  // Two passes of the same grouping: how many entries, then the entries.
  const auto group = [&](auto&& emit) {
    for (std::size_t i = 0; i < sequences.size();) {
      const std::uint16_t first = sequences[i++];
      std::uint16_t mask = 0;
      for (; i < sequences.size(); ++i) {
        const auto ahead = static_cast<std::uint16_t>(sequences[i] - first);
        if (ahead > 16) break;
        if (ahead > 0) mask = static_cast<std::uint16_t>(mask | 1u << (ahead - 1));
      }
      emit(first, mask);
    }
  };
  std::size_t entries = 0;
  group([&](std::uint16_t, std::uint16_t) { ++entries; });
  base::ByteWriter to(begin(RtcpType::transportFeedback, kFmtNack, 8 + 4 * entries));
  to.u32(sender);
  to.u32(media);
  group([&](std::uint16_t first, std::uint16_t mask) {
    to.u16(first);
    to.u16(mask);
  });
}

void RtcpWriter::pli(std::uint32_t sender, std::uint32_t media) {
  base::ByteWriter to(begin(RtcpType::payloadFeedback, kFmtPli, 8));
  to.u32(sender);
  to.u32(media);
}

void RtcpWriter::fir(std::uint32_t sender, std::uint32_t media, std::uint8_t sequence) {
  base::ByteWriter to(begin(RtcpType::payloadFeedback, kFmtFir, 16));
  to.u32(sender);
  to.u32(0);
  to.u32(media);
  to.u8(sequence);
  to.zeros(3);
}

void RtcpWriter::remb(std::uint32_t sender, std::uint64_t bitrate, std::span<const std::uint32_t> ssrcs) {
  ssrcs = ssrcs.first(std::min<std::size_t>(ssrcs.size(), 255));
  std::uint32_t exponent = 0;
  while (bitrate >> exponent > 0x3ffff) ++exponent;
  base::ByteWriter to(begin(RtcpType::payloadFeedback, kFmtApplication, 16 + 4 * ssrcs.size()));
  to.u32(sender);
  to.u32(0);
  to.u32(kRembName);
  to.u8(static_cast<std::uint8_t>(ssrcs.size()));
  to.u24(exponent << 18 | static_cast<std::uint32_t>(bitrate >> exponent));
  for (const std::uint32_t ssrc : ssrcs) to.u32(ssrc);
}

void RtcpWriter::block(RtcpType type, std::uint8_t count, base::Bytes body) {
  base::ByteWriter to(begin(type, count, body.size()));
  to.bytes(body);
}

}  // namespace parley::proto
