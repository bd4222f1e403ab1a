#include "parse.h"
#include "sip/message.h"

int main(int argc, char** argv) {
  return parseMany(argc, argv,
                   [](const std::string& bytes) { return parley::sip::Message::parse(bytes).has_value(); });
}
