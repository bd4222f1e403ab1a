// The Consumer Access Number Regex (GW-3): a regular expression whose matching time is linear in the text,
// whatever the pattern: a Thompson automaton, never backtracking. std::regex can be made to run for hours or
// to overflow the stack by what a page dials.
//
// Understood: literals, escapes of punctuation, . [classes] [^…] \d \w \s \D \W \S, ( ) (?: ) | * + ? {m,n},
// ^ and $. The whole text must match. Not understood, and refused: back references, look-around.
#pragma once
#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::gateway {

class NumberPattern {
 public:
  static constexpr std::size_t kMaxPatternBytes = 1024;
  static constexpr std::size_t kMaxStates = 10'000;
  static constexpr std::size_t kMaxTextBytes = 256;

  /// Blank matches everything. Error: gateway.bad_pattern, with the position.
  static base::Result<NumberPattern> compile(std::string_view pattern);
  bool matches(std::string_view text) const;

 private:
  friend class PatternCompiler;
  using Set = std::bitset<256>;
  enum class Op : std::uint8_t { set, split, begin, end, accept };
  struct State {
    Op op = Op::accept;
    Set set;
    std::uint32_t out = 0;   ///< Next state; for split the first.
    std::uint32_t out2 = 0;  ///< For split only.
  };
  void follow(std::uint32_t state, std::size_t at, std::size_t size, std::vector<std::uint32_t>& list,
              std::vector<bool>& seen) const;

  std::vector<State> states_;
  std::uint32_t start_ = 0;
  bool blank_ = true;
};

}  // namespace parley::gateway
