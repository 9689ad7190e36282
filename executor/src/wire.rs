//! The encoding of messages between the builder and a step's init.
//!
//! Both ends are the same program, so the format has no version: fields in order, integers
//! little-endian, sequences and byte strings after a 64-bit length, enums after a one-byte tag.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A value that can be sent between the builder and init.
pub(crate) trait Wire: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes a value off the front.
    fn take(from: &mut &[u8]) -> Result<Self, Malformed>;
}

/// Bytes that no message of this program has.
#[derive(Debug, thiserror::Error)]
#[error("a message between the builder and the step's init is malformed")]
pub(crate) struct Malformed;

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// Implements [`Wire`] for a struct: its fields, in this order.
macro_rules! wire_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::wire::Wire::put(&self.$field, out);)*
            }

            fn take(from: &mut &[u8]) -> Result<Self, $crate::wire::Malformed> {
                Ok(Self { $($field: $crate::wire::Wire::take(from)?),* })
            }
        }
    };
}

/// Implements [`Wire`] for an enum: a tag, then the variant's fields in this order.
macro_rules! wire_enum {
    ($name:ident { $($tag:literal => $variant:ident { $($field:ident),* }),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        out.push($tag);
                        $($crate::wire::Wire::put($field, out);)*
                    })*
                }
            }

            fn take(from: &mut &[u8]) -> Result<Self, $crate::wire::Malformed> {
                match <u8 as $crate::wire::Wire>::take(from)? {
                    $($tag => Ok(Self::$variant { $($field: $crate::wire::Wire::take(from)?),* }),)*
                    _ => Err($crate::wire::Malformed),
                }
            }
        }
    };
}

pub(crate) use {wire_enum, wire_struct};

macro_rules! wire_integer {
    ($($integer:ty)*) => {$(
        impl Wire for $integer {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
                let (bytes, rest) = from.split_first_chunk().ok_or(Malformed)?;
                *from = rest;
                Ok(Self::from_le_bytes(*bytes))
            }
        }
    )*};
}

wire_integer!(u8 i32 u32 u64);

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|item| item.put(out));
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let len = u64::take(from)?;
        (0..len).map(|_| T::take(from)).collect()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        self.iter().for_each(|item| item.put(out));
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::take(from)? {
            0 => Ok(None),
            _ => T::take(from).map(Some),
        }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl Wire for OsString {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        take_bytes(from).map(|bytes| Self::from_vec(bytes.to_vec()))
    }
}

impl Wire for PathBuf {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_os_str().as_bytes(), out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        OsString::take(from).map(Self::from)
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        Self::from_utf8(take_bytes(from)?.to_vec()).map_err(|_| Malformed)
    }
}

/// Only the operating system's number travels; all errors of the child's side have one.
impl Wire for io::Error {
    fn put(&self, out: &mut Vec<u8>) {
        self.raw_os_error().unwrap_or(libc::EIO).put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        i32::take(from).map(Self::from_raw_os_error)
    }
}

fn put_len(len: usize, out: &mut Vec<u8>) {
    (len as u64).put(out);
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let len = usize::try_from(u64::take(from)?).map_err(|_| Malformed)?;
    let (bytes, rest) = from.split_at_checked(len).ok_or(Malformed)?;
    *from = rest;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Wire>(value: &T) -> T {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        let mut rest = bytes.as_slice();
        let back = T::take(&mut rest).unwrap();
        assert!(rest.is_empty());
        back
    }

    #[test]
    fn values_come_back_as_they_were() {
        let env = vec![(OsString::from("A"), OsString::from_vec(vec![0xff, b'\n']))];
        assert_eq!(round_trip(&env), env);
        assert_eq!(round_trip(&Some(7u64)), Some(7));
        assert_eq!(round_trip(&String::from("ü")), "ü");
        let error = round_trip(&io::Error::from_raw_os_error(libc::ENOENT));
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn every_truncation_is_refused() {
        let mut bytes = Vec::new();
        vec![(OsString::from("PATH"), Some(3u32))].put(&mut bytes);
        for len in 0..bytes.len() {
            assert!(Vec::<(OsString, Option<u32>)>::take(&mut &bytes[..len]).is_err());
        }
    }
}
