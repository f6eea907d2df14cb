// Everything an operator can set, as plain structs: defaults, ranges and units live here and
// nowhere else. config/load.hpp fills them from a TOML file and the environment;
// config/lapwing.toml documents every key and a test holds the two together.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lapwing {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;

struct node_config {
  std::vector<std::string> listen{"127.0.0.1:3001"}; ///< Address:port, port 0 picks one.
  std::string data_dir = "./data";                   ///< SQLite file and spool.
  std::string database_url;    ///< Empty: SQLite in data_dir. postgresql://... otherwise.
  std::string public_url;      ///< Also API_URL: what providers reach us by.
  std::string connected_page = "/"; ///< Where the browser goes after a platform was connected.
  std::string environment = "production"; ///< Shown in the banner.
  std::size_t threads = 0;     ///< I/O and actor threads; 0: one per core. 0..64.
  bool migrate = true;         ///< Apply the schema at start.
  milliseconds idle_after = 30s;    ///< Users and rooms without stream or work stay so long. Guess.
  milliseconds drain_timeout = 10s; ///< SIGTERM: longest wait for clients and commits.
};

struct log_config {
  std::string level = "info"; ///< trace debug info warn error. Also DEBUG=1: debug.
  std::string format = "text"; ///< text or json.
};

struct auth_config {
  std::string mode = "jwt"; ///< jwt or dev.
  std::string jwt_secret;   ///< HS256; at least 32 bytes.
  std::string jwks_file;    ///< RS256, ES256, EdDSA keys.
  std::string jwks_url;
  std::string issuer;       ///< Checked when set.
  std::string audience;     ///< Checked when set.
  milliseconds leeway = 60s;
  milliseconds ticket_ttl = 60s;
};

struct tls_config {
  std::string certificate; ///< PEM chain file; with key set, every listener speaks TLS.
  std::string key;         ///< PEM file.
};

struct limits_config {
  std::uint64_t api_requests = 100;      ///< Per user or address and rate_window; 0: no limit.
  std::uint64_t webhook_requests = 1000; ///< Per (platform, user) and rate_window; 0: no limit.
  milliseconds rate_window = 15min;
  std::size_t sessions_per_user = 16;
  std::size_t session_queue = 256 * 1024;       ///< Bytes queued per stream before it is closed.
  std::size_t connections_per_address = 0;      ///< 0: no limit.
  std::size_t connections_total = 0;            ///< 0: descriptor limit less a reserve.
  std::size_t body = 1024 * 1024;               ///< Bytes of a request body.
  std::size_t body_github = 25 * 1024 * 1024;   ///< Bytes of a GitHub delivery (form bodies: 3x).
  std::size_t header = 16 * 1024;               ///< Bytes of request line and headers.
  std::size_t websocket_message = 64 * 1024;    ///< Bytes of one client message.
  std::size_t inflight_bytes = 256 * 1024 * 1024; ///< Bodies held at once in the whole node.
  milliseconds engine_timeout = 8s; ///< Longest a request waits for its durable answer (providers give up at 10 s).
};

struct http_config {
  milliseconds header_timeout = 10s;
  milliseconds body_timeout = 30s;
  milliseconds idle_timeout = 75s; ///< Keep-alive connection without a request.
  std::vector<std::string> cors_origins; ///< dev mode adds localhost:8086 and :5173.
};

struct streams_config {
  milliseconds heartbeat = 30s;    ///< Also the WebSocket ping interval; a peer silent for two is gone.
  milliseconds auth_timeout = 10s; ///< Until the first WebSocket message.
  milliseconds retry = 2s;         ///< `retry:` told to SSE clients.
};

struct events_config {
  std::uint64_t retention_count = 10000; ///< Per user; 0: no bound.
  milliseconds retention_age = 24h * 30; ///< 0: no bound.
  milliseconds retention_interval = 60s;
};

struct secret_pair {
  std::string current;
  std::string previous; ///< Still accepted while secrets rotate.
};

struct gmail_webhook_config {
  std::string audience;        ///< Empty: public_url + the route.
  std::string service_account; ///< `email` the token must carry.
  std::string jwks_url = "https://www.googleapis.com/oauth2/v3/certs";
};

struct webhook_scheme_config {
  std::string scheme = "standard-webhooks"; ///< or hmac-sha256, ed25519, channel-token, websub.
  secret_pair secret;
  std::string header;            ///< hmac-sha256: header name.
  std::string prefix;            ///< hmac-sha256: text before the digest, "sha256=".
  std::string encoding = "hex";  ///< hex or base64.
};

struct webhooks_config {
  bool accept_unknown_users = false; ///< Dev mode: true.
  milliseconds timestamp_tolerance = 300s;
  secret_pair github;    ///< Also GITHUB_WEBHOOK_SECRET.
  secret_pair slack;     ///< Also SLACK_SIGNING_SECRET.
  secret_pair supabase;  ///< Also WEBHOOK_SECRET.
  secret_pair linkedin;  ///< Also LINKEDIN_CLIENT_SECRET.
  secret_pair youtube;   ///< hub.secret.
  secret_pair calendar;  ///< Channel token.
  std::string discord_public_key; ///< Hex, 32 bytes.
  std::string supabase_header = "X-Webhook-Secret";
  std::string google_project_id; ///< Also GOOGLE_PROJECT_ID.
  gmail_webhook_config gmail;
  std::map<std::string, webhook_scheme_config> custom; ///< [webhooks.custom.NAME].
};

struct platforms_config {
  milliseconds data_retention_age = 24h * 365; ///< Of polled items; 0: no bound.
  std::string directory;  ///< Of further platform files; empty: `platforms` beside the file.
  std::string simulator;  ///< Base address of `lapwing sim`, asked instead of every provider.
  bool monitor = true;    ///< Poll, refresh and register; off: connections only rest.
  milliseconds scan = 60s; ///< Between two looks for connections that are due.
};

struct outbound_config {
  bool allow_private_addresses = false;
  milliseconds timeout = 10s;
};

struct cron_config {
  std::string secret; ///< Also CRON_SECRET.
};

struct push_config {
  std::string vapid_public_key;
  std::string vapid_private_key;
  std::string subject;
  bool only_when_offline = true;
};

struct realtime_config {
  std::string database_url;
  std::string publication = "supabase_realtime";
  milliseconds resume_window = 2min;
  std::uint64_t slot_bytes = 1ULL << 30;
  std::uint64_t channels = 100;
  std::uint64_t joins_per_second = 100;
  std::uint64_t messages_per_second = 500;
  std::uint64_t payload_bytes = 3'000'000;
  std::uint64_t presence_calls = 50;
  milliseconds presence_window = 30s;
  bool private_only = false;
  bool keep_broadcasts = true;
};

struct mail_config {
  std::string mailgun_api_key;    ///< Also MAILGUN_API_KEY.
  std::string mailgun_domain;     ///< Also MAILGUN_DOMAIN.
  std::string mailgun_from_email; ///< Also MAILGUN_FROM_EMAIL; empty: noreply@ the domain.
  std::string mailgun_base_url = "https://api.mailgun.net"; ///< Also MAILGUN_BASE_URL.
  milliseconds timeout = 10s;
  std::uint64_t at_once = 8;
  std::uint64_t attempts = 20;
  milliseconds retry_min = 5s;
  milliseconds retry_max = 1h;
  milliseconds give_up_after = 72h;
  milliseconds kept = 720h;

  /// Mails are sent.
  bool complete() const noexcept { return !mailgun_api_key.empty() && !mailgun_domain.empty(); }
};

struct supabase_config {
  std::string url;              ///< Also SUPABASE_URL.
  std::string service_role_key; ///< Also SUPABASE_SERVICE_ROLE_KEY.
};

struct security_config {
  std::vector<std::string> encryption_keys; ///< 32-byte keys, newest first; also ENCRYPTION_KEY.
  std::string metrics_token; ///< Bearer for /metrics from other than loopback.
};

struct storage_config {
  std::size_t batch_max = 256;             ///< Events per commit. 1..4096.
  std::size_t queue_max = 8192;            ///< Events waiting for a commit before 503.
  std::size_t sqlite_cache = 64 * 1024 * 1024; ///< Bytes of page cache.
  std::size_t reader_threads = 2;
  std::size_t writer_connections = 4;      ///< PostgreSQL only; SQLite has one writer.
  milliseconds statement_timeout = 5s;     ///< PostgreSQL only.
};

struct config {
  node_config node;
  log_config log;
  auth_config auth;
  tls_config tls;
  limits_config limits;
  http_config http;
  streams_config streams;
  events_config events;
  webhooks_config webhooks;
  platforms_config platforms;
  outbound_config outbound;
  cron_config cron;
  push_config push;
  realtime_config realtime;
  mail_config mail;
  supabase_config supabase;
  security_config security;
  storage_config storage;

  bool dev() const noexcept { return auth.mode == "dev"; }
};

} // namespace lapwing
