// Credentials towards the outbound servers (sip.trunk_user): one account, with each server's own nonces.
//
// Only the servers themselves are answered and get credentials unasked (SipPhones::serverAsking says who that
// is): whoever else a call is led to (a redirection, a Contact, another program of the same host) hears
// nothing that was made of the password. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "sip/digest_client.h"
#include "sip/hooks.h"

namespace parley::gateway {

class TrunkAccount final : public sip::Authenticator {
 public:
  struct Server {
    std::string uri;
    bool overFlow = true;  ///< The connection in `flow` leads there; else only the address does.
  };
  /// The outbound server that asks; an error says why it is none.
  using ServerOf = std::function<base::Result<Server>(const sip::Asker&)>;
  TrunkAccount(std::string user, base::Secret password, base::Random& random, ServerOf serverOf);

  std::optional<sip::Message> answer(const sip::Message& challenge, const sip::Message& request,
                                     sip::Asker& from) override;
  void authorize(sip::Message& request, const sip::Asker& to) override;
  void onSuccess(const sip::Message& response, const sip::Message& request, const sip::Asker& from) override;

 private:
  sip::DigestClient& clientOf(const std::string& server);

  std::string user_;
  base::Secret password_;
  base::Random& random_;
  ServerOf serverOf_;
  std::map<std::string, sip::DigestClient> clients_;  ///< By server.
};

}  // namespace parley::gateway
