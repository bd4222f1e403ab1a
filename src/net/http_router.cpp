#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "net/http.h"
#include "net/internal_http.h"

namespace parley::net {
namespace {

std::vector<std::string_view> segmentsOf(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return base::split(path, '/');
}

bool isParameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

/// Which of two patterns that match one path is more literal: the first that is so earlier.
bool moreSpecific(const Router::Impl::Route& a, const Router::Impl::Route& b) {
  const std::size_t common = std::min(a.segments.size(), b.segments.size());
  for (std::size_t i = 0; i < common; ++i) {
    const bool parameterA = isParameter(a.segments[i]);
    const bool parameterB = isParameter(b.segments[i]);
    if (parameterA != parameterB) return parameterB;
  }
  if (a.segments.size() != b.segments.size()) return a.segments.size() > b.segments.size();
  return !a.rest && b.rest;
}

bool fits(const Router::Impl::Route& route, const std::vector<std::string_view>& path) {
  if (route.rest ? path.size() <= route.segments.size() : path.size() != route.segments.size()) return false;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    if (isParameter(route.segments[i]) ? path[i].empty() : route.segments[i] != path[i]) return false;
  }
  return true;
}

void addAllowed(std::string& allowed, std::string_view method) {
  if (listHas(allowed, method)) return;
  if (!allowed.empty()) allowed += ", ";
  allowed += method;
}

std::string_view withoutSlash(std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return prefix;
}

bool isBelow(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;

Router::Impl::Route& Router::Impl::route(const std::string& pattern) {
  PARLEY_CHECK(pattern.starts_with('/'));
  auto next = std::make_unique<Route>();
  for (const auto segment : segmentsOf(pattern)) next->segments.emplace_back(segment);
  next->rest = next->segments.back() == "*";
  if (next->rest) next->segments.pop_back();
  for (const auto& each : routes) {
    if (each->segments == next->segments && each->rest == next->rest) return *each;
  }
  routes.push_back(std::move(next));
  return *routes.back();
}

void Router::add(std::string method, std::string pattern, HttpHandler handler) {
  impl_->route(pattern).handlers.insert_or_assign(std::move(method), std::move(handler));
}

void Router::addWebSocket(std::string pattern, WebSocketHandler handler) {
  impl_->route(pattern).webSocket = std::move(handler);
}

void Router::addFilter(std::string prefix, HttpFilter filter) {
  impl_->filters.push_back({std::string(withoutSlash(prefix)), std::move(filter)});
}

void Router::addBodyRule(std::string prefix, std::size_t most, BodyRule rule) {
  impl_->bodyRules.push_back({std::string(withoutSlash(prefix)), most, std::move(rule)});
}

void Router::addStatic(std::string prefix, StaticFiles files) {
  const std::string base(withoutSlash(prefix));
  const auto folder = std::make_shared<StaticFolder>(std::move(files));
  add("GET", base + "/*", [folder, base](const HttpRequest& request, HttpReply reply) {
    reply.send(folder->answer(request, std::string_view(request.path).substr(base.size())));
  });
  if (base.empty()) return;
  add("GET", base,
      [folder](const HttpRequest& request, HttpReply reply) { reply.send(folder->answer(request, "")); });
}

RouteMatch Router::Impl::match(std::string_view method, std::string_view path, bool webSocket) const {
  const auto segments = segmentsOf(path);
  RouteMatch result;
  const Route* best = nullptr;
  for (const auto& each : routes) {
    if (!fits(*each, segments)) continue;
    result.known = true;
    for (const auto& [name, handler] : each->handlers) {
      addAllowed(result.allowed, name);
      if (name == "GET") addAllowed(result.allowed, "HEAD");
    }
    if (each->webSocket && each->handlers.empty()) addAllowed(result.allowed, "GET");
    const bool usable =
        webSocket ? each->webSocket != nullptr
                  : each->handlers.contains(method) || (method == "HEAD" && each->handlers.contains("GET"));
    if (usable && (best == nullptr || moreSpecific(*each, *best))) best = each.get();
  }
  if (best == nullptr) return result;
  if (webSocket) {
    result.webSocket = &best->webSocket;
  } else {
    const auto found = best->handlers.find(method);
    result.handler = found != best->handlers.end() ? &found->second : &best->handlers.find("GET")->second;
  }
  for (std::size_t i = 0; i < best->segments.size(); ++i) {
    const std::string& segment = best->segments[i];
    if (isParameter(segment)) result.params.emplace(segment.substr(1, segment.size() - 2), segments[i]);
  }
  return result;
}

std::size_t Router::Impl::largestBody() const {
  std::size_t most = 0;
  for (const auto& each : bodyRules) most = std::max(most, each.most);
  return most;
}

std::optional<BodyAllowance> Router::Impl::allowance(const HttpRequest& head) const {
  for (const auto& each : bodyRules) {
    if (!isBelow(head.path, each.prefix)) continue;
    if (auto allowed = each.rule(head)) {
      allowed->bytes = std::min(allowed->bytes, each.most);
      return allowed;
    }
  }
  return {};
}

std::optional<HttpResponse> Router::Impl::filtered(const HttpRequest& request) const {
  for (const auto& each : filters) {
    if (!isBelow(request.path, each.prefix)) continue;
    if (auto response = each.filter(request)) return response;
  }
  return {};
}

}  // namespace parley::net
