#include "config/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/values.hpp"

namespace lapwing {
namespace {

/// Fills in one row, property by property, so that the table below reads like a table.
template <class Owner>
struct row {
  basic_key<Owner> key;

  row(std::string_view path, value_ref (*member)(Owner&), std::string_view doc) {
    key.path = path;
    key.member = member;
    key.doc = doc;
  }
  row&& range(std::uint64_t min, std::uint64_t max) && {
    key.min = min;
    key.max = max;
    return std::move(*this);
  }
  row&& range(milliseconds min, milliseconds max) && {
    return std::move(*this).range(static_cast<std::uint64_t>(min.count()),
                                  static_cast<std::uint64_t>(max.count()));
  }
  row&& bytes(std::uint64_t min, std::uint64_t max) && {
    key.bytes = true;
    return std::move(*this).range(min, max);
  }
  row&& one_of(std::vector<std::string_view> choices) && {
    key.choices = std::move(choices);
    return std::move(*this);
  }
  row&& rule(const text_rule& rule) && {
    key.rule = &rule;
    return std::move(*this);
  }
  row&& also(std::string_view seed_name) && {
    key.seed_name = seed_name;
    return std::move(*this);
  }
  row&& secret() && {
    key.secret = true;
    return std::move(*this);
  }
  row&& reload() && {
    key.reload = true;
    return std::move(*this);
  }
  row&& needed() && {
    key.needed = true;
    return std::move(*this);
  }
  operator basic_key<Owner>() && { return std::move(key); }
};

using of_config = row<config>;
using of_custom = row<webhook_scheme_config>;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr milliseconds day = 24h;

#define LAPWING_MEMBER(member) [](auto& owner) -> value_ref { return &owner.member; }

std::vector<config_key> make_config_keys() {
  return {
      of_config{"node.listen", LAPWING_MEMBER(node.listen),
                "Addresses to serve on; port 0 picks a free one."}
          .rule(listen_rule),
      of_config{"node.data_dir", LAPWING_MEMBER(node.data_dir),
                "Directory of the SQLite file and the spool; made when missing."}
          .needed(),
      of_config{"node.database_url", LAPWING_MEMBER(node.database_url),
                "Empty: SQLite in data_dir. It may carry a password, so it is never shown."}
          .rule(database_url_rule)
          .secret(),
      of_config{"node.public_url", LAPWING_MEMBER(node.public_url),
                "What providers and browsers reach this node by; callback and audience addresses "
                "are made from it."}
          .rule(http_url_rule)
          .also("API_URL"),
      of_config{"node.connected_page", LAPWING_MEMBER(node.connected_page),
                "Where the browser goes once a platform was connected; `connected=` or "
                "`connect_error=` is added to its query."}
          .needed(),
      of_config{"node.environment", LAPWING_MEMBER(node.environment),
                "Shown in the banner, so that nobody mistakes one installation for another."},
      of_config{"node.threads", LAPWING_MEMBER(node.threads),
                "Threads for sockets and actors; 0 takes one per core."}
          .range(0, 64),
      of_config{"node.migrate", LAPWING_MEMBER(node.migrate),
                "Apply the schema at start; turn off to run `lapwing migrate` yourself."},
      of_config{"node.idle_after", LAPWING_MEMBER(node.idle_after),
                "How long users and rooms without a stream or work stay in memory: longer costs "
                "memory, shorter reads the store more often."}
          .range(1s, 7 * day),
      of_config{"node.drain_timeout", LAPWING_MEMBER(node.drain_timeout),
                "Longest wait for clients and commits after SIGTERM."}
          .range(0ms, 10min),
      of_config{"log.level", LAPWING_MEMBER(log.level),
                "Least severity that is logged; DEBUG=1 in the environment means debug."}
          .one_of({"trace", "debug", "info", "warn", "error"})
          .reload(),
      of_config{"log.format", LAPWING_MEMBER(log.format), "json writes one object a line."}.one_of(
          {"text", "json"}),
      of_config{"auth.mode", LAPWING_MEMBER(auth.mode),
                "dev believes every userId and works only while all listeners are on loopback."}
          .one_of({"jwt", "dev"}),
      of_config{"auth.jwt_secret", LAPWING_MEMBER(auth.jwt_secret),
                "Key of HS256 tokens; mode jwt needs this or a JWKS."}
          .rule(jwt_secret_rule)
          .secret()
          .reload(),
      of_config{"auth.jwks_file", LAPWING_MEMBER(auth.jwks_file),
                "File with the public keys of RS256, ES256 and EdDSA tokens."},
      of_config{"auth.jwks_url", LAPWING_MEMBER(auth.jwks_url),
                "Address of such keys; fetched again when an unknown key id comes."}
          .rule(http_url_rule),
      of_config{"auth.issuer", LAPWING_MEMBER(auth.issuer), "`iss` of tokens; empty: not checked."},
      of_config{"auth.audience", LAPWING_MEMBER(auth.audience),
                "`aud` of tokens; empty: not checked."},
      of_config{"auth.leeway", LAPWING_MEMBER(auth.leeway),
                "How far clocks may differ when a token's times are checked."}
          .range(0ms, 10min),
      of_config{"auth.ticket_ttl", LAPWING_MEMBER(auth.ticket_ttl),
                "How long a ticket of POST /api/tickets is good for."}
          .range(1s, 1h),
      of_config{"tls.certificate", LAPWING_MEMBER(tls.certificate),
                "PEM file with the certificate chain; with key set, every listener speaks TLS."}
          .reload(),
      of_config{"tls.key", LAPWING_MEMBER(tls.key), "PEM file with the private key."}.reload(),
      of_config{"limits.api_requests", LAPWING_MEMBER(limits.api_requests),
                "API requests per user or address and rate_window; 0: no limit."}
          .range(0, 1'000'000'000)
          .reload(),
      of_config{
          "limits.webhook_requests", LAPWING_MEMBER(limits.webhook_requests),
          "Deliveries per platform and user and rate_window, counted once the signature held; "
          "0: no limit."}
          .range(0, 1'000'000'000)
          .reload(),
      of_config{"limits.rate_window", LAPWING_MEMBER(limits.rate_window),
                "Span over which requests are counted."}
          .range(1s, day)
          .reload(),
      of_config{"limits.sessions_per_user", LAPWING_MEMBER(limits.sessions_per_user),
                "Streams one user may have open at once."}
          .range(1, 1'000'000)
          .reload(),
      of_config{"limits.session_queue", LAPWING_MEMBER(limits.session_queue),
                "Queued for one stream before it counts as slow and is closed; it can resume."}
          .bytes(kib, gib)
          .reload(),
      of_config{"limits.connections_per_address", LAPWING_MEMBER(limits.connections_per_address),
                "Open connections from one address; 0: no limit."}
          .range(0, 10'000'000)
          .reload(),
      of_config{"limits.connections_total", LAPWING_MEMBER(limits.connections_total),
                "Open connections; 0: the descriptor limit less a reserve for files."}
          .range(0, 10'000'000)
          .reload(),
      of_config{"limits.body", LAPWING_MEMBER(limits.body), "Longest request body."}
          .bytes(kib, gib)
          .reload(),
      of_config{"limits.body_github", LAPWING_MEMBER(limits.body_github),
                "Longest GitHub delivery (GitHub's own cap is 25 MiB); form bodies may have three "
                "times as much."}
          .bytes(kib, gib)
          .reload(),
      of_config{"limits.header", LAPWING_MEMBER(limits.header),
                "Longest request line and headers together."}
          .bytes(kib, mib)
          .reload(),
      of_config{"limits.websocket_message", LAPWING_MEMBER(limits.websocket_message),
                "Longest message a client may send on a WebSocket."}
          .bytes(kib, 64 * mib)
          .reload(),
      of_config{"limits.inflight_bytes", LAPWING_MEMBER(limits.inflight_bytes),
                "Request bodies held at once in the whole node; beyond it 503."}
          .bytes(mib, 1024 * gib)
          .reload(),
      of_config{"limits.engine_timeout", LAPWING_MEMBER(limits.engine_timeout),
                "Longest a request waits for its durable answer; providers give up at 10 s."}
          .range(10ms, 1min)
          .reload(),
      of_config{"http.header_timeout", LAPWING_MEMBER(http.header_timeout),
                "Longest time for a request's headers to arrive."}
          .range(10ms, 10min),
      of_config{"http.body_timeout", LAPWING_MEMBER(http.body_timeout),
                "Longest time for a request's body to arrive."}
          .range(10ms, 1h),
      of_config{"http.idle_timeout", LAPWING_MEMBER(http.idle_timeout),
                "How long a kept-alive connection may stay without a request."}
          .range(10ms, 1h),
      of_config{"http.cors_origins", LAPWING_MEMBER(http.cors_origins),
                "Origins whose pages may call this node; mode dev adds http://localhost:8086 and "
                "http://localhost:5173."}
          .rule(origin_rule)
          .reload(),
      of_config{
          "streams.heartbeat", LAPWING_MEMBER(streams.heartbeat),
          "Interval of heartbeats and WebSocket pings; a peer silent for two of them is gone."}
          .range(10ms, 1h),
      of_config{"streams.auth_timeout", LAPWING_MEMBER(streams.auth_timeout),
                "Longest wait for the first message of a WebSocket."}
          .range(10ms, 10min),
      of_config{"streams.retry", LAPWING_MEMBER(streams.retry),
                "How long SSE clients are told to wait before they come back."}
          .range(0ms, 10min),
      of_config{"events.retention_count", LAPWING_MEMBER(events.retention_count),
                "Events kept per user; 0: no bound."}
          .range(0, 1'000'000'000'000),
      of_config{"events.retention_age", LAPWING_MEMBER(events.retention_age),
                "How long events are kept; 0s: no bound."}
          .range(0ms, 3650 * day),
      of_config{"events.retention_interval", LAPWING_MEMBER(events.retention_interval),
                "How often old events are looked for."}
          .range(10ms, day),
      of_config{
          "webhooks.accept_unknown_users", LAPWING_MEMBER(webhooks.accept_unknown_users),
          "Take deliveries for users nobody has named before; mode dev sets it unless you do."},
      of_config{
          "webhooks.timestamp_tolerance", LAPWING_MEMBER(webhooks.timestamp_tolerance),
          "How far a signed time may be from now (Slack and Standard Webhooks say 5 minutes)."}
          .range(1s, 1h),
      of_config{"webhooks.google_project_id", LAPWING_MEMBER(webhooks.google_project_id),
                "Google Cloud project of the Gmail Pub/Sub topic."}
          .also("GOOGLE_PROJECT_ID"),
      of_config{"webhooks.github.secret", LAPWING_MEMBER(webhooks.github.current),
                "Secret of GitHub's X-Hub-Signature-256."}
          .also("GITHUB_WEBHOOK_SECRET")
          .secret()
          .reload(),
      of_config{"webhooks.github.secret_previous", LAPWING_MEMBER(webhooks.github.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.slack.secret", LAPWING_MEMBER(webhooks.slack.current),
                "Slack's signing secret."}
          .also("SLACK_SIGNING_SECRET")
          .secret()
          .reload(),
      of_config{"webhooks.slack.secret_previous", LAPWING_MEMBER(webhooks.slack.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.gmail.audience", LAPWING_MEMBER(webhooks.gmail.audience),
                "`aud` of Pub/Sub's token; empty: node.public_url and the route."},
      of_config{"webhooks.gmail.service_account", LAPWING_MEMBER(webhooks.gmail.service_account),
                "`email` that token must carry: the account the push subscription signs as."},
      of_config{"webhooks.gmail.jwks_url", LAPWING_MEMBER(webhooks.gmail.jwks_url),
                "Where Google publishes the keys of that token."}
          .rule(http_url_rule)
          .needed(),
      of_config{"webhooks.calendar.secret", LAPWING_MEMBER(webhooks.calendar.current),
                "Token of Google Calendar's watch channels."}
          .secret()
          .reload(),
      of_config{"webhooks.calendar.secret_previous", LAPWING_MEMBER(webhooks.calendar.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.youtube.secret", LAPWING_MEMBER(webhooks.youtube.current),
                "hub.secret of the WebSub subscription."}
          .secret()
          .reload(),
      of_config{"webhooks.youtube.secret_previous", LAPWING_MEMBER(webhooks.youtube.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.discord.public_key", LAPWING_MEMBER(webhooks.discord_public_key),
                "The Discord application's public key."}
          .rule(ed25519_key_rule)
          .reload(),
      of_config{"webhooks.linkedin.secret", LAPWING_MEMBER(webhooks.linkedin.current),
                "LinkedIn signs with the application's client secret."}
          .also("LINKEDIN_CLIENT_SECRET")
          .secret()
          .reload(),
      of_config{"webhooks.linkedin.secret_previous", LAPWING_MEMBER(webhooks.linkedin.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.supabase.secret", LAPWING_MEMBER(webhooks.supabase.current),
                "Secret of the Supabase database webhooks under /webhook/."}
          .also("WEBHOOK_SECRET")
          .secret()
          .reload(),
      of_config{"webhooks.supabase.secret_previous", LAPWING_MEMBER(webhooks.supabase.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_config{"webhooks.supabase.header", LAPWING_MEMBER(webhooks.supabase_header),
                "Header that carries the secret, or the HMAC of the body, when Standard Webhooks "
                "headers are absent."}
          .rule(header_name_rule)
          .needed(),
      of_config{"platforms.directory", LAPWING_MEMBER(platforms.directory),
                "Folder of further platform files (docs/platforms.md); empty: `platforms` beside "
                "this file."},
      of_config{"platforms.simulator", LAPWING_MEMBER(platforms.simulator),
                "Address of `lapwing sim`, which is then asked instead of every provider."}
          .rule(http_url_rule),
      of_config{"platforms.monitor", LAPWING_MEMBER(platforms.monitor),
                "Poll, refresh tokens and register webhooks; off: connections only rest."},
      of_config{"platforms.data_retention_age", LAPWING_MEMBER(platforms.data_retention_age),
                "How long polled items are kept; 0s: no bound. What later polls need (channels, "
                "playlists, repositories) and what shows the present state (guilds, profiles) stays."}
          .range(0ms, 3650 * day),
      of_config{"platforms.scan", LAPWING_MEMBER(platforms.scan),
                "Between two looks for connections whose polls, tokens or registrations are due."}
          .range(100ms, 5min),
      of_config{"outbound.allow_private_addresses",
                LAPWING_MEMBER(outbound.allow_private_addresses),
                "Let outbound requests reach loopback and private networks; for tests and the "
                "simulator."},
      of_config{"outbound.timeout", LAPWING_MEMBER(outbound.timeout),
                "Longest an outbound request may take."}
          .range(10ms, 5min),
      of_config{"cron.secret", LAPWING_MEMBER(cron.secret),
                "Bearer that external schedulers send to /api/cron/*."}
          .also("CRON_SECRET")
          .secret()
          .reload(),
      of_config{"push.vapid_public_key", LAPWING_MEMBER(push.vapid_public_key),
                "Web Push key that browsers subscribe with (`lapwing keys` makes the pair)."}
          .reload(),
      of_config{"push.vapid_private_key", LAPWING_MEMBER(push.vapid_private_key),
                "Its private half."}
          .secret()
          .reload(),
      of_config{"push.subject", LAPWING_MEMBER(push.subject),
                "Whom push services write to when something is wrong."}
          .rule(vapid_subject_rule)
          .reload(),
      of_config{"push.only_when_offline", LAPWING_MEMBER(push.only_when_offline),
                "Push only to users without an open stream."},
      of_config{"realtime.database_url", LAPWING_MEMBER(realtime.database_url),
                "PostgreSQL database whose tables are live; empty: that of node.database_url."}
          .rule(database_url_rule)
          .secret(),
      of_config{"realtime.publication", LAPWING_MEMBER(realtime.publication),
                "PostgreSQL publication whose tables are live."}
          .needed(),
      of_config{"realtime.resume_window", LAPWING_MEMBER(realtime.resume_window),
                "How long after an abnormal end a Realtime client gets what it missed."}
          .range(0ms, day),
      of_config{"realtime.slot_bytes", LAPWING_MEMBER(realtime.slot_bytes),
                "Most of the database's log that is held back for the resume window."}
          .bytes(mib, 1024 * gib),
      of_config{"realtime.channels", LAPWING_MEMBER(realtime.channels),
                "Most channels of one Realtime socket."}
          .range(1, 10'000),
      of_config{"realtime.joins_per_second", LAPWING_MEMBER(realtime.joins_per_second),
                "Most joins of one Realtime socket in a second; more end it."}
          .range(1, 100'000),
      of_config{"realtime.messages_per_second", LAPWING_MEMBER(realtime.messages_per_second),
                "Most messages of one Realtime socket, or of one sender over HTTP, in a second."}
          .range(1, 1'000'000),
      of_config{"realtime.payload_bytes", LAPWING_MEMBER(realtime.payload_bytes),
                "Largest broadcast or presence payload."}
          .bytes(1024, 4'900'000),
      of_config{"realtime.presence_calls", LAPWING_MEMBER(realtime.presence_calls),
                "Most times a channel may track or untrack in a presence window; more end it."}
          .range(1, 1'000'000),
      of_config{"realtime.presence_window", LAPWING_MEMBER(realtime.presence_window),
                "Window for realtime.presence_calls."}
          .range(1s, day),
      of_config{"realtime.private_only", LAPWING_MEMBER(realtime.private_only),
                "Refuse public channels."},
      of_config{"realtime.keep_broadcasts", LAPWING_MEMBER(realtime.keep_broadcasts),
                "Store broadcasts of private channels before they are sent, for replay."},
      of_config{"mail.mailgun_api_key", LAPWING_MEMBER(mail.mailgun_api_key),
                "Mailgun key for status mails."}
          .also("MAILGUN_API_KEY")
          .secret()
          .reload(),
      of_config{"mail.mailgun_domain", LAPWING_MEMBER(mail.mailgun_domain), "Sending domain."}
          .rule(mail_domain_rule)
          .also("MAILGUN_DOMAIN")
          .reload(),
      of_config{"mail.mailgun_from_email", LAPWING_MEMBER(mail.mailgun_from_email),
                "Sender of these mails; empty: noreply@ the sending domain."}
          .rule(mail_sender_rule)
          .also("MAILGUN_FROM_EMAIL")
          .reload(),
      of_config{"mail.mailgun_base_url", LAPWING_MEMBER(mail.mailgun_base_url),
                "Where Mailgun is asked; https://api.eu.mailgun.net for domains in the EU."}
          .rule(http_url_rule)
          .also("MAILGUN_BASE_URL")
          .needed()
          .reload(),
      of_config{"mail.timeout", LAPWING_MEMBER(mail.timeout),
                "How long Mailgun may take to answer; after three times that and 5 s another node may send."}
          .range(100ms, 2min),
      of_config{"mail.at_once", LAPWING_MEMBER(mail.at_once), "Mails under way at a time."}
          .range(1, 256),
      of_config{"mail.attempts", LAPWING_MEMBER(mail.attempts),
                "Failures of Mailgun or of the way to it before a mail becomes a dead letter."}
          .range(1, 1000),
      of_config{"mail.retry_min", LAPWING_MEMBER(mail.retry_min),
                "Wait after a first failure; it doubles with each."}
          .range(50ms, 1h),
      of_config{"mail.retry_max", LAPWING_MEMBER(mail.retry_max), "Longest such wait."}
          .range(50ms, 12h),
      of_config{"mail.give_up_after", LAPWING_MEMBER(mail.give_up_after),
                "Age at which a mail that fails becomes a dead letter, whatever the reason."}
          .range(1s, 30 * day),
      of_config{"mail.kept", LAPWING_MEMBER(mail.kept),
                "How long what was sent (without its content) and dead letters are kept; a repeated delivery is known as long."}
          .range(1min, 3650 * day),
      of_config{"supabase.url", LAPWING_MEMBER(supabase.url),
                "The Supabase project, where an artist's address is looked up."}
          .rule(http_url_rule)
          .also("SUPABASE_URL"),
      of_config{"supabase.service_role_key", LAPWING_MEMBER(supabase.service_role_key),
                "Key for that look-up."}
          .also("SUPABASE_SERVICE_ROLE_KEY")
          .secret()
          .reload(),
      of_config{"security.encryption_keys", LAPWING_MEMBER(security.encryption_keys),
                "Keys that seal stored tokens, newest first: the first seals, all open."}
          .rule(encryption_key_rule)
          .also("ENCRYPTION_KEY")
          .secret()
          .reload(),
      of_config{"security.metrics_token", LAPWING_MEMBER(security.metrics_token),
                "Bearer for /metrics from elsewhere than loopback; empty: loopback only."}
          .secret()
          .reload(),
      of_config{"storage.batch_max", LAPWING_MEMBER(storage.batch_max),
                "Events in one commit; an idle node commits at once, a busy one in groups."}
          .range(1, 4096),
      of_config{"storage.queue_max", LAPWING_MEMBER(storage.queue_max),
                "Events waiting for a commit before deliveries are answered 503."}
          .range(1, 10'000'000),
      of_config{"storage.sqlite_cache", LAPWING_MEMBER(storage.sqlite_cache),
                "Page cache of the embedded store."}
          .bytes(mib, 1024 * gib),
      of_config{"storage.reader_threads", LAPWING_MEMBER(storage.reader_threads),
                "Threads that read histories and resume points beside the writer. With PostgreSQL "
                "each has a connection, and as many again do everything else."}
          .range(1, 64),
      of_config{"storage.writer_connections", LAPWING_MEMBER(storage.writer_connections),
                "PostgreSQL: connections that commit events, each group on one."}
          .range(1, 64),
      of_config{"storage.statement_timeout", LAPWING_MEMBER(storage.statement_timeout),
                "PostgreSQL: a statement that takes longer is given up, and its request answered 503."}
          .range(100ms, 10min),
  };
}

std::vector<custom_key> make_custom_keys() {
  return {
      of_custom{"scheme", LAPWING_MEMBER(scheme), "How the platform proves a delivery is its own."}
          .one_of({"standard-webhooks", "hmac-sha256", "ed25519", "channel-token", "websub"}),
      of_custom{"secret", LAPWING_MEMBER(secret.current),
                "Shared secret; for ed25519 the public key in hex."}
          .secret()
          .reload(),
      of_custom{"secret_previous", LAPWING_MEMBER(secret.previous),
                "Still accepted while the secret rotates."}
          .secret()
          .reload(),
      of_custom{"header", LAPWING_MEMBER(header), "hmac-sha256: header that carries the digest."}
          .rule(header_name_rule),
      of_custom{"prefix", LAPWING_MEMBER(prefix),
                "hmac-sha256: text before the digest, such as `sha256=`."},
      of_custom{"encoding", LAPWING_MEMBER(encoding), "hmac-sha256: how the digest is written."}
          .one_of({"hex", "base64"}),
  };
}

#undef LAPWING_MEMBER

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

} // namespace

const std::vector<config_key>& config_keys() {
  static const auto keys = make_config_keys();
  return keys;
}

const std::vector<custom_key>& custom_keys() {
  static const auto keys = make_custom_keys();
  return keys;
}

const std::vector<section_info>& config_sections() {
  static const std::vector<section_info> sections{
      {"node", "The process: where it serves, where it keeps things."},
      {"log", "Logs go to standard error."},
      {"auth", "Who a client is. `lapwing token` mints tokens."},
      {"tls", "Encryption on the listeners; SIGHUP reads the files again."},
      {"limits", "What one client, one user and the whole node may take up."},
      {"http", "How patient the HTTP server is, and with which browsers it speaks."},
      {"streams", "Server-sent events and WebSockets."},
      {"events", "How much history is kept; clients resume from it."},
      {"webhooks", "What is common to all deliveries. Without its secret a platform's deliveries "
                   "are answered not_configured."},
      {"webhooks.github", "Two secrets may be valid at once, so that they rotate without a gap."},
      {"webhooks.slack", ""},
      {"webhooks.gmail", "Pub/Sub proves itself by a token instead of a secret."},
      {"webhooks.calendar", ""},
      {"webhooks.youtube", ""},
      {"webhooks.discord", ""},
      {"webhooks.linkedin", ""},
      {"webhooks.supabase", ""},
      {"platforms", "Users' connections to platforms."},
      {"outbound", "Requests this node makes."},
      {"cron", "For an external scheduler."},
      {"push", "Web Push (RFC 8292)."},
      {"realtime", "The Supabase Realtime protocol."},
      {"mail", "Status mails through Mailgun."},
      {"supabase", "The project behind the database webhooks."},
      {"security", "Keys and tokens of the node itself."},
      {"storage", "How commits are grouped and cached."},
  };
  return sections;
}

std::string_view section_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? std::string_view{} : path.substr(0, dot);
}

std::string_view name_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

std::string environment_name(std::string_view path) {
  std::string out = "LAPWING_";
  for (const char c : path) {
    if (c == '.')
      out += "__";
    else if (c == '-')
      out += '_';
    else
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string allowed_text(const key_info& key, const value_ref& value) {
  const auto text = [&]() -> std::string {
    if (!key.choices.empty())
      return fmt::format("one of \"{}\"", fmt::join(key.choices, "\", \""));
    if (key.rule)
      return std::string{key.rule->allowed};
    return key.needed ? "text that is not empty" : "text";
  };
  return std::visit(
      overloaded{
          [&](std::string*) { return text(); },
          [&](std::vector<std::string>*) {
            return fmt::format("a list, each item {}", key.rule ? key.rule->allowed : "text");
          },
          [&](bool*) -> std::string { return "true or false"; },
          [&](std::uint64_t*) {
            if (key.bytes)
              return fmt::format("bytes from {} to {}, as an integer or as \"256KiB\", \"1MiB\"",
                                 format_size(key.min), format_size(key.max));
            return fmt::format("an integer from {} to {}", key.min, key.max);
          },
          [&](milliseconds*) {
            const auto shown = [](std::uint64_t count) {
              return format_duration(milliseconds{static_cast<milliseconds::rep>(count)});
            };
            return fmt::format("a duration from \"{}\" to \"{}\"", shown(key.min), shown(key.max));
          },
      },
      value);
}

} // namespace lapwing
