// STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 section 16.1): parse and write.
//
//   0                   1                   2                   3
//   |0 0|     message type (14)     |        length (16)          |   length: bytes after this header,
//   |                     magic cookie 0x2112A442                 |   a multiple of 4
//   |                     transaction id (96)                     |
//   |   attribute type (16)         |   value length (16)         |   value padded to 4, padding not counted
//
// Views into the caller's bytes; no allocation. HMAC-SHA1 is passed in, so that proto needs no library for
// it.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "proto/address.h"

namespace parley::proto {

enum class StunClass : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

constexpr std::uint16_t kStunBinding = 0x001;
constexpr std::uint32_t kStunMagicCookie = 0x2112A442;
constexpr std::size_t kStunHeaderBytes = 20;

enum class StunAttribute : std::uint16_t {
  mappedAddress = 0x0001,
  username = 0x0006,
  messageIntegrity = 0x0008,
  errorCode = 0x0009,
  unknownAttributes = 0x000A,
  messageIntegritySha256 = 0x001C,
  xorMappedAddress = 0x0020,
  priority = 0x0024,
  useCandidate = 0x0025,
  software = 0x8022,
  fingerprint = 0x8028,
  iceControlled = 0x8029,
  iceControlling = 0x802A,
};

using StunTransactionId = std::array<std::uint8_t, 12>;
using Sha1Digest = std::array<std::uint8_t, 20>;
/// HMAC-SHA1 (RFC 2104) over `parts` put one after another.
using HmacSha1Function = Sha1Digest (*)(base::Bytes key, std::span<const base::Bytes> parts);

enum class StunError : std::uint8_t {
  notStun,         ///< First bits, magic cookie, or shorter than a header.
  badLength,       ///< The length field is not that of the datagram, or not a multiple of 4.
  badAttribute,    ///< An attribute runs past the end or its value has the wrong size or form.
  badFingerprint,  ///< FINGERPRINT is wrong or not the last attribute.
};
std::string_view toString(StunError error);

struct StunErrorCode {
  std::uint16_t code = 0;  ///< 300…699
  std::string_view reason;
};

struct StunMessage {
  static constexpr std::size_t kMaxUnknown = 8;  ///< Kept for UNKNOWN-ATTRIBUTES; the rest is only counted.

  base::Bytes raw;  ///< The whole message; all views point into it.
  StunClass kind{};
  std::uint16_t method = 0;
  StunTransactionId transactionId{};

  // Of a repeated attribute the first counts; what follows MESSAGE-INTEGRITY is ignored (sections 14, 14.5).
  std::optional<std::string_view> username;
  std::optional<std::string_view> software;
  std::optional<TransportAddress> mappedAddress;  ///< XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS.
  std::optional<std::uint32_t> priority;
  bool useCandidate = false;
  std::optional<std::uint64_t> iceControlled, iceControlling;  ///< Tie-breaker.
  std::optional<StunErrorCode> errorCode;
  base::Bytes unknownAttributes;  ///< Value of UNKNOWN-ATTRIBUTES: 16-bit types.
  bool hasFingerprint = false;    ///< And it is right, else the message does not parse.

  /// Comprehension-required attributes (type < 0x8000) that are not in StunAttribute.
  std::array<std::uint16_t, kMaxUnknown> unknownRequired{};
  std::size_t unknownRequiredCount = 0;  ///< May be more than kMaxUnknown.

  static std::expected<StunMessage, StunError> parse(base::Bytes datagram);

  bool hasIntegrity() const { return integrityAt_ != 0; }
  /// MESSAGE-INTEGRITY under `key` (short-term: the password). False when there is none. Constant time.
  bool verifyIntegrity(base::Bytes key, HmacSha1Function hmac) const;

 private:
  std::size_t integrityAt_ = 0;  ///< Offset of the attribute's header.
};

/// Writes one message into the caller's buffer. Too small a buffer makes ok() false. Add integrity and
/// then fingerprint last; the length field is right after each call.
class StunWriter {
 public:
  StunWriter(base::MutableBytes out, StunClass kind, std::uint16_t method, const StunTransactionId& id);

  void username(std::string_view text);
  void software(std::string_view text);
  void priority(std::uint32_t value);
  void useCandidate();
  void iceControlled(std::uint64_t tieBreaker);
  void iceControlling(std::uint64_t tieBreaker);
  void xorMappedAddress(const TransportAddress& address);
  void errorCode(std::uint16_t code, std::string_view reason);
  void unknownAttributes(std::span<const std::uint16_t> types);
  void attribute(std::uint16_t type, base::Bytes value);  ///< Any other.
  void integrity(base::Bytes key, HmacSha1Function hmac);
  void fingerprint();

  std::size_t size() const { return writer_.size(); }
  base::Bytes message() const { return writer_.written(); }
  bool ok() const { return writer_.ok(); }

 private:
  void u64(StunAttribute type, std::uint64_t value);
  void begin(StunAttribute type, std::size_t size);
  void setLength(std::size_t bytesAfterHeader);
  void finish();

  base::ByteWriter writer_;
  StunTransactionId id_;
};

}  // namespace parley::proto
