-- When the record of a step was pruned, which leaves the step without one.
ALTER TABLE build_steps ADD COLUMN pruned INTEGER;
