#include "trust/authority.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "trust/files.h"
#include "trust/internal_log.h"
#include "trust/x509.h"

namespace parley::trust {
namespace {

constexpr base::Millis kLockLimit{30'000};
constexpr std::chrono::days kAuthorityLifetime{7300};
constexpr std::chrono::days kIdentityLifetime{397};
constexpr std::chrono::days kRenewBefore{30};
constexpr std::size_t kMaxNames = 128;
constexpr std::size_t kMaxDnsName = 253;
constexpr std::size_t kSecretCharacters = 32;

base::Result<FileLock> lockFolder(const std::string& directory) {
  return FileLock::take(directory + "/.lock", kLockLimit);
}

bool isFileName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '.' && std::ranges::all_of(name, allowed);
}

bool isDnsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxDnsName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';
  });
}

/// Without repetitions, in the wanted order.
base::Result<std::vector<std::string>> normalNames(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    std::string normal = normalName(name);
    if (!net::Endpoint::parse(normal, 0) && !isDnsName(normal)) {
      return base::fail("trust.bad_name", fmt::format("\"{}\" is neither a DNS name nor an IP address",
                                                      base::printable(name, 80)));
    }
    if (seen.insert(normal).second) result.push_back(std::move(normal));
  }
  if (result.empty() || result.size() > kMaxNames) {
    return base::fail("trust.bad_name", fmt::format("a certificate takes 1 to {} names, {} were given",
                                                    kMaxNames, result.size()));
  }
  return result;
}

struct AuthorityPair {
  CertificatePtr certificate;
  KeyPtr key;
};

base::Result<AuthorityPair> parseAuthority(const std::string& certificatePem, const std::string& keyPem,
                                           const std::string& directory) {
  AuthorityPair pair{parseLeaf(certificatePem), parseKey(keyPem)};
  const auto bad = [&](std::string_view what) {
    return base::fail(
        "trust.bad_authority",
        fmt::format("{0}/ca.pem and ca.key: {1}; put the right files back, or remove both to have a "
                    "new authority made",
                    directory, what));
  };
  if (!pair.certificate) return bad("ca.pem holds no certificate");
  if (!pair.key) return bad("ca.key holds no private key");
  if (!matches(pair.certificate.get(), pair.key.get()))
    return bad("the key does not belong to the certificate");
  if (!isAuthority(pair.certificate.get())) return bad("the certificate is not one of an authority");
  if (notAfter(pair.certificate.get()) <= base::wallNow()) return bad("the certificate has expired");
  return pair;
}

base::Result<std::pair<std::string, std::string>> makeAuthority(const std::string& directory) {
  const KeyPtr key = generateKey();
  base::SystemRandom random;
  const CertificateRequest request{
      "Parley authority " + random.alphanumeric(8), {}, kAuthorityLifetime, true};
  const CertificatePtr certificate =
      key ? issue(request, key.get(), nullptr, key.get(), base::wallNow()) : nullptr;
  if (!certificate) return base::fail("trust.generate_failed", "the certificate authority could not be made");
  std::pair result{toPem(certificate.get()), toPem(key.get())};
  // Key first: a certificate without its key would be an error at the next start, the reverse is mended.
  if (auto written = replaceFile(directory + "/ca.key", result.second); !written) {
    return std::unexpected(written.error());
  }
  if (auto written = replaceFile(directory + "/ca.pem", result.first); !written) {
    return std::unexpected(written.error());
  }
  log.info("made a certificate authority", {{"folder", directory}});
  return result;
}

/// What the state folder holds under one name.
struct Stored {
  std::optional<std::string> certificatePem, keyPem;
  CertificatePtr certificate;
  KeyPtr key;
};

base::Result<Stored> readStored(const std::string& path) {
  auto certificate = readFile(path + ".pem");
  if (!certificate) return std::unexpected(certificate.error());
  auto key = readFile(path + ".key");
  if (!key) return std::unexpected(key.error());
  Stored stored{std::move(*certificate), std::move(*key), nullptr, nullptr};
  if (stored.certificatePem) stored.certificate = parseLeaf(*stored.certificatePem);
  if (stored.keyPem) stored.key = parseKey(*stored.keyPem);
  return stored;
}

enum class Verdict { use, issueForKey, issueNew };

/// An administrator's files are used or complained of, never replaced; ours are mended.
base::Result<Verdict> judge(const Stored& stored, EVP_PKEY* authority, const std::vector<std::string>& names,
                            const std::string& path) {
  const auto bad = [&](std::string_view what) {
    return base::fail("trust.bad_identity", fmt::format("{}.pem and .key: {}", path, what));
  };
  if (stored.keyPem && !stored.key) return bad("the key file holds no readable private key");
  if (!stored.certificatePem) return stored.key ? Verdict::issueForKey : Verdict::issueNew;
  if (!stored.certificate) return bad("the certificate file holds no certificate");
  const bool ours = signedBy(stored.certificate.get(), authority);
  const bool whole = stored.key && matches(stored.certificate.get(), stored.key.get());
  if (!ours) {
    if (whole) return Verdict::use;
    return bad(stored.key ? "the key does not belong to the certificate" : "the key file is missing");
  }
  if (!whole) return stored.key ? Verdict::issueForKey : Verdict::issueNew;
  if (notAfter(stored.certificate.get()) < base::wallNow() + kRenewBefore) return Verdict::issueNew;
  const bool sameNames =
      subjectNames(stored.certificate.get()) == std::set<std::string>(names.begin(), names.end());
  return sameNames ? Verdict::use : Verdict::issueNew;
}

base::Result<ServerIdentity> issueIdentity(const std::string& path, const std::vector<std::string>& names,
                                           KeyPtr key, const AuthorityPair& authority,
                                           const std::string& authorityPem) {
  if (!key) key = generateKey();
  const CertificateRequest request{names.front(), names, kIdentityLifetime, false};
  const CertificatePtr certificate =
      key ? issue(request, key.get(), authority.certificate.get(), authority.key.get(), base::wallNow())
          : nullptr;
  if (!certificate) return base::fail("trust.generate_failed", path + ": the certificate could not be made");
  ServerIdentity made{toPem(certificate.get()) + authorityPem, toPem(key.get())};
  if (auto written = replaceFile(path + ".key", made.keyPem); !written)
    return std::unexpected(written.error());
  if (auto written = replaceFile(path + ".pem", made.certificatePem); !written) {
    return std::unexpected(written.error());
  }
  log.info("issued a certificate", {{"file", path + ".pem"}, {"names", names.size()}});
  return made;
}

}  // namespace

base::Result<Authority> Authority::open(const std::string& stateDirectory) {
  if (auto made = makeDirectory(stateDirectory); !made) return std::unexpected(made.error());
  const auto inFolder = [](base::Error error) {
    return base::fail("trust.state_directory", std::move(error.text));
  };
  const auto lock = lockFolder(stateDirectory);
  if (!lock) return inFolder(lock.error());
  auto certificate = readFile(stateDirectory + "/ca.pem");
  if (!certificate) return inFolder(certificate.error());
  auto key = readFile(stateDirectory + "/ca.key");
  if (!key) return inFolder(key.error());

  Authority authority;
  authority.directory_ = stateDirectory;
  if (!*certificate) {  // A key alone is what an interrupted first start leaves.
    auto made = makeAuthority(stateDirectory);
    if (!made)
      return made.error().reason == "trust.unwritable" ? inFolder(made.error())
                                                       : std::unexpected(made.error());
    std::tie(authority.certificatePem_, authority.keyPem_) = std::move(*made);
    return authority;
  }
  authority.certificatePem_ = std::move(**certificate);
  authority.keyPem_ = key->value_or("");
  if (auto parsed = parseAuthority(authority.certificatePem_, authority.keyPem_, stateDirectory); !parsed) {
    return std::unexpected(parsed.error());
  }
  return authority;
}

base::Result<ServerIdentity> Authority::identity(const std::string& name,
                                                 const std::vector<std::string>& names) {
  if (!isFileName(name) || name == "ca") {
    return base::fail("trust.bad_name", "\"" + base::printable(name, 80) + "\" cannot name an identity");
  }
  const auto wanted = normalNames(names);
  if (!wanted) return std::unexpected(wanted.error());
  const auto lock = lockFolder(directory_);
  if (!lock) return std::unexpected(lock.error());
  const auto authority = parseAuthority(certificatePem_, keyPem_, directory_);
  if (!authority) return std::unexpected(authority.error());

  const std::string path = directory_ + "/" + name;
  auto stored = readStored(path);
  if (!stored) return std::unexpected(stored.error());
  const auto verdict = judge(*stored, authority->key.get(), *wanted, path);
  if (!verdict) return std::unexpected(verdict.error());
  if (*verdict == Verdict::use) return ServerIdentity{*stored->certificatePem, *stored->keyPem};
  KeyPtr key = *verdict == Verdict::issueForKey ? std::move(stored->key) : nullptr;
  return issueIdentity(path, *wanted, std::move(key), *authority, certificatePem_);
}

IdentityRenewal::IdentityRenewal(net::EventLoop& loop, Authority authority, std::string name,
                                 std::function<std::vector<std::string>()> names, base::Millis period)
    : authority_(std::move(authority)), name_(std::move(name)), names_(std::move(names)), timer_(loop) {
  timer_.startEvery(period, [this] {
    if (const auto identity = authority_.identity(name_, names_()); !identity) {
      log.error("the certificate was not renewed",
                {{"name", name_}, {"reason", identity.error().reason}, {"text", identity.error().text}});
    }
  });
}

base::Result<base::Secret> Authority::secret(const std::string& file) {
  if (!isFileName(file)) {
    return base::fail("trust.bad_name", "\"" + base::printable(file, 80) + "\" cannot name a secret");
  }
  const auto lock = lockFolder(directory_);
  if (!lock) return std::unexpected(lock.error());
  const std::string path = directory_ + "/" + file;
  const auto stored = readFile(path);
  if (!stored) return std::unexpected(stored.error());
  if (*stored) {
    const std::string_view text = base::trim(**stored);
    if (text.empty())
      return base::fail("trust.bad_secret", path + ": the file is empty; remove it to have one made");
    return base::Secret(std::string(text));
  }
  base::SystemRandom random;
  base::Secret made(random.alphanumeric(kSecretCharacters));
  if (auto written = replaceFile(path, made.reveal() + "\n"); !written)
    return std::unexpected(written.error());
  return made;
}

std::vector<std::string> localNames() {
  std::vector<std::string> names;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) {
    std::string name = base::toLower(host.data());
    if (isDnsName(name) && name != "localhost") names.push_back(std::move(name));
  }
  names.emplace_back("localhost");
  for (const net::Endpoint& address : net::localAddresses(true)) {
    if (!address.isLinkLocal()) names.push_back(address.address());
  }
  if (names.size() > kMaxNames) names.resize(kMaxNames);
  return names;
}

}  // namespace parley::trust
