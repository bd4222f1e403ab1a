// An http or ws address in its parts.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::net {

struct Url {
  bool secure = false;
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;
  std::string target;             ///< Path and query, at least "/".
  std::string authority() const;  ///< For the Host header: brackets, port unless it is the scheme's.
};
/// scheme is "http" or "ws": http:// and https://, or ws:// and wss://. No user names, no fragments, no
/// control characters.
std::optional<Url> parseUrl(std::string_view url, std::string_view scheme);

}  // namespace parley::net
