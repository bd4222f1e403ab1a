// Presence of agents: signed in, available, away, busy. What an agent chose is remembered over a reload of
// the page. Loop thread only; pure bookkeeping.
#pragma once
#include <map>
#include <string>

#include "base/metrics.h"

namespace parley::gateway {

enum class Presence { notSignedIn, available, busy, away };
std::string_view toString(Presence presence);  ///< available, busy, away; empty when not signed in.

class Agents {
 public:
  Agents();
  void signedIn(const std::string& user);
  void signedOut(const std::string& user);
  void setAvailable(const std::string& user, bool available);
  /// The agent's call, from the moment it is chosen to the end; empty: none.
  void setCall(const std::string& user, const std::string& call);

  Presence presence(const std::string& user) const;
  std::string callOf(const std::string& user) const;
  std::size_t tracked() const { return agents_.size(); }

 private:
  struct Agent {
    bool signedIn = false;
    bool wantsCalls = true;
    std::string call;
  };
  void count();
  std::map<std::string, Agent> agents_;
  std::map<Presence, base::Gauge> gauges_;
};

}  // namespace parley::gateway
