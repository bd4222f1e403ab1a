// "Touched by one thread only", checked in debug builds.
#pragma once
#include <thread>

#include "base/check.h"

namespace parley::base {

/// A member of every loop-bound class. Binds to the first thread that asserts it (objects may be built
/// on another thread before they are handed over).
class ThreadAffinity {
 public:
  void assertHere() const {
#ifndef NDEBUG
    if (owner_ == std::thread::id{}) owner_ = std::this_thread::get_id();
    PARLEY_CHECK(owner_ == std::this_thread::get_id());
#endif
  }
  /// Hands over: the next assertHere() binds anew.
  void release() {
#ifndef NDEBUG
    owner_ = {};
#endif
  }

 private:
#ifndef NDEBUG
  mutable std::thread::id owner_;
#endif
};

}  // namespace parley::base
