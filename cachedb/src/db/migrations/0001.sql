-- Bytes that several rows share, by their SHA-256: image configs and encoded file sets.
CREATE TABLE shared (
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  bytes  BLOB NOT NULL
) STRICT;

-- Executed instructions. AUTOINCREMENT: an id is never given twice, and the newest is the greatest.
CREATE TABLE records (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  parent      INTEGER REFERENCES records (id),
  key         BLOB NOT NULL CHECK (length(key) = 32),
  parent_key  BLOB CHECK (length(parent_key) = 32),
  kind        TEXT NOT NULL,
  instruction TEXT NOT NULL,
  shown       TEXT,
  text_hash   INTEGER NOT NULL,
  file        TEXT NOT NULL,
  line        INTEGER NOT NULL,
  stage_index INTEGER NOT NULL,
  stage_name  TEXT,
  position    INTEGER NOT NULL,
  snapshot    BLOB CHECK (length(snapshot) = 32),
  config      BLOB NOT NULL CHECK (length(config) = 32),
  created     INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  own_bytes   INTEGER NOT NULL,
  boot        TEXT,            -- the boot that sealed it; NULL when durable
  seal        BLOB NOT NULL CHECK (length(seal) = 32),
  CHECK ((parent IS NULL) = (parent_key IS NULL))
) STRICT;

CREATE INDEX records_by_key ON records (key);
CREATE INDEX records_by_snapshot ON records (snapshot);
CREATE INDEX records_by_kind ON records (parent, kind);
CREATE INDEX records_by_text ON records (parent, text_hash);
CREATE INDEX records_by_place ON records (file, position);
CREATE INDEX records_by_boot ON records (boot) WHERE boot IS NOT NULL;

-- What changes at each use, apart from the wide rows: twenty hits dirty one page.
CREATE TABLE usage (
  record    INTEGER PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,
  last_used INTEGER NOT NULL,
  sequence  INTEGER NOT NULL,
  hits      INTEGER NOT NULL
) STRICT;

-- One row. Uses are counted, not timed: clocks jump.
CREATE TABLE use_counter (
  only  INTEGER PRIMARY KEY CHECK (only = 1),
  value INTEGER NOT NULL
) STRICT;
INSERT INTO use_counter VALUES (1, 0);

-- The inputs behind each key. form: 1 text, 2 digest, 3 properties (JSON), 4 files (shared).
CREATE TABLE inputs (
  record  INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  rule    INTEGER NOT NULL,
  name    TEXT NOT NULL,
  note    TEXT,
  form    INTEGER NOT NULL CHECK (form BETWEEN 1 AND 4),
  text    TEXT CHECK ((text IS NOT NULL) = (form IN (1, 3))),
  digest  BLOB CHECK ((digest IS NOT NULL) = (form IN (2, 4))),
  PRIMARY KEY (record, ordinal)
) STRICT, WITHOUT ROWID;

-- Keys whose records were pruned, so that the next miss can say so.
CREATE TABLE tombstones (
  key    BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
  pruned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Change times behind a record, for the warning of rule C6.
CREATE TABLE witnesses (
  record   INTEGER PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,
  root_dev INTEGER NOT NULL,
  root_ino INTEGER NOT NULL,
  ctimes   BLOB NOT NULL
) STRICT;

CREATE TABLE stat_memos (
  dev     INTEGER NOT NULL,
  ino     INTEGER NOT NULL,
  size    INTEGER NOT NULL,
  mtime   INTEGER NOT NULL,
  ctime   INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) = 32),
  PRIMARY KEY (dev, ino)
) STRICT, WITHOUT ROWID;

CREATE TABLE http_validators (
  url           TEXT NOT NULL PRIMARY KEY,
  etag          TEXT,
  last_modified TEXT,
  content       BLOB NOT NULL CHECK (length(content) = 32),
  size          INTEGER NOT NULL,
  file_name     TEXT,
  fetched       INTEGER NOT NULL
) STRICT;

CREATE TABLE images (
  id       BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  config   TEXT NOT NULL,
  manifest TEXT,
  record   INTEGER REFERENCES records (id) ON DELETE SET NULL,
  platform TEXT NOT NULL,
  created  INTEGER NOT NULL,
  size     INTEGER NOT NULL
) STRICT;
CREATE INDEX images_by_record ON images (record);

CREATE TABLE image_layers (
  image    BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  ordinal  INTEGER NOT NULL,
  snapshot BLOB NOT NULL CHECK (length(snapshot) = 32),
  PRIMARY KEY (image, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_by_snapshot ON image_layers (snapshot);

CREATE TABLE image_names (
  name  TEXT NOT NULL PRIMARY KEY,
  image BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX image_names_by_image ON image_names (image);

CREATE TABLE layers (
  snapshot BLOB NOT NULL PRIMARY KEY CHECK (length(snapshot) = 32),
  diff_id  BLOB NOT NULL CHECK (length(diff_id) = 32),
  tar_size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX layers_by_diff_id ON layers (diff_id);

CREATE TABLE compressed_layers (
  diff_id    BLOB NOT NULL CHECK (length(diff_id) = 32),
  media_type TEXT NOT NULL,
  digest     BLOB NOT NULL CHECK (length(digest) = 32),
  size       INTEGER NOT NULL,
  PRIMARY KEY (diff_id, media_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE builds (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  started  INTEGER NOT NULL,
  finished INTEGER,
  file     TEXT NOT NULL,
  context  TEXT NOT NULL,
  target   TEXT,
  status   TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
  tags     TEXT NOT NULL,      -- JSON array
  image    BLOB CHECK (length(image) = 32)
) STRICT;
CREATE INDEX builds_by_file ON builds (context, file, target);

CREATE TABLE build_steps (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  build       INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
  ordinal     INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  text        TEXT NOT NULL,
  file        TEXT NOT NULL,
  line        INTEGER NOT NULL,
  stage_index INTEGER NOT NULL,
  stage_name  TEXT,
  position    INTEGER NOT NULL,
  record      INTEGER REFERENCES records (id) ON DELETE SET NULL,
  parent      INTEGER REFERENCES records (id) ON DELETE SET NULL,
  snapshot    BLOB CHECK (length(snapshot) = 32),
  outcome     TEXT NOT NULL
    CHECK (outcome IN ('hit', 'miss', 'failed', 'cancelled', 'skipped')),
  reason      TEXT,
  duration_ms INTEGER NOT NULL,
  log         TEXT,
  UNIQUE (build, ordinal)
) STRICT;
CREATE INDEX build_steps_by_record ON build_steps (record);
CREATE INDEX build_steps_by_parent ON build_steps (parent);
CREATE INDEX build_steps_failed ON build_steps (snapshot)
  WHERE outcome = 'failed' AND snapshot IS NOT NULL;
