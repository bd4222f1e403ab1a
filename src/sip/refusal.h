// Why something that came in went no further or was answered with an error: counter label, log field
// (decision 8).
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace parley::sip {

enum class Refusal : std::uint8_t {
  malformed,         ///< No SIP message that can be served; a request with a readable head got its 4xx.
  badVia,            ///< Our own address is not in the response's top Via, or it has no branch of ours.
  tableFull,         ///< More transactions than there is room for: 503 with Retry-After.
  sessionsFull,      ///< More sessions or subscriptions than there is room for: 503.
  draining,          ///< No new calls while we shut down: 503.
  forbidden,         ///< The policy does not know the source: 403.
  silenced,          ///< Same, without an answer; its CANCEL always.
  challenged,        ///< 401/407 sent by the policy.
  merged,            ///< The same request over another way (RFC 3261 section 8.2.2.2): 482.
  tooManyHops,       ///< Max-Forwards used up: 483.
  unknownMethod,     ///< 405 or 501.
  badExtension,      ///< Require names what we do not do: 420.
  badUri,            ///< A scheme we do not serve: 416.
  badBody,           ///< Body of a kind, encoding or size we do not take: 415, 413.
  badRequest,        ///< A header that the method needs is missing or wrong: 400.
  noDialog,          ///< In-dialog request, CANCEL or Replaces that fits nothing here: 481.
  oldCSeq,           ///< In-dialog request whose number is not higher than one we had: 500.
  glare,             ///< Offers crossed: 491.
  overlapping,       ///< A second one before the first was answered: 500 with Retry-After.
  intervalTooSmall,  ///< Session-Expires or Expires below our minimum: 422, 423.
  notHere,           ///< Nobody wants it: 404, 480, 489.
  strayResponse,     ///< Fits no request of ours; dropped.
  strayAck,          ///< Fits nothing; dropped.
  answerTimeout,     ///< The owner of the call did not answer an offer in time: 500.
  count_
};

constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::count_);
using RefusalCounts = std::array<std::uint64_t, kRefusals>;

/// Stable snake_case token, e.g. "too_many_hops".
std::string_view toString(Refusal refusal);

}  // namespace parley::sip
