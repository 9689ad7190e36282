//! The system-call filters of a step.
//!
//! A filter answers what it does not know with one errno only, and two are needed: "no such call"
//! for calls newer than this profile, so that C libraries fall back to an older one, and "not
//! permitted" for calls that are withheld. So there are two filters: the first lets through the
//! calls that this profile has judged ([`known`]); the second, loaded after it (of two errno answers
//! the kernel returns the later filter's), refuses those of them that are withheld ([`withheld`]).
//!
//! Both are loaded for every step, and the kernel translates them each time, so they are short.

mod known;
mod withheld;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

use crate::ExecError;
use crate::wire::{Malformed, Wire, wire_struct};
use withheld::{REFUSED_SOCKETS, TERMINAL_INJECTION, WITHHELD};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The two compiled filters, in the order in which they are to be loaded.
#[derive(Debug)]
pub(crate) struct Filters {
    known: Instructions,
    refuse: Instructions,
}

impl Filters {
    /// Compiles the profile for this machine.
    pub(crate) fn compile() -> Result<Self, ExecError> {
        let build = || -> Result<Self, seccompiler::Error> {
            let machine = std::env::consts::ARCH.try_into()?;
            let not_permitted = SeccompAction::Errno(libc::EPERM as u32);
            let refuse =
                SeccompFilter::new(refused()?, SeccompAction::Allow, not_permitted, machine)?;
            Ok(Self {
                known: Instructions(known::filter()),
                refuse: Instructions(refuse.try_into()?),
            })
        };
        build().map_err(|error| ExecError::Filters {
            reason: error.to_string(),
        })
    }

    /// The programs, in the order in which they are to be loaded.
    pub(crate) fn in_order(&self) -> [&[sock_filter]; 2] {
        [&self.known.0, &self.refuse.0]
    }
}

/// An empty list of rules stands for "whatever the arguments".
fn refused() -> Result<Rules, seccompiler::Error> {
    let mut rules: Rules = WITHHELD.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, new_namespace_rules()?);
    rules.insert(libc::SYS_socket, any_of(0, &REFUSED_SOCKETS)?);
    rules.insert(libc::SYS_ioctl, any_of(1, &TERMINAL_INJECTION)?);
    rules.insert(
        libc::SYS_personality,
        vec![none_of(0, &withheld::PERSONALITIES)?],
    );
    Ok(rules)
}

/// A rule for each flag of `clone` that makes a namespace.
fn new_namespace_rules() -> Result<Vec<SeccompRule>, seccompiler::Error> {
    let rule = |flag: &libc::c_int| {
        let flag = u64::from(flag.cast_unsigned());
        SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    };
    Ok(withheld::NAMESPACES
        .iter()
        .map(rule)
        .collect::<Result<_, _>>()?)
}

/// A rule for each value that argument `index` must not have.
fn any_of(index: u8, values: &[u64]) -> Result<Vec<SeccompRule>, seccompiler::Error> {
    let rule = |value: &u64| SeccompRule::new(vec![condition(index, SeccompCmpOp::Eq, *value)?]);
    Ok(values.iter().map(rule).collect::<Result<_, _>>()?)
}

/// One rule that holds when argument `index` has none of the values.
fn none_of(index: u8, values: &[u64]) -> Result<SeccompRule, seccompiler::Error> {
    let differs = |value: &u64| condition(index, SeccompCmpOp::Ne, *value);
    Ok(SeccompRule::new(
        values.iter().map(differs).collect::<Result<_, _>>()?,
    )?)
}

/// Compares the low 32 bits, which are all that the kernel looks at in these arguments.
fn condition(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

wire_struct!(Filters { known, refuse });

/// A compiled filter.
#[derive(Debug)]
struct Instructions(BpfProgram);

impl Wire for Instructions {
    fn put(&self, out: &mut Vec<u8>) {
        let words: Vec<u64> = self.0.iter().map(pack).collect();
        words.put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let words = Vec::<u64>::take(from)?;
        Ok(Self(words.into_iter().map(unpack).collect()))
    }
}

fn pack(instruction: &sock_filter) -> u64 {
    u64::from(instruction.code)
        | u64::from(instruction.jt) << 16
        | u64::from(instruction.jf) << 24
        | u64::from(instruction.k) << 32
}

fn unpack(word: u64) -> sock_filter {
    sock_filter {
        code: word as u16,
        jt: (word >> 16) as u8,
        jf: (word >> 24) as u8,
        k: (word >> 32) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_the_channel() {
        let filters = Filters::compile().unwrap();
        let mut bytes = Vec::new();
        filters.put(&mut bytes);
        let back = Filters::take(&mut bytes.as_slice()).unwrap();
        assert_eq!(back.in_order(), filters.in_order());
    }

    #[test]
    fn every_withheld_call_is_a_known_one() {
        assert!(WITHHELD.iter().all(|call| known::is_known(*call)));
        assert!(!known::is_known(libc::SYS_clone3));
    }

    #[test]
    fn the_filters_are_short() {
        let filters = Filters::compile().unwrap();
        let len: usize = filters.in_order().iter().map(|program| program.len()).sum();
        assert!(len < 400, "{len} instructions");
    }
}
