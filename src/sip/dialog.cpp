#include "sip/dialog.h"

#include <algorithm>

#include "base/text.h"
#include "sip/address_text.h"
#include "sip/saved_text.h"

namespace parley::sip {
namespace {

std::string withoutTag(NameAddr address) {
  address.params.remove("tag");
  return address.toString();
}

base::Result<std::vector<std::string>> routesOf(const Message& message, bool reversed) {
  std::vector<std::string> routes;
  for (const std::string_view route : message.list(HeaderId::recordRoute)) routes.emplace_back(route);
  if (routes.size() > kMaxRoutes) return base::fail("sip.too_many_routes", "more than 20 Record-Routes");
  if (reversed) std::ranges::reverse(routes);
  return routes;
}

base::Result<std::string> contactOf(const Message& message) {
  const auto contacts = message.list(HeaderId::contact);
  if (contacts.empty()) return base::fail("sip.no_contact", "a dialog needs a Contact");
  const auto contact = NameAddr::parse(contacts.front());
  if (!contact) return std::unexpected(contact.error());
  if (!contact->uri.isSip()) return base::fail("sip.no_contact", "Contact is no SIP URI");
  return contact->uri.toString();
}

bool isLoose(std::string_view route) {
  const auto parsed = NameAddr::parse(route);
  return parsed && parsed->uri.params.has("lr");
}

NameAddr addressOf(const std::string& text, const std::string& tag) {
  NameAddr address = NameAddr::parse(text).value_or(NameAddr{});
  if (!tag.empty()) address.params.set("tag", tag);
  return address;
}

}  // namespace

base::Result<DialogState> dialogOfResponse(const Message& response, const Target& hop, bool secure) {
  DialogState dialog;
  auto routes = routesOf(response, true);
  if (!routes) return std::unexpected(routes.error());
  auto contact = contactOf(response);
  if (!contact) return std::unexpected(contact.error());
  dialog.routes = std::move(*routes);
  dialog.remoteTarget = std::move(*contact);
  dialog.callId = response.callId();
  dialog.localTag = response.from().tag();
  dialog.remoteTag = response.to().tag();
  dialog.local = withoutTag(response.from());
  dialog.remote = withoutTag(response.to());
  dialog.localCSeq = response.cseq().number;
  dialog.early = response.status() < 200;
  dialog.caller = true;
  dialog.secure = secure;
  dialog.neighbour = {hop.kind, hop.address};
  chooseHop(dialog, hop);
  return dialog;
}

base::Result<DialogState> dialogOfRequest(const Message& request, std::string_view localTag,
                                          const Source& source) {
  DialogState dialog;
  auto routes = routesOf(request, false);
  if (!routes) return std::unexpected(routes.error());
  auto contact = contactOf(request);
  if (!contact) return std::unexpected(contact.error());
  dialog.routes = std::move(*routes);
  dialog.remoteTarget = std::move(*contact);
  dialog.callId = request.callId();
  dialog.localTag = localTag;
  dialog.remoteTag = request.from().tag();
  dialog.local = withoutTag(request.to());
  dialog.remote = withoutTag(request.from());
  dialog.remoteCSeq = request.cseq().number;
  dialog.secure = request.requestUri().scheme == UriScheme::sips && isSecure(source.kind);
  dialog.neighbour = {source.kind, source.remote, source.verified ? source.peerName : std::string()};
  chooseHop(dialog, source.target());
  return dialog;
}

base::Result<void> confirmDialog(DialogState& dialog, const Message& response) {
  auto routes = routesOf(response, true);
  if (!routes) return std::unexpected(routes.error());
  dialog.routes = std::move(*routes);
  dialog.early = false;
  refreshTarget(dialog, response);
  return {};
}

bool refreshTarget(DialogState& dialog, const Message& message) {
  auto contact = contactOf(message);
  if (!contact || *contact == dialog.remoteTarget) return false;
  dialog.remoteTarget = std::move(*contact);
  chooseHop(dialog, Target(dialog.hop));
  return true;
}

bool takeCSeq(DialogState& dialog, const Message& request) {
  if (dialog.remoteCSeq && request.cseq().number <= *dialog.remoteCSeq) return false;
  dialog.remoteCSeq = request.cseq().number;
  return true;
}

Message dialogRequest(DialogState& dialog, Method method, std::optional<std::uint32_t> cseq) {
  const auto target = Uri::parse(dialog.remoteTarget);
  Message request = Message::request(method, target.value_or(Uri{}));
  const bool strict = !dialog.routes.empty() && !isLoose(dialog.routes.front());
  for (const std::string& route : dialog.routes) {
    if (strict && &route == &dialog.routes.front())  // RFC 3261 section 12.2.1.1: a strict router
      request.setRequestUri(NameAddr::parse(route).value_or(NameAddr{}).uri);
    else
      request.add(HeaderId::route, route);
  }
  if (strict) request.add(HeaderId::route, "<" + dialog.remoteTarget + ">");
  request.from() = addressOf(dialog.local, dialog.localTag);
  request.to() = addressOf(dialog.remote, dialog.remoteTag);
  request.setCallId(dialog.callId);
  if (!cseq) cseq = ++dialog.localCSeq;
  request.setCSeq(*cseq, method);
  request.setMaxForwards(70);
  return request;
}

std::optional<Uri> nextHop(const DialogState& dialog) {
  if (dialog.routes.empty()) {
    const auto target = Uri::parse(dialog.remoteTarget);
    return target ? std::optional(*target) : std::nullopt;
  }
  const auto route = NameAddr::parse(dialog.routes.front());
  return route ? std::optional(route->uri) : std::nullopt;
}

bool chooseHop(DialogState& dialog, const Target& peer) {
  const auto uri = nextHop(dialog);
  // An address that says nothing of the transport stays on the kind of stream that it came by: it leads
  // nobody from TLS to a plain datagram, wherever it is.
  const auto literal = uri ? literalTarget(*uri, inheritedKind(peer.kind)) : std::nullopt;
  const bool webSocket = peer.kind == TransportKind::ws || peer.kind == TransportKind::wss;
  if (!literal || webSocket) {  // RFC 7118: the peer of a WebSocket has no address but its connection
    dialog.hop = peer;
    return uri && !literal && !webSocket && uri->isSip() && !uri->host.ends_with(".invalid");
  }
  dialog.hop = *literal;
  if (!isReliable(peer.kind) || literal->address.ip != peer.address.ip) return false;
  if (dialog.hop.kind == peer.kind) {
    dialog.hop.flow = peer.flow;
    if (!peer.host.empty()) dialog.hop.host = peer.host;
  }
  return false;
}

bool isInDialog(const DialogState& dialog, const Message& request) {
  return request.callId() == dialog.callId && request.to().tag() == dialog.localTag &&
         request.from().tag() == dialog.remoteTag;
}

std::string serialise(const DialogState& dialog) {
  SavedWriter out;
  out.put("call-id", dialog.callId);
  out.put("local-tag", dialog.localTag);
  out.put("remote-tag", dialog.remoteTag);
  out.put("local", dialog.local);
  out.put("remote", dialog.remote);
  out.put("target", dialog.remoteTarget);
  for (const std::string& route : dialog.routes) out.put("route", route);
  out.put("local-cseq", dialog.localCSeq);
  if (dialog.remoteCSeq) out.put("remote-cseq", *dialog.remoteCSeq);
  out.flag("early", dialog.early);
  out.flag("caller", dialog.caller);
  out.flag("secure", dialog.secure);
  out.put("hop-kind", toString(dialog.hop.kind));
  out.put("hop-ip", ipText(dialog.hop.address));
  out.put("hop-port", dialog.hop.address.port);
  out.put("hop-host", dialog.hop.host);
  if (dialog.neighbour.address.port != 0) {
    out.put("neighbour-kind", toString(dialog.neighbour.kind));
    out.put("neighbour-ip", ipText(dialog.neighbour.address));
    out.put("neighbour-port", dialog.neighbour.address.port);
    out.put("neighbour-name", dialog.neighbour.name);
  }
  return out.take();
}

std::optional<DialogState> deserialiseDialog(std::string_view text) {
  const auto lines = readSaved(text);
  if (!lines) return std::nullopt;
  DialogState dialog;
  dialog.early = false;
  std::string ip, neighbourIp;
  std::uint16_t port = 0, neighbourPort = 0;
  for (const auto& [key, value] : *lines) {
    if (key == "call-id") dialog.callId = value;
    if (key == "local-tag") dialog.localTag = value;
    if (key == "remote-tag") dialog.remoteTag = value;
    if (key == "local") dialog.local = value;
    if (key == "remote") dialog.remote = value;
    if (key == "target") dialog.remoteTarget = value;
    if (key == "route" && dialog.routes.size() < kMaxRoutes) dialog.routes.push_back(value);
    if (key == "local-cseq") dialog.localCSeq = base::parseNumber<std::uint32_t>(value).value_or(0);
    if (key == "remote-cseq") dialog.remoteCSeq = base::parseNumber<std::uint32_t>(value);
    if (key == "early") dialog.early = value == "1";
    if (key == "caller") dialog.caller = value == "1";
    if (key == "secure") dialog.secure = value == "1";
    if (key == "hop-kind") dialog.hop.kind = transportKindOf(value).value_or(TransportKind::udp);
    if (key == "hop-ip") ip = value;
    if (key == "hop-port") port = base::parseNumber<std::uint16_t>(value).value_or(0);
    if (key == "hop-host") dialog.hop.host = value;
    if (key == "neighbour-kind") dialog.neighbour.kind = transportKindOf(value).value_or(TransportKind::udp);
    if (key == "neighbour-ip") neighbourIp = value;
    if (key == "neighbour-name") dialog.neighbour.name = value;
    if (key == "neighbour-port") neighbourPort = base::parseNumber<std::uint16_t>(value).value_or(0);
  }
  const auto address = literalAddress(ip, port);
  if (!address || dialog.callId.empty() || dialog.localTag.empty()) return std::nullopt;
  if (dialog.localCSeq >= 0x7fff0000U) return std::nullopt;  // CSeq ends at 2^31
  if (!Uri::parse(dialog.remoteTarget) || !NameAddr::parse(dialog.local) || !NameAddr::parse(dialog.remote))
    return std::nullopt;
  dialog.hop.address = *address;
  if (neighbourPort != 0)
    dialog.neighbour.address = literalAddress(neighbourIp, neighbourPort).value_or(proto::TransportAddress{});
  return dialog;
}

}  // namespace parley::sip
