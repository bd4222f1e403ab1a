#include "assist/party.h"

#include <algorithm>
#include <array>

namespace parley::assist {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"consumer", "agent", "supervisor"};
constexpr std::array<std::string_view, 3> kStandings{"asking", "joined", "refused"};
constexpr std::array<std::string_view, kFeatures> kFeatureNames{
    "view", "pointer", "control", "forms", "annotate", "push_document", "push_link", "spotlight", "capture"};

template <class E, class Names>
std::optional<E> named(const Names& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  return at == names.end() ? std::nullopt : std::optional(static_cast<E>(at - names.begin()));
}

}  // namespace

std::string_view toString(Role role) { return kRoles[static_cast<std::size_t>(role)]; }
std::optional<Role> roleOf(std::string_view name) { return named<Role>(kRoles, name); }

std::string_view toString(Feature feature) { return kFeatureNames[static_cast<std::size_t>(feature)]; }
std::optional<Feature> featureOf(std::string_view name) { return named<Feature>(kFeatureNames, name); }

std::string_view toString(Standing standing) { return kStandings[static_cast<std::size_t>(standing)]; }

bool Allowance::take(double amount, std::int64_t now) {
  // A clock that was set back gives nothing, and takes nothing.
  const double passed = at_ == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(0, now - at_)) / 1000;
  at_ = now;
  left_ = std::min(burst_, left_ + passed * perSecond_);
  if (left_ < amount) return false;
  left_ -= amount;
  return true;
}

}  // namespace parley::assist
