// Packets that were sent, kept for a while so that they can be sent again (RFC 4588). Memory follows the
// bit rate: both rings start empty, grow when something still wanted would be overwritten, up to the
// limits, and shrink again in trim().
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace parley::rtc {

class RetransmissionStore {
 public:
  static constexpr std::uint8_t kMaxResends = 8;         ///< Of one packet.
  static constexpr base::Millis kMinResendInterval{10};  ///< Whatever the round trip.

  struct Limits {
    std::size_t packets = 512;
    std::size_t bytes = 512 * 1024;
    base::Millis storeFor{600};
  };

  void put(base::Bytes packet, std::uint16_t sequence, base::Instant now, const Limits& limits);
  /// The packet as it was sent, valid until the next call; nothing when it is not there (any more), was
  /// sent less than `rtt` ago for the second time, or too often. Counts as sent again.
  std::optional<base::Bytes> take(std::uint16_t sequence, base::Instant now, base::Micros rtt);
  /// Drops what is too old and gives memory back. Call about once per second.
  void trim(base::Instant now, const Limits& limits);
  void clear();

  std::size_t size() const { return count_; }
  std::size_t memory() const {
    return bytes_.capacity() + entries_.capacity() * sizeof(Entry) +
           slots_.capacity() * sizeof(std::uint16_t);
  }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t sentAt, resentAt;  // ms, wrapping
    std::uint16_t size, sequence;
    std::uint8_t resends;
  };
  Entry& at(std::size_t i) { return entries_[(first_ + i) % entries_.size()]; }
  Entry* find(std::uint16_t sequence);
  void index(std::size_t slot) {
    slots_[entries_[slot].sequence % slots_.size()] = static_cast<std::uint16_t>(slot);
  }
  bool place(std::size_t size);
  void makeRoom(std::size_t size, std::uint32_t now, const Limits& limits);
  void dropExpired(std::uint32_t now, base::Millis storeFor);
  void dropOldest();
  void resizeEntries(std::size_t capacity);
  void resizeBytes(std::size_t capacity);

  std::vector<Entry> entries_;  // Ring in the order of sending.
  // Where in entries_ a number stands: a peer that asks for what was never sent must not cost a search each
  // time. Of two numbers with the same place the newer one has it.
  std::vector<std::uint16_t> slots_;
  std::vector<std::uint8_t> bytes_;  // Ring; a packet is never split.
  std::size_t first_ = 0, count_ = 0;
  std::size_t head_ = 0;  // Where the next packet goes.
};

}  // namespace parley::rtc
