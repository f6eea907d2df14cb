// What private channels need in a database: the table whose policies decide, and the question itself.
#pragma once

namespace lapwing::postgres {

// The schema of Supabase Realtime, as far as policies need it; what is there already stays as it is.
// The grants open nothing: without a policy row-level security refuses everybody.
inline constexpr const char* channel_schema_sql = R"SQL(
DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(5066549580791636);
  IF to_regclass('realtime.messages') IS NULL THEN
    CREATE SCHEMA IF NOT EXISTS realtime;
    CREATE TABLE realtime.messages (
      topic text NOT NULL,
      extension text NOT NULL,
      payload jsonb,
      event text,
      private boolean DEFAULT false,
      updated_at timestamp NOT NULL DEFAULT timezone('utc', now()),
      inserted_at timestamp NOT NULL DEFAULT timezone('utc', now()),
      id uuid NOT NULL DEFAULT gen_random_uuid(),
      PRIMARY KEY (id, inserted_at));
    ALTER TABLE realtime.messages ENABLE ROW LEVEL SECURITY;
    GRANT USAGE ON SCHEMA realtime TO PUBLIC;
    GRANT SELECT, INSERT, UPDATE ON realtime.messages TO PUBLIC;
  END IF;
  IF to_regprocedure('realtime.topic()') IS NULL THEN
    CREATE FUNCTION realtime.topic() RETURNS text LANGUAGE sql STABLE
      AS 'SELECT nullif(current_setting(''realtime.topic'', true), '''')';
  END IF;
END
$$
)SQL";

// Lives as long as its connection. A row of each extension is put in place and looked for under the
// role and its claims; then one is written as that role. All of it is undone before the answer, which
// is four letters (reads broadcasts, presence; writes broadcasts, presence) and, after a blank, the
// SQLSTATE with which a policy failed, if one did: whoever it fails for may not.
inline constexpr const char* channel_rights_sql = R"SQL(
SET synchronous_commit = off;
CREATE OR REPLACE FUNCTION pg_temp.lapwing_channel_rights(
  channel text, role_name text, subject text, claims text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  kinds text[] := ARRAY['broadcast', 'presence'];
  ids uuid[] := ARRAY[gen_random_uuid(), gen_random_uuid()];
  made timestamp := timezone('utc', now());
  may boolean[] := ARRAY[false, false, false, false];
  fault text := '';
BEGIN
  -- 'none' would mean ourselves.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
    RETURN 'ffff';
  END IF;
  BEGIN
    INSERT INTO realtime.messages (id, topic, extension, inserted_at, updated_at)
      SELECT ids[k], channel, kinds[k], made, made FROM generate_series(1, 2) k;
    BEGIN
      PERFORM set_config('realtime.topic', channel, true),
              set_config('request.jwt.claims', claims, true),
              set_config('request.jwt.claim.sub', subject, true),
              set_config('request.jwt.claim.role', role_name, true),
              set_config('request.headers', '{}', true),
              set_config('role', role_name, true);
      FOR k IN 1 .. 2 LOOP
        BEGIN
          may[k] := EXISTS (SELECT FROM realtime.messages m
                             WHERE m.id = ids[k] AND m.topic = channel AND m.extension = kinds[k]);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
                  WHEN OTHERS THEN fault := SQLSTATE;
        END;
        BEGIN
          INSERT INTO realtime.messages (topic, extension, inserted_at, updated_at)
            VALUES (channel, kinds[k], made, made);
          may[k + 2] := true;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
                  WHEN OTHERS THEN fault := SQLSTATE;
        END;
      END LOOP;
    EXCEPTION WHEN insufficient_privilege THEN fault := SQLSTATE; -- We are no member of the role.
    END;
    RAISE SQLSTATE 'LWUND';
  EXCEPTION WHEN SQLSTATE 'LWUND' THEN NULL;
  END;
  RETURN (SELECT string_agg(left(m::text, 1), '' ORDER BY n)
            FROM unnest(may) WITH ORDINALITY AS all_of (m, n)) || rtrim(' ' || fault);
END
$$
)SQL";

} // namespace lapwing::postgres
