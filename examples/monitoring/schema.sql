-- A monitoring application: five live tables, who may see their rows, and what a page asks and does.
-- psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -f examples/monitoring/schema.sql
-- The role that runs it owns the tables and must be the node's, or one that the node's is a member of.

BEGIN;

-- The roles that tokens name. Where others made them, only the membership of the node's role is needed.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
    END IF;
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', name, current_user);
    END IF;
  END LOOP;
END
$$;

/* Whose token it is: its `sub`. */
CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE
  AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' $$;

-- -- tables --------------------------------------------------------------------------------------

CREATE TABLE organisations (
  id   text PRIMARY KEY,
  name text NOT NULL);

CREATE TABLE organisation_members (
  org_id  text NOT NULL REFERENCES organisations,
  user_id text NOT NULL,
  PRIMARY KEY (user_id, org_id));

CREATE TABLE streams (
  id               text PRIMARY KEY,
  org_id           text NOT NULL REFERENCES organisations,
  title            text NOT NULL,
  goal_status      text NOT NULL DEFAULT 'running' CHECK (goal_status IN ('running', 'reached')),
  current_progress jsonb NOT NULL DEFAULT '{"percentage": 0, "completed": 0, "total": 100}',
  updated_at       timestamptz NOT NULL DEFAULT now());

CREATE TABLE acquisition_scans (
  id                  text PRIMARY KEY,
  user_id             text NOT NULL,
  status              text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed')),
  current_step        text NOT NULL DEFAULT 'starting',
  progress_percentage integer NOT NULL DEFAULT 0 CHECK (progress_percentage BETWEEN 0 AND 100),
  targets_analyzed    integer NOT NULL DEFAULT 0,
  targets_identified  integer NOT NULL DEFAULT 50,
  updated_at          timestamptz NOT NULL DEFAULT now());

CREATE TABLE agent_executions (
  id          text PRIMARY KEY,
  stream_id   text NOT NULL REFERENCES streams,
  agent_id    text NOT NULL,
  status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz);

CREATE TABLE signal_alerts (
  id            text PRIMARY KEY,
  user_id       text NOT NULL,
  business_name text NOT NULL,
  signal_type   text NOT NULL,
  priority      text NOT NULL CHECK (priority IN ('low', 'medium', 'high')),
  created_at    timestamptz NOT NULL DEFAULT now(),
  read_at       timestamptz);

CREATE TABLE notifications (
  id         text PRIMARY KEY,
  user_id    text NOT NULL,
  message    text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  read_at    timestamptz);

CREATE INDEX ON organisation_members (org_id);
CREATE INDEX ON streams (org_id);
CREATE INDEX ON acquisition_scans (user_id);
CREATE INDEX ON agent_executions (stream_id);
CREATE INDEX ON signal_alerts (user_id) WHERE read_at IS NULL;
CREATE INDEX ON notifications (user_id) WHERE read_at IS NULL;

-- -- who may see what ----------------------------------------------------------------------------

GRANT SELECT ON organisations, organisation_members, streams, acquisition_scans, agent_executions,
  signal_alerts, notifications TO authenticated;
GRANT UPDATE (read_at) ON signal_alerts, notifications TO authenticated;

ALTER TABLE organisations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organisation_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE acquisition_scans ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;

CREATE POLICY my_memberships ON organisation_members FOR SELECT TO authenticated USING (user_id = me());
CREATE POLICY my_organisations ON organisations FOR SELECT TO authenticated
  USING (id IN (SELECT org_id FROM organisation_members));
CREATE POLICY of_my_organisations ON streams FOR SELECT TO authenticated
  USING (org_id IN (SELECT org_id FROM organisation_members));
CREATE POLICY my_own ON acquisition_scans FOR SELECT TO authenticated USING (user_id = me());
-- A policy's own questions are under the policies too: these are the streams that I may see.
CREATE POLICY of_my_streams ON agent_executions FOR SELECT TO authenticated
  USING (stream_id IN (SELECT id FROM streams));
CREATE POLICY my_own ON signal_alerts FOR SELECT TO authenticated USING (user_id = me());
CREATE POLICY mark_my_own ON signal_alerts FOR UPDATE TO authenticated USING (user_id = me());
CREATE POLICY my_own ON notifications FOR SELECT TO authenticated USING (user_id = me());
CREATE POLICY mark_my_own ON notifications FOR UPDATE TO authenticated USING (user_id = me());

-- -- live: exactly these five --------------------------------------------------------------------

-- Old rows, and deletes under row-level security, need all columns in the log.
ALTER TABLE streams REPLICA IDENTITY FULL;
ALTER TABLE acquisition_scans REPLICA IDENTITY FULL;
ALTER TABLE agent_executions REPLICA IDENTITY FULL;
ALTER TABLE signal_alerts REPLICA IDENTITY FULL;
ALTER TABLE notifications REPLICA IDENTITY FULL;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
    CREATE PUBLICATION supabase_realtime;
  END IF;
END
$$;
ALTER PUBLICATION supabase_realtime
  ADD TABLE streams, acquisition_scans, agent_executions, signal_alerts, notifications;

-- -- what a page asks and does, under the policies above -----------------------------------------

CREATE FUNCTION unread_counts(OUT signal_alerts bigint, OUT notifications bigint) LANGUAGE sql STABLE AS $$
  SELECT (SELECT count(*) FROM signal_alerts WHERE read_at IS NULL),
         (SELECT count(*) FROM notifications WHERE read_at IS NULL)
$$;

/* All of mine; gives how many there were. */
CREATE FUNCTION mark_alerts_read() RETURNS bigint LANGUAGE sql AS $$
  WITH marked AS (UPDATE signal_alerts SET read_at = now() WHERE read_at IS NULL RETURNING 1)
  SELECT count(*) FROM marked
$$;
CREATE FUNCTION mark_notifications_read() RETURNS bigint LANGUAGE sql AS $$
  WITH marked AS (UPDATE notifications SET read_at = now() WHERE read_at IS NULL RETURNING 1)
  SELECT count(*) FROM marked
$$;

/* Everything that I may see, as one document: what a page starts with. */
CREATE FUNCTION monitoring_state() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'user', me(),
    'organisations', (SELECT coalesce(jsonb_agg(o ORDER BY o.id), '[]') FROM organisations o),
    'streams', (SELECT coalesce(jsonb_agg(s ORDER BY s.id), '[]') FROM streams s),
    'scans', (SELECT coalesce(jsonb_agg(s ORDER BY s.id), '[]') FROM acquisition_scans s),
    'agents', (SELECT coalesce(jsonb_agg(a ORDER BY a.started_at, a.id), '[]') FROM agent_executions a
                WHERE a.status = 'running'),
    'alerts', (SELECT coalesce(jsonb_agg(a ORDER BY a.created_at, a.id), '[]') FROM signal_alerts a
                WHERE a.read_at IS NULL),
    'notifications', (SELECT coalesce(jsonb_agg(n ORDER BY n.created_at, n.id), '[]') FROM notifications n
                       WHERE n.read_at IS NULL),
    'unread', to_jsonb(unread_counts()))
$$;

COMMIT;
