// Who takes part in a shared session, and what agents may do at all (EA-8, EA-12). Plain data.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "assist/viewer.h"

namespace parley::assist {

enum class Role { consumer, agent, supervisor };
std::string_view toString(Role role);
std::optional<Role> roleOf(std::string_view name);

/// What the settings can take away from all agents.
enum class Feature { view, pointer, control, forms, annotate, pushDocument, pushLink, spotlight, capture };
constexpr std::size_t kFeatures = static_cast<std::size_t>(Feature::capture) + 1;
std::string_view toString(Feature feature);
std::optional<Feature> featureOf(std::string_view name);

/// The consumer's word on a party.
enum class Standing { asking, joined, refused };
std::string_view toString(Standing standing);

/// So many of something in a second; what is not used is kept up to the burst. Time is passed in.
class Allowance {
 public:
  Allowance(double perSecond, double burst) : perSecond_(perSecond), burst_(burst), left_(burst) {}
  bool take(double amount, std::int64_t now);

 private:
  double perSecond_, burst_, left_;
  std::int64_t at_ = 0;  // Milliseconds.
};

struct Party {
  std::string id;  ///< The link's peer.
  Role role = Role::agent;
  std::string user;  ///< Agents: who signed in. Consumer: the token's subject.
  std::string name;
  std::string color;
  Standing standing = Standing::asking;
  bool up = true;         ///< Its connection stands.
  bool formOpen = false;  ///< Wants to be told of changed fields.
  bool pressed = false;   ///< Its pointer holds the button down, as it said last.
  bool behind = false;    ///< Drawings went by while it was away.
  Viewer viewer;
  Allowance asks{3.0 / 60, 3};
  Allowance acts{60, 120};
  Allowance wishes{1, 1};                    ///< For whole pictures.
  double kbps = 0;                           ///< What it takes, measured.
  std::map<std::string, std::uint64_t> did;  ///< Acts by kind, for the record.

  bool joined() const { return standing == Standing::joined; }
};

/// A question that the consumer has not answered.
struct ConsentRequest {
  std::string id, party;
  bool control = false;  ///< Else: to see the page.
  std::int64_t until = 0;
  std::string request = {};  ///< The party's own, for the answer.
};

struct OpenDocument {
  std::string id, kind, src, name;
  double page = 1, scroll = 0, zoom = 1;
  std::int64_t pages = 0;
};

}  // namespace parley::assist
