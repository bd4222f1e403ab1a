#include "sip/agent_core.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "sip/address_text.h"
#include "sip/invite_session.h"
#include "sip/multipart.h"
#include "sip/request_desk.h"
#include "sip/subscription_desk.h"

namespace parley::sip {
namespace {

/// An INVITE has so long for its final response after the call was given up.
constexpr base::Millis kAfterRinging{60'000};

TransactionOptions transactionOptions(const UserAgentOptions& options) {
  TransactionOptions out;
  out.t1 = options.t1;
  out.t2 = options.t2;
  out.t4 = options.t4;
  out.longestInvite = options.ringTimeout + kAfterRinging;
  out.maxTransactions = options.maxTransactions;
  out.udpMaxBytes = options.udpMaxBytes;
  return out;
}

std::string allowOf(const UserAgentOptions& options) {
  std::string allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY";
  if (options.takesSubscriptions) allow += ", SUBSCRIBE";
  if (options.takesMessages) allow += ", MESSAGE";
  return allow;
}

}  // namespace

AgentCore::AgentCore(UserAgentOptions o, UserAgentParts p)
    : options(std::move(o)),
      parts(p),
      allow(allowOf(options)),
      layer(transactionOptions(options), parts.transport, parts.random, timers, refusals),
      requests(std::make_unique<RequestDesk>(*this)),
      subscriptions(std::make_unique<SubscriptionDesk>(*this)),
      hash_(parts.random),
      byTag_(16, hash_) {}

AgentCore::~AgentCore() = default;

void AgentCore::setCallTimes(const CallTimes& times) {
  options.ringTimeout = times.ringTimeout;
  options.sessionExpires = times.sessionExpires;
  options.minSe = times.minSe;
  layer.setLongestInvite(times.ringTimeout + kAfterRinging);
}

void AgentCore::deliver() {
  if (delivering_) return;  // an operation inside of an event: the loop below goes on
  delivering_ = true;
  for (;;) {
    for (const SessionId id : std::exchange(touched_, {})) {
      InviteSession* session = find(id);
      if (session == nullptr) continue;
      session->settle();
      emit([id](UserAgentListener& listener) { listener.onChanged(id); });
    }
    if (events_.empty()) break;
    const Event event = std::move(events_.front());
    events_.pop_front();
    event(parts.listener);
    sweep();
  }
  delivering_ = false;
}

InviteSession* AgentCore::find(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

InviteSession* AgentCore::findByTag(std::string_view localTag) {
  const auto found = byTag_.find(localTag);
  return found == byTag_.end() ? nullptr : found->second;
}

InviteSession& AgentCore::add(std::unique_ptr<InviteSession> session) {
  InviteSession& added = *session;
  byTag_.emplace(added.localTag(), &added);
  sessions_.emplace(added.id(), std::move(session));
  return added;
}

void AgentCore::retire(InviteSession& session) {
  const auto found = sessions_.find(session.id());
  if (found == sessions_.end()) return;
  timers.disarm(session);
  stopLocating({.kind = Owner::Kind::session, .id = session.id().value()});
  byTag_.erase(session.localTag());
  retired_.push_back(std::move(found->second));
  sessions_.erase(found);
}

void AgentCore::sweep() { retired_.clear(); }

void AgentCore::touch(InviteSession& session) { touched_.push_back(session.id()); }

std::vector<SessionId> AgentCore::sessionIds() const {
  std::vector<SessionId> ids;
  ids.reserve(sessions_.size());
  for (const auto& entry : sessions_) ids.push_back(entry.first);
  return ids;
}

TransactionId AgentCore::send(const Message& request, const Target& target, Owner owner, base::Instant now,
                              std::optional<base::Millis> firstResponse) {
  const TransactionId id = layer.request(request, target, now, firstResponse);
  if (id != TransactionId{}) own(id, owner);
  return id;
}

std::optional<Owner> AgentCore::ownerOf(TransactionId id) const {
  const auto found = owners_.find(id);
  return found == owners_.end() ? std::nullopt : std::optional(found->second);
}

void AgentCore::noteCSeq(TransactionId invite, std::uint32_t cseq) {
  const auto found = owners_.find(invite);
  if (found != owners_.end()) found->second.cseq = std::max(found->second.cseq, cseq);
}

std::uint32_t AgentCore::lastCSeq(TransactionId invite) const {
  const auto found = owners_.find(invite);
  return found == owners_.end() ? 0 : found->second.cseq;
}

void AgentCore::ackAndBye(TransactionId invite, const Message& response, const Target& hop,
                          const std::string& reason, base::Instant now) {
  auto dialog = dialogOfResponse(response, hop, false);
  if (!dialog) {  // without a Contact there is only the address that it calls itself
    Message repaired = response;
    repaired.remove(HeaderId::recordRoute);
    NameAddr contact;
    contact.uri = response.to().uri;
    repaired.set(HeaderId::contact, contact.toString());
    dialog = dialogOfResponse(repaired, hop, false);
    if (!dialog) return;
    dialog->hop = hop;
  }
  Message ack = dialogRequest(*dialog, Method::ack, response.cseq().number);
  decorate(ack);
  layer.acknowledge(invite, std::move(ack), dialog->hop, now);
  dialog->localCSeq = std::max(dialog->localCSeq, lastCSeq(invite));
  Message bye = dialogRequest(*dialog, Method::bye);
  if (!reason.empty()) bye.add(HeaderId::reason, reason);
  sendLast(std::move(bye), *dialog, now);
}

void AgentCore::sendLast(Message request, const DialogState& dialog, base::Instant now) {
  decorate(request);
  requests->sendSilently(std::move(request), dialog, now);
}

std::optional<Message> AgentCore::authorise(const Message& challenge, const Message& request, Asker& from,
                                            int tries) {
  if (parts.authenticator == nullptr || tries >= kMaxAuthTries) return std::nullopt;
  return parts.authenticator->answer(challenge, request, from);
}

void AgentCore::preauthorise(Message& request, const Asker& to) {
  if (parts.authenticator != nullptr) parts.authenticator->authorize(request, to);
}

void AgentCore::onAuthorised(const Message& response, const Message& request, const Asker& from) {
  if (parts.authenticator != nullptr) parts.authenticator->onSuccess(response, request, from);
}

std::string AgentCore::contact(const std::string& user, const Target& target, bool secure) const {
  const std::string& name = user.empty() ? options.contactUser : user;
  std::string text = secure ? "<sips:" : "<sip:";
  if (!name.empty()) text.append(name).append(1, '@');
  text += parts.transport.sentBy(target);
  if (target.kind != TransportKind::udp && !(secure && target.kind == TransportKind::tls))
    text.append(";transport=").append(base::toLower(toString(target.kind)));
  return text.append(1, '>');
}

void AgentCore::decorate(Message& message) const {
  if (!options.product.empty())
    message.set(message.isRequest() ? HeaderId::userAgent : HeaderId::server, options.product);
}

Message AgentCore::responseTo(TransactionId id, int status, std::string_view tag) const {
  const Message* request = layer.requestOf(id);
  PARLEY_DCHECK(request != nullptr);
  Message response = Message::responseTo(*request, status, tag.empty() ? layer.localTag(id) : tag);
  decorate(response);
  return response;
}

void AgentCore::addHeaders(Message& message, const Headers& headers) {
  for (const Header& header : headers) {
    if (header.id == HeaderId::other)
      message.add(header.name, header.value);
    else
      message.add(header.id, header.value);
  }
}

void AgentCore::answer(TransactionId id, int status, base::Instant now, const Headers& extra) {
  if (layer.requestOf(id) == nullptr) return;
  Message response = responseTo(id, status);
  if (status == 405 || status == 501) response.set(HeaderId::allow, allow);
  if (status == 415) {
    const bool own =
        std::ranges::any_of(extra, [](const Header& each) { return each.id == HeaderId::accept; });
    if (!own) response.set(HeaderId::accept, std::string(kAccept));
    response.add("Accept-Encoding", "identity");
  }
  addHeaders(response, extra);
  layer.respond(id, response, now);
}

bool AgentCore::checkExtensions(TransactionId id, const Message& request, base::Instant now) {
  std::string unknown;
  for (const std::string_view tag : request.list(HeaderId::require)) {
    const bool known = base::equalsIgnoreCase(tag, "100rel") || base::equalsIgnoreCase(tag, "timer") ||
                       base::equalsIgnoreCase(tag, "replaces") || base::equalsIgnoreCase(tag, "norefersub");
    if (!known) unknown.append(unknown.empty() ? "" : ", ").append(tag);
  }
  if (unknown.empty()) return true;
  refuse(Refusal::badExtension);
  answer(id, 420, now, {{HeaderId::unsupported, {}, unknown}});
  return false;
}

bool AgentCore::checkBody(TransactionId id, const Message& request, base::Instant now) {
  if (request.body().empty()) return true;
  int status = 0;
  const auto encoding = request.header(HeaderId::contentEncoding);
  const auto disposition = request.header(HeaderId::contentDisposition);
  const bool optional = disposition && disposition->find("handling=optional") != std::string_view::npos;
  if (request.body().size() > options.maxBodyBytes)
    status = 413;
  else if (encoding && !base::equalsIgnoreCase(*encoding, "identity"))  // NOLINT(bugprone-branch-clone)
    status = 415;
  else if (const std::string type = request.contentType(); isMultipart(type))
    status = optional ? 0 : findSdp(*request.header(HeaderId::contentType), request.body()).status;
  else if (type != "application/sdp" && !optional)
    status = 415;  // NOLINT(bugprone-branch-clone): another question.
  if (status == 0) return true;
  refuse(Refusal::badBody);
  answer(id, status, now);
  return false;
}

bool AgentCore::locate(const Uri& uri, Owner owner) {
  if (parts.locator == nullptr) return false;
  const LocateId id{newId()};
  locating_.emplace(id, owner);
  parts.locator->locate(id, uri);
  return true;
}

std::optional<Owner> AgentCore::takeLocating(LocateId id) {
  const auto found = locating_.find(id);
  if (found == locating_.end()) return std::nullopt;
  const Owner owner = found->second;
  locating_.erase(found);
  return owner;
}

void AgentCore::stopLocating(Owner owner) {
  if (locating_.empty()) return;
  std::erase_if(locating_, [&](const auto& entry) {
    return entry.second.kind == owner.kind && entry.second.id == owner.id;
  });
}

std::deque<Target> AgentCore::inOrder(const std::vector<Target>& targets, base::Instant now) const {
  std::deque<Target> out;
  TargetWalk walk(targets, dead_, now);
  while (out.size() < static_cast<std::size_t>(options.maxTargets)) {
    const Target* target = walk.next();
    if (target == nullptr) break;
    out.push_back(*target);
  }
  return out;
}

void AgentCore::onSilent(const Target& target, base::Instant now) {
  dead_.mark(target, now + options.deadTargetTime);
}

/// RFC 3261 section 21.5.4: a 503 that says when to come back is believed, one that does not is a refusal
/// like others.
void AgentCore::onHeard(const Target& target, const Message& response, base::Instant now) {
  if (response.status() == 503) {
    const auto text = response.header(HeaderId::retryAfter);
    if (const auto wait = text ? secondsIn(*text) : std::nullopt)
      return dead_.mark(target, now + std::min<base::Millis>(std::chrono::seconds{*wait}, kMaxDeadTime));
  }
  dead_.clear(target);
}

std::string sdpOf(const Message& message) {
  const std::string type = message.contentType();
  if (isMultipart(type)) return findSdp(*message.header(HeaderId::contentType), message.body()).sdp;
  return type == "application/sdp" ? message.body() : std::string();
}

std::optional<std::uint32_t> expiresOf(const Message& invite) {
  const auto text = invite.header(HeaderId::expires);
  return text ? secondsIn(*text) : std::nullopt;
}

std::string_view reasonOfStatus(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return "sip.forbidden";
    case 404:
    case 410:
    case 484:
    case 485:
    case 604:
      return "sip.not_found";
    case 408:
      return "sip.timeout";
    case 415:
    case 488:
    case 606:
      return "sip.not_acceptable";
    case 420:
    case 421:
      return "sip.bad_extension";
    case 480:
      return "sip.unavailable";
    case 481:
      return "sip.dialog_lost";
    case 482:
    case 483:
      return "sip.loop";
    case 486:
    case 600:
      return "sip.busy";
    case 487:
      return "sip.cancelled";
    case 491:
      return "sip.glare";
    case 502:
    case 503:
    case 504:
      return "sip.server_unavailable";
    case 603:
    case 607:
    case 608:
      return "sip.declined";
    default:
      break;
  }
  if (status >= 300 && status < 400) return "sip.redirected";
  return status >= 500 && status < 600 ? "sip.server_error" : "sip.refused";
}

std::string withReason(std::string_view what, const Message& request) {
  const auto reason = request.header(HeaderId::reason);
  const std::string text = reason ? textOfReason(*reason) : std::string();
  return text.empty() ? std::string(what) : std::string(what) + " (" + text + ")";
}

std::string textOfReason(std::string_view reason) {
  const auto parsed = TokenValue::parse(reason);
  if (!parsed) return {};
  if (const auto text = parsed->params.get("text")) return std::string(*text);
  if (const auto cause = parsed->params.get("cause"); cause && base::equalsIgnoreCase(parsed->value, "SIP"))
    return std::string(phraseOf(base::parseNumber<int>(*cause).value_or(0)));
  return {};
}

}  // namespace parley::sip
