#include "rtc/bridge_store.h"

#include <algorithm>
#include <cstring>

namespace parley::rtc {
namespace {

constexpr std::size_t kStep = 2048;
constexpr std::size_t kFirstEntries = 16;
constexpr std::size_t kMinSlots = 64;

/// Steps small enough that a call keeps little more than it needs.
std::size_t roomFor(std::size_t bytes) { return (bytes + kStep - 1) / kStep * kStep; }

std::uint32_t millisOf(base::Instant now) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<base::Millis>(now.time_since_epoch()).count());
}

}  // namespace

/// Finds `size` bytes in a row at head_, wrapping if needed. head_ never catches up with the oldest packet,
/// so head_ == oldest means "empty" only.
bool RetransmissionStore::place(std::size_t size) {
  if (count_ == 0) {
    head_ = 0;
    return size <= bytes_.size();
  }
  const std::size_t tail = at(0).offset;
  if (head_ > tail) {
    if (bytes_.size() - head_ >= size) return true;
    if (tail <= size) return false;
    head_ = 0;
    return true;
  }
  return tail - head_ > size;
}

void RetransmissionStore::dropOldest() {
  first_ = (first_ + 1) % entries_.size();
  --count_;
}

void RetransmissionStore::dropExpired(std::uint32_t now, base::Millis storeFor) {
  while (count_ > 0 && now - at(0).sentAt > static_cast<std::uint32_t>(storeFor.count())) dropOldest();
}

void RetransmissionStore::resizeEntries(std::size_t capacity) {
  std::vector<Entry> bigger(capacity);
  for (std::size_t i = 0; i < count_; ++i) bigger[i] = at(i);
  entries_ = std::move(bigger);
  first_ = 0;
  slots_ = std::vector<std::uint16_t>(std::max(kMinSlots, 2 * capacity));
  for (std::size_t i = 0; i < count_; ++i) index(i);
}

void RetransmissionStore::resizeBytes(std::size_t capacity) {
  std::vector<std::uint8_t> bigger(capacity);
  std::size_t to = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = at(i);
    std::memcpy(&bigger[to], &bytes_[entry.offset], entry.size);
    entry.offset = static_cast<std::uint32_t>(to);
    to += entry.size;
  }
  bytes_ = std::move(bigger);
  head_ = to;
}

void RetransmissionStore::makeRoom(std::size_t size, std::uint32_t now, const Limits& limits) {
  dropExpired(now, limits.storeFor);
  if (count_ == entries_.size()) {
    if (entries_.size() < limits.packets)
      resizeEntries(std::min(limits.packets, std::max(kFirstEntries, 2 * entries_.size())));
    else
      dropOldest();
  }
  while (!place(size)) {
    if (bytes_.size() < limits.bytes)
      resizeBytes(std::min(limits.bytes, roomFor(bytes_.size() + std::max(size + 1, bytes_.size() / 8))));
    else
      dropOldest();
  }
}

void RetransmissionStore::put(base::Bytes packet, std::uint16_t sequence, base::Instant now,
                              const Limits& limits) {
  if (packet.empty() || packet.size() > 0xffff || packet.size() >= limits.bytes || limits.packets == 0)
    return;
  const std::uint32_t stamp = millisOf(now);
  makeRoom(packet.size(), stamp, limits);
  std::memcpy(&bytes_[head_], packet.data(), packet.size());
  at(count_) = {static_cast<std::uint32_t>(head_),         stamp,    stamp,
                static_cast<std::uint16_t>(packet.size()), sequence, 0};
  index((first_ + count_) % entries_.size());
  ++count_;
  head_ += packet.size();
}

RetransmissionStore::Entry* RetransmissionStore::find(std::uint16_t sequence) {
  if (count_ == 0) return nullptr;
  const std::size_t slot = slots_[sequence % slots_.size()];
  const std::size_t age = (slot + entries_.size() - first_) % entries_.size();
  return age < count_ && entries_[slot].sequence == sequence ? &entries_[slot] : nullptr;
}

std::optional<base::Bytes> RetransmissionStore::take(std::uint16_t sequence, base::Instant now,
                                                     base::Micros rtt) {
  const std::uint32_t stamp = millisOf(now);
  Entry* entry = find(sequence);
  if (entry == nullptr || entry->resends == kMaxResends) return std::nullopt;
  const auto wait = std::max(std::chrono::duration_cast<base::Millis>(rtt), kMinResendInterval).count();
  if (entry->resends > 0 && stamp - entry->resentAt < static_cast<std::uint32_t>(wait)) return std::nullopt;
  ++entry->resends;
  entry->resentAt = stamp;
  return base::Bytes(bytes_).subspan(entry->offset, entry->size);
}

void RetransmissionStore::trim(base::Instant now, const Limits& limits) {
  dropExpired(millisOf(now), limits.storeFor);
  if (count_ == 0) return clear();
  std::size_t used = 0;
  for (std::size_t i = 0; i < count_; ++i) used += at(i).size;
  // Some air, so that a rate that goes up and down a little does not move memory each second.
  const std::size_t enough = roomFor(used + used / 4);
  if (bytes_.size() > enough + enough / 2) resizeBytes(enough);
  if (entries_.size() > kFirstEntries && count_ < entries_.size() / 4) resizeEntries(entries_.size() / 2);
}

void RetransmissionStore::clear() {
  entries_ = std::vector<Entry>();  // Not `= {}`: that keeps the capacity.
  bytes_ = std::vector<std::uint8_t>();
  slots_ = std::vector<std::uint16_t>();
  first_ = count_ = head_ = 0;
}

}  // namespace parley::rtc
