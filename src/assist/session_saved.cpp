// A session that outlives the server's process.
#include <algorithm>
#include <array>

#include "assist/session.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

std::optional<Standing> standingOf(const std::string& name) {
  for (const Standing each : {Standing::asking, Standing::joined, Standing::refused}) {
    if (toString(each) == name) return each;
  }
  return std::nullopt;
}

Json jsonOf(const Party& party) {
  return {{"id", party.id},        {"role", toString(party.role)}, {"user", party.user},
          {"name", party.name},    {"color", party.color},         {"standing", toString(party.standing)},
          {"did", Json(party.did)}};
}

/// Nobody is connected yet, and what was drawn is gone: who comes is told so.
std::optional<Party> partyOf(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) { return link::stringAt(json, key).value_or(""); };
  const auto role = roleOf(text("role"));
  const auto standing = standingOf(text("standing"));
  if (!role || !standing || text("id").empty()) return std::nullopt;
  Party out;
  out.id = text("id");
  out.role = *role;
  out.user = text("user");
  out.name = text("name");
  out.color = text("color");
  out.standing = *standing;
  out.up = false;
  out.behind = true;
  if (const auto did = json.find("did"); did != json.end() && did->is_object()) {
    for (const auto& [what, count] : did->items()) {
      if (count.is_number_unsigned()) out.did[what] = count.get<std::uint64_t>();
    }
  }
  return out;
}

std::optional<ConsentRequest> requestOf(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const std::string id = link::stringAt(json, "id").value_or("");
  if (id.empty()) return std::nullopt;
  return ConsentRequest{
      id, link::stringAt(json, "party").value_or(""), link::boolAt(json, "control").value_or(false),
      link::integerAt(json, "until").value_or(0), link::stringAt(json, "request").value_or("")};
}

std::optional<OpenDocument> documentOf(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) { return link::stringAt(json, key).value_or(""); };
  const auto number = [&](const char* key, double otherwise) {
    const auto at = json.find(key);
    return at != json.end() && at->is_number() ? at->get<double>() : otherwise;
  };
  OpenDocument out{text("id"), text("kind"), text("src"), text("name")};
  if (out.id.empty() || out.src.empty()) return std::nullopt;
  out.page = number("page", out.page);
  out.scroll = number("scroll", out.scroll);
  out.zoom = number("zoom", out.zoom);
  out.pages = link::integerAt(json, "pages").value_or(0);
  return out;
}

}  // namespace

Json AssistSession::save() const {
  Json parties = Json::array(), asked = Json::array();
  for (const Party& party : others_) parties.push_back(jsonOf(party));
  for (const ConsentRequest& r : asked_) {
    asked.push_back({{"id", r.id},
                     {"party", r.party},
                     {"control", r.control},
                     {"until", r.until},
                     {"request", r.request}});
  }
  return {{"cid", cid_},
          {"startedAt", startedAt_},
          {"consumer", consumer_ ? jsonOf(*consumer_) : Json()},
          {"parties", std::move(parties)},
          {"asked", std::move(asked)},
          {"lastId", lastId_},
          {"sharing", toString(wish_)},
          {"view", view_},
          {"page", page_},
          {"unsupported", unsupported_},
          {"fidelity", fidelity_},
          {"quality", quality_},
          {"window", window_},
          {"document", documentState()},
          {"pictures", pictures_},
          {"bytes", bytes_}};
}

/// Control is not among it: it ends with the agent's connection, as ever.
bool AssistSession::restore(const Json& saved) {
  if (!saved.is_object() || !saved.contains("consumer")) return false;
  auto consumer = partyOf(saved["consumer"]);
  if (!consumer || consumer->role != Role::consumer) return false;
  consumer_ = std::move(*consumer);
  for (const Json& each : saved.value("parties", Json::array())) {
    auto party = partyOf(each);
    if (!party || party->role == Role::consumer) return false;
    others_.push_back(std::move(*party));
  }
  for (const Json& each : saved.value("asked", Json::array())) {
    if (auto request = requestOf(each)) asked_.push_back(std::move(*request));
  }
  const std::string sharing = link::stringAt(saved, "sharing").value_or("");
  for (const Sharing each : {Sharing::on, Sharing::paused, Sharing::sensitive}) {
    if (toString(each) == sharing) wish_ = each;
  }
  const auto count = [&](const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, link::integerAt(saved, key).value_or(0)));
  };
  lastId_ = count("lastId");
  pictures_ = count("pictures");
  bytes_ = count("bytes");
  fidelity_ = link::stringAt(saved, "fidelity").value_or(fidelity_);
  quality_ = link::stringAt(saved, "quality").value_or(quality_);
  page_ = saved.value("page", Json());
  window_ = saved.value("window", Json());
  document_ = documentOf(saved.value("document", Json()));
  if (saved.value("view", Json()).is_object()) view_ = saved["view"];
  if (saved.value("unsupported", Json()).is_array()) unsupported_ = saved["unsupported"];
  return true;
}

Json AssistSession::saveHistory() const {
  return {{"receipts", receipts_},
          {"droppedReceipts", droppedReceipts_},
          {"timeline", timeline_.json()},
          {"dropped", timeline_.dropped()}};
}

void AssistSession::restoreHistory(const Json& saved) {
  if (!saved.is_object()) return;
  for (const Json& receipt : saved.value("receipts", Json::array())) {
    receiptBytes_ += link::dumpJson(receipt).size();
    receipts_.push_back(receipt);
  }
  droppedReceipts_ = static_cast<std::size_t>(link::integerAt(saved, "droppedReceipts").value_or(0));
  timeline_.restore(saved.value("timeline", Json::array()),
                    static_cast<std::size_t>(link::integerAt(saved, "dropped").value_or(0)));
}

bool AssistSession::takeChanged(std::int64_t now) {
  if (!changed_ || over() || !saves_.take(1, now)) return false;
  changed_ = false;
  return true;
}

bool AssistSession::takeHistoryChanged(std::int64_t now) {
  if (!historyChanged_ || over() || !historySaves_.take(1, now)) return false;
  historyChanged_ = false;
  return true;
}

std::vector<std::string> AssistSession::partyIds() const {
  std::vector<std::string> out;
  if (consumer_) out.push_back(consumer_->id);
  for (const Party& party : others_) out.push_back(party.id);
  return out;
}

}  // namespace parley::assist
