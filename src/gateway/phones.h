// What the gateway asks of telephones and trunks behind SIP, and what they tell, as an interface: the real
// one is over sip/ and sipnet/ (sip_phones.h), tests have a scripted one. The counterpart of media_brokers.h.
//
// A *phone leg* is one SIP dialog of a call, from the INVITE on. Its id is chosen by the gateway (for an
// incoming call by Phones) and is also the broker's leg id. Loop thread only.
#pragma once
#include <string>

#include "base/result.h"
#include "gateway/call_reason.h"

namespace parley::gateway {

struct PhoneInvite {
  std::string leg;
  std::string call;         ///< The gateway's call id: for logs.
  std::string destination;  ///< "sip:2001@pbx.example", "tel:+49…", "2001"
  std::string fromAddress;  ///< Whose call it is: the customer's number or name, kept in a transfer.
  std::string fromName;
  std::string sdp;           ///< Our offer.
  std::string uui;           ///< As the page gave it; goes hex-encoded into User-to-User (RFC 7433).
  std::string uuiElement{};  ///< Goes there in its place: the first element that came from a phone.
  std::string correlationId;
  std::string replacesLeg;    ///< INVITE with Replaces of that leg's dialog (RFC 3891), or empty.
  std::string referredByLeg;  ///< The transfer was asked for by this leg: Referred-By (RFC 3892), or empty.
  std::string replaces;       ///< Replaces header value as a REFER named it, or empty.
};

/// A re-INVITE.
struct PhoneOffer {
  std::string leg;
  std::string sdp;
  bool tells = false;                     ///< Whom the phone talks with now, as in PhoneInvite.
  std::string fromAddress{}, fromName{};  ///< Only then.
  std::string uui{}, uuiElement{};        ///< Empty: as it was.
  std::string correlationId{};
};

struct PhoneRefer {
  std::string leg;
  std::string target;             ///< Whom the phone is to call; written as in PhoneInvite.
  std::string replacesLeg;        ///< In place of that leg's dialog, or empty.
  std::string uui, uuiElement{};  ///< For the call that comes of it, as in PhoneInvite.
  std::string correlationId;
};

struct IncomingPhoneCall {
  std::string leg;
  std::string to;           ///< The request URI's user: "8000".
  std::string toAddress;    ///< The whole of it.
  std::string fromAddress;  ///< "sip:+49…@host", P-Asserted-Identity first, then From.
  std::string fromName;
  std::string sdp;           ///< Empty: the caller wants our offer in the answer (delayed offer).
  std::string uui;           ///< Its first User-to-User element, as text for people.
  std::string uuiElement{};  ///< The same as SIP has it, to be passed on: any bytes, purpose, content.
  std::string correlationId;
  std::string replacesLeg;  ///< INVITE with Replaces: the leg that it takes the place of, or empty.
  std::string trunk;        ///< Where it came from, for people.
};

/// Called on the loop, never inside a call of Phones.
class PhonesListener {
 public:
  virtual ~PhonesListener() = default;
  virtual void onPhoneCall(const IncomingPhoneCall& call) = 0;
  /// 101…199; `sdp` may be empty. With SDP it is early media, an answer to our offer.
  virtual void onPhoneProgress(const std::string& leg, int status, const std::string& sdp) = 0;
  /// 2xx to our INVITE with its answer.
  virtual void onPhoneAnswered(const std::string& leg, const std::string& sdp) = 0;
  /// No dialog came of our INVITE. `status` is SIP's (408 and 503 are made up where nothing answered);
  /// `reason` is a stable token (sip.busy, sip.not_found, sip.trunk_down, sip.declined …), `text` for people.
  virtual void onPhoneFailed(const std::string& leg, int status, const std::string& reason,
                             const std::string& text) = 0;
  /// Re-INVITE or UPDATE. Empty `sdp`: our offer is asked for. Answer with answerOffer() or refuseOffer().
  virtual void onPhoneOffer(const std::string& leg, const std::string& sdp) = 0;
  /// The answer to offer(), or to our offer in a delayed-offer call (the ACK's).
  virtual void onPhoneOfferAnswered(const std::string& leg, const std::string& sdp) = 0;
  /// The dialog goes on as it was.
  virtual void onPhoneOfferFailed(const std::string& leg, int status, const std::string& reason) = 0;
  virtual void onPhoneDtmf(const std::string& leg, const std::string& digits) = 0;  ///< INFO.
  /// REFER: the phone asks us to call `target`. `replaces`: the header value in it, or empty;
  /// `replacesLeg`: our own leg if it names one. Tell how it goes by referProgress().
  virtual void onPhoneRefer(const std::string& leg, const std::string& target, const std::string& replaces,
                            const std::string& replacesLeg) = 0;
  /// How our REFER goes: 100…199 trying, 200…299 done (the other side hangs up itself, or we do), else
  /// failed.
  virtual void onReferProgress(const std::string& leg, int status) = 0;
  /// BYE, CANCEL, session timer, dialog lost. `reason` as in onPhoneFailed; sip.bye, sip.cancelled …
  virtual void onPhoneEnded(const std::string& leg, const std::string& reason, const std::string& text) = 0;
  /// What save() gives of the leg changed: a dialog was made, a number in it moved on. Store it anew.
  virtual void onPhoneChanged(const std::string& leg) { static_cast<void>(leg); }
  /// A line for the call's ladder: "INVITE sip:2001@pbx → 180". Never SDP.
  virtual void onPhoneTrace(const std::string& leg, bool outgoing, const std::string& what,
                            const std::string& detailJson) = 0;
};

class Phones {
 public:
  virtual ~Phones() = default;
  virtual void setListener(PhonesListener* listener) = 0;
  /// A destination that is dialled goes out here: some trunk is configured.
  virtual bool available() const = 0;
  /// Tries the trunks (GW-4); ends in onPhoneAnswered or onPhoneFailed.
  virtual void invite(const PhoneInvite& invite) = 0;
  /// Incoming call: 180, or with SDP 183.
  virtual void ring(const std::string& leg, const std::string& sdp) = 0;
  virtual void answer(const std::string& leg, const std::string& sdp) = 0;
  virtual void reject(const std::string& leg, int status, const std::string& text) = 0;
  /// CANCEL, BYE or a refusal, as its state wants. Nothing is told of the leg afterwards.
  virtual void hangUp(const std::string& leg, EndReason reason) = 0;
  /// Re-INVITE with our offer; glare is retried inside (RFC 3261 section 14.1).
  virtual void offer(const PhoneOffer& offer) = 0;
  virtual void answerOffer(const std::string& leg, const std::string& sdp) = 0;
  virtual void refuseOffer(const std::string& leg, int status) = 0;
  virtual void sendDtmf(const std::string& leg, const std::string& digits) = 0;  ///< INFO.
  /// Asks the phone to call somebody else.
  virtual void refer(const PhoneRefer& refer) = 0;
  virtual void referProgress(const std::string& leg, int status) = 0;
  /// The dialog as text for the store, after each step of it; empty when there is none (any more).
  virtual std::string save(const std::string& leg) const = 0;
  /// Takes a dialog over that another process saved. False: it cannot be used any more.
  virtual bool restore(const std::string& leg, const std::string& saved) = 0;
};

}  // namespace parley::gateway
