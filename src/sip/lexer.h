// How SIP text is taken apart (RFC 3261 section 25.1): classes of characters in one table, and a cursor over
// a value whose lines are already unfolded, so white space is SP and HT only. Internal to sip/.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace parley::sip::lexer {

using CharClass = std::uint8_t;
constexpr CharClass kToken = 1;  ///< token
constexpr CharClass kUser = 2;   ///< unreserved and user-unreserved, and the # of dial strings; no %.
constexpr CharClass kHost = 4;   ///< Of a host name, and the _ that some networks have in theirs.
constexpr CharClass kValue = 8;  ///< Of an unquoted value: more than token and host, as implementations do.
constexpr CharClass kUriParam = 16;  ///< Of a URI parameter, name or value; no =.
constexpr CharClass kUriText = 32;   ///< Of any URI.
constexpr CharClass kDisplay = 64;  ///< Of an unquoted display name with its white space, or of an addr-spec.
constexpr CharClass kHexDigit = 128;

namespace detail {
constexpr bool holds(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

constexpr std::array<CharClass, 256> makeTable() {
  std::array<CharClass, 256> table{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = c >= '0' && c <= '9';
    const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool visible = i > 0x20 && i < 0x7f;
    CharClass k = 0;
    if (alnum || (i && holds("-.!%*_+`'~", c))) k |= kToken;
    if (alnum || (i && holds("-_.!~*'()&=+$,;?/#", c))) k |= kUser;
    if (alnum || (i && holds("-._", c))) k |= kHost;
    if ((visible && !holds(";,\"<>", c)) || i >= 0x80) k |= kValue;
    if (visible && !holds(";?<>\"=", c)) k |= kUriParam;
    if (visible && !holds("<>\"", c)) k |= kUriText;
    if (((visible || c == ' ' || c == '\t') && !holds("\",;<>", c)) || i >= 0x80) k |= kDisplay;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) k |= kHexDigit;
    table[static_cast<std::size_t>(i)] = k;
  }
  return table;
}
inline constexpr auto kTable = makeTable();
}  // namespace detail

inline bool is(char c, CharClass k) { return (detail::kTable[static_cast<unsigned char>(c)] & k) != 0; }
inline bool isDigit(char c) { return c >= '0' && c <= '9'; }
inline bool isBlank(char c) { return c == ' ' || c == '\t'; }
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
/// As base::equalsIgnoreCase, in line: header names and parameters are compared all the time.
inline bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}
/// The first character that is not of class `k`.
inline const char* skip(const char* p, const char* end, CharClass k) {
  // Four at a time: names and hosts are most of a message's head.
  while (end - p >= 4) {
    if (!is(p[0], k)) return p;
    if (!is(p[1], k)) return p + 1;
    if (!is(p[2], k)) return p + 2;
    if (!is(p[3], k)) return p + 3;
    p += 4;
  }
  while (p != end && is(*p, k)) ++p;
  return p;
}
/// Neither white space nor control characters; eight bytes at a time.
inline bool isVisible(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    // A byte below 0x21, or one that is 0x7f, leaves its high bit.
    if ((((word - kOnes * 0x21) & ~word) | ((del - kOnes) & ~del)) & kHigh) return false;
  }
  for (; left > 0; ++p, --left)
    if (static_cast<unsigned char>(*p) <= ' ' || *p == 0x7f) return false;
  return true;
}
inline bool all(std::string_view text, CharClass k) {
  const char* end = text.data() + text.size();
  return skip(text.data(), end, k) == end;
}
inline bool isToken(std::string_view text) { return !text.empty() && all(text, kToken); }

class Cursor {
 public:
  explicit Cursor(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  bool done() const { return p_ == end_; }
  bool at(char c) const { return p_ != end_ && *p_ == c; }
  const char* position() const { return p_; }
  std::string_view rest() const { return {p_, static_cast<std::size_t>(end_ - p_)}; }
  void jump(const char* to) { p_ = to; }
  void skip(std::size_t n) { p_ += n; }
  void blanks() {
    while (p_ != end_ && isBlank(*p_)) ++p_;
  }
  bool eat(char c) {
    if (!at(c)) return false;
    ++p_;
    return true;
  }
  /// A separator with the white space that may stand around it.
  bool eatSeparator(char c) {
    blanks();
    if (!eat(c)) return false;
    blanks();
    return true;
  }
  std::string_view take(CharClass k) {
    const char* begin = p_;
    p_ = lexer::skip(p_, end_, k);
    return {begin, static_cast<std::size_t>(p_ - begin)};
  }
  std::string_view digits() {
    const char* begin = p_;
    while (p_ != end_ && isDigit(*p_)) ++p_;
    return {begin, static_cast<std::size_t>(p_ - begin)};
  }
  /// At a quote: the quoted string; its content, escapes resolved, to `out` unless that is null. False: it
  /// does not end, or a line ends in it, which no escape makes right.
  bool quoted(std::string* out) {
    const char* begin = ++p_;
    while (p_ != end_ && *p_ != '"' && *p_ != '\\' && *p_ != '\r' && *p_ != '\n') ++p_;
    if (out) out->append(begin, p_);
    while (p_ != end_ && *p_ != '"') {
      if (*p_ == '\\' && ++p_ == end_) return false;
      if (*p_ == '\r' || *p_ == '\n') return false;
      if (out) out->push_back(*p_);
      ++p_;
    }
    return eat('"');
  }

 private:
  const char* p_;
  const char* end_;
};

/// Cuts one line off `rest`, without its CR LF or LF. False: there is no line end any more.
inline bool takeLine(std::string_view& rest, std::string_view& line) {
  if (rest.empty()) return false;
  const auto* end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
  if (!end) return false;
  const auto length = static_cast<std::size_t>(end - rest.data());
  line = rest.substr(0, length > 0 && end[-1] == '\r' ? length - 1 : length);
  rest.remove_prefix(length + 1);
  return true;
}

/// Takes the next element of a comma separated list off `text`, trimmed; commas in quotes and < > do not
/// count. An element may be empty. False when there is none any more.
inline bool takeElement(std::string_view& text, std::string_view& element) {
  if (text.data() == nullptr) return false;
  std::size_t i = 0;
  bool inQuotes = false, inBrackets = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (inQuotes) {
      if (c == '\\') ++i;
      inQuotes = c != '"';
    } else if (c == '"') {
      inQuotes = true;
    } else if (c == '<') {
      inBrackets = true;
    } else if (c == '>') {
      inBrackets = false;
    } else if (c == ',' && !inBrackets) {
      break;
    }
  }
  const bool more = i < text.size();
  element = text.substr(0, i);
  text = more ? text.substr(i + 1) : std::string_view{};
  element = trim(element);
  return true;
}

}  // namespace parley::sip::lexer
