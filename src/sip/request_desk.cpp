#include "sip/request_desk.h"

#include <algorithm>

#include "sip/address_text.h"

namespace parley::sip {
namespace {

Message build(const OutgoingRequest& wanted, AgentCore& core) {
  const Method method = methodOf(wanted.method);
  Message request = method == Method::other ? Message::request(wanted.method, wanted.to)
                                            : Message::request(method, wanted.to);
  for (const std::string& route : wanted.route) request.add(HeaderId::route, route);
  request.from() = wanted.from;
  request.from().params.set("tag", core.newTag());
  if (wanted.toHeader) {
    request.to() = *wanted.toHeader;
  } else {
    request.to() = NameAddr{};
    request.to().uri = wanted.to.inFromAndTo();
  }
  request.setCallId(wanted.callId.empty() ? core.newCallId() : wanted.callId);
  CSeq cseq;
  cseq.number = wanted.cseq.value_or(1);
  cseq.methodName = wanted.method;
  cseq.method = method;
  request.setCSeq(cseq);
  request.setMaxForwards(70);
  AgentCore::addHeaders(request, wanted.headers);
  if (method == Method::options) {
    request.set(HeaderId::accept, std::string(kAccept));
    request.set(HeaderId::allow, core.allow);
  }
  core.decorate(request);
  if (!wanted.body.empty()) request.setBody(wanted.body, wanted.contentType);
  return request;
}

}  // namespace

RequestDesk::RequestDesk(AgentCore& core) : core_(core) {}
RequestDesk::~RequestDesk() = default;

RequestId RequestDesk::send(OutgoingRequest wanted, base::Instant now) {
  const RequestId id{core_.newId()};
  auto owned = std::make_unique<Outgoing>(*this);
  Outgoing& request = *owned;
  request.id = id;
  request.request = build(wanted, core_);
  request.timeout = wanted.timeout;
  request.targets = core_.inOrder(wanted.targets, now);
  request.sentAt = now;
  const bool full = outgoing_.size() >= core_.options.maxSubscriptions;
  outgoing_.emplace(id, std::move(owned));
  if (full) {
    done(request, {.status = 503, .reason = "sip.table_full", .roundTrip = {}, .response = {}, .target = {}});
    return id;
  }
  Uri uri = wanted.to;
  if (!wanted.route.empty())
    if (const auto route = NameAddr::parse(wanted.route.front())) uri = route->uri;
  if (request.targets.empty()) {
    if (const auto literal = literalTarget(uri)) {
      request.targets.push_back(*literal);
    } else if (core_.locate(uri, {.kind = Owner::Kind::request, .id = id.value()})) {
      core_.timers.arm(request, now + core_.options.targetTimeout);
      return id;
    }
  }
  tryNext(request, 503, "sip.no_target", now);
  return id;
}

void RequestDesk::sendSilently(Message message, const DialogState& dialog, base::Instant now) {
  auto owned = std::make_unique<Outgoing>(*this);
  Outgoing& request = *owned;
  request.id = RequestId{core_.newId()};
  request.request = std::move(message);
  request.targets = {dialog.hop};
  request.neighbour = dialog.neighbour;
  request.silent = true;
  outgoing_.emplace(request.id, std::move(owned));
  tryNext(request, 503, "sip.no_target", now);
}

void RequestDesk::tryNext(Outgoing& request, int status, std::string_view reason, base::Instant now) {
  if (request.targets.empty()) {
    return done(request, {.status = status,
                          .reason = std::string(reason),
                          .roundTrip = std::chrono::duration_cast<base::Millis>(now - request.sentAt),
                          .response = {},
                          .target = request.target});
  }
  request.target = request.targets.front();
  request.targets.pop_front();
  core_.preauthorise(request.request, askerOf(request));
  transmit(request, now);
}

void RequestDesk::transmit(Outgoing& request, base::Instant now) {
  request.sentAt = now;
  request.heard = false;
  const auto wait = request.targets.empty()
                        ? request.timeout
                        : std::optional(request.timeout.value_or(core_.options.targetTimeout));
  const Owner owner{.kind = Owner::Kind::request, .id = request.id.value()};
  if (core_.send(request.request, request.target, owner, now, wait) == TransactionId{})
    done(request, {.status = 503,
                   .reason = "sip.table_full",
                   .roundTrip = {},
                   .response = {},
                   .target = request.target});
}

void RequestDesk::Outgoing::onDue(base::Instant now) { desk.tryNext(*this, 503, "sip.no_target", now); }

void RequestDesk::onLocated(RequestId id, const std::vector<Target>& targets, base::Instant now) {
  const auto found = outgoing_.find(id);
  if (found == outgoing_.end()) return;
  core_.timers.disarm(*found->second);
  found->second->targets = core_.inOrder(targets, now);
  tryNext(*found->second, 503, "sip.no_target", now);
}

void RequestDesk::onResponse(RequestId id, const Message& response, base::Instant now) {
  const auto found = outgoing_.find(id);
  if (found == outgoing_.end()) return;
  Outgoing& request = *found->second;
  request.heard = true;
  core_.onHeard(request.target, response, now);
  if (response.status() < 200) return;
  if (response.status() == 401 || response.status() == 407) {
    Asker asker = askerOf(request);
    if (auto again = core_.authorise(response, request.request, asker, request.tries)) {
      request.target = std::move(asker.target);
      again->setCSeq(request.request.cseq().number + 1, request.request.method());
      if (request.request.method() == Method::other) {
        CSeq cseq = request.request.cseq();
        ++cseq.number;
        again->setCSeq(cseq);
      }
      ++request.tries;
      request.request = std::move(*again);
      return transmit(request, now);
    }
  }
  if (response.status() < 300) core_.onAuthorised(response, request.request, askerOf(request));
  if (response.status() == 503 && !request.targets.empty())  // RFC 3263 section 4.3
    return tryNext(request, 503, "sip.server_unavailable", now);
  done(request, {.status = response.status(),
                 .reason = "sip.answered",
                 .roundTrip = std::chrono::duration_cast<base::Millis>(now - request.sentAt),
                 .response = response,
                 .target = request.target});
}

void RequestDesk::onRequestFailed(RequestId id, int status, std::string_view reason, base::Instant now) {
  const auto found = outgoing_.find(id);
  if (found == outgoing_.end()) return;
  Outgoing& request = *found->second;
  // The last BYE of a call may be lost on a phone; that says little of the address.
  if (!request.silent && !request.heard) core_.onSilent(request.target, now);
  tryNext(request, status, reason, now);
}

void RequestDesk::done(Outgoing& request, RequestResult result) {
  const RequestId id = request.id;
  if (!request.silent)
    core_.emit([id, result = std::move(result)](UserAgentListener& listener) {
      listener.onRequestDone(id, result);
    });
  core_.stopLocating({.kind = Owner::Kind::request, .id = id.value()});
  outgoing_.erase(id);
}

void RequestDesk::incoming(TransactionId transaction, const Message& message, const Source& source,
                           base::Instant now) {
  const RequestId id{core_.newId()};
  incoming_.emplace(id, transaction);
  byTransaction_.emplace(transaction, id);
  core_.emit([this, id, message, source, now](UserAgentListener& listener) {
    if (listener.onRequest(id, message, source)) return;
    core_.refuse(Refusal::unknownMethod);
    respond(id, message.method() == Method::other ? 501 : 405, now, {}, {}, {});
  });
}

void RequestDesk::respond(RequestId id, int status, base::Instant now, const Headers& headers,
                          const std::string& body, const std::string& contentType) {
  const auto found = incoming_.find(id);
  if (found == incoming_.end() || core_.layer.requestOf(found->second) == nullptr) return;
  const TransactionId transaction = found->second;
  if (status >= 200) {
    byTransaction_.erase(transaction);
    incoming_.erase(found);
  }
  if (body.empty()) return core_.answer(transaction, status, now, headers);
  Message response = core_.responseTo(transaction, status);
  AgentCore::addHeaders(response, headers);
  response.setBody(body, contentType);
  core_.layer.respond(transaction, response, now);
}

void RequestDesk::onGone(TransactionId transaction) {
  const auto found = byTransaction_.find(transaction);
  if (found == byTransaction_.end()) return;
  incoming_.erase(found->second);
  byTransaction_.erase(found);
}

}  // namespace parley::sip
