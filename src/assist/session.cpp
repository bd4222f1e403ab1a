// Coming and going, consent and control.
#include "assist/session.h"

#include <algorithm>
#include <array>

#include "link/json.h"

namespace parley::assist {
namespace {

using link::dumpJson;
using link::Json;

constexpr std::array<const char*, 6> kColors{"#c2410c", "#1d4ed8", "#15803d",
                                             "#7e22ce", "#b91c1c", "#0f766e"};

constexpr std::size_t kMaxNotedTarget = 80;

std::string freeColor(const std::vector<Party>& parties) {
  for (const char* color : kColors) {
    if (std::ranges::find(parties, color, &Party::color) == parties.end()) return color;
  }
  return kColors.front();
}

}  // namespace

AssistSession::AssistSession(std::string cid, SessionOut& out, const SessionOptions& options,
                             SessionTotals& totals, std::int64_t now)
    : cid_(std::move(cid)), out_(out), options_(options), totals_(totals), timeline_(now), startedAt_(now) {}

Party* AssistSession::find(const std::string& party) {
  if (consumer_ && consumer_->id == party) return &*consumer_;
  const auto at = std::ranges::find(others_, party, &Party::id);
  return at == others_.end() ? nullptr : &*at;
}

bool AssistSession::consented() const { return std::ranges::any_of(others_, &Party::joined); }

Sharing AssistSession::sharing() const {
  const bool asking =
      std::ranges::any_of(others_, [](const Party& p) { return p.standing == Standing::asking; });
  if (!consented()) return asking ? Sharing::asking : Sharing::off;
  return wish_ == Sharing::off && asking ? Sharing::asking : wish_;
}

base::Result<void> AssistSession::mayJoin(Role role, const std::string& user) const {
  if (role == Role::consumer) {
    if (!consumer_ || consumer_->user == user) return {};
    return base::fail("assist.cid_taken", "Another customer's page is in this session already.");
  }
  const auto same = [&](const Party& p) { return p.role == role && p.user == user; };
  if (std::ranges::any_of(others_, same)) return {};
  if (!options_.features.contains(Feature::view)) return std::unexpected(switchedOff());
  if (others_.size() + 1 < options_.maxParties) return {};
  return base::fail("assist.full", "There are as many people in this session as there may be.");
}

void AssistSession::join(Party party, std::int64_t now) {
  const std::string id = party.id;
  if (party.role == Role::consumer) {
    if (consumer_) out_.part(consumer_->id, 4001, "replaced");
    const bool first = !consumer_;
    consumer_ = std::move(party);
    wish_ = Sharing::off;
    sharingChanged();  // Who acted on the old page asks anew.
    note(now, *consumer_, first ? "opens the session" : "opens the session anew");
    for (const ConsentRequest& request : std::vector(asked_)) {
      if (Party* who = find(request.party)) ask(*who, request.control, now);
    }
    replayDrawings(*consumer_);
    return tellState();
  }
  const auto before = std::ranges::find_if(
      others_, [&](const Party& p) { return p.role == party.role && p.user == party.user; });
  if (before == others_.end()) {
    party.color = freeColor(others_);
    others_.push_back(std::move(party));
    note(now, others_.back(), "asks to join");
    if (pesters(others_.back(), now)) {
      others_.back().standing = Standing::refused;
    } else {
      ask(others_.back(), false, now);
    }
    return tellState();
  }
  // The same person on a new page: known already, but nothing is held down any more.
  const std::string old = before->id;
  party.color = before->color;
  party.standing = before->standing;
  party.did = before->did;
  party.asks = before->asks;
  party.acts = before->acts;
  party.wishes = before->wishes;
  releaseControl(old);
  cancelAsked(old, true);
  for (ConsentRequest& request : asked_) {
    if (request.party == old) request.party = id;
  }
  *before = std::move(party);
  out_.part(old, 4001, "replaced");
  note(now, *before, "comes with a new page");
  if (before->joined()) replayDrawings(*before);
  tellState();
  serveAll();
}

/// Who was let out, or left, and comes again and again would have the consumer asked each time.
bool AssistSession::pesters(const Party& party, std::int64_t now) {
  constexpr std::size_t kMaxUsers = 64;
  if (joins_.size() >= kMaxUsers) joins_.erase(joins_.begin());
  const auto [at, isNew] = joins_.try_emplace(party.user, 3.0 / 60, 4);
  return !at->second.take(1, now);
}

/// Nobody waits for the answer any more.
void AssistSession::cancelAsked(const std::string& party, bool controlOnly) {
  for (const ConsentRequest& request : asked_) {
    if (request.party != party || (controlOnly && !request.control) || !consumer_) continue;
    out_.send(consumer_->id, dumpJson({{"type", "consent-over"}, {"id", request.id}}), {});
  }
  std::erase_if(asked_, [&](const ConsentRequest& request) {
    return request.party == party && (!controlOnly || request.control);
  });
  changed_ = true;
}

void AssistSession::up(const std::string& id, std::int64_t now) {
  Party* party = find(id);
  if (party == nullptr) return;
  party->up = true;
  note(now, *party, "is connected again");
  if (party->role == Role::consumer) {
    // The page may be another one by now: it begins with a whole picture and asks its questions again.
    hasBase_ = false;
    toldViewers_ = kNeverTold;
    if (sharing() == Sharing::on) askForWhole(now);
    for (const ConsentRequest& request : std::vector(asked_)) {
      if (Party* who = find(request.party)) ask(*who, request.control, now);
    }
  }
  if (party->behind && (party->role == Role::consumer || party->joined())) replayDrawings(*party);
  tellState();
  party->viewer.restart();
  serve(*party);
}

void AssistSession::down(const std::string& id, std::int64_t now) {
  Party* party = find(id);
  if (party == nullptr) return;
  party->up = false;
  party->formOpen = false;
  note(now, *party, "loses the connection");
  party->viewer.restart();
  if (party->role != Role::consumer) releaseControl(id);
  tellState();
}

void AssistSession::gone(const std::string& id, std::int64_t now) {
  if (consumer_ && consumer_->id == id) {
    consumer_->up = false;
    return end("consumer_lost", "The connection to the customer's page is lost.", now);
  }
  drop(id, 0, "did not come back", now);
}

/// Takes an agent or a supervisor out of the session. `code` 0: the connection is gone already.
void AssistSession::drop(const std::string& id, std::uint16_t code, const std::string& why,
                         std::int64_t now) {
  // A copy: `id` may be the entry's own. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const std::string party = id;
  const auto at = std::ranges::find(others_, party, &Party::id);
  if (at == others_.end()) return;
  note(now, *at, why, Json(at->did));
  releaseControl(party);
  cancelAsked(party, false);
  others_.erase(at);
  if (code != 0) out_.part(party, code, why);
  sharingChanged();
  tellState();
}

/// Asks the consumer, or asks again with the same question: its page may be another one.
void AssistSession::ask(Party& party, bool control, std::int64_t now) {
  auto request = std::ranges::find_if(
      asked_, [&](const ConsentRequest& r) { return r.party == party.id && r.control == control; });
  if (request == asked_.end()) {
    asked_.push_back({"q" + std::to_string(++lastId_), party.id, control, now + options_.consentMillis});
    request = asked_.end() - 1;
    changed_ = true;
  }
  if (!control) party.standing = Standing::asking;
  if (!consumer_) return;
  out_.send(consumer_->id,
            dumpJson({{"type", "consent-request"},
                      {"id", request->id},
                      {"party", party.id},
                      {"name", options_.agentName.empty() ? party.name : options_.agentName},
                      {"role", toString(party.role)},
                      {"what", control ? "control" : "view"}}),
            "consent-request:" + request->id);
}

void AssistSession::onConsent(const Message& message, std::int64_t now) {
  const std::string id = message.text("id");
  const bool grant = message.flag("grant");
  if (!id.empty()) {
    const auto at = std::ranges::find(asked_, id, &ConsentRequest::id);
    if (at == asked_.end()) return;  // Answered, or too late: the session's state tells.
    const ConsentRequest request = std::move(*at);
    asked_.erase(at);
    return settle(request, grant, now);
  }
  Party* party = find(message.text("party"));
  if (party == nullptr || party->role == Role::consumer || grant) return;
  withdraw(*party, message.text("what") == "control", now);
}

void AssistSession::settle(const ConsentRequest& request, bool grant, std::int64_t now) {
  Party* party = find(request.party);
  if (party == nullptr) return;
  const char* what = request.control ? "control" : "view";
  if (consumer_)
    note(now, *consumer_, grant ? "agrees" : "does not agree", {{"to", what}, {"party", party->name}});
  if (request.control) {
    // Meanwhile somebody else may have got it, the agent may be away, or the sharing may be over.
    grant = grant && control_.empty() && party->joined() && party->up && sharing() == Sharing::on &&
            options_.features.contains(Feature::control);
    if (grant) control_ = party->id;
  } else {
    party->standing = grant ? Standing::joined : Standing::refused;
    if (grant && party->role == Role::agent) clearDrawings("joined", party->id, now);
    if (grant && party->role == Role::supervisor) replayDrawings(*party);
    party->viewer.restart();
    sharingChanged();
  }
  Json told = {{"type", "consent"}, {"what", what}, {"party", party->id}, {"grant", grant}};
  for (const Party& other : others_) {
    if (other.joined() && other.id != party->id) out_.send(other.id, dumpJson(told), {});
  }
  if (!request.request.empty()) told["request"] = request.request;
  out_.send(party->id, dumpJson(told), {});
  tellState();
  serveAll();
}

void AssistSession::withdraw(Party& party, bool control, std::int64_t now) {
  const char* what = control ? "control" : "view";
  if (consumer_) note(now, *consumer_, "takes back", {{"what", what}, {"party", party.name}});
  out_.send(party.id, dumpJson({{"type", "consent"}, {"what", what}, {"party", party.id}, {"grant", false}}),
            {});
  if (!control) {
    return dismiss(party.id, kRemoved,
                   {"assist.party_removed", "The customer has taken you out of this session."}, now);
  }
  releaseControl(party.id);
  std::erase_if(asked_, [&](const ConsentRequest& r) { return r.party == party.id && r.control; });
  tellState();
}

/// Takes an agent or a supervisor out, who reads why.
void AssistSession::dismiss(const std::string& id, std::uint16_t code, const base::Error& why,
                            std::int64_t now) {
  out_.send(id, dumpJson({{"type", "ended"}, {"reason", why.reason}, {"text", why.text}}), {});
  drop(id, code, "is taken out", now);
}

void AssistSession::onShare(const Message& message, std::int64_t now) {
  const std::string state = message.text("state");
  for (const Sharing each : {Sharing::off, Sharing::on, Sharing::paused, Sharing::sensitive}) {
    if (toString(each) == state) wish_ = each;
  }
  note(now, *consumer_, "shares: " + state);
  if (wish_ != Sharing::on) releaseControl(control_);
  sharingChanged();
  tellState();
}

void AssistSession::releaseControl(const std::string& party) {
  if (control_ == party) control_.clear();
}

void AssistSession::onControl(Party& from, const Message& message, std::int64_t now) {
  if (from.role == Role::consumer) {
    if (control_.empty()) return;
    control_.clear();
    note(now, from, "takes control back");
    return tellState();
  }
  if (!message.flag("want")) {
    cancelAsked(from.id, true);
    if (control_ != from.id) return;
    control_.clear();
    note(now, from, "gives control back");
    return tellState();
  }
  if (control_ == from.id) return tellState();
  if (!control_.empty()) {
    return out_.fail(from.id, {"assist.control_taken", "Somebody else has control of the page."},
                     message.request);
  }
  if (sharing() != Sharing::on) {
    return out_.fail(from.id, {"assist.not_sharing", "The customer's page is not shared at the moment."},
                     message.request);
  }
  const bool pending =
      std::ranges::any_of(asked_, [&](const ConsentRequest& r) { return r.party == from.id && r.control; });
  if (pending) return;
  if (!from.asks.take(1, now)) {
    return out_.fail(from.id, {"rate.exceeded", "The customer was asked often enough. Please wait."},
                     message.request);
  }
  note(now, from, "asks for control");
  ask(from, true, now);
  asked_.back().request = message.request;
}

void AssistSession::tick(std::int64_t now) {
  for (const ConsentRequest& request : std::vector(asked_)) {
    if (request.until > now) continue;
    std::erase_if(asked_, [&](const ConsentRequest& r) { return r.id == request.id; });
    if (consumer_) out_.send(consumer_->id, dumpJson({{"type", "consent-over"}, {"id", request.id}}), {});
    settle(request, false, now);
  }
  if (someoneNeedsWhole(now)) askForWhole(now);
  pace(now);
}

void AssistSession::end(const std::string& reason, const std::string& text, std::int64_t now) {
  if (over()) return;
  endedAt_ = now;
  reason_ = reason;
  text_ = text;
  timeline_.add(now, "server", "server", "ended", {{"reason", reason}, {"text", text}});
  forgetPictures();
  const std::string told = dumpJson({{"type", "ended"}, {"reason", reason}, {"text", text}});
  for (const std::string& party : partyIds()) {
    out_.send(party, told, {});
    out_.part(party, kEnded, reason);
  }
}

void AssistSession::onMessage(const std::string& id, const Message& message, std::int64_t now) {
  Party* from = find(id);
  if (from == nullptr || over()) return;
  Circumstances around;
  around.role = from->role;
  around.standing = from->standing;
  around.sharing = sharing();
  around.inControl = !control_.empty() && control_ == from->id;
  around.consumerPresent = consumer_ && consumer_->up;
  around.documentOpen = document_.has_value();
  around.pressed = from->pressed;
  around.features = &options_.features;
  if (const auto refusal = refusalOf(message, around)) {
    // What may be lost is not worth an answer, again and again.
    if (message.kind == Kind::pointer || message.kind == Kind::seen || message.kind == Kind::refresh) {
      if (!from->wishes.take(1, now)) return;
    }
    return out_.fail(id, *refusal, message.request);
  }
  handle(*from, message, now);
}

void AssistSession::handle(Party& from, const Message& message, std::int64_t now) {
  switch (message.kind) {
    case Kind::consent:
      return onConsent(message, now);
    case Kind::share:
      return onShare(message, now);
    case Kind::end:
      if (message.text("why") == "call")
        return end("call_ended", "The call has ended, and sharing with it.", now);
      return end("consumer_ended", "The customer has ended the session.", now);
    case Kind::leave:
      if (from.role != Role::consumer) return drop(from.id, 1000, "left", now);
      return end("consumer_ended", "The customer has left the session.", now);
    case Kind::receipt:
      return onReceipt(message, now);
    case Kind::view:
      return onView(message, now);
    case Kind::control:
      return onControl(from, message, now);
    case Kind::ask:
      return onAsk(from, message, now);
    case Kind::quality:
      return onQuality(from, message, now);
    case Kind::draw:
      return onDraw(from, message, now);
    case Kind::erase:
      return onErase(from, message, now);
    case Kind::document:
      return onDocument(from, message, now);
    case Kind::window:
      return onWindow(from, message);
    case Kind::push:
      return onPush(from, message, now);
    case Kind::form:
    case Kind::formResult:
      return onForm(message);
    case Kind::activity:
      note(now, from, Timeline::kActivity,
           {{"what", message.text("what")}, {"target", clipped(message.text("target"), kMaxNotedTarget)}});
      [[fallthrough]];
    case Kind::pushResult:
    case Kind::cursor: {
      Json out = message.body;
      out["type"] = toString(message.kind);
      const bool newest = message.kind == Kind::cursor;
      const bool matters = message.kind == Kind::pushResult;
      return tellWatchers(out, newest ? std::string(toString(message.kind)) : std::string(), matters);
    }
    case Kind::carried:
      carried_ = {{"type", "carried"}, {"shapes", message.body["shapes"]}};
      return tellWatchers(carried_, "carried");
    case Kind::seen:
      from.viewer.seen(static_cast<std::uint32_t>(message.body["frame"].get<std::int64_t>()));
      return serve(from);
    case Kind::refresh:
      if (!from.joined() || !from.wishes.take(1, now)) return;
      from.viewer.restart();
      askForWhole(now);
      return serve(from);
    default:
      return onAct(from, message, now);
  }
}

void AssistSession::onAsk(Party& from, const Message& message, std::int64_t now) {
  if (from.standing != Standing::refused) return;
  if (!from.asks.take(1, now)) {
    return out_.fail(from.id, {"rate.exceeded", "Please wait before you ask again."}, message.request);
  }
  ask(from, false, now);
  tellState();
}

void AssistSession::onQuality(const Party& from, const Message& message, std::int64_t now) {
  const std::string level = message.text("level");
  if (level == quality_) return;
  if (!qualities_.take(1, now)) {
    return out_.fail(from.id, {"rate.exceeded", "The quality was changed often enough. Please wait."},
                     message.request);
  }
  quality_ = level;
  note(now, from, "chooses the quality", {{"level", level}});
  tellState();
}

void AssistSession::note(std::int64_t now, const Party& from, std::string_view what, Json detail) {
  historyChanged_ = true;
  if (from.role != Role::consumer) detail["who"] = from.name;
  timeline_.add(now, toString(from.role), "server", what, std::move(detail));
}

}  // namespace parley::assist
