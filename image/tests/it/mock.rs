//! A registry on a loopback address that answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Announced length, if it is not that of the body.
    length: Option<usize>,
}

pub(crate) fn reply(status: u16) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        length: None,
    }
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Announces more than is sent, so that the answer breaks off.
    pub(crate) fn cut_from(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    fn write(&self, stream: &mut TcpStream, with_body: bool) -> std::io::Result<()> {
        let length = self.length.unwrap_or(self.body.len());
        write!(
            stream,
            "HTTP/1.1 {} Status\r\nContent-Length: {length}\r\n",
            self.status
        )?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "Connection: close\r\n\r\n")?;
        stream.write_all(if with_body { &self.body } else { b"" })
    }
}

type Rule = Box<dyn FnMut(&Received) -> Option<Reply> + Send>;

/// A registry that runs until the test ends. Requests are answered by the first rule that takes
/// them, with 404 if none does.
pub(crate) struct Mock {
    pub(crate) host: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Mock {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let mock = Self {
            host,
            rules: Arc::default(),
            received: Arc::default(),
        };
        let (rules, received) = (Arc::clone(&mock.rules), Arc::clone(&mock.received));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that goes away in the middle is part of some tests.
                let _ = serve(stream, &rules, &received);
            }
        });
        mock
    }

    /// Adds a rule.
    pub(crate) fn rule(
        &self,
        rule: impl FnMut(&Received) -> Option<Reply> + Send + 'static,
    ) -> &Self {
        self.rules.lock().unwrap().push(Box::new(rule));
        self
    }

    /// Answers requests that begin with `line`.
    pub(crate) fn on(&self, line: &str, reply: Reply) -> &Self {
        let line = line.to_owned();
        self.rule(move |request| request.line.starts_with(&line).then(|| reply.clone()))
    }

    /// Answers the first requests that begin with `line` one after the other.
    pub(crate) fn once(&self, line: &str, replies: impl IntoIterator<Item = Reply>) -> &Self {
        let line = line.to_owned();
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        self.rule(move |request| {
            if request.line.starts_with(&line) {
                replies.pop_front()
            } else {
                None
            }
        })
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.received()
            .into_iter()
            .map(|request| request.line)
            .collect()
    }
}

fn serve(
    mut stream: TcpStream,
    rules: &Mutex<Vec<Rule>>,
    received: &Mutex<Vec<Received>>,
) -> std::io::Result<()> {
    let request = read_request(&mut BufReader::new(stream.try_clone()?))?;
    received.lock().unwrap().push(request.clone());
    let found = rules
        .lock()
        .unwrap()
        .iter_mut()
        .find_map(|rule| rule(&request));
    found
        .unwrap_or_else(|| reply(404))
        .write(&mut stream, !request.line.starts_with("HEAD "))
}

fn read_request(input: &mut impl BufRead) -> std::io::Result<Received> {
    let mut lines = input.by_ref().lines();
    let line = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    for header in lines {
        match header?.split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Received {
        line,
        headers,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|value| value.parse().ok());
    input
        .take(length.unwrap_or(0))
        .read_to_end(&mut request.body)?;
    Ok(request)
}
