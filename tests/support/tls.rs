//! What a registry behind TLS and a proxy takes: an authority of our own, and a proxy that leads every
//! host to one port of this machine.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use super::tool;

/// A certificate with its key, in PEM files.
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// One of an authority, that signs others.
    pub(crate) fn of_authority(dir: &Path) -> Self {
        let made = Self::at(dir, "authority");
        openssl("req -x509 -subj /CN=authority -days 2", &made);
        made
    }

    /// One of a server, signed by this authority.
    pub(crate) fn sign(&self, dir: &Path, host: &str) -> Self {
        let made = Self::at(dir, "server");
        let name = format!("subjectAltName=DNS:{host}");
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let signer = format!("-CA {certificate} -CAkey {key} -addext basicConstraints=CA:FALSE");
        let line = format!("req -x509 -subj /CN=server -days 2 {signer} -addext {name}");
        openssl(&line, &made);
        made
    }

    /// Speaking TLS with it, in the configuration of a registry.
    pub(crate) fn served(&self) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        format!(", tls: {{ certificate: {certificate}, key: {key} }}")
    }

    /// The same, only with those whose certificates an authority has signed.
    pub(crate) fn served_to(&self, clients: &Self) -> String {
        let authority = clients.certificate.display();
        self.served()
            .replace(" }", &format!(", clientcas: [{authority}] }}"))
    }

    fn at(dir: &Path, name: &str) -> Self {
        Self {
            certificate: dir.join(name).with_extension("crt"),
            key: dir.join(name).with_extension("key"),
        }
    }
}

fn openssl(line: &str, made: &Certificate) {
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let (certificate, key) = (made.certificate.display(), made.key.display());
    let line = format!("{line} {new} -out {certificate} -keyout {key}");
    tool::run("openssl", line.split(' ')).success();
}

/// A proxy for `https`; its threads end with the process.
pub(crate) struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Leads to a port on a loopback address, whatever host is asked for.
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let proxy = Self {
            port,
            asked: Arc::clone(&asked),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                // A client that hangs up early has what it wanted.
                thread::spawn(move || lead(stream, target, &asked));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The hosts and ports that it was asked for, each time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn lead(client: TcpStream, target: u16, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let host = line.split(' ').nth(1).unwrap_or_default();
    asked.lock().unwrap().push(host.to_owned());
    while line != "\r\n" {
        line.clear();
        head.read_line(&mut line)?;
    }
    let server = TcpStream::connect(("127.0.0.1", target))?;
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || pass_on(&from, &to));
    pass_on(&client, &server)?;
    back.join().unwrap()
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    io::copy(&mut from, &mut to)?;
    to.shutdown(Shutdown::Write)
}
