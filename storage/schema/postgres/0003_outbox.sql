-- The outbox learns who is at work on a message, and keeps what has ended for a while: a message
-- that comes again is then known (core/outbox.hpp).
ALTER TABLE outbox
  ADD COLUMN state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
  ADD COLUMN claim_count bigint NOT NULL DEFAULT 0,      -- grows with each claim
  ADD COLUMN queued_at timestamptz NOT NULL DEFAULT now(); -- created, or sent again
-- due_at of a message that is being sent: when the claim runs out.
DROP INDEX outbox_by_due;
CREATE INDEX outbox_by_due ON outbox (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_by_end ON outbox (kind, done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (kind, id) WHERE state = 'dead';
