// What people in a session show each other: acting, forms, drawings, documents.
#include <algorithm>
#include <utility>

#include "assist/session.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::dumpJson;
using link::Json;

constexpr std::size_t kMaxReceipts = 500;
constexpr std::size_t kMaxReceiptBytes = 96 * 1024;  // A record is to fit into the store.
constexpr std::size_t kMaxReceiptNames = 256;        // The page has 200 names and a rest.

/// Whether a receipt goes on in this message: told of the same moment, after messages as full as can be.
bool goesOn(const std::vector<Json>& receipts, const Json& body) {
  if (receipts.empty() || body.contains("unmaskable") || !body.contains("at")) return false;
  const Json& last = receipts.back();
  const std::size_t names = last.value("masked", Json::array()).size();
  return last.value("at", Json()) == body["at"] && names > 0 && names % kMaxReceiptEntries == 0 &&
         names < kMaxReceiptNames && dumpJson(last).size() + dumpJson(body).size() <= kMaxReceiptBytes / 2;
}

Json outgoing(const Message& message, const std::string& party) {
  Json out = message.body;
  out["type"] = toString(message.kind);
  if (!party.empty()) out["party"] = party;
  return out;
}

}  // namespace

/// To everybody but `except` who may know: the consumer and those whom it let in.
void AssistSession::tell(const Json& message, const std::string& key, const std::string& except) {
  const std::string text = dumpJson(message);
  if (consumer_ && consumer_->id != except) out_.send(consumer_->id, text, key);
  for (const Party& party : others_) {
    if (party.joined() && party.id != except) out_.send(party.id, text, key);
  }
}

/// Only to those who are there, unless it matters: what is about the moment is of no use later, and enough of
/// it would end who is away.
void AssistSession::tellWatchers(const Json& message, const std::string& key, bool alsoAbsent,
                                 const std::string& except) {
  const std::string text = dumpJson(message);
  for (const Party& party : others_) {
    if (party.joined() && (party.up || alsoAbsent) && party.id != except) out_.send(party.id, text, key);
  }
}

/// Who is away gets all that is drawn when it is back.
void AssistSession::tellErased(const Json& message, const std::string& except) {
  const std::string text = dumpJson(message);
  const auto show = [&](Party& to) {
    if (to.id == except) return;
    if (to.up) {
      out_.send(to.id, text, {});
    } else {
      to.behind = true;
    }
  };
  if (consumer_) show(*consumer_);
  for (Party& party : others_) {
    if (party.joined()) show(party);
  }
}

void AssistSession::onAct(Party& from, const Message& message, std::int64_t now) {
  if (!from.acts.take(1, now)) {
    if (message.kind == Kind::pointer) return;
    return out_.fail(from.id, {"rate.exceeded", "That was too much at a time."}, message.request);
  }
  ++from.did[std::string(toString(message.kind))];
  if (message.kind == Kind::formGet) from.formOpen = true;
  // Once: to a page that is away it would wait in a row.
  if (message.kind == Kind::formClose && !std::exchange(from.formOpen, false)) return;
  if (message.kind == Kind::formSet) note(now, from, "fills a field", {{"field", message.text("id")}});
  if (!consumer_) return;
  // Over a document, which may just have been closed, there is nothing to press.
  const std::string on = message.text("on");
  if (!on.empty() && (!document_ || document_->id != on)) return;
  // Of movements the newest is enough. A press or a release must not be overtaken: without it a drag would
  // begin elsewhere, or never end.
  const bool pressed = on.empty() ? message.flag("down") : from.pressed;
  const bool newest = message.kind == Kind::pointer && pressed == from.pressed;
  if (message.kind == Kind::pointer) from.pressed = pressed;
  Json out = outgoing(message, from.id);
  const std::string key = "pointer:" + from.id;
  out_.send(consumer_->id, dumpJson(out), newest ? key : "");
  if (message.kind != Kind::pointer) return;
  out.erase("request");
  tellWatchers(out, key, false, from.id);  // They only look: of theirs the newest is always enough.
}

void AssistSession::onForm(const Message& message) {
  // A page that is not shared at the moment shows no fields either.
  if (message.kind == Kind::form && sharing() != Sharing::on) return;
  if (!options_.features.contains(Feature::forms)) return;
  const std::string to = message.text("to");
  Json out = outgoing(message, {});
  out.erase("to");
  const std::string text = dumpJson(out);
  const std::string key = message.kind == Kind::form && message.request.empty() ? "form" : "";
  for (const Party& party : others_) {
    const bool wanted = to.empty() ? party.formOpen : party.id == to;
    if (party.role == Role::agent && party.joined() && wanted) out_.send(party.id, text, key);
  }
}

void AssistSession::onDraw(Party& from, const Message& message, std::int64_t now) {
  const std::string on = message.text("on");
  if (!on.empty() && (!document_ || document_->id != on)) {
    return out_.fail(from.id, {"assist.unknown_document", "This document is not open."}, message.request);
  }
  Json out = outgoing(message, from.id);
  out.erase("request");
  if (!out.contains("color")) out["color"] = from.role == Role::consumer ? "#111827" : from.color;
  if (const auto drawn = drawings_.draw(out); !drawn)
    return out_.fail(from.id, drawn.error(), message.request);
  if (message.flag("done")) note(now, from, "draws", {{"tool", message.text("tool")}});
  const std::string text = dumpJson(out);
  const auto show = [&](Party& to) {
    if (to.id == from.id) return;
    to.up ? out_.send(to.id, text, {}) : void(to.behind = true);
  };
  if (consumer_) show(*consumer_);
  for (Party& party : others_) {
    if (party.joined()) show(party);
  }
}

void AssistSession::onErase(const Party& from, const Message& message, std::int64_t now) {
  Json out = {{"type", "erase"}, {"party", from.id}};
  const std::string on = message.text("on");
  if (message.flag("all")) {
    if (on.empty()) return clearDrawings(message.body.value("why", "demand"), from.id, now);
    drawings_.eraseOn(on);
    out["all"] = true;
    out["on"] = on;
  } else if (message.body.contains("ids")) {
    drawings_.erase(message.body["ids"].get<std::vector<std::string>>());
    out["ids"] = message.body["ids"];
  } else {
    return out_.fail(from.id, {"message.malformed", "What is to be erased?"}, message.request);
  }
  tellErased(out, from.id);
}

void AssistSession::clearDrawings(const std::string& why, const std::string& party, std::int64_t now) {
  if (drawings_.empty()) return;
  drawings_.eraseAll();
  carried_ = nullptr;
  timeline_.add(now, "server", "server", "drawings are cleared", {{"why", why}});
  Json out = {{"type", "erase"}, {"all", true}, {"why", why}};
  if (!party.empty()) out["party"] = party;
  tellErased(out, {});
}

void AssistSession::replayDrawings(Party& to) {
  const bool fresh = !std::exchange(to.behind, false);
  if (!fresh) out_.send(to.id, R"({"type":"erase","all":true,"why":"resumed"})", {});
  for (const Json& shape : drawings_.all()) out_.send(to.id, dumpJson(shape), {});
  if (to.role != Role::consumer && !carried_.is_null()) out_.send(to.id, dumpJson(carried_), {});
}

void AssistSession::retrieved(std::int64_t now) { clearDrawings("hold", {}, now); }

void AssistSession::onPush(Party& from, const Message& message, std::int64_t now) {
  PushWish wish{cid_,
                from.id,
                from.user,
                message.request,
                message.text("kind"),
                message.text("content"),
                message.text("url"),
                message.text("name")};
  if (wish.url.empty() == wish.content.empty()) {
    return out_.fail(from.id, {"message.malformed", "A push has a url or a content."}, message.request);
  }
  if (!pushes_.take(1, now)) {
    return out_.fail(from.id, {"rate.exceeded", "Too much was pushed in a short time."}, message.request);
  }
  if (wish.kind == "document" || wish.kind == "image") return out_.provide(wish);
  if (wish.url.empty()) {
    return out_.fail(from.id, {"message.malformed", "Links and videos are pushed by their url."},
                     message.request);
  }
  showPushed(wish, wish.kind, wish.url, now);
}

void AssistSession::provided(const PushWish& wish, const base::Result<PushContent>& content,
                             std::int64_t now) {
  const Party* from = find(wish.party);
  if (over() || from == nullptr) return;
  if (!content) return out_.fail(wish.party, content.error(), wish.request);
  // The consumer may have changed its mind while the document was fetched.
  if (!from->joined() || !options_.features.contains(Feature::pushDocument)) {
    return out_.fail(wish.party, {"assist.no_consent", "The customer has not agreed to that."}, wish.request);
  }
  PushWish named = wish;
  if (named.name.empty()) named.name = clipped(content->name, 200);
  showPushed(named, content->kind, content->src, now);
}

void AssistSession::showPushed(const PushWish& wish, const std::string& kind, const std::string& src,
                               std::int64_t now) {
  const Party* from = find(wish.party);
  const std::string id = "d" + std::to_string(++lastId_);
  note(now, *from, "pushes", {{"kind", kind}, {"name", wish.name}});
  Json out = {{"type", "push"}, {"id", id},          {"kind", kind},
              {"src", src},     {"name", wish.name}, {"party", wish.party}};
  if (!wish.url.empty()) out["url"] = wish.url;
  if (!wish.request.empty()) out["request"] = wish.request;
  tell(out, {}, {});
  if (kind != "document" && kind != "image") return;
  if (document_) drawings_.eraseOn(document_->id);
  document_ = OpenDocument{id, kind, src, wish.name};
  tellState();
}

void AssistSession::onDocument(const Party& from, const Message& message, std::int64_t now) {
  if (!document_ || document_->id != message.text("id")) {
    return out_.fail(from.id, {"assist.unknown_document", "This document is not open."}, message.request);
  }
  Json out = outgoing(message, from.id);
  out.erase("request");
  if (message.flag("closed")) {
    note(now, from, "closes the document", {{"name", document_->name}});
    drawings_.eraseOn(document_->id);
    document_.reset();
    tell(out, {}, from.id);
    return tellState();
  }
  changed_ = true;
  document_->page = message.body.value("page", document_->page);
  document_->scroll = message.body.value("scroll", document_->scroll);
  document_->zoom = message.body.value("zoom", document_->zoom);
  document_->pages = message.body.value("pages", document_->pages);
  // Of each the newest is enough, also for who is away.
  tell(out, (message.body.contains("pages") ? "pages:" : "document:") + from.id, from.id);
}

void AssistSession::onWindow(const Party& from, const Message& message) {
  window_ = message.body;
  window_.erase("request");
  tell(outgoing(message, from.id), "window", from.id);
}

void AssistSession::onView(const Message& message, std::int64_t now) {
  const Json& body = message.body;
  const Json page = body.value("page", page_);
  const std::string path = body.value("path", view_.value("path", ""));
  const bool moved = !view_.empty() && (page != page_ || path != view_.value("path", ""));
  page_ = page;
  view_ = {{"w", body["w"]},
           {"h", body["h"]},
           {"scale", body.value("scale", 1.0)},
           {"title", body.value("title", "")},
           {"path", path},
           {"masked", body.value("masked", 0)}};
  fidelity_ = body.value("fidelity", fidelity_);
  unsupported_ = body.value("unsupported", unsupported_);
  if (moved) {
    clearDrawings("navigation", {}, now);
    note(now, *consumer_, "goes to another page", {{"path", path}});
  }
  tellState();
}

/// The first and the last ones are kept: what is masked changes little in between.
void AssistSession::onReceipt(const Message& message, std::int64_t now) {
  historyChanged_ = true;
  if (goesOn(receipts_, message.body)) {
    Json& last = receipts_.back();
    receiptBytes_ -= dumpJson(last).size();
    for (const Json& entry : message.body["masked"]) last["masked"].push_back(entry);
  } else {
    receipts_.push_back(message.body);
    receipts_.back()["received"] = link::utcOf(now);
  }
  receiptBytes_ += dumpJson(receipts_.back()).size();
  while (receipts_.size() > kMaxReceipts || (receiptBytes_ > kMaxReceiptBytes && receipts_.size() > 2)) {
    const auto middle = receipts_.begin() + static_cast<std::ptrdiff_t>(receipts_.size() / 2);
    receiptBytes_ -= dumpJson(*middle).size();
    receipts_.erase(middle);
    ++droppedReceipts_;
  }
}

}  // namespace parley::assist
