// Who calls, over whom, with what note and why a call ended: what the gateway reads from the headers of
// RFC 3323, 3325, 3326, 5806, 7044, 7433 and 7989. Pure functions over a message. All text that comes out is
// UTF-8 without control or direction-changing characters, of at most kMaxDisplayBytes; it is still the other
// side's text, to be shown and never to be run.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sip/message.h"

namespace parley::sip {

constexpr std::size_t kMaxDisplayBytes = 128;
constexpr std::size_t kMaxRedirections = 16;
constexpr std::size_t kMaxUserToUserBytes = 2048;

/// `text` as it may be shown. Bytes that are no UTF-8 are read as Latin-1, as older exchanges send it.
std::string displayText(std::string_view text);

struct CallerIdentity {
  std::string name;       ///< Empty: unknown or withheld.
  std::string number;     ///< The user part or telephone number; empty: unknown or withheld.
  Uri uri;                ///< Also when withheld: for the trust domain, not to be shown.
  bool asserted = false;  ///< A network that is trusted says so (P-Asserted-Identity, Remote-Party-ID).
  bool withheld = false;  ///< The caller asked for privacy, or said nothing but "anonymous".
};
/// `trusted`: the request came from a peer of our trust domain; of others only From counts (RFC 3325
/// section 5).
CallerIdentity callerOf(const Message& request, bool trusted);

/// One that the call was meant for before.
struct Redirection {
  std::string name, number;  ///< Empty: unknown or withheld.
  Uri uri;
  std::string
      reason;  ///< As in Diversion: user-busy, no-answer, unconditional, deflection, unavailable, unknown …
};
/// Oldest first; of History-Info, else of Diversion. At most kMaxRedirections, the newest are left out.
std::vector<Redirection> redirectionsOf(const Message& request);

/// User-to-User (RFC 7433): what two ends pass along with a call.
struct UserToUser {
  base::Buffer data;
  std::string purpose, content;  ///< Empty: not said.
  /// One element. What has an encoding that is not known is refused: sip.bad_header.
  static base::Result<UserToUser> parse(std::string_view text);
  /// Always encoding=hex. Error: sip.user_to_user_too_large.
  base::Result<std::string> toString() const;
};
/// All elements that can be read.
std::vector<UserToUser> userToUserOf(const Message& message);

/// Session-ID (RFC 7989): the same for all legs of a conversation, whatever is between them.
struct SessionIdentifier {
  std::string local, remote;  ///< 32 lower case hex digits; remote is empty where it was not said (RFC 7329).
  static base::Result<SessionIdentifier> parse(std::string_view text);
  std::string toString() const;
  /// The same text at either end. Not known yet: of the one side that is.
  std::string correlation() const;
};
constexpr std::string_view kNilSession = "00000000000000000000000000000000";

/// One value of Reason (RFC 3326).
struct Reason {
  std::string protocol;  ///< "SIP", "Q.850" …
  std::optional<int> cause;
  std::string text;
};
std::vector<Reason> reasonsOf(const Message& message);
/// For people: the text that came, or what the number means; "normal call clearing (Q.850 16)". Empty: no
/// Reason header that says anything.
std::string reasonText(const Message& message);

}  // namespace parley::sip
