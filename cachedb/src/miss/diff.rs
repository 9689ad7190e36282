//! What differs between two recipes.

use std::collections::BTreeMap;

use super::MissReason;
use super::files;
use crate::file_set::FileSet;
use crate::recipe::{Input, InputValue, Recipe};

/// What differs between two recipes, the most telling first; empty when instruction and inputs
/// are equal. Their parents are not compared.
pub fn diff(old: &Recipe, new: &Recipe) -> Vec<MissReason> {
    let mut reasons = Vec::new();
    reasons.extend(instruction(old, new));
    let pairs = Pairs::of(&old.inputs, &new.inputs);
    for (old, new) in &pairs.both {
        changed(old, new, &mut reasons);
    }
    pairs
        .added
        .iter()
        .for_each(|input| came(input, &mut reasons));
    pairs
        .removed
        .iter()
        .for_each(|input| went(input, &mut reasons));
    if reasons.is_empty() && !same_inputs(old, new) {
        reasons.push(MissReason::InputsReordered);
    }
    reasons
}

fn instruction(old: &Recipe, new: &Recipe) -> Option<MissReason> {
    if (&old.kind, &old.instruction) == (&new.kind, &new.instruction) {
        return None;
    }
    let shown = old.text() != new.text();
    let text = |recipe: &Recipe| {
        if shown {
            recipe.text().to_owned()
        } else {
            recipe.instruction.clone()
        }
    };
    Some(MissReason::InstructionChanged {
        old: text(old),
        new: text(new),
    })
}

/// Whether what enters the key of the inputs is the same: notes do not.
fn same_inputs(old: &Recipe, new: &Recipe) -> bool {
    let keyed = |input: &Input| (input.rule, input.name.clone(), input.value.clone());
    old.inputs.len() == new.inputs.len()
        && old
            .inputs
            .iter()
            .map(keyed)
            .eq(new.inputs.iter().map(keyed))
}

/// Inputs of two recipes, matched by name; of inputs of one name the n-th with the n-th.
struct Pairs<'a> {
    both: Vec<(&'a Input, &'a Input)>,
    added: Vec<&'a Input>,
    removed: Vec<&'a Input>,
}

impl<'a> Pairs<'a> {
    fn of(old: &'a [Input], new: &'a [Input]) -> Self {
        let mut olds: BTreeMap<(&str, usize), &Input> = numbered(old).collect();
        let mut pairs = Self {
            both: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
        };
        for (name, input) in numbered(new) {
            match olds.remove(&name) {
                Some(old) => pairs.both.push((old, input)),
                None => pairs.added.push(input),
            }
        }
        pairs.removed.extend(olds.into_values());
        pairs
    }
}

/// Each input with its name and how many of that name came before.
fn numbered(inputs: &[Input]) -> impl Iterator<Item = ((&str, usize), &Input)> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    inputs.iter().map(move |input| {
        let count = seen.entry(&input.name).or_default();
        *count += 1;
        ((input.name.as_str(), *count), input)
    })
}

fn changed(old: &Input, new: &Input, to: &mut Vec<MissReason>) {
    if old.value == new.value {
        return;
    }
    match (&old.value, &new.value) {
        (InputValue::Files(before), InputValue::Files(after)) => files::diff(before, after, to),
        (InputValue::Properties(before), InputValue::Properties(after)) => {
            properties(&new.name, before, after, to);
        }
        (InputValue::Digest(_), InputValue::Digest(_)) => to.push(digest(Some(old), Some(new))),
        (InputValue::Text(_), InputValue::Text(_)) => to.push(text(Some(old), Some(new))),
        _ => {
            went(old, to);
            came(new, to);
        }
    }
}

fn came(input: &Input, to: &mut Vec<MissReason>) {
    match &input.value {
        InputValue::Text(_) => to.push(text(None, Some(input))),
        InputValue::Digest(_) => to.push(digest(None, Some(input))),
        InputValue::Properties(_) => to.push(MissReason::MountAdded {
            name: input.name.clone(),
        }),
        InputValue::Files(files) => {
            files::diff(&FileSet::new(files.mode(), Vec::new()), files, to);
        }
    }
}

fn went(input: &Input, to: &mut Vec<MissReason>) {
    match &input.value {
        InputValue::Text(_) => to.push(text(Some(input), None)),
        InputValue::Digest(_) => to.push(digest(Some(input), None)),
        InputValue::Properties(_) => {
            to.push(MissReason::MountRemoved {
                name: input.name.clone(),
            });
        }
        InputValue::Files(files) => {
            files::diff(files, &FileSet::new(files.mode(), Vec::new()), to);
        }
    }
}

fn text(old: Option<&Input>, new: Option<&Input>) -> MissReason {
    let value = |input: &Input| match &input.value {
        InputValue::Text(text) => Some(text.clone()),
        _ => None,
    };
    MissReason::ValueChanged {
        name: old
            .or(new)
            .map(|input| input.name.clone())
            .unwrap_or_default(),
        old: old.and_then(value),
        new: new.and_then(value),
    }
}

fn digest(old: Option<&Input>, new: Option<&Input>) -> MissReason {
    let value = |input: &Input| match &input.value {
        InputValue::Digest(digest) => Some(*digest),
        _ => None,
    };
    let renamed = match (old, new) {
        (Some(old), Some(new)) if old.note != new.note => new.note.clone(),
        _ => None,
    };
    MissReason::DigestChanged {
        name: old.or(new).map(noted).unwrap_or_default(),
        renamed,
        old: old.and_then(value),
        new: new.and_then(value),
    }
}

fn noted(input: &Input) -> String {
    match &input.note {
        Some(note) => format!("{} {note}", input.name),
        None => input.name.clone(),
    }
}

fn properties(
    name: &str,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    to: &mut Vec<MissReason>,
) {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|property| old.get(*property) != new.get(*property));
    to.extend(
        names
            .into_iter()
            .map(|property| MissReason::PropertyChanged {
                name: name.to_owned(),
                property: property.clone(),
                old: old.get(property).cloned(),
                new: new.get(property).cloned(),
            }),
    );
}
