// What a viewer needs to see the page as it is: the last whole picture and what changed since. Bounded; pure.
#pragma once
#include <cstdint>
#include <deque>

#include "assist/picture.h"

namespace parley::assist {

class PictureLog {
 public:
  static constexpr std::size_t kMaxBytes = 2 << 20;
  static constexpr std::size_t kMaxPictures = 200;

  /// Takes the next picture. A whole one makes all before it needless. Beyond the bounds the oldest give way:
  /// then those who come late have nothing to begin with until the next whole one.
  void add(Picture picture);
  /// Forgets all pictures; the count goes on.
  void clear();

  /// The next one for a viewer that has everything up to number `have` (0: nothing). Null: it has all there
  /// is, or there is nothing it could begin with.
  const Picture* next(std::uint64_t have) const;
  /// A viewer with `have` can be brought to the present.
  bool serves(std::uint64_t have) const { return have == last_ || next(have) != nullptr; }

  bool empty() const { return pictures_.empty(); }
  bool beginsWhole() const { return !pictures_.empty() && pictures_.front().header.whole; }
  std::uint64_t last() const { return last_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return pictures_.size(); }
  /// Bytes that come after `have`.
  std::size_t bytesAfter(std::uint64_t have) const;

 private:
  std::deque<Picture> pictures_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace parley::assist
