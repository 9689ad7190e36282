-- For prunes: the newest build of each iEchorfile, and the newest that succeeded, without a look at
-- any other one.
CREATE INDEX builds_by_outcome ON builds (context, file, target, status);
