// Peers that outlive the server's process: what another process has to know of a page to go on with it.
#include "base/text.h"
#include "link/json.h"
#include "link/peers.h"

namespace parley::link {
namespace {

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kHashCharacters = 64;  // SHA-256 in hex.

}  // namespace

std::string Peers::save(const std::string& id) const {
  const Peer* peer = find(id);
  if (peer == nullptr) return {};
  const identity::CallToken& token = peer->token;
  return dumpJson({{options_.idName, peer->id},
                   {"keyHash", peer->keyHash},
                   {"role", token.role},
                   {"user", token.user},
                   {"name", token.name},
                   {"destination", token.destination},
                   {"uui", token.uui},
                   {"correlationId", token.correlationId},
                   {"uuiAllowed", token.uuiAllowed},
                   {"phonesAllowed", token.phonesAllowed},
                   {"cid", token.cid},
                   {"grants", token.grants},
                   {"network", peer->network}});
}

std::string Peers::restore(const std::string& saved) {
  affinity_.assertHere();
  const auto json = parseJson(saved);
  if (!json || !json->is_object()) return {};
  const auto text = [&](const char* key) { return stringAt(*json, key).value_or(""); };
  const std::string id = text(options_.idName.c_str());
  if (at(id) != nullptr) return id;
  if (peers_.size() >= options_.maxPeers) return {};
  identity::CallToken token;
  token.audience = options_.audience;
  token.role = text("role");
  token.user = text("user");
  token.name = text("name");
  token.destination = text("destination");
  token.uui = text("uui");
  token.correlationId = text("correlationId");
  token.uuiAllowed = boolAt(*json, "uuiAllowed").value_or(false);
  token.phonesAllowed = boolAt(*json, "phonesAllowed").value_or(false);
  token.cid = text("cid");
  if (const auto grants = json->find("grants"); grants != json->end() && grants->is_array()) {
    for (const Json& grant : *grants) {
      if (grant.is_string()) token.grants.push_back(grant.get<std::string>());
    }
  }
  if (id.empty() || id.size() > kMaxIdBytes || token.role.empty() || token.user.empty() ||
      text("keyHash").size() != kHashCharacters) {
    return {};
  }
  auto made = std::make_unique<Peer>(loop_, id, text("keyHash"), std::move(token), text("network"));
  made->adopted = true;
  made->grace.start(options_.resume, [this, id] { gone(id); });
  peers_.emplace(id, std::move(made));
  count();
  return id;
}

}  // namespace parley::link
