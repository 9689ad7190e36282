-- What a copy of the records beside the database is held against. One row.
CREATE TABLE copy_state (
  only     INTEGER PRIMARY KEY CHECK (only = 1),
  database BLOB NOT NULL CHECK (length(database) = 16),  -- tells this database from another one
  removed  INTEGER NOT NULL                              -- how many records were removed
) STRICT;
INSERT INTO copy_state VALUES (1, randomblob(16), 0);

CREATE TRIGGER records_removed AFTER DELETE ON records BEGIN
  UPDATE copy_state SET removed = removed + 1;
END;
