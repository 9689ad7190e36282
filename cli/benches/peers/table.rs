//! The printed table.

use std::fmt;
use std::time::Duration;

use crate::measure::Medians;
use crate::workload::Workload;

/// Rows of a race each.
pub(crate) struct Table {
    rows: Vec<[String; 5]>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let head = ["workload", "iechor", "peer", "ratio", "aim"].map(str::to_owned);
        Self { rows: vec![head] }
    }

    pub(crate) fn add(&mut self, workload: &Workload, medians: &Medians) {
        let parts = workload.parts;
        self.rows.push([
            workload.name.to_owned(),
            milliseconds(medians.ours / parts),
            format!("{} {}", milliseconds(medians.peer / parts), workload.peer),
            format!(
                "{:.2}",
                medians.ours.as_secs_f64() / medians.peer.as_secs_f64()
            ),
            workload.aim.to_owned(),
        ]);
    }

    fn widths(&self) -> [usize; 5] {
        std::array::from_fn(|column| {
            self.rows
                .iter()
                .map(|row| row[column].len())
                .max()
                .unwrap_or(0)
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
