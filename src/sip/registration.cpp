#include "sip/registration.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace parley::sip {
namespace {

using base::Instant;
using base::Millis;

constexpr std::size_t kMaxBindings = 256;  // Looked at in one response.
constexpr std::size_t kMaxServiceRoutes = 16;
constexpr std::size_t kMaxLeaving = 16;
constexpr std::uint32_t kLongestBinding =
    7 * 86'400;  // Seconds; what a registrar says beyond is not believed.
constexpr Millis kSoonestRefresh{1'000};
constexpr std::size_t kCallIdLength = 32;

std::optional<std::uint32_t> secondsOf(const Message& message, HeaderId id) {
  const auto value = message.header(id);
  return value ? secondsIn(*value) : std::nullopt;
}

std::vector<NameAddr> contactsOf(const Message& message) {
  std::vector<NameAddr> out;
  for (const auto text : message.list(HeaderId::contact)) {
    if (out.size() >= kMaxBindings) break;
    if (auto one = NameAddr::parse(text)) out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace

std::string_view toString(RegistrationPhase phase) {
  switch (phase) {
    case RegistrationPhase::idle:
      return "idle";
    case RegistrationPhase::registering:
      return "registering";
    case RegistrationPhase::registered:
      return "registered";
    case RegistrationPhase::waiting:
      return "waiting";
    case RegistrationPhase::unregistering:
      return "unregistering";
    case RegistrationPhase::stopped:
      return "stopped";
  }
  return {};
}

Registration::Registration(RegistrationOptions options, DigestClient& digest, base::Random& random)
    : options_(std::move(options)),
      digest_(digest),
      random_(random),
      target_(options_.registrar),
      expires_(options_.expires) {
  state_.callId = random_.alphanumeric(kCallIdLength);
}

// --- what the owner wants --------------------------------------------------------------------------------

void Registration::start(Instant now) {
  stopWanted_ = false;
  if (state_.phase == RegistrationPhase::unregistering) {
    startWanted_ = true;
    return;
  }
  if (state_.phase != RegistrationPhase::idle && state_.phase != RegistrationPhase::stopped) return;
  begin(now, false);
}

void Registration::refresh(Instant now) {
  const bool resting =
      state_.phase == RegistrationPhase::registered || state_.phase == RegistrationPhase::waiting;
  if (resting && !attempt_) begin(now, false);
}

void Registration::stop(Instant now) {
  startWanted_ = false;
  if (state_.phase == RegistrationPhase::stopped || state_.phase == RegistrationPhase::unregistering) return;
  if (givenUpAt_) {  // What it does is not known before its result.
    stopWanted_ = true;
    return;
  }
  attempt_.reset();
  ready_ = false;
  if (!registered(now)) {
    unbind();
    state_.phase = RegistrationPhase::stopped;
    return;
  }
  begin(now, true);
}

void Registration::setContacts(std::vector<OwnContact> contacts, Instant now) {
  for (OwnContact& old : options_.contacts) {
    const bool stays = std::any_of(contacts.begin(), contacts.end(),
                                   [&](const OwnContact& one) { return one.uri.equivalent(old.uri); });
    if (!stays && registered(now) && leaving_.size() < kMaxLeaving) leaving_.push_back(std::move(old));
  }
  std::erase_if(leaving_, [&](const OwnContact& old) {
    return std::any_of(contacts.begin(), contacts.end(),
                       [&](const OwnContact& one) { return one.uri.equivalent(old.uri); });
  });
  options_.contacts = std::move(contacts);
  if (state_.phase == RegistrationPhase::idle || state_.phase == RegistrationPhase::stopped) return;
  if (givenUpAt_) {
    state_.wakeAt = now;  // After the one that is under way.
    startWanted_ = true;
    return;
  }
  refresh(now);
}

void Registration::onFlowFailed(Instant now) {
  if (state_.phase != RegistrationPhase::registered) return;  // A try that is under way fails by itself.
  // With outbound the binding leads nowhere without its flow; otherwise the registrar can connect to us.
  if (state_.outbound) unbind();
  if (state_.failures == 0) {
    state_.reason = "sip.register_flow_failed";
    state_.text = "The connection to the registrar ended.";
    begin(now, false);
    // A flow that ends as soon as it is up must not be made anew in a loop: the next one waits, unless a
    // refresh comes first.
    ++state_.failures;
    return;
  }
  failed("sip.register_flow_failed", "The connection to the registrar ended again.", now);
}

// --- requests ----------------------------------------------------------------------------------------------

void Registration::begin(Instant now, bool removing) {
  attempt_ = Attempt{.removing = removing, .credentials = {}};
  state_.phase = removing ? RegistrationPhase::unregistering : RegistrationPhase::registering;
  again(now);
}

void Registration::again(Instant now) {
  if (++attempt_->rounds > kMaxRounds) {
    return failed("sip.register_rounds", "The registrar asks for the request again and again.", now);
  }
  ready_ = true;
}

std::optional<OutgoingRequest> Registration::poll(Instant now) {
  if (givenUpAt_ && now >= *givenUpAt_)
    onResult({.status = 408, .reason = "sip.timeout", .response = {}, .target = {}}, now);
  if (givenUpAt_) return std::nullopt;
  const bool resting =
      state_.phase == RegistrationPhase::registered || state_.phase == RegistrationPhase::waiting;
  if (!attempt_ && resting && now >= state_.wakeAt) begin(now, false);
  if (!attempt_ || !ready_) return std::nullopt;
  ready_ = false;
  ++state_.cseq;
  givenUpAt_ = now + 2 * options_.timeout;
  return build();
}

Instant Registration::nextTimer() const {
  if (givenUpAt_) return *givenUpAt_;
  if (attempt_ && ready_) return Instant::min();
  const bool resting =
      state_.phase == RegistrationPhase::registered || state_.phase == RegistrationPhase::waiting;
  return resting ? state_.wakeAt : Instant::max();
}

OutgoingRequest Registration::build() {
  const bool removing = attempt_->removing;
  OutgoingRequest request;
  request.method = "REGISTER";
  request.to = target_;
  request.from = options_.address;
  request.toHeader = options_.address;
  request.targets = options_.targets;
  request.route = options_.route;
  request.callId = state_.callId;
  request.cseq = state_.cseq;
  request.timeout = options_.timeout;
  for (const OwnContact& contact : leaving_) {
    request.headers.push_back({HeaderId::contact, {}, contactValue(contact, true)});
  }
  for (const OwnContact& contact : options_.contacts) {
    request.headers.push_back({HeaderId::contact, {}, contactValue(contact, removing)});
  }
  request.headers.push_back({HeaderId::expires, {}, std::to_string(removing ? 0 : expires_)});
  const bool outbound = options_.regId != 0 && !options_.instance.empty() && !outboundRefused_;
  std::string supported = "path";
  if (outbound) supported += ", outbound";
  if (options_.gruu && !options_.instance.empty()) supported += ", gruu";
  request.headers.push_back({HeaderId::supported, {}, supported});
  if (attempt_->credentials.empty()) {
    const std::string uri = target_.toString();
    attempt_->credentials = digest_.authorize({"REGISTER", uri, {}});
  }
  request.headers.insert(request.headers.end(), attempt_->credentials.begin(), attempt_->credentials.end());
  return request;
}

std::string Registration::contactValue(const OwnContact& contact, bool leaving) const {
  NameAddr value{{}, contact.uri, contact.params};
  if (!contact.q.empty() && !leaving) value.params.set("q", contact.q);
  if (!options_.instance.empty()) {
    value.params.setQuoted("+sip.instance", "<" + options_.instance + ">");
    if (options_.regId != 0 && !outboundRefused_) value.params.set("reg-id", std::to_string(options_.regId));
  }
  if (leaving) value.params.set("expires", "0");
  return value.toString();
}

// --- results
// ------------------------------------------------------------------------------------------------

void Registration::onResult(const RequestResult& result, Instant now) {
  if (!givenUpAt_ || !attempt_) return;
  // The answer to one that was given up already.
  if (result.response && result.response->cseq().number < state_.cseq) return;
  givenUpAt_.reset();
  if (result.response)
    state_.cseq = std::max(state_.cseq, std::min(result.response->cseq().number, state_.cseq + 16));
  state_.status = result.status;
  const int status = result.status;
  if (stopWanted_ && !attempt_->removing) {
    stopWanted_ = false;
    const bool bound = status / 100 == 2 || registered(now);
    if (bound) return begin(now, true);
    unbind();
    attempt_.reset();
    state_.phase = RegistrationPhase::stopped;
    return;
  }
  if (!result.response || status / 100 > 6) return onRefusal(result, now);
  const Message& response = *result.response;
  if (status / 100 == 2) return onSuccess(response, now);
  if (status == 401 || status == 407) return onChallenge(response, now);
  if (status == 423) return onInterval(response, now);
  if (status / 100 == 3) return onRedirect(response, now);
  if (status == 439 && options_.regId != 0 && !outboundRefused_) {
    outboundRefused_ = true;  // RFC 5626 section 11.6: the first hop cannot; a registration without it can.
    attempt_->credentials.clear();
    return again(now);
  }
  onRefusal(result, now);
}

void Registration::onSuccess(const Message& response, Instant now) {
  const std::string uri = target_.toString();
  if (const auto proof = digest_.onSuccess(response, {"REGISTER", uri, {}}, attempt_->credentials); !proof) {
    return failed(proof.error().reason, proof.error().text, now, {}, true);
  }
  if (attempt_->removing) {
    unbind();
    attempt_.reset();
    leaving_.clear();
    state_.phase = RegistrationPhase::stopped;
    state_.failures = 0;
    state_.reason.clear();
    state_.text.clear();
    if (startWanted_) {
      startWanted_ = false;
      begin(now, false);
    }
    return;
  }
  const std::uint32_t granted = grantedBy(response);
  if (granted == 0) {
    return failed("sip.register_not_bound",
                  "The registrar accepted, but our contact is not among its bindings.", now);
  }
  takeRoutes(response);
  leaving_.clear();
  attempt_.reset();
  state_.phase = RegistrationPhase::registered;
  // A flow that failed right before counts until it has lived for a while (RFC 5626 section 4.5): 120 s.
  const bool flowTrouble = state_.reason == "sip.register_flow_failed" && state_.failures > 0;
  if (!flowTrouble) state_.failures = 0;
  state_.reason.clear();
  state_.text.clear();
  state_.granted = granted;
  const Millis whole{std::int64_t{granted} * 1000};
  state_.expiresAt = now + whole;
  const auto part = Millis(std::llround(static_cast<double>(whole.count()) * (0.5 + 0.4 * chance())));
  state_.wakeAt = startWanted_ ? now : now + std::max(part, kSoonestRefresh);
  startWanted_ = false;
}

bool Registration::isOurs(const NameAddr& bound, const OwnContact& contact) const {
  if (bound.uri.equivalent(contact.uri)) return true;
  // With an instance the registrar keeps it by that and reg-id (RFC 5626 section 6), whatever else it
  // changes.
  if (options_.instance.empty()) return false;
  const auto instance = bound.params.get("+sip.instance");
  const auto regId = bound.params.get("reg-id");
  return instance && base::equalsIgnoreCase(*instance, "<" + options_.instance + ">") &&
         options_.regId != 0 && regId && *regId == std::to_string(options_.regId);
}

std::uint32_t Registration::grantedBy(const Message& response) {
  const auto bindings = contactsOf(response);
  const std::uint32_t usual = secondsOf(response, HeaderId::expires).value_or(expires_);
  std::uint32_t least = kLongestBinding;
  state_.publicGruu.clear();
  state_.temporaryGruu.clear();
  for (const OwnContact& contact : options_.contacts) {
    const auto at = std::find_if(bindings.begin(), bindings.end(),
                                 [&](const NameAddr& bound) { return isOurs(bound, contact); });
    if (at == bindings.end()) return 0;
    const auto own = at->params.get("expires");
    least = std::min(least, own ? secondsIn(*own).value_or(usual) : usual);
    if (state_.publicGruu.empty()) {
      state_.publicGruu = std::string(at->params.get("pub-gruu").value_or(std::string_view{}));
      state_.temporaryGruu = std::string(at->params.get("temp-gruu").value_or(std::string_view{}));
    }
  }
  return least;
}

void Registration::takeRoutes(const Message& response) {
  state_.serviceRoute.clear();
  for (const auto route : response.list(HeaderId::serviceRoute)) {
    if (state_.serviceRoute.size() >= kMaxServiceRoutes) break;
    if (NameAddr::parse(route)) state_.serviceRoute.emplace_back(route);
  }
  state_.outbound = options_.regId != 0 && !outboundRefused_ && response.lists(HeaderId::require, "outbound");
  state_.flowTimer = secondsOf(response, HeaderId::flowTimer).value_or(0);
}

void Registration::onChallenge(const Message& response, Instant now) {
  const std::string uri = target_.toString();
  auto credentials = digest_.answer(response, {"REGISTER", uri, {}}, attempt_->credentials);
  if (!credentials) return failed(credentials.error().reason, credentials.error().text, now, {}, true);
  attempt_->credentials = std::move(*credentials);
  again(now);
}

void Registration::onInterval(const Message& response, Instant now) {
  const std::uint32_t least = secondsOf(response, HeaderId::minExpires).value_or(0);
  if (attempt_->removing || least <= expires_ || least > options_.maxExpires) {
    return failed("sip.register_interval", "The registrar wants an interval that is out of our bounds.", now,
                  {}, true);
  }
  expires_ = least;
  attempt_->credentials.clear();
  again(now);
}

void Registration::onRedirect(const Message& response, Instant now) {
  if (++attempt_->redirects > options_.maxRedirects) {
    return failed("sip.register_redirects", "The registrar redirects too often.", now);
  }
  for (const NameAddr& contact : contactsOf(response)) {
    const bool fits = contact.uri.scheme == UriScheme::sips ||
                      (contact.uri.scheme == UriScheme::sip && options_.registrar.scheme != UriScheme::sips);
    if (!fits || contact.uri.equivalent(target_)) continue;
    target_ = contact.uri;
    target_.headers.clear();
    attempt_->credentials.clear();
    return again(now);
  }
  failed("sip.register_redirects", "The registrar redirects to nowhere.", now);
}

void Registration::onRefusal(const RequestResult& result, Instant now) {
  Millis atLeast{0};
  if (result.response) {
    if (const auto seconds = secondsOf(*result.response, HeaderId::retryAfter)) {
      atLeast = std::min(Millis{std::int64_t{*seconds} * 1000}, options_.retryMax);
    }
  }
  const std::string text = result.response
                               ? std::to_string(result.status) + " " + std::string(result.response->phrase())
                               : std::string("No answer from the registrar.");
  if (!result.response && result.status == 408) return failed("sip.register_timeout", text, now, atLeast);
  if (!result.response) return failed("sip.register_transport", text, now, atLeast);
  if (result.status == 408) return failed("sip.register_timeout", text, now, atLeast);
  // Refused for good, as far as the registrar knows: only a change on its side helps, so it is asked rarely.
  const bool lasting = result.status / 100 == 4 && result.status != 480 && result.status != 491;
  failed(result.status / 100 == 5 ? "sip.register_server" : "sip.register_refused", text, now, atLeast,
         lasting);
}

void Registration::failed(std::string reason, std::string text, Instant now, Millis atLeast, bool lasting) {
  const bool removing = attempt_ && attempt_->removing;
  attempt_.reset();
  ready_ = false;
  target_ = options_.registrar;
  state_.reason = std::move(reason);
  state_.text = std::move(text);
  ++state_.failures;
  if (stopWanted_ || removing) {
    // What is left expires at the registrar.
    stopWanted_ = false;
    unbind();
    state_.phase = RegistrationPhase::stopped;
    if (startWanted_) {
      startWanted_ = false;
      begin(now, false);
    }
    return;
  }
  startWanted_ = false;
  state_.phase = RegistrationPhase::waiting;
  Millis wait =
      lasting ? Millis(std::llround(static_cast<double>(options_.retryMax.count()) * (0.5 + 0.5 * chance())))
              : backoff();
  wait = std::max(wait, atLeast);
  state_.wakeAt = now + wait;
}

Millis Registration::backoff() {
  const Millis first = otherFlowUp_ ? options_.retryBaseOtherUp : options_.retryBase;
  const int doublings = std::min(state_.failures, 20);
  const double most = std::min(static_cast<double>(options_.retryMax.count()),
                               static_cast<double>(first.count()) * std::ldexp(1.0, doublings));
  return Millis(std::llround(most * (0.5 + 0.5 * chance())));
}

double Registration::chance() { return static_cast<double>(random_.u32()) / 4294967295.0; }

void Registration::unbind() {
  state_.expiresAt = {};
  state_.granted = 0;
  state_.serviceRoute.clear();
  state_.outbound = false;
  state_.flowTimer = 0;
  state_.publicGruu.clear();
  state_.temporaryGruu.clear();
}

}  // namespace parley::sip
