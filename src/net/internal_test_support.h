// Helpers of net/'s tests: a raw TCP peer that sends exact bytes, and certificates made on the spot.
#pragma once
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/internal_socket.h"

namespace parley::net::rig {

constexpr base::Millis kDeadline{20'000};
inline const Endpoint kLoopback = *Endpoint::parse("127.0.0.1", 0);

/// Connected, non-blocking; fill() is called by the waits.
class RawPeer {
 public:
  RawPeer(EventLoop& loop, const Endpoint& to, int receiveBuffer = 0) : loop_(loop) {
    fd_.reset(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (receiveBuffer > 0) setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer);
    sockaddr_storage address{};
    const auto length = to.toSockaddr6(address);
    static_cast<void>(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), length));
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN || errno == ENOTCONN) {
        loop_.poll();
      } else {
        return;  // The server closed; the test sees what it answered before.
      }
    }
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  void hangUp() { fd_.reset(-1); }

  bool closed() {
    fill();
    return closed_;
  }
  bool waitFor(std::string_view text) {
    return loop_.runUntil([&] { return fill().find(text) != std::string::npos; }, kDeadline);
  }
  bool waitFor(std::size_t bytes) {
    return loop_.runUntil([&] { return fill().size() >= bytes; }, kDeadline);
  }
  bool waitClosed() {
    return loop_.runUntil([&] { return closed(); }, kDeadline);
  }

  std::string& fill() {
    char space[65536];
    while (fd_.valid() && !closed_) {
      const auto n = ::recv(fd_.get(), space, sizeof space, 0);
      if (n > 0) {
        got.append(space, static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
        break;
      } else {
        closed_ = true;
      }
    }
    return got;
  }

  std::string got;

 private:
  EventLoop& loop_;
  FileDescriptor fd_;
  bool closed_ = false;
};

struct TestCertificate {
  std::string certificate, key;
};

inline std::string pemOf(X509* x509, EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  if (x509 != nullptr) PEM_write_bio_X509(bio.get(), x509);
  if (key != nullptr) PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// Self-signed, so it is its own authority, unless there is an issuer. `names`: "DNS:localhost,IP:127.0.0.1".
inline TestCertificate makeCertificate(const std::string& names, const TestCertificate* issuer = nullptr) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
  X509_set_version(x509.get(), 2);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key.get());
  X509_NAME* name = X509_get_subject_name(x509.get());
  const std::string common = "parley test " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  const auto read = [](const std::string& pem) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  };
  const std::unique_ptr<X509, decltype(&X509_free)> above(
      issuer == nullptr ? nullptr
                        : PEM_read_bio_X509(read(issuer->certificate).get(), nullptr, nullptr, nullptr),
      X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> aboveKey(
      issuer == nullptr ? nullptr
                        : PEM_read_bio_PrivateKey(read(issuer->key).get(), nullptr, nullptr, nullptr),
      EVP_PKEY_free);
  X509_set_issuer_name(x509.get(), above ? X509_get_subject_name(above.get()) : name);
  for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, names.c_str()},
                                   std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509.get(), aboveKey ? aboveKey.get() : key.get(), EVP_sha256());
  return {pemOf(x509.get(), nullptr), pemOf(nullptr, key.get())};
}

}  // namespace parley::net::rig
