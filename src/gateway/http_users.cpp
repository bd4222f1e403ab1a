#include "gateway/http_users.h"

#include <fmt/format.h>

#include "base/log.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxRoles = 8;
constexpr std::size_t kMaxMemberBytes = 1024;

Json userOverview(const identity::User& user) {
  Json roles = Json::array();
  for (const identity::Role role : user.roles) roles.push_back(identity::toString(role));
  return {{"user", user.name},
          {"name", user.displayName},
          {"number", user.number},
          {"roles", std::move(roles)},
          {"disabled", user.disabled}};
}

std::optional<std::set<identity::Role>> rolesIn(const Json& list) {
  if (!list.is_array() || list.size() > kMaxRoles) return std::nullopt;
  std::set<identity::Role> out;
  for (const Json& each : list) {
    const auto role = each.is_string() ? identity::roleOf(each.get<std::string>()) : std::nullopt;
    if (!role) return std::nullopt;
    out.insert(*role);
  }
  return out;
}

/// For the log: which members, never what is in them.
std::string namesOf(const identity::UserChange& change) {
  std::string out;
  const auto add = [&out](bool is, const char* name) {
    if (is) out += (out.empty() ? "" : " ") + std::string(name);
  };
  add(change.displayName.has_value(), "name");
  add(change.number.has_value(), "number");
  add(change.roles.has_value(), "roles");
  add(change.password.has_value(), "password");
  if (change.disabled) add(true, *change.disabled ? "disabled" : "enabled");
  return out;
}

int statusOf(const std::string& reason) {
  if (reason == "identity.busy") return 503;
  if (reason == "identity.number_taken" || reason == "identity.last_administrator") return 409;
  return reason.starts_with("identity.") ? 400 : 503;
}

}  // namespace

base::Result<identity::UserChange> parseUserChange(std::string_view body) {
  const auto json = parseJson(body);
  if (!json || !json->is_object()) {
    return base::fail("request.malformed", "The body must be a JSON object.");
  }
  identity::UserChange out;
  for (const auto& [name, value] : json->items()) {
    const bool text = value.is_string() && value.get_ref<const std::string&>().size() <= kMaxMemberBytes;
    bool good = text;
    if (name == "name" && text) {
      out.displayName = value.get<std::string>();
    } else if (name == "number" && text) {
      out.number = value.get<std::string>();
    } else if (name == "password" && text) {
      out.password = base::Secret(value.get<std::string>());
    } else if (name == "disabled" && value.is_boolean()) {
      out.disabled = value.get<bool>();
      good = true;
    } else if (name == "roles") {
      out.roles = rolesIn(value);
      good = out.roles.has_value();
    } else {
      good = false;
    }
    if (!good) {
      return base::fail(
          "request.malformed",
          "name, number, password, roles and disabled may be changed, as in the list of users.");
    }
  }
  return out;
}

void UsersApi::addRoutes(net::Router& router) {
  const std::string path = std::string(link::kAdminApi) + "/users";
  router.add("GET", path, [this](const net::HttpRequest& request, net::HttpReply reply) {
    onList(request, std::move(reply));
  });
  router.add("PUT", path + "/{user}", [this](const net::HttpRequest& request, net::HttpReply reply) {
    onChange(request, std::move(reply));
  });
}

void UsersApi::onList(const net::HttpRequest& request, net::HttpReply reply) const {
  if (signIns_.adminOf(request) == nullptr) return reply.send(link::loginRequired());
  Json users = Json::array();
  for (const auto& [name, user] : users_.all()) users.push_back(userOverview(user));
  reply.send(link::apiJson(200, {{"users", std::move(users)}}));
}

void UsersApi::onChange(const net::HttpRequest& request, net::HttpReply reply) {
  const identity::User* admin = signIns_.adminOf(request);
  if (admin == nullptr) return reply.send(link::loginRequired());
  if (!link::isJson(request)) {
    return reply.send(link::apiError(415, "request.malformed", "Content-Type must be application/json."));
  }
  auto change = parseUserChange(request.body);
  if (!change) return reply.send(link::apiError(400, change.error().reason, change.error().text));
  const std::string name = request.params.find("user")->second;
  const bool isNew = !users_.all().contains(name);
  // Who did what to whom: for those who look into it later.
  const auto audit = [name, isNew, by = admin->name, what = namesOf(*change),
                      from = request.remote.address()](std::string_view result) {
    log.info(isNew ? "user made by an administrator" : "user changed by an administrator",
             {{"user", name}, {"by", by}, {"what", what}, {"from", from}, {"result", result}});
  };
  auto kept = std::make_shared<net::HttpReply>(std::move(reply));
  users_.change(
      name, std::move(*change), guard_.wrap([this, kept, name, isNew, audit](base::Result<void> done) {
        audit(done ? "ok" : std::string_view(done.error().reason));
        if (!done) {
          return kept->send(
              link::apiError(statusOf(done.error().reason), done.error().reason, done.error().text));
        }
        const auto user = users_.all().find(name);
        if (user == users_.all().end()) return kept->send(link::apiJson(200, {{"user", name}}));
        kept->send(link::apiJson(isNew ? 201 : 200, userOverview(user->second)));
      }));
}

}  // namespace parley::gateway
