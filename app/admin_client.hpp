// Asks a node's /admin/* routes over HTTP.
#pragma once

#include <string>
#include <variant>

namespace lapwing {

struct admin_failure {
  std::string why; ///< For the operator; never holds the token.
};

class admin_client {
public:
  /// `node`: "http://127.0.0.1:3001"; `token`: a JWT of role admin, may be empty (development
  /// identity); `ca_file`: PEM, for a node whose certificate the system does not know, or empty.
  admin_client(std::string node, std::string token, std::string ca_file);

  /// `path` after /admin/, its parts fit for a path. Blocks, at most 15 seconds, 3 of them for the
  /// connection. The body of a 2xx answer, at most 64 MiB.
  std::variant<std::string, admin_failure> get(const std::string& path) const;
  std::variant<std::string, admin_failure> post(const std::string& path) const;

private:
  std::variant<std::string, admin_failure> ask(const std::string& path, bool post) const;

  std::string node_;
  std::string token_;
  std::string ca_file_;
};

} // namespace lapwing
