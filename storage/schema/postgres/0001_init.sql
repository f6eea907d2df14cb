-- The first schema. Never edited after release: changes come as further numbered files.
--
-- The same tables as in SQLite (schema/0001_init.sql), in PostgreSQL's own types: times are
-- timestamptz, documents jsonb, generated names uuid. Names are compared byte by byte (COLLATE "C"):
-- that is fast, and no index depends on the machine's language.
-- A bytea column named *_token or *_secret or `verifier` holds a sealed box (storage/secret_box.hpp).
--
-- The role that applies this owns everything, and is the only one that writes, or reads a secret.
-- 0002_row_security.sql says what others may see.

-- Who exists (CONTRACT 3).
CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY
);

-- Whose mailbox, team or channel a delivery without a user in its path belongs to.
CREATE TABLE accounts (
  platform text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (platform, name)
);
CREATE INDEX accounts_by_user ON accounts (user_id);

-- What happened. `log` is "u:ann", "r:admin" or "b:" (core/log.hpp); its only writer numbers it. The
-- row that remembers a delivery is the event itself: stored together or not at all.
CREATE TABLE events (
  log text COLLATE "C" NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  source text COLLATE "C" NOT NULL,     -- whose delivery ids these are
  delivery_id text COLLATE "C",         -- NULL: nothing to compare
  time timestamptz NOT NULL,
  type text NOT NULL,
  platform text NOT NULL,               -- '' when of no platform
  tail text NOT NULL,                   -- the envelope after its id (core/event.hpp)
  payload bytea NOT NULL,               -- '' when there is none
  packed boolean NOT NULL,              -- the payload is a Zstandard frame
  PRIMARY KEY (log, seq)
) WITH (toast_tuple_target = 8160);     -- a usual delivery stays in one piece
-- Packed already: PostgreSQL's own compression would only cost time.
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX events_by_delivery ON events (log, source, delivery_id)
  WHERE delivery_id IS NOT NULL;
-- Events arrive in the order of their times, nearly: a few bytes for each megabyte of them suffice.
CREATE INDEX events_by_time ON events USING brin (time)
  WITH (pages_per_range = 32, autosummarize = on);

-- How far retention has come in a log. Without a row nothing of it was removed.
CREATE TABLE logs (
  log text COLLATE "C" PRIMARY KEY,
  trimmed bigint NOT NULL               -- events with numbers up to this may be gone
);

-- One row, rewritten to find out whether a write would be durable.
CREATE TABLE write_probe (
  id integer PRIMARY KEY CHECK (id = 1),
  count bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO write_probe (id, count) VALUES (1, 0);

-- A user's connection to a platform (seed 003).
CREATE TABLE platform_connections (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform text COLLATE "C" NOT NULL,
  account text NOT NULL DEFAULT '',     -- the platform's own name for the person
  access_token bytea,
  refresh_token bytea,
  token_expires_at timestamptz,         -- NULL: it does not expire
  grant_expires_at timestamptz,         -- when refreshing itself will end
  scopes text NOT NULL DEFAULT '',      -- as granted, separated by spaces
  token_version bigint NOT NULL DEFAULT 0, -- raised with every change of the tokens
  refresh_began timestamptz,            -- a refresh was asked for then, and not answered yet
  refresh_memory text NOT NULL DEFAULT '', -- what the keeper of the tokens wants to know again
  last_sync timestamptz,
  status text NOT NULL DEFAULT 'connected'
    CHECK (status IN ('connected', 'degraded', 'needs_reauth', 'disconnected')),
  cause text NOT NULL DEFAULT '',       -- a stable code, '' while connected
  error_message text,                   -- the same for people
  granted_at timestamptz,               -- when the person last agreed
  due_at timestamptz,                   -- the soonest of all its timers
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (user_id, platform)
);
CREATE INDEX platform_connections_by_due
  ON platform_connections (platform, due_at) INCLUDE (user_id)
  WHERE due_at IS NOT NULL AND status IN ('connected', 'degraded');

-- How far each polled endpoint of a connection has been read.
CREATE TABLE poll_progress (
  connection bigint NOT NULL REFERENCES platform_connections (number) ON DELETE CASCADE,
  endpoint text COLLATE "C" NOT NULL,
  cursor text NOT NULL,
  etag text NOT NULL,
  last_poll timestamptz,
  due_at timestamptz NOT NULL,
  failure_count integer NOT NULL,
  PRIMARY KEY (connection, endpoint)
);

-- Polled items, as they came (seed 003).
CREATE TABLE user_platform_data (
  number bigint GENERATED ALWAYS AS IDENTITY, -- the order of arrival
  id uuid PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform text COLLATE "C" NOT NULL,
  data_type text COLLATE "C" NOT NULL,
  item_key text COLLATE "C",            -- the item's natural key; NULL: every poll is kept
  raw_data jsonb NOT NULL,
  extracted_at timestamptz NOT NULL
);
CREATE INDEX user_platform_data_by_time
  ON user_platform_data (user_id, platform, data_type, extracted_at);
CREATE INDEX user_platform_data_by_age ON user_platform_data USING brin (extracted_at);
CREATE INDEX user_platform_data_by_arrival ON user_platform_data (user_id, platform, number);
CREATE UNIQUE INDEX user_platform_data_by_item
  ON user_platform_data (user_id, platform, data_type, item_key) WHERE item_key IS NOT NULL;

-- Webhooks, watches and subscriptions at the providers.
CREATE TABLE platform_webhooks (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  platform text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL DEFAULT '', -- repository, calendar, channel
  external_id text COLLATE "C",         -- the provider's name for it, or ours in its callbacks
  webhook_secret bytea,
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('pending', 'active', 'failed', 'expired')),
  cause text NOT NULL DEFAULT '',
  details text NOT NULL DEFAULT '',     -- JSON: what only that platform needs
  expires_at timestamptz,
  renew_at timestamptz,
  last_delivery_at timestamptz,
  created_at timestamptz NOT NULL,
  UNIQUE (user_id, platform, resource)
);

-- Web Push (RFC 8030): one row per browser.
CREATE TABLE push_subscriptions (
  endpoint text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  p256dh text NOT NULL,
  auth_secret bytea NOT NULL,
  failure_count integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL
);
CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id);

-- Authorizations under way; a state is deleted by its first use.
CREATE TABLE oauth_states (
  state text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  platform text COLLATE "C" NOT NULL,
  verifier bytea,                       -- PKCE (RFC 7636)
  redirect_to text NOT NULL DEFAULT '',
  expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_states_by_expiry ON oauth_states (expires_at);

-- Messages that must leave the house (mail, push), with their retries.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  user_id text COLLATE "C",
  dedup_key text COLLATE "C" UNIQUE,    -- NULL: nothing to compare
  body jsonb NOT NULL,
  attempt_count integer NOT NULL DEFAULT 0,
  due_at timestamptz,                   -- NULL: sent or given up
  error_message text,
  created_at timestamptz NOT NULL,
  done_at timestamptz
);
CREATE INDEX outbox_by_due ON outbox (due_at) WHERE due_at IS NOT NULL;

-- Lapwing's processes. A node writes only while its row says that it, with this epoch, is not dead.
CREATE SEQUENCE node_epochs;
CREATE TABLE nodes (
  id text COLLATE "C" PRIMARY KEY,
  address text NOT NULL,
  epoch bigint NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('live', 'draining', 'dead')),
  version text NOT NULL,
  started_at timestamptz NOT NULL
);

-- Until when each is believed to be there. Apart from `nodes`: a heartbeat must not wait for a write.
CREATE TABLE node_leases (
  node text COLLATE "C" PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
  until timestamptz NOT NULL
) WITH (fillfactor = 10);

-- The fence. Every transaction of a node that writes holds a lock, shared with its others, and then looks
-- whether the node still is what it was when it started (else LW001). Whoever declares the node dead
-- needs that lock alone: this waits for what is being written, and nothing comes later. A lock of the
-- advisory kind, because locks on rows are written to disk. A node without a name is one that nobody
-- fences.
CREATE FUNCTION lapwing_hold_fence(node text, node_epoch bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF node IS NULL THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(1280333639, node_epoch::integer);
  -- A statement of its own: it sees what was committed before the lock was there.
  PERFORM 1 FROM nodes WHERE id = node AND epoch = node_epoch AND state <> 'dead';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this node was replaced' USING ERRCODE = 'LW001';
  END IF;
END
$$;

-- False when it was dead already.
CREATE FUNCTION lapwing_declare_dead(node_epoch bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1280333639, node_epoch::integer);
  UPDATE nodes SET state = 'dead' WHERE epoch = node_epoch AND state <> 'dead';
  RETURN FOUND;
END
$$;

-- Stores events and answers a row for each that was there before: its place among those given, from 1,
-- and the number under which it is stored. Raises LW002 when a number is taken by another event: then
-- nothing was stored.
CREATE FUNCTION lapwing_append(
  node text, node_epoch bigint, logs text[], seqs bigint[], sources text[], deliveries text[],
  times timestamptz[], types text[], platforms text[], tails text[], payloads bytea[],
  packed boolean[]
) RETURNS TABLE (place bigint, known_as bigint)
LANGUAGE plpgsql AS $$
DECLARE
  stored bigint;
BEGIN
  PERFORM lapwing_hold_fence(node, node_epoch);
  INSERT INTO events
    (log, seq, source, delivery_id, time, type, platform, tail, payload, packed)
  SELECT * FROM unnest(logs, seqs, sources, deliveries, times, types, platforms, tails, payloads,
                       packed) AS given (log, seq)
  WHERE given.seq > coalesce((SELECT trimmed FROM logs AS marks WHERE marks.log = given.log), 0)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS stored = ROW_COUNT;
  IF stored = cardinality(seqs) THEN
    RETURN; -- As nearly always.
  END IF;
  -- A row is this transaction's when it says so; of several with the same key the first became it.
  FOR place, known_as IN
    SELECT given.place, (SELECT seq FROM events AS old WHERE old.log = given.log
                         AND old.source = given.source AND old.delivery_id = given.delivery_id)
    FROM (SELECT *, row_number() OVER (PARTITION BY log, seq, source, delivery_id
                                       ORDER BY nth) AS copy, nth AS place
          FROM unnest(logs, seqs, sources, deliveries) WITH ORDINALITY
            AS each (log, seq, source, delivery_id, nth)) AS given
    WHERE given.copy > 1 OR NOT EXISTS (
      SELECT FROM events AS fresh WHERE fresh.log = given.log AND fresh.seq = given.seq
        AND fresh.source = given.source AND fresh.delivery_id IS NOT DISTINCT FROM given.delivery_id
        AND fresh.xmin = pg_current_xact_id()::xid)
  LOOP
    IF known_as IS NULL THEN
      RAISE EXCEPTION 'the log holds this number already' USING ERRCODE = 'LW002';
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;

-- What is not JSON after all (or not what jsonb can hold) must not keep the rest of its page from
-- being stored: it becomes a string.
CREATE FUNCTION lapwing_document(raw text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN raw::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN to_jsonb(raw);
END
$$;

-- How far an endpoint was read, and with it when the connection is due next.
CREATE FUNCTION lapwing_put_progress(
  its_connection bigint, its_endpoint text, its_cursor text, its_etag text,
  its_last_poll timestamptz, its_due timestamptz, its_failures integer,
  next_due timestamptz, synced timestamptz, written timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO poll_progress (connection, endpoint, cursor, etag, last_poll, due_at, failure_count)
  VALUES (its_connection, its_endpoint, its_cursor, its_etag, its_last_poll, its_due, its_failures)
  ON CONFLICT (connection, endpoint) DO UPDATE SET cursor = excluded.cursor,
    etag = excluded.etag, last_poll = excluded.last_poll, due_at = excluded.due_at,
    failure_count = excluded.failure_count;
  UPDATE platform_connections SET due_at = next_due, last_sync = coalesce(synced, last_sync),
    updated_at = written WHERE number = its_connection;
$$;

-- What an event tells of (core/connection_store.hpp, sync_effect).
CREATE FUNCTION lapwing_apply_effect(
  its_user text, its_platform text, its_type text, ids uuid[], keys text[], documents text[],
  extracted timestamptz, its_endpoint text, its_cursor text, its_etag text,
  its_last_poll timestamptz, its_due timestamptz, its_failures integer,
  next_due timestamptz, synced timestamptz, written timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  of_connection record;
BEGIN
  SELECT number, status INTO of_connection FROM platform_connections
    WHERE user_id = its_user AND platform = its_platform FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO user_platform_data
    (id, user_id, platform, data_type, item_key, raw_data, extracted_at)
  SELECT item.id, its_user, its_platform, its_type, item.key, lapwing_document(item.raw), extracted
  FROM unnest(ids, keys, documents) AS item (id, key, raw)
  ON CONFLICT DO NOTHING;
  IF of_connection.status <> 'disconnected' THEN
    PERFORM lapwing_put_progress(of_connection.number, its_endpoint, its_cursor, its_etag,
      its_last_poll, its_due, its_failures, next_due, synced, written);
  END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION lapwing_hold_fence, lapwing_declare_dead, lapwing_append,
  lapwing_document,
  lapwing_put_progress, lapwing_apply_effect FROM PUBLIC;
