-- The first schema. Never edited after release: changes come as further numbered files.
--
-- Times that machines compare are integers, milliseconds since 1970 in UTC. Times in the tables that
-- people query (platform_connections, user_platform_data) are RFC 3339 text in UTC with milliseconds,
-- "2026-11-21T09:00:00.123Z", which sorts as time; only due_at, which the program alone asks for, is
-- a number there too. Identifiers named `id` of type TEXT are UUIDs.
-- A BLOB column named *_token or *_secret or `verifier` holds a sealed box (storage/secret_box.hpp).

-- Who exists (CONTRACT 3).
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Whose mailbox, team or channel a delivery without a user in its path belongs to.
CREATE TABLE accounts (
  platform TEXT NOT NULL,
  name TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (platform, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_user ON accounts (user_id);

-- The ordered sequences of events. Written when a log gets its first event and when retention
-- shortens it, not at every event: that would dirty one more page each.
CREATE TABLE logs (
  id INTEGER PRIMARY KEY,
  log TEXT NOT NULL UNIQUE,             -- "u:ann", "r:admin", "b:" (core/log.hpp)
  trimmed INTEGER NOT NULL DEFAULT 0    -- events with numbers up to this may be gone
) STRICT;

-- What happened. The rowid grows with arrival, so that new events fill new pages at the end; a
-- number instead of the log's name keeps the two random-access indexes small. No foreign key to
-- logs: the writer looked the number up itself, and a check per event is not free.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  log_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  source TEXT NOT NULL,                 -- whose delivery ids these are
  delivery_id TEXT,                     -- NULL: nothing to compare
  time INTEGER NOT NULL,
  type TEXT NOT NULL,
  platform TEXT NOT NULL,               -- '' when of no platform
  tail TEXT NOT NULL,                   -- the envelope after its id (core/event.hpp)
  payload ANY NOT NULL                  -- '' when there is none; a BLOB is a Zstandard frame
) STRICT;
CREATE UNIQUE INDEX events_by_seq ON events (log_id, seq);
-- The row that remembers a delivery is the event itself: stored together or not at all.
CREATE UNIQUE INDEX events_by_delivery ON events (log_id, source, delivery_id)
  WHERE delivery_id IS NOT NULL;
CREATE INDEX events_by_time ON events (time);

-- One row, rewritten to find out whether a write would be durable.
CREATE TABLE write_probe (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL
) STRICT;
INSERT INTO write_probe (id, count) VALUES (1, 0);

-- A user's connection to a platform (seed 003). A rowid table: rows with tokens are long, and `number`
-- keeps what refers to them short.
CREATE TABLE platform_connections (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  account TEXT NOT NULL DEFAULT '',     -- the platform's own name for the person
  access_token BLOB,
  refresh_token BLOB,
  token_expires_at TEXT,                -- NULL: it does not expire
  grant_expires_at TEXT,                -- when refreshing itself will end
  scopes TEXT NOT NULL DEFAULT '',      -- as granted, separated by spaces
  token_version INTEGER NOT NULL DEFAULT 0, -- raised with every change of the tokens
  refresh_began TEXT,                   -- a refresh was asked for then, and not answered yet
  refresh_memory TEXT NOT NULL DEFAULT '', -- what the keeper of the tokens wants to know again
  last_sync TEXT,
  status TEXT NOT NULL DEFAULT 'connected'
    CHECK (status IN ('connected', 'degraded', 'needs_reauth', 'disconnected')),
  cause TEXT NOT NULL DEFAULT '',       -- a stable code, '' while connected
  error_message TEXT,                   -- the same for people
  granted_at TEXT,                      -- when the person last agreed
  due_at INTEGER,                       -- the soonest of all its timers
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (user_id, platform)
) STRICT;
-- Holds all that is asked of it, so that finding what is due reads no row.
CREATE INDEX platform_connections_by_due
  ON platform_connections (platform, due_at, user_id, status)
  WHERE due_at IS NOT NULL AND status IN ('connected', 'degraded');

-- How far each polled endpoint of a connection has been read. Apart from the connection, whose long
-- row would otherwise be written once more for each.
CREATE TABLE poll_progress (
  connection INTEGER NOT NULL REFERENCES platform_connections (number) ON DELETE CASCADE,
  endpoint TEXT NOT NULL,
  cursor TEXT NOT NULL,
  etag TEXT NOT NULL,
  last_poll INTEGER,
  due_at INTEGER NOT NULL,
  failure_count INTEGER NOT NULL,
  PRIMARY KEY (connection, endpoint)
) STRICT, WITHOUT ROWID;

-- Polled items, as they came (seed 003).
CREATE TABLE user_platform_data (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  data_type TEXT NOT NULL,
  item_key TEXT,                        -- the item's natural key; NULL: every poll is kept
  raw_data TEXT NOT NULL CHECK (json_valid(raw_data)),
  extracted_at TEXT NOT NULL
) STRICT;
CREATE INDEX user_platform_data_by_time
  ON user_platform_data (user_id, platform, data_type, extracted_at);
-- For pages of a user's items, newest first: the rowid that ends every index is the order of arrival.
CREATE INDEX user_platform_data_by_arrival ON user_platform_data (user_id, platform);
CREATE UNIQUE INDEX user_platform_data_by_item
  ON user_platform_data (user_id, platform, data_type, item_key) WHERE item_key IS NOT NULL;

-- Webhooks, watches and subscriptions at the providers.
CREATE TABLE platform_webhooks (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  resource TEXT NOT NULL DEFAULT '',    -- repository, calendar, channel
  external_id TEXT,                     -- the provider's name for it, or ours in its callbacks
  webhook_secret BLOB,
  status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('pending', 'active', 'failed', 'expired')),
  cause TEXT NOT NULL DEFAULT '',
  details TEXT NOT NULL DEFAULT '',     -- JSON: what only that platform needs
  expires_at INTEGER,
  renew_at INTEGER,
  last_delivery_at INTEGER,
  created_at INTEGER NOT NULL,
  UNIQUE (user_id, platform, resource)
) STRICT;

-- Web Push (RFC 8030): one row per browser.
CREATE TABLE push_subscriptions (
  endpoint TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  p256dh TEXT NOT NULL,
  auth_secret BLOB NOT NULL,
  failure_count INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id);

-- Authorizations under way; a state is deleted by its first use.
CREATE TABLE oauth_states (
  state TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  platform TEXT NOT NULL,
  verifier BLOB,                        -- PKCE (RFC 7636)
  redirect_to TEXT NOT NULL DEFAULT '',
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_states_by_expiry ON oauth_states (expires_at);

-- Messages that must leave the house (mail, push), with their retries.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT,
  dedup_key TEXT UNIQUE,                -- NULL: nothing to compare
  body TEXT NOT NULL CHECK (json_valid(body)),
  attempt_count INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER,                       -- NULL: sent or given up
  error_message TEXT,
  created_at INTEGER NOT NULL,
  done_at INTEGER
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at) WHERE due_at IS NOT NULL;

-- Lapwing's processes.
CREATE TABLE nodes (
  id TEXT NOT NULL PRIMARY KEY,
  address TEXT NOT NULL,
  epoch INTEGER NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('live', 'draining', 'dead')),
  version TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
