#include "proto/stun.h"

#include "base/text.h"

namespace parley::proto {
namespace {

constexpr std::uint32_t kFingerprintXor = 0x5354554E;
constexpr std::size_t kIntegrityBytes = 20;
constexpr std::size_t kAttributeHeader = 4;

constexpr std::array<std::uint32_t, 256> makeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = makeCrcTable();

/// CRC-32 of ITU V.42, as RFC 8489 section 14.7 wants it.
std::uint32_t crc32(base::Bytes bytes) {
  std::uint32_t c = 0xFFFFFFFFu;
  for (const std::uint8_t b : bytes) c = kCrcTable[(c ^ b) & 0xFF] ^ (c >> 8);
  return c ^ 0xFFFFFFFFu;
}

std::size_t paddedTo4(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// |0|family|port|address|, section 14.1; XOR-ed with the cookie and the transaction id in 14.2.
std::optional<TransportAddress> parseAddress(base::Bytes value, const std::uint8_t* mask) {
  if (value.size() < 4) return std::nullopt;
  const std::uint8_t family = value[1];
  const std::size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (size == 0 || value.size() != 4 + size) return std::nullopt;
  TransportAddress address;
  if (family == 1) address.ip[10] = address.ip[11] = 0xff;
  const std::size_t from = 16 - size;
  for (std::size_t i = 0; i < size; ++i) {
    address.ip[from + i] = value[4 + i];
    if (mask != nullptr) address.ip[from + i] ^= mask[i];
  }
  address.port = base::loadU16(&value[2]);
  if (mask != nullptr) address.port ^= base::loadU16(mask);
  return address;
}

/// |0 (21 bits)|class (3)|number (8)|reason|, section 14.8.
std::optional<StunErrorCode> parseErrorCode(base::Bytes value) {
  if (value.size() < 4) return std::nullopt;
  const unsigned hundreds = value[2] & 7u;
  const unsigned number = value[3];
  if (hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
  return StunErrorCode{static_cast<std::uint16_t>(hundreds * 100 + number), base::asText(value.subspan(4))};
}

template <class T>
void keepFirst(std::optional<T>& slot, T value) {
  if (!slot) slot = value;
}

std::optional<std::uint64_t> parseU64(base::Bytes value) {
  if (value.size() != 8) return std::nullopt;
  return std::uint64_t{base::loadU32(value.data())} << 32 | base::loadU32(&value[4]);
}

void noteUnknown(StunMessage& message, std::uint16_t type) {
  if (message.unknownRequiredCount < StunMessage::kMaxUnknown)
    message.unknownRequired[message.unknownRequiredCount] = type;
  ++message.unknownRequiredCount;
}

bool takeAddress(StunMessage& message, base::Bytes value, bool masked, bool& haveXor) {
  const auto address = parseAddress(value, masked ? &message.raw[4] : nullptr);
  if (!address) return false;
  if (masked && !haveXor) {
    message.mappedAddress = address;
    haveXor = true;
  } else {
    keepFirst(message.mappedAddress, *address);
  }
  return true;
}

/// One attribute before MESSAGE-INTEGRITY. False when its value is malformed.
bool takeAttribute(StunMessage& message, std::uint16_t type, base::Bytes value, bool& haveXor) {
  switch (static_cast<StunAttribute>(type)) {
    case StunAttribute::username:
      if (value.size() > 513) return false;  // fewer than 509 bytes, section 14.3, and some peers' ':'
      keepFirst(message.username, base::asText(value));
      return true;
    case StunAttribute::software:
      if (value.size() > 763) return false;
      keepFirst(message.software, base::asText(value));
      return true;
    case StunAttribute::xorMappedAddress:
      return takeAddress(message, value, true, haveXor);
    case StunAttribute::mappedAddress:
      return takeAddress(message, value, false, haveXor);
    case StunAttribute::priority:
      if (value.size() != 4) return false;
      keepFirst(message.priority, base::loadU32(value.data()));
      return true;
    case StunAttribute::useCandidate:
      message.useCandidate = true;
      return value.empty();
    case StunAttribute::iceControlled:
    case StunAttribute::iceControlling: {
      const auto tieBreaker = parseU64(value);
      if (!tieBreaker) return false;
      const bool controlled = static_cast<StunAttribute>(type) == StunAttribute::iceControlled;
      keepFirst(controlled ? message.iceControlled : message.iceControlling, *tieBreaker);
      return true;
    }
    case StunAttribute::errorCode: {
      const auto code = parseErrorCode(value);
      if (!code) return false;
      keepFirst(message.errorCode, *code);
      return true;
    }
    case StunAttribute::unknownAttributes:
      if (value.size() % 2 != 0) return false;
      if (message.unknownAttributes.empty()) message.unknownAttributes = value;
      return true;
    case StunAttribute::messageIntegritySha256:
      return value.size() >= 16 && value.size() <= 32 && value.size() % 4 == 0;
    case StunAttribute::messageIntegrity:
    case StunAttribute::fingerprint:
      return true;  // the caller's
  }
  if (type < 0x8000) noteUnknown(message, type);
  return true;
}

}  // namespace

std::string_view toString(StunError error) {
  switch (error) {
    case StunError::notStun:
      return "not_stun";
    case StunError::badLength:
      return "bad_length";
    case StunError::badAttribute:
      return "bad_attribute";
    case StunError::badFingerprint:
      return "bad_fingerprint";
  }
  return "?";
}

std::expected<StunMessage, StunError> StunMessage::parse(base::Bytes datagram) {
  base::ByteReader reader(datagram);
  const std::uint16_t type = reader.u16();
  const std::uint16_t length = reader.u16();
  const std::uint32_t cookie = reader.u32();
  const base::Bytes id = reader.bytes(12);
  if (!reader.ok() || (type & 0xC000) != 0 || cookie != kStunMagicCookie)
    return std::unexpected(StunError::notStun);
  if (length % 4 != 0 || datagram.size() != kStunHeaderBytes + length)
    return std::unexpected(StunError::badLength);

  StunMessage message;
  message.raw = datagram;
  // Bits of the type: M11…M7 C1 M6…M4 C0 M3…M0 (section 5).
  message.kind = static_cast<StunClass>((type >> 4 & 1) | (type >> 7 & 2));
  message.method = static_cast<std::uint16_t>((type & 0x000F) | (type >> 1 & 0x0070) | (type >> 2 & 0x0F80));
  std::copy(id.begin(), id.end(), message.transactionId.begin());

  bool haveXor = false;
  while (reader.remaining() > 0) {
    const std::size_t at = reader.position();
    const std::uint16_t attribute = reader.u16();
    const std::uint16_t size = reader.u16();
    const base::Bytes value = reader.bytes(size);
    reader.skip(paddedTo4(size) - size);
    if (!reader.ok()) return std::unexpected(StunError::badAttribute);

    if (static_cast<StunAttribute>(attribute) == StunAttribute::fingerprint) {
      if (size != 4 || reader.remaining() != 0 ||
          base::loadU32(value.data()) != (crc32(datagram.first(at)) ^ kFingerprintXor))
        return std::unexpected(StunError::badFingerprint);
      message.hasFingerprint = true;
    } else if (message.integrityAt_ != 0) {
      continue;  // not covered by the integrity: ignored
    } else if (static_cast<StunAttribute>(attribute) == StunAttribute::messageIntegrity) {
      if (size != kIntegrityBytes) return std::unexpected(StunError::badAttribute);
      message.integrityAt_ = at;
    } else if (!takeAttribute(message, attribute, value, haveXor)) {
      return std::unexpected(StunError::badAttribute);
    }
  }
  return message;
}

bool StunMessage::verifyIntegrity(base::Bytes key, HmacSha1Function hmac) const {
  if (integrityAt_ == 0) return false;
  // The HMAC is over all before the attribute, with a length field as if it were the last (section 14.5).
  std::array<std::uint8_t, 4> start{raw[0], raw[1]};
  base::storeU16(&start[2], static_cast<std::uint16_t>(integrityAt_ + kAttributeHeader + kIntegrityBytes -
                                                       kStunHeaderBytes));
  const std::array<base::Bytes, 2> parts{start, raw.subspan(4, integrityAt_ - 4)};
  const Sha1Digest wanted = hmac(key, parts);
  return base::equalsConstantTime(wanted, raw.subspan(integrityAt_ + kAttributeHeader, kIntegrityBytes));
}

StunWriter::StunWriter(base::MutableBytes out, StunClass kind, std::uint16_t method,
                       const StunTransactionId& id)
    : writer_(out), id_(id) {
  const auto c = static_cast<unsigned>(kind);
  const unsigned m = method;
  writer_.u16(static_cast<std::uint16_t>((m & 0x0F) | (m & 0x70) << 1 | (m & 0xF80) << 2 | (c & 1) << 4 |
                                         (c & 2) << 7));
  writer_.u16(0);
  writer_.u32(kStunMagicCookie);
  writer_.bytes(id);
}

void StunWriter::setLength(std::size_t bytesAfterHeader) {
  if (writer_.ok()) base::storeU16(&writer_.written()[2], static_cast<std::uint16_t>(bytesAfterHeader));
}

void StunWriter::begin(StunAttribute type, std::size_t size) {
  writer_.u16(static_cast<std::uint16_t>(type));
  writer_.u16(static_cast<std::uint16_t>(size));
}

void StunWriter::finish() {
  writer_.zeros(paddedTo4(writer_.size()) - writer_.size());
  if (writer_.ok()) setLength(writer_.size() - kStunHeaderBytes);
}

void StunWriter::attribute(std::uint16_t type, base::Bytes value) {
  begin(static_cast<StunAttribute>(type), value.size());
  writer_.bytes(value);
  finish();
}

void StunWriter::username(std::string_view text) {
  attribute(static_cast<std::uint16_t>(StunAttribute::username), base::asBytes(text));
}

void StunWriter::software(std::string_view text) {
  attribute(static_cast<std::uint16_t>(StunAttribute::software), base::asBytes(text));
}

void StunWriter::priority(std::uint32_t value) {
  begin(StunAttribute::priority, 4);
  writer_.u32(value);
  finish();
}

void StunWriter::useCandidate() {
  begin(StunAttribute::useCandidate, 0);
  finish();
}

void StunWriter::u64(StunAttribute type, std::uint64_t value) {
  begin(type, 8);
  writer_.u64(value);
  finish();
}

void StunWriter::iceControlled(std::uint64_t tieBreaker) { u64(StunAttribute::iceControlled, tieBreaker); }
void StunWriter::iceControlling(std::uint64_t tieBreaker) { u64(StunAttribute::iceControlling, tieBreaker); }

void StunWriter::xorMappedAddress(const TransportAddress& address) {
  const std::size_t size = address.isV4() ? 4 : 16;
  std::array<std::uint8_t, 16> mask{};
  base::storeU32(mask.data(), kStunMagicCookie);
  std::copy(id_.begin(), id_.end(), mask.begin() + 4);
  begin(StunAttribute::xorMappedAddress, 4 + size);
  writer_.u8(0);
  writer_.u8(size == 4 ? 1 : 2);
  writer_.u16(static_cast<std::uint16_t>(address.port ^ kStunMagicCookie >> 16));
  for (std::size_t i = 0; i < size; ++i)
    writer_.u8(static_cast<std::uint8_t>(address.ip[16 - size + i] ^ mask[i]));
  finish();
}

void StunWriter::errorCode(std::uint16_t code, std::string_view reason) {
  begin(StunAttribute::errorCode, 4 + reason.size());
  writer_.u16(0);
  writer_.u8(static_cast<std::uint8_t>(code / 100));
  writer_.u8(static_cast<std::uint8_t>(code % 100));
  writer_.bytes(base::asBytes(reason));
  finish();
}

void StunWriter::unknownAttributes(std::span<const std::uint16_t> types) {
  begin(StunAttribute::unknownAttributes, types.size() * 2);
  for (const std::uint16_t type : types) writer_.u16(type);
  finish();
}

void StunWriter::integrity(base::Bytes key, HmacSha1Function hmac) {
  if (!writer_.ok()) return;
  setLength(writer_.size() - kStunHeaderBytes + kAttributeHeader + kIntegrityBytes);
  const std::array<base::Bytes, 1> parts{writer_.written()};
  const Sha1Digest digest = hmac(key, parts);
  begin(StunAttribute::messageIntegrity, kIntegrityBytes);
  writer_.bytes(digest);
  finish();
}

void StunWriter::fingerprint() {
  if (!writer_.ok()) return;
  setLength(writer_.size() - kStunHeaderBytes + kAttributeHeader + 4);
  const std::uint32_t crc = crc32(writer_.written()) ^ kFingerprintXor;
  begin(StunAttribute::fingerprint, 4);
  writer_.u32(crc);
  finish();
}

}  // namespace parley::proto
