// Who may say what, and when: one table, asked for every message (EA-9, EA-12). Pure.
#pragma once
#include <optional>
#include <set>

#include "assist/messages.h"
#include "assist/party.h"

namespace parley::assist {

enum class Sharing { off, asking, on, paused, sensitive };
std::string_view toString(Sharing sharing);

/// What a decision rests on.
struct Circumstances {
  Role role = Role::agent;
  Standing standing = Standing::asking;
  Sharing sharing = Sharing::off;
  bool inControl = false;        ///< The party has the control of the page.
  bool consumerPresent = false;  ///< Its page is connected.
  bool documentOpen = false;
  const std::set<Feature>* features = nullptr;
  bool pressed = false;  ///< Its pointer holds the button down.
};

/// Nothing: it is allowed. Errors: assist.not_allowed (the role's), assist.no_consent, assist.not_sharing,
/// assist.no_control, assist.feature_off, assist.consumer_away.
std::optional<base::Error> refusalOf(const Message& message, const Circumstances& now);

}  // namespace parley::assist
