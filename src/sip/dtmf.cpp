#include "sip/dtmf.h"

#include <algorithm>

#include "base/text.h"

namespace parley::sip {
namespace {

std::optional<char> digitOf(std::string_view text) {
  if (text.size() == 1) {
    const char c = text[0] >= 'a' && text[0] <= 'd' ? static_cast<char>(text[0] - 'a' + 'A') : text[0];
    return std::string_view("0123456789*#ABCD!").contains(c) ? std::optional(c) : std::nullopt;
  }
  if (base::equalsIgnoreCase(text, "flash") || base::equalsIgnoreCase(text, "hf")) return '!';
  const auto event = base::parseNumber<unsigned>(text);
  if (event && text.size() == 2 && *event >= 10 && *event <= 16) return "*#ABCD!"[*event - 10];
  return std::nullopt;
}

}  // namespace

bool isDtmfType(std::string_view contentType) {
  return contentType == "application/dtmf-relay" || contentType == "application/dtmf";
}

std::optional<DtmfSignal> parseDtmf(std::string_view contentType, std::string_view body) {
  DtmfSignal signal{'0', kDtmfDefaultMs};
  if (contentType == "application/dtmf") {
    const auto digit = digitOf(base::trim(body));
    if (!digit) return std::nullopt;
    signal.digit = *digit;
    return signal;
  }
  if (contentType != "application/dtmf-relay") return std::nullopt;
  std::optional<char> digit;
  for (const std::string_view line : base::split(body, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = base::trim(line.substr(0, equals));
    const std::string_view value = base::trim(line.substr(equals + 1));
    if (base::equalsIgnoreCase(name, "signal") && !digit) {
      digit = digitOf(value);
      if (!digit) return std::nullopt;
    } else if (base::equalsIgnoreCase(name, "duration")) {
      const auto ms = base::parseNumber<std::uint32_t>(value);
      if (ms && *ms > 0) signal.durationMs = std::min(*ms, kDtmfMaxMs);
    }
  }
  if (!digit) return std::nullopt;
  signal.digit = *digit;
  return signal;
}

std::string_view contentTypeOf(DtmfBody form) {
  return form == DtmfBody::dtmf ? "application/dtmf" : "application/dtmf-relay";
}

std::string writeDtmf(const DtmfSignal& signal, DtmfBody form) {
  if (form == DtmfBody::dtmf) return std::string(1, signal.digit);
  const std::uint32_t ms = signal.durationMs == 0 ? kDtmfDefaultMs : signal.durationMs;
  return "Signal=" + std::string(1, signal.digit) + "\r\nDuration=" + std::to_string(ms) + "\r\n";
}

}  // namespace parley::sip
