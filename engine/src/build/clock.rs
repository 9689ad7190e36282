//! Time: read once a build, so that everything it makes agrees.

use std::time::{SystemTime, UNIX_EPOCH};

use iechor_cachedb::UnixMillis;
use iechor_image::config::Created;
use iechor_snapshotter::Timestamp;

/// The time at which a build began, and what it writes as such.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// `SOURCE_DATE_EPOCH`: what is written instead of the time.
    epoch: Option<i64>,
}

impl Clock {
    pub(crate) fn start(epoch: Option<i64>) -> Self {
        Self { epoch }
    }

    /// Now, for records and the history of builds.
    pub(crate) fn now(&self) -> UnixMillis {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn written(&self) -> Timestamp {
        let UnixMillis(now) = self.now();
        match self.epoch {
            Some(secs) => Timestamp { secs, nanos: 0 },
            None => Timestamp {
                secs: now.div_euclid(1000),
                nanos: u32::try_from(now.rem_euclid(1000)).unwrap_or(0) * 1_000_000,
            },
        }
    }

    /// What an image says about when it was made.
    pub(crate) fn created(&self) -> Created {
        let Timestamp { secs, nanos } = self.written();
        let nanos = i32::try_from(nanos).unwrap_or(0);
        let time = jiff::Timestamp::new(secs, nanos).unwrap_or_default();
        time.to_string()
    }

    /// The modification time of what the build itself makes: directories, heredoc files.
    pub(crate) fn file_time(&self) -> Timestamp {
        self.written()
    }
}
