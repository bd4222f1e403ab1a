// What the HTTP interfaces of documents, library and short codes share: answers to refusals, JSON of things,
// headers of contents.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "assist/content_store.h"
#include "assist/library.h"
#include "net/http.h"

namespace parley::assist {

/// Where contents are read and brought: below paths that reverse proxies with the guides' rules let through.
constexpr const char* kContentPath = "/assistserver/img/content";
constexpr const char* kUploadPath = "/expertassist/agent/content";
/// Of both before; still served.
constexpr const char* kOldContentPath = "/assistserver/content";
inline std::string contentAddress(const std::string& id) { return std::string(kContentPath) + "/" + id; }

/// {"error":{…}} with the status that the reason has; counted in parley_assist_refused_total.
net::HttpResponse refusal(const base::Error& error);
/// 404 and others for an error by its reason.
int statusOf(std::string_view reason);
/// The JSON object of a body, or request.malformed. A body that another site's form may send is none.
base::Result<nlohmann::json> bodyOf(const net::HttpRequest& request);
/// A member that is a text of at most `maxBytes`; empty when absent. Error: request.malformed.
base::Result<std::string> labelIn(const nlohmann::json& object, const char* key, std::size_t maxBytes);
/// A session's name, or empty for none. Error: request.malformed.
base::Result<std::string> cidIn(std::string_view text);

nlohmann::json contentJson(const Content& content);
nlohmann::json itemJson(const LibraryItem& item);
/// A document or picture itself, or the part that is asked for: never run, never taken for something else.
net::HttpResponse contentAnswer(const net::HttpRequest& request, const std::string& version,
                                const std::string& name, const ContentType& type, std::string_view bytes);

}  // namespace parley::assist
