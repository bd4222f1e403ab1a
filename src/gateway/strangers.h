// Who knocked and may not call: the addresses of refused SIP requests, for the page of trunks. Bounded: a
// flood with many addresses pushes out the oldest, and writes a few lines of log. Loop thread only.
#pragma once
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/time.h"

namespace parley::gateway {

class Strangers {
 public:
  static constexpr std::size_t kKept = 20;
  static constexpr int kLinesPerMinute = 20;

  struct Seen {
    std::string address, method;  ///< The last method, made printable.
    std::uint64_t count = 0;
    base::WallTime lastAt{};
    base::WallTime loggedAt{};
  };

  /// True: worth a line in the log: an address not heard of for a minute, and not too many of them.
  bool add(std::string_view address, std::string_view method, base::WallTime now);

  std::uint64_t refused() const { return refused_; }
  /// The last one first.
  const std::deque<Seen>& seen() const { return seen_; }
  /// {"refused":…,"addresses":[{"address","method","count","lastAt"}]}
  nlohmann::json json() const;

 private:
  std::uint64_t refused_ = 0;
  std::deque<Seen> seen_;
  base::WallTime minute_{};
  int lines_ = 0;
};

}  // namespace parley::gateway
