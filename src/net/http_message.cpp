#include <nlohmann/json.hpp>

#include "base/text.h"
#include "net/http.h"
#include "net/internal_http.h"

namespace parley::net {

void HttpHeaders::set(std::string name, std::string value) {
  std::erase_if(fields_, [&](const auto& f) { return base::equalsIgnoreCase(f.first, name); });
  fields_.emplace_back(std::move(name), std::move(value));
}

void HttpHeaders::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

std::string_view HttpHeaders::get(std::string_view name) const {
  for (const auto& [n, v] : fields_) {
    if (base::equalsIgnoreCase(n, name)) return v;
  }
  return {};
}

bool HttpHeaders::has(std::string_view name) const {
  for (const auto& [n, v] : fields_) {
    if (base::equalsIgnoreCase(n, name)) return true;
  }
  return false;
}

std::string_view HttpRequest::cookie(std::string_view name) const {
  for (const auto& [n, v] : headers.all()) {
    if (!base::equalsIgnoreCase(n, "Cookie")) continue;
    if (const auto value = cookieIn(v, name); !value.empty()) return value;
  }
  return {};
}

std::string HttpRequest::queryText() const {
  std::string out;
  for (const auto& [name, value] : query) {
    out += out.empty() ? '?' : '&';
    out += percentEncode(name, "-._~") + "=" + percentEncode(value, "-._~");
  }
  return out;
}

HttpResponse HttpResponse::text(int status, std::string body) {
  HttpResponse r;
  r.status = status;
  r.headers.set("Content-Type", "text/plain; charset=utf-8");
  r.body = std::move(body);
  return r;
}

HttpResponse HttpResponse::json(int status, std::string body) {
  HttpResponse r;
  r.status = status;
  r.headers.set("Content-Type", "application/json");
  r.headers.set("Cache-Control", "no-store");
  r.body = std::move(body);
  return r;
}

HttpResponse HttpResponse::error(int status, std::string_view reason, std::string_view text) {
  const nlohmann::json body{{"error", {{"reason", reason}, {"text", text}}}};
  return json(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

HttpResponse HttpResponse::redirect(int status, std::string location) {
  HttpResponse r;
  r.status = status;
  r.headers.set("Location", std::move(location));
  return r;
}

namespace {
HttpResponse noAnswer() {
  return HttpResponse::error(500, "http.no_answer", "The request was not answered.");
}
}  // namespace

HttpReply::HttpReply(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
HttpReply::HttpReply(HttpReply&&) noexcept = default;
HttpReply& HttpReply::operator=(HttpReply&& other) noexcept {
  if (this != &other) {
    if (sink_) send(noAnswer());
    sink_ = std::move(other.sink_);
  }
  return *this;
}
HttpReply::~HttpReply() {
  if (sink_) send(noAnswer());
}
void HttpReply::send(HttpResponse response) {
  if (const auto sink = std::exchange(sink_, nullptr)) sink->send(std::move(response));
}

WebSocketUpgrade::WebSocketUpgrade(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
WebSocketUpgrade::WebSocketUpgrade(WebSocketUpgrade&&) noexcept = default;
WebSocketUpgrade& WebSocketUpgrade::operator=(WebSocketUpgrade&& other) noexcept {
  if (this != &other) {
    if (sink_) refuse(noAnswer());
    sink_ = std::move(other.sink_);
  }
  return *this;
}
WebSocketUpgrade::~WebSocketUpgrade() {
  if (sink_) refuse(noAnswer());
}
void WebSocketUpgrade::accept(const WebSocketOptions& options,
                              std::function<void(std::shared_ptr<WebSocket>)> ready) {
  if (const auto sink = std::exchange(sink_, nullptr)) sink->accept(options, std::move(ready));
}
void WebSocketUpgrade::refuse(HttpResponse response) {
  if (const auto sink = std::exchange(sink_, nullptr)) sink->refuse(std::move(response));
}

}  // namespace parley::net
