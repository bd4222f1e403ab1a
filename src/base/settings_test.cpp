#include "base/settings.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"

namespace parley::base {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    settings_.declare(
        {.name = "drain", .type = SettingType::boolean, .fallback = true, .sentence = "Drains."});
    settings_.declare({.name = "media.port",
                       .type = SettingType::integer,
                       .fallback = 16000,
                       .sentence = "First port | of\nmany.",
                       .unit = "port",
                       .min = 1024,
                       .max = 65535,
                       .needsRestart = true,
                       .page = "Media"});
    settings_.declare(
        {.name = "media.workers", .type = SettingType::integer, .fallback = 0, .sentence = "W.", .min = 0});
    settings_.declare({.name = "media.mode",
                       .type = SettingType::choice,
                       .fallback = "auto",
                       .sentence = "M.",
                       .choices = {"auto", "fixed"},
                       .page = "Media"});
    settings_.declare({.name = "media.ice.servers",
                       .type = SettingType::list,
                       .fallback = std::vector<std::string>{"a\"b", "c"},
                       .sentence = "S."});
    settings_.declare({.name = "web.host", .fallback = "*", .sentence = "H."});
    settings_.declare(
        {.name = "web.password", .type = SettingType::secret, .fallback = "changeme", .sentence = "P."});
    settings_.declare({.name = "web.even",
                       .type = SettingType::integer,
                       .fallback = 2,
                       .sentence = "E.",
                       .check = [](const SettingValue& value) -> std::optional<std::string> {
                         if (std::get<std::int64_t>(value) % 2 == 0) return std::nullopt;
                         return "must be even";
                       }});
  }
  std::vector<std::string> load(std::string_view toml) {
    std::vector<std::string> out;
    for (const auto& problem : settings_.loadText(toml, "p.toml")) out.push_back(problem.format());
    return out;
  }
  bool allDefault() const {
    return std::ranges::all_of(settings_.entries(), [](const auto& entry) { return entry.isDefault; });
  }
  Settings settings_;
};

TEST_F(SettingsTest, DefaultsWithoutAFile) {
  EXPECT_TRUE(settings_.boolean("drain"));
  EXPECT_EQ(settings_.integer("media.port"), 16000);
  EXPECT_EQ(settings_.millis("media.port"), Millis{16000});
  EXPECT_EQ(settings_.text("media.mode"), "auto");
  EXPECT_EQ(settings_.text("web.password"), "changeme");
  EXPECT_THAT(settings_.list("media.ice.servers"), ElementsAre("a\"b", "c"));
  EXPECT_TRUE(allDefault());
}

TEST_F(SettingsTest, LoadsEveryType) {
  EXPECT_THAT(load("drain = false\n[media]\nport = 17000\nmode = 'fixed'\nice.servers = ['x']\n"
                   "[web]\nhost = 'h'\npassword = 's'\n"),
              IsEmpty());
  EXPECT_FALSE(settings_.boolean("drain"));
  EXPECT_EQ(settings_.integer("media.port"), 17000);
  EXPECT_EQ(settings_.text("media.mode"), "fixed");
  EXPECT_THAT(settings_.list("media.ice.servers"), ElementsAre("x"));
  EXPECT_EQ(settings_.text("web.host"), "h");
  EXPECT_EQ(settings_.text("web.password"), "s");
  EXPECT_EQ(settings_.integer("media.workers"), 0) << "not in the file";
}

TEST_F(SettingsTest, EveryProblemHasItsLineAndNothingIsApplied) {
  EXPECT_THAT(
      load("drain = 1\n"
           "[media]\n"
           "prot = 17000\n"
           "port = 80\n"
           "mode = 'fast'\n"
           "workers = 'two'\n"
           "[media.ice]\n"
           "servers = ['a', 1]\n"
           "[web]\n"
           "host = 'applied?'\n"
           "password = 12\n"
           "even = 3\n"),
      ElementsAre(
          "p.toml:1: drain: must be true or false, not an integer",
          "p.toml:3: media.prot: unknown setting; did you mean media.port?",
          "p.toml:4: media.port: 80 is not an integer from 1024 to 65535 (port)",
          "p.toml:5: media.mode: \"fast\" is not one of \"auto\", \"fixed\"",
          "p.toml:6: media.workers: must be an integer of at least 0, not a text",
          "p.toml:8: media.ice.servers: must be a list of texts such as [\"a\", \"b\"], not this list",
          "p.toml:11: web.password: must be a text in quotes, not an integer",
          "p.toml:12: web.even: must be even"));
  EXPECT_TRUE(allDefault());
  EXPECT_EQ(settings_.text("web.host"), "*");
}

TEST_F(SettingsTest, SyntaxErrorsHaveTheirLine) {
  EXPECT_THAT(load("drain = false\n[media\nport = 1\n"), ElementsAre(StartsWith("p.toml:2: not TOML: ")));
  EXPECT_THAT(load("drain = false\n\n\ndrain = true\n"), ElementsAre(StartsWith("p.toml:4: not TOML: ")));
  EXPECT_THAT(load("\xff\xfe"), ElementsAre(StartsWith("p.toml:1: not TOML: ")));
  EXPECT_TRUE(allDefault());
}

TEST_F(SettingsTest, UnknownNames) {
  EXPECT_THAT(load("[medai]\nport = 17000\n"),
              ElementsAre("p.toml:2: medai.port: unknown setting; did you mean media.port?"));
  EXPECT_THAT(load("port = 17000\n"),
              ElementsAre("p.toml:1: port: unknown setting; did you mean media.port?"));
  EXPECT_THAT(load("[media]\nPORT = 17000\n"),
              ElementsAre("p.toml:2: media.PORT: unknown setting; did you mean media.port?"));
  EXPECT_THAT(load("nothing_like_it = 1\n"), ElementsAre("p.toml:1: nothing_like_it: unknown setting"));
  EXPECT_THAT(load("[strange]\n"), ElementsAre("p.toml:1: strange: unknown table"));
  EXPECT_THAT(
      load("media = 1\n"),
      ElementsAre("p.toml:1: media: is a table of settings such as media.ice.servers, not a setting"));
  EXPECT_THAT(load("[web.host]\nx = 1\n"),
              ElementsAre("p.toml:1: web.host: must be a text in quotes, not a table"));
  EXPECT_THAT(load("[media]\n[media.ice]\n"), IsEmpty()) << "a table may be empty";
}

TEST_F(SettingsTest, AQuotedNameIsTheSameSetting) {
  EXPECT_THAT(load("\"media.port\" = 17000\n"), IsEmpty());
  EXPECT_EQ(settings_.integer("media.port"), 17000);
  EXPECT_THAT(load("\"web.host\" = 'a'\n[web]\nhost = 'b'\n"),
              ElementsAre("p.toml:3: web.host: is given twice"));
}

TEST_F(SettingsTest, ProblemsCannotForgeLines) {
  const auto problems = load("\"a\\nroot.toml:1: fine\" = 1\n[media]\nmode = \"x\\u001b[2J\\n\"\n");
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_THAT(problems[0], Not(HasSubstr("\n")));
  EXPECT_THAT(problems[1], AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
}

TEST_F(SettingsTest, SecretsAreNotInProblems) {
  EXPECT_THAT(load("[web]\npassword = ['hunter2']\n"), ElementsAre(Not(HasSubstr("hunter2"))));
  EXPECT_THAT(load("[web]\npassword = \"hunter2\\u0000\"\n"),
              ElementsAre("p.toml:2: web.password: must be UTF-8 without control characters"));
}

TEST_F(SettingsTest, TheNumberOfProblemsIsBounded) {
  std::string toml;
  for (int i = 0; i < 5000; ++i) toml += "unknown_" + std::to_string(i) + " = 1\n";
  const auto problems = load(toml);
  ASSERT_THAT(problems, SizeIs(101));
  EXPECT_EQ(problems.back(), "p.toml:101: and more problems from here on");
}

TEST_F(SettingsTest, HugeInputsAreRefused) {
  EXPECT_THAT(load(std::string((1u << 20) + 1, '#')),
              ElementsAre("p.toml: must be at most 1048576 bytes long"));
  EXPECT_THAT(load(std::string(1u << 20, '#')), IsEmpty());
  EXPECT_THAT(load("web.host = '" + std::string(64u << 10, 'x') + "'"), IsEmpty());
  EXPECT_THAT(load("web.host = '" + std::string((64u << 10) + 1, 'x') + "'"),
              ElementsAre("p.toml:1: web.host: must be at most 65536 bytes long"));
  std::string items;
  for (int i = 0; i < 1025; ++i) items += "'x',";
  EXPECT_THAT(load("media.ice.servers = [" + items + "]"),
              ElementsAre(EndsWith("must have at most 1024 items")));
}

// The deepest names that pass the limit must not exhaust the stack.
TEST_F(SettingsTest, DeepNamesAreHarmless) {
  std::string name = "a";
  for (int i = 0; i < 10'000; ++i) name += ".a";
  EXPECT_THAT(load(name + " = 1"), SizeIs(1));
  EXPECT_THAT(load(name + ".a = 1"), ElementsAre("p.toml: must have at most 10000 dots"));
  EXPECT_THAT(load("x = " + std::string(100'000, '[')), ElementsAre(StartsWith("p.toml:1: not TOML: ")));
}

TEST_F(SettingsTest, SetTextByType) {
  EXPECT_FALSE(settings_.setText("drain", "false"));
  EXPECT_FALSE(settings_.setText("media.port", "17000"));
  EXPECT_FALSE(settings_.setText("media.mode", "fixed"));
  EXPECT_FALSE(settings_.setText("media.ice.servers", " x , y,z"));
  EXPECT_FALSE(settings_.boolean("drain"));
  EXPECT_EQ(settings_.integer("media.port"), 17000);
  EXPECT_EQ(settings_.text("media.mode"), "fixed");
  EXPECT_THAT(settings_.list("media.ice.servers"), ElementsAre("x", "y", "z"));
  EXPECT_FALSE(settings_.setText("media.ice.servers", " "));
  EXPECT_THAT(settings_.list("media.ice.servers"), IsEmpty());
}

TEST_F(SettingsTest, SetTextRefuses) {
  const auto refusal = [this](std::string_view name, std::string_view value) {
    const auto problem = settings_.setText(name, value);
    return problem ? problem->format() : "accepted";
  };
  EXPECT_EQ(refusal("drain", "yes"), "drain: must be true or false, not \"yes\"");
  EXPECT_EQ(refusal("media.port", "17000x"),
            "media.port: must be an integer from 1024 to 65535 (port), not \"17000x\"");
  EXPECT_EQ(refusal("media.port", "65536"), "media.port: 65536 is not an integer from 1024 to 65535 (port)");
  EXPECT_EQ(refusal("media.mode", "x"), "media.mode: \"x\" is not one of \"auto\", \"fixed\"");
  EXPECT_EQ(refusal("web.even", "5"), "web.even: must be even");
  EXPECT_EQ(refusal("web.hots", "x"), "web.hots: unknown setting; did you mean web.host?");
  EXPECT_EQ(refusal("web.host", "\xff"), "web.host: must be UTF-8 without control characters");
  EXPECT_EQ(refusal("", ""), "unknown setting");
  EXPECT_EQ(refusal(std::string(100'000, 'a'), "x"), std::string(80, 'a') + "...: unknown setting");
  EXPECT_TRUE(allDefault());
}

TEST_F(SettingsTest, SetChecksTheType) {
  EXPECT_EQ(settings_.set("media.port", true)->format(),
            "media.port: must be an integer from 1024 to 65535 (port)");
  EXPECT_FALSE(settings_.set("media.port", 1024));
  EXPECT_EQ(settings_.integer("media.port"), 1024);
}

TEST_F(SettingsTest, ListenersHearOfChangesOnly) {
  std::vector<std::string> heard;
  settings_.onChange("media.port",
                     [&] { heard.push_back("port " + std::to_string(settings_.integer("media.port"))); });
  settings_.onChange("", [&] { heard.emplace_back("any"); });
  settings_.setText("media.port", "17000");
  EXPECT_THAT(heard, ElementsAre("port 17000", "any"));
  heard.clear();
  settings_.setText("media.port", "17000");
  settings_.setText("media.port", "1");
  EXPECT_THAT(heard, IsEmpty());
  settings_.setText("drain", "false");
  EXPECT_THAT(heard, ElementsAre("any"));
  heard.clear();
  load("[media]\nport = 18000\nmode = 'fixed'\n");
  EXPECT_THAT(heard, ElementsAre("port 18000", "any", "any"));
}

TEST_F(SettingsTest, IsDefaultFollowsTheValue) {
  settings_.setText("media.port", "17000");
  EXPECT_FALSE(allDefault());
  settings_.setText("media.port", "16000");
  EXPECT_TRUE(allDefault());
}

TEST_F(SettingsTest, LoadFileSaysWhyNot) {
  const auto folder = std::filesystem::current_path() / "settings_test_files";
  std::filesystem::create_directories(folder);
  const auto file = (folder / "p.toml").string();
  std::ofstream(file) << "[media]\nport = 17000\n";
  EXPECT_THAT(settings_.loadFile(file), IsEmpty());
  EXPECT_EQ(settings_.integer("media.port"), 17000);
  const auto missing = settings_.loadFile((folder / "none").string());
  ASSERT_THAT(missing, SizeIs(1));
  EXPECT_THAT(missing[0].format(), EndsWith("/none: cannot be opened: No such file or directory"));
  const auto directory = settings_.loadFile(folder.string());
  ASSERT_THAT(directory, SizeIs(1));
  EXPECT_THAT(directory[0].format(), EndsWith("cannot be read: Is a directory"));
  std::filesystem::remove_all(folder);
}

TEST_F(SettingsTest, ShowHidesSecrets) {
  std::map<std::string, std::string> shown;
  for (const auto& entry : settings_.entries())
    shown[entry.spec.name] = Settings::show(entry.spec, entry.value);
  EXPECT_EQ(shown["web.password"], "********");
  EXPECT_EQ(shown["media.ice.servers"], "a\"b, c");
  EXPECT_EQ(shown["drain"], "true");
}

TEST_F(SettingsTest, ReferenceHasATablePerPage) {
  const std::string text = settings_.referenceMarkdown("parley-media");
  EXPECT_THAT(text, StartsWith("# Settings of parley-media\n"));
  EXPECT_THAT(text, HasSubstr("\n## General\n\n| name | type | unit | default | allowed | needs restart |"));
  EXPECT_THAT(text, HasSubstr("\n## Media\n"));
  EXPECT_THAT(text, HasSubstr("| `media.port` | integer | port | `16000` | 1024 to 65535 | yes | "
                              "First port \\| of many. |\n"));
  EXPECT_THAT(text, HasSubstr("| `media.mode` | choice |  | `auto` | auto, fixed | no | M. |\n"));
  EXPECT_THAT(text, Not(HasSubstr("changeme")));
  for (const auto& entry : settings_.entries()) EXPECT_THAT(text, HasSubstr('`' + entry.spec.name + '`'));
}

TEST_F(SettingsTest, TheSampleLoadsAsItIsAndUncommented) {
  const std::string sample = settings_.sampleToml();
  EXPECT_THAT(load(sample), IsEmpty());
  std::string active;
  for (const auto line : split(sample, '\n')) {
    const bool isSetting = line.starts_with('#') && !line.starts_with("# ");
    active += std::string(isSetting ? line.substr(1) : line) + '\n';
  }
  EXPECT_THAT(active, HasSubstr("\nport = 16000\n"));
  EXPECT_THAT(load(active), IsEmpty());
  EXPECT_EQ(settings_.text("web.password"), "") << "a default secret is not written out";
  settings_.setText("web.password", "changeme");
  EXPECT_TRUE(allDefault());
}

TEST_F(SettingsTest, ReadersAndAWriterAtOnce) {
  std::thread reader([this] {
    for (int i = 0; i < 2000; ++i) {
      const auto value = settings_.text("web.host");
      EXPECT_TRUE(value == "*" || value == std::string(100, 'x') || value == std::string(100, 'y'));
    }
  });
  for (int i = 0; i < 500; ++i) settings_.set("web.host", std::string(100, i % 2 == 0 ? 'x' : 'y'));
  reader.join();
}

using SettingsDeathTest = SettingsTest;

TEST_F(SettingsDeathTest, MistakesInCodeEndTheProcess) {
  EXPECT_DEATH(settings_.declare({.name = "drain", .fallback = "", .sentence = ""}), "check failed");
  EXPECT_DEATH(settings_.declare({.name = "drain.x", .fallback = "", .sentence = ""}), "check failed");
  EXPECT_DEATH(settings_.declare({.name = "web", .fallback = "", .sentence = ""}), "check failed");
  EXPECT_DEATH(settings_.declare({.name = "a..b", .fallback = "", .sentence = ""}), "check failed");
  EXPECT_DEATH(settings_.declare({.name = "x", .fallback = 5, .sentence = ""}), "check failed");
  EXPECT_DEATH(settings_.integer("drain"), "check failed");
  EXPECT_DEATH(settings_.integer("media.prot"), "check failed");
  EXPECT_DEATH(settings_.onChange("media.prot", [] {}), "check failed");
}

}  // namespace
}  // namespace parley::base
