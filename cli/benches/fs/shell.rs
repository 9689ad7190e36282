//! What is timed: lines of shell.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Runs a script in `dir`; `$IN` is the directory of the inputs. Its output is shown only when it fails.
pub(crate) fn shell(script: &str, dir: &Path, inputs: &Path) -> Result<()> {
    let output = Command::new("/bin/sh")
        .args(["-ec", script])
        .current_dir(dir)
        .env("IN", inputs)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start a shell for {script:?}"))?;
    ensure!(
        output.status.success(),
        "{script:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
