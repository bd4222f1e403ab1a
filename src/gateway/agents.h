// Presence of agents: signed in, available, away, busy. What an agent chose is remembered over a reload of
// the page. Loop thread only; pure bookkeeping.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace parley::gateway {

enum class Presence { notSignedIn, available, busy, away };
std::string_view toString(Presence presence);  ///< available, busy, away; empty when not signed in.

class Agents {
 public:
  Agents();
  void signedIn(const std::string& user, std::int64_t now = 0);
  void signedOut(const std::string& user);
  void setAvailable(const std::string& user, bool available);
  /// An agent has a call from the moment it is chosen to the end; at most two (a consult).
  void addCall(const std::string& user, const std::string& call);
  void removeCall(const std::string& user, const std::string& call, std::int64_t now);

  Presence presence(const std::string& user) const;
  std::vector<std::string> callsOf(const std::string& user) const;
  /// When the agent's last call ended, or it signed in: for the longest idle one.
  std::int64_t idleSince(const std::string& user) const;
  std::vector<std::string> usersIn(const std::string& call) const;
  std::size_t tracked() const { return agents_.size(); }

 private:
  struct Agent {
    bool signedIn = false;
    bool wantsCalls = true;
    std::vector<std::string> calls;
    std::int64_t idleSince = 0;
  };
  void count();
  std::map<std::string, Agent> agents_;
  std::map<Presence, base::Gauge> gauges_;
};

}  // namespace parley::gateway
