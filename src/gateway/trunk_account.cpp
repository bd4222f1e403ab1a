#include "gateway/trunk_account.h"

#include "base/text.h"
#include "gateway/internal_log.h"
#include "gateway/trunks.h"
#include "net/endpoint.h"

namespace parley::gateway {

TrunkAccount::TrunkAccount(std::string user, base::Secret password, base::Random& random, ServerOf serverOf)
    : user_(std::move(user)),
      password_(std::move(password)),
      random_(random),
      serverOf_(std::move(serverOf)) {}

sip::DigestClient& TrunkAccount::clientOf(const std::string& server) {
  const auto found = clients_.find(server);
  if (found != clients_.end()) return found->second;
  if (clients_.size() >= Trunks::kMaxServers) clients_.clear();  // Of servers that are no more.
  std::vector<sip::DigestCredentials> credentials{{.realm = {}, .user = user_, .password = password_}};
  return clients_.try_emplace(server, std::move(credentials), random_).first->second;
}

std::optional<sip::Message> TrunkAccount::answer(const sip::Message& challenge, const sip::Message& request,
                                                 sip::Asker& from) {
  const auto server = serverOf_(from);
  if (!server) {
    const proto::TransportAddress& at = from.target.address;
    sipLog.warn("credentials were not given to who is no outbound server",
                {{"address", net::Endpoint::fromBytes(at.ip, at.port).toString()},
                 {"transport", sip::toString(from.target.kind)},
                 {"method", base::printable(request.methodName(), 32)},
                 {"reason", server.error().reason},
                 {"text", server.error().text}});
    return std::nullopt;
  }
  if (!server->overFlow) from.target.flow = {};
  sip::Message again = request;
  if (const auto done = clientOf(server->uri).answer(challenge, again); !done) {
    sipLog.warn("credentials were refused", {{"reason", done.error().reason}, {"text", done.error().text}});
    return std::nullopt;
  }
  return again;
}

void TrunkAccount::authorize(sip::Message& request, const sip::Asker& to) {
  // Over a connection that somebody made to us nothing goes unasked.
  if (const auto server = serverOf_(to); server && server->overFlow) clientOf(server->uri).authorize(request);
}

void TrunkAccount::onSuccess(const sip::Message& response, const sip::Message& request,
                             const sip::Asker& from) {
  const auto server = serverOf_(from);
  if (!server) return;
  // The call is there; that the other side is not who it says it is, is for who runs the server to judge.
  if (const auto proved = clientOf(server->uri).onSuccess(response, request); !proved)
    sipLog.warn("an outbound server did not prove itself",
                {{"reason", proved.error().reason}, {"text", proved.error().text}});
}

}  // namespace parley::gateway
