#include "sip/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sip/lexer.h"

namespace parley::sip {
namespace {

using lexer::same;

bool isHexText(std::string_view text) { return !text.empty() && lexer::all(text, lexer::kHexDigit); }

/// Bytes of one UTF-8 sequence at `at` of well-formed UTF-8.
std::size_t sequenceLength(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/// Marks that change the direction of what stands around them: U+200E, U+200F, U+202A…202E, U+2066…2069,
/// U+061C.
bool changesDirection(std::string_view sequence) {
  if (sequence == "\xd8\x9c") return true;
  if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(sequence[1]),
             third = static_cast<unsigned char>(sequence[2]);
  if (second == 0x80) return third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

bool isControl(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead < 0x20 || lead == 0x7f;
  return lead == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

std::string fromLatin1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

/// Privacy asked for in a Privacy header: `;` stands between its values (RFC 3323 section 4.2).
bool asksPrivacy(const Message& message, std::initializer_list<std::string_view> kinds) {
  for (const auto& header : message.headers()) {
    if (header.id != HeaderId::privacy) continue;
    for (const auto part : base::split(header.value, ';'))
      for (const auto kind : kinds)
        if (same(base::trim(part), kind)) return true;
  }
  return false;
}

std::string numberOf(const Uri& uri) {
  if (uri.scheme == UriScheme::other) return {};
  return displayText(uri.plainUser());
}

/// RFC 3323 section 4.1.1.3.
bool isAnonymous(const NameAddr& address) {
  return same(address.uri.host, "anonymous.invalid") || same(address.uri.user, "anonymous");
}

void take(CallerIdentity& out, const NameAddr& address) {
  out.name = displayText(address.display);
  out.number = numberOf(address.uri);
  out.uri = address.uri;
}

/// P-Asserted-Identity: a SIP and a tel identity may stand there (RFC 3325 section 9.1): the name of the one,
/// the number of the other where the first has no telephone number.
bool takeAsserted(CallerIdentity& out, const Message& request) {
  const auto identities = request.addresses(HeaderId::pAssertedIdentity);
  if (!identities || identities->empty()) return false;
  const auto sip = std::ranges::find_if(*identities, [](const NameAddr& a) { return a.uri.isSip(); });
  const auto tel =
      std::ranges::find(*identities, UriScheme::tel, [](const NameAddr& a) { return a.uri.scheme; });
  const auto& main = sip != identities->end() ? *sip : identities->front();
  take(out, main);
  if (tel != identities->end()) {
    if (out.name.empty()) out.name = displayText(tel->display);
    if (out.number.empty()) out.number = numberOf(tel->uri);
  }
  out.asserted = true;
  if (isAnonymous(main)) out.withheld = true;
  return true;
}

/// Remote-Party-ID (draft-ietf-sip-privacy-04), as call managers send it.
bool takeRemoteParty(CallerIdentity& out, const Message& request) {
  const auto parties = request.addresses(HeaderId::remotePartyId);
  if (!parties) return false;
  for (const auto& party : *parties) {
    const auto role = party.params.get("party");
    if (role && !same(*role, "calling")) continue;
    take(out, party);
    out.asserted = !same(party.params.get("screen").value_or(""), "no");
    const auto privacy = party.params.get("privacy").value_or("off");
    if (same(privacy, "name")) {
      out.name.clear();
    } else if (!same(privacy, "off")) {
      out.withheld = true;
    }
    return true;
  }
  return false;
}

/// The value of a header within a URI (`?Reason=…`), its escapes resolved.
std::string uriHeader(const Uri& uri, std::string_view name) {
  for (const auto part : base::split(uri.headers, '&')) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || !same(part.substr(0, equals), name)) continue;
    Uri value;
    value.user = part.substr(equals + 1);
    return value.plainUser();
  }
  return {};
}

/// RFC 4458 section 2, RFC 8119: the causes of a retargeting in the words of Diversion.
std::string_view redirectionReason(std::string_view cause) {
  if (cause == "486" || cause == "600") return "user-busy";
  if (cause == "408") return "no-answer";
  if (cause == "302") return "unconditional";
  if (cause == "480" || cause == "487") return "deflection";
  if (cause == "503") return "unavailable";
  return "unknown";
}

Redirection redirection(const NameAddr& address, std::string_view reason, bool withheld) {
  Redirection out;
  if (!withheld && !isAnonymous(address)) {
    out.name = displayText(address.display);
    out.number = numberOf(address.uri);
  }
  out.uri = address.uri;
  out.reason = displayText(reason);
  return out;
}

/// The last entry is where the call goes now; that an entry was left is said by the next one.
std::vector<Redirection> fromHistory(const std::vector<NameAddr>& entries, bool withheld) {
  std::vector<Redirection> out;
  for (std::size_t i = 0; i + 1 < entries.size() && out.size() < kMaxRedirections; ++i) {
    std::string cause(entries[i + 1].uri.params.get("cause").value_or(""));
    for (const auto& entry : {entries[i], entries[i + 1]}) {
      const auto reason = TokenValue::parse(uriHeader(entry.uri, "Reason"));
      if (cause.empty() && reason && same(reason->value, "SIP"))
        cause = reason->params.get("cause").value_or("");
    }
    const auto privacy = uriHeader(entries[i].uri, "Privacy");
    out.push_back(redirection(entries[i], redirectionReason(cause),
                              withheld || (!privacy.empty() && !same(privacy, "none"))));
  }
  return out;
}

struct Cause {
  int number;
  std::string_view text;
};

/// ITU-T Q.850 table 1: those that telephones meet.
constexpr Cause kQ850[] = {
    {1, "unallocated number"},
    {2, "no route to the transit network"},
    {3, "no route to the destination"},
    {16, "normal call clearing"},
    {17, "user busy"},
    {18, "no user responding"},
    {19, "no answer"},
    {20, "subscriber absent"},
    {21, "call rejected"},
    {22, "number changed"},
    {26, "non-selected user clearing"},
    {27, "destination out of order"},
    {28, "invalid number format"},
    {29, "facility rejected"},
    {31, "normal, unspecified"},
    {34, "no circuit available"},
    {38, "network out of order"},
    {41, "temporary failure"},
    {42, "switching equipment congestion"},
    {44, "requested circuit not available"},
    {47, "resource unavailable"},
    {50, "requested facility not subscribed"},
    {55, "incoming calls barred"},
    {57, "bearer capability not authorized"},
    {58, "bearer capability not available"},
    {63, "service not available"},
    {65, "bearer capability not implemented"},
    {69, "requested facility not offered"},
    {79, "service not implemented"},
    {87, "not a member of the closed user group"},
    {88, "incompatible destination"},
    {95, "invalid message"},
    {96, "mandatory information element missing"},
    {97, "message type unknown"},
    {99, "information element unknown"},
    {100, "invalid information element"},
    {101, "message not compatible with the call state"},
    {102, "recovery on timer expiry"},
    {111, "protocol error"},
    {127, "interworking, unspecified"},
};

std::string_view meaningOf(const Reason& reason) {
  if (!reason.cause) return {};
  if (same(reason.protocol, "SIP")) {
    const auto phrase = phraseOf(*reason.cause);
    return phrase == "Unknown" ? std::string_view{} : phrase;
  }
  if (!same(reason.protocol, "Q.850")) return {};
  const auto at = std::ranges::find(kQ850, *reason.cause, &Cause::number);
  return at == std::end(kQ850) ? std::string_view{} : at->text;
}

}  // namespace

std::string displayText(std::string_view text) {
  const std::string valid = base::isUtf8(text) ? std::string(text) : fromLatin1(text);
  std::string out;
  for (std::size_t at = 0; at < valid.size();) {
    const auto sequence = std::string_view(valid).substr(at, sequenceLength(valid, at));
    at += sequence.size();
    if (changesDirection(sequence)) continue;
    if (out.size() + sequence.size() > kMaxDisplayBytes) break;
    if (isControl(sequence))
      out += ' ';
    else
      out += sequence;
  }
  return std::string(base::trim(out));
}

CallerIdentity callerOf(const Message& request, bool trusted) {
  CallerIdentity out;
  const bool known = trusted && (takeAsserted(out, request) || takeRemoteParty(out, request));
  if (!known) {
    out = {};
    take(out, request.from());
    if (isAnonymous(request.from())) out.withheld = true;
  }
  // id: the asserted identity; user and header: whatever names the caller (RFC 3323 section 4.2).
  if (asksPrivacy(request, {"id", "user", "header"})) out.withheld = true;
  if (out.withheld) {
    out.name.clear();
    out.number.clear();
  }
  return out;
}

std::vector<Redirection> redirectionsOf(const Message& request) {
  const bool withheld = asksPrivacy(request, {"history", "header", "session"});
  if (const auto entries = request.addresses(HeaderId::historyInfo); entries && entries->size() > 1)
    return fromHistory(*entries, withheld);
  std::vector<Redirection> out;
  auto diversions = request.addresses(HeaderId::diversion);
  if (!diversions) return out;
  // The newest stands first (RFC 5806 section 4.2).
  std::ranges::reverse(*diversions);
  for (const auto& address : *diversions) {
    if (out.size() == kMaxRedirections) break;
    const auto privacy = address.params.get("privacy").value_or("off");
    out.push_back(redirection(address, address.params.get("reason").value_or("unknown"),
                              withheld || !same(privacy, "off")));
  }
  return out;
}

base::Result<UserToUser> UserToUser::parse(std::string_view text) {
  const auto bad = [](std::string_view wanted) {
    // Not what was found: it is the caller's data.
    return base::fail("sip.bad_header", fmt::format("User-to-User: expected {}", wanted));
  };
  auto value = TokenValue::parse(text);
  if (!value) return bad("data and parameters");
  UserToUser out;
  out.purpose = value->params.get("purpose").value_or("");
  out.content = value->params.get("content").value_or("");
  const auto encoding = value->params.get("encoding");
  if (encoding && !same(*encoding, "hex")) return bad("encoding=hex");
  std::string_view data = value->value;
  std::string unquoted;
  if (data.starts_with('"')) {
    lexer::Cursor c(data);
    if (!c.quoted(&unquoted) || !c.done()) return bad("one quoted text");
    data = unquoted;
  }
  // Without an encoding RFC 7434 (ISDN) means hex; quoted text is what it is.
  if (encoding || unquoted.empty()) {
    auto bytes = isHexText(data) ? base::hexDecode(data) : std::nullopt;
    if (!bytes) return bad("an even number of hex digits");
    out.data = std::move(*bytes);
  } else {
    out.data.assign(data.begin(), data.end());
  }
  if (out.data.size() > kMaxUserToUserBytes) return bad(fmt::format("at most {} bytes", kMaxUserToUserBytes));
  return out;
}

base::Result<std::string> UserToUser::toString() const {
  if (data.empty() || data.size() > kMaxUserToUserBytes)
    return base::fail("sip.user_to_user_too_large",
                      fmt::format("expected 1 to {} bytes, found {}", kMaxUserToUserBytes, data.size()));
  TokenValue value;
  value.value = base::hexEncode(data);
  value.params.set("encoding", "hex");
  if (!purpose.empty()) value.params.set("purpose", purpose);
  if (!content.empty()) value.params.set("content", content);
  return value.toString();
}

std::vector<UserToUser> userToUserOf(const Message& message) {
  std::vector<UserToUser> out;
  for (const auto element : message.list(HeaderId::userToUser))
    if (auto one = UserToUser::parse(element)) out.push_back(std::move(*one));
  return out;
}

base::Result<SessionIdentifier> SessionIdentifier::parse(std::string_view text) {
  const auto value = TokenValue::parse(text);
  SessionIdentifier out;
  if (value) {
    out.local = base::toLower(value->value);
    out.remote = base::toLower(value->params.get("remote").value_or(""));
  }
  const auto isId = [](std::string_view id) { return id.size() == kNilSession.size() && isHexText(id); };
  if (!isId(out.local) || (!out.remote.empty() && !isId(out.remote)))
    return base::fail("sip.bad_header", "Session-ID: expected 32 hex digits and remote= with 32 more");
  return out;
}

std::string SessionIdentifier::toString() const {
  return remote.empty() ? local : local + ";remote=" + remote;
}

std::string SessionIdentifier::correlation() const {
  const bool known = !remote.empty() && remote != kNilSession;
  if (!known) return local;
  if (local == kNilSession) return remote;
  return std::min(local, remote) + std::max(local, remote);
}

std::vector<Reason> reasonsOf(const Message& message) {
  std::vector<Reason> out;
  for (const auto element : message.list(HeaderId::reason)) {
    const auto value = TokenValue::parse(element);
    if (!value) continue;
    Reason reason;
    reason.protocol = displayText(value->value);
    if (const auto cause = value->params.get("cause")) reason.cause = base::parseNumber<int>(*cause);
    reason.text = displayText(value->params.get("text").value_or(""));
    out.push_back(std::move(reason));
  }
  return out;
}

std::string reasonText(const Message& message) {
  for (const auto& reason : reasonsOf(message)) {
    const auto meaning = reason.text.empty() ? std::string(meaningOf(reason)) : reason.text;
    if (meaning.empty() && !reason.cause) continue;
    const auto source = reason.cause ? fmt::format("{} {}", reason.protocol, *reason.cause) : reason.protocol;
    return meaning.empty() ? source : fmt::format("{} ({})", meaning, source);
  }
  return {};
}

}  // namespace parley::sip
