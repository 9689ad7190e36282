//! A page as headless Chromium shows it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Output, tool};

/// A page around the page: Chromium's own windows are never narrower than 500 pixels, a frame is. When
/// all has settled, what only the browser knows goes into attributes of the page's root element,
/// and that takes the place of this one.
const FRAME: &str = r#"<!doctype html>
<body style="margin: 0">
<script>
const frame = document.createElement('iframe');
frame.style = 'border: 0; height: 900px; width: WIDTHpx';
frame.srcdoc = PAGE;
frame.onload = () => setTimeout(() => {
  const root = frame.contentDocument.documentElement;
  root.dataset.width = frame.contentWindow.innerWidth;
  root.dataset.overflow = root.scrollWidth > frame.contentWindow.innerWidth;
  document.documentElement.replaceWith(root);
}, 500);
document.body.append(frame);
</script>
"#;

/// A page after its script has run.
#[derive(Debug)]
pub(crate) struct Page {
    dom: String,
    /// What was written to the console, errors of the page among it.
    pub(crate) console: Vec<String>,
}

impl Page {
    /// Opens a file in a window of this width.
    pub(crate) fn open(file: &Path, width: u32) -> Self {
        // The browser's own files stay out of the directories that tests look through.
        let dir = tempfile::Builder::new()
            .prefix("chromium-")
            .tempdir()
            .unwrap();
        let page = framed(file, width, dir.path());
        let shown = Output::of(&mut browser(dir.path(), &page)).success();
        let console = shown
            .stderr
            .lines()
            .filter(|line| line.contains(":CONSOLE"));
        Self {
            console: console.map(str::to_owned).collect(),
            dom: shown.stdout,
        }
    }

    /// How many boxes of a kind were drawn.
    pub(crate) fn boxes(&self, kind: &str) -> usize {
        self.dom.matches(&format!("data-box=\"{kind}\"")).count()
    }

    /// Whether the document has this text, as it is in its source.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.dom.contains(text)
    }

    /// Nothing went wrong, all was drawn, and nothing sticks out at the side.
    #[track_caller]
    pub(crate) fn is_whole(&self, width: u32) -> &Self {
        assert_eq!(self.console, [] as [String; 0]);
        assert!(self.has("data-drawn=\"yes\""), "{}", self.dom);
        assert!(self.has(&format!("data-width=\"{width}\"")), "{}", self.dom);
        assert!(self.has("data-overflow=\"false\""), "wider than {width}");
        self
    }
}

fn framed(file: &Path, width: u32, dir: &Path) -> PathBuf {
    let frame = dir.join("frame.html");
    let page = Value::from(fs::read_to_string(file).unwrap());
    // As a string of a script it must not end that script.
    let page = page.to_string().replace("</", "<\\/");
    let text = FRAME
        .replace("WIDTH", &width.to_string())
        .replace("PAGE", &page);
    fs::write(&frame, text).unwrap();
    frame
}

fn browser(dir: &Path, page: &Path) -> Command {
    let mut command = Command::new("chromium");
    command
        // Chromium's sandbox does not start as root; the page is our own.
        .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
        .args([
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-crash-reporter",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .arg("--window-size=1600,1000")
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .env("HOME", dir)
        .env("TMPDIR", dir);
    command
}

/// The data that a report has for its script.
#[track_caller]
pub(crate) fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    tool::json(json)
}
