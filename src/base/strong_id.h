// Ids that do not mix: Ssrc, PayloadType, CallId … each its own type, opened only by value().
#pragma once
#include <compare>
#include <functional>
#include <utility>

namespace parley::base {

template <class Tag, class T>
class StrongId {
 public:
  using Value = T;
  constexpr StrongId() = default;
  constexpr explicit StrongId(T value) : value_(std::move(value)) {}
  constexpr const T& value() const { return value_; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  T value_{};
};

}  // namespace parley::base

template <class Tag, class T>
struct std::hash<parley::base::StrongId<Tag, T>> {
  std::size_t operator()(const parley::base::StrongId<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value());
  }
};
