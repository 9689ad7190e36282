-- What a picture of a build needs: when each step began, counted from the build's own beginning,
-- and which other stages (indexes, a JSON array) it took its base or files from.
ALTER TABLE build_steps ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE build_steps ADD COLUMN begun_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE build_steps ADD COLUMN takes_from TEXT NOT NULL DEFAULT '[]';
