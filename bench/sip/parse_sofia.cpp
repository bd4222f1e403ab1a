// Debian's sofia-sip, for comparison: msg_make parses every header.
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include "parse.h"

int main(int argc, char** argv) {
  return parseMany(argc, argv, [](const std::string& bytes) {
    msg_t* message = msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size()));
    const sip_t* sip = message ? sip_object(message) : nullptr;
    const bool good = sip && sip->sip_request && sip->sip_via && !msg_has_error(message);
    msg_destroy(message);
    return good;
  });
}
