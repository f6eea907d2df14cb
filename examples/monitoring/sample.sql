-- Two organisations with their people, and a generator that moves everything: the same steps with the
-- same seed make the same rows, apart from their times.
-- psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -f examples/monitoring/sample.sql

BEGIN;

INSERT INTO organisations VALUES ('acme', 'Acme'), ('globex', 'Globex');
INSERT INTO organisation_members VALUES ('acme', 'ann'), ('acme', 'ben'), ('globex', 'cleo');
INSERT INTO streams (id, org_id, title) VALUES
  ('abc123', 'acme', 'Outreach to bakeries'), ('def456', 'acme', 'Renewals'), ('xyz789', 'globex', 'New markets');
INSERT INTO acquisition_scans (id, user_id) VALUES ('scan-ann', 'ann'), ('scan-ben', 'ben'), ('scan-cleo', 'cleo');

/* A whole number from 0 to below `sides`, by seed, step and name. */
CREATE FUNCTION monitoring_dice(seed text, step integer, name text, sides integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT (('x' || left(md5(concat_ws(':', seed, step, name)), 8))::bit(32)::bigint % sides)::integer
$$;

CREATE FUNCTION monitoring_pick(seed text, step integer, name text, VARIADIC of_these text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT of_these[1 + monitoring_dice(seed, step, name, cardinality(of_these))]
$$;

/* One step of the world. Steps count from 1. */
CREATE FUNCTION monitoring_move(seed text, step integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  done integer;
  lucky text;
BEGIN
  -- A stream comes closer to its goal, and begins anew once it has reached it.
  SELECT id, CASE WHEN s.goal_status = 'reached' THEN 0
                  ELSE least(100, (s.current_progress ->> 'completed')::integer
                                  + 1 + monitoring_dice(seed, step, 'progress', 15)) END
    INTO lucky, done
    FROM streams s ORDER BY md5(concat_ws(':', seed, step, 'stream', s.id)) LIMIT 1;
  UPDATE streams SET
    current_progress = jsonb_build_object('percentage', done, 'completed', done, 'total', 100),
    goal_status = CASE WHEN done = 100 THEN 'reached' ELSE 'running' END,
    updated_at = clock_timestamp()
    WHERE id = lucky;
  -- Its oldest agent ends, a new one starts.
  UPDATE agent_executions SET
    status = CASE monitoring_dice(seed, step, 'fate', 5) WHEN 0 THEN 'failed' ELSE 'completed' END,
    finished_at = clock_timestamp()
    WHERE id = (SELECT id FROM agent_executions WHERE stream_id = lucky AND status = 'running'
                 ORDER BY started_at, id LIMIT 1);
  INSERT INTO agent_executions (id, stream_id, agent_id, started_at) VALUES (
    'run-' || step, lucky, monitoring_pick(seed, step, 'agent', 'researcher', 'writer', 'caller'),
    clock_timestamp());
  -- A scan goes on.
  SELECT id, CASE WHEN s.status = 'completed' THEN 0
                  ELSE least(100, s.progress_percentage + 2 + monitoring_dice(seed, step, 'scanned', 18)) END
    INTO lucky, done
    FROM acquisition_scans s ORDER BY md5(concat_ws(':', seed, step, 'scan', s.id)) LIMIT 1;
  UPDATE acquisition_scans SET
    progress_percentage = done,
    targets_analyzed = targets_identified * done / 100,
    status = CASE WHEN done = 100 THEN 'completed' ELSE 'running' END,
    current_step = CASE WHEN done = 100 THEN 'done' WHEN done > 60 THEN 'scoring'
                        WHEN done > 20 THEN 'analysing' ELSE 'starting' END,
    updated_at = clock_timestamp()
    WHERE id = lucky;
  IF step % 3 = 0 THEN
    INSERT INTO signal_alerts (id, user_id, business_name, signal_type, priority, created_at) VALUES (
      'alert-' || step, monitoring_pick(seed, step, 'whose', 'ann', 'ben', 'cleo'),
      monitoring_pick(seed, step, 'business', 'Crumb & Co', 'Brick Lane Bikes', 'Tidal Optics', 'Nordlicht'),
      monitoring_pick(seed, step, 'signal', 'hiring', 'funding', 'new office', 'tender'),
      monitoring_pick(seed, step, 'priority', 'low', 'medium', 'high'), clock_timestamp());
  END IF;
  IF step % 4 = 0 THEN
    INSERT INTO notifications (id, user_id, message, created_at) VALUES (
      'note-' || step, monitoring_pick(seed, step, 'told', 'ann', 'ben', 'cleo'),
      'Scan ' || lucky || ' is at ' || done || ' %', clock_timestamp());
  END IF;
  -- The world does not grow for ever.
  DELETE FROM agent_executions WHERE status <> 'running' AND id = 'run-' || (step - 200);
  DELETE FROM signal_alerts WHERE id = 'alert-' || (step - 600);
  DELETE FROM notifications WHERE id = 'note-' || (step - 600);
END
$$;

COMMIT;
