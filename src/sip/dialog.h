// A SIP dialog (RFC 3261 section 12) as a plain value: what is known after its first exchange, and the rules
// by which requests in it are made and taken. It points nowhere: serialise() on one machine, deserialise() on
// another, go on.
//
// Addresses and routes are kept as they were written: they are echoed far more often than they are read, and
// text is small (kMaxRoutes and the parser's limits bound it).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sip/message.h"
#include "sip/transport.h"

namespace parley::sip {

constexpr std::size_t kMaxRoutes = 20;

/// Whom a dialog was made with: where its first request went to or came from.
struct Neighbour {
  TransportKind kind = TransportKind::udp;
  proto::TransportAddress address;  ///< Port 0: not known.
  /// Who made a TLS connection to us: the name that its certificate proved. Else empty.
  std::string name{};
  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

struct DialogState {
  std::string callId, localTag, remoteTag;
  std::string local, remote;        ///< From and To of our side and theirs, without tags.
  std::string remoteTarget;         ///< URI of their Contact.
  std::vector<std::string> routes;  ///< In the order in which our requests name them.
  std::uint32_t localCSeq = 0;      ///< Of our last request.
  std::optional<std::uint32_t> remoteCSeq;
  bool early = true;
  bool caller = false;  ///< Our INVITE (or SUBSCRIBE) made it.
  bool secure = false;  ///< sips: Contact and targets must be.
  Target hop;           ///< Where our next request goes to, as far as it is known.
  Neighbour neighbour;  ///< Never changes, other than `hop`.

  friend bool operator==(const DialogState&, const DialogState&) = default;
};

/// Our request made it: `response` is a 101…2xx with a To tag. `hop`: where the request went.
/// Errors: sip.no_contact, sip.bad_header, sip.too_many_routes.
base::Result<DialogState> dialogOfResponse(const Message& response, const Target& hop, bool secure);
/// Their request made it.
base::Result<DialogState> dialogOfRequest(const Message& request, std::string_view localTag,
                                          const Source& source);

/// The 2xx decides the route set and the remote target again (RFC 3261 section 13.2.2.4).
base::Result<void> confirmDialog(DialogState& dialog, const Message& response);
/// Contact of a target refresh (INVITE, UPDATE, and their 2xx): the new remote target. Nothing changes when
/// there is none or it does not parse. True: it is another one.
bool refreshTarget(DialogState& dialog, const Message& message);
/// False: the request is not newer than all we had (RFC 3261 section 12.2.2; a number that was used is as
/// wrong as a lower one, section 12.2.1.1). ACK and CANCEL, which have their INVITE's, are not asked.
bool takeCSeq(DialogState& dialog, const Message& request);

/// A request in the dialog with the next CSeq (that of the INVITE for ACK: pass it), without Via, Contact and
/// body.
Message dialogRequest(DialogState& dialog, Method method, std::optional<std::uint32_t> cseq = std::nullopt);
/// The URI that names the next hop: the first route, or the remote target.
std::optional<Uri> nextHop(const DialogState& dialog);
/// Where requests go: a literal next hop with the peer's connection where that leads to the same host, else
/// `peer` itself (it is the neighbour that put itself there). True: the next hop is a name that a Locator
/// could tell more about.
bool chooseHop(DialogState& dialog, const Target& peer);

/// Is `message` of this dialog? From and To are theirs and ours in a request that came in.
bool isInDialog(const DialogState& dialog, const Message& incomingRequest);

/// Lines of "key=value"; empty fields are left out. `hop.flow` is of this process only and not in it.
std::string serialise(const DialogState& dialog);
std::optional<DialogState> deserialiseDialog(std::string_view text);

}  // namespace parley::sip
