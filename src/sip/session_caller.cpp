// The caller's side of an INVITE: targets and failover, redirection, credentials, forking, reliable
// provisional responses, the 2xx and its ACK.
#include <algorithm>

#include "base/text.h"
#include "sip/address_text.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

/// The addresses that a 3xx leads to, the best one first. Without what a URI in a request cannot have.
std::vector<Uri> redirectContacts(const Message& response, std::size_t most) {
  auto contacts = response.addresses(HeaderId::contact);
  if (!contacts) return {};
  std::erase_if(*contacts, [](const NameAddr& contact) { return !contact.uri.isSip(); });
  const auto quality = [](const NameAddr& contact) {
    const std::string q(contact.params.get("q").value_or("1"));
    return std::min(1'000, static_cast<int>(1'000 * std::strtod(q.c_str(), nullptr)));
  };
  std::ranges::stable_sort(*contacts, std::ranges::greater{}, quality);
  if (contacts->size() > most) contacts->resize(most);
  std::vector<Uri> out;
  for (NameAddr& contact : *contacts) {
    contact.uri.headers.clear();
    contact.uri.params.remove("method");
    out.push_back(std::move(contact.uri));
  }
  return out;
}

}  // namespace

void InviteSession::call(OutgoingCall wanted, base::Instant now) {
  caller_ = std::make_unique<CallerSetup>();
  CallerSetup& setup = *caller_;
  setup.call = std::move(wanted);
  setup.uri = setup.call.to;
  setup.interval = core_.options.sessionExpires;
  setup.minSe = core_.options.minSe;
  setup.ringUntil = now + core_.options.ringTimeout;
  state_.contactUser = setup.call.contactUser;
  state_.dialog.secure = setup.uri.scheme == UriScheme::sips;
  phase_ = SessionPhase::calling;
  if (!setup.call.targets.empty()) {
    for (Target& target : core_.inOrder(setup.call.targets, now))
      setup.attempts.push_back({setup.uri, std::move(target)});
    return tryNext(now);
  }
  Uri hop = setup.uri;
  if (!setup.call.route.empty())
    if (const auto route = NameAddr::parse(setup.call.route.front())) hop = route->uri;
  findTargets(hop, now);
}

void InviteSession::findTargets(const Uri& hop, base::Instant now) {
  CallerSetup& setup = *caller_;
  if (const auto literal = literalTarget(hop)) {
    setup.attempts.push_back({setup.uri, *literal});
    return tryNext(now);
  }
  if (!core_.locate(hop, {.kind = Owner::Kind::session, .id = id_.value()})) return tryNext(now);
  setup.locating = true;
  setup.targetUntil = now + core_.options.targetTimeout;
  arm();
}

void InviteSession::onLocated(std::vector<Target> targets, base::Instant now) {
  if (phase_ == SessionPhase::ended) return;
  if (caller_ && caller_->locating) {
    caller_->locating = false;
    for (Target& target : core_.inOrder(targets, now))
      caller_->attempts.push_back({caller_->uri, std::move(target)});
    return tryNext(now);
  }
  if (targets.empty()) return;
  Target& hop = state_.dialog.hop;
  const bool same = hop.kind == targets.front().kind && hop.address.ip == targets.front().address.ip;
  const FlowId flow = same ? hop.flow : FlowId{};
  hop = std::move(targets.front());
  hop.flow = flow;
}

void InviteSession::tryNext(base::Instant now) {
  CallerSetup& setup = *caller_;
  setup.targetUntil = kNever;
  if (setup.attempts.empty() || setup.tried >= core_.options.maxTargets)
    return failCall(setup.lastStatus, setup.lastReason, setup.lastText, now);
  Attempt attempt = std::move(setup.attempts.front());
  setup.attempts.pop_front();
  ++setup.tried;
  setup.authTries = 0;
  setup.uri = std::move(attempt.uri);
  setup.target = std::move(attempt.target);
  ++setup.cseq;
  setup.request = makeInvite();
  sendInvite(now);
}

Message InviteSession::makeInvite() const {
  const CallerSetup& setup = *caller_;
  const OutgoingCall& call = setup.call;
  Message request = Message::request(Method::invite, setup.uri);
  for (const std::string& route : call.route) request.add(HeaderId::route, route);
  request.from() = call.from;
  request.from().params.set("tag", state_.dialog.localTag);
  if (call.toHeader)
    request.to() = *call.toHeader;
  else
    request.to().uri = call.to.inFromAndTo();
  request.setCallId(state_.dialog.callId);
  request.setCSeq(setup.cseq, Method::invite);
  request.setMaxForwards(call.maxForwards);
  const bool secure = setup.uri.scheme == UriScheme::sips;
  request.set(HeaderId::contact, core_.contact(state_.contactUser, setup.target, secure));
  request.set(HeaderId::allow, core_.allow);
  request.set(HeaderId::supported, std::string(kSupported));
  if (setup.interval != 0) {
    request.set(HeaderId::sessionExpires, SessionExpires{setup.interval, {}}.toString());
    request.set(HeaderId::minSe, std::to_string(setup.minSe));
  }
  std::string replaces = call.replaces;
  if (call.replacesSession)
    if (const InviteSession* other = core_.find(*call.replacesSession)) {
      const DialogState& dialog = other->state().dialog;
      replaces = Replaces{dialog.callId, dialog.remoteTag, dialog.localTag, false}.toString();
    }
  if (!replaces.empty()) {
    request.set(HeaderId::replaces, replaces);
    request.set(HeaderId::require, "replaces");
  }
  if (!call.referredBy.empty()) request.set(HeaderId::referredBy, call.referredBy);
  AgentCore::addHeaders(request, call.headers);
  core_.decorate(request);
  if (!call.sdp.empty()) request.setBody(call.sdp, "application/sdp");
  core_.preauthorise(request, {.target = setup.target});
  return request;
}

void InviteSession::sendInvite(base::Instant now) {
  CallerSetup& setup = *caller_;
  setup.heard = false;
  setup.forks.clear();
  dropLostOffer(now);
  localOffer_ = !setup.call.sdp.empty();
  setup.invite =
      core_.send(setup.request, setup.target, {.kind = Owner::Kind::session, .id = id_.value()}, now);
  if (setup.invite == TransactionId{})
    return end({503, "sip.table_full", "too many requests under way", {}, true}, now);
  // Who is silent gets no more than targetTimeout while there is somebody else to ask, or the owner has.
  const auto own = setup.call.targetTimeout;
  setup.targetUntil =
      setup.attempts.empty() && !own ? kNever : now + own.value_or(core_.options.targetTimeout);
  trace(true, "INVITE " + setup.uri.toString());
  arm();
}

void InviteSession::onInviteResponse(const Message& response, const Source& source, base::Instant now) {
  if (response.status() > 100)
    trace(false, std::to_string(response.status()) + " " + std::string(response.phrase()) + " (INVITE)");
  core_.onHeard(caller_->target, response, now);
  if (!caller_->heard) {
    caller_->heard = true;
    tell([id = id_, target = caller_->target](UserAgentListener& listener) {
      listener.onReached(id, target);
    });
  }
  caller_->targetUntil = kNever;
  if (response.status() < 200)
    onInviteProvisional(response, source, now);
  else if (response.status() < 300)
    onInviteAccepted(response, source, now);
  else
    onInviteRefused(response, now);
}

EarlyDialog* InviteSession::forkOf(const Message& response, const Source& source) {
  auto& forks = caller_->forks;
  const std::string_view tag = response.to().tag();
  const auto found = std::ranges::find_if(
      forks, [&](const EarlyDialog& fork) { return std::string_view(fork.dialog.remoteTag) == tag; });
  if (found != forks.end()) return &*found;
  if (response.status() < 200 && (forks.size() >= kMaxForks || tag.empty())) return nullptr;
  Target peer = caller_->target;
  if (isReliable(source.kind) && source.kind == peer.kind) peer.flow = source.flow;
  auto dialog = dialogOfResponse(response, peer, caller_->uri.scheme == UriScheme::sips);
  if (!dialog) return nullptr;
  // It may have been here before (199) and have used numbers of ours.
  dialog->localCSeq = std::max(dialog->localCSeq, core_.lastCSeq(caller_->invite));
  forks.push_back({.dialog = std::move(*dialog), .rseq = 0, .sdp = {}, .answered = false, .offered = false});
  return &forks.back();
}

void InviteSession::onInviteProvisional(const Message& response, const Source& source, base::Instant now) {
  arm();
  if (response.status() == 100) return;
  EarlyDialog* fork = forkOf(response, source);
  if (response.has(HeaderId::allow)) state_.peerUpdates = response.lists(HeaderId::allow, "UPDATE");
  if (response.status() == 199 && fork != nullptr) {  // RFC 6228: this phone rings no more
    std::erase_if(caller_->forks, [&](const EarlyDialog& one) { return &one == fork; });
    return dropLostOffer(now);
  }
  const bool reliable = fork != nullptr && response.lists(HeaderId::require, "100rel");
  std::string sdp = sdpOf(response);
  if (reliable) {
    const auto rseq =
        base::parseNumber<std::uint32_t>(response.header(HeaderId::rseq).value_or(std::string_view{}));
    if (rseq.value_or(0) == 0 || (fork->rseq != 0 && *rseq != fork->rseq + 1))
      return;  // repeated, or out of order
    fork->rseq = *rseq;
    onReliableProvisional(*fork, response, now);
    if (caller_->call.sdp.empty()) sdp.clear();  // theirs is the offer: onOffer told it
  } else if (caller_->call.sdp.empty()) {
    sdp.clear();
  } else if (fork != nullptr && !fork->answered && !sdp.empty()) {
    fork->sdp = sdp;
  }
  if (fork != nullptr && (fork->changed || updates(*fork)))
    sdp.clear();  // An answer of before the UPDATE, said again.
  Progress progress{response.status(), std::move(sdp), std::string(response.to().tag()), reliable};
  tell([id = id_, progress = std::move(progress), response](UserAgentListener& listener) {
    listener.onProgress(id, progress, response);
  });
}

/// RFC 3262 section 4; what offers and answers may do there: RFC 6337 section 2.2.
void InviteSession::onReliableProvisional(EarlyDialog& fork, const Message& response, base::Instant now) {
  const std::string sdp = sdpOf(response);
  if (!caller_->call.sdp.empty()) {
    if (!sdp.empty() && !fork.answered) {
      fork.answered = true;
      fork.sdp = sdp;
      localOffer_ = false;
    }
  } else if (!sdp.empty() && !fork.offered && !activity().incoming) {
    fork.offered = true;
    takeOffer({}, OfferCarrier::provisional, sdp, now);
    activity().incoming->fork = fork.dialog.remoteTag;
    return;  // PRACK goes with our answer
  }
  sendPrack(fork, {}, now);
}

void InviteSession::sendPrack(EarlyDialog& fork, const std::string& sdp, base::Instant now) {
  Message prack = makeRequest(Method::prack, fork.dialog);
  prack.set(HeaderId::rack, RAck{fork.rseq, caller_->cseq, "INVITE"}.toString());
  if (!sdp.empty()) prack.setBody(sdp, "application/sdp");
  const Target hop = fork.dialog.hop;
  sendRequest(std::move(prack), hop, Pending::Purpose::prack, now);
}

/// An offer of this one's UPDATE is being answered: its first answer does not hold any more.
bool InviteSession::updates(const EarlyDialog& fork) const {
  return activity_ && activity_->incoming && activity_->incoming->carrier == OfferCarrier::update &&
         activity_->incoming->fork == fork.dialog.remoteTag;
}

void InviteSession::onInviteAccepted(const Message& response, const Source& source, base::Instant now) {
  CallerSetup& setup = *caller_;
  core_.onAuthorised(response, setup.request, {.target = setup.target});
  EarlyDialog* fork = forkOf(response, source);
  if (fork == nullptr) {
    core_.ackAndBye(setup.invite, response, setup.target, {}, now);
    return failCall(502, "sip.bad_answer", "the answer makes no dialog", now);
  }
  std::string sdp = sdpOf(response);
  const bool weOffered = !setup.call.sdp.empty();
  if (weOffered && (fork->answered || sdp.empty())) sdp = fork->sdp;
  if (sdp.empty() && !(!weOffered && fork->offered)) {
    core_.ackAndBye(setup.invite, response, setup.target, "SIP;cause=488;text=\"No session description\"",
                    now);
    return failCall(488, "sip.no_answer_sdp", "answered without a session description", now);
  }
  const bool theirOffer = !weOffered && !fork->offered;
  if ((!weOffered && fork->offered) || fork->changed || updates(*fork)) sdp.clear();
  state_.dialog = std::move(fork->dialog);
  if (!confirmDialog(state_.dialog, response)) state_.dialog.early = false;
  confirmAsCaller(response, std::move(sdp), theirOffer, now);
}

void InviteSession::confirmAsCaller(const Message& response, std::string sdp, bool theirOffer,
                                    base::Instant now) {
  CallerSetup& setup = *caller_;
  localOffer_ = false;
  setup.ringUntil = kNever;
  raises_ = 0;
  setup.forks.clear();
  setup.attempts.clear();
  // An offer that the phone made by UPDATE is answered in the call; one in a provisional response by nothing.
  if (activity_ && activity_->incoming && activity_->incoming->carrier != OfferCarrier::update)
    activity_->incoming.reset();
  dropLostOffer(now);
  state_.peerUpdates = response.lists(HeaderId::allow, "UPDATE");
  agreeAsClient(response, now);
  if (setup.minSe > core_.options.minSe) state_.minSe = setup.minSe;
  remember(setup.call.sdp, sdp);
  chooseHop(state_.dialog, Target(state_.dialog.hop));
  if (theirOffer) {
    phase_ = SessionPhase::answering;
    takeOffer(setup.invite, OfferCarrier::answer2xx, {}, now);
    activity().incoming->cseq = setup.cseq;
  } else {
    phase_ = SessionPhase::confirmed;
    sendAckOf2xx(setup.invite, setup.cseq, {}, now);
    caller_.reset();
    if (activity_ && activity_->idle()) activity_.reset();
  }
  tell([id = id_, sdp = std::move(sdp), response](UserAgentListener& listener) {
    listener.onAnswered(id, sdp, response);
  });
  changed();
  arm();
  if (phase_ == SessionPhase::confirmed) tryOffer(now);
}

void InviteSession::sendAckOf2xx(TransactionId invite, std::uint32_t cseq, const std::string& sdp,
                                 base::Instant now) {
  Message ack = dialogRequest(state_.dialog, Method::ack, cseq);
  core_.decorate(ack);
  if (!sdp.empty()) ack.setBody(sdp, "application/sdp");
  core_.layer.acknowledge(invite, std::move(ack), state_.dialog.hop, now);
}

void InviteSession::onInviteRefused(const Message& response, base::Instant now) {
  CallerSetup& setup = *caller_;
  const int status = response.status();
  setup.answered = status != 503 && status != 408;
  if (status == 401 || status == 407) {
    Asker asker{.target = setup.target};
    if (auto again = core_.authorise(response, setup.request, asker, setup.authTries)) {
      setup.target = std::move(asker.target);
      ++setup.authTries;
      again->setCSeq(++setup.cseq, Method::invite);
      setup.request = std::move(*again);
      return sendInvite(now);
    }
  }
  if (status == 422 && raiseInterval(response, now)) return;
  if (status >= 300 && status < 400 && followRedirect(response, now)) return;
  setup.lastStatus = status;
  setup.lastReason = reasonOfStatus(status);
  setup.lastText = response.phrase();
  // RFC 3263 section 4.3: a server that is not up to it, not a phone that does not want.
  if ((status == 503 || status == 408) && !setup.attempts.empty()) return tryNext(now);
  const auto reason = response.header(HeaderId::reason);
  if (reason) {
    const std::string text = textOfReason(*reason);
    if (!text.empty()) setup.lastText = text;
  }
  end({status, setup.lastReason, setup.lastText, std::string(reason.value_or(std::string_view{})), false},
      now);
}

/// RFC 4028 section 7.3.
bool InviteSession::raiseInterval(const Message& response, base::Instant now) {
  CallerSetup& setup = *caller_;
  const auto text = response.header(HeaderId::minSe);
  const auto least = text ? SessionExpires::parse(*text) : base::Result<SessionExpires>(SessionExpires{});
  if (!least || least->seconds <= setup.interval || least->seconds > 86'400 || raises_ >= kMaxRaises)
    return false;
  ++raises_;
  setup.interval = setup.minSe = least->seconds;
  ++setup.cseq;
  setup.request = makeInvite();
  sendInvite(now);
  return true;
}

/// RFC 3261 section 8.1.3.4. What the policy has nothing against is tried; if that is nothing, the call ends
/// as the policy says of the best of them. An address that is a name, and for which there is no Locator, is
/// asked of who redirected.
bool InviteSession::followRedirect(const Message& response, base::Instant now) {
  CallerSetup& setup = *caller_;
  if (setup.redirects >= core_.options.maxRedirects) return false;
  const auto contacts = redirectContacts(response, static_cast<std::size_t>(core_.options.maxTargets));
  if (contacts.empty()) return false;
  ++setup.redirects;
  setup.attempts.clear();
  setup.call.route.clear();
  const TransportKind kind = inheritedKind(setup.target.kind);
  std::optional<Onward> refused;
  Uri named;
  for (const Uri& contact : contacts) {
    Onward onward = core_.parts.redirects != nullptr ? core_.parts.redirects->onRedirect(id_, contact)
                                                     : Onward{.uri = contact};
    if (onward.status != 0) {
      if (!refused) refused = std::move(onward);
      continue;
    }
    for (Target& target : core_.inOrder(onward.targets, now))
      setup.attempts.push_back({onward.uri, std::move(target)});
    if (!onward.targets.empty()) continue;
    if (const auto literal = literalTarget(onward.uri, kind))
      setup.attempts.push_back({onward.uri, *literal});
    else if (core_.parts.locator == nullptr)
      setup.attempts.push_back({onward.uri, setup.target});
    else if (named.host.empty())
      named = onward.uri;
  }
  if (setup.attempts.empty() && !named.host.empty()) {
    setup.uri = named;
    if (named.scheme == UriScheme::sip && kind != TransportKind::udp && !named.params.has("transport"))
      named.params.set("transport", base::toLower(toString(kind)));
    findTargets(named, now);
  } else if (setup.attempts.empty() && refused) {
    end({refused->status, std::move(refused->reason), std::move(refused->text), {}, true}, now);
  } else {
    tryNext(now);
  }
  return true;
}

void InviteSession::failCall(int status, std::string_view reason, std::string text, base::Instant now) {
  if (text.empty()) text = phraseOf(status);
  const bool silent = !caller_->heard && caller_->redirects == 0;
  end({.status = status,
       .reason = std::string(reason),
       .text = std::move(text),
       .cause = {},
       .byUs = false,
       .silent = silent,
       .unheard = silent && !caller_->answered},
      now);
}

}  // namespace parley::sip
