// What a page may say (docs/protocols/websocketcall.md), parsed at the door: types, lengths and characters
// are checked here and nowhere else.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"

namespace parley::gateway {

constexpr std::size_t kMaxMessageBytes = 128 * 1024;
constexpr std::size_t kMaxSdpBytes = 64 * 1024;
constexpr std::size_t kMaxDestinationBytes = 256;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxUuiBytes = 256;
constexpr std::size_t kMaxCidBytes = 64;
constexpr std::size_t kMaxCorrelationIdBytes = 128;
constexpr std::size_t kMaxReportBytes = 16 * 1024;

namespace message {
struct Dial {
  std::string destination, sdp;
  bool audio = true, video = true;
  std::optional<std::string> uui, name;
};
struct Answer {
  std::string call, sdp;
};
struct Reject {
  std::string call;
  bool busy = false;
};
struct End {
  std::string call;
};
struct Mute {
  std::string call;
  bool audio = false, video = false;
};
struct Restart {
  std::string call, sdp;
};
struct Dtmf {
  std::string call, digits, method;
};
/// A shared session (docs/protocols/topic.md) beside the call; empty: closed.
struct Assist {
  std::string call, cid;
};
struct Hold {
  std::string call;
  bool held = false;
};
/// The page mixes `call` with its other call `to`, so that all three hear each other; empty: no longer.
struct Conference {
  std::string call, to;
};
struct Offer {
  std::string call, sdp;
  bool audio = true, video = true;
};
/// Blind to `destination`, or consult with the call `to`.
struct Transfer {
  std::string call, destination, to;
};
struct CancelTransfer {
  std::string call;
};
struct Availability {
  bool available = true;
};
struct Stats {
  std::string call, report;
};
struct Bye {};
struct Pong {};
}  // namespace message

struct PageMessage {
  std::string request;  ///< Comes back in the answer; may be empty.
  std::string type;
  std::variant<message::Dial, message::Answer, message::Reject, message::End, message::Mute, message::Restart,
               message::Dtmf, message::Assist, message::Hold, message::Conference, message::Offer,
               message::Transfer, message::CancelTransfer, message::Availability, message::Stats,
               message::Bye, message::Pong>
      what;
};

/// `object` is a JSON object with a text `type`. Errors: message.malformed, message.unknown_type.
base::Result<PageMessage> parsePageMessage(const nlohmann::json& object);

/// The body of POST /assistserver/session; every field optional.
struct SessionRequest {
  std::string destination, name, applicationId, correlationId;
  std::optional<std::string> uui;
  bool cobrowseOnly = false;  ///< No call: no token for one.
};
/// Error: request.malformed.
base::Result<SessionRequest> parseSessionRequest(std::string_view body);

struct Credentials {
  std::string user, password;
};
base::Result<Credentials> parseCredentials(std::string_view body);

}  // namespace parley::gateway
