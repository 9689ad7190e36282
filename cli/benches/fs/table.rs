//! The printed table: Markdown, so that it can be kept.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::ground::Ground;

/// Times of each row on each ground.
#[derive(Default)]
pub(crate) struct Table {
    /// In the order of their first appearance.
    names: Vec<&'static str>,
    times: BTreeMap<(&'static str, Ground), Vec<Duration>>,
}

impl Table {
    pub(crate) fn add(&mut self, name: &'static str, ground: Ground, took: Duration) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.times.entry((name, ground)).or_default().push(took);
    }

    /// In seconds.
    fn median(&self, name: &'static str, ground: Ground) -> f64 {
        let mut times = self.times.get(&(name, ground)).cloned().unwrap_or_default();
        times.sort_unstable();
        times
            .get(times.len() / 2)
            .map_or(f64::NAN, Duration::as_secs_f64)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| row | overlayfs, s | fuse-overlayfs | iechor |")?;
        writeln!(f, "| --- | ---: | ---: | ---: |")?;
        for &name in &self.names {
            let kernel = self.median(name, Ground::Kernel);
            let ratio = |ground| self.median(name, ground) / kernel;
            writeln!(
                f,
                "| {name} | {kernel:.3} | {:.2} | {:.2} |",
                ratio(Ground::FuseOverlayfs),
                ratio(Ground::Ours)
            )?;
        }
        Ok(())
    }
}
