// What the change feed adds to a database: a schema of its own with one function and one row.
#pragma once

namespace lapwing::postgres {

// `sight` says who may see which of some rows of a table, for many subjects in one call. A subject's
// rows are read under its role and claims, so that the table's policies decide, whatever they are.
// Old rows are in no table any more: the policies' own expressions are evaluated on their images.
// Keys and images are arrays of JSON objects; `place` counts from 1.
inline constexpr const char* sight_sql = R"SQL(
CREATE SCHEMA IF NOT EXISTS lapwing_realtime;
CREATE TABLE IF NOT EXISTS lapwing_realtime.state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  reached pg_lsn NOT NULL,
  clean boolean NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
CREATE OR REPLACE FUNCTION lapwing_realtime.sight(
  relation oid, keys jsonb, olds jsonb, roles text[], claims text[])
RETURNS TABLE (subject int, place int, kind text, content text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  name text; full_name text; secured boolean; key_names text[]; key_join text;
  readable text[]; shown text; rule text;
BEGIN
  SELECT c.relname, format('%I.%I', n.nspname, c.relname), c.relrowsecurity
    INTO name, full_name, secured
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT array_agg(a.attname::text ORDER BY a.attnum),
         string_agg(format('t.%I = (k.value ->> %L)::%s', a.attname, a.attname,
                           format_type(a.atttypid, a.atttypmod)), ' AND ')
    INTO key_names, key_join
    FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
    WHERE x.indrelid = relation AND x.indisprimary;
  RETURN QUERY SELECT 0, 0, 'rules',
    jsonb_build_object('secured', secured, 'key', coalesce(to_jsonb(key_names), '[]'))::text;
  IF key_names IS NULL THEN
    RETURN;
  END IF;
  FOR i IN 1 .. coalesce(array_length(roles, 1), 0) LOOP
    BEGIN
      SELECT array_agg(a.attname::text), string_agg(format('t.%I', a.attname), ', ')
        INTO readable, shown
        FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
          AND has_column_privilege(roles[i], relation, a.attnum, 'SELECT');
      IF NOT coalesce(key_names <@ readable, false) THEN
        RETURN QUERY SELECT i, 0, 'forbidden', NULL::text;
        CONTINUE;
      END IF;
      RETURN QUERY SELECT i, 0, 'readable', to_jsonb(readable)::text;
      rule := 'true';
      IF secured THEN
        SELECT '(' || coalesce(string_agg('(' || p.qual || ')', ' OR ') FILTER (WHERE p.polpermissive), 'false')
               || ')' || coalesce(' AND ' || string_agg('(' || p.qual || ')', ' AND ')
                                               FILTER (WHERE NOT p.polpermissive), '')
          INTO rule
          FROM (SELECT o.polpermissive,
                       coalesce(pg_get_expr(o.polqual, o.polrelid), 'true') AS qual
                  FROM pg_policy o
                  WHERE o.polrelid = relation AND o.polcmd IN ('r', '*')
                    AND (o.polroles = '{0}' OR EXISTS (
                      SELECT FROM unnest(o.polroles) r
                      WHERE r = 0 OR pg_has_role(roles[i], r, 'USAGE')))) p;
      END IF;
      PERFORM set_config('request.jwt.claims', claims[i], true), set_config('role', roles[i], true);
      RETURN QUERY EXECUTE format(
        'SELECT %s, k.ordinality::int, ''current''::text, (SELECT to_jsonb(s)::text FROM (SELECT %s) s)'
        ' FROM jsonb_array_elements($1) WITH ORDINALITY k JOIN %s t ON %s',
        i, shown, full_name, key_join) USING keys;
      IF jsonb_array_length(olds) > 0 THEN
        RETURN QUERY EXECUTE format(
          'SELECT %s, o.ordinality::int, ''old''::text, NULL::text'
          ' FROM jsonb_array_elements($1) WITH ORDINALITY o,'
          ' LATERAL jsonb_populate_record(NULL::%s, CASE o.value WHEN ''null'' THEN ''{}'' ELSE o.value END)'
          ' AS %I'
          ' WHERE o.value <> ''null'' AND %s',
          i, full_name, name, rule) USING olds;
      END IF;
      PERFORM set_config('role', 'none', true);
    EXCEPTION WHEN OTHERS THEN
      -- A role that does not exist, or a policy that fails for it: it sees nothing.
      PERFORM set_config('role', 'none', true);
    END;
  END LOOP;
END
$$;
REVOKE ALL ON SCHEMA lapwing_realtime FROM PUBLIC;
)SQL";

// The live tables with their columns, as far as a role may read them.
inline constexpr const char* tables_sql = R"SQL(
SELECT c.oid::text, p.schemaname, p.tablename, a.attname, t.typname,
       coalesce(a.attnum = ANY (x.indkey), false)::text
  FROM pg_publication_tables p
  JOIN pg_namespace n ON n.nspname = p.schemaname
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_index x ON x.indrelid = c.oid AND x.indisprimary
 WHERE p.pubname = $1
   AND EXISTS (SELECT FROM pg_roles WHERE rolname = $2)
   AND has_column_privilege((SELECT oid FROM pg_roles WHERE rolname = $2), c.oid, a.attnum, 'SELECT')
 ORDER BY c.oid, a.attnum
)SQL";

} // namespace lapwing::postgres
