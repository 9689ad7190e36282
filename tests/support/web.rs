//! A web server of one test, for ADD of URLs: one file, with an ETag, requests counted.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is served now.
#[derive(Debug, Clone, Default)]
struct Page {
    body: Vec<u8>,
    etag: String,
    /// How often the body went out.
    bodies: usize,
}

/// A running server; its thread ends with the process.
pub(crate) struct Web {
    page: Arc<Mutex<Page>>,
    port: u16,
}

impl Web {
    /// Serves `body` under every path.
    pub(crate) fn start(body: &str, etag: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = Self {
            page: Arc::default(),
            port,
        };
        web.set(body, etag);
        let page = Arc::clone(&web.page);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up early has what it wanted.
                let _answered = answer(&stream, &page);
            }
        });
        web
    }

    /// Serves something else from now on.
    pub(crate) fn set(&self, body: &str, etag: &str) {
        let mut page = self.page.lock().unwrap();
        page.body = body.as_bytes().to_vec();
        page.etag = etag.to_owned();
    }

    /// The address of a file.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// How often the body was sent.
    pub(crate) fn bodies(&self) -> usize {
        self.page.lock().unwrap().bodies
    }
}

fn answer(mut stream: &TcpStream, page: &Mutex<Page>) -> std::io::Result<()> {
    let mut request = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        request.push(line);
    }
    let mut page = page.lock().unwrap();
    let known = request
        .iter()
        .any(|line| line.to_lowercase().starts_with("if-none-match:") && line.contains(&page.etag));
    let head = request.first().is_some_and(|line| line.starts_with("HEAD"));
    let status = if known { "304 Not Modified" } else { "200 OK" };
    let length = if known { 0 } else { page.body.len() };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"{}\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
        page.etag
    )?;
    if !known && !head {
        page.bodies += 1;
        stream.write_all(&page.body)?;
    }
    Ok(())
}
