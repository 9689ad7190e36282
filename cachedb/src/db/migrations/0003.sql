-- What a command was run with (JSON, without any secret's value), so that a shell can stand where it
-- stood: for each executed RUN, and for those that failed.
CREATE TABLE run_setups (
  record INTEGER PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,
  setup  TEXT NOT NULL
) STRICT;
ALTER TABLE build_steps ADD COLUMN setup TEXT;
