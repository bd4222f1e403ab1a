#include "gateway/number_pattern.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <optional>

#include "base/text.h"

namespace parley::gateway {
namespace {
constexpr std::uint32_t kDangling = std::numeric_limits<std::uint32_t>::max();
constexpr int kMaxDepth = 50;
constexpr int kMaxRepeat = 255;
}  // namespace

/// Builds the automaton from the back: each part is compiled with the state that follows it, so that nothing
/// has to be patched except the loops.
class PatternCompiler {
 public:
  explicit PatternCompiler(std::string_view pattern) : text_(pattern) {}

  base::Result<NumberPattern> run() {
    auto tree = alternatives(0);
    if (error_.empty() && at_ < text_.size()) fault("a closing bracket too many");
    if (!error_.empty()) return base::fail("gateway.bad_pattern", error_);
    const auto accept = add({});
    out_.start_ = emit(*tree, accept);
    if (!error_.empty()) return base::fail("gateway.bad_pattern", error_);
    out_.blank_ = false;
    return std::move(out_);
  }

 private:
  using Op = NumberPattern::Op;
  using Set = NumberPattern::Set;
  struct Node {
    enum class Kind { set, begin, end, sequence, either, repeat } kind = Kind::sequence;
    Set set;
    int min = 0;
    int max = -1;  // Of a repeat; -1: no bound.
    std::vector<std::unique_ptr<Node>> parts;
  };
  using NodePtr = std::unique_ptr<Node>;

  static NodePtr node(typename Node::Kind kind) {
    auto made = std::make_unique<Node>();
    made->kind = kind;
    return made;
  }
  void fault(std::string_view what) {
    if (error_.empty()) error_ = fmt::format("at character {}: {}", at_ + 1, what);
  }
  bool more() const { return error_.empty() && at_ < text_.size(); }
  bool take(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  NodePtr alternatives(int depth) {
    auto either = node(Node::Kind::either);
    if (depth > kMaxDepth) fault("nested too deeply");
    do {
      either->parts.push_back(sequence(depth));
    } while (take('|'));
    return either;
  }

  NodePtr sequence(int depth) {
    auto out = node(Node::Kind::sequence);
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      NodePtr part = atom(depth);
      if (error_.empty()) out->parts.push_back(repeated(std::move(part)));
    }
    return out;
  }

  NodePtr atom(int depth) {
    const char c = text_[at_++];
    if (c == '(') {
      if (take('?') && !take(':')) fault("look-around and flags are not understood");
      auto inner = alternatives(depth + 1);
      if (!take(')')) fault("a closing ) is missing");
      return inner;
    }
    if (c == '^') return node(Node::Kind::begin);
    if (c == '$') return node(Node::Kind::end);
    if (c == '*' || c == '+' || c == '?' || c == '{') fault("nothing to repeat");
    auto out = node(Node::Kind::set);
    if (c == '[') {
      out->set = characterClass();
    } else if (c == '.') {
      out->set.set();
    } else if (c == '\\') {
      out->set = escape();
    } else {
      out->set.set(static_cast<unsigned char>(c));
    }
    return out;
  }

  NodePtr repeated(NodePtr part) {
    while (more()) {
      int min = 0;
      int max = -1;
      if (take('*')) {
      } else if (take('+')) {
        min = 1;
      } else if (take('?')) {
        max = 1;
      } else if (!take('{')) {
        break;
      } else if (!bounds(min, max)) {
        fault("{m}, {m,} or {m,n} with numbers up to 255 was expected");
      }
      take('?');  // Not greedy: the same texts match.
      auto outer = node(Node::Kind::repeat);
      outer->min = min;
      outer->max = max;
      outer->parts.push_back(std::move(part));
      part = std::move(outer);
      if (++repeats_ > kMaxDepth) fault("too many repetitions");
    }
    return part;
  }

  bool bounds(int& min, int& max) {
    const auto close = text_.find('}', at_);
    if (close == std::string_view::npos) return false;
    const auto parts = base::split(text_.substr(at_, close - at_), ',');
    at_ = close + 1;
    const auto low = base::parseNumber<int>(parts[0]);
    if (!low || *low < 0 || *low > kMaxRepeat || parts.size() > 2) return false;
    min = max = *low;
    if (parts.size() == 1) return true;
    if (parts[1].empty()) {
      max = -1;
      return true;
    }
    const auto high = base::parseNumber<int>(parts[1]);
    if (!high || *high < *low || *high > kMaxRepeat) return false;
    max = *high;
    return true;
  }

  Set escape() {
    Set set;
    if (!more()) {
      fault("\\ at the end");
      return set;
    }
    const char c = text_[at_++];
    const auto fill = [&set](auto test) {
      for (int i = 0; i < 128; ++i) set.set(static_cast<std::size_t>(i), test(static_cast<char>(i)));
    };
    const auto isDigit = [](char x) { return x >= '0' && x <= '9'; };
    const auto isLetter = [](char x) { return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z'); };
    switch (c) {
      case 'd':
      case 'D':
        fill(isDigit);
        break;
      case 'w':
      case 'W':
        fill([&](char x) { return isDigit(x) || isLetter(x) || x == '_'; });
        break;
      case 's':
      case 'S':
        fill([](char x) { return x == ' ' || (x >= '\t' && x <= '\r'); });
        break;
      default:
        if (isDigit(c) || isLetter(c)) fault("this escape is not understood");
        set.set(static_cast<unsigned char>(c));
        return set;
    }
    return c < 'a' ? ~set : set;
  }

  Set characterClass() {
    Set set;
    const bool negated = take('^');
    bool first = true;
    while (more() && (text_[at_] != ']' || first)) {
      first = false;
      const auto low = classCharacter(set);
      if (!low || at_ + 1 >= text_.size() || text_[at_] != '-' || text_[at_ + 1] == ']') continue;
      ++at_;
      const auto high = classCharacter(set);
      if (!high || *high < *low) {
        fault("a range ends before it begins");
        break;
      }
      for (unsigned c = *low; c <= *high; ++c) set.set(c);
    }
    if (!take(']')) fault("a closing ] is missing");
    return negated ? ~set : set;
  }

  /// One character of a class, put into the set; nothing for \d and its like, which cannot begin a range.
  std::optional<unsigned char> classCharacter(Set& set) {
    const char c = text_[at_++];
    if (c != '\\') {
      set.set(static_cast<unsigned char>(c));
      return static_cast<unsigned char>(c);
    }
    const Set escaped = escape();
    set |= escaped;
    if (escaped.count() != 1) return std::nullopt;
    return static_cast<unsigned char>(text_[at_ - 1]);
  }

  std::uint32_t add(NumberPattern::State state) {
    if (out_.states_.size() >= NumberPattern::kMaxStates) {
      fault("the pattern is too large");
      return 0;
    }
    out_.states_.push_back(state);
    return static_cast<std::uint32_t>(out_.states_.size() - 1);
  }

  /// The state in which `n`, followed by `next`, begins.
  std::uint32_t emit(const Node& n, std::uint32_t next) {
    if (!error_.empty()) return 0;
    switch (n.kind) {
      case Node::Kind::set:
        return add({Op::set, n.set, next, 0});
      case Node::Kind::begin:
        return add({Op::begin, {}, next, 0});
      case Node::Kind::end:
        return add({Op::end, {}, next, 0});
      case Node::Kind::sequence:
        for (auto part = n.parts.rbegin(); part != n.parts.rend(); ++part) next = emit(**part, next);
        return next;
      case Node::Kind::either: {
        std::uint32_t start = emit(*n.parts.back(), next);
        for (std::size_t i = n.parts.size() - 1; i-- > 0;) {
          start = add({Op::split, {}, emit(*n.parts[i], next), start});
        }
        return start;
      }
      case Node::Kind::repeat:
        return emitRepeat(n, next);
    }
    return next;
  }

  std::uint32_t emitRepeat(const Node& n, std::uint32_t next) {
    const Node& part = *n.parts.front();
    if (n.max < 0) {
      const std::uint32_t loop = add({Op::split, {}, kDangling, next});
      const std::uint32_t body = emit(part, loop);
      if (!error_.empty()) return 0;
      out_.states_[loop].out = body;
      next = loop;
    } else {
      const std::uint32_t after = next;
      for (int i = n.min; i < n.max && error_.empty(); ++i) {
        next = add({Op::split, {}, emit(part, next), after});
      }
    }
    for (int i = 0; i < n.min && error_.empty(); ++i) next = emit(part, next);
    return next;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int repeats_ = 0;
  std::string error_;
  NumberPattern out_;
};

base::Result<NumberPattern> NumberPattern::compile(std::string_view pattern) {
  if (pattern.empty()) return NumberPattern();
  if (pattern.size() > kMaxPatternBytes) {
    return base::fail("gateway.bad_pattern", fmt::format("at most {} characters", kMaxPatternBytes));
  }
  return PatternCompiler(pattern).run();
}

/// Adds the states that `state` leads to without reading a character.
void NumberPattern::follow(std::uint32_t state, std::size_t at, std::size_t size,
                           std::vector<std::uint32_t>& list, std::vector<bool>& seen) const {
  std::vector<std::uint32_t> open{state};
  while (!open.empty()) {
    const std::uint32_t current = open.back();
    open.pop_back();
    if (seen[current]) continue;
    seen[current] = true;
    const State& s = states_[current];
    switch (s.op) {
      case Op::split:
        open.push_back(s.out);
        open.push_back(s.out2);
        break;
      case Op::begin:
        if (at == 0) open.push_back(s.out);
        break;
      case Op::end:
        if (at == size) open.push_back(s.out);
        break;
      case Op::set:
      case Op::accept:
        list.push_back(current);
        break;
    }
  }
}

bool NumberPattern::matches(std::string_view text) const {
  if (blank_) return true;
  if (text.size() > kMaxTextBytes) return false;
  std::vector<std::uint32_t> now;
  std::vector<bool> seen(states_.size());
  follow(start_, 0, text.size(), now, seen);
  for (std::size_t i = 0; i < text.size() && !now.empty(); ++i) {
    std::vector<std::uint32_t> next;
    std::vector<bool> seenNext(states_.size());
    for (const std::uint32_t state : now) {
      const State& s = states_[state];
      if (s.op == Op::set && s.set.test(static_cast<unsigned char>(text[i]))) {
        follow(s.out, i + 1, text.size(), next, seenNext);
      }
    }
    now = std::move(next);
  }
  for (const std::uint32_t state : now) {
    if (states_[state].op == Op::accept) return true;
  }
  return false;
}

}  // namespace parley::gateway
