#include "rtc/bridge_demux.h"

#include <algorithm>

namespace parley::rtc {

SsrcEntry* SsrcTable::add(const SsrcEntry& entry, std::size_t maxPerSection, base::Instant now) {
  if (SsrcEntry* known = find(entry.ssrc)) {
    *known = entry;
    return known;
  }
  std::size_t share = 0;
  SsrcEntry* idle = nullptr;
  for (SsrcEntry& other : entries_) {
    if (other.section != entry.section) continue;
    ++share;
    const bool gone = !other.signalled && now - other.lastSeen > kIdle;
    if (gone && (idle == nullptr || other.lastSeen < idle->lastSeen)) idle = &other;
  }
  if (share >= maxPerSection) {
    if (idle == nullptr) return nullptr;
    *idle = entry;
    return idle;
  }
  entries_.push_back(entry);
  return &entries_.back();
}

void SsrcTable::remove(std::uint32_t ssrc) {
  std::erase_if(entries_, [&](const SsrcEntry& e) { return e.ssrc == ssrc; });
}

void SsrcTable::removeSignalled() {
  std::erase_if(entries_, [](const SsrcEntry& e) { return e.signalled; });
}

void SsrcTable::clear() { entries_.clear(); }

}  // namespace parley::rtc
