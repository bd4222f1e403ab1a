// What goes in and out of the user agent (user_agent.h), as plain values.
//
// SDP is never looked into here: the media broker decides it (design decision 4). "Offer" and "answer" are
// texts whose order the engine keeps right (RFC 3264, RFC 6337).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "sip/ids.h"
#include "sip/message.h"
#include "sip/transport.h"

namespace parley::sip {

using Headers = std::vector<Header>;

struct UserAgentOptions {
  std::string product = "Parley";  ///< User-Agent and Server.
  std::string contactUser = "parley";
  std::size_t maxSessions = 10'000;       ///< Beyond: 503 with Retry-After, and invite() fails.
  std::size_t maxSubscriptions = 10'000;  ///< Same. Also the most out-of-dialog requests under way.
  std::size_t maxTransactions = 80'000;   ///< Each way. 2,000 calls/s, each held 32 s, and room.
  std::size_t maxBodyBytes = 64 * 1024;   ///< 413 beyond.
  base::Millis t1{500}, t2{4'000}, t4{5'000};
  /// No response at all to a request: the next target is tried (GW-4). 64*T1 when there is no other.
  base::Millis targetTimeout{3'000};
  /// A target that said nothing is tried last for so long; with Retry-After as long as that says, at most
  /// kMaxDeadTime.
  base::Millis deadTargetTime{60'000};
  base::Millis ringTimeout{180'000};     ///< A call that is neither answered nor refused: CANCEL, or 480.
  base::Millis answerTimeout{20'000};    ///< onOffer without answerOffer/refuseOffer: refused with 500.
  base::Millis referTimeout{120'000};    ///< A REFER without a final NOTIFY.
  int maxRedirects = 5;                  ///< 3xx followed in one call; 0: a 3xx is a failure.
  int maxTargets = 10;                   ///< Tried in one call, and for one request outside of calls.
  std::uint32_t sessionExpires = 1'800;  ///< Seconds, RFC 4028; 0: we ask for none.
  std::uint32_t minSe = 90;              ///< Seconds.
  std::size_t udpMaxBytes = 1'300;  ///< A longer request goes over TCP (RFC 3261 section 18.1.1). 0: never.
  bool reliableProvisional =
      true;  ///< 183 with SDP is sent reliably where the caller supports it (RFC 3262).
  /// MESSAGE, and INFO of other kinds than keys, in a call. False: 405 and 415; Allow does not name MESSAGE.
  bool takesMessages = true;
  bool takesSubscriptions = true;  ///< SUBSCRIBE. False: 405, and Allow does not name it.
  bool refuseLastHop = true;       ///< INVITE with Max-Forwards 0: 483, as RFC 7332 wants of a B2BUA.
};

/// What may change while the user agent runs; for calls that begin from then on.
struct CallTimes {
  base::Millis ringTimeout{180'000};
  std::uint32_t sessionExpires = 1'800;
  std::uint32_t minSe = 90;
  friend bool operator==(const CallTimes&, const CallTimes&) = default;
};

struct OutgoingCall {
  Uri to;         ///< Request URI; To as well (Uri::inFromAndTo()), unless `toHeader` is given.
  NameAddr from;  ///< Without tag.
  std::optional<NameAddr> toHeader;
  std::vector<Target>
      targets;  ///< In this order (failover, RFC 3263 section 4.3). Empty: the Locator is asked.
  /// In place of the options' targetTimeout, and then for the last target, too.
  std::optional<base::Millis> targetTimeout;
  std::vector<std::string> route;  ///< Route values as written, outermost first.
  std::string sdp;                 ///< Our offer. Empty: the other side offers in its answer.
  std::string contactUser;         ///< Empty: that of the options.
  Headers headers;                 ///< User-to-User, Session-ID, P-Asserted-Identity … as they are.
  std::optional<SessionId> replacesSession;  ///< Replaces of that session's dialog (RFC 3891).
  std::string replaces;                      ///< Or the header's value as a REFER named it.
  std::string referredBy;                    ///< Referred-By value (RFC 3892), or empty.
  int maxForwards = 70;
};

/// An INVITE that starts a dialog. 100 is sent by itself; nothing else until ring/answer/reject.
struct IncomingCall {
  SessionId session;
  Message request;
  Source source;
  std::string sdp;                           ///< Empty: the caller wants our offer in the 2xx.
  std::optional<SessionId> replacesSession;  ///< It takes that one's place: answer it, then hang that one up.
};

struct Progress {
  int status = 0;    ///< 101…199
  std::string sdp;   ///< Early media: an answer to our offer (it may change: forking). Empty: none.
  std::string fork;  ///< The early dialog's remote tag; several are several phones.
  bool reliable = false;
};

/// A session that could not be made, or ended.
struct Ending {
  int status = 0;      ///< SIP status; 408 and 503 are made up where nothing answered. 0: BYE or CANCEL.
  std::string reason;  ///< Stable token: sip.busy, sip.bye, sip.cancelled … (docs/protocols/sip.md)
  std::string text;    ///< For people: phrase, or the Reason header's text.
  std::string cause;   ///< The Reason header (RFC 3326) as it came, may be empty.
  bool byUs = false;
  /// Of our call: the target, of several the one tried last, said nothing to the INVITE it got last. Somebody
  /// else may be asked.
  bool silent = false;
  /// Of our call: the target, of several the one tried last, said nothing, and nobody had asked for
  /// credentials or sent us elsewhere before.
  bool unheard = false;
  bool redirected = false;  ///< Of our call: a 3xx was followed; this is about where it led to.
};

struct DtmfSignal {
  char digit = '0';  ///< 0…9 * # A…D, or ! for a flash.
  std::uint32_t durationMs = 0;
  friend bool operator==(const DtmfSignal&, const DtmfSignal&) = default;
};

enum class DtmfBody : std::uint8_t { dtmfRelay, dtmf };  ///< application/dtmf-relay, application/dtmf.

/// REFER that came in a dialog; it was accepted with 202 and wants referProgress().
struct IncomingRefer {
  SessionId session;
  NameAddr target;                           ///< Refer-To without the header part of its URI.
  std::string replaces;                      ///< The Replaces in it, escapes resolved; or empty.
  std::optional<SessionId> replacesSession;  ///< Our own session, if it names one.
  std::string referredBy;                    ///< As it came, or empty.
};

struct OutgoingRefer {
  Uri target;
  std::optional<SessionId> replacesSession;
  std::string referredBy;  ///< Empty: our own address in the dialog.
  /// Of the INVITE that is asked for: they stand escaped in Refer-To (RFC 3261 section 19.1.1, RFC 7433
  /// section 4).
  Headers targetHeaders{};
};

/// A request outside of all sessions: OPTIONS, MESSAGE, REGISTER, PUBLISH …
struct OutgoingRequest {
  std::string method = "OPTIONS";
  Uri to;
  NameAddr from;
  std::optional<NameAddr> toHeader;
  std::vector<Target> targets;  ///< As in OutgoingCall.
  std::vector<std::string> route;
  Headers headers;
  std::string body, contentType;
  std::string callId;                 ///< Empty: a new one. REGISTER keeps its own.
  std::optional<std::uint32_t> cseq;  ///< Same.
  /// For each target; empty: targetTimeout where there is another one, 64*T1 for the last.
  std::optional<base::Millis> timeout;
};

struct RequestResult {
  int status = 0;             ///< 408, 503: nothing answered.
  std::string reason;         ///< sip.timeout, sip.transport_…, sip.answered
  base::Millis roundTrip{0};  ///< From sending (the last time) to the final response.
  std::optional<Message> response;
  Target target;  ///< Who answered, or was tried last.
};

/// SUBSCRIBE (RFC 6665), either role.
struct OutgoingSubscription {
  Uri to;
  NameAddr from;
  std::vector<Target> targets;
  std::string event;  ///< "message-summary", "presence", "dialog", with parameters if any
  std::uint32_t expires = 3'600;
  Headers headers;  ///< Accept …
};
struct IncomingSubscription {
  SubscriptionId subscription;
  Message request;
  Source source;
  std::string event;
  std::uint32_t expires = 0;
};
struct Notification {
  SubscriptionId subscription;
  std::string state;  ///< "active", "pending", "terminated"
  std::string reason;
  std::string contentType, body;
};

/// May this source call, or ask anything outside of a dialog?
struct Verdict {
  enum class Kind : std::uint8_t { allow, refuse, silence };
  Kind kind = Kind::allow;
  int status = 403;
  Headers headers;  ///< With a refusal: WWW-Authenticate …
  static Verdict allowed() { return {}; }
  static Verdict refused(int status = 403, Headers headers = {}) {
    return {Kind::refuse, status, std::move(headers)};
  }
  static Verdict silent() { return {Kind::silence, 0, {}}; }
};

}  // namespace parley::sip
