#include "assist/documents_settings.h"

#include <algorithm>

#include "base/setting_declarer.h"
#include "base/text.h"

namespace parley::assist {
namespace {

using base::SettingValue;

std::optional<std::string> notAllowance(const SettingValue& value) {
  const auto parsed = FetchAllowance::parse(std::get<std::vector<std::string>>(value));
  if (parsed) return std::nullopt;
  return "\"" + base::printable(parsed.error().text, 80) +
         "\" is not a host, an address or a network such as docs.example.com or 10.1.0.0/16";
}

std::optional<std::string> notProxy(const SettingValue& value) {
  const std::string& text = std::get<std::string>(value);
  const auto url = net::parseUrl(text, "http");
  if (text.empty() || (url && !url->secure && url->target == "/")) return std::nullopt;
  return "is not an address such as http://proxy.example.com:3128";
}

bool hasControl(const std::string& text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// RFC 7617: the first colon ends the user.
std::optional<std::string> notProxyUser(const SettingValue& value) {
  const std::string& text = std::get<std::string>(value);
  if (text.find(':') == std::string::npos && !hasControl(text)) return std::nullopt;
  return "has a colon or control characters";
}

std::optional<std::string> notProxyPassword(const SettingValue& value) {
  if (!hasControl(std::get<std::string>(value))) return std::nullopt;
  return "has control characters";
}

}  // namespace

void declareDocumentSettings(base::Settings& settings) {
  const base::SettingDeclarer assist{settings, "Expert Assist"};
  assist.number("assist.max_document_bytes", 25 << 20, 1 << 16, 100 << 20, "bytes", true,
                "Largest document or picture that is taken.");
  assist.number("assist.content_bytes", 256 << 20, 1 << 20, std::int64_t{16} << 30, "bytes", true,
                "Memory for documents of running sessions.");
  assist.number(
      "assist.kept_documents_bytes", 64 << 20, 0, std::int64_t{1} << 30, "bytes", true,
      "Documents that sessions show just now, together, which outlive the server's process: in its "
      "store, unencrypted, and in memory; one of more than a quarter of it does not. 0: none is stored.");
  assist.number("assist.content_seconds", 3'600, 60, 86'400, "s", false,
                "How long a document that nobody reads is kept for its session.");
  assist.number("assist.library_bytes", 256 << 20, 1 << 20, std::int64_t{16} << 30, "bytes", true,
                "Documents in the supervisors' library together.");
  assist.list(
      "assist.fetch_allow", {}, false,
      "Hosts, addresses and networks that documents may be fetched from although they are not public: "
      "docs.example.com, 10.1.0.0/16.",
      notAllowance);
  assist.text("assist.fetch_authorities", base::SettingType::text, "", false,
              "File with further authorities (PEM) that certificates of document servers may come from; read "
              "again when it changes.");
  assist.text("assist.outbound_proxy", base::SettingType::text, "", false,
              "HTTP proxy through which documents are fetched; blank: none.", notProxy);
  assist.text("assist.outbound_proxy_user", base::SettingType::text, "", false,
              "User at the outbound proxy (Basic); blank: it asks for none.", notProxyUser);
  assist.text("assist.outbound_proxy_password", base::SettingType::secret, "", false,
              "Password at the outbound proxy.", notProxyPassword);
  assist.number("assist.short_code_length", 6, 4, 12, "digits", false, "Length of short codes.");
  assist.number("assist.short_code_seconds", 300, 30, 3'600, "s", false, "How long a short code is good.");
  assist.number("assist.short_code_guesses", 10, 1, 1'000, "", true,
                "Wrong short codes in a minute of one network or one agent; then it has to wait.");
  assist.number("assist.short_code_all_guesses", 60, 1, 100'000, "", true,
                "Wrong short codes in a minute of all consumers together, and of all agents.");
}

ContentLimits contentLimits(const base::Settings& settings) {
  ContentLimits limits;
  limits.maxBytes = static_cast<std::size_t>(settings.integer("assist.max_document_bytes"));
  limits.maxTotalBytes = static_cast<std::size_t>(settings.integer("assist.content_bytes"));
  limits.maxOwnerBytes = std::max(limits.maxBytes, limits.maxTotalBytes / 4);
  limits.unused = base::Millis{settings.integer("assist.content_seconds") * 1000};
  return limits;
}

LibraryLimits libraryLimits(const base::Settings& settings) {
  LibraryLimits limits;
  limits.maxBytes = static_cast<std::size_t>(settings.integer("assist.library_bytes"));
  return limits;
}

ShortCodeOptions shortCodeOptions(const base::Settings& settings) {
  const auto size = [&](const char* name) { return static_cast<std::size_t>(settings.integer(name)); };
  return {size("assist.short_code_length"),
          base::Millis{settings.integer("assist.short_code_seconds") * 1000},
          size("assist.short_code_guesses"), size("assist.short_code_all_guesses")};
}

FetchAllowance fetchAllowance(const base::Settings& settings) {
  // The setting's own check saw to it that it is one.
  return FetchAllowance::parse(settings.list("assist.fetch_allow")).value_or(FetchAllowance());
}

}  // namespace parley::assist
