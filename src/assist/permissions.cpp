#include "assist/permissions.h"

#include <array>

namespace parley::assist {
namespace {

enum Who : unsigned {
  kConsumer = 1,
  kAgent = 2,
  kSupervisor = 4,
  kWatchers = kAgent | kSupervisor,
  kAll = 7
};
enum Need : unsigned {
  kNothing = 0,
  kJoined = 1,   // The consumer let the party see the page.
  kSharing = 2,  // Now.
  kControl = 4,
  kPresent = 8,  // The consumer's page is there to get it.
  kActing = kJoined | kSharing | kControl | kPresent,
  kPointing = kJoined | kSharing | kPresent,
};

struct Rule {
  Kind kind;
  unsigned who;
  unsigned needs;  // Of agents and supervisors; a consumer's page needs nobody's leave.
  std::optional<Feature> feature = {};
};

constexpr std::array<Rule, kKinds> kRules{{
    {Kind::consent, kConsumer, kNothing},
    {Kind::share, kConsumer, kNothing},
    {Kind::end, kConsumer, kNothing},
    {Kind::leave, kAll, kNothing},
    {Kind::receipt, kConsumer, kNothing},
    {Kind::view, kConsumer, kNothing},
    {Kind::control, kConsumer | kAgent, kJoined, Feature::control},
    {Kind::ask, kWatchers, kNothing, Feature::view},
    {Kind::quality, kAgent, kJoined, Feature::view},
    {Kind::pointer, kAgent, kPointing, Feature::pointer},
    {Kind::click, kAgent, kActing, Feature::control},
    {Kind::scroll, kAgent, kActing, Feature::control},
    {Kind::text, kAgent, kActing, Feature::control},
    {Kind::key, kAgent, kActing, Feature::control},
    {Kind::formGet, kAgent, kPointing, Feature::forms},
    {Kind::formSet, kAgent, kActing, Feature::forms},
    {Kind::formClose, kAgent, kNothing},
    {Kind::draw, kConsumer | kAgent, kJoined, Feature::annotate},
    {Kind::erase, kConsumer | kAgent, kJoined},
    {Kind::document, kConsumer | kAgent, kJoined, Feature::pushDocument},
    {Kind::window, kConsumer | kAgent, kJoined, Feature::view},
    {Kind::push, kAgent, kJoined | kPresent},
    {Kind::form, kConsumer, kNothing},
    {Kind::formResult, kConsumer, kNothing},
    {Kind::pushResult, kConsumer, kNothing},
    {Kind::activity, kConsumer, kNothing},
    {Kind::cursor, kConsumer, kNothing},
    {Kind::carried, kConsumer, kNothing},
    {Kind::seen, kWatchers, kNothing},
    {Kind::refresh, kWatchers, kNothing},
}};

constexpr bool inOrder() {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kRules[i].kind != static_cast<Kind>(i)) return false;
  }
  return true;
}
static_assert(inOrder());

unsigned bitOf(Role role) { return 1u << static_cast<unsigned>(role); }

base::Error error(const char* reason, const char* text) { return {reason, text}; }

/// Some messages have a feature of their own by what they carry.
std::optional<Feature> featureFor(const Message& message, const Rule& rule, const Circumstances& now) {
  // A press, what is dragged and the release are acts of who is in control, and no pointing.
  if (message.kind == Kind::pointer && now.inControl && (message.flag("down") || now.pressed) &&
      message.text("on").empty()) {
    return Feature::control;
  }
  if (message.kind == Kind::push) {
    const std::string kind = message.text("kind");
    return kind == "document" || kind == "image" ? Feature::pushDocument : Feature::pushLink;
  }
  if (message.kind == Kind::draw && message.text("tool") == "spot") return Feature::spotlight;
  return rule.feature;
}

std::optional<base::Error> consumerRefusal(const Message& message, const Circumstances& now) {
  // The page itself is the customer's: what it draws there nobody else needs to see.
  if (message.kind == Kind::draw && (message.text("on").empty() || !now.documentOpen)) {
    return error("assist.not_allowed", "Customers draw on documents only.");
  }
  if (message.kind == Kind::control && !message.flag("take")) {
    return error("assist.not_allowed", "Customers take control back; they need not ask for it.");
  }
  return std::nullopt;
}

}  // namespace

std::string_view toString(Sharing sharing) {
  constexpr std::array<std::string_view, 5> kNames{"off", "asking", "on", "paused", "sensitive"};
  return kNames[static_cast<std::size_t>(sharing)];
}

std::optional<base::Error> refusalOf(const Message& message, const Circumstances& now) {
  const Rule& rule = kRules[static_cast<std::size_t>(message.kind)];
  if ((rule.who & bitOf(now.role)) == 0) {
    return error("assist.not_allowed", "This is for others in the session to say.");
  }
  if (now.role == Role::consumer) return consumerRefusal(message, now);
  // Giving control back and tidying up is always right.
  const bool givesUp = message.kind == Kind::control && !message.flag("want");
  if (const auto feature = featureFor(message, rule, now);
      feature && !givesUp && !now.features->contains(*feature)) {
    return error("assist.feature_off", "This feature is switched off.");
  }
  if ((rule.needs & kJoined) != 0 && now.standing != Standing::joined) {
    return error("assist.no_consent", "The customer has not agreed to that.");
  }
  const bool onPage = message.kind == Kind::draw && message.text("on").empty();
  if (((rule.needs & kSharing) != 0 || onPage) && now.sharing != Sharing::on) {
    return error("assist.not_sharing", "The customer's page is not shared at the moment.");
  }
  if ((rule.needs & kPresent) != 0 && !now.consumerPresent) {
    return error("assist.consumer_away", "The customer's page is not connected at the moment.");
  }
  if ((rule.needs & kControl) != 0 && !now.inControl) {
    return error("assist.no_control", "The customer has not given you control of the page.");
  }
  return std::nullopt;
}

}  // namespace parley::assist
