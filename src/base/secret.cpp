#include "base/secret.h"

#include <openssl/crypto.h>

namespace parley::base {

// The unused part of the buffer may hold the end of an earlier, longer value.
Secret::~Secret() {
  value_.resize(value_.capacity());
  OPENSSL_cleanse(value_.data(), value_.size());
}

}  // namespace parley::base
