// The session as others see it.
#include <algorithm>
#include <utility>

#include "assist/session.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::dumpJson;
using link::Json;

Json names(const std::set<Feature>& features) {
  Json out = Json::array();
  for (const Feature feature : features) out.push_back(toString(feature));
  return out;
}

}  // namespace

Json AssistSession::documentState() const {
  if (!document_) return nullptr;
  return {{"id", document_->id},     {"kind", document_->kind},  {"src", document_->src},
          {"name", document_->name}, {"page", document_->page},  {"scroll", document_->scroll},
          {"zoom", document_->zoom}, {"pages", document_->pages}};
}

Json AssistSession::state(Role viewer, bool letIn) const {
  const bool label = viewer == Role::consumer && !options_.agentName.empty();
  Json parties = Json::array();
  for (const Party& p : others_) {
    parties.push_back({{"party", p.id},
                       {"role", toString(p.role)},
                       {"name", label ? options_.agentName : p.name},
                       {"color", p.color},
                       {"state", toString(p.standing)},
                       {"present", p.up}});
  }
  return {{"cid", cid_},
          {"consumer",
           {{"present", consumer_ && consumer_->up}, {"name", consumer_ ? consumer_->name : std::string()}}},
          {"parties", std::move(parties)},
          {"sharing", toString(sharing())},
          {"consent", consented()},
          {"control", control_.empty() ? "none" : control_},
          {"view", letIn ? view_ : Json::object()},
          {"fidelity", fidelity_},
          {"quality", quality_},
          {"unsupported", letIn ? unsupported_ : Json::array()},
          {"document", letIn ? documentState() : Json()},
          {"window", window_},
          {"features", names(options_.features)}};
}

Json AssistSession::stateFor(const std::string& id, Role role) const {
  const auto at = std::ranges::find(others_, id, &Party::id);
  return state(role, role == Role::consumer || (at != others_.end() && at->joined()));
}

Json AssistSession::settings(Role viewer) const {
  Json out = {{"features", names(options_.features)},
              {"imageScale", static_cast<double>(options_.imageScalePercent) / 100},
              {"maxFrameBytes", kMaxPictureBytes},
              {"maxParties", options_.maxParties},
              {"maxDocumentBytes", options_.maxDocumentBytes},
              {"agentName", options_.agentName}};
  if (viewer == Role::consumer) {
    out["maskDefault"] = options_.maskDefault;
    out["maskSelectors"] = options_.maskSelectors;
    out["maxKbps"] = options_.maxKbps;
  }
  return out;
}

void AssistSession::tellState() {
  if (over()) return;
  changed_ = true;
  const auto text = [this](Role viewer, bool letIn) {
    Json message = state(viewer, letIn);
    message["type"] = "session";
    return dumpJson(message);
  };
  if (consumer_) out_.send(consumer_->id, text(Role::consumer, true), "session");
  std::string inside;  // The same for all of them.
  for (const Party& party : others_) {
    if (party.joined() && inside.empty()) inside = text(party.role, true);
    out_.send(party.id, party.joined() ? inside : text(party.role, false), "session");
  }
}

Json AssistSession::summary() const {
  Json parties = Json::array();
  for (const Party& p : others_) {
    parties.push_back({{"party", p.id},
                       {"role", toString(p.role)},
                       {"name", p.name},
                       {"user", p.user},
                       {"state", toString(p.standing)}});
  }
  Json out = {
      {"cid", cid_},
      {"consumer",
       {{"name", consumer_ ? consumer_->name : std::string()}, {"present", consumer_ && consumer_->up}}},
      {"parties", std::move(parties)},
      {"sharing", over() ? "off" : toString(sharing())},
      {"fidelity", fidelity_},
      {"title", view_.value("title", "")},
      {"startedAt", link::utcOf(startedAt_)},
      {"receipts", receipts_.size()},
      {"frames", pictures_},
      {"bytes", bytes_}};
  if (over()) {
    out["endedAt"] = link::utcOf(endedAt_);
    out["reason"] = reason_;
    out["text"] = text_;
  }
  return out;
}

Json AssistSession::summaryFor(const std::string& user) const {
  Json out = summary();
  const bool in = std::ranges::any_of(others_, [&](const Party& p) { return p.joined() && p.user == user; });
  if (!in || sharing() != Sharing::on) out.erase("title");
  return out;
}

Json AssistSession::record() const {
  Json out = summary();
  out["receipts"] = receipts_;
  out["timeline"] = timeline_.json();
  if (droppedReceipts_ > 0) out["droppedReceipts"] = droppedReceipts_;
  if (timeline_.dropped() > 0) out["dropped"] = timeline_.dropped();
  return out;
}

}  // namespace parley::assist
