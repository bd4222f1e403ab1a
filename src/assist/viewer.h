// One viewer's place in the stream of pictures, and how much is on its way to it: a slow one gets fewer
// pictures, never a growing queue. Pure.
#pragma once
#include <cstdint>
#include <deque>

#include "assist/picture.h"

namespace parley::assist {

class Viewer {
 public:
  static constexpr std::size_t kMaxUnseenBytes = 512 * 1024;
  static constexpr std::size_t kMaxUnseen = 8;

  /// Begins anew: nothing is there, nothing on its way.
  void restart();
  /// May this one go out now? Coming in, only the bytes count: a late joiner gets all there is at once.
  bool takes(const Picture& picture) const;
  void sent(const Picture& picture);
  /// The viewer says that it has drawn this frame; an unknown one says nothing.
  void seen(std::uint32_t frame);
  /// It has all that there is.
  void caughtUp() { comingIn_ = false; }

  std::uint64_t have() const { return have_; }
  std::size_t unseenBytes() const { return unseenBytes_; }
  std::size_t unseen() const { return unseen_.size(); }
  /// Bytes drawn since the last call.
  std::size_t takeSeenBytes();

 private:
  struct Unseen {
    std::uint32_t frame;
    std::size_t bytes;
  };
  std::deque<Unseen> unseen_;
  std::size_t unseenBytes_ = 0;
  std::size_t seenBytes_ = 0;
  std::uint64_t have_ = 0;
  bool comingIn_ = true;
};

}  // namespace parley::assist
