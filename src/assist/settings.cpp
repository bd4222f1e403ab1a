#include "assist/settings.h"

#include "base/setting_declarer.h"
#include "base/text.h"

namespace parley::assist {
namespace {

using base::SettingValue;
using Names = std::vector<std::string>;

constexpr std::size_t kMaxSelectorBytes = 500;
constexpr std::size_t kMaxSelectors = 200;

std::optional<std::string> notFeatures(const SettingValue& value) {
  for (const std::string& name : std::get<Names>(value)) {
    if (featureOf(name)) continue;
    std::string known;
    for (std::size_t i = 0; i < kFeatures; ++i)
      known += (i == 0 ? "" : ", ") + std::string(toString(static_cast<Feature>(i)));
    return "\"" + base::printable(name, 80) + "\" is no feature; there are " + known;
  }
  return std::nullopt;
}

std::optional<std::string> notSelectors(const SettingValue& value) {
  const auto& selectors = std::get<Names>(value);
  if (selectors.size() > kMaxSelectors) return "has too many selectors: at most 200";
  for (const std::string& selector : selectors) {
    if (selector.empty() || selector.size() > kMaxSelectorBytes) {
      return "\"" + base::printable(selector, 80) + "\" is no selector of 1 to 500 characters";
    }
  }
  return std::nullopt;
}

Names allFeatures() {
  Names all;
  for (std::size_t i = 0; i < kFeatures; ++i) all.emplace_back(toString(static_cast<Feature>(i)));
  return all;
}

}  // namespace

void declareSettings(base::Settings& settings) {
  const base::SettingDeclarer assist{settings, "Expert Assist"};
  assist.list("assist.features", allFeatures(), false,
              "What agents may do in a shared session; what is not named is switched off for all.",
              notFeatures);
  assist.choice(
      "assist.mask_default", {"marked", "all"}, false,
      "What is masked besides passwords and card numbers: only what is marked, or all that is typed "
      "unless a page allows it.");
  assist.list("assist.mask_selectors", {}, false, "CSS selectors of what is masked on every page.",
              notSelectors);
  assist.number("assist.image_scale_percent", 100, 25, 200, "%", false,
                "Size of the shared pictures, of the page's own: less needs less bandwidth.");
  assist.number("assist.max_kbps", 1'000, 50, 20'000, "kbit/s", false,
                "What a customer's page may send in pictures, on average.");
  assist.number("assist.consent_seconds", 120, 10, 3'600, "s", false,
                "How long a customer may take to answer whether an agent may see or control the page.");
  assist.number(
      "assist.resume_seconds", 60, 2, 600, "s", false,
      "How long a page that lost its connection, or is being loaded anew, keeps its place in a shared "
      "session.");
  assist.number("assist.max_parties", 4, 2, 8, "", true,
                "People in one shared session, the customer included.");
  assist.number("assist.max_sessions", 1'000, 1, 100'000, "", true,
                "Shared sessions at a time; those of one network (an IPv4 address, a /64 of IPv6) at most "
                "half of them.");
}

TopicOptions topicOptions(const base::Settings& settings) {
  TopicOptions out;
  for (const std::string& name : settings.list("assist.features")) {
    if (const auto feature = featureOf(name)) out.session.features.insert(*feature);
  }
  out.session.agentName = settings.text("assist.agent_name");  // Of all parts, declared by the gateway.
  out.session.maskDefault = settings.text("assist.mask_default");
  out.session.maskSelectors = settings.list("assist.mask_selectors");
  out.session.imageScalePercent = settings.integer("assist.image_scale_percent");
  out.session.maxDocumentBytes = settings.integer("assist.max_document_bytes");
  out.session.maxKbps = settings.integer("assist.max_kbps");
  out.session.consentMillis = settings.integer("assist.consent_seconds") * 1000;
  out.session.maxParties = static_cast<std::size_t>(settings.integer("assist.max_parties"));
  out.resume = base::Millis{settings.integer("assist.resume_seconds") * 1000};
  out.maxSessions = static_cast<std::size_t>(settings.integer("assist.max_sessions"));
  return out;
}

}  // namespace parley::assist
