// The installation's own certificate authority and server certificates, made on first start (TLS-3), and
// secrets shared by the programs of one machine through the state folder. Several programs may start at
// the same time: a lock file serialises the first start. Blocking; call before the loops run.
//
// Files (all 0600, folder 0700): ca.pem, ca.key, <name>.pem, <name>.key, <secret file>. A certificate file
// that an administrator put there is used as it is. Ours is renewed when less than 30 days are left or when
// the wanted names changed. Errors beside those of open(): trust.bad_name, trust.bad_identity (a file that is
// not ours is never replaced), trust.bad_secret, trust.locked, trust.unreadable, trust.unwritable.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace parley::trust {

struct ServerIdentity {
  std::string certificatePem;  ///< Leaf first, then the chain.
  std::string keyPem;
};

class Authority {
 public:
  /// Opens or makes the authority in `stateDirectory` (created if absent).
  /// Errors: trust.state_directory, trust.bad_authority, trust.generate_failed.
  static base::Result<Authority> open(const std::string& stateDirectory);

  /// The named program's identity, e.g. "server", "media": ECDSA P-256, 397 days, for the given DNS names
  /// and IP addresses.
  base::Result<ServerIdentity> identity(const std::string& name, const std::vector<std::string>& names);
  const std::string& certificatePem() const { return certificatePem_; }
  const std::string& stateDirectory() const { return directory_; }
  /// Reads the secret in `file`, or makes one (32 random characters).
  base::Result<base::Secret> secret(const std::string& file);

 private:
  std::string directory_, certificatePem_, keyPem_;
};

/// DNS names and addresses of this machine, for a default certificate: host name, localhost, all addresses.
std::vector<std::string> localNames();

/// Looks after an identity while its program runs: asks for it again every `period`, so that our own
/// certificate is written anew before it ends. A CertificateWatcher then takes the files into use. Failures
/// are logged, the old files stay.
class IdentityRenewal {
 public:
  /// `names` is asked each time: settings and addresses change.
  IdentityRenewal(net::EventLoop& loop, Authority authority, std::string name,
                  std::function<std::vector<std::string>()> names,
                  base::Millis period = std::chrono::hours{12});

 private:
  Authority authority_;
  std::string name_;
  std::function<std::vector<std::string>()> names_;
  net::Timer timer_;
};

/// Watches certificates, keys and what belongs to them and puts changes into use (TLS-5). What cannot be used
/// is logged once and the old stays. Looks every `period` and uses what was the same twice: a file may be
/// seen half written, and a pair between the two renames of its change.
class CertificateWatcher {
 public:
  /// All that counts, as texts, or why there is nothing.
  using Read = std::function<base::Result<std::vector<std::string>>()>;
  using Use = std::function<base::Result<void>(const std::vector<std::string>&)>;

  /// What `read` gives now is in use. `name`: for the log.
  CertificateWatcher(net::EventLoop& loop, std::string name, Read read, Use use, base::Millis period);
  /// A certificate and its key, for a server.
  CertificateWatcher(net::EventLoop& loop, std::string certificateFile, std::string keyFile,
                     std::shared_ptr<net::TlsServerContext> context, base::Millis period);
  ~CertificateWatcher();

  void look();   ///< As each `period`.
  void check();  ///< What is there now is meant: it is used at once.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::trust
