#include "assist/picture_log.h"

#include <utility>

namespace parley::assist {

void PictureLog::add(Picture picture) {
  if (picture.header.whole) clear();
  picture.number = ++last_;
  bytes_ += picture.bytes->size();
  pictures_.push_back(std::move(picture));
  while (pictures_.size() > 1 && (bytes_ > kMaxBytes || pictures_.size() > kMaxPictures)) {
    bytes_ -= pictures_.front().bytes->size();
    pictures_.pop_front();
  }
}

void PictureLog::clear() {
  pictures_.clear();
  bytes_ = 0;
}

const Picture* PictureLog::next(std::uint64_t have) const {
  if (pictures_.empty() || have >= last_) return nullptr;
  const std::uint64_t first = pictures_.front().number;
  if (have + 1 < first) return beginsWhole() ? &pictures_.front() : nullptr;
  // Numbers have no gaps.
  return &pictures_[have + 1 - first];
}

std::size_t PictureLog::bytesAfter(std::uint64_t have) const {
  std::size_t sum = 0;
  for (auto at = pictures_.rbegin(); at != pictures_.rend() && at->number > have; ++at)
    sum += at->bytes->size();
  return sum;
}

}  // namespace parley::assist
