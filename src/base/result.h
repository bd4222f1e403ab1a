// Failures as values. `reason` is a stable token ("sdp.no_common_codec"): counter label, log field and
// key of what the user reads. `text` says what was wanted and what was found, for people.
#pragma once
#include <expected>
#include <string>
#include <utility>

namespace parley::base {

struct Error {
  std::string reason;
  std::string text;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string reason, std::string text) {
  return std::unexpected(Error{std::move(reason), std::move(text)});
}

}  // namespace parley::base
