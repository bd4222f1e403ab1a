// Administrators' list of users (ADM-3): who may sign in, as what, and whether he still may. The HTTP side of
// identity::Users; docs/protocols/websocketcall.md is the contract. Loop thread only.
#pragma once
#include "base/guard.h"
#include "identity/users.h"
#include "link/api.h"
#include "net/http.h"

namespace parley::gateway {

/// The body of PUT …/users/{user}. Error: request.malformed, with what is wrong.
base::Result<identity::UserChange> parseUserChange(std::string_view body);

class UsersApi {
 public:
  /// Both outlive it.
  UsersApi(identity::Users& users, const link::SignIns& signIns) : users_(users), signIns_(signIns) {}
  void addRoutes(net::Router& router);

 private:
  void onList(const net::HttpRequest& request, net::HttpReply reply) const;
  void onChange(const net::HttpRequest& request, net::HttpReply reply);

  identity::Users& users_;
  const link::SignIns& signIns_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
