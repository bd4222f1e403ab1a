// RTCP: compound and reduced-size packets, read and written without allocation.
// RFC 3550 section 6 (SR, RR, SDES, BYE), RFC 4585 (NACK, PLI), RFC 5104 section 4.3.1 (FIR), RFC 5506
// (reduced size), draft-alvestrand-rmcat-remb-03 (REMB). transport-cc: rtcp_transport_cc.h.
//
// Reading: RtcpReader walks the blocks of a datagram, a parse function makes one block into a view. APP, XR
// and unknown types are blocks that nobody parses. Views point into the datagram.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace parley::proto {

enum class RtcpType : std::uint8_t {
  senderReport = 200,
  receiverReport = 201,
  sdes = 202,
  bye = 203,
  app = 204,
  transportFeedback = 205,
  payloadFeedback = 206,
  extendedReport = 207,
};
/// FMT values (RFC 4585 section 6, RFC 5104 section 4.3, the transport-cc and REMB drafts).
constexpr std::uint8_t kFmtNack = 1;
constexpr std::uint8_t kFmtTransportCc = 15;
constexpr std::uint8_t kFmtPli = 1;
constexpr std::uint8_t kFmtFir = 4;
constexpr std::uint8_t kFmtApplication = 15;

/// One packet of a compound:  |V=2|P| count |      type     |  length in words - 1  | body …
struct RtcpBlock {
  RtcpType type{};         ///< May be a value that the enum does not name.
  std::uint8_t count = 0;  ///< Report count, source count or FMT.
  base::Bytes body;        ///< After the 4-byte head, without padding.
};

class RtcpReader {
 public:
  explicit RtcpReader(base::Bytes datagram) : bytes_(datagram) {}
  /// Nothing at the end, and from the first block on whose head or length does not fit: then ok() is false.
  std::optional<RtcpBlock> next();
  bool ok() const { return ok_; }

 private:
  base::Bytes bytes_;
  bool ok_ = true;
};

/// RFC 3550 section 6.4.1:
///   | SSRC | fraction lost 8 | cumulative lost 24, signed | highest sequence 32 | jitter | LSR | DLSR |
struct RtcpReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fractionLost = 0;    ///< Of 256.
  std::int32_t cumulativeLost = 0;  ///< 24 bits, clamped when written.
  std::uint32_t highestSequence = 0;
  std::uint32_t jitter = 0;            ///< In time stamp units.
  std::uint32_t lastSr = 0;            ///< Middle 32 bits of the SR's NTP time, 0 = none.
  std::uint32_t delaySinceLastSr = 0;  ///< 1/65536 s
  friend bool operator==(const RtcpReportBlock&, const RtcpReportBlock&) = default;
};

struct RtcpSenderInfo {  ///< | NTP 64 | RTP time stamp | packets | payload bytes |
  std::uint64_t ntp = 0;
  std::uint32_t rtpTimestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  friend bool operator==(const RtcpSenderInfo&, const RtcpSenderInfo&) = default;
};

struct RtcpReport {  ///< SR or RR.
  std::uint32_t ssrc = 0;
  std::optional<RtcpSenderInfo> sender;
  base::Bytes blocks;
  std::size_t size() const { return blocks.size() / 24; }
  RtcpReportBlock block(std::size_t i) const;
};
std::optional<RtcpReport> parseReport(const RtcpBlock& block);

/// RFC 3550 section 6.5: chunks of | SSRC | type, length, text | … | 0 padding to 32 bits |
struct RtcpSdesItem {
  std::uint32_t ssrc = 0;
  std::uint8_t type = 0;  ///< 1 = CNAME
  std::string_view text;
};
class RtcpSdesReader {
 public:
  explicit RtcpSdesReader(const RtcpBlock& block);
  std::optional<RtcpSdesItem> next();
  bool ok() const { return ok_; }

 private:
  base::Bytes bytes_;
  std::size_t at_ = 0, chunks_ = 0;
  std::uint32_t ssrc_ = 0;
  bool inChunk_ = false, ok_ = true;
};

/// A list of 32-bit SSRCs (BYE, REMB).
struct RtcpSsrcs {
  base::Bytes bytes;
  std::size_t size() const { return bytes.size() / 4; }
  std::uint32_t operator[](std::size_t i) const { return base::loadU32(&bytes[4 * i]); }
};
std::optional<RtcpSsrcs> parseBye(const RtcpBlock& block);

/// RFC 4585 section 6.2.1: FCI of | packet id 16 | bitmask of the 16 that follow |
struct RtcpNack {
  std::uint32_t senderSsrc = 0, mediaSsrc = 0;
  base::Bytes fci;
  std::size_t size() const { return fci.size() / 4; }
  std::uint16_t packetId(std::size_t i) const { return base::loadU16(&fci[4 * i]); }
  std::uint16_t bitmask(std::size_t i) const { return base::loadU16(&fci[4 * i + 2]); }
};
std::optional<RtcpNack> parseNack(const RtcpBlock& block);

struct RtcpPli {  ///< RFC 4585 section 6.3.1: no FCI.
  std::uint32_t senderSsrc = 0, mediaSsrc = 0;
};
std::optional<RtcpPli> parsePli(const RtcpBlock& block);

/// RFC 5104 section 4.3.1.1: FCI of | SSRC | sequence 8 | reserved 24 |; the media SSRC of the head is 0.
struct RtcpFir {
  std::uint32_t senderSsrc = 0;
  base::Bytes fci;
  std::size_t size() const { return fci.size() / 8; }
  std::uint32_t ssrc(std::size_t i) const { return base::loadU32(&fci[8 * i]); }
  std::uint8_t sequence(std::size_t i) const { return fci[8 * i + 4]; }
};
std::optional<RtcpFir> parseFir(const RtcpBlock& block);

/// REMB, section 2.2: | 'R' 'E' 'M' 'B' | count 8 | exponent 6, mantissa 18 | SSRCs |
struct RtcpRemb {
  std::uint32_t senderSsrc = 0;
  std::uint64_t bitrate = 0;  ///< bit/s; saturates.
  RtcpSsrcs ssrcs;
};
std::optional<RtcpRemb> parseRemb(const RtcpBlock& block);

/// Appends blocks to a caller's buffer. A block that does not fit is left out whole, and ok() turns false.
class RtcpWriter {
 public:
  explicit RtcpWriter(base::MutableBytes bytes) : bytes_(bytes) {}

  void senderReport(std::uint32_t ssrc, const RtcpSenderInfo& info, std::span<const RtcpReportBlock> blocks);
  void receiverReport(std::uint32_t ssrc, std::span<const RtcpReportBlock> blocks);
  /// One chunk per SSRC, each with the same CNAME (at most 255 bytes of it).
  void cname(std::span<const std::uint32_t> ssrcs, std::string_view text);
  void bye(std::span<const std::uint32_t> ssrcs);
  /// `sequences` in ascending order (modulo 2^16).
  void nack(std::uint32_t sender, std::uint32_t media, std::span<const std::uint16_t> sequences);
  void pli(std::uint32_t sender, std::uint32_t media);
  void fir(std::uint32_t sender, std::uint32_t media, std::uint8_t sequence);
  void remb(std::uint32_t sender, std::uint64_t bitrate, std::span<const std::uint32_t> ssrcs);
  /// A block with a body made elsewhere (a multiple of 4 bytes).
  void block(RtcpType type, std::uint8_t count, base::Bytes body);

  base::MutableBytes written() const { return bytes_.first(at_); }
  std::size_t size() const { return at_; }
  std::size_t space() const { return bytes_.size() - at_; }
  bool ok() const { return ok_; }

 private:
  base::MutableBytes begin(RtcpType type, std::size_t count, std::size_t bodySize);
  base::MutableBytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace parley::proto
