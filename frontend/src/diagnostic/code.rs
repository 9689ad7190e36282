//! The kinds of findings, by the codes that people look up.

use std::fmt;

/// The kind of a diagnostic: `E0102` for an error, the rule's name for a warning.
///
/// Names of rules that BuildKit has, too, are the same as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(&'static str);

impl Code {
    /// The file, or a part of it, is larger than the limit.
    pub const TOO_LARGE: Self = Self("E0101");
    /// No instruction has this name.
    pub const UNKNOWN_INSTRUCTION: Self = Self("E0102");
    /// The file is not UTF-8.
    pub const NOT_UTF8: Self = Self("E0103");
    /// A parser directive is repeated or has a value that it can't have.
    pub const INVALID_DIRECTIVE: Self = Self("E0104");
    /// The file has no stage.
    pub const NO_STAGE: Self = Self("E0105");
    /// Something other than ARG comes before the first FROM.
    pub const BEFORE_FROM: Self = Self("E0106");
    /// A heredoc has no end.
    pub const UNTERMINATED_HEREDOC: Self = Self("E0107");
    /// A heredoc is where there can't be one.
    pub const MISPLACED_HEREDOC: Self = Self("E0108");

    /// The instruction has no such flag.
    pub const UNKNOWN_FLAG: Self = Self("E0201");
    /// A flag has no value, and needs one.
    pub const MISSING_FLAG_VALUE: Self = Self("E0202");
    /// A flag has a value that it can't have.
    pub const INVALID_FLAG_VALUE: Self = Self("E0203");
    /// A flag that may be given once is given twice.
    pub const DUPLICATE_FLAG: Self = Self("E0204");
    /// A variable is where none is expanded.
    pub const VARIABLE_NOT_ALLOWED: Self = Self("E0205");
    /// iechor can't do this (yet).
    pub const UNSUPPORTED: Self = Self("E0206");

    /// An instruction has too few arguments.
    pub const MISSING_ARGUMENT: Self = Self("E0301");
    /// An instruction has too many arguments.
    pub const TOO_MANY_ARGUMENTS: Self = Self("E0302");
    /// `name=value` is expected and something else is there.
    pub const INVALID_ASSIGNMENT: Self = Self("E0303");
    /// A JSON array holds something other than strings.
    pub const INVALID_JSON: Self = Self("E0304");
    /// An argument can't have this value.
    pub const INVALID_ARGUMENT: Self = Self("E0305");

    /// A stage can't have this name.
    pub const INVALID_STAGE_NAME: Self = Self("E0401");
    /// FROM is neither `FROM base` nor `FROM base AS name`.
    pub const INVALID_FROM: Self = Self("E0402");
    /// ONBUILD can't trigger this instruction.
    pub const INVALID_TRIGGER: Self = Self("E0403");

    /// No mount has this type.
    pub const UNKNOWN_MOUNT_TYPE: Self = Self("E0501");
    /// No mount, or not this type of mount, has such an option.
    pub const UNKNOWN_MOUNT_OPTION: Self = Self("E0502");
    /// An option that the mount must have is not there.
    pub const MISSING_MOUNT_OPTION: Self = Self("E0503");
    /// An option of a mount has a value that it can't have.
    pub const INVALID_MOUNT_OPTION: Self = Self("E0504");

    /// `${…}` is malformed, or a quote is not closed.
    pub const BAD_SUBSTITUTION: Self = Self("E0601");
    /// `${name:?}` and the variable has no value.
    pub const REQUIRED_VARIABLE: Self = Self("E0602");

    /// Stages need each other, or name a base that there can't be. Found by the build's planner.
    pub const STAGES: Self = Self("E0701");
    /// The instruction could not be executed. Found while building.
    pub const STEP_FAILED: Self = Self("E0702");

    /// `# syntax=` names something that iechor does not know; it is not used.
    pub const UNKNOWN_SYNTAX: Self = Self("UnknownSyntax");
    /// A blank line inside a continuation.
    pub const EMPTY_CONTINUATION: Self = Self("NoEmptyContinuation");
    /// Two stages have the same name.
    pub const DUPLICATE_STAGE_NAME: Self = Self("DuplicateStageName");
    /// A stage has a name that means something else.
    pub const RESERVED_STAGE_NAME: Self = Self("ReservedStageName");
    /// A stage's name has upper-case letters.
    pub const STAGE_NAME_CASING: Self = Self("StageNameCasing");
    /// FROM and AS are in different cases.
    pub const FROM_AS_CASING: Self = Self("FromAsCasing");
    /// MAINTAINER is a thing of the past.
    pub const MAINTAINER_DEPRECATED: Self = Self("MaintainerDeprecated");
    /// `ENV name value` is a thing of the past.
    pub const LEGACY_KEY_VALUE: Self = Self("LegacyKeyValueFormat");
    /// An argument looks like a JSON array and is none, so it is given to the shell.
    pub const JSON_LIKE: Self = Self("JSONLikeShellForm");
    /// An EXPOSE protocol is not in lower case.
    pub const EXPOSE_PROTO_CASING: Self = Self("ExposeProtoCasing");
    /// Of several instructions of this kind in a stage only the last one counts.
    pub const MULTIPLE_INSTRUCTIONS: Self = Self("MultipleInstructionsDisallowed");

    /// The code as people write it.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
