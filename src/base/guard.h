// A posted task drops itself when its owner is gone.
#pragma once
#include <memory>
#include <utility>

namespace parley::base {

/// Member of the owner, declared last (destroyed first). `loop.post(guard_.wrap([this] { … }))` runs
/// only while the owner lives. Owner and wrapped calls must be on one thread.
class LifeGuard {
 public:
  LifeGuard() : alive_(std::make_shared<bool>(true)) {}
  LifeGuard(const LifeGuard&) = delete;
  LifeGuard& operator=(const LifeGuard&) = delete;
  ~LifeGuard() { *alive_ = false; }

  template <class F>
  auto wrap(F function) const {
    return [alive = alive_, call = std::move(function)](auto&&... arguments) mutable {
      if (*alive) call(std::forward<decltype(arguments)>(arguments)...);
    };
  }
  /// Voids everything wrapped so far.
  void reset() {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
  }

 private:
  std::shared_ptr<bool> alive_;
};

}  // namespace parley::base
