// What a client of application events may ask (docs/protocols/aed.md), parsed at the door. Pure.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace parley::events {

constexpr std::size_t kMaxValueBytes = 64 * 1024;
constexpr std::size_t kMaxRequestId = 64;

struct Request {
  enum class Kind { connect, disconnect, submit, remove, message };
  Kind kind = Kind::connect;
  std::string request = {};  ///< Comes back in the answer; may be empty.
  std::string topic = {};
  bool create = false;        ///< connect
  std::string id = {};        ///< submit (may be empty: a new item), remove
  std::uint64_t version = 0;  ///< Of the item that is changed; 0: none is there.
  std::string value = {};     ///< submit, message: JSON text, at most kMaxValueBytes.
};

/// `object` is a JSON object with a text `type`. Errors: message.malformed, message.unknown_type,
/// aed.value_too_large.
base::Result<Request> parseRequest(const nlohmann::json& object);

}  // namespace parley::events
