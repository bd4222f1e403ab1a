#include "gateway/sip_phones.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "gateway/destinations.h"
#include "gateway/internal_log.h"
#include "gateway/internal_phone_leg.h"
#include "gateway/sip_call_headers.h"

namespace parley::gateway {
namespace {

constexpr int kDecline = 603;
constexpr std::size_t kMaxTrace = 160;
constexpr std::size_t kLegIdLength = 12;
constexpr char kSavedSeparator = '\n';

}  // namespace

/// Counts what leaves, and says whom it is meant for.
class SipPhones::CountingTransport final : public sip::Transport {
 public:
  CountingTransport(sip::Transport& inner, SipPhones& phones) : inner_(inner), phones_(phones) {}
  void send(std::string bytes, const sip::Target& target, sip::SendToken token) override {
    ++phones_.messagesOut_;
    inner_.send(std::move(bytes), phones_.named(target), token);
  }
  bool takeBack(const sip::Target& target, sip::SendToken token) override {
    return inner_.takeBack(phones_.named(target), token);
  }
  std::string sentBy(const sip::Target& target) const override { return inner_.sentBy(target); }

 private:
  sip::Transport& inner_;
  SipPhones& phones_;
};

SipPhones::SipPhones(net::EventLoop& loop, sip::Transport& transport, base::Random& random, Locate locate,
                     sip::UserAgentOptions agent, SipPhonesOptions options, sip::Authenticator* authenticator)
    : loop_(loop),
      random_(random),
      locate_(std::move(locate)),
      options_(std::move(options)),
      transport_(std::make_unique<CountingTransport>(transport, *this)),
      trunks_(random, options_.times),
      timer_(loop),
      pingTimer_(loop) {
  strangerCount_ = base::Metrics::instance().counter("parley_sip_strangers_total",
                                                     "Requests of addresses that may not call.");
  for (std::size_t i = 0; i < sip::kRefusals; ++i) {
    refusalCounters_[i] = base::Metrics::instance().counter(
        "parley_sip_refused_total", "SIP messages that went no further or were answered with an error.",
        {{"reason", std::string(toString(static_cast<sip::Refusal>(i)))}});
  }
  agent.takesMessages = agent.takesSubscriptions = false;  // There is nobody to show them to.
  agent_ = std::make_unique<sip::UserAgent>(
      std::move(agent), sip::UserAgentParts{*transport_, random, *this, this, authenticator, this, this});
  agent_->setCallTimes(options_.callTimes);
}

SipPhones::~SipPhones() = default;

void SipPhones::start() {
  trunks_.setServers(options_.servers, loop_.now());
  schedulePings();
}

void SipPhones::setOptions(SipPhonesOptions options) {
  affinity_.assertHere();
  options_ = std::move(options);
  agent_->setCallTimes(options_.callTimes);
  trunks_.setTimes(options_.times, loop_.now());
  trunks_.setServers(options_.servers, loop_.now());
  std::erase_if(trunkAddresses_, [this](const auto& each) {
    return std::ranges::find(options_.servers, each.first) == options_.servers.end();
  });
  schedulePings();
}

void SipPhones::receive(sip::Message message, const sip::Source& source) {
  affinity_.assertHere();
  ++messagesIn_;
  // The name is kept with a dialog that comes of it, also over a restart.
  sip::Source from = source;
  if (std::string name = nameOfServer(source); !name.empty()) from.peerName = std::move(name);
  agent_->receive(std::move(message), from, loop_.now());
  arm();
}

bool SipPhones::onMalformed(const sip::ParseFailure& failure, const sip::Source& source) {
  affinity_.assertHere();
  // Without a readable head there is nothing that could be admitted; whoever scans us is a stranger all the
  // same.
  if (!failure.head && !mayCall(source.remote)) noteStranger(source, "no SIP");
  const bool answer = agent_->onMalformed(failure, source);
  countRefusals();
  return answer;
}

void SipPhones::onSendFailed(sip::SendToken token, std::string_view reason) {
  agent_->onSendFailed(token, reason, loop_.now());
  arm();
}

void SipPhones::locate(sip::LocateId id, const sip::Uri& uri) {
  locate_(uri, guard_.wrap([this, id](std::vector<sip::Target> targets) {
    agent_->onLocated(id, std::move(targets), loop_.now());
    arm();
  }));
}

void SipPhones::arm() {
  countRefusals();
  const base::Instant next = agent_->nextTimer();
  if (next == base::Instant::max()) return timer_.stop();
  const base::Instant now = loop_.now();
  timer_.start(next <= now ? base::Millis{0} : std::chrono::ceil<base::Millis>(next - now), [this] {
    agent_->onTimer(loop_.now());
    arm();
  });
}

// --- outgoing ----------------------------------------------------------------------------------------------

void SipPhones::invite(const PhoneInvite& invite) {
  affinity_.assertHere();
  if (legs_.contains(invite.leg)) return;
  if (legs_.size() >= options_.maxLegs) {
    return failLater(invite.leg, kServiceUnavailable, "sip.too_many_calls", "Too many calls with phones.");
  }
  auto made = std::make_unique<Leg>(invite.leg);
  made->invite = invite;
  made->servers = trunks_.order();
  Leg& leg = *made;
  legs_.emplace(invite.leg, std::move(made));
  if (leg.servers.empty()) {
    return failLater(invite.leg, kServiceUnavailable, "sip.no_trunk",
                     "No outbound SIP server is configured.");
  }
  tryServer(leg);
}

void SipPhones::failLater(const std::string& leg, int status, std::string reason, std::string text) {
  const bool held = legs_.contains(leg);
  loop_.post(guard_.wrap([this, leg, held, status, reason = std::move(reason), text = std::move(text)] {
    Leg* found = find(leg);
    if (held && found == nullptr) return;  // Hung up meanwhile.
    if (held) forget(*found);
    if (listener_ != nullptr) listener_->onPhoneFailed(leg, status, reason, text);
  }));
}

void SipPhones::tryServer(Leg& leg) {
  leg.server = leg.servers.front();
  leg.servers.erase(leg.servers.begin());
  leg.heard = false;
  const unsigned generation = ++leg.generation;
  const auto uri = sip::Uri::parse(leg.server);
  if (!uri) return serverFailed(leg, kServiceUnavailable, "sip.bad_uri", "The server's address is wrong.");
  locate_(*uri, guard_.wrap([this, id = leg.id, generation](std::vector<sip::Target> targets) {
    Leg* found = find(id);
    if (found == nullptr || found->generation != generation) return;
    callServer(*found, std::move(targets));
    arm();
  }));
}

void SipPhones::callServer(Leg& leg, std::vector<sip::Target> targets) {
  if (targets.empty()) {
    return serverFailed(leg, kServiceUnavailable, "sip.unresolved", "The server's name leads nowhere.");
  }
  remember(leg.server, targets);
  leg.serverAddress = shown(targets.front().address);
  const auto uri = sip::Uri::parse(leg.server);
  leg.session = agent_->invite(outgoing(leg, *uri, std::move(targets)), loop_.now());
  bySession_[leg.session] = &leg;
}

sip::OutgoingCall SipPhones::outgoing(const Leg& leg, const sip::Uri& server,
                                      std::vector<sip::Target> targets) const {
  const std::string domain = domainTowards(targets);
  sip::OutgoingCall call;
  call.to = calledUri(leg.invite.destination, server, options_.rewriteUris);
  PhoneInvite invite = leg.invite;
  if (invite.fromAddress.empty()) invite.fromAddress = options_.callerWithoutNumber;
  call.from = callerAddress(invite.fromName, invite.fromAddress, domain);
  call.targets = std::move(targets);
  call.targetTimeout = options_.times.server;
  call.sdp = leg.invite.sdp;
  call.headers = callHeaders(invite, domain);
  call.replaces = leg.invite.replaces;
  if (const Leg* replaced = find(leg.invite.replacesLeg)) call.replacesSession = replaced->session;
  if (!leg.invite.referredByLeg.empty()) call.referredBy = call.from.toString();
  return call;
}

std::string SipPhones::domainTowards(const std::vector<sip::Target>& targets) const {
  if (!options_.domain.empty()) return options_.domain;
  std::string sentBy = transport_->sentBy(targets.front());
  const auto colon = sentBy.rfind(':');
  const bool port = colon != std::string::npos && sentBy.find(']', colon) == std::string::npos;
  return port ? sentBy.substr(0, colon) : sentBy;
}

/// In what is said in a call that is there. Empty: nobody knows where its server is.
std::string SipPhones::domainOf(const Leg& leg) const {
  const auto found = trunkAddresses_.find(leg.server);
  if (found == trunkAddresses_.end() || found->second.now.empty()) return options_.domain;
  return domainTowards(found->second.now);
}

/// The server tried last is of no use, and that counts against it.
void SipPhones::serverFailed(Leg& leg, int status, const std::string& reason, const std::string& text) {
  noteAddresses(leg.server);
  trunks_.onRequest(leg.server,
                    {.status = status == kServiceUnavailable && reason == "sip.answered" ? status : 0,
                     .reason = reason,
                     .rttMs = {},
                     .address = leg.serverAddress,
                     .again = leg.heard},
                    loop_.now(), base::wallNow());
  schedulePings();
  nextServer(leg, status, reason, text);
}

/// The next one, or the end.
void SipPhones::nextServer(Leg& leg, int status, const std::string& reason, const std::string& text) {
  if (!leg.servers.empty()) return tryServer(leg);
  const std::string id = leg.id;
  const bool answered = reason == "sip.answered";
  failLater(id, status, answered ? "sip.unavailable" : "sip.trunk_down", text);
}

// --- what the gateway asks ---------------------------------------------------------------------------------

void SipPhones::ring(const std::string& leg, const std::string& sdp) {
  if (const Leg* found = find(leg)) agent_->ring(found->session, sdp, loop_.now());
  arm();
}

void SipPhones::answer(const std::string& leg, const std::string& sdp) {
  if (const Leg* found = find(leg)) agent_->answer(found->session, sdp, loop_.now());
  arm();
}

void SipPhones::reject(const std::string& leg, int status, const std::string& text) {
  Leg* found = find(leg);
  if (found == nullptr) return;
  agent_->reject(found->session, status, loop_.now(), refusalHeaders(status, text));
  forget(*found);
  arm();
}

void SipPhones::hangUp(const std::string& leg, EndReason reason) {
  Leg* found = find(leg);
  if (found == nullptr) return;
  if (found->session != sip::SessionId{}) agent_->hangUp(found->session, reasonValue(reason), loop_.now());
  forget(*found);
  arm();
}

void SipPhones::offer(const PhoneOffer& offer) {
  if (const Leg* found = find(offer.leg)) {
    PhoneOffer told = offer;
    if (told.fromAddress.empty()) told.fromAddress = options_.callerWithoutNumber;
    agent_->offer(found->session, offer.sdp, loop_.now(), offerHeaders(told, domainOf(*found)));
  }
  arm();
}

void SipPhones::answerOffer(const std::string& leg, const std::string& sdp) {
  if (const Leg* found = find(leg)) agent_->answerOffer(found->session, sdp, loop_.now());
  arm();
}

void SipPhones::refuseOffer(const std::string& leg, int status) {
  if (const Leg* found = find(leg)) agent_->refuseOffer(found->session, status, loop_.now());
  arm();
}

void SipPhones::sendDtmf(const std::string& leg, const std::string& digits) {
  constexpr std::uint32_t kToneMillis = 160;
  const Leg* found = find(leg);
  if (found == nullptr) return;
  for (const char digit : digits) agent_->sendDtmf(found->session, {digit, kToneMillis}, loop_.now());
  arm();
}

void SipPhones::refer(const PhoneRefer& asked) {
  const Leg* found = find(asked.leg);
  if (found == nullptr) return;
  const auto server = sip::Uri::parse(found->server);
  sip::OutgoingRefer refer;
  refer.target =
      calledUri(asked.target, server.value_or(sip::Uri{}), options_.rewriteUris && server.has_value());
  refer.targetHeaders = contextHeaders(asked.uui, asked.uuiElement, asked.correlationId);
  if (const Leg* replaced = find(asked.replacesLeg)) refer.replacesSession = replaced->session;
  agent_->refer(found->session, refer, loop_.now());
  arm();
}

void SipPhones::referProgress(const std::string& leg, int status) {
  if (const Leg* found = find(leg)) agent_->referProgress(found->session, status, loop_.now());
  arm();
}

std::string SipPhones::save(const std::string& leg) const {
  const Leg* found = find(leg);
  if (found == nullptr) return {};
  std::string saved = agent_->save(found->session);
  return saved.empty() ? saved : found->server + kSavedSeparator + saved;
}

bool SipPhones::restore(const std::string& leg, const std::string& saved) {
  const auto separator = saved.find(kSavedSeparator);
  if (separator == std::string::npos || legs_.contains(leg)) return false;
  const auto session = agent_->restore(std::string_view(saved).substr(separator + 1), loop_.now());
  if (!session) return false;
  auto made = std::make_unique<Leg>(leg);
  made->session = *session;
  made->server = saved.substr(0, separator);
  made->heard = true;
  bySession_[*session] = made.get();
  legs_.emplace(leg, std::move(made));
  arm();
  return true;
}

void SipPhones::shutDown() {
  agent_->shutDown(loop_.now());
  bySession_.clear();
  legs_.clear();
  arm();
}

// --- what the user agent tells -----------------------------------------------------------------------------

void SipPhones::onCall(const sip::IncomingCall& call) {
  if (listener_ == nullptr || legs_.size() >= options_.maxLegs) {
    return agent_->reject(call.session, kServiceUnavailable, loop_.now(),
                          refusalHeaders(kServiceUnavailable, {}));
  }
  const std::string id = "p" + random_.alphanumeric(kLegIdLength);
  auto made = std::make_unique<Leg>(id);
  made->session = call.session;
  made->heard = true;
  made->server = serverAt(call.source.remote);
  bySession_[call.session] = made.get();
  IncomingPhoneCall incoming = incomingCall(call.request);
  incoming.leg = id;
  incoming.sdp = call.sdp;
  incoming.trunk = made->server.empty() ? shown(call.source.remote) : made->server;
  if (call.replacesSession) {
    if (const Leg* replaced = find(*call.replacesSession)) incoming.replacesLeg = replaced->id;
  }
  legs_.emplace(id, std::move(made));
  listener_->onPhoneCall(incoming);
}

void SipPhones::onReached(sip::SessionId session, const sip::Target& target) {
  Leg* leg = find(session);
  if (leg == nullptr || leg->heard) return;
  leg->heard = true;
  leg->serverAddress = shown(target.address);
  noteAddresses(leg->server);
  trunks_.onRequest(leg->server, {.status = 100, .reason = {}, .rttMs = {}, .address = leg->serverAddress},
                    loop_.now(), base::wallNow());
}

void SipPhones::onProgress(sip::SessionId session, const sip::Progress& progress, const sip::Message&) {
  if (Leg* leg = find(session)) listener_->onPhoneProgress(leg->id, progress.status, progress.sdp);
}

void SipPhones::onAnswered(sip::SessionId session, const std::string& sdp, const sip::Message&) {
  Leg* leg = find(session);
  if (leg == nullptr) return;
  leg->servers.clear();
  leg->invite = {};
  listener_->onPhoneAnswered(leg->id, sdp);
}

void SipPhones::onConfirmed(sip::SessionId session, const std::string& sdp) {
  const Leg* leg = find(session);
  if (leg != nullptr && !sdp.empty()) listener_->onPhoneOfferAnswered(leg->id, sdp);
}

void SipPhones::onOffer(sip::SessionId session, const std::string& sdp) {
  if (const Leg* leg = find(session)) listener_->onPhoneOffer(leg->id, sdp);
}

void SipPhones::onOfferAnswered(sip::SessionId session, const std::string& sdp) {
  if (const Leg* leg = find(session)) listener_->onPhoneOfferAnswered(leg->id, sdp);
}

void SipPhones::onOfferFailed(sip::SessionId session, int status, const std::string& reason) {
  if (const Leg* leg = find(session)) listener_->onPhoneOfferFailed(leg->id, status, reason);
}

void SipPhones::onDtmf(sip::SessionId session, const sip::DtmfSignal& signal) {
  if (const Leg* leg = find(session)) listener_->onPhoneDtmf(leg->id, std::string(1, signal.digit));
}

void SipPhones::onSessionMessage(sip::SessionId, const sip::Message&) {}

void SipPhones::onRefer(const sip::IncomingRefer& refer) {
  const Leg* leg = find(refer.session);
  if (leg == nullptr) return;
  std::string replacesLeg;
  if (refer.replacesSession) {
    if (const Leg* replaced = find(*refer.replacesSession)) replacesLeg = replaced->id;
  }
  listener_->onPhoneRefer(leg->id, refer.target.uri.toString(), refer.replaces, replacesLeg);
}

void SipPhones::onReferProgress(sip::SessionId session, int status, bool) {
  if (const Leg* leg = find(session)) listener_->onReferProgress(leg->id, status);
}

void SipPhones::onEnded(sip::SessionId session, const sip::Ending& ending) {
  Leg* leg = find(session);
  if (leg == nullptr) return;
  const bool calling = !leg->invite.leg.empty();
  if (calling) {
    bySession_.erase(session);
    leg->session = {};
    // Neither our own full tables (byUs) nor whoever a redirect leads to says anything about the server.
    const bool failed = ending.unheard || ending.status == kServiceUnavailable;
    if ((failed || ending.silent) && !ending.byUs && !ending.redirected) {
      const std::string& reason = ending.reason == "sip.server_unavailable" ? "sip.answered" : ending.reason;
      const int status = ending.status == 0 ? kServiceUnavailable : ending.status;
      // A server that asked for credentials and then said nothing is there; the call goes on all the same.
      return failed ? serverFailed(*leg, status, reason, ending.text)
                    : nextServer(*leg, status, reason, ending.text);
    }
  }
  const std::string id = leg->id;
  forget(*leg);
  if (calling) {
    listener_->onPhoneFailed(id, ending.status == 0 ? kDecline : ending.status, ending.reason, ending.text);
  } else {
    listener_->onPhoneEnded(id, ending.reason, ending.text);
  }
}

void SipPhones::onChanged(sip::SessionId session) {
  if (const Leg* leg = find(session)) listener_->onPhoneChanged(leg->id);
}

void SipPhones::onTrace(sip::SessionId session, bool outgoing, const std::string& what) {
  const Leg* leg = find(session);
  if (leg == nullptr) return;
  listener_->onPhoneTrace(leg->id, outgoing, base::printable(what, kMaxTrace), "{}");
}

bool SipPhones::onRequest(sip::RequestId, const sip::Message&, const sip::Source&) { return false; }

// --- tables ------------------------------------------------------------------------------------------------

SipPhones::Leg* SipPhones::find(const std::string& leg) {
  const auto found = legs_.find(leg);
  return found == legs_.end() ? nullptr : found->second.get();
}

const SipPhones::Leg* SipPhones::find(const std::string& leg) const {
  const auto found = legs_.find(leg);
  return found == legs_.end() ? nullptr : found->second.get();
}

SipPhones::Leg* SipPhones::find(sip::SessionId session) {
  const auto found = bySession_.find(session);
  return found == bySession_.end() ? nullptr : found->second;
}

void SipPhones::forget(Leg& leg) {
  bySession_.erase(leg.session);
  legs_.erase(leg.id);
}

}  // namespace parley::gateway
