#include "gateway/agents.h"

namespace parley::gateway {

std::string_view toString(Presence presence) {
  switch (presence) {
    case Presence::notSignedIn:
      return "";
    case Presence::available:
      return "available";
    case Presence::busy:
      return "busy";
    case Presence::away:
      return "away";
  }
  return "";
}

Agents::Agents() {
  for (const Presence presence : {Presence::available, Presence::busy, Presence::away}) {
    gauges_[presence] =
        base::Metrics::instance().gauge("parley_gateway_agents", "Agents signed in, by presence.",
                                        {{"presence", std::string(toString(presence))}});
  }
}

void Agents::signedIn(const std::string& user) {
  agents_[user].signedIn = true;
  count();
}

// Entries stay, so that the choice is remembered; there are at most as many as users.
void Agents::signedOut(const std::string& user) {
  agents_[user].signedIn = false;
  count();
}

void Agents::setAvailable(const std::string& user, bool available) {
  agents_[user].wantsCalls = available;
  count();
}

void Agents::setCall(const std::string& user, const std::string& call) {
  agents_[user].call = call;
  count();
}

Presence Agents::presence(const std::string& user) const {
  const auto found = agents_.find(user);
  if (found == agents_.end() || !found->second.signedIn) return Presence::notSignedIn;
  if (!found->second.call.empty()) return Presence::busy;
  return found->second.wantsCalls ? Presence::available : Presence::away;
}

std::string Agents::callOf(const std::string& user) const {
  const auto found = agents_.find(user);
  return found == agents_.end() ? std::string() : found->second.call;
}

void Agents::count() {
  std::map<Presence, std::int64_t> counts;
  for (const auto& [user, agent] : agents_) ++counts[presence(user)];
  for (const auto& [presence, gauge] : gauges_) gauge.set(counts[presence]);
}

}  // namespace parley::gateway
