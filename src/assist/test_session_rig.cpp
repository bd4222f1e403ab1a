#include "assist/test_session_rig.h"

#include <bit>

namespace parley::assist::rig {

using Json = nlohmann::json;

base::Buffer picture(std::uint32_t frame, bool whole, std::size_t bytes, std::uint32_t epoch) {
  base::Buffer out(28 + 15 + bytes);
  base::ByteWriter write(out);
  write.u8(1);
  write.u8(1);
  write.u8(whole ? 1 : 0);
  write.u8(0);
  write.u32(frame);
  write.u32(epoch);
  write.u16(100);
  write.u16(80);
  write.u32(std::bit_cast<std::uint32_t>(1.0f));
  write.zeros(8);
  write.u8(2);
  write.zeros(4);
  write.u16(100);
  write.u16(80);
  write.u8(1);
  write.u8(1);
  write.u32(static_cast<std::uint32_t>(bytes));
  return out;
}

void Recorder::send(const std::string& party, std::string object, const std::string& key) {
  keys[party].push_back(key);
  messages[party].push_back(Json::parse(object));
}

void Recorder::show(const std::string& party, const Picture& picture) {
  shown[party].push_back(
      {picture.header.frame, picture.header.whole, picture.bytes->size(), picture.bytes.get()});
}

void Recorder::fail(const std::string& party, const base::Error& error, const std::string&) {
  errors[party].push_back(error.reason);
}

void Recorder::part(const std::string& party, std::uint16_t code, std::string_view) { parted[party] = code; }

Json Recorder::last(const std::string& party, const std::string& type) const {
  const auto at = messages.find(party);
  if (at == messages.end()) return nullptr;
  for (auto each = at->second.rbegin(); each != at->second.rend(); ++each) {
    if ((*each)["type"] == type) return *each;
  }
  return nullptr;
}

std::size_t Recorder::count(const std::string& party, const std::string& type) const {
  const auto at = messages.find(party);
  std::size_t sum = 0;
  for (const Json& each : at == messages.end() ? std::vector<Json>{} : at->second)
    sum += each["type"] == type;
  return sum;
}

void Recorder::clear() {
  messages.clear();
  keys.clear();
  shown.clear();
  errors.clear();
  wishes.clear();
}

namespace {

SessionOptions allFeatures() {
  SessionOptions options;
  for (std::size_t i = 0; i < kFeatures; ++i) options.features.insert(static_cast<Feature>(i));
  return options;
}

}  // namespace

Rig::Rig() : options(allFeatures()), session("cid", out, options, totals, now) { join("c", Role::consumer); }

void Rig::join(const std::string& id, Role role, const std::string& user) {
  Party party;
  party.id = id;
  party.role = role;
  party.user = user.empty() ? "user-" + id : user;
  party.name = "Name of " + id;
  session.join(std::move(party), now);
}

bool Rig::say(const std::string& party, Json message) {
  const auto parsed = parseMessage(message["type"].get<std::string>(), message);
  if (!parsed) return false;
  const std::size_t before = out.errors[party].size();
  session.onMessage(party, *parsed, now);
  return out.errors[party].size() == before;
}

void Rig::answer(bool grant) {
  const Json asked = out.last("c", "consent-request");
  say("c", {{"type", "consent"}, {"id", asked["id"]}, {"grant", grant}});
}

void Rig::letIn(const std::string& id, Role role) {
  join(id, role);
  answer(true);
  say("c", {{"type", "share"}, {"state", "on"}});
}

void Rig::giveControl(const std::string& id) {
  say(id, {{"type", "control"}, {"want", true}});
  answer(true);
}

}  // namespace parley::assist::rig
