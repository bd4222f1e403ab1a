#include "gateway/agents.h"

#include <algorithm>

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

void Agents::signedIn(const std::string& user, std::int64_t now) {
  Agent& agent = agents_[user];
  if (!agent.signedIn) agent.idleSince = now;
  agent.signedIn = true;
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

void Agents::addCall(const std::string& user, const std::string& call) {
  auto& calls = agents_[user].calls;
  if (std::ranges::find(calls, call) == calls.end()) calls.push_back(call);
  count();
}

void Agents::removeCall(const std::string& user, const std::string& call, std::int64_t now) {
  Agent& agent = agents_[user];
  if (std::erase(agent.calls, call) != 0 && agent.calls.empty()) agent.idleSince = now;
  count();
}

Presence Agents::presence(const std::string& user) const {
  const auto found = agents_.find(user);
  if (found == agents_.end() || !found->second.signedIn) return Presence::notSignedIn;
  if (!found->second.calls.empty()) return Presence::busy;
  return found->second.wantsCalls ? Presence::available : Presence::away;
}

std::vector<std::string> Agents::callsOf(const std::string& user) const {
  const auto found = agents_.find(user);
  return found == agents_.end() ? std::vector<std::string>() : found->second.calls;
}

std::int64_t Agents::idleSince(const std::string& user) const {
  const auto found = agents_.find(user);
  return found == agents_.end() ? 0 : found->second.idleSince;
}

std::vector<std::string> Agents::usersIn(const std::string& call) const {
  std::vector<std::string> out;
  for (const auto& [user, agent] : agents_) {
    if (std::ranges::find(agent.calls, call) != agent.calls.end()) out.push_back(user);
  }
  return out;
}

void Agents::count() {
  std::map<Presence, std::int64_t> counts;
  for (const auto& [user, agent] : agents_) ++counts[presence(user)];
  for (const auto& [presence, gauge] : gauges_) gauge.set(counts[presence]);
}

}  // namespace parley::gateway
