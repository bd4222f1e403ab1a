// Names of headers and standard phrases: tables and the hash that finds a name in them.
#include <algorithm>
#include <array>

#include "sip/grammar.h"
#include "sip/lexer.h"
#include "sip/message.h"

namespace parley::sip {
namespace {

struct Name {
  HeaderId id;
  std::string_view full;
  char compact;  ///< 0: none.
  bool list;
};

/// In the order of HeaderId.
constexpr Name kNames[] = {
    {HeaderId::other, "", 0, false},
    {HeaderId::via, "Via", 'v', true},
    {HeaderId::from, "From", 'f', false},
    {HeaderId::to, "To", 't', false},
    {HeaderId::callId, "Call-ID", 'i', false},
    {HeaderId::cseq, "CSeq", 0, false},
    {HeaderId::maxForwards, "Max-Forwards", 0, false},
    {HeaderId::contact, "Contact", 'm', true},
    {HeaderId::route, "Route", 0, true},
    {HeaderId::recordRoute, "Record-Route", 0, true},
    {HeaderId::path, "Path", 0, true},
    {HeaderId::serviceRoute, "Service-Route", 0, true},
    {HeaderId::contentType, "Content-Type", 'c', false},
    {HeaderId::contentLength, "Content-Length", 'l', false},
    {HeaderId::contentDisposition, "Content-Disposition", 0, false},
    {HeaderId::contentEncoding, "Content-Encoding", 'e', true},
    {HeaderId::expires, "Expires", 0, false},
    {HeaderId::minExpires, "Min-Expires", 0, false},
    {HeaderId::allow, "Allow", 0, true},
    {HeaderId::allowEvents, "Allow-Events", 'u', true},
    {HeaderId::supported, "Supported", 'k', true},
    {HeaderId::require, "Require", 0, true},
    {HeaderId::proxyRequire, "Proxy-Require", 0, true},
    {HeaderId::unsupported, "Unsupported", 0, true},
    {HeaderId::accept, "Accept", 0, true},
    {HeaderId::userAgent, "User-Agent", 0, false},
    {HeaderId::server, "Server", 0, false},
    {HeaderId::warning, "Warning", 0, true},
    {HeaderId::reason, "Reason", 0, true},
    {HeaderId::retryAfter, "Retry-After", 0, false},
    {HeaderId::date, "Date", 0, false},
    {HeaderId::subject, "Subject", 's', false},
    {HeaderId::authorization, "Authorization", 0, false},
    {HeaderId::wwwAuthenticate, "WWW-Authenticate", 0, false},
    {HeaderId::proxyAuthorization, "Proxy-Authorization", 0, false},
    {HeaderId::proxyAuthenticate, "Proxy-Authenticate", 0, false},
    {HeaderId::authenticationInfo, "Authentication-Info", 0, false},
    {HeaderId::event, "Event", 'o', false},
    {HeaderId::subscriptionState, "Subscription-State", 0, false},
    {HeaderId::referTo, "Refer-To", 'r', false},
    {HeaderId::referredBy, "Referred-By", 'b', false},
    {HeaderId::referSub, "Refer-Sub", 0, false},
    {HeaderId::replaces, "Replaces", 0, false},
    {HeaderId::rseq, "RSeq", 0, false},
    {HeaderId::rack, "RAck", 0, false},
    {HeaderId::sessionExpires, "Session-Expires", 'x', false},
    {HeaderId::minSe, "Min-SE", 0, false},
    {HeaderId::privacy, "Privacy", 0, false},
    {HeaderId::pAssertedIdentity, "P-Asserted-Identity", 0, true},
    {HeaderId::pPreferredIdentity, "P-Preferred-Identity", 0, true},
    {HeaderId::remotePartyId, "Remote-Party-ID", 0, true},
    {HeaderId::diversion, "Diversion", 0, true},
    {HeaderId::historyInfo, "History-Info", 0, true},
    {HeaderId::userToUser, "User-to-User", 0, true},
    {HeaderId::sessionId, "Session-ID", 0, false},
    {HeaderId::identity, "Identity", 'y', true},
    {HeaderId::callInfo, "Call-Info", 0, true},
    {HeaderId::alertInfo, "Alert-Info", 0, true},
    {HeaderId::sipEtag, "SIP-ETag", 0, false},
    {HeaderId::sipIfMatch, "SIP-If-Match", 0, false},
    {HeaderId::flowTimer, "Flow-Timer", 0, false},
    {HeaderId::answerMode, "Answer-Mode", 0, false},
};
constexpr std::size_t kCount = std::size(kNames);
static_assert(kCount == static_cast<std::size_t>(HeaderId::answerMode) + 1);
static_assert([] {
  for (std::size_t i = 0; i < kCount; ++i)
    if (static_cast<std::size_t>(kNames[i].id) != i) return false;
  return true;
}());

constexpr std::size_t kSlots = 256;
constexpr std::size_t kLongest = 24;

/// Bit 5 aside, letters of either case are the same.
constexpr std::size_t hashOf(std::string_view name) {
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(name[i] | 0x20); };
  return (at(0) + at(name.size() - 1) * 11 + at(name.size() / 2) * 3 + name.size() * 9) % kSlots;
}

/// Each known name has a slot of its own; 0 is free, since HeaderId::other is not looked up.
constexpr auto kByName = [] {
  std::array<std::uint8_t, kSlots> slots{};
  for (std::size_t i = 1; i < kCount; ++i) slots[hashOf(kNames[i].full)] = static_cast<std::uint8_t>(i);
  return slots;
}();
static_assert(
    [] {
      for (std::size_t i = 1; i < kCount; ++i)
        if (kByName[hashOf(kNames[i].full)] != i) return false;
      return true;
    }(),
    "two names share a slot: choose other factors in hashOf");

constexpr auto kByLetter = [] {
  std::array<std::uint8_t, 26> letters{};
  for (std::size_t i = 1; i < kCount; ++i)
    if (kNames[i].compact)
      letters[static_cast<std::size_t>(kNames[i].compact - 'a')] = static_cast<std::uint8_t>(i);
  return letters;
}();

struct Phrase {
  int status;
  std::string_view text;
};

/// RFC 3261 section 21 and the IANA registry of response codes.
constexpr Phrase kPhrases[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {424, "Bad Location Information"},
    {428, "Use Identity Header"},
    {429, "Provide Referrer Identity"},
    {430, "Flow Failed"},
    {433, "Anonymity Disallowed"},
    {436, "Bad Identity Info"},
    {437, "Unsupported Credential"},
    {438, "Invalid Identity Header"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {469, "Bad Info Package"},
    {470, "Consent Needed"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {555, "Push Notification Service Not Supported"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"},
    {608, "Rejected"},
};

}  // namespace

std::string_view nameOf(HeaderId id) { return kNames[static_cast<std::size_t>(id)].full; }

bool isListHeader(HeaderId id) { return kNames[static_cast<std::size_t>(id)].list; }

HeaderId grammar::lookUp(std::string_view name, bool& exact) {
  exact = false;
  if (name.size() == 1) {
    const char letter = lexer::lower(name[0]);
    if (letter < 'a' || letter > 'z') return HeaderId::other;
    return static_cast<HeaderId>(kByLetter[static_cast<std::size_t>(letter - 'a')]);
  }
  if (name.empty() || name.size() > kLongest) return HeaderId::other;
  const auto index = kByName[hashOf(name)];
  const auto full = kNames[index].full;
  // Nearly always it is written as in the RFC.
  exact = full == name;
  return exact || lexer::same(full, name) ? static_cast<HeaderId>(index) : HeaderId::other;
}

HeaderId headerIdOf(std::string_view name) {
  bool exact = false;
  return grammar::lookUp(name, exact);
}

std::string_view phraseOf(int status) {
  const auto at = std::ranges::lower_bound(kPhrases, status, {}, &Phrase::status);
  return at != std::end(kPhrases) && at->status == status ? at->text : "Unknown";
}

}  // namespace parley::sip
