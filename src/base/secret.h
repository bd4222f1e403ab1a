// A value that must not be printed: no stream operator, no formatter, wiped when destroyed.
#pragma once
#include <string>
#include <utility>

namespace parley::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret other) noexcept {  // The old value goes with `other`, wiped.
    value_.swap(other.value_);
    return *this;
  }
  ~Secret();
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace parley::base
