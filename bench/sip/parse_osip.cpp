// libosip2's parser, for comparison.
#include <osipparser2/osip_parser.h>

#include "parse.h"

int main(int argc, char** argv) {
  parser_init();
  return parseMany(argc, argv, [](const std::string& bytes) {
    osip_message_t* message = nullptr;
    if (osip_message_init(&message) != 0) return false;
    const bool good = osip_message_parse(message, bytes.data(), bytes.size()) == 0;
    osip_message_free(message);
    return good;
  });
}
