#include "assist/timeline.h"

#include "link/json.h"

namespace parley::assist {

void Timeline::add(std::int64_t now, std::string_view from, std::string_view to, std::string_view what,
                   nlohmann::json detail) {
  if (entries_.size() >= kMaxEntries) {
    // How it began and how it ended matter most.
    entries_.erase(entries_.begin() + kMaxEntries / 2);
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

nlohmann::json Timeline::json() const { return entries_; }

}  // namespace parley::assist
