#include "assist/viewer.h"

#include <algorithm>
#include <utility>

namespace parley::assist {

void Viewer::restart() { *this = Viewer(); }

bool Viewer::takes(const Picture& picture) const {
  if (unseen_.empty()) return true;  // However large it is.
  if (!comingIn_ && unseen_.size() >= kMaxUnseen) return false;
  return unseenBytes_ + picture.bytes->size() <= kMaxUnseenBytes;
}

void Viewer::sent(const Picture& picture) {
  unseen_.push_back({picture.header.frame, picture.bytes->size()});
  unseenBytes_ += picture.bytes->size();
  have_ = picture.number;
}

void Viewer::seen(std::uint32_t frame) {
  // Frames may be numbered anew after a page change: the first that fits is the older one.
  const auto at = std::ranges::find(unseen_, frame, &Unseen::frame);
  if (at == unseen_.end()) return;
  for (auto each = unseen_.begin(); each <= at; ++each) {
    unseenBytes_ -= each->bytes;
    seenBytes_ += each->bytes;
  }
  unseen_.erase(unseen_.begin(), at + 1);
}

std::size_t Viewer::takeSeenBytes() { return std::exchange(seenBytes_, 0); }

}  // namespace parley::assist
