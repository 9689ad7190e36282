-- What a RUN after the step gets besides the configuration (JSON; ARG values, network, hosts), of the
-- steps that change it: a shell at a later step of the stage gets the same.
ALTER TABLE build_steps ADD COLUMN surroundings TEXT;
