#include "assist/timeline.h"

#include <algorithm>

#include "link/json.h"

namespace parley::assist {

void Timeline::add(std::int64_t now, std::string_view from, std::string_view to, std::string_view what,
                   nlohmann::json detail) {
  if (entries_.size() >= kMaxEntries) {
    // How it began and how it ended matter most, and what people agreed to more than each click.
    const auto click = std::find_if(entries_.begin() + kMaxEntries / 4, entries_.end(),
                                    [](const nlohmann::json& entry) { return entry["what"] == kActivity; });
    entries_.erase(click != entries_.end() ? click : entries_.begin() + kMaxEntries / 2);
    ++dropped_;
  }
  entries_.push_back({{"at", link::utcOf(now)},
                      {"ms", now - began_},
                      {"from", from},
                      {"to", to},
                      {"what", what},
                      {"level", "info"},
                      {"detail", std::move(detail)}});
}

void Timeline::restore(const nlohmann::json& entries, std::size_t dropped) {
  dropped_ = dropped;
  for (const auto& entry : entries) {
    if (entry.is_object() && entry.contains("what") && entries_.size() < kMaxEntries)
      entries_.push_back(entry);
  }
}

nlohmann::json Timeline::json() const { return entries_; }

}  // namespace parley::assist
