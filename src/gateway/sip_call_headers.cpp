#include "gateway/sip_call_headers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "base/text.h"
#include "gateway/destinations.h"
#include "sip/identity.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxNumber = 128;
constexpr std::size_t kMaxDisplay = 64;

/// The user part of a SIP URI (RFC 3261 section 25.1): what may not stand there is escaped.
std::string escapedUser(std::string_view text) {
  constexpr std::string_view kPlain = "-_.!~*'()&=+$,;?/";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text.substr(0, kMaxNumber)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || kPlain.contains(c)) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  return out;
}

bool isNumber(std::string_view text) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  return !digits.empty() && digits.find_first_not_of("0123456789*#") == std::string_view::npos;
}

constexpr std::string_view kCorrelation = "X-Correlation-ID";
constexpr std::size_t kMaxCorrelation = 128;

bool isSessionId(std::string_view text) {
  return text.size() == sip::kNilSession.size() &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Printable ASCII only: what we pass on and show.
bool isCorrelation(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCorrelation &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@") ==
             std::string_view::npos;
}

bool isTel(std::string_view text) { return base::equalsIgnoreCase(text.substr(0, 4), "tel:"); }

}  // namespace

sip::Uri calledUri(const std::string& destination, const sip::Uri& server, bool rewrite) {
  const auto parsed = sip::Uri::parse(destination);
  sip::Uri out;
  if (parsed && parsed->isSip() && !parsed->host.empty()) {
    out = *parsed;
    out.headers.clear();
    if (!rewrite) return out;
  } else {
    const std::string user = isTel(destination) ? destination.substr(4) : userPart(destination);
    out.user = escapedUser(user.substr(0, user.find(';')));
    if (isTel(destination)) out.params.set("user", "phone");
  }
  out.scheme = server.scheme;
  out.host = server.host;
  out.port = server.port;
  // What said how the former host is reached leads nowhere but away from the server.
  for (const char* name : {"transport", "maddr", "ttl", "lr", "method"}) out.params.remove(name);
  if (const auto transport = server.params.get("transport"))
    out.params.set("transport", std::string(*transport));
  return out;
}

sip::NameAddr callerAddress(const std::string& name, const std::string& address, const std::string& domain) {
  const std::string user = escapedUser(userPart(address));
  sip::NameAddr out;
  if (user.empty()) {
    out.display = name.empty() ? "Anonymous" : base::printable(name, kMaxDisplay);
    out.uri = sip::Uri::sip("anonymous", "anonymous.invalid");
    return out;
  }
  out.display = base::printable(name, kMaxDisplay);
  out.uri = sip::Uri::sip(user, domain);
  if (isNumber(user)) out.uri.params.set("user", "phone");
  return out;
}

std::string newCorrelationId(base::Random& random) {
  std::array<std::uint8_t, sip::kNilSession.size() / 2> bytes{};
  random.fill(bytes);
  return base::hexEncode(bytes);
}

sip::Headers contextHeaders(const std::string& uui, const std::string& uuiElement,
                            const std::string& correlationId) {
  sip::Headers out;
  if (!uuiElement.empty()) {
    out.push_back({sip::HeaderId::userToUser, {}, uuiElement});
  } else if (!uui.empty()) {
    const base::Bytes bytes = base::asBytes(uui);
    sip::UserToUser element;
    element.data.assign(bytes.begin(), bytes.end());
    if (const auto text = element.toString()) out.push_back({sip::HeaderId::userToUser, {}, *text});
  }
  if (isCorrelation(correlationId)) {
    out.push_back({sip::HeaderId::other, std::string(kCorrelation), correlationId});
  }
  return out;
}

namespace {

/// Nothing for who is anonymous.
void assertIdentity(sip::Headers& out, const sip::NameAddr& caller) {
  if (caller.uri.user == "anonymous") return;
  out.push_back({sip::HeaderId::pAssertedIdentity, {}, caller.toString()});
}

}  // namespace

sip::Headers offerHeaders(const PhoneOffer& offer, const std::string& domain) {
  sip::Headers out;
  if (offer.tells && !domain.empty())
    assertIdentity(out, callerAddress(offer.fromName, offer.fromAddress, domain));
  std::ranges::move(contextHeaders(offer.uui, offer.uuiElement, offer.correlationId),
                    std::back_inserter(out));
  return out;
}

sip::Headers callHeaders(const PhoneInvite& invite, const std::string& domain) {
  sip::Headers out;
  assertIdentity(out, callerAddress(invite.fromName, invite.fromAddress, domain));
  if (isSessionId(invite.correlationId)) {
    sip::SessionIdentifier session;
    session.local = invite.correlationId;
    session.remote = sip::kNilSession;
    out.push_back({sip::HeaderId::sessionId, {}, session.toString()});
  }
  std::ranges::move(contextHeaders(invite.uui, invite.uuiElement, invite.correlationId),
                    std::back_inserter(out));
  return out;
}

namespace {

/// Q.850 causes for what a telephone network knows, too; else the SIP status that an INVITE would get.
struct Q850 {
  int cause = 0;
  std::string_view text{};
};

Q850 q850Of(EndReason reason) {
  switch (reason) {
    case EndReason::none:
    case EndReason::hungUp:
    case EndReason::transferred:
    case EndReason::consumerLeft:
    case EndReason::agentLeft:
      return {16, "Normal call clearing"};
    case EndReason::busy:
    case EndReason::phoneBusy:
      return {17, "User busy"};
    case EndReason::noAnswer:
      return {19, "No answer from user"};
    case EndReason::agentNotSignedIn:
    case EndReason::agentAway:
      return {20, "Subscriber absent"};
    case EndReason::rejected:
    case EndReason::phoneDeclined:
      return {21, "Call rejected"};
    case EndReason::consumerLost:
    case EndReason::agentLost:
    case EndReason::brokerLost:
    case EndReason::phoneSilent:
      return {41, "Temporary failure"};
    default:
      return {};
  }
}

/// Where sipStatusOf(), which is made for refusals, has nothing of its own.
int causeOf(EndReason reason) {
  switch (reason) {
    case EndReason::cancelled:
      return 487;
    case EndReason::sessionExpired:
      return 408;
    case EndReason::mediaFailed:
      return 488;
    default:
      return sipStatusOf(reason);
  }
}

}  // namespace

std::string reasonValue(EndReason reason) {
  // Telephones show no missed call for exactly this one.
  if (reason == EndReason::answeredElsewhere) return "SIP;cause=200;text=\"Call completed elsewhere\"";
  const Q850 q850 = q850Of(reason);
  const int cause = q850.cause != 0 ? q850.cause : causeOf(reason);
  const std::string_view text = q850.cause != 0 ? q850.text : sip::phraseOf(cause);
  std::string out = q850.cause != 0 ? "Q.850;cause=" : "SIP;cause=";
  return out.append(std::to_string(cause)).append(";text=\"").append(text).append(1, '"');
}

IncomingPhoneCall incomingCall(const sip::Message& request) {
  IncomingPhoneCall call;
  call.to = request.requestUri().plainUser();
  call.toAddress = request.requestUri().toString();
  const sip::CallerIdentity caller = sip::callerOf(request, true);
  call.fromName = caller.name;
  if (!caller.withheld) call.fromAddress = caller.number.empty() ? caller.uri.toString() : caller.number;
  for (const sip::UserToUser& uui : sip::userToUserOf(request)) {
    call.uui = sip::displayText(base::asText(uui.data));
    call.uuiElement = uui.toString().value_or("");
    break;
  }
  if (const auto own = request.header(kCorrelation); own && isCorrelation(*own)) {
    call.correlationId = *own;
  } else if (const auto header = request.header(sip::HeaderId::sessionId)) {
    if (const auto session = sip::SessionIdentifier::parse(*header))
      call.correlationId = session->correlation();
  }
  return call;
}

sip::Headers refusalHeaders(int status, const std::string& text) {
  sip::Headers out;
  if (status == kServiceUnavailable) out.push_back({sip::HeaderId::retryAfter, {}, "10"});
  if (!text.empty()) {
    out.push_back({sip::HeaderId::warning, {}, "399 parley \"" + base::printable(text, 120) + "\""});
  }
  return out;
}

}  // namespace parley::gateway
