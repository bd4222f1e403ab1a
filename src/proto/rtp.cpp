#include "proto/rtp.h"

#include <algorithm>
#include <cstring>

namespace parley::proto {
namespace {

constexpr std::uint16_t kOneByteProfile = 0xBEDE;
constexpr std::uint16_t kTwoByteProfile = 0x1000;  // The low four bits are the application's.
constexpr std::uint8_t kOneByteStop = 15;

void writeFixedHeader(std::uint8_t* to, const RtpHeader& header, bool extension, std::uint8_t csrcCount) {
  to[0] = static_cast<std::uint8_t>(0x80 | (extension ? 0x10 : 0) | csrcCount);
  to[1] = static_cast<std::uint8_t>((header.marker ? 0x80 : 0) | (header.payloadType & 0x7f));
  base::storeU16(to + 2, header.sequence);
  base::storeU32(to + 4, header.timestamp);
  base::storeU32(to + 8, header.ssrc);
}

}  // namespace

std::optional<RtpView> parseRtp(base::Bytes packet) {
  if (packet.size() < kRtpFixedHeader || packet[0] >> 6 != 2) return std::nullopt;
  const std::uint8_t* p = packet.data();
  RtpView view;
  view.header.marker = (p[1] & 0x80) != 0;
  view.header.payloadType = p[1] & 0x7f;
  view.header.sequence = base::loadU16(p + 2);
  view.header.timestamp = base::loadU32(p + 4);
  view.header.ssrc = base::loadU32(p + 8);
  view.csrcCount = p[0] & 0x0f;
  std::size_t at = kRtpFixedHeader + std::size_t{4} * view.csrcCount;
  if ((p[0] & 0x10) != 0) {
    if (packet.size() < at + 4) return std::nullopt;
    view.extensionProfile = base::loadU16(p + at);
    const std::size_t length = std::size_t{4} * base::loadU16(p + at + 2);
    at += 4;
    if (packet.size() < at + length) return std::nullopt;
    view.extensions = packet.subspan(at, length);
    at += length;
  }
  if (packet.size() < at) return std::nullopt;
  view.headerSize = at;
  view.payloadSize = packet.size() - at;
  if ((p[0] & 0x20) != 0) {
    // RFC 3550 section 5.1: the last byte counts the padding, itself included.
    if (view.payloadSize == 0) return std::nullopt;
    view.paddingSize = packet.back();
    if (view.paddingSize == 0 || view.paddingSize > view.payloadSize) return std::nullopt;
    view.payloadSize -= view.paddingSize;
  }
  return view;
}

RtpExtensionReader::RtpExtensionReader(const RtpView& view) : bytes_(view.extensions) {
  if (view.extensionProfile == kOneByteProfile) form_ = Form::oneByte;
  if ((view.extensionProfile & 0xfff0) == kTwoByteProfile) form_ = Form::twoByte;
}

std::optional<RtpExtension> RtpExtensionReader::next() {
  if (form_ == Form::none) return std::nullopt;
  while (at_ < bytes_.size()) {
    const std::uint8_t head = bytes_[at_++];
    if (head == 0) continue;  // Padding.
    std::uint8_t id = head;
    std::size_t length = 0;
    if (form_ == Form::oneByte) {
      id = head >> 4;
      length = std::size_t{head & 0x0fu} + 1;
      // Id 0 with a length is not padding; RFC 8285 section 4.2 has it ignored like one.
      if (id == kOneByteStop) break;
    } else {
      if (at_ == bytes_.size()) break;
      length = bytes_[at_++];
    }
    if (bytes_.size() - at_ < length) break;
    at_ += length;
    if (id == 0) continue;
    return RtpExtension{id, bytes_.subspan(at_ - length, length)};
  }
  at_ = bytes_.size();
  return std::nullopt;
}

bool RtpExtensionWriter::add(std::uint8_t id, base::Bytes value) {
  const bool one = form_ == Form::oneByte;
  if (id == 0 || (one && (id >= kOneByteStop || value.empty() || value.size() > 16))) return false;
  if (value.size() > 255 || size_ + 2 + value.size() + 3 > kMaxBytes) return false;
  if (one) {
    block_[size_++] = static_cast<std::uint8_t>(id << 4 | (value.size() - 1));
  } else {
    block_[size_++] = id;
    block_[size_++] = static_cast<std::uint8_t>(value.size());
  }
  // Values are a few bytes: a loop beats a call.
  for (const std::uint8_t byte : value) block_[size_++] = byte;
  return true;
}

base::Bytes RtpExtensionWriter::finish() {
  if (size_ == 4) return {};
  while (size_ % 4 != 0) block_[size_++] = 0;
  base::storeU16(&block_[0], form_ == Form::oneByte ? kOneByteProfile : kTwoByteProfile);
  base::storeU16(&block_[2], static_cast<std::uint16_t>(size_ / 4 - 1));
  return base::Bytes(block_).first(size_);
}

bool rewriteRtp(Packet& packet, const RtpView& view, const RtpHeader& header, base::Bytes extensionBlock,
                std::size_t skip) {
  if (skip > view.payloadSize) return false;
  const std::size_t csrcBytes = std::size_t{4} * view.csrcCount;
  const std::size_t newHeader = kRtpFixedHeader + csrcBytes + extensionBlock.size();
  std::size_t payloadAt = packet.offset + view.headerSize + skip;
  const std::size_t payloadSize = view.payloadSize - skip;

  std::array<std::uint8_t, 15 * 4> csrcs;  // The new header may cover the old one.
  if (csrcBytes != 0) std::memcpy(csrcs.data(), &packet.storage[packet.offset + kRtpFixedHeader], csrcBytes);
  if (payloadAt < newHeader) {
    if (packet.storage.size() < newHeader + payloadSize) return false;
    if (payloadSize != 0) std::memmove(&packet.storage[newHeader], &packet.storage[payloadAt], payloadSize);
    payloadAt = newHeader;
  }
  packet.offset = payloadAt - newHeader;
  packet.size = newHeader + payloadSize;
  std::uint8_t* to = &packet.storage[packet.offset];
  writeFixedHeader(to, header, !extensionBlock.empty(), view.csrcCount);
  if (csrcBytes != 0) std::memcpy(to + kRtpFixedHeader, csrcs.data(), csrcBytes);
  if (!extensionBlock.empty())
    std::memcpy(to + kRtpFixedHeader + csrcBytes, extensionBlock.data(), extensionBlock.size());
  return true;
}

bool patchRtpExtension(base::MutableBytes packet, std::uint8_t id, base::Bytes value) {
  const auto view = parseRtp(packet);
  if (!view) return false;
  RtpExtensionReader reader(*view);
  while (const auto element = reader.next()) {
    if (element->id != id) continue;
    if (element->value.size() != value.size()) return false;
    const auto at = static_cast<std::size_t>(element->value.data() - packet.data());
    std::copy(value.begin(), value.end(), packet.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }
  return false;
}

std::optional<std::uint16_t> rtxOriginalSequence(base::Bytes packet, const RtpView& view) {
  if (view.payloadSize < 2 || packet.size() < view.headerSize + 2) return std::nullopt;
  return base::loadU16(&packet[view.headerSize]);
}

std::size_t writeRtx(base::Bytes original, std::uint8_t payloadType, std::uint32_t ssrc,
                     std::uint16_t sequence, base::MutableBytes out) {
  const auto view = parseRtp(original);
  if (!view) return 0;
  const std::size_t size = view->headerSize + 2 + view->payloadSize;
  if (out.size() < size) return 0;
  std::memcpy(out.data(), original.data(), view->headerSize);
  RtpHeader header = view->header;
  header.payloadType = payloadType;
  header.ssrc = ssrc;
  header.sequence = sequence;
  writeFixedHeader(out.data(), header, (original[0] & 0x10) != 0, view->csrcCount);
  base::storeU16(&out[view->headerSize], view->header.sequence);
  if (view->payloadSize != 0)
    std::memcpy(&out[view->headerSize + 2], &original[view->headerSize], view->payloadSize);
  return size;
}

}  // namespace parley::proto
