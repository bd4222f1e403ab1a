// The library's HTTP interface: supervisors change it, agents read what is enabled.
#include "assist/documents.h"
#include "assist/documents_http.h"
#include "assist/internal_log.h"
#include "base/log.h"
#include "link/api.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::apiJson;
using link::Json;
using net::HttpReply;
using net::HttpRequest;

constexpr const char* kLibrary = "/expertassist/supervisor/api/library";
constexpr std::size_t kMaxName = 120;

std::int64_t wallMillis() { return base::millisOf(base::wallNow()); }
net::HttpResponse noSuchItem() { return refusal({"library.unknown", "There is no such item."}); }

/// Keeps the reply until the library has written.
Library::Saved answering(HttpReply reply, int status, std::string user) {
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  return [kept, status, user = std::move(user)](base::Result<LibraryItem> saved) {
    if (!saved) return kept->send(refusal(saved.error()));
    logger.info("library changed", {{"user", user}, {"item", saved->id}, {"kind", saved->kind}});
    kept->send(apiJson(status, itemJson(*saved)));
  };
}

}  // namespace

void Documents::addLibraryRoutes(net::Router& router) {
  const std::string base = kLibrary;
  router.addBodyRule(base, contents_->limits().maxBytes,
                     [this](const HttpRequest& head) -> std::optional<net::BodyAllowance> {
                       if (head.method != "POST" || supervisorOf(head) == nullptr) return std::nullopt;
                       auto place = contents_->upload();
                       if (!place) return std::nullopt;
                       return net::BodyAllowance{contents_->limits().maxBytes, std::move(place)};
                     });
  // Who may do it is asked before everything else.
  router.addFilter(base, [this](const HttpRequest& request) -> std::optional<net::HttpResponse> {
    if (host_->signIns.agentOf(request) == nullptr) return link::loginRequired();
    if (request.method == "GET" || request.method == "HEAD" || supervisorOf(request) != nullptr)
      return std::nullopt;
    return refusal({"role.missing", "Only supervisors may change the library."});
  });
  router.add("GET", base,
             [this](const HttpRequest& request, HttpReply reply) { onLibrary(request, std::move(reply)); });
  router.add("POST", base, [this](HttpRequest request, HttpReply reply) {
    onLibraryAdd(std::move(request), std::move(reply));
  });
  router.add("PUT", base, [this](const HttpRequest& request, HttpReply reply) {
    onLibraryOrder(request, std::move(reply));
  });
  router.add("PUT", base + "/{id}", [this](const HttpRequest& request, HttpReply reply) {
    onLibraryChange(request, std::move(reply));
  });
  router.add("DELETE", base + "/{id}", [this](const HttpRequest& request, HttpReply reply) {
    onLibraryRemove(request, std::move(reply));
  });
  router.add("GET", base + "/{id}/content",
             [this](const HttpRequest& request, HttpReply reply) { onPreview(request, std::move(reply)); });
}

void Documents::onLibrary(const HttpRequest& request, HttpReply reply) {
  const bool all = supervisorOf(request) != nullptr;
  Json items = Json::array();
  for (const LibraryItem& item : library_->items()) {
    if (all || item.enabled) items.push_back(itemJson(item));
  }
  reply.send(apiJson(200, {{"items", std::move(items)}, {"maxBytes", contents_->limits().maxBytes}}));
}

void Documents::onLibraryAdd(HttpRequest request, HttpReply reply) {
  const std::string user = supervisorOf(request)->name;
  if (link::isJson(request)) return onLibraryAddJson(request, user, std::move(reply));
  const auto name = request.query.find("name");
  keepInLibrary(name == request.query.end() ? std::string() : name->second, std::move(request.body), user,
                std::move(reply));
}

void Documents::keepInLibrary(const std::string& name, std::string bytes, const std::string& user,
                              HttpReply reply) {
  if (bytes.size() > contents_->limits().maxBytes) {
    return reply.send(refusal({"content.too_large", "The file is too large."}));
  }
  const auto type = contentTypeOf(base::asBytes(bytes));
  if (!type) return reply.send(refusal(type.error()));
  LibraryItem item;
  item.name = contentName(name, *type);
  item.kind = std::string(type->kind);
  item.type = *type;
  item.by = user;
  item.at = wallMillis();
  library_->add(std::move(item), std::make_shared<const std::string>(std::move(bytes)),
                answering(std::move(reply), 201, user));
  count();
}

void Documents::onLibraryAddJson(const HttpRequest& request, const std::string& user, HttpReply reply) {
  const auto body = bodyOf(request);
  if (!body) return reply.send(refusal(body.error()));
  const auto name = labelIn(*body, "name", kMaxName);
  if (!name) return reply.send(refusal(name.error()));
  const std::string url = link::stringAt(*body, "url").value_or("");
  const std::string kind = link::stringAt(*body, "kind").value_or("");
  if (kind == "document" || kind == "image") {
    auto kept = std::make_shared<HttpReply>(std::move(reply));
    return fetchFor(user, url, guard_.wrap([this, kept, user, name = *name](base::Result<Fetched> got) {
      if (!got) return kept->send(refusal(got.error()));
      keepInLibrary(name.empty() ? got->name : name, std::move(got->bytes), user, std::move(*kept));
    }));
  }
  if (kind != "link" && kind != "video") {
    return reply.send(refusal({"request.malformed", "kind is link, video, document or image."}));
  }
  if (auto checked = checkLink(url); !checked) return reply.send(refusal(checked.error()));
  LibraryItem item;
  item.name = name->empty() ? url.substr(0, kMaxName) : *name;
  item.kind = kind;
  item.url = url;
  item.by = user;
  item.at = wallMillis();
  library_->add(std::move(item), nullptr, answering(std::move(reply), 201, user));
  count();
}

void Documents::onLibraryChange(const HttpRequest& request, HttpReply reply) {
  const LibraryItem* const found = library_->find(request.params.find("id")->second);
  if (found == nullptr) return reply.send(noSuchItem());
  const auto body = bodyOf(request);
  if (!body) return reply.send(refusal(body.error()));
  LibraryItem item = *found;
  const auto name = labelIn(*body, "name", kMaxName);
  if (!name) return reply.send(refusal(name.error()));
  if (!name->empty()) item.name = *name;
  item.enabled = link::boolAt(*body, "enabled").value_or(item.enabled);
  if (const auto url = link::stringAt(*body, "url"); url && !item.hasContent()) {
    if (auto checked = checkLink(*url); !checked) return reply.send(refusal(checked.error()));
    item.url = *url;
  }
  library_->change(item, answering(std::move(reply), 200, supervisorOf(request)->name));
}

void Documents::onLibraryOrder(const HttpRequest& request, HttpReply reply) {
  const auto body = bodyOf(request);
  if (!body) return reply.send(refusal(body.error()));
  const auto order = body->find("order");
  std::vector<std::string> ids;
  if (order != body->end() && order->is_array()) {
    for (const Json& id : *order) ids.push_back(id.is_string() ? id.get<std::string>() : std::string());
  }
  if (ids.empty()) return reply.send(refusal({"request.malformed", "order is a list of the items' ids."}));
  if (auto done = library_->reorder(ids); !done) return reply.send(refusal(done.error()));
  onLibrary(request, std::move(reply));
}

void Documents::onLibraryRemove(const HttpRequest& request, HttpReply reply) {
  const std::string id = request.params.find("id")->second;
  if (auto removed = library_->remove(id); !removed) return reply.send(refusal(removed.error()));
  logger.info("library item removed", {{"user", supervisorOf(request)->name}, {"item", id}});
  count();
  net::HttpResponse response;
  response.status = 204;
  reply.send(link::api(std::move(response)));
}

void Documents::onPreview(const HttpRequest& request, HttpReply reply) {
  const LibraryItem* const item = library_->find(request.params.find("id")->second);
  if (item == nullptr || !item->hasContent() || (!item->enabled && supervisorOf(request) == nullptr)) {
    return reply.send(noSuchItem());
  }
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  library_->content(item->id, guard_.wrap([kept, request, item = *item](base::Result<ContentBytes> bytes) {
    if (!bytes) return kept->send(refusal(bytes.error()));
    kept->send(contentAnswer(request, item.id, item.name, item.type, **bytes));
  }));
}

}  // namespace parley::assist
