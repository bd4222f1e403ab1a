#include "sip/subscription_desk.h"

#include <algorithm>

#include "base/text.h"
#include "sip/address_text.h"

namespace parley::sip {
namespace {

constexpr std::uint32_t kMinExpires = 60;
constexpr std::uint32_t kMaxExpires = 24 * 3'600;

std::optional<std::uint32_t> numberIn(const Message& message, HeaderId id) {
  const auto text = message.header(id);
  return text ? base::parseNumber<std::uint32_t>(base::trim(*text)) : std::nullopt;
}

std::string eventName(const std::string& event) {
  return base::toLower(base::trim(std::string_view(event).substr(0, event.find(';'))));
}

}  // namespace

struct SubscriptionDesk::Subscription final : Timed {
  explicit Subscription(SubscriptionDesk& desk_) : desk(desk_) {}
  void onDue(base::Instant now) override { desk.onDue(*this, now); }

  SubscriptionDesk& desk;
  SubscriptionId id;
  bool subscriber = false;  ///< We subscribed; else we notify.
  bool hasDialog = false;
  bool ending = false;  ///< Expires: 0 was sent; the last NOTIFY is waited for.
  bool locating = false;
  DialogState dialog;
  Message request;  ///< Subscriber: the SUBSCRIBE in flight. Notifier: the NOTIFY.
  std::string event;
  Headers headers;
  std::uint32_t expires = 0;
  int tries = 0;
  std::deque<Target> targets;
  TransactionId pending;  ///< Notifier: the SUBSCRIBE that waits for accept() or refuse().
  base::Instant refreshAt = kNever, expireAt = kNever;
  base::Instant silentAt = kNever;  ///< Subscriber: timer N, until the NOTIFY of a SUBSCRIBE comes.
  // Notifier: what it said last.
  std::string state, body, contentType;
};

SubscriptionDesk::SubscriptionDesk(AgentCore& core) : core_(core) {}
SubscriptionDesk::~SubscriptionDesk() = default;

SubscriptionDesk::Subscription* SubscriptionDesk::find(SubscriptionId id) {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : found->second.get();
}

SubscriptionDesk::Subscription* SubscriptionDesk::findByTag(std::string_view tag) {
  const auto found = byTag_.find(std::string(tag));
  return found == byTag_.end() ? nullptr : find(found->second);
}

void SubscriptionDesk::add(std::unique_ptr<Subscription> subscription) {
  byTag_.emplace(subscription->dialog.localTag, subscription->id);
  all_.emplace(subscription->id, std::move(subscription));
}

void SubscriptionDesk::arm(Subscription& subscription) {
  const base::Instant next = std::min({subscription.refreshAt, subscription.expireAt, subscription.silentAt});
  if (next == kNever) return core_.timers.disarm(subscription);
  core_.timers.arm(subscription, next);
}

void SubscriptionDesk::end(Subscription& subscription, int status, std::string_view reason) {
  const SubscriptionId id = subscription.id;
  core_.emit([id, status, why = std::string(reason)](UserAgentListener& listener) {
    listener.onSubscriptionEnded(id, status, why);
  });
  core_.stopLocating({.kind = Owner::Kind::subscription, .id = id.value()});
  byTag_.erase(subscription.dialog.localTag);
  all_.erase(id);
}

SubscriptionId SubscriptionDesk::subscribe(OutgoingSubscription wanted, base::Instant now) {
  auto owned = std::make_unique<Subscription>(*this);
  Subscription& subscription = *owned;
  const SubscriptionId id{core_.newId()};
  subscription.id = id;
  subscription.subscriber = true;
  subscription.event = wanted.event;
  subscription.headers = std::move(wanted.headers);
  subscription.expires = std::min(wanted.expires, kMaxExpires);
  DialogState& dialog = subscription.dialog;
  dialog.localTag = core_.newTag();
  dialog.callId = core_.newCallId();
  dialog.local = wanted.from.toString();
  NameAddr to;
  to.uri = wanted.to.inFromAndTo();
  dialog.remote = to.toString();
  dialog.remoteTarget = wanted.to.toString();
  dialog.caller = true;
  dialog.secure = wanted.to.scheme == UriScheme::sips;
  subscription.targets = core_.inOrder(wanted.targets, now);
  const bool full = all_.size() >= core_.options.maxSubscriptions;
  add(std::move(owned));
  if (full) {
    end(subscription, 503, "sip.table_full");
    return id;
  }
  if (subscription.targets.empty()) {
    if (const auto literal = literalTarget(wanted.to)) {
      subscription.targets.push_back(*literal);
    } else if (core_.locate(wanted.to, {.kind = Owner::Kind::subscription, .id = id.value()})) {
      subscription.locating = true;
      subscription.expireAt = now + core_.options.targetTimeout;
      core_.timers.arm(subscription, subscription.expireAt);
      return id;
    }
  }
  tryNext(subscription, 503, "sip.no_target", now);
  return id;
}

void SubscriptionDesk::tryNext(Subscription& subscription, int status, std::string_view reason,
                               base::Instant now) {
  if (subscription.targets.empty()) return end(subscription, status, reason);
  subscription.dialog.hop = subscription.targets.front();
  subscription.targets.pop_front();
  sendSubscribe(subscription, now);
}

void SubscriptionDesk::onLocated(SubscriptionId id, const std::vector<Target>& targets, base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr || !subscription->locating) return;
  subscription->locating = false;
  subscription->expireAt = kNever;
  core_.timers.disarm(*subscription);
  subscription->targets = core_.inOrder(targets, now);
  tryNext(*subscription, 503, "sip.no_target", now);
}

void SubscriptionDesk::sendSubscribe(Subscription& subscription, base::Instant now) {
  DialogState& dialog = subscription.dialog;
  Message request = dialogRequest(dialog, Method::subscribe);
  request.set(HeaderId::contact, core_.contact({}, dialog.hop, dialog.secure));
  request.set(HeaderId::event, subscription.event);
  request.set(HeaderId::expires, std::to_string(subscription.ending ? 0 : subscription.expires));
  AgentCore::addHeaders(request, subscription.headers);
  core_.decorate(request);
  subscription.request = request;
  subscription.refreshAt = kNever;
  const auto wait = subscription.targets.empty() || subscription.hasDialog
                        ? std::nullopt
                        : std::optional(core_.options.targetTimeout);
  const Owner owner{.kind = Owner::Kind::subscription, .id = subscription.id.value()};
  if (core_.send(request, dialog.hop, owner, now, wait) == TransactionId{})
    return end(subscription, 503, "sip.table_full");
  // RFC 6665 sections 4.1.2.2 and 4.1.2.4: a 2xx alone is no subscription. The request's own timer F is
  // first: it says more.
  if (!subscription.ending) subscription.silentAt = now + 64 * core_.options.t1 + base::Millis{1};
  arm(subscription);
}

void SubscriptionDesk::unsubscribe(SubscriptionId id, base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr || !subscription->subscriber || subscription->ending) return;
  if (subscription->locating) return end(*subscription, 200, "sip.unsubscribed");
  subscription->ending = true;
  subscription->expireAt = now + 64 * core_.options.t1;
  subscription->refreshAt = subscription->silentAt = kNever;
  arm(*subscription);
  if (subscription->hasDialog) sendSubscribe(*subscription, now);
}

Asker SubscriptionDesk::askerOf(const Subscription& subscription) {
  const DialogState& dialog = subscription.dialog;
  return {dialog.hop, subscription.hasDialog ? &dialog.neighbour : nullptr};
}

/// The request that was challenged once more; false: there are no credentials, or no room.
bool SubscriptionDesk::sendWithCredentials(Subscription& subscription, const Message& challenge,
                                           base::Instant now) {
  DialogState& dialog = subscription.dialog;
  Asker asker = askerOf(subscription);
  auto again = core_.authorise(challenge, subscription.request, asker, subscription.tries);
  if (!again) return false;
  dialog.hop = std::move(asker.target);
  ++subscription.tries;
  again->setCSeq(++dialog.localCSeq, subscription.request.method());
  subscription.request = *again;
  const Owner owner{.kind = Owner::Kind::subscription, .id = subscription.id.value()};
  return core_.send(*again, dialog.hop, owner, now) != TransactionId{};
}

void SubscriptionDesk::onResponse(SubscriptionId id, const Message& response, base::Instant now) {
  Subscription* found = find(id);
  if (found == nullptr || response.status() < 200) return;
  Subscription& subscription = *found;
  if (!subscription.hasDialog) core_.onHeard(subscription.dialog.hop, response, now);
  const int status = response.status();
  if (!subscription.subscriber) {  // of our NOTIFY
    if (status == 481 || status == 408) return end(subscription, status, reasonOfStatus(status));
    // What an older one said is said no more.
    if (response.cseq() != subscription.request.cseq()) return;
    if (status == 401 || status == 407) sendWithCredentials(subscription, response, now);
    if (status < 300) core_.onAuthorised(response, subscription.request, askerOf(subscription));
    return;
  }
  if ((status == 401 || status == 407) && sendWithCredentials(subscription, response, now)) return;
  if (status == 423 && subscription.tries < kMaxAuthTries) {
    const auto least = numberIn(response, HeaderId::minExpires);
    if (least && *least > subscription.expires && *least <= kMaxExpires) {
      ++subscription.tries;
      subscription.expires = *least;
      return sendSubscribe(subscription, now);
    }
  }
  if (status == 503 && !subscription.hasDialog && !subscription.targets.empty())
    return tryNext(subscription, status, reasonOfStatus(status), now);
  if (status >= 300) return end(subscription, status, reasonOfStatus(status));
  subscription.tries = 0;
  if (!subscription.hasDialog) {
    auto dialog = dialogOfResponse(response, subscription.dialog.hop, subscription.dialog.secure);
    if (!dialog) return end(subscription, 502, dialog.error().reason);
    dialog->localCSeq = subscription.dialog.localCSeq;
    subscription.dialog = std::move(*dialog);
    subscription.dialog.early = false;
    subscription.hasDialog = true;
  }
  if (subscription.ending) {
    if (subscription.request.header(HeaderId::expires) != "0") sendSubscribe(subscription, now);
    return;
  }
  const std::uint32_t seconds =
      std::min(numberIn(response, HeaderId::expires).value_or(subscription.expires), kMaxExpires);
  if (seconds == 0) {  // a poll, or the end: the one NOTIFY is waited for (RFC 6665 section 4.4.3)
    subscription.ending = true;
    subscription.expireAt = now + 64 * core_.options.t1;
    subscription.silentAt = kNever;
    return arm(subscription);
  }
  subscription.refreshAt = now + base::Millis{800} * seconds;
  subscription.expireAt = now + std::chrono::seconds{seconds};
  arm(subscription);
}

void SubscriptionDesk::onRequestFailed(SubscriptionId id, int status, std::string_view reason,
                                       base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr) return;
  if (subscription->subscriber && !subscription->hasDialog) {
    core_.onSilent(subscription->dialog.hop, now);
    return tryNext(*subscription, status, reason, now);
  }
  end(*subscription, status, reason);
}

void SubscriptionDesk::onDue(Subscription& subscription, base::Instant now) {
  if (subscription.locating) return end(subscription, 503, "sip.no_target");
  if (subscription.expireAt <= now) {
    if (subscription.ending) return end(subscription, 200, "sip.unsubscribed");
    if (subscription.pending != TransactionId{}) {  // its owner said nothing
      core_.refuse(Refusal::answerTimeout);
      core_.answer(subscription.pending, 500, now);
    }
    if (!subscription.subscriber) sendNotify(subscription, "terminated;reason=timeout", {}, {}, now);
    return end(subscription, 408, "sip.expired");
  }
  if (subscription.silentAt <= now) return end(subscription, 408, "sip.no_notify");
  // Where the table is full, this ends it, and `subscription` is gone.
  if (subscription.refreshAt <= now) return sendSubscribe(subscription, now);
  arm(subscription);
}

void SubscriptionDesk::incoming(TransactionId transaction, const Message& request, const Source& source,
                                base::Instant now) {
  const auto event = request.header(HeaderId::event);
  if (!event) {
    core_.refuse(Refusal::badRequest);
    return core_.answer(transaction, 489, now);
  }
  const std::uint32_t expires = std::min(numberIn(request, HeaderId::expires).value_or(3'600), kMaxExpires);
  if (expires > 0 && expires < kMinExpires) {
    core_.refuse(Refusal::intervalTooSmall);
    return core_.answer(transaction, 423, now, {{HeaderId::minExpires, {}, std::to_string(kMinExpires)}});
  }
  if (all_.size() >= core_.options.maxSubscriptions || core_.draining) {
    core_.refuse(core_.draining ? Refusal::draining : Refusal::sessionsFull);
    return core_.answer(transaction, 503, now, {{HeaderId::retryAfter, {}, "10"}});
  }
  auto dialog = dialogOfRequest(request, core_.layer.localTag(transaction), source);
  if (!dialog) {
    core_.refuse(Refusal::badRequest);
    return core_.answer(transaction, 400, now);
  }
  auto owned = std::make_unique<Subscription>(*this);
  Subscription& subscription = *owned;
  subscription.id = SubscriptionId{core_.newId()};
  subscription.event = *event;
  subscription.expires = expires;
  subscription.pending = transaction;
  subscription.dialog = std::move(*dialog);
  subscription.expireAt = now + core_.options.answerTimeout;
  core_.timers.arm(subscription, subscription.expireAt);
  IncomingSubscription told{subscription.id, request, source, eventName(subscription.event), expires};
  add(std::move(owned));
  core_.emit([this, told = std::move(told), now](UserAgentListener& listener) {
    if (!listener.onSubscribe(told)) refuse(told.subscription, 489, now);
  });
}

void SubscriptionDesk::accept(SubscriptionId id, base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr || subscription->pending == TransactionId{}) return;
  const TransactionId transaction = std::exchange(subscription->pending, TransactionId{});
  const DialogState& dialog = subscription->dialog;
  core_.answer(transaction, 200, now,
               {{HeaderId::expires, {}, std::to_string(subscription->expires)},
                {HeaderId::contact, {}, core_.contact({}, dialog.hop, dialog.secure)}});
  subscription->hasDialog = true;
  subscription->dialog.early = false;
  // Expires: 0 is a poll: one NOTIFY, and over.
  subscription->expireAt = now + std::chrono::seconds{std::max(subscription->expires, 5U)};
  core_.timers.arm(*subscription, subscription->expireAt);
}

void SubscriptionDesk::refuse(SubscriptionId id, int status, base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr || subscription->pending == TransactionId{}) return;
  core_.refuse(Refusal::notHere);
  core_.answer(subscription->pending, status < 300 || status > 699 ? 489 : status, now);
  end(*subscription, status, "sip.refused");
}

void SubscriptionDesk::notify(SubscriptionId id, const std::string& state, const std::string& body,
                              const std::string& contentType, base::Instant now) {
  Subscription* subscription = find(id);
  if (subscription == nullptr || subscription->subscriber || !subscription->hasDialog) return;
  subscription->state = state;
  subscription->body = body;
  subscription->contentType = contentType;
  const bool last = state == "terminated" || subscription->expires == 0;
  // A poll (Expires: 0) is over at once, as if its time was (RFC 6665 section 4.4.3).
  const bool poll = last && state != "terminated";
  const char* const over = poll ? "terminated;reason=timeout" : "terminated;reason=noresource";
  sendNotify(*subscription, last ? over : state, body, contentType, now);
  if (last) end(*subscription, 200, "sip.terminated");
}

void SubscriptionDesk::sendNotify(Subscription& subscription, const std::string& state,
                                  const std::string& body, const std::string& contentType,
                                  base::Instant now) {
  DialogState& dialog = subscription.dialog;
  if (!subscription.hasDialog) return;
  Message request = dialogRequest(dialog, Method::notify);
  request.set(HeaderId::contact, core_.contact({}, dialog.hop, dialog.secure));
  request.set(HeaderId::event, subscription.event);
  std::string value = state;
  if (!value.starts_with("terminated")) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(subscription.expireAt - now).count();
    value += ";expires=" + std::to_string(std::max<std::int64_t>(left, 0));
  }
  request.set(HeaderId::subscriptionState, value);
  if (!body.empty()) request.setBody(body, contentType);
  // There is no subscription any more that could answer a challenge.
  if (value.starts_with("terminated")) return core_.sendLast(std::move(request), dialog, now);
  core_.decorate(request);
  core_.preauthorise(request, askerOf(subscription));
  subscription.request = request;
  subscription.tries = 0;
  core_.send(request, dialog.hop, {.kind = Owner::Kind::subscription, .id = subscription.id.value()}, now);
}

bool SubscriptionDesk::knows(const Message& request) {
  const Subscription* subscription = findByTag(request.to().tag());
  return subscription != nullptr && subscription->dialog.callId == request.callId();
}

bool SubscriptionDesk::inDialog(TransactionId transaction, const Message& request, const Source& source,
                                base::Instant now) {
  Subscription* subscription = findByTag(request.to().tag());
  if (subscription == nullptr || subscription->dialog.callId != request.callId()) return false;
  if (subscription->hasDialog && !isInDialog(subscription->dialog, request)) return false;
  if (subscription->subscriber && request.method() == Method::notify) {
    takeNotify(*subscription, transaction, request, source, now);
    return true;
  }
  if (!subscription->subscriber && request.method() == Method::subscribe && subscription->hasDialog) {
    takeRefresh(*subscription, transaction, request, now);
    return true;
  }
  return false;
}

void SubscriptionDesk::takeNotify(Subscription& subscription, TransactionId transaction,
                                  const Message& request, const Source& source, base::Instant now) {
  const auto event = request.header(HeaderId::event);
  if (!event || eventName(std::string(*event)) != eventName(subscription.event)) {
    core_.refuse(Refusal::notHere);
    return core_.answer(transaction, 489, now);
  }
  const auto state = request.header(HeaderId::subscriptionState);
  const auto parsed =
      state ? TokenValue::parse(*state) : base::fail("sip.missing_header", "Subscription-State");
  if (!parsed) {
    core_.refuse(Refusal::badRequest);
    return core_.answer(transaction, 400, now);
  }
  if (!subscription.hasDialog) {  // before the 2xx of SUBSCRIBE (RFC 6665 section 4.4.1)
    auto dialog = dialogOfRequest(request, subscription.dialog.localTag, source);
    if (!dialog) {
      core_.refuse(Refusal::badRequest);
      return core_.answer(transaction, 400, now);
    }
    dialog->localCSeq = subscription.dialog.localCSeq;
    dialog->caller = true;
    dialog->early = false;
    subscription.dialog = std::move(*dialog);
    subscription.hasDialog = true;
  } else if (!takeCSeq(subscription.dialog, request)) {
    core_.refuse(Refusal::oldCSeq);
    return core_.answer(transaction, 500, now);
  } else {
    refreshTarget(subscription.dialog, request);
  }
  core_.answer(transaction, 200, now);
  subscription.silentAt = kNever;
  const auto left =
      base::parseNumber<std::uint32_t>(parsed->params.get("expires").value_or(std::string_view{}));
  if (left && !subscription.ending && now + std::chrono::seconds{*left} < subscription.expireAt) {
    // RFC 6665 section 4.1.3: it may only make the time shorter.
    subscription.expireAt = now + std::chrono::seconds{*left};
    subscription.refreshAt = std::min(subscription.refreshAt, now + base::Millis{800} * *left);
  }
  arm(subscription);
  Notification told{subscription.id, base::toLower(parsed->value),
                    std::string(parsed->params.get("reason").value_or(std::string_view{})),
                    request.contentType(), request.body()};
  const bool over = told.state == "terminated";
  core_.emit([told = std::move(told)](UserAgentListener& listener) { listener.onNotify(told); });
  if (over) end(subscription, 200, subscription.ending ? "sip.unsubscribed" : "sip.terminated");
}

void SubscriptionDesk::takeRefresh(Subscription& subscription, TransactionId transaction,
                                   const Message& request, base::Instant now) {
  if (!takeCSeq(subscription.dialog, request)) {
    core_.refuse(Refusal::oldCSeq);
    return core_.answer(transaction, 500, now);
  }
  const std::uint32_t expires = std::min(numberIn(request, HeaderId::expires).value_or(3'600), kMaxExpires);
  if (expires > 0 && expires < kMinExpires) {
    core_.refuse(Refusal::intervalTooSmall);
    return core_.answer(transaction, 423, now, {{HeaderId::minExpires, {}, std::to_string(kMinExpires)}});
  }
  refreshTarget(subscription.dialog, request);
  const DialogState& dialog = subscription.dialog;
  core_.answer(transaction, 200, now,
               {{HeaderId::expires, {}, std::to_string(expires)},
                {HeaderId::contact, {}, core_.contact({}, dialog.hop, dialog.secure)}});
  if (expires == 0) {
    sendNotify(subscription, "terminated;reason=timeout", {}, {}, now);
    return end(subscription, 200, "sip.unsubscribed");
  }
  subscription.expires = expires;
  subscription.expireAt = now + std::chrono::seconds{expires};
  core_.timers.arm(subscription, subscription.expireAt);
  // RFC 6665 section 4.2.1.2: who refreshes is told the state at once.
  if (!subscription.state.empty())
    sendNotify(subscription, subscription.state, subscription.body, subscription.contentType, now);
}

void SubscriptionDesk::endAll(base::Instant now) {
  std::vector<SubscriptionId> ids;
  ids.reserve(all_.size());
  for (const auto& entry : all_) ids.push_back(entry.first);
  for (const SubscriptionId id : ids) {
    Subscription* subscription = find(id);
    if (subscription == nullptr) continue;
    if (subscription->subscriber) {
      unsubscribe(id, now);
    } else {
      if (subscription->pending != TransactionId{}) core_.answer(subscription->pending, 503, now);
      sendNotify(*subscription, "terminated;reason=deactivated", {}, {}, now);
      end(*subscription, 503, "sip.shut_down");
    }
  }
}

}  // namespace parley::sip
