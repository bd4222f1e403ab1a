// Which section of a leg an SSRC belongs to: told in SDP, or learned from a packet. Bounded per section.
#pragma once
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace parley::rtc {

struct SsrcEntry {
  std::uint32_t ssrc = 0;
  std::uint32_t media = 0;   ///< RTX: the stream it repairs, if SDP said so.
  std::uint8_t section = 0;  ///< Position in the leg's list of sections.
  bool rtx = false;
  bool mediaKnown = false;  ///< `media` is set; else it repairs the section's current source.
  bool signalled = false;
  base::Instant lastSeen{};
};

class SsrcTable {
 public:
  /// A learned entry that was silent this long gives way when a section's share is full.
  static constexpr base::Millis kIdle{10'000};

  SsrcEntry* find(std::uint32_t ssrc) {
    if (hint_ < entries_.size() && entries_[hint_].ssrc == ssrc) return &entries_[hint_];
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].ssrc == ssrc) {
        hint_ = i;
        return &entries_[i];
      }
    return nullptr;
  }
  const SsrcEntry* find(std::uint32_t ssrc) const { return const_cast<SsrcTable*>(this)->find(ssrc); }

  /// Adds, or replaces what is known of this SSRC. nullptr when the section's share is full.
  SsrcEntry* add(const SsrcEntry& entry, std::size_t maxPerSection, base::Instant now);
  void remove(std::uint32_t ssrc);
  void removeSignalled();
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<SsrcEntry> entries_;
  std::size_t hint_ = 0;
};

}  // namespace parley::rtc
