// SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966) and generic parameters. Plain values, no I/O.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::sip {

/// One `;name` or `;name=value`. Names compare without case; the order is kept.
struct Param {
  std::string name;
  std::optional<std::string> value;  ///< Where `quoted`: without the quotes, escapes resolved.
  bool quoted = false;
  friend bool operator==(const Param&, const Param&) = default;
};

class Params {
 public:
  /// Null when it is not there. A parameter without a value gives an empty text.
  std::optional<std::string_view> get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  void set(std::string_view name, std::optional<std::string> value = std::nullopt);
  void setQuoted(std::string_view name, std::string value);
  void remove(std::string_view name);
  bool empty() const { return items_.empty(); }
  const std::vector<Param>& items() const { return items_; }
  std::vector<Param>& items() { return items_; }
  friend bool operator==(const Params&, const Params&) = default;

 private:
  std::vector<Param> items_;
};

enum class UriScheme : std::uint8_t { sip, sips, tel, other };

struct Uri {
  UriScheme scheme = UriScheme::sip;
  std::string user;  ///< As written (escapes kept); of tel the number; of `other` all after the scheme.
  std::optional<std::string> password;
  std::string host;  ///< A name or an address; IPv6 with its brackets. Lower case is not forced.
  std::optional<std::uint16_t> port;
  Params params;
  std::string headers;      ///< What follows '?', as written.
  std::string otherScheme;  ///< Its name where scheme is `other`.

  /// The whole text is one URI. Error: sip.bad_uri.
  static base::Result<Uri> parse(std::string_view text);
  static Uri sip(std::string user, std::string host, std::optional<std::uint16_t> port = std::nullopt);
  std::string toString() const;
  /// As it may stand in From and To (RFC 3261 section 19.1.1, table 1): without what says how its host is
  /// reached.
  Uri inFromAndTo() const;
  /// The user part with its escapes resolved.
  std::string plainUser() const;
  bool isSip() const { return scheme == UriScheme::sip || scheme == UriScheme::sips; }
  /// RFC 3261 section 19.1.4.
  bool equivalent(const Uri& other) const;
  friend bool operator==(const Uri&, const Uri&) = default;
};

}  // namespace parley::sip
