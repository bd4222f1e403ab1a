// Names of headers and standard phrases: tables and the hash that finds a name in them.
#include <algorithm>
#include <array>

#include "sip/grammar.h"
#include "sip/lexer.h"
#include "sip/message.h"

namespace parley::sip {
namespace {

struct Name {
  std::string_view full;
  HeaderId id;
  char compact;  ///< 0: none.
  bool list;
};

/// In the order of HeaderId.
constexpr Name kNames[] = {
    {"", HeaderId::other, 0, false},
    {"Via", HeaderId::via, 'v', true},
    {"From", HeaderId::from, 'f', false},
    {"To", HeaderId::to, 't', false},
    {"Call-ID", HeaderId::callId, 'i', false},
    {"CSeq", HeaderId::cseq, 0, false},
    {"Max-Forwards", HeaderId::maxForwards, 0, false},
    {"Contact", HeaderId::contact, 'm', true},
    {"Route", HeaderId::route, 0, true},
    {"Record-Route", HeaderId::recordRoute, 0, true},
    {"Path", HeaderId::path, 0, true},
    {"Service-Route", HeaderId::serviceRoute, 0, true},
    {"Content-Type", HeaderId::contentType, 'c', false},
    {"Content-Length", HeaderId::contentLength, 'l', false},
    {"Content-Disposition", HeaderId::contentDisposition, 0, false},
    {"Content-Encoding", HeaderId::contentEncoding, 'e', true},
    {"Expires", HeaderId::expires, 0, false},
    {"Min-Expires", HeaderId::minExpires, 0, false},
    {"Allow", HeaderId::allow, 0, true},
    {"Allow-Events", HeaderId::allowEvents, 'u', true},
    {"Supported", HeaderId::supported, 'k', true},
    {"Require", HeaderId::require, 0, true},
    {"Proxy-Require", HeaderId::proxyRequire, 0, true},
    {"Unsupported", HeaderId::unsupported, 0, true},
    {"Accept", HeaderId::accept, 0, true},
    {"User-Agent", HeaderId::userAgent, 0, false},
    {"Server", HeaderId::server, 0, false},
    {"Warning", HeaderId::warning, 0, true},
    {"Reason", HeaderId::reason, 0, true},
    {"Retry-After", HeaderId::retryAfter, 0, false},
    {"Date", HeaderId::date, 0, false},
    {"Subject", HeaderId::subject, 's', false},
    {"Authorization", HeaderId::authorization, 0, false},
    {"WWW-Authenticate", HeaderId::wwwAuthenticate, 0, false},
    {"Proxy-Authorization", HeaderId::proxyAuthorization, 0, false},
    {"Proxy-Authenticate", HeaderId::proxyAuthenticate, 0, false},
    {"Authentication-Info", HeaderId::authenticationInfo, 0, false},
    {"Event", HeaderId::event, 'o', false},
    {"Subscription-State", HeaderId::subscriptionState, 0, false},
    {"Refer-To", HeaderId::referTo, 'r', false},
    {"Referred-By", HeaderId::referredBy, 'b', false},
    {"Refer-Sub", HeaderId::referSub, 0, false},
    {"Replaces", HeaderId::replaces, 0, false},
    {"RSeq", HeaderId::rseq, 0, false},
    {"RAck", HeaderId::rack, 0, false},
    {"Session-Expires", HeaderId::sessionExpires, 'x', false},
    {"Min-SE", HeaderId::minSe, 0, false},
    {"Privacy", HeaderId::privacy, 0, false},
    {"P-Asserted-Identity", HeaderId::pAssertedIdentity, 0, true},
    {"P-Preferred-Identity", HeaderId::pPreferredIdentity, 0, true},
    {"Remote-Party-ID", HeaderId::remotePartyId, 0, true},
    {"Diversion", HeaderId::diversion, 0, true},
    {"History-Info", HeaderId::historyInfo, 0, true},
    {"User-to-User", HeaderId::userToUser, 0, true},
    {"Session-ID", HeaderId::sessionId, 0, false},
    {"Identity", HeaderId::identity, 'y', true},
    {"Call-Info", HeaderId::callInfo, 0, true},
    {"Alert-Info", HeaderId::alertInfo, 0, true},
    {"SIP-ETag", HeaderId::sipEtag, 0, false},
    {"SIP-If-Match", HeaderId::sipIfMatch, 0, false},
    {"Flow-Timer", HeaderId::flowTimer, 0, false},
    {"Answer-Mode", HeaderId::answerMode, 0, false},
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
