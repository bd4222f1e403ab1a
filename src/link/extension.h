// A part of the application server beside the calls (Expert Assist, application events): what the server
// gives it, and what the server asks of it. The parts do not know each other, nor the calls. Loop thread
// only.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/settings.h"
#include "identity/tokens.h"
#include "identity/users.h"
#include "link/api.h"
#include "net/event_loop.h"
#include "net/http.h"
#include "store/store.h"

namespace parley::link {

/// So long a part may take to load what it needs before it can begin.
constexpr base::Millis kLoadPatience{60'000};

/// What a part works with; all of it outlives the part.
struct Host {
  net::EventLoop& loop;
  base::Settings& settings;
  net::Router& router;
  const identity::Users& users;
  identity::TokenSigner& signer;
  const SignIns& signIns;
  store::Store& store;
  base::Random& random;
  net::WorkPool& pool;  ///< For CPU-heavy work; shared with the passwords' hashing.
  std::string stateDirectory;
  std::string authorityPem;  ///< Our own certificate authority, to be trusted besides the machine's.
};

class Extension {
 public:
  virtual ~Extension() = default;
  /// Adds its routes, starts its work.
  virtual base::Result<void> start(const Host& host) = 0;
  /// A consumer asks for a session (POST /assistserver/session). `ask` is the body as it came, its form
  /// checked by nobody; `consumer` is who will be in the call's token. What the page gets beside goes into
  /// `answer`.
  virtual base::Result<void> onSessionAsked(const nlohmann::json& ask, const identity::CallToken& consumer,
                                            nlohmann::json& answer);
  /// An agent asks for a token with ?for=…; false: not this part's. `answer` has the user's names and roles.
  virtual bool onTokenAsked(std::string_view what, const identity::User& user, nlohmann::json& answer);
  /// The customer of a call with this co-browse session was taken back from hold.
  virtual void onRetrieved(const std::string& cid);
  /// A user was changed: who is disabled is not here any more (link::standing()).
  virtual void onUsersChanged() {}
  virtual void applySettings() {}
  /// The server will stop soon; nothing new begins.
  virtual void drain() {}
  /// The server stops: says so to its pages and closes their connections.
  virtual void stop() {}
};

}  // namespace parley::link
