-- Who may read what: row-level security on every table, for the three roles that Supabase's clients
-- and its Realtime use. A user is whoever the claims of the request name:
--
--   SET LOCAL ROLE authenticated;
--   SELECT set_config('request.jwt.claims', '{"sub":"ann","role":"authenticated"}', true);
--
-- * `authenticated` sees the rows of its own user; `service_role` those of all; `anon` none.
-- * Columns with secrets, and `oauth_states` as a whole, are readable by the owner alone.
-- * Nobody but the owner writes: a log has one writer, the node.
-- The owner, as which the node works, is not bound by the policies.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
      -- Roles are of the whole server: the migration of another database may have been faster.
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- So that the node itself can read as one of them. Whoever may not grant it may have it already.
    IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', wanted, current_user);
    END IF;
  END LOOP;
END
$$;

-- The user of the request, or NULL.
CREATE FUNCTION lapwing_user() RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
$$;

-- Elsewhere (Supabase) new tables are open to these roles until somebody closes them.
DO $$
DECLARE
  each text;
BEGIN
  FOREACH each IN ARRAY ARRAY['users', 'accounts', 'events', 'logs', 'write_probe',
      'platform_connections', 'poll_progress', 'user_platform_data', 'platform_webhooks',
      'push_subscriptions', 'oauth_states', 'outbox', 'nodes', 'node_leases',
      'schema_migrations'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', each);
    EXECUTE format('REVOKE ALL ON TABLE %I FROM PUBLIC, anon, authenticated, service_role', each);
    IF each NOT IN ('oauth_states', 'write_probe', 'schema_migrations') THEN
      EXECUTE format('CREATE POLICY of_the_service ON %I FOR SELECT TO service_role USING (true)',
                     each);
    END IF;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION lapwing_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lapwing_user() TO authenticated, service_role;
REVOKE ALL ON SEQUENCE node_epochs FROM PUBLIC, anon, authenticated, service_role;

CREATE POLICY own ON users FOR SELECT TO authenticated USING (id = (SELECT lapwing_user()));
CREATE POLICY own ON accounts FOR SELECT TO authenticated
  USING (user_id = (SELECT lapwing_user()));
-- Broadcasts are for everybody who has a name.
CREATE POLICY own ON events FOR SELECT TO authenticated
  USING (log = (SELECT 'u:' || lapwing_user()) OR (log = 'b:' AND (SELECT lapwing_user()) <> ''));
CREATE POLICY own ON logs FOR SELECT TO authenticated
  USING (log = (SELECT 'u:' || lapwing_user()) OR (log = 'b:' AND (SELECT lapwing_user()) <> ''));
CREATE POLICY own ON platform_connections FOR SELECT TO authenticated
  USING (user_id = (SELECT lapwing_user()));
CREATE POLICY own ON poll_progress FOR SELECT TO authenticated
  USING (EXISTS (SELECT FROM platform_connections AS its
                 WHERE its.number = connection AND its.user_id = (SELECT lapwing_user())));
CREATE POLICY own ON user_platform_data FOR SELECT TO authenticated
  USING (user_id = (SELECT lapwing_user()));
CREATE POLICY own ON platform_webhooks FOR SELECT TO authenticated
  USING (user_id = (SELECT lapwing_user()));
CREATE POLICY own ON push_subscriptions FOR SELECT TO authenticated
  USING (user_id = (SELECT lapwing_user()));
CREATE POLICY own ON outbox FOR SELECT TO authenticated USING (user_id = (SELECT lapwing_user()));

GRANT SELECT ON users, accounts, events, logs, poll_progress, user_platform_data, outbox
  TO authenticated, service_role;
GRANT SELECT (number, id, user_id, platform, account, token_expires_at, grant_expires_at, scopes,
  token_version, refresh_began, refresh_memory, last_sync, status, cause, error_message, granted_at,
  due_at, created_at, updated_at) ON platform_connections TO authenticated, service_role;
GRANT SELECT (number, id, user_id, platform, resource, external_id, status, cause, details,
  expires_at, renew_at, last_delivery_at, created_at) ON platform_webhooks
  TO authenticated, service_role;
GRANT SELECT (endpoint, user_id, p256dh, failure_count, created_at) ON push_subscriptions
  TO authenticated, service_role;
GRANT SELECT ON nodes, node_leases TO service_role;
