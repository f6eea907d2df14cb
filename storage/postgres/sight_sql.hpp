// What the change feed adds to a database: a schema of its own with one function and one row.
#pragma once

namespace lapwing::postgres {

// `sight` says who may see which of some rows of a table, for many subjects in one call. What is
// compared with the policies are *images* of rows: the rows as they are now, found by their keys, and
// the old rows, which are in no table any more. An image is reduced to the columns that the policies
// name, so that each subject is asked once about rows that no policy can tell apart; `row` answers say
// which images a change has, `seen` answers which images a subject sees.
//
// The policies' own expressions are evaluated on the images, under each subject's role and claims, by
// functions in the session's temporary schema: their plans are kept for as long as the policies are
// as they are. Where that cannot be done (the node's own role may not read the table past its
// policies, or they look at whole rows) or fails, the table itself is read under the subject's role:
// `exact` answers name places then, an old row's being the number of keys and its own; their `place`
// is that of the role, whose records they bring.
inline constexpr const char* sight_sql = R"SQL(
CREATE SCHEMA IF NOT EXISTS lapwing_realtime;
CREATE TABLE IF NOT EXISTS lapwing_realtime.state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  reached pg_lsn NOT NULL,
  clean boolean NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
DROP FUNCTION IF EXISTS lapwing_realtime.sight(oid, jsonb, jsonb, text[], text[]);
-- Whether the statement's snapshot has all these transactions. They are streamed from the moment their
-- commit is in the log, which is a moment before others see them.
CREATE OR REPLACE FUNCTION lapwing_realtime.has(transactions bigint[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  WITH taken AS MATERIALIZED (
    SELECT pg_snapshot_xmax(s)::text::bigint AS xmax,
           ARRAY(SELECT x::text::bigint & 4294967295 FROM pg_snapshot_xip(s) x) AS running
      FROM pg_current_snapshot() s)
  SELECT NOT EXISTS (
    SELECT FROM taken, unnest(transactions) x
     WHERE ((x - xmax) & 4294967295) < 2147483648 OR x = ANY (running))
$$;
-- Makes the temporary function that asks for the subjects of one role, unless it is there; its name.
-- `shown`: the columns of an exact answer's records; null: it answers by images.
CREATE OR REPLACE FUNCTION lapwing_realtime.asker(
  full_name text, short_name text, names text, key_join text, rule text, shown text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  made text := 'lapwing_' || md5(concat_ws(E'\n', full_name, names, key_join, rule, shown));
  question text;
BEGIN
  IF to_regproc('pg_temp.' || made) IS NOT NULL THEN
    RETURN made;
  END IF;
  IF shown IS NULL THEN
    question := format(
      'SELECT array_agg(lw_place) INTO lw_seen FROM unnest(lw_images) WITH ORDINALITY AS %I (%s) WHERE %s;',
      short_name, names, rule);
  ELSE
    question := format(
      'SELECT array_agg(lw_place) INTO lw_seen FROM unnest(lw_keys) WITH ORDINALITY AS k (%1$s) JOIN %2$s t ON %3$s;'
      ' SELECT jsonb_agg(jsonb_build_array(lw_place, (SELECT to_jsonb(s)::text FROM (SELECT %4$s) s)))::text'
      '   INTO lw_records FROM unnest(lw_keys) WITH ORDINALITY AS k (%1$s) JOIN %2$s t ON %3$s'
      '   WHERE lw_place = ANY (lw_seen) AND NOT lw_place = ANY (lw_known);'
      ' lw_known := lw_known || lw_seen;'
      ' lw_seen := lw_seen || (SELECT array_agg(lw_place + cardinality(lw_keys))'
      '   FROM generate_subscripts(lw_olds, 1) lw_place, LATERAL unnest(lw_olds[lw_place:lw_place]) AS %5$I'
      '   WHERE lw_has_old[lw_place] AND (%6$s));',
      names, full_name, key_join, shown, short_name, rule);
  END IF;
  EXECUTE format(
    'CREATE FUNCTION pg_temp.%I(lw_images %s[], lw_keys %s[], lw_olds %s[], lw_has_old boolean[], lw_role text,'
    '  lw_claims text[])'
    ' RETURNS TABLE (lw_subject int, lw_seen bigint[], lw_records text, lw_failed boolean) LANGUAGE plpgsql AS %L',
    made, full_name, full_name, full_name,
    format(
      E'#variable_conflict use_column\nDECLARE lw_known bigint[] := ''{}'';\nBEGIN'
      ' FOR i IN 1 .. cardinality(lw_claims) LOOP'
      ' BEGIN'
      '  lw_subject := i; lw_seen := NULL; lw_records := NULL; lw_failed := false;'
      '  PERFORM set_config(''request.jwt.claims'', lw_claims[i], true), set_config(''role'', lw_role, true);'
      '  %s'
      '  PERFORM set_config(''role'', ''none'', true);'
      ' EXCEPTION WHEN OTHERS THEN'
      '  lw_seen := NULL; lw_records := NULL; lw_failed := true;'
      ' END;'
      ' RETURN NEXT;'
      ' END LOOP; END', question));
  RETURN made;
END
$$;
CREATE OR REPLACE FUNCTION lapwing_realtime.ask(
  relation oid, names text, key_names text[], key_join text, images anyarray, keys anyarray, olds anyarray,
  has_old boolean[], roles text[], role_of int[], claims text[])
RETURNS TABLE (subject int, place int, kind text, content text, seen text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  full_name text; short_name text; schema_id oid; secured boolean; guarded boolean;
  readable text[]; shown text; rule text; asker text; one record;
  numbers int[]; theirs text[]; failed_numbers int[]; failed_claims text[];
BEGIN
  SELECT format('%I.%I', n.nspname, c.relname), c.relname, n.oid, c.relrowsecurity
    INTO full_name, short_name, schema_id, secured
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
  FOR r IN 1 .. cardinality(roles) LOOP
    BEGIN
      SELECT array_agg(a.attname::text), string_agg(format('t.%I', a.attname), ', ') INTO readable, shown
        FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
          AND has_column_privilege(roles[r], relation, a.attnum, 'SELECT')
          AND has_schema_privilege(roles[r], schema_id, 'USAGE');
      subject := r; place := 0; seen := NULL;
      IF NOT coalesce(key_names <@ readable, false) THEN
        kind := 'forbidden'; content := NULL;
        RETURN NEXT;
        CONTINUE;
      END IF;
      kind := 'readable'; content := to_jsonb(readable)::text;
      RETURN NEXT;
      CONTINUE WHEN NOT secured;
      SELECT array_agg(u.number::int ORDER BY u.number), array_agg(u.claim ORDER BY u.number) INTO numbers, theirs
        FROM unnest(role_of, claims) WITH ORDINALITY u (of_role, claim, number) WHERE u.of_role = r;
      CONTINUE WHEN numbers IS NULL;
      PERFORM set_config('role', roles[r], true);
      guarded := row_security_active(relation);
      PERFORM set_config('role', 'none', true);
      rule := 'true';
      IF guarded THEN
        SELECT '(' || coalesce(string_agg('(' || p.qual || ')', ' OR ') FILTER (WHERE p.polpermissive), 'false')
               || ')' || coalesce(' AND ' || string_agg('(' || p.qual || ')', ' AND ')
                                               FILTER (WHERE NOT p.polpermissive), '')
          INTO rule
          FROM (SELECT o.polpermissive, coalesce(pg_get_expr(o.polqual, o.polrelid), 'true') AS qual
                  FROM pg_policy o
                  WHERE o.polrelid = relation AND o.polcmd IN ('r', '*')
                    AND (o.polroles = '{0}' OR EXISTS (
                      SELECT FROM unnest(o.polroles) m WHERE m = 0 OR pg_has_role(roles[r], m, 'USAGE')))
                  ORDER BY o.polname) p;
      END IF;
      IF images IS NOT NULL THEN
        asker := lapwing_realtime.asker(full_name, short_name, names, key_join, rule, NULL);
        failed_numbers := '{}'; failed_claims := '{}';
        FOR one IN EXECUTE format('SELECT * FROM pg_temp.%I($1, $1, $1, NULL, $2, $3)', asker)
                   USING images, roles[r], theirs LOOP
          IF one.lw_failed THEN
            failed_numbers := failed_numbers || numbers[one.lw_subject];
            failed_claims := failed_claims || theirs[one.lw_subject];
          ELSIF one.lw_seen IS NOT NULL THEN
            subject := numbers[one.lw_subject]; kind := 'seen'; content := NULL; seen := one.lw_seen::text;
            RETURN NEXT;
          END IF;
        END LOOP;
        numbers := failed_numbers; theirs := failed_claims;
      END IF;
      CONTINUE WHEN cardinality(numbers) = 0;
      asker := lapwing_realtime.asker(full_name, short_name, names, key_join, rule, shown);
      FOR one IN EXECUTE format('SELECT * FROM pg_temp.%I($1, $1, $2, $3, $4, $5)', asker)
                 USING keys, olds, has_old, roles[r], theirs LOOP
        CONTINUE WHEN one.lw_seen IS NULL;
        subject := numbers[one.lw_subject]; place := r; kind := 'exact'; content := one.lw_records; seen := one.lw_seen::text;
        RETURN NEXT;
      END LOOP;
    EXCEPTION WHEN OTHERS THEN
      -- A role that does not exist, or is not ours to take: it sees nothing.
      NULL;
    END;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION lapwing_realtime.sight(
  relation oid, transactions bigint[], keys jsonb, olds jsonb, roles text[], role_of int[], claims text[])
RETURNS TABLE (subject int, place int, kind text, content text, seen text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  full_name text; secured boolean; column_names text[]; key_names text[]; named text[];
  names text; key_join text; cells text; told text; rows_of text; has_old text;
BEGIN
  SELECT format('%I.%I', n.nspname, c.relname), c.relrowsecurity INTO full_name, secured
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO key_names
    FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
    WHERE x.indrelid = relation AND x.indisprimary;
  subject := 0; place := 0; kind := 'rules';
  content := jsonb_build_object('secured', secured, 'key', coalesce(to_jsonb(key_names), '[]'))::text;
  RETURN NEXT;
  IF key_names IS NULL THEN
    RETURN;
  END IF;
  IF secured AND NOT lapwing_realtime.has(transactions) THEN
    kind := 'early'; content := NULL;
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT string_agg(format('t.%1$I = k.%1$I', c), ' AND ') INTO key_join FROM unnest(key_names) c;
  SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO column_names
    FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
  SELECT string_agg(quote_ident(c), ', ') || ', lw_place' INTO names FROM unnest(column_names) c;
  rows_of := '(SELECT array_agg(jsonb_populate_record(NULL::' || full_name
             || ', CASE e.value WHEN ''null'' THEN ''{}'' ELSE e.value END) ORDER BY e.ordinality)'
             || ' FROM jsonb_array_elements($%s) WITH ORDINALITY e)';
  has_old := '(SELECT array_agg(e.value <> ''null'' ORDER BY e.ordinality)'
             || ' FROM jsonb_array_elements($2) WITH ORDINALITY e)';
  IF NOT secured OR row_security_active(relation)
     OR EXISTS (SELECT FROM unnest(column_names) c WHERE NOT has_column_privilege(relation, c, 'SELECT'))
     OR EXISTS (SELECT FROM pg_policy o WHERE o.polrelid = relation
                                          AND pg_get_expr(o.polqual, o.polrelid) LIKE '%.*%') THEN
    RETURN QUERY EXECUTE format(
      'SELECT * FROM lapwing_realtime.ask($3, $4, $5, $6, NULL::%s[], %s, %s, %s, $7, $8, $9)',
      full_name, format(rows_of, 1), format(rows_of, 2), has_old)
      USING keys, olds, relation, names, key_names, key_join, roles, role_of, claims;
    RETURN;
  END IF;
  SELECT array_agg(DISTINCT a.attname::text) INTO named
    FROM pg_policy o
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = o.oid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.refobjsubid > 0
    JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = d.refobjsubid
    WHERE o.polrelid = relation;
  SELECT string_agg(CASE WHEN c = ANY (named) THEN format('t.%I', c) ELSE 'NULL' END, ', ' ORDER BY number),
         string_agg(CASE WHEN c = ANY (named) THEN format('t.%I', c) END, ', ' ORDER BY number)
    INTO cells, told FROM unnest(column_names) WITH ORDINALITY u (c, number);
  RETURN QUERY EXECUTE format(
    'WITH asked AS MATERIALIZED (SELECT %1$s AS keys, %2$s AS olds, %3$s AS has_old),'
    ' images AS MATERIALIZED ('
    '  SELECT k.lw_place, ''now'' AS kind, to_jsonb(t)::text AS content, ROW(%4$s)::text AS told, ROW(%5$s)::%6$s AS image'
    '   FROM asked, unnest(asked.keys) WITH ORDINALITY k (%7$s) JOIN %6$s t ON %8$s'
    '  UNION ALL'
    '  SELECT t.lw_place, ''old'', NULL, ROW(%4$s)::text, ROW(%5$s)::%6$s'
    '   FROM asked, unnest(asked.olds) WITH ORDINALITY t (%7$s) WHERE asked.has_old[t.lw_place]),'
    ' numbered AS MATERIALIZED ('
    '  SELECT *, dense_rank() OVER (ORDER BY told COLLATE "C") AS number FROM images)'
    ' SELECT 0, lw_place::int, kind, content, number::text FROM numbered'
    ' UNION ALL'
    ' SELECT a.* FROM asked, lapwing_realtime.ask($3, $4, $5, $6,'
    '  coalesce((SELECT array_agg(image ORDER BY number) FROM (SELECT DISTINCT ON (number) number, image FROM numbered) d),'
    '           ''{}''::%6$s[]),'
    '  asked.keys, asked.olds, asked.has_old, $7, $8, $9) a',
    format(rows_of, 1), format(rows_of, 2), has_old, coalesce(told, ''), cells, full_name, names, key_join)
    USING keys, olds, relation, names, key_names, key_join, roles, role_of, claims;
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
