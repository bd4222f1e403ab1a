// The pure rules: who may be called, patterns, limits, timelines, settings.
#include <gtest/gtest.h>

#include <fstream>

#include "gateway/agents.h"
#include "gateway/destinations.h"
#include "gateway/hunt_groups.h"
#include "gateway/json.h"
#include "gateway/messages.h"
#include "gateway/number_pattern.h"
#include "gateway/record_store.h"
#include "gateway/settings.h"
#include "gateway/timeline.h"

namespace parley::gateway {
namespace {

using namespace std::chrono_literals;

TEST(NumberPatternTest, MatchesAsARegularExpressionDoes) {
  struct Case {
    const char* pattern;
    std::vector<const char*> yes, no;
  };
  for (const Case& c : std::vector<Case>{
           {"", {"", "anything"}, {}},
           {"^sip:60017@100\\.1\\.0\\.100$",
            {"sip:60017@100.1.0.100"},
            {"sip:60017@100.1.0.1000", "xsip:60017@100.1.0.100", "sip:60017@100x1.0.100"}},
           {"agent[12]", {"agent1", "agent2"}, {"agent3", "agent12", "Agent1", ""}},
           {"(sip:)?\\d{4}(@.+)?", {"8000", "sip:8000", "sip:8000@h"}, {"800", "80000", "sip:8000@"}},
           {"a|bc|", {"a", "bc", ""}, {"ab", "b"}},
           {"x*", {"", "x", "xxxx"}, {"xy"}},
           {"x+y?", {"x", "xxy"}, {"", "y", "xyy"}},
           {"[^0-9]+", {"abc"}, {"a1"}},
           {"[]a-]+", {"]a-"}, {"b"}},
           {"[a\\d.]{2,3}", {"a1", "a.1"}, {"a", "a.1.", "ab"}},
           {"(?:ab){2,}", {"abab", "ababab"}, {"ab", "aba"}},
           {"(a{0,2}){2}b", {"b", "aaaab"}, {"aaaaab"}},
           {"\\w+\\s\\W\\D\\S", {"a_1 -x-"}, {"a_1 -1-"}},
           {".", {"\xc3"}, {"", "ab"}},
           {"a^b", {}, {"ab", "a^b"}},
           {"(a$|ab)", {"a", "ab"}, {"b"}}}) {
    const auto pattern = NumberPattern::compile(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << pattern.error().text;
    for (const auto* text : c.yes) EXPECT_TRUE(pattern->matches(text)) << c.pattern << " : " << text;
    for (const auto* text : c.no) EXPECT_FALSE(pattern->matches(text)) << c.pattern << " : " << text;
  }
}

TEST(NumberPatternTest, RefusesWhatItDoesNotUnderstand) {
  for (const auto* bad : {"(", ")", "a)", "[", "[a", "*", "+a", "a{", "a{x}", "a{2,1}", "a{999}", "a{1,2,3}",
                          "\\", "\\1", "\\b", "(?=a)", "(?i)a", "[z-a]", "a|*"}) {
    const auto compiled = NumberPattern::compile(bad);
    ASSERT_FALSE(compiled) << bad;
    EXPECT_EQ(compiled.error().reason, "gateway.bad_pattern");
  }
  EXPECT_FALSE(NumberPattern::compile(std::string(NumberPattern::kMaxPatternBytes + 1, 'a')));
  EXPECT_FALSE(NumberPattern::compile(std::string(100, '(') + std::string(100, ')')));
  EXPECT_FALSE(NumberPattern::compile("((a{255}){255}){255}")) << "too many states";
}

TEST(NumberPatternTest, CatastrophicPatternsStayLinear) {
  for (const auto* evil :
       {"(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "(a*)*(a*)*(a*)*b", "((a?){50}){50}b"}) {
    const auto pattern = NumberPattern::compile(evil);
    ASSERT_TRUE(pattern) << evil;
    EXPECT_FALSE(pattern->matches(std::string(NumberPattern::kMaxTextBytes, 'a'))) << evil;
    EXPECT_TRUE(pattern->matches(std::string(100, 'a') + "b")) << evil;
  }
  EXPECT_FALSE(NumberPattern::compile(".*")->matches(std::string(NumberPattern::kMaxTextBytes + 1, 'a')));
}

TEST(Destinations, UserParts) {
  for (const auto& [address, user] :
       std::vector<std::pair<std::string, std::string>>{{"agent1", "agent1"},
                                                        {"sip:8000@host", "8000"},
                                                        {"SIPS:8000@host:5061;transport=tls", "8000"},
                                                        {"tel:+4912345;phone-context=x", "+4912345"},
                                                        {"sip:agent1:pw@host", "agent1"},
                                                        {" agent1 ", "agent1"},
                                                        {"http://x", ""},
                                                        {"sip:", ""},
                                                        {"", ""},
                                                        {"sip:@host", ""}}) {
    EXPECT_EQ(userPart(address), user) << address;
  }
}

TEST(Destinations, TheTokenBindsAndTheRegexAppliesToWhatThePageAsks) {
  DestinationRules rules;
  rules.allowed = *NumberPattern::compile("sip:.*");
  EXPECT_EQ(resolveDestination("", "", rules).user, "agent1");
  EXPECT_EQ(resolveDestination("", "", rules).refusal, EndReason::none) << "the default is not asked for";
  EXPECT_EQ(resolveDestination("agent2", "", rules).refusal, EndReason::destinationRefused);
  EXPECT_EQ(resolveDestination("sip:agent2@h", "", rules).user, "agent2");
  EXPECT_EQ(resolveDestination("", "agent2", rules).user, "agent2");
  EXPECT_EQ(resolveDestination("sip:agent2@h", "agent2", rules).refusal, EndReason::none);
  EXPECT_EQ(resolveDestination("sip:agent3@h", "agent2", rules).refusal, EndReason::destinationRefused);
}

TEST(AgentsTest, PresenceFollowsSignInChoiceAndCall) {
  Agents agents;
  EXPECT_EQ(agents.presence("a"), Presence::notSignedIn);
  agents.signedIn("a");
  EXPECT_EQ(agents.presence("a"), Presence::available);
  agents.addCall("a", "c");
  EXPECT_EQ(agents.presence("a"), Presence::busy);
  agents.setAvailable("a", false);
  EXPECT_EQ(agents.presence("a"), Presence::busy);
  agents.removeCall("a", "c", 5);
  EXPECT_EQ(agents.idleSince("a"), 5);
  EXPECT_EQ(agents.presence("a"), Presence::away);
  agents.signedOut("a");
  agents.signedIn("a");
  EXPECT_EQ(agents.presence("a"), Presence::away);
}

TEST(TimelineTest, StaysBoundedKeepsEndsAndErrors) {
  Timeline timeline;
  for (int i = 0; i < 5000; ++i) {
    TimelineEntry entry{1000 + i, "gateway", "gateway", "entry " + std::to_string(i)};
    if (i == 1234) entry.level = "error";
    timeline.add(entry);
  }
  EXPECT_LE(timeline.entries().size(), Timeline::kMaxEntries);
  EXPECT_EQ(timeline.entries().size() + timeline.dropped(), 5000u);
  EXPECT_EQ(timeline.entries().front().what, "entry 0");
  EXPECT_EQ(timeline.entries().back().what, "entry 4999");
  EXPECT_TRUE(std::ranges::any_of(timeline.entries(), [](const auto& e) { return e.what == "entry 1234"; }));
  EXPECT_TRUE(Json::parse(timeline.json(1000), nullptr, false).is_array());
  Timeline errors;
  for (int i = 0; i < 1000; ++i) errors.add({i, "a", "a", "x", "error"});
  EXPECT_LE(errors.entries().size(), Timeline::kMaxEntries);
  EXPECT_EQ(errors.entries().size() + errors.dropped(), 1000u);
}

TEST(TimelineTest, DetailsAreBoundedTogether) {
  Timeline timeline;
  const std::string report = dumpJson({{"x", std::string(kMaxReportBytes - 100, 'a')}});
  for (int i = 0; i < 100; ++i) timeline.add({i, "consumer", "gateway", "stats", "info", report});
  EXPECT_LT(timeline.json(0).size(), Timeline::kMaxDetailBytes + 100 * 300);
  EXPECT_NE(timeline.json(0).find("omittedBytes"), std::string::npos);
}

TEST(CallRecordsTest, KeepsTheLastAndGivesAgentsTheirs) {
  CallRecords records;
  for (std::size_t i = 0; i < CallRecords::kMaxRecords + 100; ++i) {
    CallRecord record;
    record.state.id = "c" + std::to_string(i);
    record.state.phase = CallPhase::ended;
    record.state.broker = "b1";
    record.state.agents = {i % 2 == 0 ? "agent1" : "agent2"};
    record.state.reason = EndReason::busy;
    records.add(std::move(record));
  }
  EXPECT_EQ(records.all().size(), CallRecords::kMaxRecords);
  EXPECT_EQ(records.find("c0"), nullptr);
  EXPECT_EQ(records.all().front().state.id, "c599");
  const auto history = Json::parse(records.historyOf("agent1"));
  EXPECT_EQ(history["calls"].size(), CallRecords::kMaxHistory);
  EXPECT_EQ(history["calls"][0]["call"], "c598");
  EXPECT_TRUE(Json::parse(records.historyOf("nobody"))["calls"].empty());
}

TEST(CallRecordsTest, RefusedDialsDoNotPushCallsOut) {
  CallRecords records;
  const auto add = [&](const std::string& id, const std::string& broker) {
    CallRecord record;
    record.state.id = id;
    record.state.phase = CallPhase::ended;
    record.state.broker = broker;
    records.add(std::move(record));
  };
  add("real", "b1");
  for (int i = 0; i < 2'000; ++i) add("refused" + std::to_string(i), "");
  EXPECT_EQ(records.all().size(), CallRecords::kMaxRefused + 1);
  EXPECT_NE(records.find("real"), nullptr);
  EXPECT_NE(records.find("refused1999"), nullptr);
  EXPECT_EQ(records.find("refused0"), nullptr);
}

TEST(CallRecordsTest, OutliveTheProcess) {
  net::EventLoop loop("records");
  auto store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  const auto load = [&](RecordStore& into) {
    std::optional<std::size_t> count;
    into.load([&](std::size_t n) { count = n; });
    loop.runUntil([&] { return count.has_value(); }, 5s);
    return count.value_or(99);
  };
  {
    CallRecords records;
    RecordStore keeper(*store, records);
    EXPECT_EQ(load(keeper), 0u);
    for (int i = 0; i < 3; ++i) {
      CallRecord record;
      record.state.id = "c" + std::to_string(i);
      record.state.phase = CallPhase::ended;
      record.state.broker = "b1";
      record.state.startedAt = 1'000;
      record.state.endedAt = 5'000 + i;
      record.state.reason = EndReason::hungUp;
      record.timeline.add({1'500, "agent", "gateway", "answer", "info", R"({"sdpBytes":7})"});
      record.media = R"({"legs":[]})";
      records.add(std::move(record));
    }
    while (loop.poll()) {
    }
  }
  CallRecords records;
  RecordStore keeper(*store, records);
  EXPECT_EQ(load(keeper), 3u);
  ASSERT_EQ(records.all().size(), 3u);
  EXPECT_EQ(records.all().front().state.id, "c2") << "newest first";
  EXPECT_EQ(records.find("c1")->media, R"({"legs":[]})");
  const auto& entries = records.find("c1")->timeline.entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].at, 1'500);
  EXPECT_EQ(entries[0].detail, R"({"sdpBytes":7})");
  EXPECT_FALSE(deserialiseRecord("{}"));
  EXPECT_FALSE(deserialiseRecord(R"({"state":{"id":"x"}})"));
}

TEST(HuntGroups, OrderByStrategyAmongTheFree) {
  HuntGroup group{.name = "support", .number = "9000", .label = {}, .members = {"a", "b", "c", "b"}};
  const auto free = [](const std::string& user) { return user != "a"; };
  const auto idle = [](const std::string& user) { return user == "b" ? 20 : 10; };
  EXPECT_EQ(huntOrder(group, free, idle), (std::vector<std::string>{"b", "c"}));
  group.strategy = HuntStrategy::longestIdle;
  EXPECT_EQ(huntOrder(group, free, idle), (std::vector<std::string>{"c", "b"}));
  EXPECT_EQ(findGroup({group}, "9000")->name, "support");
  EXPECT_EQ(findGroup({group}, ""), nullptr);
  EXPECT_EQ(findGroup({group}, "901"), nullptr);
}

TEST(RefusedNumbers, AreRecognisedHoweverTheyAreWritten) {
  DestinationRules rules;
  rules.refused.push_back(*NumberPattern::compile("(\\+49)?(110|112)|911"));
  for (const auto* dialled : {"112", "tel:112", "sip:112@pbx.example", "1-1-2", "(1)12", "tel:+49.112",
                              "%31%31%32", "sip:1%312@x;user=phone", " 911 "}) {
    EXPECT_TRUE(isRefusedNumber(dialled, rules)) << dialled;
  }
  for (const auto* dialled : {"1120", "0112", "agent112", "", "sip:@112"}) {
    EXPECT_FALSE(isRefusedNumber(dialled, rules)) << dialled;
  }
  EXPECT_EQ(resolveDestination("112", "", rules).refusal, EndReason::numberRefused);
  EXPECT_EQ(resolveDestination("", "sip:911@x", rules).refusal, EndReason::numberRefused);
  // Whatever else stands in its way, too: who dials it reads that a telephone is wanted.
  rules.allowed = *NumberPattern::compile("agent\\d");
  EXPECT_EQ(resolveDestination("112", "", rules).refusal, EndReason::numberRefused);
  EXPECT_EQ(resolveDestination("112", "agent1", rules).refusal, EndReason::numberRefused);
  EXPECT_EQ(resolveDestination("1120", "", rules).refusal, EndReason::destinationRefused);
  EXPECT_TRUE(looksLikePhone("+49 (89) 1") && looksLikePhone("tel:x") && looksLikePhone("sip:a@b"));
  EXPECT_FALSE(looksLikePhone("agent1") || looksLikePhone("") || looksLikePhone("http:1"));
  EXPECT_TRUE(isDialable("sip:2001@pbx.example:5060;transport=tcp") && isDialable("+4989123"));
  EXPECT_FALSE(isDialable("a b") || isDialable("<sip:1@x>") || isDialable("1\r\nVia: x") ||
               isDialable("\"1\""));
}

TEST(SipReasons, EveryStatusHasOneAndOursAreFinal) {
  for (int status = 300; status < 700; ++status) {
    const EndReason reason = endReasonOfSip(status, "sip.refused");
    EXPECT_NE(reason, EndReason::none) << status;
    EXPECT_FALSE(endText(reason, EndedBy::agent, Side::consumer, "").empty());
  }
  EXPECT_EQ(endReasonOfSip(486, ""), EndReason::phoneBusy);
  EXPECT_EQ(endReasonOfSip(404, ""), EndReason::phoneNotFound);
  EXPECT_EQ(endReasonOfSip(480, ""), EndReason::phoneUnreachable);
  EXPECT_EQ(endReasonOfSip(488, ""), EndReason::mediaIncompatible);
  EXPECT_EQ(endReasonOfSip(603, ""), EndReason::phoneDeclined);
  EXPECT_EQ(endReasonOfSip(503, "sip.trunk_down"), EndReason::trunkDown);
  std::ifstream file(PARLEY_SOURCE_DIR "/docs/protocols/websocketcall.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t i = 1; i < kEndReasons; ++i) {
    const std::string token(toString(static_cast<EndReason>(i)));
    EXPECT_NE(page.find("`" + token + "`"), std::string::npos) << token << " is not documented";
    const int status = sipStatusOf(static_cast<EndReason>(i));
    EXPECT_TRUE(status >= 400 && status < 700) << i;
  }
  EXPECT_EQ(sipStatusOf(EndReason::agentNotSignedIn), 480);
  EXPECT_EQ(sipStatusOf(EndReason::agentAway), 486);
  EXPECT_EQ(sipStatusOf(EndReason::destinationUnknown), 404);
}

TEST(Settings, DefaultsAreUsableAndMistakesAreRefused) {
  base::Settings settings;
  declareSettings(settings);
  EXPECT_EQ(settings.integer("server.https_port"), 8443);
  EXPECT_EQ(callDeskOptions(settings).times, CallTimes());
  EXPECT_EQ(sessionsOptions(settings).resume, 60s);
  EXPECT_EQ(anonymousAccess(settings), AnonymousAccess::enabled);
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"gateway.consumer_access_number_regex", "(("},
                                                        {"gateway.brokers", "http://x:8092"},
                                                        {"gateway.brokers", "https://x/path"},
                                                        {"gateway.brokers", "https://u@x"},
                                                        {"server.bind", "localhost"},
                                                        {"gateway.anonymous_consumer_access", "maybe"},
                                                        {"gateway.ring_seconds", "0"},
                                                        {"gateway.allowed_origins", "www.example.com"},
                                                        {"gateway.ring_second", "5"}}) {
    const auto problem = settings.setText(name, value);
    ASSERT_TRUE(problem) << name << value;
    EXPECT_FALSE(problem->text.empty());
  }
  EXPECT_FALSE(settings.setText("gateway.consumer_access_number_regex", "^agent\\d$"));
  EXPECT_TRUE(callDeskOptions(settings).destinations.allowed.matches("agent5"));
  EXPECT_FALSE(callDeskOptions(settings).destinations.allowed.matches("x"));
}

TEST(Settings, TelephonesThatPhonesMayPassOnTo) {
  base::Settings settings;
  declareSettings(settings);
  const auto may = [&](std::string_view address) {
    return isAmong(address, callDeskOptions(settings).destinations.transfers);
  };
  EXPECT_FALSE(may("sip:2001@pbx"));
  EXPECT_TRUE(settings.setText("gateway.phone_transfer_destinations", "20(\\d"));
  EXPECT_FALSE(settings.setText("gateway.phone_transfer_destinations", " ,20\\d\\d"));
  EXPECT_TRUE(may("sip:2001@pbx") && may("tel:20-01"));
  EXPECT_FALSE(may("sip:+49900123@pbx") || may("sip:2001%3b0900@pbx") || may("sip:200111@pbx"));
}

TEST(SessionRequests, AreCheckedAtTheDoor) {
  EXPECT_TRUE(parseSessionRequest(""));
  EXPECT_EQ(parseSessionRequest(R"({"destination":"agent1","uui":""})")->uui, "");
  for (const auto* bad : {"[]", "x", R"({"name":5})", R"({"name":"a\u0000b"})", R"({"destination":{}})"}) {
    EXPECT_FALSE(parseSessionRequest(bad)) << bad;
  }
  EXPECT_FALSE(parseCredentials(R"({"user":"a"})"));
  EXPECT_FALSE(parseCredentials(""));
  EXPECT_TRUE(parseCredentials(R"({"user":"a","password":"b"})"));
}

}  // namespace
}  // namespace parley::gateway
