// Between a call as the gateway has it and SIP headers: who calls, whom, what goes along. Pure.
#pragma once
#include <string>

#include "base/random.h"
#include "gateway/phones.h"
#include "sip/message.h"
#include "sip/user_agent_types.h"

namespace parley::gateway {

constexpr int kServiceUnavailable = 503;

/// "2001", "tel:+49…", "sip:2001@pbx" as a request URI. A destination without a host gets that of `server`;
/// with `rewrite` each does (GW-4), and its port and transport.
sip::Uri calledUri(const std::string& destination, const sip::Uri& server, bool rewrite);
/// From. An address without a usable user part is anonymous (RFC 3323).
sip::NameAddr callerAddress(const std::string& name, const std::string& address, const std::string& domain);
/// 32 hex digits that nobody guesses, so that it can go as Session-ID (RFC 7989), too: exchanges keep that.
std::string newCorrelationId(base::Random& random);
/// What belongs to the case and goes with it wherever it is passed on: User-to-User (RFC 7433) and
/// X-Correlation-ID.
sip::Headers contextHeaders(const std::string& uui, const std::string& uuiElement,
                            const std::string& correlationId);
/// P-Asserted-Identity (RFC 3325), User-to-User (RFC 7433), Session-ID (RFC 7989) and X-Correlation-ID.
sip::Headers callHeaders(const PhoneInvite& invite, const std::string& domain);
/// Of a re-INVITE: P-Asserted-Identity, if it says who it is and `domain` is known, and what goes along.
sip::Headers offerHeaders(const PhoneOffer& offer, const std::string& domain);
/// Warning (RFC 3261 section 20.43) and, for 503, Retry-After.
sip::Headers refusalHeaders(int status, const std::string& text);
/// Reason (RFC 3326) of a BYE or CANCEL.
std::string reasonValue(EndReason reason);
/// What an INVITE says of a call. Leg, SDP, trunk and the replaced leg are filled in by the caller.
IncomingPhoneCall incomingCall(const sip::Message& request);

}  // namespace parley::gateway
