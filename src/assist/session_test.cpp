// Coming and going, consent, control, drawings, pushes: what people see of each other in a shared session.
#include "assist/session.h"

#include <gtest/gtest.h>

#include "assist/test_session_rig.h"

namespace parley::assist {
namespace {

using Json = nlohmann::json;
using rig::Rig;

const Json kPointer = {{"type", "pointer"}, {"x", 1}, {"y", 2}};
const Json kClick = {{"type", "click"}, {"x", 1}, {"y", 2}};
const Json kStroke = {
    {"type", "draw"}, {"id", "s1"}, {"tool", "pen"}, {"points", {{1, 2}, {3, 4}}}, {"done", true}};

TEST(AssistSessionTest, NobodySeesAnythingBeforeTheConsumerAgrees) {
  Rig rig;
  rig.say("c", {{"type", "view"}, {"w", 800}, {"h", 600}, {"title", "My account"}, {"path", "/account"}});
  rig.say("c", {{"type", "share"}, {"state", "on"}});
  rig.join("a", Role::agent);
  EXPECT_EQ(rig.out.last("a", "session")["sharing"], "asking");
  EXPECT_EQ(rig.out.last("a", "session")["view"], Json::object()) << "the page's title is the page's, too";
  rig.send(rig::picture(1, true));
  EXPECT_TRUE(rig.out.shown["a"].empty());
  EXPECT_EQ(rig.out.errors["c"], std::vector<std::string>{"assist.no_consent"});
  EXPECT_FALSE(rig.say("a", kPointer));
  rig.answer(true);
  EXPECT_EQ(rig.out.last("a", "session")["sharing"], "on");
  EXPECT_EQ(rig.out.last("a", "session")["view"]["title"], "My account");
  rig.send(rig::picture(1, true));
  EXPECT_EQ(rig.out.shown["a"].size(), 1u);
  EXPECT_TRUE(rig.say("a", kPointer));
  EXPECT_EQ(rig.out.last("c", "pointer")["party"], "a");
}

TEST(AssistSessionTest, SupervisorsReadTheTitleOnlyOfWhatTheySee) {
  Rig rig;
  rig.join("a", Role::agent);
  rig.answer(true);
  rig.say("c", {{"type", "view"}, {"w", 800}, {"h", 600}, {"title", "My account"}, {"path", "/account"}});
  rig.say("c", {{"type", "share"}, {"state", "on"}});
  const std::string agent = rig.session.summary()["parties"][0]["user"].get<std::string>();
  ASSERT_EQ(rig.session.summary()["title"], "My account");
  EXPECT_EQ(rig.session.summaryFor(agent)["title"], "My account");
  EXPECT_FALSE(rig.session.summaryFor("supervisor1").contains("title"));
  rig.say("c", {{"type", "share"}, {"state", "paused"}});
  EXPECT_FALSE(rig.session.summaryFor(agent).contains("title"));
}

TEST(AssistSessionTest, ANoIsANoUntilAskedAgainAndThatNotTooOften) {
  Rig rig;
  rig.join("a", Role::agent);
  rig.answer(false);
  EXPECT_EQ(rig.out.last("a", "session")["parties"][0]["state"], "refused");
  EXPECT_EQ(rig.out.last("a", "consent")["grant"], false);
  EXPECT_FALSE(rig.say("a", kPointer));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(rig.say("a", {{"type", "ask"}, {"what", "view"}})) << i;
    rig.answer(false);
  }
  EXPECT_FALSE(rig.say("a", {{"type", "ask"}, {"what", "view"}}));
  EXPECT_EQ(rig.out.errors["a"].back(), "rate.exceeded");
}

TEST(AssistSessionTest, AnUnansweredQuestionEndsAsANo) {
  Rig rig;
  rig.join("a", Role::agent);
  const std::string id = rig.out.last("c", "consent-request")["id"];
  rig.tick(rig.options.consentMillis);
  EXPECT_EQ(rig.out.last("c", "consent-over")["id"], id);
  EXPECT_EQ(rig.out.last("a", "session")["parties"][0]["state"], "refused");
  rig.say("c", {{"type", "consent"}, {"id", id}, {"grant", true}});
  EXPECT_EQ(rig.out.last("a", "session")["parties"][0]["state"], "refused") << "too late";
}

TEST(AssistSessionTest, ConsentCanBeTakenBack) {
  Rig rig;
  rig.letIn("a");
  rig.giveControl("a");
  rig.send(rig::picture(1, true));
  rig.say("c", {{"type", "consent"}, {"party", "a"}, {"what", "view"}, {"grant", false}});
  rig.out.clear();
  rig.send(rig::picture(2, true));
  EXPECT_TRUE(rig.out.shown["a"].empty());
  EXPECT_TRUE(rig.say("a", kClick)) << "nobody any more";
  EXPECT_TRUE(rig.out.last("c", "click").is_null());
  EXPECT_EQ(rig.session.sharing(), Sharing::off);
}

TEST(AssistSessionTest, OneIsTakenOutAndTheOthersStay) {
  Rig rig;
  for (const char* id : {"a", "b", "d"}) rig.letIn(id);
  rig.giveControl("a");
  rig.say("c", {{"type", "consent"}, {"party", "b"}, {"what", "view"}, {"grant", false}});
  EXPECT_EQ(rig.out.last("b", "ended")["reason"], "assist.party_removed");
  EXPECT_EQ(rig.out.parted["b"], kRemoved);
  EXPECT_EQ(rig.session.sharing(), Sharing::on);
  EXPECT_EQ(rig.out.last("c", "session")["parties"].size(), 2u);
  EXPECT_TRUE(rig.say("a", kClick)) << "control stays";
  rig.say("c", {{"type", "consent"}, {"party", "a"}, {"what", "control"}, {"grant", false}});
  EXPECT_FALSE(rig.say("a", kClick));
  EXPECT_TRUE(rig.out.last("a", "ended").is_null());
  // The place is free; who was taken out is asked for as anybody.
  EXPECT_TRUE(rig.session.mayJoin(Role::agent, "user-e"));
  rig.join("b2", Role::agent, "user-b");
  EXPECT_EQ(rig.out.last("c", "consent-request")["party"], "b2");
}

TEST(AssistSessionTest, ConsentIsTheConsumersOwn) {
  Rig rig;
  rig.join("a", Role::agent);
  const Json asked = rig.out.last("c", "consent-request");
  EXPECT_FALSE(rig.say("a", {{"type", "consent"}, {"id", asked["id"]}, {"grant", true}}));
  EXPECT_FALSE(rig.say("a", {{"type", "share"}, {"state", "on"}}));
  EXPECT_EQ(rig.session.sharing(), Sharing::asking);
}

TEST(AssistSessionTest, FourPeopleAtMost) {
  Rig rig;
  for (const char* id : {"a", "b", "d"}) {
    EXPECT_TRUE(rig.session.mayJoin(Role::agent, std::string("user-") + id));
    rig.join(id, Role::agent);
  }
  const auto fifth = rig.session.mayJoin(Role::supervisor, "user-e");
  ASSERT_FALSE(fifth);
  EXPECT_EQ(fifth.error().reason, "assist.full");
  EXPECT_TRUE(rig.session.mayJoin(Role::agent, "user-a")) << "comes back on another page";
}

TEST(AssistSessionTest, OneConsumerOnly) {
  Rig rig;
  const auto other = rig.session.mayJoin(Role::consumer, "somebody");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "assist.cid_taken");
  EXPECT_TRUE(rig.session.mayJoin(Role::consumer, "user-c"));
}

TEST(AssistSessionTest, ControlIsOnesAndGoesBackByATouch) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  EXPECT_FALSE(rig.say("a", kClick));
  EXPECT_EQ(rig.out.errors["a"].back(), "assist.no_control");
  rig.giveControl("a");
  EXPECT_TRUE(rig.say("a", kClick));
  EXPECT_EQ(rig.out.last("b", "session")["control"], "a");
  EXPECT_FALSE(rig.say("b", {{"type", "control"}, {"want", true}}));
  EXPECT_EQ(rig.out.errors["b"].back(), "assist.control_taken");
  EXPECT_FALSE(rig.say("b", kClick));
  EXPECT_TRUE(rig.say("c", {{"type", "control"}, {"take", true}}));
  EXPECT_FALSE(rig.say("a", kClick));
  EXPECT_EQ(rig.out.last("a", "session")["control"], "none");
}

TEST(AssistSessionTest, ControlEndsWithTheSharingButNotWithAPageChange) {
  Rig rig;
  rig.letIn("a");
  rig.giveControl("a");
  rig.session.down("c", rig.now);
  EXPECT_FALSE(rig.say("a", kClick));
  EXPECT_EQ(rig.out.errors["a"].back(), "assist.consumer_away");
  rig.session.up("c", rig.now);
  EXPECT_TRUE(rig.say("a", kClick));
  rig.say("c", {{"type", "share"}, {"state", "sensitive"}});
  rig.say("c", {{"type", "share"}, {"state", "on"}});
  EXPECT_FALSE(rig.say("a", kClick));
}

TEST(AssistSessionTest, AFeatureThatIsSwitchedOffIsRefusedAtOnce) {
  Rig rig;
  rig.letIn("a");
  EXPECT_TRUE(rig.say("a", kPointer));
  rig.options.features.erase(Feature::pointer);
  EXPECT_FALSE(rig.say("a", kPointer));
  EXPECT_EQ(rig.out.errors["a"].back(), "assist.feature_off");
  rig.options.features.erase(Feature::spotlight);
  Json spot = kStroke;
  spot["tool"] = "spot";
  EXPECT_FALSE(rig.say("a", spot));
  EXPECT_TRUE(rig.say("a", kStroke));
}

TEST(AssistSessionTest, NobodyIsAskedForWhatIsSwitchedOff) {
  Rig rig;
  rig.letIn("a");
  rig.join("b", Role::agent);
  rig.options.features.erase(Feature::view);
  rig.session.optionsChanged(rig.now);
  EXPECT_EQ(rig.out.count("c", "consent-over"), 1u);
  EXPECT_EQ(rig.out.last("b", "ended")["reason"], "assist.feature_off");
  EXPECT_EQ(rig.out.parted["b"], kSwitchedOff);
  EXPECT_TRUE(rig.out.last("a", "ended").is_null());
  EXPECT_TRUE(rig.session.mayJoin(Role::agent, "user-a")) << "who was let in before";
  for (const Role role : {Role::agent, Role::supervisor}) {
    const auto may = rig.session.mayJoin(role, "user-b");
    ASSERT_FALSE(may);
    EXPECT_EQ(may.error().reason, "assist.feature_off");
  }
  rig.options.features.insert(Feature::view);
  EXPECT_TRUE(rig.session.mayJoin(Role::agent, "user-b"));
}

TEST(AssistSessionTest, DrawingsGoWhenAnotherAgentJoinsAfterAHoldOnDemandAndOnNavigation) {
  Rig rig;
  rig.say("c", {{"type", "view"}, {"w", 800}, {"h", 600}, {"path", "/a"}});
  rig.letIn("a");
  const auto cleared = [&](const std::string& why) {
    const Json erase = rig.out.last("c", "erase");
    const bool good = erase.is_object() && erase["all"] == true && erase["why"] == why;
    rig.out.clear();
    return good && rig.say("a", kStroke);
  };
  rig.say("a", kStroke);
  EXPECT_EQ(rig.out.last("c", "draw")["points"].size(), 2u);
  rig.join("b", Role::agent);
  rig.answer(true);
  EXPECT_TRUE(cleared("joined"));
  rig.session.retrieved(rig.now);
  EXPECT_TRUE(cleared("hold"));
  rig.say("c", {{"type", "erase"}, {"all", true}});
  EXPECT_TRUE(cleared("demand"));
  rig.say("c", {{"type", "view"}, {"w", 800}, {"h", 500}, {"path", "/a"}});
  EXPECT_TRUE(rig.out.last("c", "erase").is_null()) << "only the size changed";
  rig.say("c", {{"type", "view"}, {"w", 800}, {"h", 500}, {"path", "/b"}});
  EXPECT_TRUE(cleared("navigation"));
}

TEST(AssistSessionTest, AgentsLearnWhatABoxOfThePageCarriesAlongAndHowMuchIsMasked) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", kStroke);
  const Json carried = {{"type", "carried"},
                        {"shapes", {{{"id", "s1"}, {"dx", 0}, {"dy", -40.5}, {"x", 1}}}}};
  EXPECT_TRUE(rig.say("c", carried));
  EXPECT_EQ(rig.out.last("a", "carried")["shapes"], Json::parse(R"([{"id":"s1","dx":0,"dy":-40.5}])"));
  EXPECT_FALSE(rig.say("a", carried)) << "only the page knows";
  rig.join("s", Role::supervisor);
  rig.answer(true);
  EXPECT_EQ(rig.out.last("s", "carried")["shapes"].size(), 1u) << "who comes later sees it where it is";
  rig.say("c", {{"type", "erase"}, {"all", true}});
  rig.out.clear();
  rig.session.down("s", rig.now);
  rig.session.up("s", rig.now);
  EXPECT_TRUE(rig.out.last("s", "carried").is_null());
  rig.say("c", {{"type", "view"}, {"w", 8}, {"h", 6}, {"masked", 3}});
  EXPECT_EQ(rig.out.last("a", "session")["view"]["masked"], 3);
}

TEST(AssistSessionTest, WhoWasAwayGetsTheDrawingsThatAreLeft) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.session.down("b", rig.now);
  rig.out.clear();
  rig.say("a", kStroke);
  EXPECT_TRUE(rig.out.last("b", "draw").is_null());
  rig.session.up("b", rig.now);
  EXPECT_EQ(rig.out.last("b", "erase")["all"], true);
  EXPECT_EQ(rig.out.last("b", "draw")["id"], "s1");
  rig.join("s", Role::supervisor);
  rig.answer(true);
  EXPECT_EQ(rig.out.last("s", "draw")["id"], "s1") << "a watching supervisor clears nothing";
}

TEST(AssistSessionTest, DrawingsHaveTheColourThatWasPickedAlsoForThoseWhoComeLater) {
  Rig rig;
  rig.letIn("a");
  Json picked = kStroke;
  picked["color"] = "#D92d20";
  EXPECT_TRUE(rig.say("a", picked));
  EXPECT_EQ(rig.out.last("c", "draw")["color"], "#D92d20");
  rig.join("s", Role::supervisor);
  rig.answer(true);
  EXPECT_EQ(rig.out.last("s", "draw")["color"], "#D92d20");
  Json plain = kStroke;
  plain["id"] = "s2";
  EXPECT_TRUE(rig.say("a", plain));
  EXPECT_EQ(rig.out.last("c", "draw")["color"], rig.out.last("a", "session")["parties"][0]["color"])
      << "who picks none has its own";
}

TEST(AssistSessionTest, AgentsChooseTheQualityForAllAndItIsKept) {
  Rig rig;
  rig.join("a", Role::agent);
  const Json light = {{"type", "quality"}, {"level", "light"}};
  EXPECT_FALSE(rig.say("a", light)) << "before the consumer agreed";
  rig.answer(true);
  rig.letIn("s", Role::supervisor);
  EXPECT_EQ(rig.out.last("c", "session")["quality"], "sharp");
  EXPECT_FALSE(rig.say("s", light)) << "supervisors only watch";
  EXPECT_FALSE(rig.say("c", light)) << "and it is no consumer's to say";
  EXPECT_TRUE(rig.say("a", light));
  for (const char* id : {"a", "s", "c"}) EXPECT_EQ(rig.out.last(id, "session")["quality"], "light") << id;
  rig.out.clear();
  EXPECT_TRUE(rig.say("a", light));
  EXPECT_EQ(rig.out.count("c", "session"), 0u) << "nothing has changed";
  AssistSession next("cid", rig.out, rig.options, rig.totals, rig.now);
  ASSERT_TRUE(next.restore(rig.session.save()));
  EXPECT_EQ(next.stateFor("a", Role::agent)["quality"], "light");
  std::size_t refused = 0;
  for (int i = 0; i < 20; ++i)
    refused += !rig.say("a", {{"type", "quality"}, {"level", i % 2 == 0 ? "sharp" : "light"}});
  EXPECT_GT(refused, 0u);
  EXPECT_LE(rig.out.count("c", "session"), 5u) << "each is a whole picture for the page";
}

TEST(AssistSessionTest, TheLimitsOfTheSettingsAreTold) {
  Rig rig;
  rig.options.maxParties = 6;
  rig.options.maxDocumentBytes = 1'000'000;
  const Json told = rig.session.settings(Role::agent);
  EXPECT_EQ(told["maxParties"], 6);
  EXPECT_EQ(told["maxDocumentBytes"], 1'000'000);
}

TEST(AssistSessionTest, SomebodyElsesDrawingIsNotContinued) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  EXPECT_TRUE(rig.say("a", kStroke));
  EXPECT_FALSE(rig.say("b", kStroke));
}

TEST(AssistSessionTest, SupervisorsOnlyWatch) {
  Rig rig;
  rig.letIn("s", Role::supervisor);
  rig.send(rig::picture(1, true));
  EXPECT_EQ(rig.out.shown["s"].size(), 1u);
  for (const Json& message : {kPointer, kClick, kStroke, Json{{"type", "control"}, {"want", true}},
                              Json{{"type", "push"}, {"kind", "link"}, {"url", "https://example.com/"}},
                              Json{{"type", "form-get"}}}) {
    EXPECT_FALSE(rig.say("s", message)) << message;
    EXPECT_EQ(rig.out.errors["s"].back(), "assist.not_allowed");
  }
}

TEST(AssistSessionTest, TheAgentsNameCanBeALabel) {
  Rig rig;
  rig.options.agentName = "Our service";
  rig.letIn("a");
  rig.letIn("b");
  EXPECT_EQ(rig.out.last("c", "consent-request")["name"], "Our service");
  EXPECT_EQ(rig.out.last("c", "session")["parties"][0]["name"], "Our service");
  EXPECT_EQ(rig.out.last("b", "session")["parties"][0]["name"], "Name of a");
}

TEST(AssistSessionTest, FormsGoToWhoAskedAndMaskedFieldsHaveNoValue) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  EXPECT_TRUE(rig.say("a", {{"type", "form-get"}, {"request", "r1"}}));
  EXPECT_EQ(rig.out.last("c", "form-get")["request"], "r1");
  const Json field = {{"id", "f1"}, {"label", "Card"}, {"type", "text"}, {"masked", true}, {"value", "4111"}};
  EXPECT_TRUE(rig.say("c", {{"type", "form"}, {"fields", {field}}}));
  EXPECT_FALSE(rig.out.last("a", "form")["fields"][0].contains("value"));
  EXPECT_TRUE(rig.out.last("b", "form").is_null());
  EXPECT_FALSE(rig.say("a", {{"type", "form-set"}, {"id", "f1"}, {"value", "x"}})) << "without control";
  rig.giveControl("a");
  EXPECT_TRUE(rig.say("a", {{"type", "form-set"}, {"id", "f1"}, {"value", "x"}}));
  EXPECT_TRUE(rig.say("c", {{"type", "form-result"}, {"id", "f1"}, {"ok", true}, {"to", "a"}}));
  EXPECT_EQ(rig.out.last("a", "form-result")["ok"], true);
  EXPECT_TRUE(rig.say(
      "c", {{"type", "form-result"}, {"id", "f1"}, {"ok", false}, {"reason", "act.barred"}, {"to", "a"}}));
  EXPECT_EQ(rig.out.last("a", "form-result")["reason"], "act.barred");
}

TEST(AssistSessionTest, FormsThatAreSwitchedOffAreOverAtOnce) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "form-get"}});
  rig.options.features.erase(Feature::forms);
  rig.session.optionsChanged(rig.now);
  rig.out.clear();
  rig.say("c", {{"type", "form"}, {"fields", Json::array()}});
  rig.say("c", {{"type", "form"}, {"fields", Json::array()}, {"to", "a"}});
  EXPECT_EQ(rig.out.count("a", "form"), 0u);
  rig.options.features.insert(Feature::forms);
  rig.session.optionsChanged(rig.now);
  rig.say("c", {{"type", "form"}, {"fields", Json::array()}});
  EXPECT_EQ(rig.out.count("a", "form"), 0u) << "it has to ask again";
}

TEST(AssistSessionTest, WhatIsSaidToAPageThatIsAwayIsSaidOnce) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "form-get"}});
  rig.session.down("c", rig.now);
  rig.out.clear();
  for (int i = 0; i < 3; ++i) rig.say("a", {{"type", "form-close"}});
  EXPECT_EQ(rig.out.count("c", "form-close"), 1u);
}

TEST(AssistSessionTest, OfWhereADocumentStandsTheNewestWaitsForWhoIsAway) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "push"}, {"kind", "document"}, {"content", "x1"}});
  ASSERT_EQ(rig.out.wishes.size(), 1u);
  rig.session.provided(rig.out.wishes[0], PushContent{"/assistserver/content/x", "a.pdf", "document"},
                       rig.now);
  const Json id = rig.out.last("c", "session")["document"]["id"];
  rig.session.down("c", rig.now);
  rig.out.clear();
  rig.out.keys.clear();
  rig.say("a", {{"type", "document"}, {"id", id}, {"pages", 7}});
  rig.say("a", {{"type", "document"}, {"id", id}, {"page", 2}});
  EXPECT_EQ(rig.out.keys["c"], (std::vector<std::string>{"pages:a", "document:a"}));
}

TEST(AssistSessionTest, WhatAnAgentHasToKnowOfAFieldArrives) {
  Rig rig;
  rig.letIn("a");
  EXPECT_TRUE(rig.say("a", {{"type", "form-get"}}));
  const Json field = {{"id", "f1"},      {"label", "Day"},  {"type", "date"},      {"masked", false},
                      {"value", ""},     {"barred", true},  {"disabled", true},    {"group", "Visit"},
                      {"hint", "a day"}, {"maxLength", 10}, {"min", "2026-01-01"}, {"max", "2026-12-31"},
                      {"step", "1"}};
  EXPECT_TRUE(rig.say("c", {{"type", "form"}, {"fields", {field}}}));
  EXPECT_EQ(rig.out.last("a", "form")["fields"][0], field);
}

TEST(AssistSessionTest, LinksArePushedDocumentsAreFetchedFirst) {
  Rig rig;
  rig.letIn("a");
  EXPECT_FALSE(rig.say("a", {{"type", "push"}, {"kind", "link"}, {"url", "javascript:alert(1)"}}));
  EXPECT_TRUE(rig.say("a", {{"type", "push"}, {"kind", "link"}, {"url", "https://example.com/"}}));
  EXPECT_EQ(rig.out.last("c", "push")["src"], "https://example.com/");
  EXPECT_TRUE(rig.say("a", {{"type", "push"}, {"kind", "document"}, {"content", "x1"}, {"name", "Terms"}}));
  ASSERT_EQ(rig.out.wishes.size(), 1u);
  rig.session.provided(rig.out.wishes[0], PushContent{"/assistserver/content/x", "terms.pdf", "document"},
                       rig.now);
  const Json document = rig.out.last("c", "session")["document"];
  EXPECT_EQ(document["name"], "Terms");
  const std::string id = document["id"];
  EXPECT_TRUE(rig.say("c", {{"type", "document"}, {"id", id}, {"page", 3}}));
  EXPECT_EQ(rig.out.last("a", "document")["page"], 3);
  Json stroke = kStroke;
  stroke["on"] = id;
  EXPECT_TRUE(rig.say("c", stroke)) << "customers draw on documents";
  EXPECT_FALSE(rig.say("c", kStroke)) << "and nowhere else";
  const Json over = {{"type", "pointer"}, {"x", 5}, {"y", 6}, {"on", id}, {"page", 2}};
  EXPECT_TRUE(rig.say("a", over));
  EXPECT_EQ(rig.out.last("c", "pointer")["on"], id);
  EXPECT_EQ(rig.out.last("c", "pointer")["page"], 2);
  EXPECT_TRUE(rig.say("a", {{"type", "document"}, {"id", id}, {"closed", true}}));
  EXPECT_TRUE(rig.out.last("c", "session")["document"].is_null());
  EXPECT_FALSE(rig.say("a", stroke));
  rig.out.clear();
  rig.say("a", over);
  EXPECT_EQ(rig.out.count("c", "pointer"), 0u) << "over what is not there";
}

TEST(AssistSessionTest, ADocumentThatComesTooLateIsNotShown) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "push"}, {"kind", "image"}, {"url", "https://example.com/a.png"}});
  rig.say("c", {{"type", "consent"}, {"party", "a"}, {"what", "view"}, {"grant", false}});
  rig.session.provided(rig.out.wishes[0], PushContent{"/x", "a", "image"}, rig.now);
  EXPECT_TRUE(rig.out.last("c", "push").is_null());
  rig.letIn("b");
  rig.say("b", {{"type", "push"}, {"kind", "image"}, {"url", "https://example.com/b.png"}});
  rig.options.features.erase(Feature::pushDocument);
  rig.session.provided(rig.out.wishes[1], PushContent{"/x", "b", "image"}, rig.now);
  EXPECT_TRUE(rig.out.last("c", "push").is_null());
  EXPECT_EQ(rig.out.errors["b"].back(), "assist.no_consent");
}

TEST(AssistSessionTest, TheSameAgentOnANewPageIsLetInButHoldsNothing) {
  Rig rig;
  rig.letIn("a");
  rig.giveControl("a");
  rig.send(rig::picture(1, true));
  rig.join("a2", Role::agent, "user-a");
  EXPECT_EQ(rig.out.parted["a"], 4001);
  EXPECT_EQ(rig.out.shown["a2"].size(), 1u) << "sees the page at once";
  EXPECT_FALSE(rig.say("a2", kClick));
  EXPECT_TRUE(rig.say("a2", kPointer));
  EXPECT_EQ(rig.session.parties(), 2u);
}

TEST(AssistSessionTest, TheSameConsumerOnANewPageSharesAnewAndNobodyActsUnasked) {
  Rig rig;
  rig.letIn("a");
  rig.giveControl("a");
  rig.join("c2", Role::consumer, "user-c");
  EXPECT_EQ(rig.out.parted["c"], 4001);
  EXPECT_EQ(rig.out.last("a", "session")["sharing"], "off");
  EXPECT_EQ(rig.out.last("a", "session")["control"], "none");
  EXPECT_TRUE(rig.say("c2", {{"type", "share"}, {"state", "on"}}));
  EXPECT_EQ(rig.out.last("a", "session")["sharing"], "on") << "its consent is kept";
  EXPECT_EQ(rig.out.last("a", "session")["control"], "none");
  EXPECT_FALSE(rig.say("a", kClick));
  EXPECT_TRUE(rig.say("a", kPointer));
  EXPECT_TRUE(rig.say("a", {{"type", "control"}, {"want", true}}));
  EXPECT_EQ(rig.out.last("c2", "consent-request")["what"], "control") << "the customer is asked again";
}

TEST(AssistSessionTest, EndsForAllWhenTheConsumerEndsOrDoesNotComeBack) {
  Rig rig;
  rig.letIn("a");
  rig.session.down("c", rig.now);
  EXPECT_EQ(rig.out.last("a", "session")["consumer"]["present"], false);
  rig.session.gone("c", rig.now + 60'000);
  EXPECT_TRUE(rig.session.over());
  EXPECT_EQ(rig.out.last("a", "ended")["reason"], "consumer_lost");
  EXPECT_EQ(rig.out.parted["a"], kEnded);
  EXPECT_FALSE(rig.session.record()["timeline"].empty());
}

TEST(AssistSessionTest, AnEndWithTheCallIsToldAsOne) {
  for (const Json& why : {Json(), Json("call"), Json("later"), Json(7)}) {
    Rig rig;
    rig.letIn("a");
    EXPECT_TRUE(rig.say("c", {{"type", "end"}, {"why", why}}));
    ASSERT_TRUE(rig.session.over()) << why;
    EXPECT_EQ(rig.out.last("a", "ended")["reason"], why == "call" ? "call_ended" : "consumer_ended");
  }
}

TEST(AssistSessionTest, AnAgentThatLeavesTakesNothingElseAlong) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.giveControl("a");
  EXPECT_TRUE(rig.say("a", {{"type", "leave"}}));
  EXPECT_EQ(rig.out.parted["a"], 1000);
  EXPECT_EQ(rig.session.sharing(), Sharing::on);
  rig.giveControl("b");
  EXPECT_TRUE(rig.say("b", kClick));
}

TEST(AssistSessionTest, ReceiptsAreKeptAndBounded) {
  Rig rig;
  const Json receipt = {{"type", "receipt"},
                        {"at", "now"},
                        {"masked", {{{"label", "PIN"}, {"rule", "password"}, {"count", 1}}}}};
  for (int i = 0; i < 700; ++i) EXPECT_TRUE(rig.say("c", receipt));
  const Json record = rig.session.record();
  EXPECT_LE(record["receipts"].size(), 500u);
  EXPECT_EQ(record["receipts"].size() + record["droppedReceipts"].get<std::size_t>(), 700u);
  EXPECT_LT(record.dump().size(), 250u * 1024);
}

TEST(AssistSessionTest, AReceiptThatComesInSeveralMessagesIsOne) {
  Rig rig;
  std::string label = "PIN";
  const auto say = [&](const char* at, std::size_t names, int withheld = 0) {
    Json message = {{"type", "receipt"}, {"at", at}, {"masked", Json::array()}};
    for (std::size_t i = 0; i < names; ++i)
      message["masked"].push_back({{"label", label}, {"rule", "password"}, {"count", 1}});
    if (withheld > 0) message["unmaskable"] = withheld;
    EXPECT_TRUE(rig.say("c", message));
  };
  const auto sizes = [&] {
    std::vector<std::size_t> out;
    for (const Json& receipt : rig.session.record()["receipts"]) out.push_back(receipt["masked"].size());
    EXPECT_EQ(rig.session.summary()["receipts"], out.size());
    return out;
  };
  say("one", 64, 3);
  say("one", 64);
  say("one", 10);
  EXPECT_EQ(sizes(), std::vector<std::size_t>{138});
  EXPECT_EQ(rig.session.record()["receipts"][0]["unmaskable"], 3);
  say("two", 64);    // Of another moment,
  say("two", 1, 2);  // with a count of its own,
  say("two", 1);     // after one that was not full: none of these goes on with the one before.
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{138, 64, 1, 1}));
  for (int i = 0; i < 6; ++i) say("no end", 64);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{138, 64, 1, 1, 256, 128}));
  // Names as long as can be, each character of them two bytes of JSON: the record still fits into the store.
  label = std::string(120, '"');
  for (int i = 0; i < 8; ++i) say("long names", 64);
  EXPECT_LT(rig.session.record().dump().size(), 200'000u);
}

TEST(AssistSessionTest, LeavingAndComingAgainAsksNoMoreOftenThanAsking) {
  Rig rig;
  for (int i = 0; i < 10; ++i) {
    rig.join("a", Role::agent);
    if (rig.out.last("a", "session")["parties"][0]["state"] == "asking") rig.answer(false);
    rig.say("a", {{"type", "leave"}});
  }
  EXPECT_EQ(rig.out.count("c", "consent-request"), 4u);
  rig.join("a", Role::agent);
  EXPECT_EQ(rig.out.last("a", "session")["parties"][0]["state"], "refused");
  EXPECT_TRUE(rig.say("a", {{"type", "ask"}, {"what", "view"}}))
      << "but the agent may ask, as often as that goes";
}

TEST(AssistSessionTest, ANewPageOfAnAgentHasNoNewAllowances) {
  Rig rig;
  rig.join("a", Role::agent, "ann");
  rig.answer(false);
  std::size_t asked = 0;
  for (const char* page : {"a", "b", "d"}) {
    if (std::string(page) != "a") rig.join(page, Role::agent, "ann");
    while (rig.say(page, {{"type", "ask"}, {"what", "view"}})) {
      rig.answer(false);
      ASSERT_LT(++asked, 10u);
    }
  }
  EXPECT_EQ(asked, 3u);
}

TEST(AssistSessionTest, WhoIsAwayIsNotBuriedInWhatIsOfTheMoment) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.say("b", kStroke);
  rig.session.down("a", rig.now);
  rig.out.clear();
  rig.say("c", {{"type", "activity"}, {"what", "click"}, {"target", "Button"}});
  rig.say("b", {{"type", "erase"}, {"ids", {"s1"}}});
  EXPECT_EQ(rig.out.count("a", "activity"), 0u);
  EXPECT_EQ(rig.out.count("b", "activity"), 1u);
  EXPECT_EQ(rig.out.count("a", "erase"), 0u);
  rig.say("c", {{"type", "push-result"}, {"id", "d1"}, {"what", "opened"}});
  EXPECT_EQ(rig.out.count("a", "push-result"), 1u) << "what matters waits for it";
  rig.session.up("a", rig.now);
  EXPECT_EQ(rig.out.last("a", "erase")["why"], "resumed");
}

TEST(AssistSessionTest, ControlIsGivenOnlyToWhoIsThereAndWhileThePageIsShared) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "control"}, {"want", true}});
  rig.session.down("a", rig.now);
  rig.answer(true);
  EXPECT_EQ(rig.out.last("c", "session")["control"], "none") << "the agent is away";
  rig.session.up("a", rig.now);
  rig.say("a", {{"type", "control"}, {"want", true}});
  rig.say("c", {{"type", "share"}, {"state", "paused"}});
  rig.answer(true);
  rig.say("c", {{"type", "share"}, {"state", "on"}});
  EXPECT_FALSE(rig.say("a", kClick)) << "granted while nothing was shared";
}

TEST(AssistSessionTest, AQuestionThatNobodyAsksAnyMoreIsTakenBack) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "control"}, {"want", true}});
  const Json asked = rig.out.last("c", "consent-request");
  rig.say("a", {{"type", "control"}, {"want", false}});
  EXPECT_EQ(rig.out.last("c", "consent-over")["id"], asked["id"]);
}

TEST(AssistSessionTest, FieldsOfAPageThatIsNotSharedGoNowhere) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "form-get"}});
  const Json form = {{"type", "form"}, {"fields", {{{"id", "f1"}, {"value", "x"}}}}};
  rig.say("c", form);
  EXPECT_EQ(rig.out.count("a", "form"), 1u);
  rig.say("c", {{"type", "share"}, {"state", "sensitive"}});
  rig.say("c", form);
  EXPECT_EQ(rig.out.count("a", "form"), 1u);
}

TEST(AssistSessionTest, TheRecordKeepsWhatWasAgreedThroughAFloodOfClicks) {
  Rig rig;
  rig.letIn("a");
  for (int i = 0; i < 150; ++i) rig.say("c", {{"type", "activity"}, {"what", "click"}, {"target", "Button"}});
  rig.giveControl("a");
  for (int i = 0; i < 500; ++i) rig.say("c", {{"type", "activity"}, {"what", "click"}, {"target", "Button"}});
  const std::string record = rig.session.record().dump();
  EXPECT_NE(record.find("asks for control"), std::string::npos);
  EXPECT_NE(record.find(R"("to":"control")"), std::string::npos);
}

TEST(AssistSessionTest, APushIsItsUsersWhateverPageItComesFrom) {
  Rig rig;
  rig.letIn("a");
  rig.say("a", {{"type", "push"}, {"kind", "document"}, {"url", "https://docs.example.com/a.pdf"}});
  ASSERT_EQ(rig.out.wishes.size(), 1u);
  EXPECT_EQ(rig.out.wishes[0].user, "user-a");
}

}  // namespace
}  // namespace parley::assist
