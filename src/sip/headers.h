// The header values that the stack itself works with, as plain values: parse, write (RFC 3261 section 20 and
// the RFCs named below). Everything else stays text. parse takes one element of a list header. Errors:
// sip.bad_header, with the header's name in the text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/uri.h"

namespace parley::sip {

enum class Method : std::uint8_t {
  invite,
  ack,
  bye,
  cancel,
  options,
  registration,  ///< REGISTER
  info,
  prack,
  update,
  refer,
  notify,
  subscribe,
  message,
  publish,
  other,
};
/// Empty for other.
std::string_view toString(Method method);
/// Case matters (RFC 3261 section 7.1).
Method methodOf(std::string_view name);

/// From, To, Contact, Route, Record-Route, Refer-To, Referred-By, P-Asserted-Identity, Diversion, Path …
struct NameAddr {
  std::string display;  ///< Without quotes.
  Uri uri;
  Params params;  ///< Of the header, not of the URI.

  static base::Result<NameAddr> parse(std::string_view text);
  std::string toString() const;  ///< Always with < >.
  std::string_view tag() const { return params.get("tag").value_or(std::string_view{}); }
  friend bool operator==(const NameAddr&, const NameAddr&) = default;
};

struct Via {
  std::string transport = "UDP";  ///< UDP, TCP, TLS, WS, WSS; upper case.
  std::string host;
  std::optional<std::uint16_t> port;
  Params params;

  static base::Result<Via> parse(std::string_view text);
  std::string toString() const;
  std::string_view branch() const { return params.get("branch").value_or(std::string_view{}); }
  /// RFC 3261: the branch begins with the magic cookie, so it names the transaction.
  bool hasCookie() const { return branch().starts_with("z9hG4bK"); }
  friend bool operator==(const Via&, const Via&) = default;
};

struct CSeq {
  std::uint32_t number = 0;  ///< Below 2^31.
  std::string methodName;
  Method method = Method::other;

  static base::Result<CSeq> parse(std::string_view text);
  std::string toString() const;
  friend bool operator==(const CSeq&, const CSeq&) = default;
};

/// RAck (RFC 3262).
struct RAck {
  std::uint32_t rseq = 0, cseq = 0;
  std::string methodName;
  static base::Result<RAck> parse(std::string_view text);
  std::string toString() const;
};

/// Replaces (RFC 3891); also Join and Target-Dialog, which have the same form.
struct Replaces {
  std::string callId, toTag, fromTag;
  bool earlyOnly = false;
  static base::Result<Replaces> parse(std::string_view text);
  std::string toString() const;
};

/// Session-Expires, Min-SE (RFC 4028). Seconds.
struct SessionExpires {
  std::uint32_t seconds = 0;
  std::string refresher;  ///< "uac", "uas" or empty.
  static base::Result<SessionExpires> parse(std::string_view text);
  std::string toString() const;
};

/// Of Retry-After, Expires and the like, which may go on with a comment or parameters (RFC 3261
/// section 20.33).
std::optional<std::uint32_t> secondsIn(std::string_view text);

/// A scheme and its comma separated parameters: (Proxy-)Authorization, WWW-/Proxy-Authenticate
/// (RFC 7616, RFC 8760).
struct AuthValue {
  std::string scheme;  ///< "Digest"
  Params params;
  static base::Result<AuthValue> parse(std::string_view text);
  std::string toString() const;
};

/// Value and parameters: Content-Type, Event, Subscription-State, Reason (RFC 3326), Session-ID,
/// User-to-User (RFC 7433), Content-Disposition …
struct TokenValue {
  std::string value;
  Params params;
  static base::Result<TokenValue> parse(std::string_view text);
  std::string toString() const;
};

}  // namespace parley::sip
