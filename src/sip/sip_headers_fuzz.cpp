// The first byte chooses a kind of value, the rest is one: what is accepted is written as what is read back
// as the same.
#include <cstdlib>

#include "base/text.h"
#include "sip/headers.h"
#include "sip/identity.h"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void roundTrip(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) {
    require(value.error().reason.starts_with("sip."));
    return;
  }
  const std::string written = value->toString();
  require(written.find_first_of("\r\n") == std::string::npos);
  const auto again = T::parse(written);
  require(again.has_value());
  require(again->toString() == written);
}

void userToUser(std::string_view text) {
  const auto value = sip::UserToUser::parse(text);
  const auto written = value ? value->toString() : base::Result<std::string>(base::fail("", ""));
  if (!written) return;
  const auto again = sip::UserToUser::parse(*written);
  require(again.has_value() && again->data == value->data);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'u':
      roundTrip<sip::Uri>(text);
      break;
    case 'n':
      roundTrip<sip::NameAddr>(text);
      break;
    case 'v':
      roundTrip<sip::Via>(text);
      break;
    case 'c':
      roundTrip<sip::CSeq>(text);
      break;
    case 'k':
      roundTrip<sip::RAck>(text);
      break;
    case 'r':
      roundTrip<sip::Replaces>(text);
      break;
    case 's':
      roundTrip<sip::SessionExpires>(text);
      break;
    case 'a':
      roundTrip<sip::AuthValue>(text);
      break;
    case 't':
      roundTrip<sip::TokenValue>(text);
      break;
    case 'i':
      roundTrip<sip::SessionIdentifier>(text);
      break;
    case 'x':
      userToUser(text);
      break;
    default:
      require(base::isUtf8(sip::displayText(text)));
      break;
  }
  return 0;
}
