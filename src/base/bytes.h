// Bounds-checked reading and writing of byte strings, big-endian as on the wire.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::base {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

inline Bytes asBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view asText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::uint16_t loadU16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
inline std::uint32_t loadU32(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}
inline void storeU16(std::uint8_t* p, std::uint16_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
inline void storeU32(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 24);
  p[1] = static_cast<std::uint8_t>(v >> 16);
  p[2] = static_cast<std::uint8_t>(v >> 8);
  p[3] = static_cast<std::uint8_t>(v);
}

/// Reads forward over a span. A read past the end returns zero (or an empty span) and makes the reader
/// fail for good: read a whole structure, then ask ok() once.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return need(1) ? bytes_[at_++] : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!need(2)) return 0;
    at_ += 2;
    return loadU16(&bytes_[at_ - 2]);
  }
  std::uint32_t u24() {
    if (!need(3)) return 0;
    at_ += 3;
    return std::uint32_t{bytes_[at_ - 3]} << 16 | std::uint32_t{bytes_[at_ - 2]} << 8 | bytes_[at_ - 1];
  }
  std::uint32_t u32() {
    if (!need(4)) return 0;
    at_ += 4;
    return loadU32(&bytes_[at_ - 4]);
  }
  std::uint64_t u64() {
    const std::uint64_t high = u32();
    return high << 32 | u32();
  }
  Bytes bytes(std::size_t count) {
    if (!need(count)) return {};
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  void skip(std::size_t count) {
    if (need(count)) at_ += count;
  }
  Bytes rest() const { return failed_ ? Bytes{} : bytes_.subspan(at_); }
  std::size_t remaining() const { return failed_ ? 0 : bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  bool ok() const { return !failed_; }

 private:
  bool need(std::size_t count) {
    if (failed_ || bytes_.size() - at_ < count) {
      failed_ = true;
      return false;
    }
    return true;
  }
  Bytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Writes forward into a caller's span. A write past the end is dropped and makes the writer fail.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes bytes) : bytes_(bytes) {}

  void u8(std::uint8_t v) {
    if (need(1)) bytes_[at_++] = v;
  }
  void u16(std::uint16_t v) {
    if (need(2)) storeU16(&bytes_[at_], v), at_ += 2;
  }
  void u24(std::uint32_t v) {
    u8(static_cast<std::uint8_t>(v >> 16));
    u16(static_cast<std::uint16_t>(v));
  }
  void u32(std::uint32_t v) {
    if (need(4)) storeU32(&bytes_[at_], v), at_ += 4;
  }
  void u64(std::uint64_t v) {
    u32(static_cast<std::uint32_t>(v >> 32));
    u32(static_cast<std::uint32_t>(v));
  }
  void bytes(Bytes v) {
    if (v.empty() || !need(v.size())) return;
    std::memcpy(&bytes_[at_], v.data(), v.size());
    at_ += v.size();
  }
  void zeros(std::size_t count) {
    if (count == 0 || !need(count)) return;
    std::memset(&bytes_[at_], 0, count);
    at_ += count;
  }
  std::size_t size() const { return at_; }
  std::size_t space() const { return bytes_.size() - at_; }
  MutableBytes written() const { return bytes_.first(at_); }
  bool ok() const { return !failed_; }

 private:
  bool need(std::size_t count) {
    if (failed_ || bytes_.size() - at_ < count) {
      failed_ = true;
      return false;
    }
    return true;
  }
  MutableBytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace parley::base
