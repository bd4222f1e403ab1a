// RTP packets (RFC 3550 section 5.1), header extensions (RFC 8285) and retransmission payloads (RFC 4588):
// parse, rewrite in place, write. Views point into the caller's bytes and own nothing.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   |                           timestamp                           |
//   |                             SSRC                              |
//   |                    CSRC (0 to 15 times 32 bits)               |
//   |  extension profile (if X)     |  its length in 32-bit words   |
//   |  extension elements …         |  payload … |  padding, count  |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "proto/packet.h"

namespace parley::proto {

constexpr std::size_t kRtpFixedHeader = 12;

struct RtpHeader {
  bool marker = false;
  std::uint8_t payloadType = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  friend bool operator==(const RtpHeader&, const RtpHeader&) = default;
};

/// Where the parts of one packet lie. Sizes are sound: header + payload + padding = packet.
struct RtpView {
  RtpHeader header;
  std::uint8_t csrcCount = 0;
  std::uint16_t extensionProfile = 0;  ///< 0 without an extension.
  base::Bytes extensions;              ///< The extension's content, without its 4-byte head.
  std::size_t headerSize = 0;          ///< Fixed part, CSRCs and extension.
  std::size_t payloadSize = 0;
  std::size_t paddingSize = 0;
};

/// Nothing when the version is not 2 or a part does not fit.
std::optional<RtpView> parseRtp(base::Bytes packet);

struct RtpExtension {
  std::uint8_t id = 0;
  base::Bytes value;
};

/// The elements of a one-byte (profile 0xBEDE) or two-byte (0x1000…0x100F) extension, RFC 8285 section 4.
/// Padding is passed over; an element that does not fit, or id 15 in the one-byte form, ends the list.
///
///   one-byte:  |  id   | len-1 |  value …      two-byte:  |      id       |      len      |  value …
class RtpExtensionReader {
 public:
  explicit RtpExtensionReader(const RtpView& view);
  std::optional<RtpExtension> next();

 private:
  base::Bytes bytes_;
  std::size_t at_ = 0;
  enum class Form : std::uint8_t { none, oneByte, twoByte } form_ = Form::none;
};

/// Builds an extension block in a buffer of its own, so that values may come from the packet it replaces.
class RtpExtensionWriter {
 public:
  static constexpr std::size_t kMaxBytes = 128;
  enum class Form : std::uint8_t { oneByte, twoByte };
  explicit RtpExtensionWriter(Form form = Form::oneByte) : form_(form) {}

  /// False (and nothing added) when the element cannot be said in this form or the block is full.
  bool add(std::uint8_t id, base::Bytes value);
  /// The whole block with its head, padded to 32 bits; empty when there are no elements.
  base::Bytes finish();

 private:
  std::array<std::uint8_t, kMaxBytes> block_;
  std::size_t size_ = 4;
  Form form_;
};

/// Gives the payload of `packet` (parsed as `view`) a new header, in place: CSRCs stay, padding goes, the
/// payload is moved only if the slot has too little headroom. `skip` bytes of the payload's start are left
/// out (2 turns an RTX packet into its original). False, with the packet unchanged, when there is no room.
bool rewriteRtp(Packet& packet, const RtpView& view, const RtpHeader& header, base::Bytes extensionBlock,
                std::size_t skip = 0);

/// Overwrites the value of extension `id` in a packet, if it is there and has the same size.
bool patchRtpExtension(base::MutableBytes packet, std::uint8_t id, base::Bytes value);

/// RFC 4588 section 4: the original sequence number (OSN) stands before the original payload.
///   | RTP header (own SSRC, PT, sequence; same timestamp, marker) | OSN 16 bits | original payload |
std::optional<std::uint16_t> rtxOriginalSequence(base::Bytes packet, const RtpView& view);

/// Writes `original` as an RTX packet into `out`, without its padding. Returns the size, 0 when it does not
/// fit or `original` is no RTP packet.
std::size_t writeRtx(base::Bytes original, std::uint8_t payloadType, std::uint32_t ssrc,
                     std::uint16_t sequence, base::MutableBytes out);

}  // namespace parley::proto
