// Hostile addresses and redirects: lines of "address<TAB>Location". What passes has no private address, no
// odd scheme, and a redirect is an address that is checked again. Each line is a Content-Disposition, too.
#include <cstdlib>

#include "assist/fetched_name.h"
#include "assist/url_guard.h"
#include "base/text.h"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const assist::FetchAllowance nothing;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const std::string_view line : base::split(input, '\n')) {
    const auto tab = line.find('\t');
    const auto url = assist::checkUrl(line.substr(0, tab));
    if (assist::fetchedName(line, "/").size() > 2 * line.size()) std::abort();
    static_cast<void>(assist::checkLink(line));
    static_cast<void>(assist::FetchAllowance::parse({std::string(line)}));
    if (!url) continue;
    if (url->host.find_first_of("@/\\ \r\n") != std::string::npos) std::abort();
    if (const auto address = net::Endpoint::parse(url->host, 0)) {
      const auto chosen = assist::checkAddresses(*url, {*address}, nothing, {});
      if (chosen && (address->isLoopback() || address->isLinkLocal() || address->isAny())) std::abort();
    }
    if (tab == std::string_view::npos) continue;
    const auto next = assist::checkUrl(assist::redirectTarget(*url, line.substr(tab + 1)));
    if (next && next->target.find_first_of("\r\n ") != std::string::npos) std::abort();
  }
  return 0;
}
