// Credentials towards the outbound servers (sip.trunk_user): one account, with each server's own nonces.
//
// Only a server's own addresses are answered and get credentials unasked: whoever else a call is led to (a
// redirection, a Contact) hears nothing that was made of the password. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/secret.h"
#include "proto/address.h"
#include "sip/digest_client.h"
#include "sip/hooks.h"

namespace parley::gateway {

class TrunkAccount final : public sip::Authenticator {
 public:
  /// The outbound server that an address is one of; empty: of none.
  using ServerOf = std::function<std::string(const proto::TransportAddress&)>;
  TrunkAccount(std::string user, base::Secret password, base::Random& random, ServerOf serverOf);

  std::optional<sip::Message> answer(const sip::Message& challenge, const sip::Message& request,
                                     const sip::Target& from) override;
  void authorize(sip::Message& request, const sip::Target& to) override;
  void onSuccess(const sip::Message& response, const sip::Message& request, const sip::Target& from) override;

 private:
  sip::DigestClient* clientOf(const sip::Target& target);

  std::string user_;
  base::Secret password_;
  base::Random& random_;
  ServerOf serverOf_;
  std::map<std::string, sip::DigestClient> clients_;  ///< By server.
};

}  // namespace parley::gateway
