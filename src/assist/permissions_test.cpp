// Every kind of message by every role in every state: what is not expressly allowed is refused.
#include "assist/permissions.h"

#include <gtest/gtest.h>

#include <map>

namespace parley::assist {
namespace {

using Json = nlohmann::json;

std::set<Feature> allFeatures() {
  std::set<Feature> out;
  for (std::size_t i = 0; i < kFeatures; ++i) out.insert(static_cast<Feature>(i));
  return out;
}

Message messageOf(Kind kind) {
  Message out;
  out.kind = kind;
  out.body = Json::object();
  if (kind == Kind::control) out.body = {{"want", true}, {"take", true}};
  if (kind == Kind::draw) out.body = {{"tool", "pen"}};
  if (kind == Kind::push) out.body = {{"kind", "link"}};
  return out;
}

struct Expected {
  std::set<Kind> anytime, joined, shared, inControl;  // Of agents.
};

const Expected kAgents{
    {Kind::leave, Kind::ask, Kind::formClose, Kind::seen, Kind::refresh},
    {Kind::control, Kind::quality, Kind::erase, Kind::document, Kind::window, Kind::push},
    {Kind::pointer, Kind::formGet, Kind::draw},
    {Kind::click, Kind::scroll, Kind::text, Kind::key, Kind::formSet},
};
const std::set<Kind> kSupervisors{Kind::leave, Kind::ask, Kind::seen, Kind::refresh};
const std::set<Kind> kConsumers{Kind::consent,    Kind::share,    Kind::end,     Kind::leave,
                                Kind::receipt,    Kind::view,     Kind::control, Kind::erase,
                                Kind::document,   Kind::window,   Kind::form,    Kind::formResult,
                                Kind::pushResult, Kind::activity, Kind::cursor,  Kind::carried};

bool expectedOfAgent(Kind kind, const Circumstances& now) {
  if (kAgents.anytime.contains(kind)) return true;
  if (now.standing != Standing::joined) return false;
  if (kind == Kind::push) return now.consumerPresent;
  if (kAgents.joined.contains(kind)) return true;
  if (now.sharing != Sharing::on) return false;
  if (kind == Kind::draw) return true;
  if (!now.consumerPresent) return false;
  if (kAgents.shared.contains(kind)) return true;
  return now.inControl && kAgents.inControl.contains(kind);
}

TEST(Permissions, TheWholeTable) {
  const auto features = allFeatures();
  std::size_t allowed = 0, refused = 0;
  for (std::size_t k = 0; k < kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    for (const Role role : {Role::consumer, Role::agent, Role::supervisor}) {
      for (const Standing standing : {Standing::asking, Standing::joined, Standing::refused}) {
        for (const Sharing sharing :
             {Sharing::off, Sharing::asking, Sharing::on, Sharing::paused, Sharing::sensitive}) {
          for (unsigned bits = 0; bits < 4; ++bits) {
            const Circumstances now{role,  standing, sharing, (bits & 1) != 0, (bits & 2) != 0,
                                    false, &features};
            const bool expected = role == Role::consumer     ? kConsumers.contains(kind)
                                  : role == Role::supervisor ? kSupervisors.contains(kind)
                                                             : expectedOfAgent(kind, now);
            const auto refusal = refusalOf(messageOf(kind), now);
            EXPECT_EQ(!refusal, expected) << toString(kind) << " by " << toString(role) << ", "
                                          << toString(standing) << ", " << toString(sharing) << " " << bits;
            ++(refusal ? refused : allowed);
          }
        }
      }
    }
  }
  EXPECT_GT(allowed, 0u);
  EXPECT_GT(refused, allowed) << "most is refused";
}

TEST(Permissions, EachFeatureSwitchesOffItsMessages) {
  const std::map<Feature, std::vector<Message>> gated{
      {Feature::pointer, {messageOf(Kind::pointer)}},
      {Feature::control, {messageOf(Kind::click), messageOf(Kind::key), messageOf(Kind::control)}},
      {Feature::forms, {messageOf(Kind::formGet), messageOf(Kind::formSet)}},
      {Feature::annotate, {messageOf(Kind::draw)}},
      {Feature::spotlight, {{Kind::draw, "", {{"tool", "spot"}}}}},
      {Feature::pushLink, {{Kind::push, "", {{"kind", "link"}}}, {Kind::push, "", {{"kind", "video"}}}}},
      {Feature::pushDocument,
       {{Kind::push, "", {{"kind", "document"}}}, {Kind::push, "", {{"kind", "image"}}}}},
      {Feature::view, {messageOf(Kind::ask), messageOf(Kind::window), messageOf(Kind::quality)}},
  };
  for (const auto& [feature, messages] : gated) {
    auto features = allFeatures();
    const Circumstances now{Role::agent, Standing::joined, Sharing::on, true, true, false, &features};
    for (const Message& message : messages) EXPECT_FALSE(refusalOf(message, now)) << toString(feature);
    features.erase(feature);
    for (const Message& message : messages) {
      const auto refusal = refusalOf(message, now);
      ASSERT_TRUE(refusal) << toString(feature);
      EXPECT_EQ(refusal->reason, "assist.feature_off");
    }
  }
  auto some = allFeatures();
  some.erase(Feature::pointer);
  Circumstances drags{Role::agent, Standing::joined, Sharing::on, true, true, false, &some};
  for (const bool down : {true, false}) {
    const Message press{Kind::pointer, "", {{"x", 1}, {"y", 1}, {"down", down}}};
    drags.inControl = true;
    drags.pressed = !down;
    EXPECT_FALSE(refusalOf(press, drags)) << "a drag needs control only";
    drags.inControl = false;
    EXPECT_TRUE(refusalOf(press, drags));
  }
  drags.inControl = true;
  drags.pressed = false;
  EXPECT_TRUE(refusalOf({Kind::pointer, "", {{"x", 1}, {"y", 1}, {"down", false}}}, drags))
      << "that is pointing";
  auto none = std::set<Feature>{};
  const Circumstances now{Role::agent, Standing::joined, Sharing::on, true, true, false, &none};
  EXPECT_FALSE(refusalOf({Kind::control, "", {{"want", false}}}, now)) << "control can always be given back";
}

}  // namespace
}  // namespace parley::assist
