-- The outbox learns who is at work on a message, and keeps what has ended for a while: a message
-- that comes again is then known (core/outbox.hpp).
ALTER TABLE outbox ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting'
  CHECK (state IN ('waiting', 'sending', 'sent', 'dead'));
ALTER TABLE outbox ADD COLUMN claim_count INTEGER NOT NULL DEFAULT 0; -- grows with each claim
ALTER TABLE outbox ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0;   -- created, or sent again
-- due_at of a message that is being sent: when the claim runs out.
DROP INDEX outbox_by_due;
CREATE INDEX outbox_by_due ON outbox (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_by_end ON outbox (kind, done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (kind, id) WHERE state = 'dead';
